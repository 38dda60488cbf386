// SPDX-License-Identifier: GPL-2.0
/*
 * test_odd.c - states and orders of events that are rare, and that a
 * hypervisor gets wrong without anybody noticing for years: LMA without
 * paging, a reset after a triple fault, an interrupt whose delivery faults, a
 * priority that falls, a debugger that steps over an exit, a task switch that
 * faults.
 */
#include "vm.h"

#define CR0_PE	BIT(0)
#define CR0_PG	BIT(31)
#define EFER	0xc0000080
#define LME	BIT(8)
#define LMA	BIT(10)

static const struct kvm_segment flat_data = {
	.limit = ~0u, .present = 1, .db = 1, .s = 1, .g = 1, .type = 3, .selector = 16,
};

/* ------------------------------------------------------------------------
 * Long mode is LME and paging, whatever an ioctl says
 */

GUEST(32, flat32, "mov $0x5a5a5a5a, %eax\n mov %eax, 0xa000\n" DONE);

TEST(odd_lma_without_paging, "EFER.LMA set by KVM_SET_MSRS: paging stays what CR0 says")
{
	struct vm vm = vm_create(VM_NO_CPUID);
	struct kvm_sregs s;
	struct kvm_regs r = { .rip = CODE, .rflags = 2, .rsp = STACK };
	u64 efer = 0;

	s = get_sregs(&vm);
	memcpy(vm.mem + CODE, flat32, flat32_end - flat32);
	s.cr0 = CR0_PE | BIT(4);
	s.ds = s.es = s.fs = s.gs = s.ss = s.cs = flat_data;
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

GUEST(64, alive, "movq $7, 0xa000\n" DONE);

/* PG is all that is missing.  Behind it the code is 64-bit only if CS says so. */
GUEST(32, to_long_mode, "mov %cr0, %eax\n or $0x80000000, %eax\n mov %eax, %cr0\n" DONE);

TEST(odd_long_tss16, "long mode with a 16-bit TSS in TR: #GP on Intel")
{
	static const u8 types[] = { 11, 3 };
	struct vm vm = vm_create(0);
	struct kvm_regs r = { .rip = CODE, .rflags = 2, .rsp = STACK };
	struct kvm_sregs s;
	unsigned int i;

	START64(&vm, alive);		/* for its page tables */
	memcpy(vm.mem + CODE, to_long_mode, to_long_mode_end - to_long_mode);
	s = get_sregs(&vm);
	s.cr0 = CR0_PE | BIT(4);
	s.efer = LME;
	s.idt.limit = 0;
	s.ds = s.es = s.fs = s.gs = s.ss = s.cs = flat_data;
	s.cs.type = 11;
	s.cs.selector = 8;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		bool faults = types[i] == 3 && intel && differs(DEV_long_tss16);

		s.tr.type = types[i];
		set_sregs(&vm, &s);
		set_regs(&vm, &r);
		CHECK_OK(run(&vm));
		CHECK_EQ(vm.run->exit_reason, faults ? KVM_EXIT_SHUTDOWN : KVM_EXIT_IO);
		CHECK_EQ(!!(get_sregs(&vm).efer & LMA), !faults);
	}
}

/* ------------------------------------------------------------------------
 * A reset after a triple fault
 */

/* The IDT lies where no memory is mapped: #UD, #PF, #DF, #PF. */
GUEST(64, triple, "lidt 1f(%rip)\n ud2\n 1: .word 0xfff\n .quad 0x123456789000\n");

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
      "movq $0x43003, 0x41008\n" STEP "nop\n nop\n nop\n nop\n movq $1, 0xa000\n"
      "add $8, %rsp\n iretq\n"
      ".balign 64\n"
      "push %rax\n mov 0xa000, %rax\n inc %rax\n mov %rax, 0xa008\n"
      "incq 0xa010\n pop %rax\n iretq\n");

