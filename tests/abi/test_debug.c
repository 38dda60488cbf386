// SPDX-License-Identifier: GPL-2.0
/*
 * test_debug.c - KVM_SET_GUEST_DEBUG and KVM_EXIT_DEBUG: a debugger outside,
 * of which the guest knows nothing.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include "vm.h"

#define DR6_BS	BIT(14)

GUEST(64, debuggee,
	"nop\n xor %eax, %eax\n cpuid\n mov $0xfee00030, %edi\n mov (%rdi), %edx\n"
	"out %al, $0x80\n incl (%rsi)\n mov $7, %ebx\n nop\n" DONE);

/* Where its instructions begin. */
enum { XOR = CODE + 1, CPUID = CODE + 3, MOVI = CODE + 5, LOAD = CODE + 10, OUT80 = CODE + 12,
       INC = CODE + 14, MOV = CODE + 16, NOP = CODE + 21, LAST = CODE + 22 };

static int debug(const struct vm *vm, u32 control)
{
	struct kvm_guest_debug d = { .control = control };

	return ioctl(vm->vcpu, KVM_SET_GUEST_DEBUG, &d);
}

static void jump(const struct vm *vm, u64 rip)
{
	struct kvm_regs regs = get_regs(vm);

	regs.rip = rip;
	set_regs(vm, &regs);
}

static bool stops_at(const struct vm *vm, u64 pc, u32 exception)
{
	const struct kvm_debug_exit_arch *d = &vm->run->debug.arch;

	return run_to(vm, KVM_EXIT_DEBUG) && CHECK_EQ(d->pc, pc) &&
	       CHECK_EQ(d->exception, exception) &&
	       CHECK_EQ(get_regs(vm).rip, pc);
}

TEST(debug_step, "one instruction at a time, emulated ones too, and no trace of it")
{
	static const u64 stops[] = { XOR, CPUID, MOVI, LOAD, OUT80 };
	struct vm vm = vm_create(VM_IRQCHIP);
	unsigned int i;

	if (bochs && !ours)
		skip("Bochs and Linux's module together report the step of CPUID twice");
	START64(&vm, debuggee);
	CHECK_OK(debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP));
	for (i = 0; i < ARRAY_SIZE(stops); i++) {
		if (!stops_at(&vm, stops[i], 1))
			return;
		CHECK(vm.run->debug.arch.dr6 & DR6_BS);
		CHECK(!(get_regs(&vm).rflags & BIT(8)));
	}
	/* What has to be told of the instruction itself comes first. */
	run_to_out(&vm, 0x80);
	if (differs(DEV_step_io))
		stops_at(&vm, INC, 1);
	settle(&vm);
	jump(&vm, MOV);
	CHECK_OK(debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP));
	stops_at(&vm, NOP, 1);
	stops_at(&vm, LAST, 1);
	CHECK_EQ(get_regs(&vm).rbx, 7);
	CHECK_OK(debug(&vm, 0));
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->exceptions, 0);
}

TEST(debug_step_mmio, "a write that user space is asked for is not lost to a step")
{
	struct vm vm = vm_create(0);
	struct kvm_regs regs;

	START64(&vm, debuggee);
	CHECK_OK(debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP));
	regs = get_regs(&vm);
	regs.rip = INC;
	regs.rsi = MMIO;
	set_regs(&vm, &regs);
	run_to(&vm, KVM_EXIT_MMIO);
	CHECK_EQ(vm.run->mmio.is_write, 0);
	*(u32 *)vm.run->mmio.data = 41;
	run_to(&vm, KVM_EXIT_MMIO);
	CHECK_EQ(vm.run->mmio.is_write, 1);
	CHECK_EQ(*(u32 *)vm.run->mmio.data, 42);
	CHECK_OK(debug(&vm, 0));
	run_done(&vm);
}

GUEST(64, int3_alone, "nop\n int3\n nop\n" DONE);

