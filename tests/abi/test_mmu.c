// SPDX-License-Identifier: GPL-2.0
/*
 * test_mmu.c - KVM_SET/GET_NR_MMU_PAGES: the bound holds the number of shadow
 * pages down, not the guest's page tables.  What the processor walks is 32 bits
 * wide outside of long mode.
 */
#include "vm.h"

TEST(mmu_pages, "KVM_SET_NR_MMU_PAGES, KVM_GET_NR_MMU_PAGES")
{
	/* Linux has dropped the question by 6.12. */
	bool can_ask = ours || kernel < 612;
	struct vm vm = vm_create(0);
	unsigned int i;

	for (i = 0; i < 64; i += 9)
		CHECK_ERRNO(ioctl(vm.fd, KVM_SET_NR_MMU_PAGES, i), EINVAL);
	CHECK_OK(ioctl(vm.fd, KVM_SET_NR_MMU_PAGES, 64));
	if (can_ask)
		CHECK_EQ(ioctl(vm.fd, KVM_GET_NR_MMU_PAGES, 0), 64);
	CHECK_OK(ioctl(vm.fd, KVM_SET_NR_MMU_PAGES, 5000));
	if (can_ask)
		CHECK_EQ(ioctl(vm.fd, KVM_GET_NR_MMU_PAGES, 0), 5000);
}

TEST(mmu_default_pages, "the default bound follows the memory that there is")
{
	const u64 size = 512ul << 20;
	struct vm vm = vm_create(0);
	void *mem = memory(size);
	int before, with;

	if (!ours && kernel >= 612)
		skip("this module is not to be asked");
	before = ioctl(vm.fd, KVM_GET_NR_MMU_PAGES, 0);
	CHECK_OK(set_slot(&vm, 1, 0, 1ul << 32, size, mem));
	with = ioctl(vm.fd, KVM_GET_NR_MMU_PAGES, 0);
	CHECK(with > before && with > (int)(size / PAGE / 60));
	CHECK_OK(set_slot(&vm, 1, 0, 1ul << 32, 0, mem));
	CHECK_EQ(ioctl(vm.fd, KVM_GET_NR_MMU_PAGES, 0), before);
	/* Not what somebody asked for. */
	CHECK_OK(ioctl(vm.fd, KVM_SET_NR_MMU_PAGES, 77));
	CHECK_OK(set_slot(&vm, 1, 0, 1ul << 32, size, mem));
	CHECK_EQ(ioctl(vm.fd, KVM_GET_NR_MMU_PAGES, 0), 77);
}

/*
 * One page at many places: 200 leaf tables below one directory, at 512 GiB.
 * Reads at the place whose number is in DATA[1], leaves it in DATA[3].
 */
#define TABLES	200

static void build_many(const struct vm *vm)
{
	u64 *pdpt = (u64 *)(vm->mem + FREE), *pd = pdpt + 512;
	u64 *leaf = pd + 512;
	int i;

	((u64 *)(vm->mem + PAGE_TABLES))[1] = FREE | 3;
	pdpt[0] = (FREE + PAGE) | 3;
	for (i = 0; i < TABLES; i++) {
		pd[i] = (FREE + (2 + i) * PAGE) | 3;
		leaf[i * 512 + i] = (FREE + (2 + TABLES + i % 16) * PAGE) | 3;
	}
	for (i = 0; i < 16; i++)
		*(u64 *)(vm->mem + FREE + (2 + TABLES + i) * PAGE) = 0x1000 + i;
}

static u64 place(int i)
{
	return (1ull << 39) + ((u64)i << 21) + i * PAGE;
}

/*
 * Shadow pages that the host has memory for; -1 where that cannot be told: the
 * kernel's count has what is free in a CPU's slabs, unless it debugs them.
 */
