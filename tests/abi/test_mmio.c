// SPDX-License-Identifier: GPL-2.0
/*
 * test_mmio.c - KVM_EXIT_MMIO: each size, each way an instruction touches
 * memory, pieces where an access leaves a page, and the registers afterwards.
 */
#include "vm.h"

/*
 * A conversation: the exits that one instruction makes, in order, each with
 * what user space sees or answers.
 */
struct talk {
	u64 address;
	u8 len;
	bool write;
	u64 value;
};

static void follow(const struct vm *vm, const struct talk *t, unsigned int n,
		   const char *what)
{
	const struct kvm_run *r = vm->run;
	unsigned int i;

	for (i = 0; i < n; i++, t++) {
		u64 got = 0;	/* what is beyond len is nobody's */

		if (run(vm) || r->exit_reason != KVM_EXIT_MMIO ||
		    r->mmio.phys_addr != t->address || r->mmio.len != t->len ||
		    r->mmio.is_write != t->write) {
			CHECK_MSG(0, "%s: step %u: exit %s %#llx len %u write %u, not %#llx len %u write %u",
				  what, i, exit_name(r->exit_reason),
				  (long long)r->mmio.phys_addr, r->mmio.len,
				  r->mmio.is_write, (long long)t->address,
				  t->len, t->write);
			exit(1);
		}
		memcpy(&got, r->mmio.data, t->len);
		if (t->write)
			CHECK_MSG(got == t->value, "%s: step %u: writes %#llx, not %#llx",
				  what, i, (long long)got, (long long)t->value);
		/* Only the bytes asked for count. */
		memset(vm->run->mmio.data, 0xee, 8);
		if (!t->write)
			memcpy(vm->run->mmio.data, &t->value, t->len);
	}
}

/*
 * The instructions: RSI is MMIO, RDI is FREE, RAX what the row says; they
 * leave RAX in DATA[3] and flags in DATA[4].
 */
#define ACT(name, insn) \
	GUEST(64, act_##name, "mov 0xa000, %rax\n mov $0xd0000000, %esi\n" \
	      "mov $0x40000, %edi\n mov $0x1122334455667788, %rdx\n" \
	      "mov $3, %ecx\n cld\n" insn "\n pushfq\n popq 0xa020\n" \
	      "mov %rax, 0xa018\n mov %rdx, 0xa028\n mov %rcx, 0xa030\n" DONE)

ACT(read1, "movb (%rsi), %al");
ACT(read2, "movw (%rsi), %ax");
ACT(read4, "movl (%rsi), %eax");
ACT(read8, "movq (%rsi), %rax");
ACT(read_ah, "movb (%rsi), %ah");
ACT(movzb, "movzbl (%rsi), %eax");
ACT(movsb_, "movsbq (%rsi), %rax");
ACT(movzw, "movzwl (%rsi), %eax");
ACT(movsl_, "movslq (%rsi), %rax");
ACT(write1, "movb %al, (%rsi)");
ACT(write2, "movw %ax, (%rsi)");
ACT(write4, "movl %eax, (%rsi)");
ACT(write8, "movq %rax, (%rsi)");
ACT(write_imm, "movl $0x12345678, 8(%rsi)");
ACT(moffs, "movabs 0xd0000010, %eax");
ACT(unaligned, "movq 5(%rsi), %rax");
ACT(cross_read, "movq 0xffc(%rsi), %rax");
ACT(cross_write, "movq %rax, 0xffd(%rsi)");
ACT(ram_mmio_read, "movq 0x3ffffc, %rax");
ACT(ram_mmio_write, "movq %rax, 0x3ffffe");
ACT(add, "addl %eax, (%rsi)");
ACT(cmp, "cmpl $5, (%rsi)");
ACT(test, "testb $1, (%rsi)");
ACT(locked_inc, "lock incl (%rsi)");
ACT(xchg, "xchgq %rax, (%rsi)");
ACT(xadd, "lock xaddl %eax, (%rsi)");
ACT(cmpxchg_hit, "lock cmpxchgq %rdx, (%rsi)");
ACT(cmpxchg_miss, "lock cmpxchgl %edx, (%rsi)");
ACT(bts, "lock btsl $3, (%rsi)");
ACT(load_add, "addq (%rsi), %rax");
ACT(rep_movsb, "rep movsb");
ACT(rep_movs_out, "xchg %rsi, %rdi\n rep movsl\n xchg %rsi, %rdi");
ACT(rep_stos, "mov %rsi, %rdi\n rep stosw");
ACT(lods, "lodsl");
ACT(mmio_to_mmio, "lea 0x1000(%rsi), %rdi\n mov $2, %ecx\n rep movsw");
ACT(push_mem, "pushq (%rsi)\n pop %rax");
ACT(pop_mem, "push %rax\n popq (%rsi)");
ACT(call_mem, "lea 1f(%rip), %rax\n jmp *(%rsi)\n ud2\n 1:");
ACT(sse_load, "movups (%rsi), %xmm0\n movq %xmm0, %rax\n pextrq $1, %xmm0, %rdx");
ACT(sse_store, "movq %rax, %xmm0\n movq %rdx, %xmm1\n movlhps %xmm1, %xmm0\n movups %xmm0, (%rsi)");

