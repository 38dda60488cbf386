// SPDX-License-Identifier: GPL-2.0
/*
 * test_io.c - KVM_EXIT_IO: sizes, ports, what a register keeps, strings with
 * their counts, in both directions, both ways through memory, to the edge.
 */
#include "vm.h"

/* ------------------------------------------------------------------------
 * Single items
 */

GUEST(64, outs,
	"mov $0x8877665544332211, %rax\n"
	"out %al, $0x10\n out %ax, $0x12\n out %eax, $0x14\n"
	"mov $0xfffe, %edx\n out %al, %dx\n out %ax, %dx\n out %eax, %dx\n"
	"mov $0, %edx\n out %al, %dx\n" DONE);

TEST(io_out, "OUT: port, size and data")
{
	static const struct { u16 port; u8 size; u32 data; } want[] = {
		{ 0x10, 1, 0x11 }, { 0x12, 2, 0x2211 }, { 0x14, 4, 0x44332211 },
		{ 0xfffe, 1, 0x11 }, { 0xfffe, 2, 0x2211 },
		{ 0xfffe, 4, 0x44332211 }, { 0, 1, 0x11 },
	};
	struct vm vm = vm_create(0);
	unsigned int i;

	START64(&vm, outs);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		u32 got = 0;

		run_to_out(&vm, want[i].port);
		CHECK_EQ(vm.run->io.size, want[i].size);
		CHECK_EQ(vm.run->io.count, 1);
		CHECK(vm.run->io.data_offset + 4 <= run_size());
		memcpy(&got, io_data(&vm), want[i].size);
		CHECK_EQ(got, want[i].data);
	}
	run_done(&vm);
}

GUEST(64, ins,
	"mov $0x8877665544332211, %rax\n mov %rax, %rbx\n mov %rax, %rcx\n"
	"in $0x10, %al\n mov %rax, 0xa000\n"
	"mov %rbx, %rax\n in $0x12, %ax\n mov %rax, 0xa008\n"
	"mov %rbx, %rax\n in $0x14, %eax\n mov %rax, 0xa010\n"
	"mov $0xffff, %edx\n mov %rbx, %rax\n in %dx, %al\n mov %rax, 0xa018\n"
	DONE);

TEST(io_in, "IN: what arrives, and what of RAX stays")
{
	static const struct { u16 port; u8 size; u64 rax; } want[] = {
		{ 0x10, 1, 0x88776655443322dd }, { 0x12, 2, 0x887766554433ccdd },
		{ 0x14, 4, 0xaabbccdd }, { 0xffff, 1, 0x88776655443322dd },
	};
	struct vm vm = vm_create(0);
	unsigned int i;

	START64(&vm, ins);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		run_to(&vm, KVM_EXIT_IO);
		CHECK_EQ(vm.run->io.direction, KVM_EXIT_IO_IN);
		CHECK_EQ(vm.run->io.port, want[i].port);
		CHECK_EQ(vm.run->io.size, want[i].size);
		CHECK_EQ(vm.run->io.count, 1);
		*(u32 *)io_data(&vm) = 0xaabbccdd;
	}
	run_done(&vm);
	for (i = 0; i < ARRAY_SIZE(want); i++)
		CHECK_EQ(data(&vm)[i], want[i].rax);
}

GUEST(64, in_and_away, "in $0x10, %al\n" DONE
	".balign 64\n mov %rax, 0xa000\n" DONE
	".balign 64\n mov $0x60, %edx\n mov $0x40000, %edi\n insb\n" DONE
	".balign 64\n mov $0xd0000000, %esi\n mov (%rsi), %eax\n" DONE);

/* What a client does that resets a vCPU, which waits for an answer. */
static void answer_elsewhere(u64 from, u32 reason)
{
	struct vm vm = vm_create(0);
	struct kvm_regs r;

	START64(&vm, in_and_away);
	r = get_regs(&vm);
	r.rip = from;
	set_regs(&vm, &r);
	run_to(&vm, reason);
	if (reason == KVM_EXIT_IO)
		*(u32 *)io_data(&vm) = 0xee;
	else
		vm.run->mmio.data[0] = 0xee;
	r = get_regs(&vm);
	r.rip = CODE + 64;
	r.rax = r.rdi = 0x40000;
	set_regs(&vm, &r);
	vm.mem[FREE] = 0x11;
	run_done(&vm);
	CHECK_EQ(data(&vm)[0], 0x40000);
	CHECK_EQ(vm.mem[FREE], 0x11);
	vm_close(&vm);
}

TEST(io_in_moved, "if another RIP is set before KVM_RUN, the answer is dropped")
{
	answer_elsewhere(CODE, KVM_EXIT_IO);
	if (!differs(DEV_moved))
		return;
	answer_elsewhere(CODE + 128, KVM_EXIT_IO);
	answer_elsewhere(CODE + 192, KVM_EXIT_MMIO);
}

