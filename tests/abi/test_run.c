// SPDX-License-Identifier: GPL-2.0
/*
 * test_run.c - KVM_RUN: ways in and out that are not about devices: HLT,
 * shutdown, failed entry, internal error, signals and their mask,
 * immediate_exit, two threads, a kvm_run page that somebody rewrites.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "vm.h"

GUEST(16, halt, "inc %ax\n hlt\n inc %bx\n hlt\n jmp halt\n");
GUEST(16, spin, "1:" SPIN "jmp 1b\n");

/* ------------------------------------------------------------------------
 * Exits
 */

TEST(run_hlt, "KVM_EXIT_HLT: RIP is behind the instruction")
{
	struct vm vm = vm_create(0);
	int i;

	START16(&vm, halt);
	for (i = 1; i < 4; i++) {
		run_to(&vm, KVM_EXIT_HLT);
		CHECK_EQ(get_regs(&vm).rip, CODE + 2);
		CHECK_EQ(get_regs(&vm).rax, i);
		run_to(&vm, KVM_EXIT_HLT);
		CHECK_EQ(get_regs(&vm).rip, CODE + 4);
		CHECK_EQ(get_regs(&vm).rbx, i);
	}
}

TEST(run_argument, "KVM_RUN takes no argument")
{
	struct vm vm = vm_create(0);

	START16(&vm, halt);
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_RUN, 1), EINVAL);
	run_to(&vm, KVM_EXIT_HLT);
}

GUEST(64, triple_fault, "lidt 1f - triple_fault + 0x1000\n ud2\n"
	"1: .word 0\n .quad 0\n");

TEST(run_shutdown, "a triple fault is KVM_EXIT_SHUTDOWN")
{
	struct vm vm = vm_create(0);

	START64(&vm, triple_fault);
	run_to(&vm, KVM_EXIT_SHUTDOWN);
	/* What then becomes of it is user space's matter: here, a reset. */
	START16(&vm, halt);
	run_to(&vm, KVM_EXIT_HLT);
}