#define ROW(name, rax, after, ...)					\
	{ #name, act_##name, act_##name##_end, rax, after,		\
	  sizeof((struct talk[]){ __VA_ARGS__ }) / sizeof(struct talk),	\
	  { __VA_ARGS__ } }
#define R(off, len, value)	{ MMIO + (off), len, false, value }
#define W(off, len, value)	{ MMIO + (off), len, true, value }
#define OLD	0xaaaaaaaabbbbbbbbull

static const struct {
	const char *name;
	const u8 *code, *end;
	u64 rax, after;
	unsigned int n;
	struct talk talk[6];
} rows[] = {
	ROW(read1, OLD, 0xaaaaaaaabbbbbb42, R(0, 1, 0x42)),
	ROW(read2, OLD, 0xaaaaaaaabbbb4243, R(0, 2, 0x4243)),
	ROW(read4, OLD, 0x42434445, R(0, 4, 0x42434445)),
	ROW(read8, OLD, 0x4243444546474849, R(0, 8, 0x4243444546474849)),
	ROW(read_ah, OLD, 0xaaaaaaaabbbb42bb, R(0, 1, 0x42)),
	ROW(movzb, OLD, 0xf2, R(0, 1, 0xf2)),
	ROW(movsb_, OLD, ~0xdull, R(0, 1, 0xf2)),
	ROW(movzw, OLD, 0xf234, R(0, 2, 0xf234)),
	ROW(movsl_, OLD, 0xffffffff80000001, R(0, 4, 0x80000001)),
	ROW(write1, OLD, OLD, W(0, 1, 0xbb)),
	ROW(write2, OLD, OLD, W(0, 2, 0xbbbb)),
	ROW(write4, OLD, OLD, W(0, 4, 0xbbbbbbbb)),
	ROW(write8, OLD, OLD, W(0, 8, OLD)),
	ROW(write_imm, OLD, OLD, W(8, 4, 0x12345678)),
	ROW(moffs, OLD, 0x777, R(0x10, 4, 0x777)),
	ROW(unaligned, OLD, 0x1122334455667788, R(5, 8, 0x1122334455667788)),
	ROW(cross_read, OLD, 0x1122334455667788, R(0xffc, 4, 0x55667788),
	    R(0x1000, 4, 0x11223344)),
	ROW(cross_write, 0x1122334455667788, 0x1122334455667788,
	    W(0xffd, 3, 0x667788), W(0x1000, 5, 0x1122334455)),
	ROW(add, 5, 5, R(0, 4, 7), W(0, 4, 12)),
	ROW(cmp, 5, 5, R(0, 4, 5)),
	ROW(test, 5, 5, R(0, 1, 1)),
	ROW(locked_inc, 5, 5, R(0, 4, 7), W(0, 4, 8)),
	ROW(xchg, 5, 9, R(0, 8, 9), W(0, 8, 5)),
	ROW(xadd, 5, 9, R(0, 4, 9), W(0, 4, 14)),
	ROW(cmpxchg_hit, 5, 5, R(0, 8, 5), W(0, 8, 0x1122334455667788)),
	ROW(bts, 5, 5, R(0, 4, 0), W(0, 4, 8)),
	ROW(load_add, 5, 12, R(0, 8, 7)),
	ROW(rep_movsb, OLD, OLD, R(0, 1, 1), R(1, 1, 2), R(2, 1, 3)),
	ROW(rep_movs_out, OLD, OLD, W(0, 4, 0x03020100), W(4, 4, 0x07060504),
	    W(8, 4, 0x0b0a0908)),
	ROW(rep_stos, OLD, OLD, W(0, 2, 0xbbbb), W(2, 2, 0xbbbb),
	    W(4, 2, 0xbbbb)),
	ROW(lods, OLD, 0x77, R(0, 4, 0x77)),
	ROW(mmio_to_mmio, OLD, OLD, R(0, 2, 0x11), W(0x1000, 2, 0x11),
	    R(2, 2, 0x22), W(0x1002, 2, 0x22)),
	ROW(push_mem, OLD, 0x77, R(0, 8, 0x77)),
	ROW(pop_mem, OLD, OLD, W(0, 8, OLD)),
	ROW(sse_load, OLD, 0x11, R(0, 8, 0x11), R(8, 8, 0x22)),
	ROW(sse_store, OLD, OLD, W(0, 8, OLD), W(8, 8, 0x1122334455667788)),
};

