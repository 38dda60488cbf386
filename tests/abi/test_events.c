// SPDX-License-Identifier: GPL-2.0
/*
 * test_events.c - what is on its way into the guest: KVM_INTERRUPT and its
 * window, KVM_NMI, exceptions and shadows by KVM_SET_VCPU_EVENTS; in what
 * order it arrives, what it finds on the stack, and what is read back.
 */
#include "vm.h"

#define IF	BIT(9)

/* Waits for @n deliveries of @vector: "incl" slowly, so that RIP moves. */
#define WAIT_FOR(count_address)						\
	"1: nop\n nop\n nop\n cmpl $0, " count_address "\n je 1b\n"

/* ------------------------------------------------------------------------
 * KVM_INTERRUPT
 */

static int interrupt(const struct vm *vm, u32 vector)
{
	struct kvm_interrupt irq = { .irq = vector };

	return ioctl(vm->vcpu, KVM_INTERRUPT, &irq);
}

/* Vector 0x40 counts at CTL + 0x400 + 0x100. */
GUEST(64, wait_40, "sti\n" WAIT_FOR("0x8500") DONE);

TEST(events_interrupt, "KVM_INTERRUPT reaches its handler")
{
	struct vm vm = vm_create(0);

	START64(&vm, wait_40);
	CHECK_OK(interrupt(&vm, 0x40));
	if (fails_without_if(&vm))
		return;
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->count[0x40], 1);
	CHECK_EQ(ctl(&vm)->exceptions, 0);
}

TEST(events_interrupt_errors, "KVM_INTERRUPT: bad vectors, a second one, with irqchip")
{
	struct vm vm = vm_create(0), chips = vm_create(VM_IRQCHIP);
	struct snapshot *before = take_snapshot(&vm);

	CHECK_ERRNO(interrupt(&vm, 256), EINVAL);
	CHECK_ERRNO(interrupt(&vm, 0x10040), EINVAL);
	CHECK_ERRNO(interrupt(&vm, ~0u), EINVAL);
	CHECK_UNCHANGED(&vm, before, "a bad vector");
	CHECK_ERRNO(interrupt(&chips, 0x40), ENXIO);
	CHECK_ERRNO(interrupt(&chips, 256), EINVAL);
	START64(&vm, wait_40);
	CHECK_OK(interrupt(&vm, 0x40));
	if (!differs(DEV_interrupt_twice))
		return;
	CHECK_ERRNO(interrupt(&vm, 0x41), EEXIST);
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->count[0x41], 0);
	CHECK_OK(interrupt(&vm, 0x41));
}

TEST(events_all_vectors, "every vector from 32 to 255")
{
	struct vm vm = vm_create(0);
	unsigned int v;

	for (v = 32; v < 256; v++) {
		START64(&vm, wait_40);
		CHECK_OK(interrupt(&vm, v));
		if (fails_without_if(&vm))
			return;
		ctl(&vm)->count[0x40] = v != 0x40;	/* leave at once */
		run_done(&vm);
		CHECK_EQ(ctl(&vm)->count[v], 1);
	}
}

/*
 * Where the shadow of STI was seen to end: @run_once's RIP.  QEMU's processor
 * forgets a shadow at an exit, and the host's timer comes within one in some
 * 300, so that there the latest of three counts.
 */
static u64 end_of_shadow(u64 (*run_once)(void))
{
	int tries = qemu ? 3 : 1;
	u64 end = 0, rip;

	while (tries--) {
		rip = run_once();
		if (rip > end)
			end = rip;
	}
	return end;
}

/* A window: closed by IF, open one instruction after STI. */
GUEST(64, open_window, "nop\n" STEP "nop\n sti\n nop\n nop\n" STEP "cli\n" DONE);

static void run_to_window(struct vm *vm)
{
	*vm = vm_create(0);
	START64(vm, open_window);
	vm->run->request_interrupt_window = 1;
	run_step(vm);
	CHECK_EQ(vm->run->ready_for_interrupt_injection, 0);
	CHECK_EQ(vm->run->if_flag, 0);
	run_to(vm, KVM_EXIT_IRQ_WINDOW_OPEN);
	CHECK_EQ(vm->run->ready_for_interrupt_injection, 1);
	CHECK_EQ(vm->run->if_flag, 1);
}