static int shadow_pages(void)
{
	FILE *f = fopen("/sys/kernel/slab/kvm_shadow_page/poison", "r");
	char line[512];
	int n = -1;

	if (!f)
		return n;
	line[0] = '0';
	if (!fgets(line, sizeof(line), f) || line[0] != '1') {
		fclose(f);
		return n;
	}
	fclose(f);
	f = fopen("/proc/slabinfo", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "kvm_shadow_page %d", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

TEST(mmu_few_pages, "a guest with more page tables than shadow pages")
{
	struct vm vm = vm_create(0);
	int round, i;

	CHECK_OK(ioctl(vm.fd, KVM_SET_NR_MMU_PAGES, 64));
	build_many(&vm);
	start_servant(&vm);
	for (round = 0; round < 3; round++)
		for (i = 0; i < TABLES; i++)
			if (!CHECK_EQ(PEEK(&vm, place(i)), 0x1000 + i % 16))
				return;
	for (round = 0; round < 1000; round++) {
		i = random_below(TABLES);
		POKE(&vm, place(i), 0x1000 + i % 16);
		if (!CHECK_EQ(PEEK(&vm, place(i)), 0x1000 + i % 16))
			return;
	}
	/* Besides the 64, some are kept at hand for the next faults. */
	CHECK(shadow_pages() < TABLES);
}

TEST(mmu_shrink, "the bound is lowered while the guest has many tables in use")
{
	struct vm vm = vm_create(0);
	static const unsigned int bounds[] = { 1000, 100, 64, 300, 64 };
	unsigned int j;
	int i;

	build_many(&vm);
	start_servant(&vm);
	for (j = 0; j < ARRAY_SIZE(bounds); j++) {
		for (i = 0; i < TABLES; i++)
			if (!CHECK_EQ(PEEK(&vm, place(i)), 0x1000 + i % 16))
				return;
		CHECK_OK(ioctl(vm.fd, KVM_SET_NR_MMU_PAGES, bounds[j]));
	}
	for (i = 0; i < TABLES; i++)
		CHECK_EQ(PEEK(&vm, place(i)), 0x1000 + i % 16);
}

GUEST(16, high_base,
	"int3\n"
	"1: mov $1, %cl\n jmp 3f\n"
	"2: mov $2, %cl\n"
	"3: movw %fs:0x1000, %bx\n movw %bx, %fs:0x2000\n" DONE
	".balign 4\n .word 1b - high_base + 0x1000, 2b - high_base + 0x1000\n");

/*
 * KVM_SET_SREGS takes bases beyond 4 GiB, and there is memory, too.  A page
 * found there must not stand for the one at the same place in the lowest 4 GiB.
 */
TEST(mmu_high_base, "without long mode a base counts by its low 32 bits")
{
	const u64 where = 0x300000, size = 16 * PAGE;
	const u16 *at = (const u16 *)high_base_end;
	struct vm vm = vm_create(0);
	u8 *low = vm.mem + where, *high = memory(size);
	struct kvm_sregs s;

	CHECK_OK(set_slot(&vm, 1, 0, (1ull << 32) + where, size, high));
	START16(&vm, high_base);
	*(u32 *)(low + 3 * 4) = at[-2];
	*(u32 *)(high + 3 * 4) = at[-1];
	*(u16 *)(low + PAGE) = 0x600d;
	*(u16 *)(high + PAGE) = 0xbad;
	s = get_sregs(&vm);
	s.fs.base = s.idt.base = (1ull << 32) + where;
	set_sregs(&vm, &s);
	run_done(&vm);
	if (!differs(DEV_high_base))
		return;
	CHECK_EQ(get_regs(&vm).rcx & 0xff, 1);
	CHECK_EQ(get_regs(&vm).rbx & 0xffff, 0x600d);
	CHECK_EQ(*(u16 *)(low + 2 * PAGE), 0x600d);
	CHECK_EQ(*(u16 *)(high + 2 * PAGE), 0);
}

/*
 * Some processors check the machine when a page of code changes its size: there
 * code is mapped small, which the module's audit sees to.
 */
TEST(mmu_large_code, "code and data in memory that the host maps by large pages")
{
	const u64 size = 2 << 20, where = 0x40000000;
	const u64 pde = PAGE_TABLES + 3 * PAGE;
	struct vm vm = vm_create(0);
	u8 *p = memory(2 * size);
	u64 i;

	p += -(uintptr_t)p & (size - 1);
	madvise(p, size, MADV_HUGEPAGE);
	memset(p, 0xc3, size);			/* RET */
	CHECK_OK(set_slot(&vm, 1, 0, where, size, p));
	start_servant(&vm);
	/* The same 2 MiB once more, in small pages. */
	for (i = 0; i < 512; i++)
		((u64 *)(vm.mem + FREE))[i] = (where + i * PAGE) | 3;
	CHECK_EQ(PEEK(&vm, pde) & ~0x60ull, where | 0x83);
	/* Data first: that may be large, until the code beside it is called. */
	POKE(&vm, where + size / 2, 0xc3c3c3c3c3c3c3c3);
	for (i = 0; i < 10; i++) {
		POKE(&vm, pde, where | 0x83);
		DO(&vm, CR3, PAGE_TABLES, 0);
		DO(&vm, CALL, where + i * PAGE, 0);
		POKE(&vm, where + size / 2, 0xc3c3c3c3c3c3c3c3);
		/* Now the audit looks at what that has mapped. */
		DO(&vm, CR3, PAGE_TABLES, 0);
		POKE(&vm, pde, FREE | 3);
		DO(&vm, CR3, PAGE_TABLES, 0);
		DO(&vm, CALL, where + i * PAGE, 0);
		CHECK_EQ(PEEK(&vm, where + size / 2), 0xc3c3c3c3c3c3c3c3);
	}
}

#define MANY	1400

TEST(mmu_many_writes, "more tables are changed between two flushes than are left to follow")
{
	const u64 tables = 0x40000000, old = FREE + 8 * PAGE, new = old + PAGE;
	struct vm vm = vm_create(0);
	u64 *pdpt = (u64 *)(vm.mem + FREE), *pd = pdpt + 512;
	u64 *leaf = memory(MANY * PAGE);
	int i;

	CHECK_OK(ioctl(vm.fd, KVM_SET_NR_MMU_PAGES, 5000));
	CHECK_OK(set_slot(&vm, 1, 0, tables, MANY * PAGE, leaf));
	((u64 *)(vm.mem + PAGE_TABLES))[1] = FREE | 3;
	for (i = 0; i < MANY; i++) {
		pdpt[i / 512] = (FREE + (1 + i / 512) * PAGE) | 3;
		pd[i] = (tables + i * PAGE) | 3;
		leaf[i * 512] = old | 3;
	}
	*(u64 *)(vm.mem + old) = 1;
	*(u64 *)(vm.mem + new) = 2;
	start_servant(&vm);
	for (i = 0; i < MANY; i++)
		CHECK_EQ(PEEK(&vm, (1ull << 39) + ((u64)i << 21)), 1);
	for (i = 0; i < MANY; i++)
		POKE(&vm, tables + i * PAGE, new | 0x63);
	/* A directory is followed at once; the module's audit looks then. */
	POKE(&vm, FREE + PAGE + MANY * 8, 0);
	DO(&vm, CR3, PAGE_TABLES, 0);
	for (i = 0; i < MANY && failures < 5; i++)
		CHECK_EQ(PEEK(&vm, (1ull << 39) + ((u64)i << 21)), 2);
}

/*
 * Without CR0.WP a page that may not be written is written, and becomes dirty: each
 * of the two that lead to the same memory.
 */
TEST(mmu_dirty_shared, "large pages that are the same memory become dirty each on its own")
{
	const u64 one = 1ull << 39, two = one + (2 << 20);
	struct vm vm = vm_create(0);
	u64 *pdpt = (u64 *)(vm.mem + FREE), *pd = pdpt + 512;
	struct kvm_sregs s;

	/* Logged memory is mapped in small pieces. */
	CHECK_OK(set_slot(&vm, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, MEM_SIZE, vm.mem));
	((u64 *)(vm.mem + PAGE_TABLES))[1] = FREE | 3;
	pdpt[0] = (FREE + PAGE) | 3;
	pd[0] = pd[1] = (2 << 20) | 0x81;
	start_servant(&vm);
	s = get_sregs(&vm);
	s.cr0 &= ~BIT(16);
	set_sregs(&vm, &s);
	PEEK(&vm, two);
	POKE(&vm, one, 1);
	CHECK_EQ(pd[0] & 0x60, 0x60);
	CHECK_EQ(pd[1] & 0x60, 0x20);
	DO(&vm, INVLPG, two, 0);
	POKE(&vm, two, 2);
	CHECK_EQ(pd[1] & 0x60, 0x60);
	CHECK_EQ(PEEK(&vm, one), 2);
}

/* One step below the PML4, in pages from FREE on. */
enum { PDPT, ALIASES, TOGGLED, TABLE1, TABLE2, PAGE1, PAGE2, PAGE1B, PAGE2B };

static u64 frame(int n)
{
	return FREE + n * PAGE;
}

/*
 * User space rewrites a directory entry, as a device could.  The guest need
 * not see that before it flushes; but never may what it then finds behind the
 * one table be taken for the other's.
 */
TEST(mmu_rewritten, "a directory entry that user space writes mixes no tables up")
{
	const u64 top = 1ull << 39, toggled = top + (1ull << 30), alias2 = top + (2 << 20);
	struct vm vm = vm_create(0);
	u64 *entry = (u64 *)(vm.mem + FREE);
	int i, slot;

	start_servant(&vm);
	((u64 *)(vm.mem + PAGE_TABLES))[1] = frame(PDPT) | 0x63;
	entry[PDPT * 512] = frame(ALIASES) | 0x63;
	entry[PDPT * 512 + 1] = frame(TOGGLED) | 0x63;
	entry[ALIASES * 512] = frame(TABLE1) | 0x63;
	entry[ALIASES * 512 + 1] = frame(TABLE2) | 0x63;
	for (i = 0; i < 4; i++)
		entry[(PAGE1 + i) * 512] = 0x111 * (i + 1);
	for (i = 0; i < 2; i++) {
		/* Not accessed yet: nobody maps them along with their neighbours. */
		entry[(TABLE1 + i) * 512] = frame(PAGE1 + i) | 3;
		for (slot = 16; slot < 512; slot += 16)
			entry[(TABLE1 + i) * 512 + slot] = frame(PAGE1B + i) | 3;
	}
	entry[TOGGLED * 512] = frame(TABLE1) | 0x63;
	CHECK_EQ(PEEK(&vm, toggled), 0x111);
	for (slot = 16; slot < 512; slot += 16) {
		entry[TOGGLED * 512] = frame(slot & 16 ? TABLE2 : TABLE1) | 0x63;
		DO(&vm, INVLPG, toggled + slot * PAGE, 0);
		PEEK(&vm, toggled + slot * PAGE);
		CHECK_EQ(PEEK(&vm, top + slot * PAGE), 0x333);
		CHECK_EQ(PEEK(&vm, alias2 + slot * PAGE), 0x444);
	}
}

/*
 * A snapshot is loaded into a machine that has run: its memory is written, page tables
 * included, and its registers are set, CR3 perhaps to what it was.
 */
TEST(mmu_restored, "page tables that user space writes count from KVM_SET_SREGS on")
{
	const u64 at = frame(4), va = (1ull << 39) + at;
	struct vm vm = vm_create(0);
	u64 *pml4 = (u64 *)(vm.mem + PAGE_TABLES), *entry = (u64 *)(vm.mem + FREE);
	/* As all would with nested paging. */
	const bool follows = differs(DEV_sregs_tables);
	struct kvm_sregs s;
	int i;

	for (i = 0; i < 2; i++) {
		entry[i * 2 * 512] = frame(i * 2 + 1) | 0x63;
		entry[(i * 2 + 1) * 512] = (2 << 20) | 0xe3;
	}
	entry[3 * 512] = 0xe3;
	*(u64 *)(vm.mem + (2 << 20) + at) = 0x111;
	*(u64 *)(vm.mem + at) = 0x222;
	pml4[1] = frame(0) | 0x63;
	start_servant(&vm);
	CHECK_EQ(PEEK(&vm, va), 0x111);
	/* At each level. */
	s = get_sregs(&vm);
	pml4[1] = frame(2) | 0x63;
	set_sregs(&vm, &s);
	CHECK_EQ(PEEK(&vm, va), follows ? 0x222 : 0x111);
	entry[2 * 512] = frame(1) | 0x63;
	set_sregs(&vm, &s);
	CHECK_EQ(PEEK(&vm, va), 0x111);
	entry[512] = 0xe3;
	set_sregs(&vm, &s);
	CHECK_EQ(PEEK(&vm, va), follows ? 0x222 : 0x111);
}