TEST(mmio_instructions, "what each kind of instruction asks, and does with the answer")
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct vm vm = vm_create(0);

		for (j = 0; j < 16; j++)
			vm.mem[FREE + j] = j;
		vm_start64(&vm, rows[i].code, rows[i].end - rows[i].code);
		data(&vm)[0] = rows[i].rax;
		follow(&vm, rows[i].talk, rows[i].n, rows[i].name);
		if (!run_done(&vm))
			check_failed(__FILE__, __LINE__, "... in %s",
				     rows[i].name);
		CHECK_MSG(answer(&vm) == rows[i].after,
			  "%s: rax is %#llx, not %#llx", rows[i].name,
			  (long long)answer(&vm), (long long)rows[i].after);
		if (!strcmp(rows[i].name, "rep_movsb"))
			CHECK(!memcmp(vm.mem + FREE, "\1\2\3\3", 4));
		if (!strcmp(rows[i].name, "sse_load"))
			CHECK_EQ(data(&vm)[5], 0x22);
		if (!strcmp(rows[i].name, "cmp") ||
		    !strcmp(rows[i].name, "cmpxchg_hit"))
			CHECK_MSG(data(&vm)[4] & 0x40, "%s: ZF is clear",
				  rows[i].name);
		vm_close(&vm);
	}
}

/* Whether a comparison that fails writes the old value back is a matter of taste. */
TEST(mmio_cmpxchg_miss, "CMPXCHG that does not match")
{
	struct vm vm = vm_create(0);

	START64(&vm, act_cmpxchg_miss);
	data(&vm)[0] = 5;
	run_to(&vm, KVM_EXIT_MMIO);
	CHECK_EQ(vm.run->mmio.is_write, 0);
	*(u32 *)vm.run->mmio.data = 6;
	CHECK_OK(run(&vm));
	if (vm.run->exit_reason == KVM_EXIT_MMIO) {
		CHECK_EQ(vm.run->mmio.is_write, 1);
		CHECK_EQ(*(u32 *)vm.run->mmio.data, 6);
		run_done(&vm);
	}
	CHECK_EQ(answer(&vm), 6);
	CHECK(!(data(&vm)[4] & 0x40));
}

TEST(mmio_call, "a jump through a pointer in MMIO")
{
	struct vm vm = vm_create(0);
	u64 target;

	START64(&vm, act_call_mem);
	run_to(&vm, KVM_EXIT_MMIO);
	CHECK_EQ(vm.run->mmio.len, 8);
	target = get_regs(&vm).rax;
	memcpy(vm.run->mmio.data, &target, 8);
	run_done(&vm);
	CHECK_EQ(answer(&vm), target);
}

/* ------------------------------------------------------------------------
 * Half memory, half not
 */

