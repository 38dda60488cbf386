// SPDX-License-Identifier: GPL-2.0
/*
 * test_odd.c - states and orders of events that are rare, and that a
 * hypervisor gets wrong without anybody noticing for years: LMA without
 * paging, a reset after a triple fault, an interrupt whose delivery faults, a
 * priority that falls, a debugger that steps over an exit.
 */
#include "vm.h"

#define CR0_PE	BIT(0)
#define CR0_PG	BIT(31)
#define EFER	0xc0000080
#define LME	BIT(8)
#define LMA	BIT(10)

/* ------------------------------------------------------------------------
 * Long mode is LME and paging, whatever an ioctl says
 */

GUEST(32, flat32, "mov $0x5a5a5a5a, %eax\n mov %eax, 0xa000\n" DONE);

TEST(odd_lma_without_paging, "EFER.LMA set by KVM_SET_MSRS: paging stays what CR0 says")
{
	struct vm vm = vm_create(VM_NO_CPUID);
	struct kvm_sregs s;
	struct kvm_regs r = { .rip = CODE, .rflags = 2, .rsp = STACK };
	struct kvm_segment flat = { .limit = ~0u, .present = 1, .db = 1, .s = 1,
				    .g = 1, .type = 3, .selector = 16 };
	u64 efer = 0;

	s = get_sregs(&vm);
	memcpy(vm.mem + CODE, flat32, flat32_end - flat32);
	s.cr0 = CR0_PE | BIT(4);
	s.ds = s.es = s.fs = s.gs = s.ss = s.cs = flat;
	s.cs.type = 11;
	s.cs.selector = 8;
	set_sregs(&vm, &s);
	set_regs(&vm, &r);
	if (!set_msr(vm.vcpu, EFER, LME | LMA))
		return;		/* refused is well, too */
	CHECK_EQ(run(&vm), 0);
	CHECK_EQ(get_sregs(&vm).cr0 & CR0_PG, 0);
	if (vm.run->exit_reason == KVM_EXIT_IO) {
		CHECK_EQ(*(u32 *)(vm.mem + DATA), 0x5a5a5a5a);
	} else {
		CHECK_EQ(vm.run->exit_reason, KVM_EXIT_FAIL_ENTRY);
		CHECK(!ours);
	}
	CHECK(get_msr(vm.vcpu, EFER, &efer));
	CHECK(!ours || !(efer & LMA));
}

/* ------------------------------------------------------------------------
 * A reset after a triple fault
 */

/* The IDT lies where no memory is mapped: #UD, #PF, #DF, #PF. */
GUEST(64, triple, "lidt 1f(%rip)\n ud2\n 1: .word 0xfff\n .quad 0x123456789000\n");
GUEST(64, alive, "movq $7, 0xa000\n" DONE);

TEST(odd_reset_after_triple_fault, "registers set anew after KVM_EXIT_SHUTDOWN: the machine runs")
{
	struct kvm_vcpu_events none = {};
	struct vm vm = vm_create(0);
	int i;

	for (i = 0; i < 3; i++) {
		START64(&vm, triple);
		run_to(&vm, KVM_EXIT_SHUTDOWN);
		START64(&vm, alive);
		REQUIRE_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &none));
		data(&vm)[0] = 0;
		run_done(&vm);
		CHECK_EQ(data(&vm)[0], 7);
	}
}

/* ------------------------------------------------------------------------
 * An interrupt whose delivery meets a page fault
 */

#define FAR_IDT		0x100000800ull	/* vectors from 128 on: the next page */
#define FAR_PD		FREE
#define FAR_PT		(FREE + 0x1000)
#define FAR_PAGES	(FREE + 0x2000)	/* two */

/*
 * The fault's handler maps the page and notes that it is done; the
 * interrupt's notes whether it came after that.
 */
GUEST(64, meets_fault,
      "mov $1000000, %ecx\n sti\n 1: dec %ecx\n jz 2f\n cmpq $0, 0xa008\n"
      "je 1b\n 2:\n" DONE
      ".balign 64\n"
      "movq $0x43003, 0x41008\n nop\n nop\n nop\n nop\n movq $1, 0xa000\n"
      "add $8, %rsp\n iretq\n"
      ".balign 64\n"
      "push %rax\n mov 0xa000, %rax\n inc %rax\n mov %rax, 0xa008\n"
      "incq 0xa010\n pop %rax\n iretq\n");

