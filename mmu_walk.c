// SPDX-License-Identifier: GPL-2.0
/*
 * mmu_walk.c - the walker of the guest's page tables, compiled from one source
 * for each kind of table, and who calls it.
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

#define LEVEL_NO_PAGING	5	/* "the leaf is above every level" */

int mmu_walk_guest(struct kvm_vcpu *vcpu, struct guest_walk *w, gva_t gva,
		   u32 pfec)
{
	if (vcpu->mmu.ops)
		return vcpu->mmu.ops->walk(vcpu, w, gva, pfec);
	w->level = LEVEL_NO_PAGING;
	w->access = ACC_ALL;
	w->gfn = gpa_to_gfn(gva);
	return 0;
}

gpa_t mmu_translate(struct kvm_vcpu *vcpu, gva_t gva, u32 pfec,
		    struct x86_fault_info *fault)
{
	struct guest_walk w;

	if (mmu_walk_guest(vcpu, &w, gva, pfec)) {
		*fault = w.fault;
		return INVALID_GPA;
	}
	return gfn_to_gpa(w.gfn) | offset_in_page(gva);
}