static u64 window_rip(void)
{
	struct vm vm;
	u64 rip;

	run_to_window(&vm);
	rip = get_regs(&vm).rip;
	vm_close(&vm);
	return rip;
}

TEST(events_window, "request_interrupt_window: KVM_EXIT_IRQ_WINDOW_OPEN when IF is set")
{
	struct vm vm;

	CHECK(end_of_shadow(window_rip) >= CODE + 6);
	run_to_window(&vm);
	CHECK_OK(interrupt(&vm, 0x55));
	vm.run->request_interrupt_window = 0;
	run_step(&vm);
	CHECK_EQ(ctl(&vm)->count[0x55], 1);
	CHECK_EQ(vm.run->if_flag, 1);
	run_done(&vm);
	CHECK_EQ(vm.run->if_flag, 0);
}

TEST(events_window_open, "a window that is open already")
{
	struct vm vm = vm_create(0);
	int i;

	START64(&vm, wait_40);
	vm.run->request_interrupt_window = 1;
	for (i = 0; i < 10; i++) {
		run_to(&vm, KVM_EXIT_IRQ_WINDOW_OPEN);
		CHECK_EQ(vm.run->ready_for_interrupt_injection, 1);
	}
	CHECK_OK(interrupt(&vm, 0x40));
	/* One that is under way closes it. */
	run(&vm);
	vm.run->request_interrupt_window = 0;
	while (vm.run->exit_reason == KVM_EXIT_IRQ_WINDOW_OPEN && !run(&vm))
		;
	CHECK_EQ(vm.run->io.port, PORT_DONE);
	CHECK_EQ(ctl(&vm)->count[0x40], 1);
}

GUEST(64, halted, "sti\n hlt\n cmpl $1, 0x8500\n je 1f\n ud2\n 1:" DONE);

TEST(events_wake, "an interrupt takes the guest out of HLT, which user space sees")
{
	struct vm vm = vm_create(0);

	START64(&vm, halted);
	run_to(&vm, KVM_EXIT_HLT);
	CHECK_EQ(vm.run->if_flag, 1);
	CHECK_EQ(vm.run->ready_for_interrupt_injection, 1);
	CHECK_OK(interrupt(&vm, 0x40));
	run_done(&vm);
}

/* ------------------------------------------------------------------------
 * TPR without a local APIC in the kernel
 */

GUEST(64, use_cr8, "mov %cr8, %rax\n mov %rax, 0xa000\n mov $9, %eax\n"
	"mov %rax, %cr8\n mov %cr8, %rax\n mov %rax, 0xa008\n mov $2, %eax\n"
	"mov %rax, %cr8\n mov %cr8, %rax\n mov %rax, 0xa010\n" DONE);

TEST(events_tpr, "CR8: from kvm_run, to kvm_run, KVM_EXIT_SET_TPR when it is lowered")
{
	struct vm vm = vm_create(0);

	START64(&vm, use_cr8);
	vm.run->cr8 = 5;
	run_to(&vm, KVM_EXIT_SET_TPR);
	CHECK_EQ(vm.run->cr8, 2);
	CHECK_EQ(data(&vm)[0], 5);
	CHECK_EQ(data(&vm)[1], 9);
	run_done(&vm);
	CHECK_EQ(data(&vm)[2], 2);
	CHECK_EQ(get_sregs(&vm).cr8, 2);
	/* What user space says counts at each entry. */
	START64(&vm, use_cr8);
	vm.run->cr8 = 3;
	run_to(&vm, KVM_EXIT_SET_TPR);
	CHECK_EQ(data(&vm)[0], 3);
	vm.run->cr8 = 16;
	CHECK_ERRNO(run(&vm), EINVAL);
}

/* KVM_GET_VCPU_EVENTS has it, and KVM_SET_VCPU_EVENTS takes it back. */
TEST(events_interrupt_state, "a queued interrupt is state: read, and taken back")
{
	struct vm vm = vm_create(0);
	struct kvm_vcpu_events e;

	START64(&vm, wait_40);
	CHECK_OK(interrupt(&vm, 0x41));
	CHECK_EQ(get_sregs(&vm).interrupt_bitmap[1], BIT(1));
	e = get_events(&vm);
	CHECK_EQ(e.interrupt.injected, 1);
	CHECK_EQ(e.interrupt.nr, 0x41);
	e.interrupt.injected = 0;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	CHECK_EQ(get_events(&vm).interrupt.injected, 0);
	CHECK_OK(interrupt(&vm, 0x40));
	if (fails_without_if(&vm))
		return;
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->count[0x41], 0);
}

