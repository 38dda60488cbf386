// SPDX-License-Identifier: GPL-2.0
/*
 * Excursions into other modes of the processor, from either width of program;
 * mode.S does the switching.  Trusts the caller's page tables to map the low
 * megabyte, the stack and the GDT one to one.
 */
#include "bare.h"

/* As mode.S lays it out, as far as C is concerned. */
struct mode_transfer {
	u32 cr0, cr3, cr4, efer, cs, fn, arg;
	u64 result;
	s32 vector;
	u32 ip;
} __attribute__((packed));

extern struct mode_transfer mode_transfer;
extern const u8 real_stubs[32][8];
void mode_switch(void);

u64 mode_call(const struct machine_mode *mode, const void *fn, u32 arg)
{
	mode_transfer = (struct mode_transfer) {
		.cr0 = mode->cr0 | CR0_PE,
		.cr3 = mode->cr3,
		.cr4 = mode->cr4,
		.efer = mode->efer,
		.cs = mode->efer & EFER_LME ? SEL_CODE64 : SEL_CODE32,
		.fn = (uintptr_t)fn,
		.arg = arg,
	};
	mode_switch();
	return mode_transfer.result;
}

struct outcome real_call(const void *fn, u32 arg)
{
	volatile u16 (*ivt)[2] = NULL;
	unsigned int i;

	for (i = 0; i < 32; i++) {
		ivt[i][0] = (uintptr_t)real_stubs[i] - LOW_BASE;
		ivt[i][1] = LOW_BASE >> 4;
	}
	mode_transfer = (struct mode_transfer) {
		.fn = (uintptr_t)fn - LOW_BASE,
		.arg = arg,
		.vector = NO_FAULT,
	};
	mode_switch();
	return (struct outcome) {
		.vector = mode_transfer.vector,
		.ip = mode_transfer.ip,
		.value = mode_transfer.result,
	};
}