/* Into the fault's handler; false if the interrupt that was put in ended it all. */
static bool meet_fault(const struct vm *vm)
{
	struct kvm_interrupt irq = { .irq = 0x90 };
	u64 *pdpt = (u64 *)(vm->mem + PAGE_TABLES + PAGE);
	struct kvm_sregs s;

	START64(vm, meets_fault);
	set_gate(vm, 14, CODE + 64);
	set_gate(vm, 0x90, CODE + 128);
	pdpt[4] = FAR_PD | 3;
	*(u64 *)(vm->mem + FAR_PD) = FAR_PT | 3;
	*(u64 *)(vm->mem + FAR_PT) = FAR_PAGES | 3;
	*(u64 *)(vm->mem + FAR_PT + 8) = 0;
	memcpy(vm->mem + FAR_PAGES + 0x800, vm->mem + IDT, PAGE);
	s = get_sregs(vm);
	s.idt.base = FAR_IDT;
	set_sregs(vm, &s);
	CHECK_OK(ioctl(vm->vcpu, KVM_INTERRUPT, &irq));
	if (fails_without_if(vm))
		return false;
	run_step(vm);
	return true;
}

TEST(odd_irq_meets_fault, "an interrupt whose gate faults comes once, behind the fault's handler")
{
	struct vm vm = vm_create(0);

	if (!meet_fault(&vm))
		return;
	run_done(&vm);
	CHECK_EQ(data(&vm)[0], 1);
	CHECK_EQ(ctl(&vm)->exceptions, 0);
	if (!differs(DEV_irq_meets_fault))
		return;
	CHECK_EQ(data(&vm)[1], 2);
	CHECK_EQ(data(&vm)[2], 1);
}

