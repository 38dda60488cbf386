// SPDX-License-Identifier: GPL-2.0
/*
 * mmu_walk.c - the walker of the guest's page tables, compiled from one source
 * for each kind of table.
 *
 * Read next: include/paging_tmpl.h.
 */
#include <linux/uaccess.h>
#include "kvm.h"
#include "mmu_private.h"

#define GUEST_LEVELS 2
#include "paging_tmpl.h"
#undef GUEST_LEVELS

#define GUEST_LEVELS 3
#include "paging_tmpl.h"
#undef GUEST_LEVELS

#define GUEST_LEVELS 4
#include "paging_tmpl.h"
#undef GUEST_LEVELS
