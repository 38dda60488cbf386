// SPDX-License-Identifier: GPL-2.0
/*
 * trace.c - defines the tracepoints of include/trace.h, once for the module.
 */
#include "kvm.h"
#include "x86_emulate.h"

#define CREATE_TRACE_POINTS
#include "trace.h"