TEST(run_no_memory, "a machine without memory")
{
	struct vm vm = vm_create(VM_NO_MEMORY);

	if (!differs(DEV_no_memory)) {
		CHECK_ERRNO(run(&vm), intel ? 0 : ENOSPC);
		return;
	}
	/* Fetched from where nothing is. */
	run_to(&vm, KVM_EXIT_INTERNAL_ERROR);
	CHECK_EQ(vm.run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
}

GUEST(64, jump_nowhere, "mov $0xd0000000, %rax\n jmp *%rax\n");

TEST(run_internal_error, "instructions in MMIO are KVM_EXIT_INTERNAL_ERROR")
{
	struct vm vm = vm_create(0);

	START64(&vm, jump_nowhere);
	run_to(&vm, KVM_EXIT_INTERNAL_ERROR);
	CHECK_EQ(vm.run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
	CHECK_EQ(get_regs(&vm).rip, MMIO);
	/* No harm: something that works. */
	START16(&vm, halt);
	run_to(&vm, KVM_EXIT_HLT);
}

/* A store that is emulated, then what is not: not that it is loaded as the other. */
GUEST(64, addps_mmio, "mov $0xd0000000, %eax\n mov %ebx, (%rax)\n 1: addps (%rax), %xmm0\n");

TEST(run_error_bytes, "KVM_EXIT_INTERNAL_ERROR of an instruction that is not emulated has its bytes")
{
	struct vm vm = vm_create(0);
	u64 rip;

	START64(&vm, addps_mmio);
	run_to(&vm, KVM_EXIT_MMIO);
	run_to(&vm, KVM_EXIT_INTERNAL_ERROR);
	CHECK_EQ(vm.run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
	CHECK(vm.run->emulation_failure.ndata >= 3);
	CHECK_EQ(vm.run->emulation_failure.flags &
		 KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES, 1);
	rip = get_regs(&vm).rip;
	CHECK_EQ(rip, CODE + (addps_mmio_end - addps_mmio) - 3);
	CHECK(vm.run->emulation_failure.insn_size >= 3 &&
	      vm.run->emulation_failure.insn_size <= 15);
	CHECK(!memcmp(vm.run->emulation_failure.insn_bytes, vm.mem + rip, 3));
}

/* By the ABI they are NOPs, whatever CPUID says. */
GUEST(64, idle_by_mwait, "lea 0xa000, %rax\n xor %ecx, %ecx\n xor %edx, %edx\n"
      "monitor\n xor %eax, %eax\n mwait\n" DONE);

TEST(run_mwait, "MONITOR and MWAIT do nothing")
{
	struct vm vm = vm_create(0);

	START64(&vm, idle_by_mwait);
	run_done(&vm);
}

/* Both vendors' instructions of a hypervisor: VMRUN to INVLPGA; VMXON and its kind. */
GUEST(64, svm_instructions,
	"mov $0x1000, %eax\n xor %ecx, %ecx\n"
	".byte 0x0f, 0x01, 0xd8, 0x0f, 0x01, 0xda, 0x0f, 0x01, 0xdb\n"
	".byte 0x0f, 0x01, 0xdc, 0x0f, 0x01, 0xdd, 0x0f, 0x01, 0xde\n"
	".byte 0x0f, 0x01, 0xdf, 0x0f, 0x01, 0xc2, 0x0f, 0x01, 0xc3\n"
	".byte 0x0f, 0x01, 0xc4, 0x0f, 0x01, 0xd4\n" DONE);

TEST(run_no_hypervisor, "instructions of a hypervisor are #UD, unless it is one")
{
	struct vm vm = vm_create(0);

	START64(&vm, svm_instructions);
	ctl(&vm)->skip = 3;
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->count[6], 11);
	CHECK_EQ(ctl(&vm)->exceptions, 11);
}

TEST(run_fail_entry, "state that passes KVM_SET_SREGS but not the processor")
{
	struct vm vm = vm_create(0);
	struct kvm_sregs s;

	vcpu_enter64(vm.vcpu, CODE);
	s = get_sregs(&vm);
	s.cs.db = 1;		/* with L: reserved */
	if (ioctl(vm.vcpu, KVM_SET_SREGS, &s)) {
		CHECK_EQ(errno, EINVAL);
		return;
	}
	run_to(&vm, KVM_EXIT_FAIL_ENTRY);
	if (!intel)
		CHECK_EQ((u32)vm.run->fail_entry.hardware_entry_failure_reason,
			 ~0u);
	run_to(&vm, KVM_EXIT_FAIL_ENTRY);
	START16(&vm, halt);
	run_to(&vm, KVM_EXIT_HLT);
}

/* ------------------------------------------------------------------------
 * Signals
 */

static atomic_int signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

static void handle(int sig)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigaction(sig, &sa, NULL);
}

TEST(run_signal, "a signal ends KVM_RUN with EINTR and KVM_EXIT_INTR")
{
	struct vm vm = vm_create(0);
	int i;

	START16(&vm, spin);
	for (i = 0; i < 10; i++) {
		vm.run->exit_reason = 77;
		CHECK_ERRNO(run_ms(&vm, 20), EINTR);
		CHECK_EQ(vm.run->exit_reason, KVM_EXIT_INTR);
		CHECK(get_regs(&vm).rip - CODE < (u64)(spin_end - spin));
	}
}

TEST(run_signal_before, "a signal that is pending already")
{
	struct vm vm = vm_create(0);
	sigset_t set;

	START16(&vm, halt);
	handle(SIGUSR1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	/* Blocked: not noticed. */
	run_to(&vm, KVM_EXIT_HLT);
	CHECK_EQ(signals, 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	CHECK_EQ(signals, 1);
	run_to(&vm, KVM_EXIT_HLT);
}

static void *spinning(void *arg)
{
	for (;;)
		asm volatile("pause");
	return arg;
}

TEST(run_no_signal, "without a signal there is no EINTR")
{
	struct vm vm = vm_create(0);
	pthread_t other;
	double start = now();

	/* Ticks, and another thread that wants the processor. */
	pthread_create(&other, NULL, spinning, NULL);
	START16(&vm, spin);
	CHECK_ERRNO(run_ms(&vm, 2000), EINTR);
	CHECK(now() - start > 1.9);
}

static int set_mask(const struct vm *vm, const sigset_t *set, u32 len)
{
	struct {
		struct kvm_signal_mask head;
		u8 set[32];
	} __attribute__((packed)) m = { .head.len = len };

	memcpy(m.set, set, 8);
	return ioctl(vm->vcpu, KVM_SET_SIGNAL_MASK, &m);
}

TEST(run_signal_mask, "KVM_SET_SIGNAL_MASK holds while KVM_RUN does")
{
	static const u32 sizes[] = { 0, 4, 7, 9, 16, 128, ~0u };
	struct vm vm = vm_create(0);
	sigset_t blocked, none;
	unsigned int i;
	int sig;

	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	handle(SIGUSR1);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		CHECK_ERRNO(set_mask(&vm, &none, sizes[i]), EINVAL);

	/* Blocked outside, open inside: the way to wait without a race. */
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	REQUIRE_OK(set_mask(&vm, &none, 8));
	START16(&vm, halt);
	raise(SIGUSR1);
	CHECK_ERRNO(run(&vm), EINTR);
	CHECK_EQ(vm.run->exit_reason, KVM_EXIT_INTR);
	CHECK_EQ(signals, 0);		/* still pending: for sigwait() */
	CHECK_EQ(sigwait(&blocked, &sig), 0);
	CHECK_EQ(sig, SIGUSR1);
	run_to(&vm, KVM_EXIT_HLT);
	sigprocmask(SIG_BLOCK, NULL, &none);
	CHECK(sigismember(&none, SIGUSR1));

	/* Open outside, blocked inside. */
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	REQUIRE_OK(set_mask(&vm, &blocked, 8));
	START16(&vm, halt);
	run_to(&vm, KVM_EXIT_HLT);

	/* No mask any more. */
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_SIGNAL_MASK, NULL));
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	raise(SIGUSR1);
	run_to(&vm, KVM_EXIT_HLT);
	CHECK_EQ(signals, 0);
}

static void *signal_later(void *thread)
{
	usleep(100000);
	pthread_kill(*(pthread_t *)thread, SIGUSR1);
	return NULL;
}

TEST(run_signal_pending, "a signal that is open in KVM_RUN only waits for sigwait(), whatever else would be done with it")
{
	static const sighandler_t actions[] = { SIG_DFL, SIG_IGN };
	const struct timespec now = {};
	pthread_t self = pthread_self(), sender;
	struct vm vm = vm_create(0);
	sigset_t blocked, none;
	unsigned int i;

	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	REQUIRE_OK(set_mask(&vm, &none, 8));
	for (i = 0; i < ARRAY_SIZE(actions); i++) {
		signal(SIGUSR1, actions[i]);
		START16(&vm, spin);
		pthread_create(&sender, NULL, signal_later, &self);
		CHECK_ERRNO(run(&vm), EINTR);
		CHECK_EQ(sigtimedwait(&blocked, NULL, &now), SIGUSR1);
		pthread_join(sender, NULL);
	}
}

TEST(run_mask_kill, "SIGKILL and SIGSTOP cannot be masked")
{
	struct vm vm;
	int status;
	pid_t pid = fork();

	if (!pid) {
		sigset_t all;

		sigfillset(&all);
		vm = vm_create(0);
		REQUIRE_OK(set_mask(&vm, &all, 8));
		START16(&vm, spin);
		while (run(&vm) < 0 && errno == EINTR)
			;
		_exit(0);
	}
	/* Meanwhile the kernel has work to do for the thread, on 6.12. */
	usleep(300000);
	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	kill(pid, SIGCONT);
	usleep(50000);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status));
}

