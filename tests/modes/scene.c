// SPDX-License-Identifier: GPL-2.0
/*
 * scene.c - the guest's memory: tables, segments, stacks and pages of every kind.
 *
 * Linear addresses below SCENE_BYTES are physical ones where a page is mapped; page tables
 * lie elsewhere and never change: their accessed and dirty bits are all set.  Holes,
 * read-only pages and so on exist where there is paging, elsewhere all is memory.
 */
#include <stdlib.h>
#include <string.h>
#include "modes.h"

static u8 *memory, *tables;

static void put(u32 at, u64 val, unsigned int bytes)
{
	memcpy(memory + at, &val, bytes);
}

/* ------------------------------------------------------------------------
 * Descriptors
 */

#define F_G	0x8
#define F_DB	0x4
#define F_L	0x2

static const struct {
	u32 base, limit;
	u8 type, flags;
	bool absent;
} segments[NR_SEGMENTS] = {
	[C32] = { 0, 0xfffff, 11, F_G | F_DB },	/* code */
	[C16] = { 0, 0xffff, 11, 0 },	/* 16-bit code */
	[C64] = { 0, 0xfffff, 11, F_G | F_L },	/* 64-bit code */
	[C32_CONF] = { 0, 0xfffff, 15, F_G | F_DB },	/* conforming code */
	[C64_CONF] = { 0, 0xfffff, 15, F_G | F_L },	/* 64-bit conforming code */
	[C32_EXEC] = { 0, 0xfffff, 8, F_G | F_DB },	/* execute-only code, not accessed */
	[C32_SHORT] = { 0, 0x9fff, 10, F_DB },	/* code with a limit */
	[C32_ABSENT] = { 0, 0xfffff, 11, F_G | F_DB, true },	/* absent code */
	[C16_BASED] = { CODE_U, 0x1fff, 11, 0 },	/* 16-bit code with a base */
	[C_LD] = { 0, 0xfffff, 11, F_G | F_DB | F_L },	/* code with L and D */
	[D32] = { 0, 0xfffff, 3, F_G | F_DB },	/* data */
	[D16] = { 0, 0xffff, 3, 0 },	/* 16-bit data */
	[D32_RO] = { 0, 0xfffff, 1, F_G | F_DB },	/* read-only data */
	[D32_SHORT] = { DATA_U, 0x1fff, 3, F_DB },	/* data with a limit */
	[D32_ODD] = { DATA_U, 0xffe, 2, F_DB },	/* data with an odd limit, not accessed */
	[D_DOWN] = { DATA_U, 0x7ff, 7, F_DB },	/* expand-down data */
	[D_DOWN16] = { DATA_U, 0xfff, 7, 0 },	/* 16-bit expand-down data */
	[D_ABSENT] = { 0, 0xfffff, 3, F_G | F_DB, true },	/* absent data */
	[D_WRAP] = { 0xfffff000, 0xfffff, 3, F_G | F_DB },	/* data around 4 GiB */
	[D_FRESH] = { 0, 0xfffff, 2, F_G | F_DB },	/* data, not accessed */
};

static u64 descriptor(u32 base, u32 limit, unsigned int type, unsigned int dpl,
		      unsigned int flags, bool absent)
{
	return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)type << 40 |
	       (u64)dpl << 45 | (u64)!absent << 47 | (u64)(limit >> 16 & 15) << 48 |
	       (u64)flags << 52 | (u64)(base >> 24) << 56;
}

static u64 gate(u16 selector, u32 offset, unsigned int type, unsigned int dpl, unsigned int low)
{
	return (offset & 0xffff) | (u64)selector << 16 | (u64)low << 32 | (u64)type << 40 |
	       (u64)dpl << 45 | 1ull << 47 | (u64)(offset >> 16) << 48;
}

#define GATE_ABSENT	(1ull << 47)

static void put_descriptor(unsigned int index, u64 lo)
{
	put(GDT + 8 * index, lo, 8);
}

static void put_segments(void)
{
	unsigned int dpl, i;

	for (dpl = 0; dpl < 4; dpl++)
		for (i = 0; i < NR_SEGMENTS; i++)
			put_descriptor(FIRST_SEGMENT + dpl * NR_SEGMENTS + i,
				       descriptor(segments[i].base, segments[i].limit,
						  segments[i].type | 16, dpl,
						  segments[i].flags, segments[i].absent));
}

