// SPDX-License-Identifier: GPL-2.0
/*
 * test_coalesced.c - KVM_(UN)REGISTER_COALESCED_MMIO: writes that wait in a
 * ring, for memory and for ports; a ring that is full; a ring whose indices
 * are garbage.
 */
#include "vm.h"

#define RING_MAX ((PAGE - sizeof(struct kvm_coalesced_mmio_ring)) / \
		  sizeof(struct kvm_coalesced_mmio))

static int zone(const struct vm *vm, bool add, u64 addr, u32 size, u32 pio)
{
	struct kvm_coalesced_mmio_zone z = {
		.addr = addr, .size = size, .pio = pio,
	};

	return ioctl(vm->fd, add ? KVM_REGISTER_COALESCED_MMIO :
		     KVM_UNREGISTER_COALESCED_MMIO, &z);
}

static struct kvm_coalesced_mmio_ring *ring_of(const struct vm *vm)
{
	return (void *)((u8 *)vm->run +
			KVM_COALESCED_MMIO_PAGE_OFFSET * PAGE);
}

TEST(coalesced_many, "a thousand zones on each bus, and no more")
{
	struct vm vm = vm_create(0);
	unsigned int i, pio;

	for (pio = 0; pio < 2; pio++) {
		for (i = 0; i < 1000; i++)
			if (!CHECK_OK(zone(&vm, true, 0x100, 8, pio)))
				break;
		CHECK_ERRNO(zone(&vm, true, 0x100, 8, pio), ENOSPC);
	}
	/* All that hold it go at once, and there is room again. */
	CHECK_OK(zone(&vm, false, 0x100, 8, 1));
	CHECK_OK(zone(&vm, true, 0x100, 8, 1));
	CHECK_ERRNO(zone(&vm, true, 0x100, 8, 0), ENOSPC);
}

/* The entries since the last look. */
static u32 entries(const struct vm *vm)
{
	struct kvm_coalesced_mmio_ring *r = ring_of(vm);

	return (r->last + RING_MAX - r->first) % RING_MAX;
}

TEST(coalesced_mmio, "writes to a zone wait in the ring, reads do not")
{
	struct vm vm = vm_create(0);
	struct kvm_coalesced_mmio_ring *r = ring_of(&vm);
	u64 i;

	start_servant(&vm);
	CHECK_OK(zone(&vm, true, MMIO, 0x100, 0));
	for (i = 0; i < 10; i++)
		DO(&vm, i & 1 ? WRITE4 : WRITE8, MMIO + i * 8, 0x1122334400000000 | i);
	REQUIRE(entries(&vm) == 10);
	for (i = 0; i < 10; i++) {
		struct kvm_coalesced_mmio *e = &r->coalesced_mmio[i];
		u64 got = 0;

		CHECK_EQ(e->phys_addr, MMIO + i * 8);
		CHECK_EQ(e->len, i & 1 ? 4 : 8);
		CHECK_EQ(e->pio, 0);
		memcpy(&got, e->data, e->len);
		CHECK_EQ(got, i & 1 ? i : (0x1122334400000000 | i));
	}
	r->first = r->last;
	order(&vm, READ8, MMIO, 0);
	run_to(&vm, KVM_EXIT_MMIO);
	CHECK_EQ(vm.run->mmio.is_write, 0);
	run_step(&vm);
	CHECK_EQ(entries(&vm), 0);
}

static void expect_exit(const struct vm *vm, u64 address)
{
	order(vm, WRITE4, address, 5);
	run_to(vm, KVM_EXIT_MMIO);
	CHECK_EQ(vm->run->mmio.phys_addr, address);
	CHECK_EQ(vm->run->mmio.is_write, 1);
	run_step(vm);
}