/* ------------------------------------------------------------------------
 * NMI.  The handler steps out on its way, and counts how deep it is.
 */

GUEST(64, nmi_main,
	"1:" SPIN "cmpl $0, 0xa020\n je 1b\n" DONE "jmp 1b\n"
	".balign 64\n"
	"9: incl 0xa000\n incl 0xa008\n"
	"cmpl $1, 0xa000\n je 2f\n ud2\n"
	"2:" STEP
	"decl 0xa000\n iretq\n");

static void start_nmi(const struct vm *vm)
{
	START64(vm, nmi_main);
	set_gate(vm, 2, CODE + 64);
	memset((void *)data(vm), 0, 64);
}

static u32 nmis(const struct vm *vm)
{
	return data(vm)[1];
}

/* The guest has nothing to do but to leave. */
static void finish_nmi(const struct vm *vm)
{
	data(vm)[4] = 1;
	run_done(vm);
}

TEST(events_nmi, "KVM_NMI reaches its handler; another waits for IRET")
{
	struct vm vm = vm_create(0);
	struct kvm_vcpu_events e;

	start_nmi(&vm);
	CHECK_ERRNO(run_ms(&vm, 20), EINTR);
	CHECK_EQ(get_events(&vm).nmi.masked, 0);
	CHECK_OK(ioctl(vm.vcpu, KVM_NMI, 0));
	CHECK_EQ(get_events(&vm).nmi.pending, 1);
	run_step(&vm);
	CHECK_EQ(nmis(&vm), 1);
	e = get_events(&vm);
	CHECK_EQ(e.nmi.masked, 1);
	CHECK_EQ(e.nmi.pending, 0);
	CHECK_EQ(e.nmi.injected, 0);

	/* In the handler: one is latched, however many come. */
	CHECK_OK(ioctl(vm.vcpu, KVM_NMI, 0));
	CHECK_OK(ioctl(vm.vcpu, KVM_NMI, 0));
	CHECK_OK(ioctl(vm.vcpu, KVM_NMI, 0));
	CHECK_EQ(get_events(&vm).nmi.pending, 1);
	run_step(&vm);
	CHECK_EQ(nmis(&vm), 2);
	finish_nmi(&vm);
	CHECK_EQ(nmis(&vm), 2);
	CHECK_EQ(get_events(&vm).nmi.masked, 0);
}

TEST(events_nmi_two, "outside the handler one NMI is delivered, one latched")
{
	struct vm vm = vm_create(0);
	int i;

	start_nmi(&vm);
	CHECK_ERRNO(run_ms(&vm, 20), EINTR);
	for (i = 0; i < 5; i++)
		CHECK_OK(ioctl(vm.vcpu, KVM_NMI, 0));
	/* Linux says no more than "some". */
	CHECK_EQ(get_events(&vm).nmi.pending, ours || kernel >= 612 ? 2 : 1);
	run_step(&vm);
	CHECK_EQ(nmis(&vm), 1);
	run_step(&vm);
	CHECK_EQ(nmis(&vm), 2);
	finish_nmi(&vm);
	CHECK_EQ(nmis(&vm), 2);
}

TEST(events_nmi_state, "NMI state by KVM_SET_VCPU_EVENTS")
{
	struct vm vm = vm_create(0);
	struct kvm_vcpu_events e;

	start_nmi(&vm);
	CHECK_ERRNO(run_ms(&vm, 20), EINTR);
	/* Masked: it waits. */
	e = get_events(&vm);
	e.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING;
	e.nmi.pending = 1;
	e.nmi.masked = 1;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	CHECK_ERRNO(run_ms(&vm, 20), EINTR);
	CHECK_EQ(nmis(&vm), 0);
	CHECK_EQ(get_events(&vm).nmi.pending, 1);
	CHECK_EQ(get_events(&vm).nmi.masked, 1);
	/* Without the flag the pending one stays as it is. */
	e.flags &= ~KVM_VCPUEVENT_VALID_NMI_PENDING;
	e.nmi.pending = 0;
	e.nmi.masked = 0;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	run_step(&vm);
	CHECK_EQ(nmis(&vm), 1);
	finish_nmi(&vm);

	/* Injected: it is delivered whatever pends. */
	start_nmi(&vm);
	CHECK_ERRNO(run_ms(&vm, 20), EINTR);
	e = get_events(&vm);
	e.nmi.injected = 1;
	e.nmi.masked = 1;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	CHECK_EQ(get_events(&vm).nmi.injected, 1);
	run_step(&vm);
	CHECK_EQ(nmis(&vm), 1);
	finish_nmi(&vm);
}