/* Where code at this level may run: handlers of the system lie in its own pages. */
static u32 entry_point(u16 selector, u32 offset)
{
	bool inner = !(selector & 3) && (selector & ~7u) != (SELECTOR(0, C32_CONF) & ~7u) &&
		     (selector & ~7u) != (SELECTOR(0, C64_CONF) & ~7u);

	return (inner ? HANDLERS_0 : HANDLERS_U) + offset;
}

static const struct {
	u16 selector;
	u8 type, dpl, params;
	bool absent;
} call_gates[NR_CALL_GATES] = {
	{ SELECTOR(0, C32), 12, 3, 0 }, { SELECTOR(0, C32), 12, 3, 2 },
	{ SELECTOR(1, C32), 12, 3, 1 }, { SELECTOR(2, C32), 12, 3, 0 },
	{ SELECTOR(3, C32), 12, 3, 0 }, { SELECTOR(0, C32_CONF), 12, 3, 0 },
	{ SELECTOR(0, C16), 4, 3, 1 }, { SELECTOR(0, C32), 4, 3, 3 },
	{ SELECTOR(0, C32), 12, 3, 0, true }, { 0, 12, 3, 0 },
	{ SELECTOR(0, D32), 12, 3, 0 }, { SELECTOR(0, C32), 12, 0, 0 },
	{ SELECTOR(0, C32_ABSENT), 12, 3, 0 }, { SELECTOR(0, C32_SHORT), 12, 3, 0 },
};

static void put_gates(unsigned int at)
{
	static const u16 tasks[NR_TASK_GATES] = {
		SYSTEM_SEL(S_NEXT32_0), SYSTEM_SEL(S_NEXT16), SYSTEM_SEL(S_BUSY32), 0,
		SYSTEM_SEL(S_TSS_ABSENT), SYSTEM_SEL(S_LDT),
	};
	static const u8 bad_types[] = { 0, 8, 10, 13, 14, 15, 6, 7 };
	unsigned int i;
	u64 lo;

	for (i = 0; i < NR_CALL_GATES; i++) {
		u32 offset = entry_point(call_gates[i].selector, 0x900);

		/* Beyond the limit. */
		if (call_gates[i].selector == SELECTOR(0, C32_SHORT))
			offset = CODE_S + 0x900;
		lo = gate(call_gates[i].selector, offset, call_gates[i].type,
			  call_gates[i].dpl, call_gates[i].params);
		put_descriptor(at++, call_gates[i].absent ? lo & ~GATE_ABSENT : lo);
	}
	for (i = 0; i < NR_TASK_GATES; i++)
		put_descriptor(at++, gate(tasks[i], 0, 5, 3, 0));
	for (i = 0; i < ARRAY_SIZE(bad_types); i++)
		put_descriptor(at++, gate(SELECTOR(0, C32), HANDLERS_0, bad_types[i], 3, 0));
}

/*
 * TCG switches tasks by itself though that is intercepted (APM volume 2, "Task Switch
 * Intercept"), and then runs on the CR3 of a 32-bit TSS as if it were the host's.
 */
static void put_system(void)
{
	unsigned int i = FIRST_SYSTEM;

	put_descriptor(i++, descriptor(TSS_32, 0xc8, 11, 0, 0, false));
	put_descriptor(i++, descriptor(TSS_16, 0x2b, 3, 0, 0, false));
	put_descriptor(i++, descriptor(TSS_NEXT_32, 0x67, 9, 0, 0, !intel));
	put_descriptor(i++, descriptor(TSS_NEXT_32, 0x67, 9, 3, 0, !intel));
	put_descriptor(i++, descriptor(TSS_NEXT_16, 0x2b, 1, 3, 0, false));
	put_descriptor(i++, descriptor(TSS_NEXT_32 + 0x300, 0x67, 11, 3, 0, !intel));
	put_descriptor(i++, descriptor(TSS_NEXT_32 + 0x400, 0x2b, 3, 3, 0, false));
	put_descriptor(i++, descriptor(TSS_NEXT_32, 0x66, 9, 3, 0, false));
	put_descriptor(i++, descriptor(TSS_NEXT_32, 0x67, 9, 3, 0, true));
	put_descriptor(i++, descriptor(TSS_NEXT_VM86, 0x67, 9, 3, 0, !intel));
	put_descriptor(i++, descriptor(LDT, 0x7ff, 2, 3, 0, false));
	put_descriptor(i++, descriptor(LDT, 0x7ff, 2, 3, 0, true));
	put_gates(i);
	/* The LDT has the same, so that what belongs into the GDT is there, too. */
	memcpy(memory + LDT, memory + GDT, FIRST_LONG * 8);
}

