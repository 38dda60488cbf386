// SPDX-License-Identifier: GPL-2.0
/*
 * Makes accesses and compares them with the model.  Owns the machine's paging
 * controls (struct machine now), the frames and the canaries.
 */
#include "paging_test.h"

#define CANARIES	16
#define LOW_SIZE	(256 * MIB)	/* mapped one to one: all of memory */
#define FAILURES_SHOWN	10

struct machine now;
struct rng rng;
unsigned int failures;

uintptr_t access_flags;

static unsigned int checks, faults;
static uintptr_t canaries[CANARIES];
static u32 next_value = 0x10000;	/* for writes: no two alike */

/* ------------------------------------------------------------------------
 * Set-up and controls
 */

/* "Auth"enticAMD and "Hygo"nGenuine. */
static void find_features(void)
{
	struct cpuid leaf1 = cpuid(1, 0), leaf7 = cpuid(7, 0), ext = cpuid(0x80000001, 0);
	struct cpuid max_ext = cpuid(0x80000000, 0);

	features = (struct features) {
		.amd = cpuid(0, 0).ebx == 0x68747541 || cpuid(0, 0).ebx == 0x6f677948,
		.pse36 = leaf1.edx & BIT(17),
		.pge = leaf1.edx & BIT(13),
		.nx = ext.edx & BIT(20),
		.gb_pages = ext.edx & BIT(26),
		.maxphyaddr = max_ext.eax >= 0x80000008 ? cpuid(0x80000008, 0).eax & 0xff : 36,
	};
	if (cpuid(0, 0).eax >= 7) {
		features.smep = leaf7.ebx & BIT(7);
		features.smap = leaf7.ebx & BIT(20);
	}
}

static void load_pdptes(void)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		now.pdpte[i] = ((volatile u64 *)now.root)[i];
}

void machine_root(uintptr_t root)
{
	now.root = root;
	if (now.form == &paging_pae)
		load_pdptes();
	write_cr3(root);
}

void flush_all(void)
{
	machine_root(now.root);
}

void flush_global(void)
{
	uintptr_t cr4 = read_cr4();

	if (now.form == &paging_pae)
		load_pdptes();
	write_cr4(cr4 ^ CR4_PGE);
	write_cr4(cr4);
}

void machine_controls(const struct machine *wanted)
{
	uintptr_t cr0 = read_cr0() & ~CR0_WP;
	uintptr_t cr4 = read_cr4() & ~(CR4_SMEP | CR4_SMAP | CR4_PGE);

	write_cr0(cr0 | (wanted->wp ? CR0_WP : 0));
	write_cr4(cr4 | (wanted->smep ? CR4_SMEP : 0) | (wanted->smap ? CR4_SMAP : 0) |
		  (wanted->pge ? CR4_PGE : 0));
	if (features.nx)
		wrmsr(MSR_EFER, (rdmsr(MSR_EFER) & ~EFER_NXE) | (wanted->nxe ? EFER_NXE : 0));
	now.wp = wanted->wp;
	now.smep = wanted->smep;
	now.smap = wanted->smap;
	now.pge = wanted->pge;
	now.nxe = wanted->nxe;
	if (now.form == &paging_pae)
		load_pdptes();
}

void machine_setup(const struct paging *form)
{
	unsigned int i;

	find_features();
	for (i = 0; i < CANARIES; i++) {
		canaries[i] = page_alloc();
		memset((void *)canaries[i], 0xca, PAGE_SIZE);
	}
	now.form = form;
	now.pse = true;
	now.root = space_create(form, LOW_SIZE, false);
#if BITS == 32
	paging_on(form, now.root);
#endif
	machine_root(now.root);
	machine_controls(&(struct machine) { .wp = true, .nxe = features.nx });
}

u64 window(unsigned int index)
{
	if (now.form == &paging_long)
		return (u64)(8 + index) << 39 | 3ull << 30;
	return 0x80000000u + index * LOW_SIZE;
}

/* ------------------------------------------------------------------------
 * Frames
 */

/* Offsets in a frame: code, the LDT entry, and data read and written. */
#define OFFSET_LDT	128
#define OFFSET_DATA	512
#define LDT_ENTRY	0x00cff3000000ffffull	/* data, accessed, for CPL 3 */

