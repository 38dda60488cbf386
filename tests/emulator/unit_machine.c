// SPDX-License-Identifier: GPL-2.0
/*
 * The machine of the unit tests and of the fuzz target, and the modes it can be in: see
 * unit.h.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include "unit.h"

struct machine m;
u8 memory[1 << 20] __attribute__((aligned(4096)));

/* ------------------------------------------------------------------------
 * Tables
 */

void set_descriptor(unsigned int selector, u64 low, u64 high)
{
	store(GDT + (selector & ~7u), low, 8);
	if (high)
		store(GDT + (selector & ~7u) + 8, high, 8);
}

/* @type: access byte without DPL, and G, D/B, L, AVL in bits 15:12. */
u64 segment_descriptor(u32 base, u32 limit, u32 type, unsigned int dpl)
{
	return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 |
	       (u64)((type & 0xf0ff) | dpl << 5) << 40 | (u64)(limit >> 16 & 15) << 48 |
	       (u64)(base >> 24) << 56;
}

u64 gate_descriptor(u16 selector, u32 offset, unsigned int type, unsigned int dpl)
{
	return (offset & 0xffff) | (u64)selector << 16 | (u64)type << 40 | (u64)dpl << 45 |
	       1ull << 47 | (u64)(offset >> 16) << 48;
}

void set_idt(unsigned int vector, u64 low, u64 high)
{
	bool wide = m.efer & EFER_LMA_BIT;

	store(IDT + vector * (wide ? 16 : 8), low, 8);
	if (wide)
		store(IDT + vector * 16 + 8, high, 8);
}

static void init_gdt(void)
{
	set_descriptor(CODE32, segment_descriptor(0, 0xfffff, 0xc09b, 0), 0);
	set_descriptor(DATA32, segment_descriptor(0, 0xfffff, 0xc093, 0), 0);
	set_descriptor(CODE32_USER, segment_descriptor(0, 0xfffff, 0xc09b, 3), 0);
	set_descriptor(DATA32_USER, segment_descriptor(0, 0xfffff, 0xc093, 3), 0);
	set_descriptor(TSS_SEL, segment_descriptor(TSS_NOW, 0x3ff, 0x8b, 0), 0);
	set_descriptor(TSS_NEW_SEL, segment_descriptor(TSS_NEW, 0x67, 0x89, 0), 0);
	set_descriptor(LDT_SEL, segment_descriptor(LDT, 0x3f, 0x82, 0), 0);
	set_descriptor(GATE32, gate_descriptor(CODE32, CODE + 0x800, 0xc, 3), 0);
	set_descriptor(CONFORMING, segment_descriptor(0, 0xfffff, 0xc09f, 0), 0);
	set_descriptor(CODE16, segment_descriptor(0, 0xffff, 0x009b, 0), 0);
	set_descriptor(DATA16, segment_descriptor(0, 0xffff, 0x0093, 0), 0);
	set_descriptor(CODE_ABSENT, segment_descriptor(0, 0xfffff, 0xc01b, 0), 0);
	set_descriptor(DATA_ABSENT, segment_descriptor(0, 0xfffff, 0xc013, 0), 0);
	set_descriptor(DATA_RO, segment_descriptor(0, 0xfffff, 0xc091, 0), 0);
	set_descriptor(CODE_XO, segment_descriptor(0, 0xfffff, 0xc099, 0), 0);
	set_descriptor(CODE64, segment_descriptor(0, 0xfffff, 0xa09b, 0), 0);
	set_descriptor(CODE64_USER, segment_descriptor(0, 0xfffff, 0xa09b, 3), 0);
	set_descriptor(TSS16_SEL, segment_descriptor(TSS16_NEW, 0x2b, 0x81, 0), 0);
	set_descriptor(TASK_GATE, gate_descriptor(TSS_NEW_SEL, 0, 5, 3), 0);
	set_descriptor(GATE16, gate_descriptor(CODE16, CODE + 0x800, 4, 3), 0);
	set_descriptor(GATE64, gate_descriptor(CODE64, CODE + 0x800, 0xc, 3), 0);
	set_descriptor(CODE16_USER, segment_descriptor(0, 0xffff, 0x009b, 3), 0);
	set_descriptor(DATA16_USER, segment_descriptor(0, 0xffff, 0x0093, 3), 0);
	set_descriptor(EXPAND_DOWN, segment_descriptor(0, 0x7, 0xc097, 0), 0);
	set_descriptor(SMALL_CODE, segment_descriptor(0, 0x0fff, 0x409b, 0), 0);
}

static void init_tss(void)
{
	store(TSS_NOW + 4, INNER_STACK, 4);
	store(TSS_NOW + 8, DATA32, 4);
	store(TSS_NOW + 102, 104, 2);
}