TEST(odd_irq_held, "an interrupt that waits for a fault's handler: no window before it; saved, it comes once")
{
	struct vm vm = vm_create(0);
	struct kvm_regs r;
	struct kvm_sregs s;

	if (!differs(DEV_irq_meets_fault))
		skip("Linux's module loses it");
	if (!meet_fault(&vm))
		return;
	vm.run->request_interrupt_window = 1;
	run_to(&vm, KVM_EXIT_IRQ_WINDOW_OPEN);
	CHECK_EQ(data(&vm)[2], 1);
	vm.run->request_interrupt_window = 0;
	run_done(&vm);

	memset(vm.mem + DATA, 0, PAGE);
	meet_fault(&vm);
	s = get_sregs(&vm);
	CHECK_EQ(s.interrupt_bitmap[2], BIT(0x10));
	set_sregs(&vm, &s);
	r = get_regs(&vm);
	r.rflags |= BIT(9);
	set_regs(&vm, &r);
	run_done(&vm);
	CHECK_EQ(data(&vm)[1], 1);
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

/* ------------------------------------------------------------------------
 * Without CPUID the host is the limit, for what is emulated, too
 */

/* On VT-x without unrestricted guest the module does this, not the processor. */
GUEST(16, features_real,
      "mov %cr4, %eax\n or $0x20, %al\n mov %eax, %cr4\n"
      "mov $0xc0000080, %ecx\n rdmsr\n mov %cr4, %ebx\n" DONE);

TEST(odd_no_cpuid, "real mode without CPUID: there are CR4.PAE and model-specific registers")
{
	struct vm vm = vm_create(VM_NO_CPUID);

	START16(&vm, features_real);
	run_done(&vm);
	CHECK_EQ(get_regs(&vm).rbx & 0x20, 0x20);
}

/* ------------------------------------------------------------------------
 * Real mode
 */

/* Beyond the limit of the segment, by an instruction that is not emulated. */
GUEST(16, real_x87,
      "movw $1f - real_x87 + 0x1000, 13 * 4\n movw $0, 13 * 4 + 2\n"
      "fninit\n fldl 0xfffc\n hlt\n"
      "1: pop %bx\n" DONE);

TEST(odd_real_gp, "a #GP in real mode comes to the guest, whatever the instruction")
{
	struct vm vm = vm_create(0);

	if (qemu)
		skip("QEMU knows no limits of segments");
	if (intel && !differs(DEV_real_gp))
		skip("KVM_EXIT_INTERNAL_ERROR");
	START16(&vm, real_x87);
	run_done(&vm);
	CHECK_EQ(get_regs(&vm).rbx & 0xffff,
		 CODE + (real_x87_end - real_x87) - 8);
}

/*
 * From real mode to 64-bit code with the paragraph that a program had in FS: its
 * low bits are no RPL that the processor would enter with.
 */
GUEST(16, long_with_paragraph,
      "mov $0x0e73, %ax\n mov %ax, %fs\n"
      "mov %cr4, %eax\n or $0x20, %al\n mov %eax, %cr4\n"
      "mov $0x10000, %eax\n mov %eax, %cr3\n"
      "mov $0xc0000080, %ecx\n rdmsr\n or $0x100, %eax\n wrmsr\n"
      "lgdtl 3f - long_with_paragraph + 0x1000\n"
      "mov %cr0, %eax\n or $0x80000001, %eax\n mov %eax, %cr0\n"
      "ljmpl $8, $1f - long_with_paragraph + 0x1000\n"
      ".code64\n 1: mov %fs:4, %rbx\n mov $16, %eax\n mov %eax, %fs\n mov %eax, %ss\n" DONE
      "3: .word 47\n .long 0x16000\n");

TEST(odd_long_mode_paragraph, "64-bit code is reached with a real-mode selector in FS")
{
	struct vm vm = vm_create(0);
	struct kvm_segment tr;
	struct kvm_sregs s;

	/* The tables of 64-bit mode, then back. */
	START64(&vm, alive);
	tr = get_sregs(&vm).tr;
	memcpy(vm.mem + CODE, long_with_paragraph,
	       long_with_paragraph_end - long_with_paragraph);
	vcpu_enter16(vm.vcpu, CODE);
	s = get_sregs(&vm);
	s.tr = tr;
	set_sregs(&vm, &s);
	*(u64 *)(vm.mem + 0xe734) = 0x1122334455667788;
	run_done(&vm);
	CHECK_EQ(get_regs(&vm).rbx, 0x1122334455667788);
}

/* ------------------------------------------------------------------------
 * Task switches
 */

struct tss32 {
	u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
	u32 eax, ecx, edx, ebx, esp, ebp, esi, edi;
	u32 es, cs, ss, ds, fs, gs, ldt, trap_iomap;
};

#define TASK_GDT	FREE
#define TASK_IDT	(FREE + 0x1000)
#define TASK_OLD	(FREE + 0x2000)
#define TASK_NEW	(FREE + 0x3000)
#define TASK_PD		(FREE + 0x4000)
#define TASK_PT		(FREE + 0x5000)
#define TASK_START	(CODE + 128)		/* of the other task */

static u64 descriptor32(u32 base, u32 limit, u32 access)
{
	return (u64)(base >> 24) << 56 | (u64)(limit >> 16 | 0x40) << 48 |
	       (u64)access << 40 | (u64)(base & 0xffffff) << 16 | (limit & 0xffff);
}

static u64 interrupt_gate32(u32 offset)
{
	return (u64)(offset >> 16) << 48 | 0x8e0000080000ull | (offset & 0xffff);
}

/* Flat 32-bit code in a task, and another one to switch to, at TASK_START. */
static struct vm two_tasks(const u8 *code, size_t size, bool paging)
{
	struct vm vm = vm_create(0);
	struct kvm_regs r = { .rip = CODE, .rflags = 2, .rsp = STACK };
	struct kvm_sregs s = get_sregs(&vm);
	u64 *gdt = (u64 *)(vm.mem + TASK_GDT);

	if (qemu && !intel)
		skip("QEMU switches tasks by itself, and loads the host's CR3 from the TSS");
	memcpy(vm.mem + CODE, code, size);
	gdt[1] = 0x00cf9b000000ffff;
	gdt[2] = 0x00cf93000000ffff;
	gdt[3] = descriptor32(TASK_OLD, 0x67, 0x8b);
	gdt[4] = descriptor32(TASK_NEW, 0x67, 0x89);
	*(struct tss32 *)(vm.mem + TASK_NEW) = (struct tss32){
		.eip = TASK_START, .eflags = 2, .esp = STACK - 0x1000, .cr3 = TASK_PD,
		.es = 16, .cs = 8, .ss = 16, .ds = 16, .fs = 16, .gs = 16,
	};
	s.cr0 = CR0_PE | BIT(4) | (paging ? CR0_PG : 0);
	s.cr3 = TASK_PD;
	s.ds = s.es = s.fs = s.gs = s.ss = s.cs = flat_data;
	s.cs.type = 11;
	s.cs.selector = 8;
	s.gdt = (struct kvm_dtable){ .base = TASK_GDT, .limit = 5 * 8 - 1 };
	s.idt = (struct kvm_dtable){ .base = TASK_IDT, .limit = 0x41 * 8 - 1 };
	s.tr = (struct kvm_segment){ .base = TASK_OLD, .limit = 0x67, .selector = 24,
				     .type = 11, .present = 1 };
	set_sregs(&vm, &s);
	set_regs(&vm, &r);
	return vm;
}

#define TWO_TASKS(code, paging)	two_tasks(code, code##_end - code, paging)

/* INT3, and a gate whose task's GS lies beyond the GDT: #TS, at 64 bytes. */
GUEST(32, through_task_gates,
      "int3\n" DONE
      "int $0x40\n" DONE
      ".balign 64\n pop %eax\n mov %eax, 0xa000\n" DONE
      ".balign 64\n iret\n");

TEST(odd_task_gates, "INT3 through a task gate returns behind it; #TS of INT n has EXT clear")
{
	struct vm vm = TWO_TASKS(through_task_gates, false);
	u64 *idt = (u64 *)(vm.mem + TASK_IDT);
	struct tss32 *old = (void *)(vm.mem + TASK_OLD);
	struct tss32 *new = (void *)(vm.mem + TASK_NEW);

	idt[3] = idt[0x40] = 0x0000850000200000;
	idt[10] = interrupt_gate32(CODE + 64);
	run_done(&vm);
	CHECK_EQ(old->eip, CODE + 1);
	if (intel && !differs(DEV_task_fault))
		return;
	new->eip = TASK_START;
	new->gs = 0x100;
	run_done(&vm);
	CHECK_EQ(*(u32 *)(vm.mem + DATA), 0x100);
	CHECK_EQ(old->eip, CODE + 1 + 2 + 2);
}

/* The TSS to switch to lies in a page that the #PF handler maps. */
GUEST(32, to_missing_task,
      "ljmp $32, $0\n"
      ".balign 64\n pop %eax\n incl 0xa000\n orl $1, 0x45000 + 4 * 0x43\n"
      "mov %cr2, %eax\n invlpg (%eax)\n iret\n"
      ".balign 64\n" DONE);

TEST(odd_task_missing, "a task switch that meets a page fault runs again after it")
{
	struct vm vm = TWO_TASKS(to_missing_task, true);
	u32 *pt = (u32 *)(vm.mem + TASK_PT), i;

	if (intel && !differs(DEV_task_fault))
		skip("the fault's frame is behind the instruction");
	((u64 *)(vm.mem + TASK_IDT))[14] = interrupt_gate32(CODE + 64);
	*(u32 *)(vm.mem + TASK_PD) = TASK_PT | 3;
	for (i = 0; i < 1024; i++)
		pt[i] = i << 12 | 3;
	pt[TASK_NEW / PAGE] &= ~1u;
	data(&vm)[0] = 0;
	run_done(&vm);
	CHECK_EQ(data(&vm)[0], 1);
	CHECK_EQ(get_sregs(&vm).tr.selector, 32);
}