/* "mov $number, %eax; ret", the same in all widths, and data. */
void frame_fill(uintptr_t frame)
{
	u8 *code = (u8 *)frame;
	u32 *data = (u32 *)(frame + FRAME_DATA), number = frame >> 12, i;

	code[0] = 0xb8;
	memcpy(code + 1, &number, 4);
	code[5] = 0xc3;
	for (i = 0; i < (PAGE_SIZE - FRAME_DATA) / 4; i++)
		data[i] = number * 1000 + i;
	*(u64 *)(frame + OFFSET_LDT) = LDT_ENTRY;
}

uintptr_t frame_alloc(void)
{
	uintptr_t frame = page_alloc();

	frame_fill(frame);
	return frame;
}

void canaries_check(void)
{
	unsigned int i, j;

	for (i = 0; i < CANARIES; i++)
		for (j = 0; j < PAGE_SIZE / 4; j++)
			if (((u32 *)canaries[i])[j] != 0xcacacaca)
				die("canary %u was written at %x", i, j * 4);
}

/* ------------------------------------------------------------------------
 * Accesses, as functions for try_call() and user_call()
 */

static uintptr_t read_word(uintptr_t va, uintptr_t b)
{
	(void)b;
	return *(volatile u32 *)va;
}

static uintptr_t write_word(uintptr_t va, uintptr_t value)
{
	*(volatile u32 *)va = value;
	return 0;
}

static void set_ac(bool on)
{
	uintptr_t flags;

	asm volatile("pushf; pop %0" : "=r"(flags) : : "memory");
	flags = on ? flags | RFLAGS_AC : flags & ~RFLAGS_AC;
	asm volatile("push %0; popf" : : "r"(flags) : "memory", "cc");
}

/* A fault on the way restores the flags. */
static uintptr_t read_word_ac(uintptr_t va, uintptr_t b)
{
	uintptr_t value;

	set_ac(true);
	value = read_word(va, b);
	set_ac(false);
	return value;
}

static uintptr_t write_word_ac(uintptr_t va, uintptr_t value)
{
	set_ac(true);
	write_word(va, value);
	set_ac(false);
	return 0;
}

USER static uintptr_t user_read_word(uintptr_t va, uintptr_t b)
{
	(void)b;
	return *(volatile u32 *)va;
}

USER static uintptr_t user_write_word(uintptr_t va, uintptr_t value)
{
	*(volatile u32 *)va = value;
	return 0;
}

USER static uintptr_t user_load_fs(uintptr_t selector, uintptr_t b)
{
	(void)b;
	asm volatile("mov %0, %%fs" : : "r"(selector));
	return 0;
}

/*
 * The processor itself reads a descriptor, as a supervisor whatever the CPL:
 * an LDT begins in the page of @va, which holds a data segment for CPL 3.
 */
static struct outcome load_descriptor(u64 va, bool ac)
{
	u64 base = va & -PAGE_SIZE;
	unsigned int slot = GDT_ENTRIES - 2;

	gdt[slot] = 0x0000820000000fff | (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
	gdt[slot + 1] = base >> 32;
	asm volatile("lldt %w0" : : "r"(slot * 8));
	return user_call(user_load_fs, (va - base) | 7, 0, access_flags | (ac ? RFLAGS_AC : 0));
}

struct outcome access_make(const struct access *a, u32 value)
{
	uintptr_t va = a->va;