GUEST(64, nmi_hlt, "cli\n hlt\n hlt\n" DONE);

TEST(events_nmi_hlt, "an NMI ends HLT with interrupts off")
{
	struct vm vm = vm_create(0);

	START64(&vm, nmi_hlt);
	run_to(&vm, KVM_EXIT_HLT);
	CHECK_OK(ioctl(vm.vcpu, KVM_NMI, 0));
	run_to(&vm, KVM_EXIT_HLT);
	CHECK_EQ(ctl(&vm)->count[2], 1);
	run_done(&vm);
}

/* ------------------------------------------------------------------------
 * KVM_SET_VCPU_EVENTS
 */

TEST(events_fresh, "a new vCPU has nothing on its way")
{
	struct vm vm = vm_create(0);
	struct kvm_vcpu_events e;

	memset(&e, 0xff, sizeof(e));
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_VCPU_EVENTS, &e));
	CHECK_EQ(e.exception.injected | e.exception.pending, 0);
	CHECK_EQ(e.interrupt.injected | e.interrupt.shadow, 0);
	CHECK_EQ(e.nmi.injected | e.nmi.pending | e.nmi.masked, 0);
	CHECK(e.flags & KVM_VCPUEVENT_VALID_NMI_PENDING);
	CHECK(e.flags & KVM_VCPUEVENT_VALID_SHADOW);
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
}

static void try_bad(const struct vm *vm, const struct kvm_vcpu_events *e,
		    const char *what)
{
	struct snapshot *before = take_snapshot(vm);
	int r = ioctl(vm->vcpu, KVM_SET_VCPU_EVENTS, e);

	CHECK_MSG(r == -1 && errno == EINVAL, "%s: %s", what,
		  errno_name(r < 0 ? errno : 0));
	CHECK_UNCHANGED(vm, before, what);
}

TEST(events_bad, "KVM_SET_VCPU_EVENTS: flags and vectors that do not exist")
{
	struct vm vm = vm_create(0);
	struct kvm_vcpu_events base = get_events(&vm), e;
	int bit;

	for (bit = 4; bit < 32; bit++) {
		e = base;
		e.flags = BIT(bit);
		try_bad(&vm, &e, "a flag");
	}
	e = base;
	e.exception.injected = 1;
	e.exception.nr = 32;
	try_bad(&vm, &e, "exception 32");
	e.exception.nr = 255;
	try_bad(&vm, &e, "exception 255");
	e.exception.nr = 2;
	try_bad(&vm, &e, "exception 2, the NMI");
}

TEST(events_round_trip, "what is set is what is read")
{
	struct vm vm = vm_create(0);
	struct kvm_vcpu_events e = get_events(&vm), got;

	e.exception.injected = 1;
	e.exception.nr = 13;
	e.exception.has_error_code = 1;
	e.exception.error_code = 0x1234;
	e.interrupt.shadow = KVM_X86_SHADOW_INT_STI | KVM_X86_SHADOW_INT_MOV_SS;
	e.nmi.pending = 1;
	e.nmi.masked = 1;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	got = get_events(&vm);
	CHECK_EQ(got.exception.injected, 1);
	CHECK_EQ(got.exception.nr, 13);
	CHECK_EQ(got.exception.has_error_code, 1);
	CHECK_EQ(got.exception.error_code, 0x1234);
	CHECK(got.interrupt.shadow != 0);
	CHECK_EQ(got.nmi.pending, 1);
	CHECK_EQ(got.nmi.masked, 1);

	memset(&e.exception, 0, sizeof(e.exception));
	e.interrupt.injected = 1;
	e.interrupt.nr = 0x77;
	e.interrupt.shadow = 0;
	e.nmi.pending = 0;
	e.nmi.masked = 0;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	got = get_events(&vm);
	CHECK_EQ(got.exception.injected, 0);
	CHECK_EQ(got.interrupt.injected, 1);
	CHECK_EQ(got.interrupt.nr, 0x77);
	CHECK_EQ(got.interrupt.shadow, 0);
	CHECK_EQ(got.nmi.pending, 0);
	CHECK_EQ(get_sregs(&vm).interrupt_bitmap[1], BIT(0x77 - 64));
}