TEST(debug_breakpoint, "INT3 is the debugger's if it asks, else the guest's")
{
	struct vm vm = vm_create(0);

	/* Without ENABLE the rest means nothing. */
	START64(&vm, int3_alone);
	CHECK_OK(debug(&vm, KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_SINGLESTEP));
	run_to_out(&vm, PORT_EXC);
	CHECK_EQ(ctl(&vm)->vector, 3);
	CHECK_EQ(ctl(&vm)->rip, CODE + 2);

	if (qemu)
		skip("QEMU does not intercept the #BP of INT3");
	START64(&vm, int3_alone);
	CHECK_OK(debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP));
	stops_at(&vm, CODE + 1, 3);
	stops_at(&vm, CODE + 1, 3);
	jump(&vm, CODE + 2);
	run_done(&vm);
}

TEST(debug_hardware, "breakpoints in the debug registers, the guest's own unseen")
{
	struct vm vm = vm_create(0);
	struct kvm_guest_debug d = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
		.arch.debugreg = { [0] = CPUID, [3] = LAST, [7] = 0x4c3 },
	};
	struct kvm_debugregs before, after;

	if (qemu)
		skip("QEMU's VMRUN does not arm breakpoints");
	START64(&vm, debuggee);
	REQUIRE_OK(ioctl(vm.vcpu, KVM_GET_DEBUGREGS, &before));
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_GUEST_DEBUG, &d));
	stops_at(&vm, CPUID, 1);
	CHECK_EQ(vm.run->debug.arch.dr6 & 0xf, 1);
	/* Past it without running it: there is no other way. */
	jump(&vm, MOV);
	stops_at(&vm, LAST, 1);
	CHECK_EQ(vm.run->debug.arch.dr6 & 0xf, 8);
	CHECK_OK(debug(&vm, 0));
	run_done(&vm);
	REQUIRE_OK(ioctl(vm.vcpu, KVM_GET_DEBUGREGS, &after));
	CHECK(!memcmp(before.db, after.db, sizeof(before.db)));
	CHECK_EQ(before.dr7, after.dr7);
}

TEST(debug_inject, "the debugger hands a #DB or #BP on to the guest")
{
	static const struct { u32 control, vector; } cases[] = {
		{ KVM_GUESTDBG_INJECT_DB, 1 }, { KVM_GUESTDBG_INJECT_BP, 3 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vm vm = vm_create(0);

		/* The #BP is that of the INT3 there, and it is not the first. */
		START64(&vm, int3_alone);
		run_to_out(&vm, PORT_EXC);
		jump(&vm, CODE + 1);
		CHECK_OK(debug(&vm, KVM_GUESTDBG_ENABLE | cases[i].control));
		/* One at a time. */
		CHECK_ERRNO(debug(&vm, KVM_GUESTDBG_ENABLE |
				  cases[i].control), EBUSY);
		run_to_out(&vm, PORT_EXC);
		CHECK_EQ(ctl(&vm)->vector, cases[i].vector);
		if (cases[i].vector == 1 || differs(DEV_inject_bp_rip))
			CHECK_EQ(ctl(&vm)->rip,
				 CODE + 1 + (cases[i].vector == 3));
		vm_close(&vm);
	}
}

#define DEBUGREG(n)	(offsetof(struct user, u_debugreg[n]))

static void one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	REQUIRE_OK(sched_setaffinity(0, sizeof(set), &set));
}

/* A process that stops, then writes to @watched. */
static pid_t start_watched(volatile u64 *watched)
{
	pid_t pid = fork();
	int status;

	REQUIRE(pid >= 0);
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		*watched = 1;
		_exit(0);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	/* Eight bytes, writes, local: DR7 as the SDM has it. */
	REQUIRE_OK(ptrace(PTRACE_POKEUSER, pid, DEBUGREG(0), watched));
	REQUIRE_OK(ptrace(PTRACE_POKEUSER, pid, DEBUGREG(7), 0x90001));
	return pid;
}

GUEST(64, leave_dr6, "mov $0xffff4ffe, %eax\n mov %rax, %db6\n" DONE);