GUEST(64, in_kernel_ports, "in $0x21, %al\n in $0x40, %al\n in $0x61, %al\n" DONE);

TEST(io_devices, "ports of devices that KVM does not have are user space's")
{
	static const u16 ports[] = { 0x21, 0x40, 0x61 };
	struct vm without = vm_create(0), with = vm_create(VM_PIT);
	unsigned int i;

	START64(&without, in_kernel_ports);
	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		run_to(&without, KVM_EXIT_IO);
		CHECK_EQ(without.run->io.port, ports[i]);
	}
	run_done(&without);
	START64(&with, in_kernel_ports);
	if (run_to(&with, KVM_EXIT_IO) && with.run->io.port == 0x61)
		run_done(&with);	/* no speaker was asked for */
	else
		CHECK_EQ(with.run->io.port, PORT_DONE);
}

/* ------------------------------------------------------------------------
 * Strings.  The guest takes the operation from DATA[0], address and count
 * from DATA[1] and [2], flags from DATA[3], and leaves RSI, RDI, RCX behind.
 */

GUEST(64, string_servant,
	"1:" STEP
	"mov 0xa000, %rax\n mov 0xa008, %rsi\n mov %rsi, %rdi\n"
	"mov 0xa010, %rcx\n mov $0x60, %edx\n pushq 0xa018\n popfq\n"
	"lea 3f(%rip), %rbx\n lea (%rbx, %rax, 8), %rbx\n jmp *%rbx\n"
	"2: cld\n mov %rsi, 0xa020\n mov %rdi, 0xa028\n mov %rcx, 0xa030\n"
	"jmp 1b\n"
	".balign 8\n"
	"3: rep outsb\n jmp 2b\n .balign 8\n"
	"rep outsw\n jmp 2b\n .balign 8\n"
	"rep outsl\n jmp 2b\n .balign 8\n"
	"rep insb\n jmp 2b\n .balign 8\n"
	"rep insw\n jmp 2b\n .balign 8\n"
	"rep insl\n jmp 2b\n .balign 8\n"
	"outsb\n jmp 2b\n .balign 8\n"
	"insl\n jmp 2b\n .balign 8\n");

enum { OUTSB, OUTSW, OUTSL, INSB, INSW, INSL, ONE_OUTSB, ONE_INSL };
#define DF	BIT(10)

static const struct {
	const char *what;
	int op;
	u64 address, count, flags;
} strings[] = {
	{ "outsb", OUTSB, FREE, 10, 0 },
	{ "outsw", OUTSW, FREE, 10, 0 },
	{ "outsl", OUTSL, FREE, 10, 0 },
	{ "insb", INSB, FREE, 10, 0 },
	{ "insw", INSW, FREE, 10, 0 },
	{ "insl", INSL, FREE, 10, 0 },
	{ "outsb, one", OUTSB, FREE, 1, 0 },
	{ "insl, one", INSL, FREE, 1, 0 },
	{ "outsb, none", OUTSB, FREE, 0, 0 },
	{ "insb, none", INSB, FREE, 0, 0 },
	{ "outsb, down", OUTSB, FREE + 100, 10, DF },
	{ "outsl, down", OUTSL, FREE + 100, 10, DF },
	{ "insb, down", INSB, FREE + 100, 10, DF },
	{ "insw, down", INSW, FREE + 100, 10, DF },
	{ "insl, down", INSL, FREE + 100, 10, DF },
	{ "outsb, two pages", OUTSB, FREE + PAGE - 5, 10, 0 },
	{ "insb, two pages", INSB, FREE + PAGE - 5, 10, 0 },
	{ "outsl, across", OUTSL, FREE + PAGE - 6, 4, 0 },
	{ "insl, across", INSL, FREE + PAGE - 6, 4, 0 },
	{ "insw, across, down", INSW, FREE + PAGE + 3, 6, DF },
	{ "outsb, a page", OUTSB, FREE, PAGE, 0 },
	{ "insb, a page", INSB, FREE, PAGE, 0 },
	{ "outsb, many pages", OUTSB, FREE + 7, 5 * PAGE, 0 },
	{ "insw, many pages", INSW, FREE + 7, 5 * PAGE / 2, 0 },
	{ "insl, many pages", INSL, FREE + 1, 5 * PAGE / 4, 0 },
	{ "outsl, many pages, down", OUTSL, FREE + 6 * PAGE, 5 * PAGE / 4, DF },
};

#define AREA	(8 * PAGE)

/* The items of an operation in order: element @i lies at the return value. */
static size_t element(unsigned int row, u64 i, unsigned int size)
{
	s64 step = strings[row].flags & DF ? -(s64)size : (s64)size;

	return strings[row].address - FREE + i * step;
}