TEST(mmio_half_memory, "accesses that begin in memory and end in none")
{
	struct vm vm = vm_create(0);

	START64(&vm, act_ram_mmio_read);
	*(u32 *)(vm.mem + MEM_SIZE - 4) = 0x55667788;
	run_to(&vm, KVM_EXIT_MMIO);
	CHECK_EQ(vm.run->mmio.phys_addr, MEM_SIZE);
	CHECK_EQ(vm.run->mmio.len, 4);
	CHECK_EQ(vm.run->mmio.is_write, 0);
	*(u32 *)vm.run->mmio.data = 0x11223344;
	run_done(&vm);
	CHECK_EQ(answer(&vm), 0x1122334455667788);

	START64(&vm, act_ram_mmio_write);
	data(&vm)[0] = 0x1122334455667788;
	run_to(&vm, KVM_EXIT_MMIO);
	CHECK_EQ(vm.run->mmio.phys_addr, MEM_SIZE);
	CHECK_EQ(vm.run->mmio.len, 6);
	CHECK_EQ(vm.run->mmio.is_write, 1);
	CHECK_EQ(*(u64 *)vm.run->mmio.data & (BIT(48) - 1), 0x112233445566);
	run_done(&vm);
	CHECK_EQ(*(u16 *)(vm.mem + MEM_SIZE - 2), 0x7788);
}

TEST(mmio_half_mmio, "accesses that begin in none and end in memory")
{
	struct vm vm = vm_create(0);
	u64 *host = memory(PAGE);

	start_servant(&vm);
	REQUIRE_OK(set_slot(&vm, 1, 0, MMIO, PAGE, host));
	host[0] = 0x1122334455667788;
	order(&vm, READ8, MMIO - 3, 0);
	run_to(&vm, KVM_EXIT_MMIO);
	CHECK_EQ(vm.run->mmio.phys_addr, MMIO - 3);
	CHECK_EQ(vm.run->mmio.len, 3);
	memcpy(vm.run->mmio.data, "\xaa\xbb\xcc", 3);
	run_step(&vm);
	CHECK_EQ(answer(&vm), 0x4455667788ccbbaa);
	order(&vm, WRITE8, MMIO - 3, 0x8877665544332211);
	run_to(&vm, KVM_EXIT_MMIO);
	CHECK_EQ(vm.run->mmio.len, 3);
	CHECK_EQ(vm.run->mmio.is_write, 1);
	CHECK(!memcmp(vm.run->mmio.data, "\x11\x22\x33", 3));
	run_step(&vm);
	CHECK_EQ(host[0], 0x1122338877665544);
}

/* ------------------------------------------------------------------------
 * Addresses
 */

TEST(mmio_high, "MMIO above 4 GiB, and up to the last address there is")
{
	struct vm vm = vm_create(0);
	struct kvm_cpuid2 *c = supported_cpuid();
	unsigned int bits = cpuid_entry(c, 0x80000008, 0)->eax & 0xff, i, again;
	const u64 places[] = {
		1ull << 32, (1ull << 36) - PAGE, (1ull << 39) - PAGE,
		(1ull << (bits - 1)), (1ull << bits) - PAGE,
	};
	u64 *pt = (u64 *)(vm.mem + FREE);

	start_servant(&vm);
	((u64 *)(vm.mem + PAGE_TABLES))[1] = FREE | 3;
	pt[0] = (FREE + PAGE) | 3;
	pt[512] = (FREE + 2 * PAGE) | 3;
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		if (places[i] >> bits)
			continue;
		POKE(&vm, FREE + 2 * PAGE, places[i] | 3);
		DO(&vm, INVLPG, 1ull << 39, 0);
		for (again = 0; again < 3; again++) {
			order(&vm, WRITE8, (1ull << 39) + 0x128, i);
			run_to(&vm, KVM_EXIT_MMIO);
			CHECK_EQ(vm.run->mmio.phys_addr, places[i] + 0x128);
			CHECK_EQ(*(u64 *)vm.run->mmio.data, i);
			run_step(&vm);
		}
		/* A write to a page table: the audit looks. */
		POKE(&vm, PAGE_TABLES + 8 * 100, 0);
	}
}