TEST(coalesced_bounds, "only what lies wholly within a zone is coalesced")
{
	struct vm vm = vm_create(0);

	start_servant(&vm);
	CHECK_OK(zone(&vm, true, MMIO + 0x10, 0x10, 0));
	expect_exit(&vm, MMIO);
	expect_exit(&vm, MMIO + 0xe);
	expect_exit(&vm, MMIO + 0x1e);
	expect_exit(&vm, MMIO + 0x20);
	CHECK_EQ(entries(&vm), 0);
	DO(&vm, WRITE4, MMIO + 0x10, 1);
	DO(&vm, WRITE4, MMIO + 0x1c, 1);
	CHECK_EQ(entries(&vm), 2);
}

TEST(coalesced_unregister, "zones come and go: those that hold the range named")
{
	struct vm vm = vm_create(0);

	start_servant(&vm);
	CHECK_OK(zone(&vm, false, MMIO, 0x100, 0));	/* none */
	CHECK_OK(zone(&vm, true, MMIO, 0x10, 0));
	CHECK_OK(zone(&vm, true, MMIO + 0x10, 0x10, 0));
	CHECK_OK(zone(&vm, true, MMIO + 0x80, 0x10, 0));
	DO(&vm, WRITE4, MMIO, 1);
	DO(&vm, WRITE4, MMIO + 0x80, 1);
	CHECK_EQ(entries(&vm), 2);
	/* One that is larger than any. */
	CHECK_OK(zone(&vm, false, MMIO, 0x20, 0));
	DO(&vm, WRITE4, MMIO, 1);
	CHECK_EQ(entries(&vm), 3);
	CHECK_OK(zone(&vm, false, MMIO, 0x10, 0));
	expect_exit(&vm, MMIO);
	/* A part of one. */
	CHECK_OK(zone(&vm, false, MMIO + 0x14, 4, 0));
	expect_exit(&vm, MMIO + 0x10);
	DO(&vm, WRITE4, MMIO + 0x80, 1);
	CHECK_EQ(entries(&vm), 4);
}

GUEST(64, outs, "mov $0x70, %edx\n"
	"1: mov $0x11223344, %eax\n out %al, $0x70\n out %ax, $0x72\n"
	"out %eax, $0x74\n in $0x70, %al\n" STEP "jmp 1b\n");

TEST(coalesced_ports, "port zones")
{
	struct vm vm = vm_create(0);
	struct kvm_coalesced_mmio_ring *r = ring_of(&vm);
	static const struct { u16 port; u8 len; u32 data; } want[] = {
		{ 0x70, 1, 0x44 }, { 0x72, 2, 0x3344 }, { 0x74, 4, 0x11223344 },
	};
	int i;

	START64(&vm, outs);
	CHECK_OK(zone(&vm, true, 0x70, 8, 1));
	run_to(&vm, KVM_EXIT_IO);
	CHECK_EQ(vm.run->io.direction, KVM_EXIT_IO_IN);
	REQUIRE(entries(&vm) == 3);
	for (i = 0; i < 3; i++) {
		struct kvm_coalesced_mmio *e = &r->coalesced_mmio[i];
		u32 got = 0;

		CHECK_EQ(e->phys_addr, want[i].port);
		CHECK_EQ(e->len, want[i].len);
		CHECK_EQ(e->pio, 1);
		memcpy(&got, e->data, e->len);
		CHECK_EQ(got, want[i].data);
	}
	run_step(&vm);
	/* A zone of memory with the same numbers is another. */
	CHECK_OK(zone(&vm, false, 0x70, 8, 0));
	run_to(&vm, KVM_EXIT_IO);
	CHECK_EQ(vm.run->io.direction, KVM_EXIT_IO_IN);
	CHECK_OK(zone(&vm, false, 0x70, 8, 1));
	run_step(&vm);
	run_to_out(&vm, 0x70);
}

TEST(coalesced_bad, "zones that cannot be")
{
	struct vm vm = vm_create(0);

	CHECK_ERRNO(zone(&vm, true, MMIO, 0x10, 2), EINVAL);
	CHECK_ERRNO(zone(&vm, true, MMIO, 0x10, ~0u), EINVAL);
	CHECK_ERRNO(zone(&vm, false, MMIO, 0x10, 2), EINVAL);
	/* Empty or wrapping ones hold nothing. */
	start_servant(&vm);
	CHECK_OK(zone(&vm, true, MMIO, 0, 0));
	CHECK_OK(zone(&vm, true, ~0ull, 0x10, 0));
	CHECK_OK(zone(&vm, true, ~0ull - 8, ~0u, 0));
	expect_exit(&vm, MMIO);
}