TEST(odd_irq_meets_fault, "an interrupt whose gate faults comes once, behind the fault's handler")
{
	struct kvm_interrupt irq = { .irq = 0x90 };
	struct vm vm = vm_create(0);
	struct kvm_sregs s;
	u64 *pdpt = (u64 *)(vm.mem + PAGE_TABLES + PAGE);

	START64(&vm, meets_fault);
	set_gate(&vm, 14, CODE + 64);
	set_gate(&vm, 0x90, CODE + 128);
	pdpt[4] = FAR_PD | 3;
	*(u64 *)(vm.mem + FAR_PD) = FAR_PT | 3;
	*(u64 *)(vm.mem + FAR_PT) = FAR_PAGES | 3;
	memcpy(vm.mem + FAR_PAGES + 0x800, vm.mem + IDT, PAGE);
	s = get_sregs(&vm);
	s.idt.base = FAR_IDT;
	set_sregs(&vm, &s);
	CHECK_OK(ioctl(vm.vcpu, KVM_INTERRUPT, &irq));
	if (fails_without_if(&vm))
		return;
	run_done(&vm);
	CHECK_EQ(data(&vm)[0], 1);
	CHECK_EQ(ctl(&vm)->exceptions, 0);
	if (!differs(DEV_irq_meets_fault))
		return;
	CHECK_EQ(data(&vm)[1], 2);
	CHECK_EQ(data(&vm)[2], 1);
}

GUEST(64, takes_40, "sti\n nop\n nop\n" DONE);

TEST(odd_idt_in_device, "an interrupt is delivered by a gate that user space supplies")
{
	struct kvm_interrupt irq = { .irq = 0x40 };
	struct vm vm = vm_create(0);
	struct kvm_sregs s;
	unsigned int reads = 0;

	if (!differs(DEV_idt_in_device))
		skip("Linux's module gives up");
	START64(&vm, takes_40);
	s = get_sregs(&vm);
	s.idt.base = MMIO;
	set_sregs(&vm, &s);
	CHECK_OK(ioctl(vm.vcpu, KVM_INTERRUPT, &irq));
	while (!run(&vm) && vm.run->exit_reason == KVM_EXIT_MMIO && reads++ < 8) {
		if (!CHECK(vm.run->mmio.phys_addr - MMIO - 0x400 < 16))
			return;
		memcpy(vm.run->mmio.data,
		       vm.mem + IDT + vm.run->mmio.phys_addr - MMIO, vm.run->mmio.len);
	}
	CHECK_EQ(vm.run->io.port, PORT_DONE);
	CHECK_EQ(ctl(&vm)->count[0x40], 1);
}

/* ------------------------------------------------------------------------
 * TPR, seen from CR8
 */

GUEST(64, lowers_cr8,
      "mov $9, %eax\n mov %rax, %cr8\n sti\n" STEP
      "nop\n nop\n xor %eax, %eax\n mov 0x8500, %ebx\n mov %rax, %cr8\n"
      "nop\n nop\n mov 0x8500, %ecx\n cli\n mov %rbx, 0xa000\n mov %rcx, 0xa008\n" DONE);

TEST(odd_cr8_lowered, "an interrupt that TPR held back comes as soon as CR8 is lowered")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	int i;

	for (i = 0; i < 20; i++) {
		START64(&vm, lowers_cr8);
		lapic_on(vm.vcpu);
		ctl(&vm)->eoi = EOI_XAPIC;
		ctl(&vm)->count[0x40] = 0;
		run_step(&vm);
		CHECK_EQ(send_msi(&vm, 0, 0x40), 1);
		run_done(&vm);
		CHECK_EQ(data(&vm)[0], 0);
		CHECK_EQ(data(&vm)[1], 1);
	}
}

/* ------------------------------------------------------------------------
 * A debugger steps
 */

GUEST(64, steps, "nop\n" STEP "cpuid\n" STEP "mov %al, 0xd0000000\n" STEP
      "outsb\n" DONE);

TEST(odd_step_over_out, "KVM_GUESTDBG_SINGLESTEP over OUT: the output is not lost")
{
	struct kvm_guest_debug debug = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP,
	};
	struct vm vm = vm_create(0);
	int i, outs = 0, steps_seen = 0;

	START64(&vm, steps);
	REQUIRE_OK(ioctl(vm.vcpu, KVM_SET_GUEST_DEBUG, &debug));
	for (i = 0; i < 20 && outs < 6; i++) {
		if (!CHECK_EQ(run(&vm), 0))
			return;
		if (vm.run->exit_reason == KVM_EXIT_IO ||
		    vm.run->exit_reason == KVM_EXIT_MMIO)
			outs++;
		else if (CHECK_EQ(vm.run->exit_reason, KVM_EXIT_DEBUG))
			steps_seen++;
	}
	CHECK_EQ(outs, 6);
	CHECK(steps_seen >= 4);
	if (differs(DEV_step_io))
		CHECK_EQ(steps_seen, 7);
}