/* ------------------------------------------------------------------------
 * Descriptors of long mode
 */

static void put_long(u32 at, u64 lo, u64 hi)
{
	put(at, lo, 8);
	put(at + 8, hi, 8);
}

static void put_long_system(void)
{
	static const u16 targets[] = {
		SELECTOR(0, C64), SELECTOR(1, C64), SELECTOR(2, C64), SELECTOR(3, C64),
		SELECTOR(0, C64_CONF), SELECTOR(0, C32), SELECTOR(0, C_LD),
		SELECTOR(0, C32_ABSENT), 0, SELECTOR(0, D32),
	};
	u32 at = GDT + 8 * FIRST_LONG;
	unsigned int i;
	u64 lo;

	put_long(at, descriptor(TSS_64, 0xa8, 11, 0, 0, false), 0);
	put_long(at + 16, descriptor(TSS_64, 0xa8, 9, 3, 0, false), 0);
	put_long(at + 32, descriptor(TSS_64, 0xa8, 9, 3, 0, true), 0);
	put_long(at + 48, descriptor(TSS_64, 0xa8, 9, 3, 0, false), 0x8000);
	put_long(at + 64, descriptor(LDT, 0x7ff, 2, 3, 0, false), 0);
	put_long(at + 80, descriptor(LDT, 0x7ff, 2, 3, 0, false), 0x8000);
	at += 16 * L_GATES;
	for (i = 0; i < ARRAY_SIZE(targets); i++, at += 16)
		put_long(at, gate(targets[i], entry_point(targets[i], 0x980), 12, 3, 0), 0);
	lo = gate(SELECTOR(0, C64), HANDLERS_0, 12, 3, 0);
	put_long(at, lo & ~GATE_ABSENT, 0);
	put_long(at + 16, lo, 0x8000);		/* not canonical */
	put_long(at + 32, lo, 12ull << 40);	/* its second half is none */
	put_long(at + 48, gate(SELECTOR(0, C64), HANDLERS_0, 12, 0, 0), 0);
	/* For compatibility mode: the LDT has the gates as well. */
	memcpy(memory + LDT + 8 * FIRST_LONG, memory + GDT + 8 * FIRST_LONG, 16 * NR_LONG);
}

/* ------------------------------------------------------------------------
 * IDTs
 */

/* Gates through all kinds of code segments, and what is no gate. */
static void put_mixed_gates(u32 at)
{
	static const u8 types[] = { 14, 15, 6, 7 };
	static const u8 bad_types[] = { 0, 1, 2, 4, 8, 9, 10, 12, 13, 11, 3 };
	static const u16 targets[] = {
		SELECTOR(0, C32), SELECTOR(1, C32), SELECTOR(2, C32), SELECTOR(3, C32),
		SELECTOR(0, C32_CONF), SELECTOR(3, C32_CONF), SELECTOR(0, C16),
		SELECTOR(0, C32_SHORT), SELECTOR(0, C32_ABSENT), SELECTOR(0, D32), 0,
		LDT_SEL(SELECTOR(0, C32)),
	};
	static const u16 tasks[] = {
		SYSTEM_SEL(S_NEXT32_0), SYSTEM_SEL(S_NEXT16), SYSTEM_SEL(S_BUSY32),
		0, SYSTEM_SEL(S_TSS_ABSENT), SYSTEM_SEL(S_LDT), SYSTEM_SEL(S_NEXT_VM86),
		LDT_SEL(SYSTEM_SEL(S_NEXT32)), 0xfff8,
	};
	unsigned int v = 32, i, j;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		for (j = 0; j < ARRAY_SIZE(targets); j++, v++)
			put(at + 8 * v, gate(targets[j], entry_point(targets[j], 8 * v),
					     types[i], 3, 0), 8);
	for (i = 0; i < ARRAY_SIZE(tasks); i++, v++)
		put(at + 8 * v, gate(tasks[i], 0, 5, 3, 0), 8);
	for (i = 0; i < ARRAY_SIZE(bad_types); i++, v++)
		put(at + 8 * v, gate(SELECTOR(0, C32), HANDLERS_0 + 8 * v, bad_types[i], 3, 0), 8);
	for (i = 0; i < 3; i++, v++)
		put(at + 8 * v, gate(SELECTOR(0, C32), HANDLERS_0 + 8 * v, 14, i, 0), 8);
	put(at + 8 * v, gate(SELECTOR(0, C32), HANDLERS_0 + 8 * v, 14, 3, 0) & ~GATE_ABSENT, 8);
	while (++v < 256)
		put(at + 8 * v, gate(SELECTOR(0, C32), HANDLERS_0 + 8 * v, 14, 3, 0), 8);
}