GUEST(64, move_within, "movabs $0x8000000080, %rsi\n movabs $0x8000000380, %rdi\n"
	"movsl\n" DONE);

/* Of user space, then of the local APIC, which is asked without an exit. */
TEST(mmio_read_only, "from a device's page to the same page, which may only be read")
{
	int apic;

	for (apic = 0; apic < 2; apic++) {
		struct vm vm = vm_create(apic ? VM_IRQCHIP : 0);
		u64 *pt = (u64 *)(vm.mem + FREE);

		START64(&vm, move_within);
		((u64 *)(vm.mem + PAGE_TABLES))[1] = FREE | 0x63;
		pt[0] = (FREE + PAGE) | 0x63;
		pt[512] = (FREE + 2 * PAGE) | 0x63;
		pt[1024] = (apic ? 0xfee00000 : MMIO) | 0x61;
		ctl(&vm)->skip = 1;
		if (!apic) {
			run_to(&vm, KVM_EXIT_MMIO);
			CHECK_EQ(vm.run->mmio.phys_addr, MMIO + 0x80);
			CHECK_EQ(vm.run->mmio.is_write, 0);
		}
		run_done(&vm);
		CHECK_EQ(ctl(&vm)->exceptions, 1);
		CHECK_EQ(ctl(&vm)->vector, 14);
		CHECK_EQ(ctl(&vm)->error, 3);
		CHECK_EQ(ctl(&vm)->cr2, (1ull << 39) + 0x380);
		vm_close(&vm);
	}
}

GUEST(64, long_string, "mov $0x40000, %esi\n mov $0xd0000000, %edi\n mov $100, %ecx\n"
	"rep movsq\n" DONE);

TEST(mmio_long_string, "a string to MMIO, longer than what is kept of it at a time")
{
	struct vm vm = vm_create(0);
	u64 *from = (u64 *)(vm.mem + FREE), i;

	START64(&vm, long_string);
	for (i = 0; i < 100; i++)
		from[i] = ~i;
	for (i = 0; i < 100; i++) {
		if (!run_to(&vm, KVM_EXIT_MMIO))
			return;
		CHECK_EQ(vm.run->mmio.phys_addr, MMIO + i * 8);
		CHECK_EQ(vm.run->mmio.is_write, 1);
		CHECK_EQ(vm.run->mmio.len, 8);
		CHECK_EQ(*(u64 *)vm.run->mmio.data, ~i);
	}
	run_done(&vm);
}

GUEST(64, across, "mov $0x40000, %esi\n mov $0xd0000f84, %edi\n mov $32, %ecx\n"
	"rep movsq\n" DONE);

TEST(mmio_string_across, "the element that crosses a page comes when there is little room for it")
{
	struct vm vm = vm_create(0);
	u8 *from = vm.mem + FREE;
	unsigned int i, sent;

	START64(&vm, across);
	for (i = 0; i < 256; i++)
		from[i] = i;
	for (sent = 0; sent < 256; sent += vm.run->mmio.len) {
		if (!run_to(&vm, KVM_EXIT_MMIO))
			return;
		if (!CHECK_EQ(vm.run->mmio.phys_addr, MMIO + 0xf84 + sent))
			return;
		CHECK(!memcmp(vm.run->mmio.data, from + sent, vm.run->mmio.len));
	}
	run_done(&vm);
}

TEST(mmio_repeated, "the same register a thousand times")
{
	struct vm vm = vm_create(0);
	u64 i;

	start_servant(&vm);
	for (i = 0; i < 1000; i++) {
		order(&vm, i & 1 ? WRITE8 : READ8, MMIO + i % 7 * PAGE + i % 64 * 8, i);
		run_to(&vm, KVM_EXIT_MMIO);
		CHECK_EQ(vm.run->mmio.phys_addr, MMIO + i % 7 * PAGE + i % 64 * 8);
		if (i & 1)
			CHECK_EQ(*(u64 *)vm.run->mmio.data, i);
		else
			memcpy(vm.run->mmio.data, &i, 8);
		run_step(&vm);
		if (!(i & 1))
			CHECK_EQ(answer(&vm), i);
	}
}
