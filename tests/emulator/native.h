/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Run one instruction on the real processor, from any register state a user process can
 * have, and see what became of it.  See native.c.
 */
#ifndef TESTS_EMULATOR_NATIVE_H
#define TESTS_EMULATOR_NATIVE_H

#include "../../include/x86_emulate.h"

/* asm in native.c knows the offsets of what comes before fx */
struct native_state {
	u64 regs[16];
	u64 rip, rflags;
	u64 cs, ss, ds, es, fs, gs;
	u64 fs_base, gs_base;	/* in: used if the selector is null */
	u8 fx[512];		/* FXSAVE64 layout */
	u8 ymm_high[16][16];

	/* what ended it */
	int vector;
	u64 error, cr2;
};

/*
 * IRET to a 16-bit stack loads the low half of RSP alone: the rest stays what it was in
 * native_enter(), which runs on this stack.
 */
#define NATIVE_STACK	0x40000000ull

#define NATIVE_INTERRUPTED	(-1)	/* by the watchdog: it was in a loop, or bad luck */

void native_init(void);
void native_run(struct native_state *s);

#endif