static void put_idts(void)
{
	static const u16 selectors[] = {
		SELECTOR(0, C32), SELECTOR(0, C16), SELECTOR(0, C32_CONF), SELECTOR(1, C32),
	};
	static const u8 types[] = { 15, 6, 14, 14 };
	u16 next = SYSTEM_SEL(intel ? S_NEXT32_0 : S_NEXT16);
	unsigned int v;

	for (v = 0; v < 32; v++) {
		unsigned int i = v & 3;

		put(IDT + 8 * v, gate(SELECTOR(0, C32), HANDLERS_0 + 8 * v, 14, 0, 0), 8);
		put(IDT_MIXED + 8 * v, gate(selectors[i], entry_point(selectors[i], 8 * v),
					    types[i], 3, 0), 8);
	}
	/* Faults that end in another task. */
	put(IDT_MIXED + 8 * EXC_BR, gate(next, 0, 5, 3, 0), 8);
	put(IDT_MIXED + 8 * EXC_GP, gate(next, 0, 5, 3, 0), 8);
	put(IDT_MIXED + 8 * EXC_NP, gate(SYSTEM_SEL(S_NEXT16), 0, 5, 3, 0), 8);
	put_mixed_gates(IDT);
	put_mixed_gates(IDT_MIXED);
}

static void put_long_idt(void)
{
	static const u16 targets[] = {
		SELECTOR(0, C64), SELECTOR(1, C64), SELECTOR(2, C64), SELECTOR(3, C64),
		SELECTOR(0, C64_CONF), SELECTOR(3, C64_CONF), SELECTOR(0, C32),
		SELECTOR(0, C_LD), SELECTOR(0, C32_ABSENT), SELECTOR(0, D32), 0,
		LDT_SEL(SELECTOR(0, C64)),
	};
	static const u8 bad_types[] = { 0, 2, 5, 6, 7, 9, 11, 12 };
	unsigned int v, i, type;
	u32 at = IDT_LONG;

	for (v = 0; v < 256; v++)
		put_long(at + 16 * v, gate(SELECTOR(0, C64), HANDLERS_0 + 8 * v, 14, 3, 0), 0);
	for (v = 32, type = 14; type < 16; type++)
		for (i = 0; i < ARRAY_SIZE(targets); i++, v++)
			put_long(at + 16 * v, gate(targets[i], entry_point(targets[i], 8 * v),
						   type, 3, 0), 0);
	for (i = 1; i < 8; i++, v++)
		put_long(at + 16 * v, gate(SELECTOR(0, C64), HANDLERS_0 + 8 * v, 14, 3, i), 0);
	for (i = 0; i < ARRAY_SIZE(bad_types); i++, v++)
		put_long(at + 16 * v, gate(SELECTOR(0, C64), HANDLERS_0, bad_types[i], 3, 0), 0);
	for (i = 0; i < 3; i++, v++)
		put_long(at + 16 * v, gate(SELECTOR(0, C64), HANDLERS_0 + 8 * v, 14, i, 0), 0);
	put_long(at + 16 * v++, gate(SELECTOR(0, C64), 0, 14, 3, 0) & ~GATE_ABSENT, 0);
	put_long(at + 16 * v++, gate(SELECTOR(0, C64), 0, 14, 3, 0), 0x8000);
	put_long(at + 16 * v, gate(SELECTOR(0, C64_CONF), HANDLERS_U + 8 * v, 14, 3, 1), 0);
	/* Exceptions on stacks of their own. */
	put_long(at + 16 * EXC_UD, gate(SELECTOR(0, C64), HANDLERS_0 + 8 * EXC_UD, 14, 0, 1), 0);
	put_long(at + 16 * EXC_BR, gate(SELECTOR(0, C64), HANDLERS_0 + 8 * EXC_BR, 15, 0, 3), 0);
}

/* ------------------------------------------------------------------------
 * TSSs
 */