/* QEMU's #VMEXIT brings the host's DR6 back, which no processor does. */
TEST(debug_host_dr6, "what a guest leaves in DR6 is not found by a debugger on the host")
{
	static volatile u64 watched;
	struct vm vm = vm_create(0);
	struct kvm_debugregs d;
	long dr6;
	int status;
	pid_t pid;

	one_cpu();
	pid = start_watched(&watched);
	START64(&vm, leave_dr6);
	run_done(&vm);

	REQUIRE_OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	REQUIRE(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	errno = 0;
	dr6 = ptrace(PTRACE_PEEKUSER, pid, DEBUGREG(6), NULL);
	CHECK_EQ(errno, 0);
	CHECK_EQ(dr6 & (DR6_BS | 0xf), 1);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	/* The guest still has its own. */
	REQUIRE_OK(ioctl(vm.vcpu, KVM_GET_DEBUGREGS, &d));
	CHECK_EQ(d.dr6 & (DR6_BS | 0xf), DR6_BS | 0xe);
}

GUEST(64, int1_alone, "nop\n .byte 0xf1\n nop\n" DONE);

TEST(debug_int1, "INT1 returns behind itself, like INT3, and sets nothing in DR6")
{
	struct vm vm = vm_create(0);
	struct kvm_debugregs d;

	if (qemu)
		skip("QEMU takes INT1 for itself");
	START64(&vm, int1_alone);
	run_to_out(&vm, PORT_EXC);
	CHECK_EQ(ctl(&vm)->vector, 1);
	CHECK_EQ(ctl(&vm)->rip, CODE + 2);
	REQUIRE_OK(ioctl(vm.vcpu, KVM_GET_DEBUGREGS, &d));
	CHECK_EQ(d.dr6 & (DR6_BS | 0xf), 0);
}

GUEST(64, late_dr,
	"sti\n mov $0x4321, %edx\n 1: cmpl $0, " STR(DATA) "\n je 1b\n"
	"mov %rdx, %db0\n" DONE);

/* When the guest is at it, it shall leave at its next exit: the MOV's. */
static void *open_window(void *arg)
{
	struct vm *vm = arg;

	usleep(20000);
	vm->run->request_interrupt_window = 1;
	*(volatile u32 *)(vm->mem + DATA) = 1;
	return NULL;
}

TEST(debug_lent_registers, "a debugger's breakpoints come between a guest and its MOV DR")
{
	static const struct kvm_guest_debug d = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
		.arch.debugreg = { [1] = 0x1234000, [7] = 0x400 },
	};
	struct vm vm = vm_create(0);
	struct kvm_debugregs regs;
	pthread_t thread;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		*(volatile u32 *)(vm.mem + DATA) = 0;
		START64(&vm, late_dr);
		CHECK_OK(debug(&vm, 0));
		REQUIRE(!pthread_create(&thread, NULL, open_window, &vm));
		run_to(&vm, KVM_EXIT_IRQ_WINDOW_OPEN);
		pthread_join(thread, NULL);
		vm.run->request_interrupt_window = 0;
		CHECK_OK(ioctl(vm.vcpu, KVM_SET_GUEST_DEBUG, &d));
		run_done(&vm);
		REQUIRE_OK(ioctl(vm.vcpu, KVM_GET_DEBUGREGS, &regs));
		CHECK_EQ(regs.db[0], 0x4321);
		CHECK_EQ(regs.db[1], 0);
	}
}

GUEST(64, sti_alone, "sti\n nop\n nop\n" DONE);

/* The step is taken in the shadow of STI, where entry is particular. */
TEST(debug_step_sti, "STI is stepped over, by a debugger and by the guest's own TF")
{
	struct vm vm = vm_create(0);
	struct kvm_regs regs;

	if (qemu)
		skip("QEMU takes STI and what follows it for one step");
	START64(&vm, sti_alone);
	CHECK_OK(debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP));
	if (!stops_at(&vm, CODE + 1, 1) || !stops_at(&vm, CODE + 2, 1))
		return;
	CHECK_OK(debug(&vm, 0));
	run_done(&vm);

	START64(&vm, sti_alone);
	regs = get_regs(&vm);
	regs.rflags |= BIT(8);
	set_regs(&vm, &regs);
	run_to_out(&vm, PORT_EXC);
	CHECK_EQ(ctl(&vm)->vector, 1);
	CHECK_EQ(ctl(&vm)->rip, CODE + 1);
}

GUEST(64, long_loop, "sti\n nop\n mov $100000, %ecx\n 1: loop 1b\n" DONE);

