/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A processor's state and some memory, for the emulator to work on.
 *
 * Every test of the emulator runs against this one implementation of its callbacks:
 * registers are fields, memory is a list of regions with page rights and bytes of their
 * own, devices are a log.  What paging would decide is the rights of the region.
 * Used by diff.c, unit*.c, fuzz.c and bench.c.
 */
#ifndef TESTS_EMULATOR_MACHINE_H
#define TESTS_EMULATOR_MACHINE_H

#include "../../emulate/emulate.h"

/* Rights of a region, as its page-table entries would have them. */
enum {
	PAGE_P = 1, PAGE_W = 2, PAGE_U = 4, PAGE_X = 8,
	PAGE_MMIO = 16,		/* reads are answered from outside, after X86_IO */
};

struct region {
	u64 base, size;
	u8 *mem;
	unsigned int rights;
};

#define MAX_REGIONS	40
#define MAX_LOG		64
#define MAX_MSRS	16
#define MAX_REPLAY	64

/* One access to a device or one system operation. */
struct log_entry {
	enum { LOG_IN, LOG_OUT, LOG_MMIO_WRITE, LOG_SYSTEM, LOG_SET_REG } what;
	u64 where, value;
	unsigned int size, count;
};

struct machine {
	struct x86_emulate_ctxt c;	/* first: callbacks get to the machine by it */
	struct x86_seg seg[8];
	u64 cr0, cr2, cr3, cr4, cr8, dr[8], xcr0, efer;
	u64 gdtr_base, gdtr_limit, idtr_base, idtr_limit;
	struct { u32 index; u64 val; } msr[MAX_MSRS];
	unsigned int nr_msrs;

	u8 fx[512];			/* FXSAVE64 image */
	u8 ymm_high[16][16];

	struct region region[MAX_REGIONS];
	unsigned int nr_regions;

	/* CPUID: the host's, unless an override has the leaf. */
	struct { u32 leaf, regs[4]; } cpuid[8];
	unsigned int nr_cpuids;

	struct log_entry log[MAX_LOG];
	unsigned int nr_log;

	/* MMIO reads and port input: answered so far in this instruction, and how. */
	bool answer_io;			/* at once, without X86_IO */
	unsigned int answered, asked;
	u64 input;			/* what devices give, counts up */
	u64 replay[MAX_REPLAY];

	u64 tsc, random;
	bool no_random;
	int force;			/* result of the next memory access, or 0 */
	unsigned int force_after;	/* ... that many accesses from now */

	unsigned int nr_writes;		/* of instructions, accessed bits and such aside */

	/* Told of every access that succeeds, and of every address asked for. */
	void (*on_write)(struct machine *m, u64 la, unsigned int len);
	void (*on_access)(struct machine *m, u64 la, unsigned int len);
	void (*on_locked)(struct machine *m, u64 la, unsigned int len);
};

extern const struct x86_emulate_ops machine_ops;

void machine_init(struct machine *m);
void machine_map(struct machine *m, u64 base, u64 size, u8 *mem, unsigned int rights);
/* The bytes at @la, which a region must hold whole, or NULL. */
u8 *machine_memory(struct machine *m, u64 la, unsigned int len);
void machine_set_msr(struct machine *m, u32 index, u64 val);
u64 machine_msr(struct machine *m, u32 index);
void machine_set_cpuid(struct machine *m, u32 leaf, u32 eax, u32 ebx, u32 ecx, u32 edx);
/* Set or clear a feature bit of the guest's CPUID. */
void machine_feature(struct machine *m, u32 leaf, unsigned int reg, unsigned int bit, bool on);
/* Let the device answer what was asked, so that the next try goes on. */
void machine_answer(struct machine *m);
/* Emulate one instruction, answering devices; returns what x86_emulate() did in the end. */
int machine_step(struct machine *m);

u8 *machine_xmm(struct machine *m, unsigned int reg);
u8 *machine_mm(struct machine *m, unsigned int reg);

#endif