struct task {
	u32 ip, flags, sp;
	u16 es, cs, ss, ds, fs, gs, ldt;
};

static void put_tss32(u32 at, const struct task *t)
{
	const u16 segs[] = { t->es, t->cs, t->ss, t->ds, t->fs, t->gs, t->ldt };
	unsigned int i;

	memset(memory + at, 0, 0x68);
	put(at + 0x20, t->ip, 4);
	put(at + 0x24, t->flags, 4);
	for (i = 0; i < 8; i++)
		put(at + 0x28 + 4 * i, i == X86_RSP ? t->sp : 0x11111111 * (i + 1), 4);
	for (i = 0; i < 7; i++)
		put(at + 0x48 + 4 * i, segs[i], 2);
	put(at + 0x66, 0x68, 2);
}

static void put_tss16(u32 at, const struct task *t)
{
	const u16 segs[] = { t->es, t->cs, t->ss, t->ds, t->ldt };
	unsigned int i;

	memset(memory + at, 0, 0x2c);
	put(at + 0x0e, t->ip, 2);
	put(at + 0x10, t->flags, 2);
	for (i = 0; i < 8; i++)
		put(at + 0x12 + 2 * i, i == X86_RSP ? t->sp : 0x1111 * (i + 1), 2);
	for (i = 0; i < 5; i++)
		put(at + 0x22 + 2 * i, segs[i], 2);
}

static void put_next_tasks(void)
{
	const struct task next32 = {
		HANDLERS_0 + 0xa00, 2, STACK_0 + 0x1f00, SELECTOR(0, D32), SELECTOR(0, C32),
		SELECTOR(0, D32), SELECTOR(3, D32), SELECTOR(3, D32_RO), 0, SYSTEM_SEL(S_LDT),
	}, next16 = {
		HANDLERS_0 + 0xa80, 2, 0xdf00, SELECTOR(0, D16), SELECTOR(0, C16),
		SELECTOR(0, D16), SELECTOR(3, D32), .ldt = SYSTEM_SEL(S_LDT),
	}, vm86 = {
		HANDLERS_U - CODE_U + 0xa00, 0x23002, 0xff0, DATA_U >> 4, CODE_U >> 4,
		DATA_U >> 4, DATA_U >> 4, 0x1234, 0, SYSTEM_SEL(S_LDT),
	}, back32 = {
		HANDLERS_U + 0xb00, 0x202, STACK_3 + 0x1f00, SELECTOR(3, D32), SELECTOR(3, C32),
		SELECTOR(3, D32), SELECTOR(3, D32), 0, 0, 0,
	};

	put_tss32(TSS_NEXT_32, &next32);
	put_tss16(TSS_NEXT_16, &next16);
	put_tss32(TSS_NEXT_VM86, &vm86);
	put_tss32(TSS_NEXT_32 + 0x300, &back32);
	put_tss16(TSS_NEXT_32 + 0x400, &next16);
}

/* Ports below 0x200: every other group of four is denied. */
static void put_io_map(u32 at)
{
	memset(memory + at, 0xf0, 64);
	put(at + 64, 0xff, 1);
}

static void put_tsss(void)
{
	static const u32 stacks[] = { STACK_0 + 0x2000, STACK_1 + 0x1000, STACK_2 + 0x1000 };
	unsigned int i;

	memset(memory + TSS_32, 0, 0x800);
	put(TSS_32, SYSTEM_SEL(S_BUSY32), 2);
	put(TSS_16, SYSTEM_SEL(S_BUSY16), 2);
	for (i = 0; i < 3; i++) {
		put(TSS_32 + 4 + 8 * i, stacks[i], 4);
		put(TSS_32 + 8 + 8 * i, SELECTOR(i, D32), 2);
		put(TSS_16 + 2 + 4 * i, 0xe000 - 0x200 * i, 2);
		put(TSS_16 + 4 + 4 * i, SELECTOR(i, D32), 2);
		put(TSS_64 + 4 + 8 * i, stacks[i], 8);
	}
	/* The interrupt redirection bitmap of vm86 mode, then the I/O bitmap. */
	memset(memory + TSS_32 + 0x68, 0xcc, 32);
	put(TSS_32 + 0x66, 0x88, 2);
	put_io_map(TSS_32 + 0x88);
	put(TSS_64 + 0x24, STACK_0 + 0x1000, 8);
	put(TSS_64 + 0x2c, 0x800000001000, 8);
	put(TSS_64 + 0x34, STACK_0 + 0x10, 8);
	put(TSS_64 + 0x3c, STACK_1 + 0x1000, 8);
	put(TSS_64 + 0x44, HIGH + 0x1000, 8);
	put(TSS_64 + 0x4c, 0x7ffffffff7f7, 8);
	put(TSS_64 + 0x54, DATA_RO + 0x800, 8);
	put(TSS_64 + 0x66, 0x68, 2);
	put_io_map(TSS_64 + 0x68);
	put_next_tasks();
}

