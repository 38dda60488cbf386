// SPDX-License-Identifier: GPL-2.0
/*
 * What only some modes have: the top entries of PAE, 4 MiB pages above 4 GiB,
 * memory-mapped devices; and changes of mode, in which one page is a table of
 * several forms and is written while paging is off.
 */
#include "scene.h"

/* ------------------------------------------------------------------------
 * PAE: the four top entries live in the processor
 */

#define TOP_INDEX	3		/* the entry under test */
#define TOP_VA		0xc0000000u

static uintptr_t directories[2];

static void toggle_cr0(uintptr_t bits)
{
	uintptr_t cr0 = read_cr0();

	write_cr0(cr0 ^ bits);
	write_cr0(cr0);
}

static void toggle_cr4(uintptr_t bits)
{
	uintptr_t cr4 = read_cr4();

	write_cr4(cr4 ^ bits);
	write_cr4(cr4);
}

static void reload_by_cr3(void)
{
	write_cr3(now.root);
}

static void reload_by_pge(void)
{
	toggle_cr4(CR4_PGE);
}

static void reload_by_pse(void)
{
	toggle_cr4(CR4_PSE);
}

static void reload_by_smep(void)
{
	if (features.smep)
		toggle_cr4(CR4_SMEP);
	else
		write_cr3(now.root);
}

static void reload_by_cd(void)
{
	toggle_cr0(CR0_CD);
}

static void reload_by_pg(void)
{
	toggle_cr0(CR0_PG);
}

static void keep_by_wp(void)
{
	toggle_cr0(CR0_WP);
}

static void keep_by_ts(void)
{
	toggle_cr0(CR0_TS);
}

static void keep_by_invlpg(void)
{
	invlpg(TOP_VA);
}

static void keep_by_osfxsr(void)
{
	toggle_cr4(CR4_OSFXSR);
}

static void keep_by_same_cr4(void)
{
	write_cr4(read_cr4());
}

/* SDM vol. 3, "PDPTE Registers". */
static const struct reload {
	const char *name;
	void (*fn)(void);
	bool reloads;
} reload_ways[] = {
	{ "CR3", reload_by_cr3, true }, { "CR4.PGE", reload_by_pge, true },
	{ "CR4.PSE", reload_by_pse, true }, { "CR4.SMEP", reload_by_smep, true },
	{ "CR0.CD", reload_by_cd, true }, { "CR0.PG", reload_by_pg, true },
	{ "CR0.WP", keep_by_wp, false }, { "CR0.TS", keep_by_ts, false },
	{ "INVLPG", keep_by_invlpg, false }, { "CR4.OSFXSR", keep_by_osfxsr, false },
	{ "same CR4", keep_by_same_cr4, false },
};

static void check_reloads(void)
{
	unsigned int i, round, before;
	u64 new;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < ARRAY_SIZE(reload_ways); i++) {
			new = random_below(&rng, 4) ? directories[random_below(&rng, 2)] | PTE_P :
						      0;
			entry_write(now.form, now.root, TOP_INDEX, new);
			/* The processor still has what it loaded. */
			before = failures;
			check_all(TOP_VA);
			reload_ways[i].fn();
			if (reload_ways[i].reloads)
				now.pdpte[TOP_INDEX] = new;
			check_all(TOP_VA);
			if (failures != before)
				printf("  round %u, by %s\n", round, reload_ways[i].name);
			machine_root(now.root);
		}
	}
}

static uintptr_t load_cr3(uintptr_t root, uintptr_t b)
{
	(void)b;
	write_cr3(root);
	return 0;
}

/* A reserved bit in a top entry faults when it is loaded, not when it is used. */
static void check_reserved_top(void)
{
	unsigned int bit;

	for (bit = 1; bit < 64; bit++) {
		bool reserved = (bit >= 1 && bit <= 2) || (bit >= 5 && bit <= 8) ||
				bit >= features.maxphyaddr;
		struct outcome o;

		if (!reserved)
			continue;
		entry_write(now.form, now.root, TOP_INDEX, directories[0] | PTE_P | BIT64(bit));
		o = try_call(load_cr3, now.root, 0);
		if (o.vector != 13 || o.error)
			fail("reserved bit %u of a top entry: exception %d", bit, o.vector);
		check_all(TOP_VA);
		/* Where the entry is not present, its other bits are free. */
		entry_write(now.form, now.root, TOP_INDEX, BIT64(bit));
		o = try_call(load_cr3, now.root, 0);
		if (o.vector != NO_FAULT)
			fail("bit %u of an absent top entry: exception %d", bit, o.vector);
		now.pdpte[TOP_INDEX] = BIT64(bit);
		check_all(TOP_VA);
		entry_write(now.form, now.root, TOP_INDEX, directories[1] | PTE_P);
		machine_root(now.root);
		check_all(TOP_VA);
	}
}

