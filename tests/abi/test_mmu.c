// SPDX-License-Identifier: GPL-2.0
/*
 * test_mmu.c - KVM_SET/GET_NR_MMU_PAGES: the bound holds the number of shadow
 * pages down, not the guest's page tables.
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