GUEST(64, nop_done, "nop\n nop\n" DONE);

static const struct {
	int vector;
	bool has_error;
	u32 error;
	u64 cr2;
} exceptions[] = {
	{ 0, false, 0, 0 }, { 1, false, 0, 0 },
	{ 5, false, 0, 0 }, { 6, false, 0, 0 },
	{ 7, false, 0, 0 }, { 8, true, 0, 0 }, { 10, true, 0x28, 0 },
	{ 11, true, 0x30, 0 }, { 12, true, 0x38, 0 },
	{ 13, true, 0xfffe, 0 }, { 14, true, 7, 0xffff800000123456 },
	{ 16, false, 0, 0 }, { 17, true, 0, 0 }, { 19, false, 0, 0 },
};

TEST(events_exceptions, "exceptions that are injected arrive with code and address")
{
	struct vm vm = vm_create(0);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(exceptions); i++) {
		struct kvm_vcpu_events e = get_events(&vm);
		struct kvm_sregs s;

		START64(&vm, nop_done);
		s = get_sregs(&vm);
		s.cr2 = exceptions[i].cr2;
		set_sregs(&vm, &s);
		e.exception.injected = 1;
		e.exception.nr = exceptions[i].vector;
		e.exception.has_error_code = exceptions[i].has_error;
		e.exception.error_code = exceptions[i].error;
		CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
		ctl(&vm)->skip = 1;
		run_done(&vm);
		CHECK_EQ(ctl(&vm)->exceptions, 1);
		CHECK_EQ(ctl(&vm)->vector, exceptions[i].vector);
		CHECK_EQ(ctl(&vm)->error, exceptions[i].error);
		CHECK_EQ(ctl(&vm)->rip, CODE);
		CHECK_EQ(ctl(&vm)->cr2, exceptions[i].cr2);
		CHECK_EQ(get_events(&vm).exception.injected, 0);
	}
}

GUEST(64, int3_here, "int3\n nop\n" DONE);

/* It belongs to the INT3 at RIP, and so what it pushes is behind that. */
TEST(events_breakpoint, "a breakpoint exception that is injected")
{
	struct vm vm = vm_create(0);
	struct kvm_vcpu_events e = get_events(&vm);

	START64(&vm, int3_here);
	e.exception.injected = 1;
	e.exception.nr = 3;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	ctl(&vm)->skip = 1;
	if (intel && !differs(DEV_bp_length)) {
		run_to(&vm, KVM_EXIT_FAIL_ENTRY);
		return;
	}
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->exceptions, 1);
	CHECK_EQ(ctl(&vm)->vector, 3);
	CHECK_EQ(ctl(&vm)->rip, CODE + 1);
}

/* IVT entry 13 leads to the second half. */
GUEST(16, real_gp, "movw $2f - real_gp + 0x1000, 13 * 4\n movw $0, 13 * 4 + 2\n"
	STEP "1: hlt\n"
	"2: pop %bx\n" DONE);

TEST(events_exception_real, "in real mode an exception pushes no code")
{
	struct vm vm = vm_create(0);
	struct kvm_vcpu_events e;

	START16(&vm, real_gp);
	run_step(&vm);
	settle(&vm);
	e = get_events(&vm);
	e.exception.injected = 1;
	e.exception.nr = 13;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	run_done(&vm);
	CHECK_EQ(get_regs(&vm).rbx & 0xffff, CODE + (real_gp_end - real_gp) - 4);
}

TEST(events_sregs, "KVM_SET_SREGS takes an interrupt over, and does not add one")
{
	struct vm vm = vm_create(0);
	struct kvm_sregs sregs;

	START64(&vm, wait_40);
	CHECK_OK(interrupt(&vm, 0x40));
	sregs = get_sregs(&vm);
	CHECK_EQ(sregs.interrupt_bitmap[1], 1);
	set_sregs(&vm, &sregs);
	if (fails_without_if(&vm))
		return;
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->count[0x40], 1);
}