static void run_string(const struct vm *vm, unsigned int row, u8 *model)
{
	unsigned int size = 1 << strings[row].op % 3;
	bool in = strings[row].op >= INSB;
	u64 done = 0, i;

	data(vm)[0] = strings[row].op;
	data(vm)[1] = strings[row].address;
	data(vm)[2] = strings[row].count;
	data(vm)[3] = strings[row].flags | 2;
	while (run_to(vm, KVM_EXIT_IO) && vm->run->io.port != PORT_STEP) {
		u32 count = vm->run->io.count;
		u8 *p = io_data(vm);

		CHECK_EQ(vm->run->io.port, 0x60);
		CHECK_EQ(vm->run->io.direction,
			 in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT);
		CHECK_EQ(vm->run->io.size, size);
		if (!CHECK(count && count <= strings[row].count - done) ||
		    !CHECK(vm->run->io.data_offset + count * size <= run_size()))
			exit(1);
		for (i = 0; i < count * size; i++)
			if (in)
				p[i] = random64();
		for (i = 0; i < count; i++, done++)
			if (in)
				memcpy(model + element(row, done, size),
				       p + i * size, size);
			else if (memcmp(model + element(row, done, size),
					p + i * size, size))
				CHECK_MSG(0, "%s: item %llu is wrong",
					  strings[row].what,
					  (unsigned long long)done);
	}
	CHECK_MSG(done == strings[row].count, "%s: %llu items, not %llu",
		  strings[row].what, (unsigned long long)done,
		  (unsigned long long)strings[row].count);
}

TEST(io_strings, "REP INS and REP OUT: every item once, in order, whatever the exits")
{
	struct vm vm = vm_create(0);
	u8 *model = malloc(AREA);
	unsigned int i, j;

	START64(&vm, string_servant);
	run_step(&vm);
	for (i = 0; i < ARRAY_SIZE(strings); i++) {
		unsigned int size = 1 << strings[i].op % 3;
		u64 end = FREE + element(i, strings[i].count, size);
		bool in = strings[i].op >= INSB;

		for (j = 0; j < AREA; j++)
			model[j] = vm.mem[FREE + j] = random64();
		run_string(&vm, i, model);
		CHECK_MSG(!memcmp(model, vm.mem + FREE, AREA),
			  "%s: memory is not as it should be", strings[i].what);
		CHECK_MSG(data(&vm)[4] == (in ? strings[i].address : end) &&
			  data(&vm)[5] == (in ? end : strings[i].address) &&
			  data(&vm)[6] == 0,
			  "%s: rsi %#llx rdi %#llx rcx %#llx", strings[i].what,
			  (long long)data(&vm)[4], (long long)data(&vm)[5],
			  (long long)data(&vm)[6]);
	}
}

TEST(io_string_single, "INS and OUTS without a prefix: one item, RCX untouched")
{
	struct vm vm = vm_create(0);

	START64(&vm, string_servant);
	run_step(&vm);
	order(&vm, ONE_OUTSB, FREE, 7);
	data(&vm)[3] = 2;
	vm.mem[FREE] = 0x5a;
	run_to_out(&vm, 0x60);
	CHECK_EQ(vm.run->io.count, 1);
	CHECK_EQ(*(u8 *)io_data(&vm), 0x5a);
	run_step(&vm);
	CHECK_EQ(data(&vm)[4], FREE + 1);
	CHECK_EQ(data(&vm)[6], 7);

	order(&vm, ONE_INSL, FREE, 7);
	data(&vm)[3] = 2;
	run_to(&vm, KVM_EXIT_IO);
	CHECK_EQ(vm.run->io.count, 1);
	CHECK_EQ(vm.run->io.size, 4);
	*(u32 *)io_data(&vm) = 0x12345678;
	run_step(&vm);
	CHECK_EQ(*(u32 *)(vm.mem + FREE), 0x12345678);
	CHECK_EQ(data(&vm)[5], FREE + 4);
	CHECK_EQ(data(&vm)[6], 7);
}