/* ------------------------------------------------------------------------
 * Page tables
 */

#define P	1u
#define W	2u
#define U	4u
#define LEAF	0x60u		/* accessed, dirty */
#define NX	(1ull << 63)

/* Offsets in the tables' memory. */
enum {
	PD_32 = 0, PT_32 = PAGE, PT_32_TOP = 2 * PAGE,
	PDPT_PAE = 3 * PAGE, PD_PAE = 4 * PAGE, PD_PAE_TOP = 5 * PAGE, PT = 6 * PAGE,
	PT_TOP = 7 * PAGE, PML4 = 8 * PAGE, PDPT = 9 * PAGE, PD = 10 * PAGE,
	PDPT_END = 11 * PAGE, PD_END = 12 * PAGE, PT_END = 13 * PAGE,
	PDPT_HIGH = 14 * PAGE, PD_HIGH = 15 * PAGE, PT_HIGH = 16 * PAGE,
};

static void put_entry(u32 table, unsigned int index, u64 entry, unsigned int bytes)
{
	memcpy(tables + table + index * bytes, &entry, bytes);
}

static const u8 rights[SCENE_PAGES] = {
	P | W | U, P | W, P | W, P | W, P | W, P | W, P | W, P | W,
	P | W | U, P | W | U, P | W, P | W, 0, P | W | U, P | W | U, P | U,
	P | W | U, P | W, P, 0, P | W, P | W, 0, P | W | U,
	P | W | U, P | W, P | W, P | W | U, P | W | U, P | W | U, P | W | U, P | W | U,
};

static u64 leaf_entry(unsigned int page, bool wide, u64 reserved)
{
	u64 entry = rights[page] ? page * PAGE | rights[page] | LEAF : 0;

	if (page == MMIO_PAGE / PAGE)
		entry = MMIO_GPA | P | W | U | LEAF;
	if (wide && page == DATA_NX / PAGE)
		entry |= NX;
	if (page == RESERVED / PAGE)
		entry = wide ? entry | reserved : 0;
	return entry;
}

static void put_leaves(u32 table, unsigned int bytes, u64 reserved)
{
	unsigned int i;

	for (i = 0; i < SCENE_PAGES; i++)
		put_entry(table, i, leaf_entry(i, bytes == 8, reserved), bytes);
}

#define TABLE(offset)	((TABLES_GPA + (offset)) | P | W | U | LEAF)
#define TO(pa)		((pa) | P | W | U | LEAF)

static void put_page_tables(u64 reserved)
{
	memset(tables, 0, TABLES_BYTES);
	put_entry(PD_32, 0, TABLE(PT_32), 4);
	put_entry(PD_32, 1023, TABLE(PT_32_TOP), 4);
	put_leaves(PT_32, 4, 0);
	put_entry(PT_32_TOP, 1023, TO(TOP_PAGE), 4);

	put_entry(PDPT_PAE, 0, (TABLES_GPA + PD_PAE) | P, 8);
	put_entry(PDPT_PAE, 3, (TABLES_GPA + PD_PAE_TOP) | P, 8);
	put_entry(PD_PAE, 0, TABLE(PT), 8);
	put_entry(PD_PAE_TOP, 511, TABLE(PT_TOP), 8);
	put_leaves(PT, 8, reserved);
	put_entry(PT_TOP, 511, TO(TOP_PAGE), 8);

	put_entry(PML4, 0, TABLE(PDPT), 8);
	put_entry(PDPT, 0, TABLE(PD), 8);
	put_entry(PD, 0, TABLE(PT), 8);
	put_entry(PML4, 255, TABLE(PDPT_END), 8);
	put_entry(PDPT_END, 511, TABLE(PD_END), 8);
	put_entry(PD_END, 511, TABLE(PT_END), 8);
	put_entry(PT_END, 511, TO(TOP_PAGE), 8);
	put_entry(PML4, 256, TABLE(PDPT_HIGH), 8);
	put_entry(PDPT_HIGH, 0, TABLE(PD_HIGH), 8);
	put_entry(PD_HIGH, 0, TABLE(PT_HIGH), 8);
	put_entry(PT_HIGH, 0, TO(HIGH_PAGE), 8);
}