int test_pdpte(void)
{
	unsigned int i;

	if (now.form != &paging_pae)
		die("give form=pae");
	for (i = 0; i < 2; i++) {
		uintptr_t table = page_alloc();

		directories[i] = page_alloc();
		entry_write(now.form, table, 0, frame_alloc() | PTE_ALL);
		entry_write(now.form, directories[i], 0, table | PTE_ALL);
	}
	check_reloads();
	check_reserved_top();
	return report("pdpte");
}

/* ------------------------------------------------------------------------
 * PSE-36
 */

#if BITS == 32
#define HIGH		0x100000000ull	/* memory goes on here: kvm-launch -m 3200M */
#define HIGH_PAGES	8
#define LARGE_4M	(4 * MIB)

static volatile u32 *high_word(unsigned int page)
{
	return (volatile u32 *)(0xc0000000u + page * LARGE_4M + page * 8);
}

/* 4 MiB pages above 4 GiB are the same memory that PAE shows there. */
int test_pse36(void)
{
	uintptr_t root32 = space_create(&paging_32, 64 * MIB, false);
	uintptr_t root_pae = space_create(&paging_pae, 64 * MIB, false);
	unsigned int i, round;

	if (!features.pse36) {
		printf("this processor has no PSE-36\n");
		return SKIP;
	}
	for (i = 0; i < HIGH_PAGES; i++) {
		u64 pa = HIGH + i * LARGE_4M;
		u32 va = 0xc0000000u + i * LARGE_4M;

		space_map(&paging_32, root32, va, 2,
			  (u32)pa | (u32)(pa >> 32) << 13 | PTE_P | PTE_W | PTE_PS);
		space_map(&paging_pae, root_pae, va, 2, pa | PTE_P | PTE_W | PTE_PS);
		space_map(&paging_pae, root_pae, va + 2 * MIB, 2,
			  (pa + 2 * MIB) | PTE_P | PTE_W | PTE_PS);
	}
	for (round = 0; round < 10; round++) {
		paging_on(&paging_32, root32);
		for (i = 0; i < HIGH_PAGES; i++) {
			u32 want = round ? 0xbee0000 + (round - 1) * 100 + i : *high_word(i);

			if (*high_word(i) != want)
				fail("4 MiB page %u holds %x", i, *high_word(i));
			*high_word(i) = 0xace0000 + round * 100 + i;
		}
		paging_on(&paging_pae, root_pae);
		for (i = 0; i < HIGH_PAGES; i++) {
			if (*high_word(i) != 0xace0000 + round * 100 + i)
				fail("PAE shows %x in page %u", *high_word(i), i);
			*high_word(i) = 0xbee0000 + round * 100 + i;
		}
	}
	printf("pse36: %u pages, %u failures\n", HIGH_PAGES, failures);
	return failures ? FAIL : PASS;
}
#else
int test_pse36(void)
{
	die("64-bit programs cannot");
}
#endif

/* ------------------------------------------------------------------------
 * Devices: no memory behind the page, but rights all the same
 */

#define HOLE		0xd0000000u	/* reads as ones: kvm-launch has nothing there */
#define APIC_ADDRESS	0xfee00000u

static uintptr_t load(uintptr_t va, uintptr_t b)
{
	(void)b;
	return *(volatile u32 *)va;
}

static uintptr_t store(uintptr_t va, uintptr_t value)
{
	*(volatile u32 *)va = value;
	return 0;
}

USER static uintptr_t user_load(uintptr_t va, uintptr_t b)
{
	(void)b;
	return *(volatile u32 *)va;
}