/* The exception's handler runs with interrupts off. */
TEST(events_both_injected, "an exception and an interrupt that are both under way")
{
	struct vm vm = vm_create(0);
	struct kvm_vcpu_events e;
	struct kvm_regs regs;

	START64(&vm, wait_40);
	regs = get_regs(&vm);
	regs.rflags |= IF;
	set_regs(&vm, &regs);
	e = get_events(&vm);
	e.exception.injected = 1;
	e.exception.nr = 6;
	e.interrupt.injected = 1;
	e.interrupt.nr = 0x40;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	run_to_out(&vm, PORT_EXC);
	run_to_out(&vm, PORT_EXC);
	CHECK_EQ(ctl(&vm)->vector, 6);
	CHECK_EQ(ctl(&vm)->count[0x40], 0);
	/* The handler lets it in. */
	if (!differs(DEV_irq_meets_fault))
		return;
	settle(&vm);
	regs = get_regs(&vm);
	regs.rflags |= IF;
	set_regs(&vm, &regs);
	run_to_out(&vm, PORT_EXC);
	CHECK_EQ(ctl(&vm)->count[0x40], 1);
}

/* What a vm86 task would do, and real mode does not: IVT entries 13 and 17. */
GUEST(16, real_sysenter, "movw $2f - real_sysenter + 0x1000, 13 * 4\n movw $0, 13 * 4 + 2\n"
	"1: sysenter\n hlt\n"
	"2: pop %bx\n" DONE);
GUEST(16, real_unaligned, "movw $2f - real_unaligned + 0x1000, 17 * 4\n movw $0, 17 * 4 + 2\n"
	"movl 0x8001, %eax\n xor %bx, %bx\n" DONE "2: mov $1, %bx\n" DONE);

TEST(events_real_mode_only, "SYSENTER is #GP in real mode, and nothing is #AC")
{
	struct vm vm = vm_create(0);
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (!bochs || differs(DEV_vm86_sysenter)) {
		START16(&vm, real_sysenter);
		CHECK_EQ(set_msr(vm.vcpu, 0x174, 8), 1);
		CHECK_EQ(set_msr(vm.vcpu, 0x176, CODE), 1);
		run_done(&vm);
		CHECK_EQ(get_regs(&vm).rbx & 0xffff,
			 CODE + (real_sysenter_end - real_sysenter) - 6);
	}

	START16(&vm, real_unaligned);
	sregs = get_sregs(&vm);
	sregs.cr0 |= BIT(18);
	set_sregs(&vm, &sregs);
	regs = get_regs(&vm);
	regs.rflags |= BIT(18);
	set_regs(&vm, &regs);
	run_done(&vm);
	CHECK_EQ(get_regs(&vm).rbx & 0xffff, 0);
}

GUEST(64, done_then_sti, "nop\n" STEP "sti\n nop\n" DONE);

TEST(events_injected_interrupt, "an interrupt that was acknowledged comes, as soon as it may")
{
	struct vm vm = vm_create(0);
	struct kvm_vcpu_events e;

	START64(&vm, done_then_sti);
	e = get_events(&vm);
	e.interrupt.injected = 1;
	e.interrupt.nr = 0x91;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	if (fails_without_if(&vm))
		return;
	run_step(&vm);
	if (differs(DEV_interrupt_if)) {
		CHECK_EQ(ctl(&vm)->count[0x91], 0);
		CHECK_EQ(get_events(&vm).interrupt.injected, 1);
		CHECK_EQ(get_sregs(&vm).interrupt_bitmap[2], BIT(0x11));
		run_done(&vm);
	}
	CHECK_EQ(ctl(&vm)->count[0x91], 1);
	CHECK_EQ(get_events(&vm).interrupt.injected, 0);
}

GUEST(64, few_nops, "nop\n nop\n nop\n nop\n" DONE);

TEST(events_fresh_stack, "an interrupt whose frame goes to a page never used comes all the same")
{
	const u64 high = 0x10000000;
	struct vm vm = vm_create(0);
	struct kvm_regs r;

	START64(&vm, few_nops);
	REQUIRE_OK(set_slot(&vm, 1, 0, high, PAGE, memory(PAGE)));
	r = get_regs(&vm);
	r.rsp = high + PAGE;
	r.rflags |= IF;
	set_regs(&vm, &r);
	CHECK_OK(interrupt(&vm, 0x40));
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->count[0x40], 1);
	CHECK_EQ(ctl(&vm)->exceptions, 0);
}

