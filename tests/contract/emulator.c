// SPDX-License-Identifier: GPL-2.0
/*
 * emulator.c - statements 12 and 18: an instruction that another vCPU changes
 * between the exit and its emulation, and buffers that change or vanish under
 * an access in two pieces.
 */
#include <signal.h>
#include "contract.h"

/* ------------------------------------------------------------------------
 * 12: CPL 3 reads from a device; its instruction becomes another
 */

#define SLOT		(CODE + 0x40)	/* eight bytes, written at once */
#define RESUME		(CODE + 0x80)
#define VARIANTS	0x50000
#define ROUNDS		20000
#define USER_DATA	(48 | 3)
#define USER_CODE	(56 | 3)

/*
 * RSI is the APIC's version register, where the read ends in the kernel.  A
 * fault returns to RESUME; the last MMIO, a write to 0xd0000000, is the test's.
 */
GUEST(64, victim,
	"jmp 1f\n .balign 64\n"
	"1: mov (%rsi), %eax\n nop\n nop\n nop\n nop\n nop\n nop\n"
	".balign 64\n"
	"incq 0xa000\n cmpq $" STR(ROUNDS) ", 0xa000\n jb 1b\n"
	"2: mov %eax, 0xd0000000\n jmp 2b\n"
	".balign 64\n"
	/* With an error code; a page fault, as half an instruction is another. */
	"incq 0xa008\n add $8, %rsp\n movq $0x1080, (%rsp)\n iretq\n"
	".balign 64\n"
	/* #UD */
	"incq 0xa010\n movq $0x1080, (%rsp)\n iretq\n");

/* Each with a memory operand at RSI, or with none; all privileged. */
#define V(name, insn)	GUEST(64, v_##name, insn "\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n")
V(read, "mov (%rsi), %eax");
V(lgdt, "lgdt (%rsi)");
V(lidt, "lidt (%rsi)");
V(lldt, "lldt (%rsi)");
V(ltr, "ltr (%rsi)");
V(lmsw, "lmsw (%rsi)");
V(cr0, "mov %rax, %cr0");
V(cr3, "mov %rax, %cr3");
V(cr4, "mov %rax, %cr4");
V(dr7, "mov %rax, %dr7");
V(wrmsr, "wrmsr");
V(hlt, "hlt");
V(cli, "cli");
V(sti, "sti");
V(out, "out %al, $" STR(PORT_EXC));
V(outs, "outsb");
V(in, "in $0x50, %al");
V(clts, "clts");
V(invlpg, "invlpg (%rsi)");
V(swapgs, "swapgs");
V(sysret, "sysretq");
V(mov_ss, "mov (%rsi), %ss");
V(far_jump, "ljmp *(%rsi)");
V(write, "mov %eax, (%rsi)");

static const u8 *const variants[] = {
	v_lgdt, v_lidt, v_lldt, v_ltr, v_lmsw, v_cr0, v_cr3, v_cr4, v_dr7,
	v_wrmsr, v_hlt, v_cli, v_sti, v_out, v_outs, v_in, v_clts, v_invlpg,
	v_swapgs, v_sysret, v_mov_ss, v_far_jump, v_write,
};

/* The other vCPU: the read, then one of the others, then the read ... */
GUEST(64, rewriter,
	"1: xor %ecx, %ecx\n"
	"2: mov 0x50000(, %rcx, 8), %rax\n mov 0x50200, %rbx\n"
	"mov %rbx, 0x1040\n pause\n pause\n pause\n pause\n"
	"mov %rax, 0x1040\n inc %ecx\n incq 0x50300\n"
	"cmp $23, %ecx\n jb 2b\n jmp 1b\n");

/* All that CPL 3 must not change. */
static void check_sregs(const struct vm *vm, const struct kvm_sregs *before)
{
	struct kvm_sregs s = get_sregs(vm);
	struct kvm_debugregs dr;
	u64 star;

	CHECK_EQ(s.cs.dpl, 3);
	CHECK_EQ(s.cs.selector, USER_CODE);
	CHECK_EQ(s.ss.selector, USER_DATA);
	CHECK_EQ(s.cr0, before->cr0);
	CHECK_EQ(s.cr3, before->cr3);
	CHECK_EQ(s.cr4, before->cr4);
	CHECK_EQ(s.efer, before->efer);
	CHECK_EQ(s.gs.base, before->gs.base);
	CHECK(!memcmp(&s.gdt, &before->gdt, sizeof(s.gdt)));
	CHECK(!memcmp(&s.idt, &before->idt, sizeof(s.idt)));
	CHECK(!memcmp(&s.ldt, &before->ldt, sizeof(s.ldt)));
	CHECK(!memcmp(&s.tr, &before->tr, sizeof(s.tr)));
	CHECK_EQ(get_regs(vm).rflags & 0x3200, 0x200);	/* IOPL, IF */
	CHECK_OK(ioctl(vm->vcpu, KVM_GET_DEBUGREGS, &dr));
	CHECK_EQ(dr.dr7, 0x400);
	CHECK_EQ(get_msr(vm->vcpu, 0xc0000081, &star), 1);
	CHECK_EQ(star, 0);
}