TEST(run_immediate_exit, "immediate_exit: EINTR before the guest runs")
{
	struct vm vm = vm_create(0);
	int i;

	START16(&vm, halt);
	for (i = 0; i < 3; i++) {
		vm.run->immediate_exit = 1 + i * 50;
		CHECK_ERRNO(run(&vm), EINTR);
		CHECK_EQ(get_regs(&vm).rip, CODE);
	}
	vm.run->immediate_exit = 0;
	run_to(&vm, KVM_EXIT_HLT);
}

GUEST(16, out_in, "mov $0x77, %al\n out %al, $0x10\n in $0x11, %al\n"
	"mov %al, %bl\n" DONE);

TEST(run_completes_first, "what the last exit began is finished before EINTR")
{
	struct vm vm = vm_create(0);

	START16(&vm, out_in);
	run_to_out(&vm, 0x10);
	run_to(&vm, KVM_EXIT_IO);
	CHECK_EQ(vm.run->io.direction, KVM_EXIT_IO_IN);
	*(u8 *)io_data(&vm) = 0x99;
	settle(&vm);
	CHECK_EQ(get_regs(&vm).rax & 0xff, 0x99);
	CHECK_EQ(get_regs(&vm).rip, CODE + 6);
	run_done(&vm);
	CHECK_EQ(get_regs(&vm).rbx & 0xff, 0x99);
}

