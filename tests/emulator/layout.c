// SPDX-License-Identifier: GPL-2.0
/*
 * The memory and segments of the differential test, natively and in the machine.
 *
 * All areas lie at fixed addresses that 16-bit, 32-bit and 64-bit code can reach, with
 * unmapped pages between them, so that accesses at their ends fault.  The LDT has code
 * and data segments of every kind that the kernel allows a process.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "case.h"

#define CODE_A	0x10000000ull
#define CODE_B	0x10010000ull
#define CODE_C	0x10020000ull
#define DATA_A	0x20000000ull
#define DATA_B	0x20010000ull
#define DATA_C	0x20020000ull
#define STACK	0x30000000ull

struct area areas[] = {
	{ "code", CODE_A, 1, 1, 1, },
	{ "code of two pages", CODE_B, 2, 3, 3, },
	{ "code before data", CODE_C, 2, 3, 1, },
	{ "data", DATA_A, 2, 3, 0, },
	{ "data, then read-only", DATA_B, 2, 1, 0, },
	{ "read-only, then data", DATA_C, 2, 2, 0, },
	{ "stack", STACK, 2, 3, 0, },
	{ "above 4 GiB", 0x7e0000000000ull, 2, 3, 0, },
	{ "end of user space", 0x7fffffffe000ull, 1, 1, 0, .optional = true },
	{ "end of 4 GiB", 0xfffff000ull, 2, 3, 0, },
	{ "first 64 KiB", 0, 8, 0xff, 0, .optional = true },
	{ "first 64 KiB, second half", 0x8000, 8, 0xff, 0, .optional = true },
	{ "beyond 64 KiB", 0x10000, 1, 1, 0, },
};
const unsigned int nr_areas = ARRAY_SIZE(areas);

const struct ldt_segment ldt_segments[] = {
	[1] = { CODE_A, 0xfff, 2 },
	[2] = { CODE_A, 0xfff, 2, .bits32 = true },
	[3] = { CODE_B, 0x1fff, 2 },
	[4] = { CODE_B, 0x1fff, 2, .bits32 = true },
	[5] = { 0, 0xfffff, 2, .pages = true },			/* 16-bit code, no limit */
	[6] = { CODE_B, 0x1003, 2, .bits32 = true },		/* ends inside a page */
	[7] = { CODE_B, 0x1fff, 2, .bits32 = true, .read_only = true },	/* execute only */
	[8] = { CODE_B, 0x1fff, 2, .bits32 = true, .absent = true },
	[9] = { CODE_C, 0x1fff, 2 },
	[10] = { 0, 0xfffff, 0, .bits32 = true, .pages = true },
	[11] = { DATA_A, 0x1fff, 0, .bits32 = true },
	[12] = { DATA_A, 0x0ffe, 0, .bits32 = true },
	[13] = { DATA_A, 0x1fff, 0, .bits32 = true, .read_only = true },
	[14] = { DATA_A, 0x07ff, 1, .bits32 = true },		/* expand-down */
	[15] = { DATA_A, 0x0fff, 1 },				/* the same, to 64 KiB */
	[16] = { DATA_A, 0x1fff, 0, .bits32 = true, .absent = true },
	[17] = { STACK, 0x1fff, 0 },				/* 16-bit stack */
	[18] = { STACK, 0x1fff, 0, .bits32 = true },
	[19] = { STACK, 0x07ff, 1 },
	[20] = { 0xffffff00, 0xfffff, 0, .bits32 = true, .pages = true },	/* wraps */
	[21] = { DATA_B, 0x1fff, 0 },
	[22] = { 0, 0xfffff, 0, .pages = true },		/* 16-bit, 4 GiB */
	[23] = { 0, 0, 1, .bits32 = true, .pages = true },	/* expand-down, all but a page */
};
const unsigned int nr_ldt_segments = ARRAY_SIZE(ldt_segments);

/* Kernel addresses: any that user code cannot touch would do. */
#define GDT_LA		0xfffffe0000001000ull
#define LDT_LA		0xfffffe0000002000ull
#define IDT_LA		0xfffffe0000003000ull
#define TSS_LA		0xfffffe0000005000ull
#define KERNEL_STACK_LA	0xfffffe0000007000ull

static u64 gdt[16], ldt[512], idt[512];
static u8 tss[4096], kernel_stack[4096];