TEST(coalesced_full, "a full ring: the write leaves for user space")
{
	struct vm vm = vm_create(0);
	struct kvm_coalesced_mmio_ring *r = ring_of(&vm);
	u32 n, i;

	start_servant(&vm);
	CHECK_OK(zone(&vm, true, MMIO, 0x1000, 0));
	for (n = 0;; n++) {
		order(&vm, WRITE4, MMIO + n % 256 * 4, n);
		if (!CHECK_OK(run(&vm)) || !CHECK(n <= RING_MAX))
			return;
		if (vm.run->exit_reason == KVM_EXIT_MMIO)
			break;
	}
	CHECK_MSG(n >= (differs(DEV_ring_full) ? RING_MAX - 1 : RING_MAX / 2),
		  "full after %u entries of %zu", n, RING_MAX);
	CHECK_EQ(vm.run->mmio.phys_addr, MMIO + n % 256 * 4);
	CHECK_EQ(*(u32 *)vm.run->mmio.data, n);
	for (i = 0; i < n; i++)
		CHECK_EQ(*(u32 *)r->coalesced_mmio[i].data, i);
	r->first = r->last;
	run_step(&vm);
	/* On it goes, around the end. */
	for (i = 0; i < 5; i++)
		DO(&vm, WRITE4, MMIO, i);
	CHECK_EQ(entries(&vm), 5);
}

GUEST(64, into_zone,
      "mov $0x40000, %rsi\n mov $0xd000000c, %rdi\n mov $4, %ecx\n rep movsl\n" DONE);

TEST(coalesced_order, "a string that runs into a zone is seen in its order")
{
	struct vm vm = vm_create(0);
	struct kvm_coalesced_mmio_ring *r = ring_of(&vm);
	u32 n = 0, i;

	CHECK_OK(zone(&vm, true, MMIO + 0x10, 0x10, 0));
	START64(&vm, into_zone);
	for (i = 0; i < 4; i++)
		((u32 *)(vm.mem + FREE))[i] = i;
	do {
		if (!CHECK_OK(run(&vm)))
			return;
		/* As QEMU does: the ring, then why it is asked. */
		for (; r->first != r->last; r->first = (r->first + 1) % RING_MAX)
			CHECK_EQ(*(u32 *)r->coalesced_mmio[r->first].data, n++);
		if (vm.run->exit_reason == KVM_EXIT_MMIO)
			CHECK_EQ(*(u32 *)vm.run->mmio.data, n++);
	} while (vm.run->exit_reason == KVM_EXIT_MMIO);
	CHECK_EQ(vm.run->io.port, PORT_DONE);
	CHECK_EQ(n, 4);
}

TEST(coalesced_garbage, "a ring whose indices are garbage")
{
	static const u32 values[] = {
		RING_MAX - 1, RING_MAX, RING_MAX + 1, 1000, 0x10000,
		0x7fffffff, 0x80000000, ~0u,
	};
	struct vm vm = vm_create(0);
	struct kvm_coalesced_mmio_ring *r = ring_of(&vm);
	unsigned int i, j;

	start_servant(&vm);
	CHECK_OK(zone(&vm, true, MMIO, 0x1000, 0));
	for (i = 0; i < ARRAY_SIZE(values); i++)
		for (j = 0; j < ARRAY_SIZE(values); j++) {
			r->first = values[j];
			r->last = values[i];
			order(&vm, WRITE8, MMIO, 1);
			CHECK_OK(run(&vm));
			if (vm.run->exit_reason == KVM_EXIT_MMIO)
				run_step(&vm);
		}
	r->first = r->last = 0;
	DO(&vm, WRITE4, MMIO, 7);
	CHECK_EQ(entries(&vm), 1);
	CHECK_EQ(*(u32 *)r->coalesced_mmio[0].data, 7);
}