USER static uintptr_t user_store(uintptr_t va, uintptr_t value)
{
	*(volatile u32 *)va = value;
	return 0;
}

/* An access to a device at @pa, which reads as @value. */
static void check_device(const struct access *a, u64 pa, u32 value)
{
	struct outcome o;
	struct walk w;
	u64 entry, want;

	model_walk(&now, a, &w);
	if (a->kind == WRITE)
		o = a->user ? user_call(user_store, a->va, 0, 0) : try_call(store, a->va, 0);
	else
		o = a->user ? user_call(user_load, a->va, 0, 0) : try_call(load, a->va, 0);
	if (w.fault ? o.vector != 14 || o.error != w.error || o.cr2 != a->va :
		      o.vector != NO_FAULT)
		fail("device at %llx: exception %d, error %x, expected error %x", pa, o.vector,
		     o.error, w.fault ? w.error : 0);
	if (!w.fault && a->kind == READ && (u32)o.value != value)
		fail("device at %llx reads as %x, not %x", pa, (u32)o.value, value);
	if (w.fault)
		return;
	entry = entry_read(now.form, w.step[1].table, w.step[1].index);
	want = w.step[1].entry | PTE_A | (a->kind == WRITE ? PTE_D : 0);
	if (entry != want)
		fail("device at %llx: entry is %llx, not %llx", pa, entry, want);
}

static void random_device_access(u64 va, u64 pa, u32 value, bool writable)
{
	struct access a = {
		.va = va,
		.kind = writable && random_below(&rng, 2) ? WRITE : READ,
		.user = random_below(&rng, 2),
	};

	check_device(&a, pa, value);
}

/* A fault at a page that is gone leaves nothing that a later write could use. */
static void device_after_fault(u64 va)
{
	struct access write = { .va = va, .kind = WRITE };
	struct access user_read = { .va = va, .kind = READ, .user = true };
	unsigned int i;

	for (i = 0; i < 8; i++) {
		space_map(now.form, now.root, va, 1, HOLE | PTE_P | PTE_W | PTE_D);
		invlpg(va);
		check_device(&write, HOLE, 0);
		space_map(now.form, now.root, va, 1, HOLE);
		check_device(&user_read, HOLE, 0);
		check_device(&write, HOLE, 0);
	}
}

/*
 * One page shows a device, another one, and memory in turn, with any rights.
 * Word strict=1: the supervisor writes what may only be read, too, and faults
 * forget; not for the stock module, see deviations.h.
 */
int test_mmio(void)
{
	unsigned int step, steps = option("steps", 3000);
	uintptr_t frame = frame_alloc();
	struct machine controls = now;
	u64 va = window(2);
	bool strict = option("strict", 0);
	u32 version;

	controls.wp = !strict;
	machine_controls(&controls);
	space_map(now.form, now.root, va, 1, (u32)APIC_ADDRESS | PTE_P | PTE_W);
	flush_all();
	version = *(volatile u32 *)(uintptr_t)(va + APIC_VERSION);
	for (step = 0; step < steps; step++) {
		u64 rights = PTE_P * !!random_below(&rng, 8) | PTE_W * random_below(&rng, 2) |
			     PTE_U * random_below(&rng, 2);
		unsigned int what = random_below(&rng, 3), i;
		u64 pa = what == 0 ? HOLE : what == 1 ? APIC_ADDRESS : frame;

		space_map(now.form, now.root, va, 1, pa | rights);
		invlpg(va);
		for (i = random_below(&rng, 4); i < 4; i++) {
			struct access a = access_of_kind(random_below(&rng, ACCESS_KINDS), va);

			if (what == 2)
				check(&a);
			else if (what == 1)
				random_device_access(va + APIC_VERSION, pa, version, false);
			else
				random_device_access(va + 0x123, pa, 0xffffffff, true);
		}
	}
	if (strict)
		device_after_fault(va);
	return report("mmio");
}

/* ------------------------------------------------------------------------
 * One page as a table of all forms, and written in all modes
 */