TEST(events_fresh_stack_bp, "... and so does a #BP that is put in")
{
	const u64 high = 0x10000000;
	struct vm vm = vm_create(0);
	struct kvm_vcpu_events e;
	struct kvm_regs r;

	if (!differs(DEV_bp_lost))
		skip("Linux's module loses it");
	START64(&vm, few_nops);
	REQUIRE_OK(set_slot(&vm, 1, 0, high, PAGE, memory(PAGE)));
	r = get_regs(&vm);
	r.rsp = high + PAGE;
	set_regs(&vm, &r);
	e = get_events(&vm);
	e.exception.injected = 1;
	e.exception.nr = 3;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	run_to_out(&vm, PORT_EXC);
	CHECK_EQ(ctl(&vm)->vector, 3);
	CHECK_EQ(ctl(&vm)->count[3], 1);
}

/* The frame's IP is behind the INT3. */
GUEST(16, real_int3, "int3\n hlt\n .balign 16\n pop %bx\n" DONE);
GUEST(16, real_int3_prefixed, ".byte 0x2e\n int3\n hlt\n .balign 16\n pop %bx\n" DONE);

TEST(events_real_bp, "a #BP that is put in returns behind the INT3 in real mode, too")
{
	struct vm vm = vm_create(0);
	struct kvm_vcpu_events e;

	if (intel && !differs(DEV_bp_length))
		skip("the entry fails");
	START16(&vm, real_int3);
	*(u32 *)(vm.mem + 3 * 4) = CODE + 16;
	e = get_events(&vm);
	e.exception.injected = 1;
	e.exception.nr = 3;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	run_done(&vm);
	CHECK_EQ(get_regs(&vm).rbx & 0xffff, CODE + 1);
	START16(&vm, real_int3);
	run_done(&vm);
	CHECK_EQ(get_regs(&vm).rbx & 0xffff, CODE + 1);
	START16(&vm, real_int3_prefixed);
	run_done(&vm);
	CHECK_EQ(get_regs(&vm).rbx & 0xffff, CODE + 2);
}

/* Vector 2 is counted, and comes back. */
GUEST(64, cli_in_shadow, "cli\n 1: pause\n cmpl $0, 0x8408\n je 1b\n" DONE);
GUEST(64, pushf_in_shadow, "pushf\n pop %rax\n nop\n" DONE);

static void nmi_in_shadow(const struct vm *vm)
{
	struct kvm_regs r = get_regs(vm);
	struct kvm_vcpu_events e = get_events(vm);

	r.rflags |= IF;
	set_regs(vm, &r);
	e.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
	e.nmi.pending = 1;
	CHECK_OK(ioctl(vm->vcpu, KVM_SET_VCPU_EVENTS, &e));
}

TEST(events_nmi_shadow, "an NMI behind STI comes though CLI follows, and leaves no TF")
{
	struct vm vm = vm_create(0);

	CHECK_EQ(CTL + offsetof(struct guest_ctl, count[2]), 0x8408);
	START64(&vm, cli_in_shadow);
	nmi_in_shadow(&vm);
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->count[2], 1);
	START64(&vm, pushf_in_shadow);
	nmi_in_shadow(&vm);
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->count[2], 1);
	if (intel || differs(DEV_nmi_tf))
		CHECK_EQ(get_regs(&vm).rax & BIT(8), 0);
	CHECK_EQ(ctl(&vm)->exceptions, 0);
}

/* Software-enables the APIC and makes @vector pend in it. */
static void pend(const struct vm *vm, u8 vector)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = vector };
	struct kvm_lapic_state s;

	CHECK_OK(ioctl(vm->vcpu, KVM_GET_LAPIC, &s));
	*(u32 *)(s.regs + 0xf0) |= 0x100;
	CHECK_OK(ioctl(vm->vcpu, KVM_SET_LAPIC, &s));
	CHECK_EQ(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), 1);
}

/* The handler of 0x40 keeps where it interrupted. */
GUEST(64, shadowed,
	"nop\n nop\n nop\n 1: jmp 1b\n"
	".balign 64\n mov (%rsp), %rax\n mov %rax, 0xa000\n" DONE);