/* The guest's tables are everybody's; CPL 3 gets segments of its own. */
static void start_victim(const struct vm *vm)
{
	static const u8 with_code[] = { 10, 11, 12, 13, 14, 17 };
	u64 *gdt = (u64 *)(vm->mem + GDT), *table = (u64 *)(vm->mem + PAGE_TABLES);
	struct kvm_sregs s;
	struct kvm_regs r;
	unsigned int i;

	START64(vm, victim);
	for (i = 0; i < 6 * 512; i++)
		if (table[i] & 1)
			table[i] |= 4;
	gdt[6] = 0x00cff3000000ffffull;
	gdt[7] = 0x00affb000000ffffull;
	memcpy(vm->mem + TSS + 4, &(u64){ STACK }, 8);
	memcpy(vm->mem + TSS + 102, &(u16){ 0xffff }, 2);	/* no I/O map */
	for (i = 0; i < ARRAY_SIZE(with_code); i++)
		set_gate(vm, with_code[i], CODE + 0xc0);
	set_gate(vm, 6, CODE + 0x100);
	s = get_sregs(vm);
	s.gdt.limit = 63;
	s.cs.dpl = s.ss.dpl = s.ds.dpl = s.es.dpl = s.fs.dpl = s.gs.dpl = 3;
	s.cs.selector = USER_CODE;
	s.ss.selector = s.ds.selector = s.es.selector = s.fs.selector =
		s.gs.selector = USER_DATA;
	set_sregs(vm, &s);
	r = get_regs(vm);
	r.rflags = 0x202;
	r.rsp = STACK + 0x8000;
	r.rsi = 0xfee00030;
	r.rcx = 0xc0000081;
	r.rax = r.rdx = 0xe0000011;
	set_regs(vm, &r);
}

TEST_SECONDS(s12_rewritten, 120, "an instruction of CPL 3 becomes a privileged one while it is emulated")
{
	struct vm vm = vm_create(VM_IRQCHIP), other = second_vcpu(&vm);
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	struct runner thread;
	struct kvm_sregs before;
	unsigned int i;

	start_victim(&vm);
	memcpy(vm.mem + 0x60000, rewriter, rewriter_end - rewriter);
	for (i = 0; i < ARRAY_SIZE(variants); i++)
		memcpy(vm.mem + VARIANTS + 8 * i, variants[i], 8);
	memcpy(vm.mem + VARIANTS + 0x200, v_read, 8);
	CHECK_OK(ioctl(other.vcpu, KVM_SET_MP_STATE, &runnable));
	vcpu_enter64(other.vcpu, 0x60000);
	before = get_sregs(&vm);
	start_runner(&thread, &other);
	do {
		if (!run_to(&vm, KVM_EXIT_MMIO))
			break;
		check_sregs(&vm, &before);
	} while (vm.run->mmio.phys_addr != MMIO && !failures);
	stop_runner(&thread);
	CHECK_EQ(thread.error, EINTR);
	CHECK_EQ(data(&vm)[0], ROUNDS);
	printf("  %llu rewrites, %llu faults, %llu #UD\n",
	       (long long)*(u64 *)(vm.mem + VARIANTS + 0x300),
	       (long long)data(&vm)[1], (long long)data(&vm)[2]);
	CHECK(data(&vm)[1] > 0);
	CHECK(*(u64 *)(vm.mem + VARIANTS + 0x300) > 100);
}

/* ------------------------------------------------------------------------
 * 18: two pages, strings, and a process that changes both meanwhile
 */

#define BUFFER		0x100000
#define PAIR		0x200000	/* of two slots, which come and go */

/* Accesses in two pieces, and strings into a buffer with canaries behind it. */
GUEST(64, pieces,
	"movq $2, 0x8000\n mov $0xd0001000, %r12d\n"
	"1: mov %rax, -4(%r12)\n mov -3(%r12), %rbx\n"
	"movups %xmm0, -8(%r12)\n movups -7(%r12), %xmm1\n"
	"lock incl -2(%r12)\n push -5(%r12)\n pop %rcx\n"
	"mov $0x100ff0, %edi\n mov $32, %ecx\n mov $0x50, %edx\n rep insb\n"
	"mov $0x100ffc, %edi\n mov $3, %ecx\n rep insl\n"
	"mov $0x100ff0, %esi\n mov $32, %ecx\n rep outsb\n"
	"mov $0x100ff0, %edi\n mov $0xd0000ff0, %esi\n mov $4, %ecx\n rep movsq\n"
	"incq 0xa000\n jmp 1b\n");