static u64 descriptor(const struct ldt_segment *s)
{
	u64 type = s->contents << 2 | !s->read_only << 1 | 1;

	return (s->limit & 0xffff) | (u64)(s->base & 0xffffff) << 16 | type << 40 |
	       1ull << 44 | 3ull << 45 | (u64)!s->absent << 47 |
	       (u64)(s->limit >> 16 & 15) << 48 | (u64)s->bits32 << 54 |
	       (u64)s->pages << 55 | (u64)(s->base >> 24) << 56;
}

static void write_ldt(unsigned int n, const struct ldt_segment *s)
{
	struct user_desc d = {
		.entry_number = n, .base_addr = s->base, .limit = s->limit,
		.seg_32bit = s->bits32, .contents = s->contents,
		.read_exec_only = s->read_only, .limit_in_pages = s->pages,
		.seg_not_present = s->absent,
	};

	if (syscall(SYS_modify_ldt, 0x11, &d, sizeof(d))) {
		printf("needs modify_ldt: %s\n", strerror(errno));
		exit(77);
	}
	ldt[n] = descriptor(s);
}

/* The kernel's GDT as user code can see it; Linux's layout, checked with LAR and LSL. */
static void init_gdt(void)
{
	u32 ar, limit;
	unsigned int i;
	u8 ok;

	gdt[1] = 0x00cf9b000000ffffull;
	gdt[2] = 0x00af9b000000ffffull;
	gdt[3] = 0x00cf93000000ffffull;
	gdt[4] = 0x00cffb000000ffffull;
	gdt[5] = 0x00cff3000000ffffull;
	gdt[6] = 0x00affb000000ffffull;
	for (i = 7; i < 16; i++) {
		asm volatile("lar %2, %0\n\tsetz %1" : "=r" (ar), "=q" (ok)
			     : "r" (i * 8 + 3) : "cc");
		if (!ok)
			continue;
		asm volatile("lsl %1, %0" : "=r" (limit) : "r" (i * 8 + 3) : "cc");
		gdt[i] = (limit & 0xffff) | (u64)(limit & 0xf0000) << 32 | (u64)ar << 32;
	}
	for (i = 4; i <= 6; i++) {
		asm volatile("lar %2, %0\n\tsetz %1" : "=r" (ar), "=q" (ok)
			     : "r" (i * 8 + 3) : "cc");
		if (!ok || (ar & 0xf0ff00) != (gdt[i] >> 32 & 0xf0ff00)) {
			fprintf(stderr, "GDT entry %u is not what Linux has there\n", i);
			exit(1);
		}
	}
}

/* Interrupt gates to a handler per vector; user code may call 3 and 4. */
static void init_idt(void)
{
	const u64 rsp0 = KERNEL_STACK_LA + sizeof(kernel_stack);
	unsigned int i;

	for (i = 0; i < 256; i++) {
		u64 offset = HANDLER_LA + 16 * i, dpl = i == 3 || i == 4 ? 3 : 0;

		idt[2 * i] = (offset & 0xffff) | 0x10 << 16 | 14ull << 40 | dpl << 45 |
			     1ull << 47 | (offset >> 16 & 0xffff) << 48;
		idt[2 * i + 1] = offset >> 32;
	}
	memcpy(tss + 4, &rsp0, 8);
}

u64 layout_descriptor(u16 selector)
{
	unsigned int i = selector >> 3;

	if (selector & 4)
		return i < nr_ldt_segments ? ldt[i] : 0;
	return i < ARRAY_SIZE(gdt) ? gdt[i] : 0;
}

struct x86_seg layout_segment(u16 selector)
{
	struct emul_desc desc = { .lo = layout_descriptor(selector), .selector = selector };
	struct x86_seg seg = { .selector = selector, .ar = X86_AR_UNUSABLE };

	if (selector > 3 && desc.lo)
		emul_unpack_desc(&desc, &seg);
	return seg;
}

/* ------------------------------------------------------------------------
 * What else is mapped
 */

static struct { u64 from, to; } foreign[512];
static unsigned int nr_foreign;

struct area *layout_area(u64 la)
{
	static struct area *last = areas;
	unsigned int i;

	if (last->mapped && la - last->base < last->pages * 4096ull)
		return last;
	for (i = 0; i < nr_areas; i++)
		if (areas[i].mapped && la - areas[i].base < areas[i].pages * 4096ull)
			return last = &areas[i];
	return NULL;
}

static void note_foreign(u64 from, u64 to)
{
	if (layout_area(from) || nr_foreign == ARRAY_SIZE(foreign))
		return;
	foreign[nr_foreign].from = from;
	foreign[nr_foreign++].to = to;
}