u64 scene_cr3(unsigned int world)
{
	switch (world) {
	case PAGED:
		return TABLES_GPA + PD_32;
	case PAE:
		return TABLES_GPA + PDPT_PAE;
	case LONG:
		return TABLES_GPA + PML4;
	}
	return 0;
}

/* ------------------------------------------------------------------------ */

void scene_build(u8 *scene, u8 *page_tables, u64 reserved_bits)
{
	unsigned int v;

	memory = scene;
	tables = page_tables;
	memset(memory, FILLER, SCENE_BYTES);
	for (v = 0; v < 256; v++)
		put(4 * v, (u32)(HANDLERS_U >> 4) << 16 | 8 * v, 4);
	memset(memory + GDT, 0, PAGE);
	memset(memory + LDT, 0, PAGE);
	put_segments();
	put_system();
	put_long_system();
	put_idts();
	put_long_idt();
	put_tsss();
	put_page_tables(reserved_bits);
}

/* ------------------------------------------------------------------------
 * Questions about the scene
 */

u64 scene_descriptor(u16 selector)
{
	unsigned int index = selector >> 3;
	u64 d = 0;

	if (selector > 3 && index < GDT_ENTRIES)
		memcpy(&d, memory + (selector & 4 ? LDT : GDT) + 8 * index, 8);
	return d;
}

struct x86_seg scene_segment(u16 selector)
{
	struct emul_desc desc = { .lo = scene_descriptor(selector), .selector = selector };
	struct x86_seg seg = { .selector = selector, .ar = X86_AR_UNUSABLE };

	if (selector <= 3)
		return seg;
	emul_unpack_desc(&desc, &seg);
	seg.ar |= X86_AR_ACCESSED;
	return seg;
}

static struct x86_seg real_segment(const struct mode_case *c, u16 selector, unsigned int sreg)
{
	struct x86_seg seg = { .base = selector << 4, .limit = 0xffff, .selector = selector,
			       .ar = c->kind == KIND_VM86 ? 0xf3 : 0x93 };

	if (c->kind != KIND_VM86 && sreg == X86_CS)
		seg.ar = 0x9b;
	if (c->kind == KIND_UNREAL && sreg != X86_CS) {
		seg.limit = 0xffffffff;
		seg.ar |= X86_AR_G;
	}
	return seg;
}

struct x86_seg case_segment(const struct mode_case *c, unsigned int sreg)
{
	const u16 sels[] = { c->t.es, c->t.cs, c->t.ss, c->t.ds, c->t.fs, c->t.gs };
	struct x86_seg seg;

	if (c->kind <= KIND_VM86)
		return real_segment(c, sels[sreg], sreg);
	seg = scene_segment(sels[sreg]);
	if (sreg == X86_SS && (seg.ar & X86_AR_UNUSABLE))
		seg.ar |= c->cpl << X86_AR_DPL_SHIFT;
	if (sreg == X86_CS && (seg.ar & X86_AR_CONFORMING))
		seg.selector = (seg.selector & ~3) | c->cpl;
	if (c->kind == KIND_64 && sreg == X86_FS)
		seg.base = c->t.fs_base;
	if (c->kind == KIND_64 && sreg == X86_GS)
		seg.base = c->t.gs_base;
	return seg;
}

int scene_page(const struct mode_case *c, u64 la)
{
	if (c->kind != KIND_64)
		la = (u32)la;
	if (c->world > FLAT) {
		u64 top = c->world == LONG ? 0x7ffffffff000 : 0xfffff000;

		if ((la & ~0xfffull) == top)
			return TOP_PAGE / PAGE;
		if (c->world == LONG && (la & ~0xfffull) == HIGH)
			return HIGH_PAGE / PAGE;
	}
	if (la >= SCENE_BYTES || (c->world > FLAT && !rights[la / PAGE]))
		return -1;
	if (c->world > FLAT && (la / PAGE == MMIO_PAGE / PAGE || la / PAGE == RESERVED / PAGE))
		return -1;
	return la / PAGE;
}