/* ------------------------------------------------------------------------
 * Threads
 */

static void *run_thread(void *arg)
{
	const struct vm *vm = arg;

	return (void *)(long)(run(vm) ? errno : 0);
}

TEST(run_two_threads, "two threads in KVM_RUN on one vCPU: one after the other")
{
	struct vm vm = vm_create(0);
	pthread_t a, b;
	void *ra, *rb;

	handle(SIGUSR1);
	START16(&vm, spin);
	pthread_create(&a, NULL, run_thread, &vm);
	usleep(50000);
	pthread_create(&b, NULL, run_thread, &vm);
	usleep(50000);
	/* The second one waits; a signal that can be handled does not end it. */
	pthread_kill(b, SIGUSR1);
	usleep(50000);
	pthread_kill(a, SIGUSR1);
	pthread_join(a, &ra);
	CHECK_EQ((long)ra, EINTR);
	usleep(50000);
	pthread_kill(b, SIGUSR1);
	pthread_join(b, &rb);
	CHECK_EQ((long)rb, EINTR);
}

TEST(run_other_thread, "a vCPU goes from thread to thread")
{
	struct vm vm = vm_create(0);
	pthread_t thread;
	void *r;
	int i;

	START16(&vm, halt);
	for (i = 0; i < 20; i++) {
		pthread_create(&thread, NULL, run_thread, &vm);
		pthread_join(thread, &r);
		CHECK_EQ((long)r, 0);
		CHECK_EQ(vm.run->exit_reason, KVM_EXIT_HLT);
		run_to(&vm, KVM_EXIT_HLT);
		CHECK_EQ(get_regs(&vm).rax, i + 1);
	}
}

struct stater {
	const struct vm *vm;
	int n;
};

static atomic_int stop;

static void *state_thread(void *arg)
{
	struct stater *s = arg;
	struct kvm_regs regs;

	while (!stop) {
		CHECK_OK(ioctl(s->vm->vcpu, KVM_GET_REGS, &regs));
		s->n++;
	}
	return NULL;
}

TEST(run_state_ioctls, "other ioctls on a running vCPU wait, and are served")
{
	struct vm vm = vm_create(0);
	struct stater s = { .vm = &vm };
	pthread_t thread;
	int i;

	START16(&vm, halt);
	pthread_create(&thread, NULL, state_thread, &s);
	for (i = 0; i < 2000; i++)
		run_to(&vm, KVM_EXIT_HLT);
	stop = 1;
	pthread_join(thread, NULL);
	CHECK(s.n > 0);
}

/* ------------------------------------------------------------------------
 * The run page in hostile hands
 */