static void read_maps(void)
{
	unsigned long long from, to;
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx-%llx", &from, &to) == 2)
			note_foreign(from, to);
	if (f)
		fclose(f);
	/* Stacks and heaps grow. */
	note_foreign(0x7ffe00000000ull, 0x7fffffffe000ull);
}

bool layout_foreign(u64 la, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < nr_foreign; i++)
		if (la < foreign[i].to && la + len > foreign[i].from)
			return true;
	return false;
}

/* ------------------------------------------------------------------------ */

/* Does a null selector clear the base?  CPUID should say, but hypervisors may not. */
static bool null_clears_base(void)
{
	u64 old, base;

	asm volatile("rdfsbase %0\n\t"
		     "mov %2, %%fs\n\t"
		     "mov %3, %%fs\n\t"
		     "rdfsbase %1\n\t"
		     "wrfsbase %0"
		     : "=&r" (old), "=&r" (base) : "r" (LDT_SELECTOR(11)), "r" (0) : "memory");
	return !base;
}

static void map_pages(struct area *a)
{
	unsigned int i;
	void *p = mmap((void *)a->base, a->pages * 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_POPULATE, -1, 0);

	if (p != (void *)a->base) {
		if (a->optional)
			return;
		perror(a->name);
		exit(1);
	}
	a->mapped = true;
	memcpy(p, a->pattern, a->pages * 4096);
	for (i = 0; i < a->pages; i++)
		mprotect((u8 *)p + i * 4096, 4096, PROT_READ |
			 (a->writable & (1 << i) ? PROT_WRITE : 0) |
			 (a->executable & (1 << i) ? PROT_EXEC : 0));
}

static void init_area(struct machine *m, struct area *a)
{
	struct rng rng = { a->base };
	unsigned int i, bytes = a->pages * 4096;

	a->pattern = malloc(bytes);
	a->copy = malloc(bytes);
	if (!a->pattern || !a->copy)
		exit(1);
	for (i = 0; i < bytes; i += 8) {
		u64 word = rnd(&rng);

		memcpy(a->pattern + i, &word, 8);
	}
	if (a->executable)
		memset(a->pattern, 0xcc, bytes);
	memcpy(a->copy, a->pattern, bytes);
	map_pages(a);
	for (i = 0; i < a->pages && a->mapped; i++)
		machine_map(m, a->base + i * 4096, 4096, a->copy + i * 4096, PAGE_P | PAGE_U |
			    (a->writable & (1 << i) ? PAGE_W : 0) |
			    (a->executable & (1 << i) ? PAGE_X : 0));
}

void layout_init(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < nr_areas; i++)
		init_area(m, &areas[i]);
	read_maps();
	for (i = 1; i < nr_ldt_segments; i++)
		write_ldt(i, &ldt_segments[i]);
	init_gdt();
	machine_map(m, GDT_LA, 4096, (u8 *)gdt, PAGE_P | PAGE_W);
	machine_map(m, LDT_LA, 4096, (u8 *)ldt, PAGE_P | PAGE_W);
	machine_map(m, IDT_LA, 4096, (u8 *)idt, PAGE_P);
	memset(tss, 0xff, sizeof(tss));
	machine_map(m, TSS_LA, 4096, tss, PAGE_P | PAGE_W);
	machine_map(m, KERNEL_STACK_LA, 4096, kernel_stack, PAGE_P | PAGE_W);
	init_idt();

	m->gdtr_base = GDT_LA;
	m->gdtr_limit = sizeof(gdt) - 1;
	m->idtr_base = IDT_LA;
	m->idtr_limit = 0xfff;
	m->seg[X86_LDTR] = (struct x86_seg){ LDT_LA, nr_ldt_segments * 8 - 1, 0x50, 0x82 };
	m->seg[X86_TR] = (struct x86_seg){ TSS_LA, 0x206f, 0x40, 0x8b };
	m->cr0 = X86_CR0_PE | X86_CR0_MP | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP |
		 X86_CR0_AM | X86_CR0_PG;
	m->cr4 = X86_CR4_DE | X86_CR4_PSE | X86_CR4_PAE | X86_CR4_MCE | X86_CR4_PGE |
		 X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_UMIP | X86_CR4_FSGSBASE |
		 X86_CR4_OSXSAVE | X86_CR4_SMEP | X86_CR4_SMAP;
	m->efer = EFER_SCE_BIT | EFER_LME_BIT | EFER_LMA_BIT;
	machine_feature(m, 0x80000021, 0, 6, null_clears_base());
	asm volatile("xgetbv" : "=a" (m->xcr0) : "c" (0) : "rdx");
}