static struct x86_seg segment(u16 selector)
{
	struct emul_desc desc = { .lo = load(GDT + (selector & ~7), 8), .selector = selector };
	struct x86_seg seg = { .ar = X86_AR_UNUSABLE, .selector = selector };

	if (selector > 3)
		emul_unpack_desc(&desc, &seg);
	return seg;
}

/* ------------------------------------------------------------------------
 * Modes
 */

static void reset(void)
{
	unsigned int i;

	machine_init(&m);
	/* Zero again; that costs no more than the pages that were used. */
	if (madvise(memory, sizeof(memory), MADV_DONTNEED))
		abort();
	machine_map(&m, 0, sizeof(memory), memory, PAGE_P | PAGE_W | PAGE_U | PAGE_X);
	machine_map(&m, READ_ONLY, 0x1000, memory + DATA, PAGE_P | PAGE_U | PAGE_X);
	machine_map(&m, SUPERVISOR, 0x1000, memory + DATA, PAGE_P | PAGE_W | PAGE_X);
	machine_map(&m, MMIO, 0x1000, NULL, PAGE_P | PAGE_W | PAGE_U | PAGE_MMIO);
	m.input = 0x11;
	init_gdt();
	init_tss();
	m.gdtr_base = GDT;
	m.gdtr_limit = 0xff;
	m.idtr_base = IDT;
	m.idtr_limit = 0x7ff;
	for (i = 0; i < 16; i++)
		m.c.regs[i] = 0x1000 + i;
	m.c.regs[X86_RSP] = STACK_TOP;
	machine_set_msr(&m, EMUL_MSR_KERNEL_GS_BASE, 0x12345000);
	machine_set_msr(&m, EMUL_MSR_TSC_AUX, 7);
	m.tsc = 0x123456789abcdefull;
	x86_emulate_set_cpuid(&m.c);
	m.c.vendor = X86_VENDOR_AMD_LIKE;
}

void selectors(u16 cs, u16 ss)
{
	m.seg[X86_CS] = segment(cs);
	m.seg[X86_SS] = segment(ss);
	m.seg[X86_DS] = m.seg[X86_ES] = m.seg[X86_FS] = m.seg[X86_GS] = segment(ss);
	x86_emulate_set_mode(&m.c);
}

void real_mode(void)
{
	reset();
	m.c.rip = CODE;
	m.c.regs[X86_RSP] = 0xf000;
	m.idtr_base = 0;
	m.idtr_limit = 0x3ff;
	x86_emulate_set_mode(&m.c);
}

static void enable_protection(void)
{
	m.cr0 = X86_CR0_PE | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_PG;
	m.cr4 = X86_CR4_OSFXSR;
	m.c.rip = CODE;
	m.seg[X86_TR] = segment(TSS_SEL);
	m.seg[X86_LDTR] = segment(LDT_SEL);
}

void protected_mode(unsigned int cpl)
{
	reset();
	enable_protection();
	selectors(cpl ? CODE32_USER : CODE32, cpl ? DATA32_USER : DATA32);
}

void protected16_mode(unsigned int cpl)
{
	reset();
	enable_protection();
	m.c.regs[X86_RSP] = 0xf000;
	selectors(cpl ? CODE16_USER : CODE16, cpl ? DATA16_USER : DATA16);
}

static void enable_long_mode(void)
{
	enable_protection();
	m.cr4 |= X86_CR4_PAE;
	m.efer = EFER_LME_BIT | EFER_LMA_BIT | EFER_SCE_BIT;
	m.idtr_limit = 0xfff;
	store(TSS_NOW + 4, INNER_STACK, 8);
	store(TSS_NOW + 36, INNER_STACK + 0x1000, 8);	/* IST 1 */
}

void long_mode(unsigned int cpl)
{
	reset();
	enable_long_mode();
	selectors(cpl ? CODE64_USER : CODE64, cpl ? DATA32_USER : DATA32);
}

void compatibility_mode(unsigned int cpl)
{
	reset();
	enable_long_mode();
	selectors(cpl ? CODE32_USER : CODE32, cpl ? DATA32_USER : DATA32);
}

void vm86_mode(unsigned int iopl)
{
	unsigned int i;

	reset();
	enable_protection();
	m.c.rflags |= X86_EFLAGS_VM | X86_EFLAGS_IF | iopl << X86_EFLAGS_IOPL_BIT;
	for (i = X86_ES; i <= X86_GS; i++)
		emul_vm86_seg(0, &m.seg[i]);
	m.c.regs[X86_RSP] = 0xf000;
	x86_emulate_set_mode(&m.c);
}