/* All kinds of exits, for ever. */
GUEST(64, many_exits,
	"movq $2, 0x8000\n"
	"1: mov $0xd0000ff9, %rsi\n mov (%rsi), %rax\n mov %rax, (%rsi)\n"
	"in $0x50, %al\n out %eax, $0x51\n mov $0x52, %edx\n"
	"mov $0x40000, %rdi\n mov $40, %ecx\n rep insb\n"
	"mov $0x40000, %rsi\n mov $40, %ecx\n rep outsl\n"
	"mov $0xd0000000, %rsi\n mov $0x40000, %rdi\n mov $4, %ecx\n rep movsb\n"
	"mov $0xd0000000, %rdi\n mov $4, %ecx\n rep stosl\n"
	"lock incl (%rdi)\n movups (%rdi), %xmm0\n movups %xmm0, (%rdi)\n"
	"mov %rax, %cr8\n hlt\n jmp 1b\n");

static void *scribbler(void *arg)
{
	const struct vm *vm = arg;
	u64 seed = 88172645463325252ull;
	u8 *p = (u8 *)vm->run;

	while (!stop) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		/* The fields of run and of the ring more than the rest. */
		p[(seed & 0x300 ? seed % 400 : seed % run_size())] = seed >> 40;
		if (seed & 0x400)
			p[2 * PAGE + seed % 64] = seed >> 32;
		/* These would but keep the guest from running. */
		vm->run->immediate_exit = 0;
		vm->run->kvm_valid_regs = 0;
		vm->run->kvm_dirty_regs = 0;
	}
	return NULL;
}

TEST(run_scribbled, "a thread that rewrites kvm_run while the guest exits")
{
	struct kvm_coalesced_mmio_zone zone = { .addr = MMIO, .size = 16 };
	struct vm vm = vm_create(0);
	int ok = 0, failed = 0;
	pthread_t thread;
	double end = now() + 5;

	CHECK_OK(ioctl(vm.fd, KVM_REGISTER_COALESCED_MMIO, &zone));
	START64(&vm, many_exits);
	pthread_create(&thread, NULL, scribbler, &vm);
	while (now() < end || ok <= 100) {
		struct kvm_regs r;

		if (run_ms(&vm, 100) == 0)
			ok++;
		else
			failed++;
		/* It may have been led astray: back to the beginning. */
		if ((ok + failed) % 64)
			continue;
		CHECK_OK(ioctl(vm.vcpu, KVM_GET_REGS, &r));
		vcpu_enter64(vm.vcpu, CODE);
	}
	stop = 1;
	pthread_join(thread, NULL);
	printf("  %d exits, %d errors\n", ok, failed);
	CHECK(ok > 100);
	/* All is well again as soon as the page is. */
	memset(vm.run, 0, run_size());
	vm.run->immediate_exit = 1;
	while (!run(&vm))	/* string I/O under way */
		;
	CHECK_EQ(errno, EINTR);
	memset(vm.run, 0, PAGE);
	START16(&vm, halt);
	run_to(&vm, KVM_EXIT_HLT);
}

GUEST(64, insb_40, "mov $0x40000, %rdi\n mov $40, %ecx\n mov $0x52, %edx\n"
	"rep insb\n" DONE);
GUEST(64, mmio_read, "mov $0xd0000000, %rsi\n mov (%rsi), %rax\n mov %rax, 0xa000\n"
	DONE);

TEST(run_rewritten, "what user space writes over an exit does not redirect it")
{
	struct vm vm = vm_create(0);
	int i;

	START64(&vm, insb_40);
	memset(vm.mem + FREE, 0xcc, 2 * PAGE);
	run_to(&vm, KVM_EXIT_IO);
	for (i = 0; i < 40; i++)
		((u8 *)io_data(&vm))[i] = i;
	vm.run->io.count = 0xffffffff;
	vm.run->io.size = 255;
	vm.run->io.data_offset = 0x123456789abcdef0;
	vm.run->io.port = 0x99;
	vm.run->io.direction = KVM_EXIT_IO_OUT;
	vm.run->exit_reason = KVM_EXIT_MMIO;
	while (run_to(&vm, KVM_EXIT_IO) && vm.run->io.port == 0x52)
		memset(io_data(&vm), 0, vm.run->io.count);
	CHECK_EQ(vm.run->io.port, PORT_DONE);
	CHECK_EQ(vm.mem[FREE], 0);
	CHECK_EQ(vm.mem[FREE + 1], 1);
	CHECK_EQ(vm.mem[FREE + 40], 0xcc);

	START64(&vm, mmio_read);
	run_to(&vm, KVM_EXIT_MMIO);
	*(u64 *)vm.run->mmio.data = 0x1122334455667788;
	vm.run->mmio.len = 0xffffffff;
	vm.run->mmio.phys_addr = 0;
	vm.run->mmio.is_write = 1;
	vm.run->exit_reason = KVM_EXIT_IO;
	run_done(&vm);
	CHECK_EQ(data(&vm)[0], 0x1122334455667788);
}