/* A page that is not there: what came before is done, the rest waits. */
TEST(io_string_fault, "a page fault in the middle of a string")
{
	struct vm vm = vm_create(0);
	u64 *pt = (u64 *)(vm.mem + PAGE_TABLES);
	u64 *table = (u64 *)(vm.mem + FREE + AREA), i;
	unsigned int given = 0;
	struct kvm_regs r;

	START64(&vm, string_servant);
	run_step(&vm);
	/* 2 MiB up: small pages, the second of which is missing. */
	pt[1024 + 1] = (FREE + AREA) | 3;
	for (i = 0; i < 512; i++)
		table[i] = i == 1 ? 0 : (FREE + i % 8 * PAGE) | 3;
	data(&vm)[0] = INSB;
	data(&vm)[1] = 0x200000 + PAGE - 4;
	data(&vm)[2] = 10;
	data(&vm)[3] = 2;
	while (run_to(&vm, KVM_EXIT_IO) && vm.run->io.port == 0x60) {
		memset(io_data(&vm), 0x40 + given, 1);
		for (i = 0; i < vm.run->io.count; i++)
			((u8 *)io_data(&vm))[i] = 0x40 + given + i;
		given += vm.run->io.count;
		if (!CHECK(given <= 10))
			return;
	}
	CHECK_EQ(vm.run->io.port, PORT_EXC);
	CHECK_EQ(ctl(&vm)->vector, 14);
	CHECK_EQ(ctl(&vm)->cr2, 0x200000 + PAGE);
	CHECK_EQ(ctl(&vm)->error, 2);
	CHECK(!memcmp(vm.mem + FREE + PAGE - 4, "\x40\x41\x42\x43", 4));
	r = get_regs(&vm);
	CHECK_EQ(r.rdi, 0x200000 + PAGE);
}

GUEST(16, string16,
	"mov $0xfffd, %di\n mov $6, %cx\n mov $0x60, %dx\n cld\n rep insb\n"
	DONE "mov $0xfffe, %si\n mov $4, %cx\n rep outsb\n" DONE);

TEST(io_string_wrap, "in real mode a string wraps around at 64 KiB")
{
	struct vm vm = vm_create(0);
	u8 next = 0, got[4];
	unsigned int n = 0, i;

	START16(&vm, string16);
	memset(vm.mem + 0x10000, 0xcc, 8);
	while (run_to(&vm, KVM_EXIT_IO) && vm.run->io.port == 0x60)
		for (i = 0; i < vm.run->io.count; i++)
			((u8 *)io_data(&vm))[i] = next++;
	CHECK_EQ(next, 6);
	CHECK(!memcmp(vm.mem + 0xfffd, "\0\1\2", 3));
	CHECK(!memcmp(vm.mem, "\3\4\5", 3));
	CHECK_EQ(vm.mem[0x10000], 0xcc);
	while (run_to(&vm, KVM_EXIT_IO) && vm.run->io.port == 0x60)
		for (i = 0; i < vm.run->io.count && n < 4; i++)
			got[n++] = ((u8 *)io_data(&vm))[i];
	CHECK_EQ(n, 4);
	CHECK(!memcmp(got, "\1\2\3\4", 4));
}

/* Both ends leave: a device's register to a port, a port to a device. */
TEST(io_string_mmio, "strings between ports and MMIO")
{
	struct vm vm = vm_create(0);
	unsigned int n;

	START64(&vm, string_servant);
	run_step(&vm);
	data(&vm)[0] = OUTSW;
	data(&vm)[1] = MMIO;
	data(&vm)[2] = 3;
	data(&vm)[3] = 2;
	for (n = 0; n < 6; n++) {
		if (!CHECK_OK(run(&vm)))
			return;
		if (vm.run->exit_reason == KVM_EXIT_MMIO) {
			CHECK_EQ(vm.run->mmio.is_write, 0);
			CHECK_EQ(vm.run->mmio.len, 2);
			CHECK_EQ(vm.run->mmio.phys_addr, MMIO + n / 2 * 2);
			*(u16 *)vm.run->mmio.data = 0x1000 + n / 2;
		} else {
			CHECK_EQ(vm.run->exit_reason, KVM_EXIT_IO);
			CHECK_EQ(vm.run->io.port, 0x60);
			CHECK_EQ(vm.run->io.count, 1);
			CHECK_EQ(*(u16 *)io_data(&vm), 0x1000 + n / 2);
		}
	}
	run_step(&vm);

	data(&vm)[0] = INSL;
	data(&vm)[1] = MMIO;
	data(&vm)[2] = 2;
	for (n = 0;;) {
		if (!CHECK_OK(run(&vm)) || !CHECK(n < 8))
			return;
		if (vm.run->exit_reason == KVM_EXIT_MMIO) {
			u32 len = vm.run->mmio.len, i;

			CHECK_EQ(vm.run->mmio.is_write, 1);
			/* A device wants each item alone. */
			if (differs(DEV_ins_mmio))
				CHECK_EQ(len, 4);
			CHECK_EQ(vm.run->mmio.phys_addr, MMIO + n * 4);
			for (i = 0; i < len; i += 4)
				CHECK_EQ(*(u32 *)(vm.run->mmio.data + i),
					 0x2000 + n++);
		} else if (vm.run->io.port == 0x60) {
			u32 i;

			for (i = 0; i < vm.run->io.count; i++)
				((u32 *)io_data(&vm))[i] = 0x2000 + n + i;
		} else {
			break;
		}
	}
	CHECK_EQ(n, 2);
	CHECK_EQ(data(&vm)[6], 0);
}