static volatile bool stop;

/* What belongs to the exit under way, but for what asks to load registers. */
static void *scribbler(void *arg)
{
	const struct vm *vm = arg;
	u64 seed = 0x9e3779b97f4a7c15ull;

	while (!stop) {
		u8 *p = (u8 *)vm->run;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		p[seed >> 33 & 1 ? 32 + (seed >> 40) % 96 : PAGE + (seed >> 40) % PAGE] =
			seed >> 24;
		vm->run->immediate_exit = 0;
	}
	return NULL;
}

TEST(s18_scribbled, "the process rewrites kvm_run under accesses in two pieces and strings")
{
	struct vm vm = vm_create(0);
	unsigned int i, exits = 0;
	pthread_t thread;

	START64(&vm, pieces);
	memset(vm.mem + BUFFER, 0x5c, 2 * PAGE + PAGE);
	REQUIRE(!pthread_create(&thread, NULL, scribbler, &vm));
	while (data(&vm)[0] < 60 && exits < 20000) {
		exits++;
		if (!CHECK_EQ(run(&vm), 0))
			break;
	}
	stop = true;
	pthread_join(thread, NULL);
	CHECK_EQ(data(&vm)[0], 60);
	for (i = 0; i < 3 * PAGE; i++)
		if (i < 0xff0 || i >= 0x1010)
			if (!CHECK_MSG(vm.mem[BUFFER + i] == 0x5c,
				       "the buffer's neighbour at %#x was written", i))
				break;
	CHECK_EQ(ctl(&vm)->exceptions, 0);
}

/* A word across the border, the two halves of which are different slots. */
GUEST(64, across,
	"movq $2, 0x8000\n mov $0xdffffc, %esi\n"
	"1: mov %rax, (%rsi)\n mov (%rsi), %rbx\n lock incq (%rsi)\n"
	"movups %xmm0, -4(%rsi)\n movups -4(%rsi), %xmm1\n"
	"lea -16(%rsi), %rdi\n mov $0xd0000000, %rsi\n mov $4, %ecx\n rep movsq\n"
	"mov $0xdffffc, %esi\n lea -16(%rsi), %rdi\n mov $32, %ecx\n"
	"mov $0x50, %edx\n rep insb\n incq 0xa000\n jmp 1b\n");

struct flipper {
	const struct vm *vm;
	u8 *host;
	unsigned int rounds;
};

/* The slot of the second page goes, its memory too; then both are back. */
static void *flipper(void *arg)
{
	struct flipper *f = arg;

	while (!stop) {
		CHECK_OK(set_slot(f->vm, 2, 0, 0, 0, NULL));
		madvise(f->host + PAGE, PAGE, MADV_DONTNEED);
		mprotect(f->host + PAGE, PAGE, PROT_NONE);
		usleep(200);
		mprotect(f->host + PAGE, PAGE, PROT_READ | PROT_WRITE);
		CHECK_OK(set_slot(f->vm, 2, 0, 0xe00000, PAGE, f->host + PAGE));
		usleep(200);
		f->rounds++;
	}
	return NULL;
}

TEST(s18_slot_goes, "the second page's slot comes and goes under accesses to both")
{
	struct vm vm = vm_create(0);
	u8 *host = memory(4 * PAGE);
	struct flipper f = { .vm = &vm, .host = host + PAGE };
	unsigned int i, exits = 0;
	pthread_t thread;

	memset(host, 0x5c, PAGE);
	memset(host + 3 * PAGE, 0x5c, PAGE);
	START64(&vm, across);
	REQUIRE_OK(set_slot(&vm, 1, 0, 0xdff000, PAGE, f.host));
	REQUIRE_OK(set_slot(&vm, 2, 0, 0xe00000, PAGE, f.host + PAGE));
	REQUIRE(!pthread_create(&thread, NULL, flipper, &f));
	while ((data(&vm)[0] < 1000 || f.rounds < 20) && exits < 100000) {
		exits++;
		if (!CHECK_EQ(run(&vm), 0))
			break;
		if (!CHECK_MSG(vm.run->exit_reason == KVM_EXIT_MMIO ||
			       vm.run->exit_reason == KVM_EXIT_IO,
			       "exit %s", exit_name(vm.run->exit_reason)))
			break;
	}
	stop = true;
	pthread_join(thread, NULL);
	printf("  %u exits, %u times without the slot\n", exits, f.rounds);
	CHECK(f.rounds > 0);
	for (i = 0; i < PAGE; i++)
		if (!CHECK(host[i] == 0x5c && host[3 * PAGE + i] == 0x5c))
			break;
	CHECK_EQ(ctl(&vm)->exceptions, 0);
}