/* ------------------------------------------------------------------------
 * kvm_run->s: registers without ioctls
 */

TEST(run_sync_regs, "kvm_valid_regs and kvm_dirty_regs")
{
	struct vm vm = vm_create(0);
	struct kvm_run *r = vm.run;
	struct kvm_regs regs;

	START16(&vm, halt);
	r->kvm_valid_regs = KVM_SYNC_X86_VALID_FIELDS;
	run_to(&vm, KVM_EXIT_HLT);
	regs = get_regs(&vm);
	CHECK(!memcmp(&regs, &r->s.regs.regs, sizeof(regs)));
	CHECK_EQ(r->s.regs.sregs.cs.base, 0);
	CHECK_EQ(r->s.regs.sregs.cr0, 0x60000010);
	CHECK_EQ(r->s.regs.regs.rax, 1);

	/* Only what is asked for is stored. */
	r->kvm_valid_regs = 0;
	memset(&r->s, 0x5a, sizeof(r->s.regs));
	run_to(&vm, KVM_EXIT_HLT);
	CHECK_EQ(r->s.regs.regs.rax, 0x5a5a5a5a5a5a5a5a);

	r->s.regs.regs = get_regs(&vm);
	r->s.regs.regs.rax = 41;
	r->s.regs.regs.rip = CODE;
	r->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	run_to(&vm, KVM_EXIT_HLT);
	CHECK_EQ(r->kvm_dirty_regs, 0);
	CHECK_EQ(get_regs(&vm).rax, 42);

	r->s.regs.sregs = get_sregs(&vm);
	r->s.regs.sregs.gs.base = 0x12340;
	r->s.regs.sregs.gs.selector = 0x1234;
	r->kvm_dirty_regs = KVM_SYNC_X86_SREGS;
	run_to(&vm, KVM_EXIT_HLT);
	CHECK_EQ(get_sregs(&vm).gs.base, 0x12340);
}

TEST(run_sync_regs_bad, "bits that have no meaning, registers that cannot be")
{
	struct vm vm = vm_create(0);
	struct kvm_run *r = vm.run;
	int bit;

	START16(&vm, halt);
	for (bit = 3; bit < 64; bit += 12) {
		if (bit >= 32 && !differs(DEV_sync_bits))
			break;
		r->kvm_valid_regs = BIT(bit);
		CHECK_ERRNO(run(&vm), EINVAL);
		r->kvm_valid_regs = 0;
		r->kvm_dirty_regs = BIT(bit);
		CHECK_ERRNO(run(&vm), EINVAL);
		r->kvm_dirty_regs = 0;
	}
	r->s.regs.sregs = get_sregs(&vm);
	r->s.regs.sregs.cr0 |= BIT(31);	/* paging without protection */
	r->kvm_dirty_regs = KVM_SYNC_X86_SREGS;
	CHECK_ERRNO(run(&vm), EINVAL);
	r->s.regs.events = get_events(&vm);
	r->s.regs.events.flags = ~0u;
	r->kvm_dirty_regs = KVM_SYNC_X86_EVENTS;
	CHECK_ERRNO(run(&vm), EINVAL);
	r->kvm_dirty_regs = 0;
	run_to(&vm, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(&vm).rax, 1);
}