asm(".pushsection .low, \"awx\"\n"
    /* eax or edi: where a pair of address and value lies. */
    ".code16\n"
    "store_real: mov %eax, %ebx; shr $4, %ebx; mov %bx, %es; and $15, %ax; mov %ax, %bx\n"
    "	mov %es:4(%bx), %ecx; mov %es:(%bx), %eax; mov %eax, %edx; shr $4, %edx\n"
    "	mov %dx, %es; and $15, %ax; mov %ax, %bx; mov %ecx, %es:(%bx); ret\n"
    ".code32\n"
    "store_32: mov (%eax), %edx; mov 4(%eax), %eax; mov %eax, (%edx); ret\n"
    "load_32: mov (%eax), %eax; ret\n"
    ".code64\n"
    "store_64: mov (%rdi), %edx; mov 4(%rdi), %eax; mov %eax, (%rdx); ret\n"
    "load_64: mov (%rdi), %eax; ret\n"
#if BITS == 32
    ".code32\n"
#endif
    ".popsection\n");
extern const u8 store_real[], store_32[], load_32[], store_64[], load_64[];

#define SHARED		0x50000u	/* a page that real mode reaches, too */
#define REQUEST		0x60000u	/* address and value of a store */
#define SHARED_VA	0x80000000u	/* where every form has SHARED as a last level */
#define SHARED_ENTRIES	4

static struct machine_mode modes[4];	/* unpaged, and the three forms */

/* Stores @value at @address in mode @mode, or in real mode. */
static void store_in_mode(unsigned int mode, u32 address, u32 value)
{
	volatile u32 *request = (volatile u32 *)REQUEST;

	request[0] = address;
	request[1] = value;
	if (mode == ARRAY_SIZE(modes))
		real_call(store_real, REQUEST);
	else
		mode_call(&modes[mode], modes[mode].efer ? store_64 : store_32, REQUEST);
}

/* Entry @entry of 8 bytes is also entry 2 * @entry of 4 bytes. */
static void check_in_mode(unsigned int mode, unsigned int entry, uintptr_t frame)
{
	u32 va = SHARED_VA + (entry << (mode == 1 ? 13 : 12)) + 1, got;

	got = mode_call(&modes[mode], modes[mode].efer ? load_64 : load_32, va);
	if (got != *(u32 *)(frame + 1))
		fail("mode %u, entry %u: %x instead of %x", mode, entry, got, *(u32 *)(frame + 1));
}

static void make_modes(void)
{
	static const struct paging *const forms[] = { &paging_32, &paging_pae, &paging_long };
	unsigned int i;

	modes[0] = (struct machine_mode) { .cr0 = CR0_PE };
	for (i = 0; i < 3; i++) {
		uintptr_t root = space_create(forms[i], 64 * MIB, false);

		space_map(forms[i], root, SHARED_VA, 2, SHARED | PTE_ALL);
		modes[1 + i] = (struct machine_mode) {
			.cr0 = CR0_PE | CR0_PG, .cr3 = root, .cr4 = forms[i]->cr4,
			.efer = forms[i] == &paging_long ? EFER_LME : 0,
		};
	}
}

int test_modes(void)
{
	unsigned int step, steps = option("steps", 500), i;
	uintptr_t frames[4], now_there[SHARED_ENTRIES];

	for (i = 0; i < 4; i++)
		frames[i] = frame_alloc();
	memset((void *)SHARED, 0, PAGE_SIZE);
	for (i = 0; i < SHARED_ENTRIES; i++) {
		now_there[i] = frames[i];
		((volatile u64 *)SHARED)[i] = frames[i] | PTE_ALL;
	}
	make_modes();
	for (step = 0; step < steps; step++) {
		unsigned int entry = random_below(&rng, SHARED_ENTRIES);
		uintptr_t frame = frames[random_below(&rng, 4)];

		for (i = random_below(&rng, 3); i < 3; i++) {
			unsigned int which = random_below(&rng, SHARED_ENTRIES);

			check_in_mode(1 + random_below(&rng, 3), which, now_there[which]);
		}
		store_in_mode(random_below(&rng, ARRAY_SIZE(modes) + 1), SHARED + entry * 8,
			      frame | PTE_ALL);
		now_there[entry] = frame;
		check_in_mode(1 + random_below(&rng, 3), entry, frame);
	}
	printf("modes: %u steps, %u failures\n", steps, failures);
	return failures ? FAIL : PASS;
}