TEST(debug_between, "stepping begins and ends where nothing else of the registers is touched")
{
	struct vm vm = vm_create(0);

	START64(&vm, long_loop);
	vm.run->request_interrupt_window = 1;
	run_to(&vm, KVM_EXIT_IRQ_WINDOW_OPEN);
	vm.run->request_interrupt_window = 0;
	CHECK_OK(debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP));
	if (!run_to(&vm, KVM_EXIT_DEBUG))
		return;
	CHECK_OK(debug(&vm, 0));
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->exceptions, 0);
}

GUEST(64, own_breakpoint,
	"0: mov $" STR(CODE) " + 1f - 0b, %eax\n mov %rax, %db0\n"
	"mov $0x401, %eax\n mov %rax, %db7\n" STEP "1: nop\n" DONE);
GUEST(64, other_breakpoint,
	"mov $0x1234, %eax\n mov %rax, %db0\n mov $0x401, %eax\n mov %rax, %db7\n" STEP DONE);

TEST(debug_two_guests, "each guest keeps its breakpoints while another has the processor")
{
	struct vm vm = vm_create(0), other = vm_create(0);

	if (qemu)
		skip("QEMU forgets to end a breakpoint when another guest is entered");
	START64(&vm, own_breakpoint);
	START64(&other, other_breakpoint);
	run_step(&vm);
	run_step(&other);
	run_to_out(&vm, PORT_EXC);
	CHECK_EQ(ctl(&vm)->vector, 1);
	run_done(&other);
	CHECK_EQ(ctl(&other)->exceptions, 0);
}

GUEST(64, sets_ts, "mov %cr0, %rax\n or $8, %eax\n mov %rax, %cr0\n" STEP "smsw %ebx\n" DONE);

TEST(debug_keeps_ts, "KVM_SET_GUEST_DEBUG leaves the guest's CR0 alone")
{
	struct vm vm = vm_create(0);
	struct kvm_sregs sregs;

	START64(&vm, sets_ts);
	/* Nothing of CR0 is the hypervisor's own then. */
	sregs = get_sregs(&vm);
	sregs.cr0 = 0x80010033;
	set_sregs(&vm, &sregs);
	run_step(&vm);
	CHECK_OK(debug(&vm, 0));
	run_done(&vm);
	CHECK_EQ(get_regs(&vm).rbx & 8, 8);
}

TEST(debug_keeps_dr6, "a debugger's steps leave nothing in the guest's DR6")
{
	struct vm vm = vm_create(0);
	struct kvm_debugregs d;
	u64 before;

	START64(&vm, debuggee);
	REQUIRE_OK(ioctl(vm.vcpu, KVM_GET_DEBUGREGS, &d));
	before = d.dr6;
	CHECK_OK(debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP));
	stops_at(&vm, XOR, 1);
	stops_at(&vm, CPUID, 1);
	REQUIRE_OK(ioctl(vm.vcpu, KVM_GET_DEBUGREGS, &d));
	CHECK_EQ(d.dr6, before);
	CHECK_OK(debug(&vm, 0));
	REQUIRE_OK(ioctl(vm.vcpu, KVM_GET_DEBUGREGS, &d));
	CHECK_EQ(d.dr6, before);
}

TEST(debug_bad_dr7, "DR7 has 32 bits")
{
	struct kvm_guest_debug d = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
		.arch.debugreg[7] = 1ull << 32,
	};
	struct vm vm = vm_create(0);

	START64(&vm, debuggee);
	if (differs(DEV_debug_dr7))
		CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_GUEST_DEBUG, &d), EINVAL);
	run_to(&vm, KVM_EXIT_MMIO);
}

/* The step of MOV SS ends behind the next instruction, and is over then. */
GUEST(64, mov_ss, "mov $16, %eax\n mov %eax, %ss\n cpuid\n nop\n" DONE);

TEST(debug_step_mov_ss, "a step over MOV SS leaves no #DB behind")
{
	struct vm vm = vm_create(0);
	int i;

	if (bochs && !ours)
		skip("Bochs and Linux's module together report the step of CPUID twice");
	START64(&vm, mov_ss);
	CHECK_OK(debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP));
	for (i = 0; i < 3; i++)
		if (!run_to(&vm, KVM_EXIT_DEBUG) || get_regs(&vm).rip >= CODE + 9)
			break;
	CHECK_EQ(get_regs(&vm).rip, CODE + 9);
	CHECK_OK(debug(&vm, 0));
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->exceptions, 0);
}