	switch (a->kind) {
	case READ:
		if (a->user)
			return user_call(user_read_word, va, 0, access_flags);
		return try_call(a->ac ? read_word_ac : read_word, va, 0);
	case WRITE:
		if (a->user)
			return user_call(user_write_word, va, value, access_flags);
		return try_call(a->ac ? write_word_ac : write_word, va, value);
	case FETCH:
		if (a->user)
			return user_call((void *)va, 0, 0, access_flags);
		return try_call((void *)va, 0, 0);
	default:
		return load_descriptor(va, a->ac);
	}
}

/* ------------------------------------------------------------------------
 * Comparison
 */

void fail(const char *format, ...)
{
	if (failures++ < FAILURES_SHOWN) {
		va_list args;

		va_start(args, format);
		printf("FAILED: ");
		vprintf(format, args);
		printf("\n");
		va_end(args);
	}
}

/* Prints what was done and expected after a line of fail(). */
void access_explain(const struct access *a, const struct walk *w, const struct outcome *o)
{
	static const char *const kinds[] = { "read", "write", "fetch", "descriptor load" };
	unsigned int level;

	if (failures > FAILURES_SHOWN)
		return;
	printf("  %s by %s%s at %llx; %s paging, root %lx%s%s%s%s%s\n", kinds[a->kind],
	       a->user ? "CPL 3" : "CPL 0", a->ac ? " with AC" : "", a->va, now.form->name,
	       (unsigned long)now.root, now.wp ? " WP" : "", now.nxe ? " NXE" : "",
	       now.smep ? " SMEP" : "", now.smap ? " SMAP" : "", now.pge ? " PGE" : "");
	for (level = w->top; level >= w->last && level; level--) {
		const struct walk_step *s = &w->step[level];

		printf("  level %u: entry %u of %lx was %llx, is %llx\n", level, s->index,
		       (unsigned long)s->table, s->entry,
		       entry_read(now.form, s->table, s->index));
	}
	if (w->fault)
		printf("  expected #PF, error %x", w->error);
	else
		printf("  expected address %llx", w->pa);
	if (o->vector == NO_FAULT)
		printf("; got value %lx\n", (unsigned long)o->value);
	else
		printf("; got exception %d, error %x, cr2 %lx, at %lx\n", o->vector, o->error,
		       (unsigned long)o->cr2, (unsigned long)o->ip);
}

/* What a successful access returned or left behind. */
static bool effect_right(const struct access *a, const struct walk *w, const struct outcome *o,
			 u32 value)
{
	if (a->kind == IMPLICIT)
		return true;
	if (a->kind == FETCH)
		return (u32)o->value == *(u32 *)((uintptr_t)w->pa + 1);
	if (a->kind == READ)
		return (u32)o->value == *(u32 *)(uintptr_t)w->pa;
	return *(u32 *)(uintptr_t)w->pa == value;
}

/* A faulting access may leave accessed bits where it passed, and no more. */
bool walk_bits_right(const struct access *a, const struct walk *w)
{
	unsigned int level;

	for (level = w->top; level >= w->last && level; level--) {
		const struct walk_step *s = &w->step[level];
		u64 is = entry_read(now.form, s->table, s->index), want = s->entry;

		/* The access itself may have written over the entry. */
		if (!w->fault && a->kind == WRITE &&
		    (w->pa & -8ull) == ((s->table + s->index * now.form->entry_size) & -8ull))
			continue;
		if (w->fault) {
			if ((is | PTE_A) != (want | PTE_A) || (want & ~is) ||
			    (!(want & PTE_P) && is != want))
				return false;
			continue;
		}
		want |= PTE_A;
		if (level == w->last && a->kind == WRITE)
			want |= PTE_D;
		if (is != want)
			return false;
	}
	return true;
}

bool check(const struct access *a)
{
	struct outcome o;
	struct walk w;
	u32 value = next_value++;

	checks++;
	model_walk(&now, a, &w);
	o = access_make(a, value);
	faults += w.fault;
	if (w.fault ? o.vector != 14 : o.vector != NO_FAULT)
		fail("wrong outcome");
	else if (w.fault && (o.error ^ w.error) & ~w.unsure)
		fail("wrong error code");
	else if (w.fault && (u64)o.cr2 != a->va)
		fail("wrong CR2");
	else if (!w.fault && !effect_right(a, &w, &o, value))
		fail("wrong memory");
	else if (!walk_bits_right(a, &w))
		fail("wrong accessed or dirty bits");
	else
		return true;
	access_explain(a, &w, &o);
	return false;
}

struct access access_of_kind(unsigned int kind, u64 va)
{
	static const struct access kinds[ACCESS_KINDS] = {
		{ .kind = READ }, { .kind = READ, .user = true }, { .kind = READ, .ac = true },
		{ .kind = FETCH }, { .kind = FETCH, .user = true },
		{ .kind = IMPLICIT, .user = true },
		{ .kind = WRITE }, { .kind = WRITE, .user = true }, { .kind = WRITE, .ac = true },
	};
	struct access a = kinds[kind];

	a.va = va & -PAGE_SIZE;
	if (a.kind == IMPLICIT)
		a.va += OFFSET_LDT;
	else if (a.kind != FETCH)
		a.va += OFFSET_DATA + (a.kind == WRITE) * 4;
	return a;
}

void check_all(u64 va)
{
	unsigned int kind;

	for (kind = 0; kind < ACCESS_KINDS; kind++) {
		struct access a = access_of_kind(kind, va);

		check(&a);
	}
}

int report(const char *test)
{
	canaries_check();
	printf("%s, %s paging: %u accesses checked, %u of them faults, %u failures\n", test,
	       now.form->name, checks, faults, failures);
	return failures || !checks ? FAIL : PASS;
}