TEST(events_shadow, "an interrupt shadow that is set holds for one instruction")
{
	struct vm vm;
	struct kvm_vcpu_events e;
	struct kvm_regs r;
	int shadow;

	if (qemu)
		skip("QEMU's processor takes no interrupt shadow from a VMCB");
	if (bochs)
		skip("Bochs' processor takes none from a VMCS");
	for (shadow = 0; shadow < 3; shadow++) {
		vm = vm_create(VM_IRQCHIP);
		START64(&vm, shadowed);
		set_gate(&vm, 0x40, CODE + 64);
		r = get_regs(&vm);
		r.rflags |= IF;
		set_regs(&vm, &r);
		e = get_events(&vm);
		e.interrupt.shadow = shadow;
		CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
		pend(&vm, 0x40);
		run_done(&vm);
		CHECK_EQ(data(&vm)[0], CODE + !!shadow);
		vm_close(&vm);
	}
}

/* STI, then an instruction, then the interrupt. */
GUEST(64, sti_shadow, "sti\n nop\n nop\n 1: jmp 1b\n"
	".balign 64\n mov (%rsp), %rax\n mov %rax, 0xa000\n" DONE);

/* Where 0x40 interrupts it, if it pends in the APIC, or is KVM_INTERRUPT's. */
static u64 sti_rip(int flags)
{
	struct vm vm = vm_create(flags);
	u64 rip;

	START64(&vm, sti_shadow);
	set_gate(&vm, 0x40, CODE + 64);
	if (flags) {
		pend(&vm, 0x40);
	} else {
		CHECK_OK(interrupt(&vm, 0x40));
		if (fails_without_if(&vm))
			return 0;
	}
	run_done(&vm);
	rip = data(&vm)[0];
	vm_close(&vm);
	return rip;
}

static u64 sti_rip_apic(void)
{
	return sti_rip(VM_IRQCHIP);
}

static u64 sti_rip_user(void)
{
	return sti_rip(0);
}

TEST(events_sti, "after STI one more instruction runs")
{
	u64 rip;

	CHECK_EQ(end_of_shadow(sti_rip_apic), CODE + 2);
	rip = end_of_shadow(sti_rip_user);
	if (rip)
		CHECK_EQ(rip, CODE + (differs(DEV_interrupt_if) ? 2 : 0));
}

/* Each handler notes its turn. */
#define TURN(slot)	"incq 0xa000\n mov 0xa000, %rax\n mov %rax, " slot "\n iretq\n"
GUEST(64, order_of_events, "nop\n nop\n" DONE
	".balign 64\n" TURN("0xa008")		/* exception 6 */
	".balign 64\n" TURN("0xa010")		/* NMI */
	".balign 64\n" TURN("0xa018"));		/* interrupt */

/*
 * The exception is delivered first; the NMI interrupts its handler at the
 * first instruction, and so runs before it, and both before the interrupt,
 * which the gates keep out.
 */
TEST(events_order, "exception, then NMI, then interrupt")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_vcpu_events e;
	struct kvm_regs r;

	START64(&vm, order_of_events);
	set_gate(&vm, 6, CODE + 64);
	set_gate(&vm, 2, CODE + 128);
	set_gate(&vm, 0x40, CODE + 192);
	r = get_regs(&vm);
	r.rflags |= IF;
	set_regs(&vm, &r);
	pend(&vm, 0x40);
	CHECK_OK(ioctl(vm.vcpu, KVM_NMI, 0));
	e = get_events(&vm);
	e.exception.injected = 1;
	e.exception.nr = 6;
	e.flags &= ~KVM_VCPUEVENT_VALID_NMI_PENDING;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	run_done(&vm);
	CHECK_EQ(data(&vm)[0], 3);
	CHECK_EQ(data(&vm)[2], 1);
	CHECK_EQ(data(&vm)[1], 2);
	CHECK_EQ(data(&vm)[3], 3);
}

/* ------------------------------------------------------------------------
 * Exceptions of the guest's own
 */

GUEST(64, page_fault, "mov $0x100000000, %rax\n movq $3, 0x8000\n mov (%rax), %rbx\n"
	"mov %rbx, (%rax)\n" DONE);

TEST(events_page_fault, "the guest's own page faults: CR2, error code, RIP")
{
	struct vm vm = vm_create(0);

	START64(&vm, page_fault);
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->exceptions, 2);
	CHECK_EQ(ctl(&vm)->vector, 14);
	CHECK_EQ(ctl(&vm)->error, 2);
	CHECK_EQ(ctl(&vm)->cr2, 0x100000000);
	CHECK_EQ(ctl(&vm)->rip, CODE + (page_fault_end - page_fault) - 5);
}
