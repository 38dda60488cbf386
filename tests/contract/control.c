// SPDX-License-Identifier: GPL-2.0
/*
 * control.c - statement 7: whatever recurs in a guest, with interrupts off and
 * without an end, the host takes its interrupts, and a signal ends KVM_RUN.
 *
 * Each guest raises an exception, the handler of which raises it again, on a
 * stack of its own that starts anew each time (IST), so that nothing runs out.
 */
#include "contract.h"

#define IST_STACK	0x38000

/* The guest at CODE, the handler of the row's vector at CODE + 64. */
#define RECURS(name, first, again)					\
	GUEST(64, name, "cli\n" first "\n .balign 64\n 9:" again "\n")

RECURS(ud, "ud2", "ud2");
RECURS(gp, "movabs $0x8000000000000000, %rbx\n mov (%rbx), %rax",
       "mov (%rbx), %rax");
RECURS(gp_msr, "mov $0x12345678, %ecx\n rdmsr", "rdmsr");
RECURS(gp_cr, "mov $-1, %rax\n mov %rax, %cr4", "mov %rax, %cr4");
RECURS(de, "xor %ecx, %ecx\n div %ecx", "div %ecx");
RECURS(pf, "movabs $0x123456789000, %rbx\n mov (%rbx), %rax",
       "mov (%rbx), %rax");
RECURS(pf_write, "movabs $0x123456789000, %rbx\n push (%rbx)",
       "incl (%rbx)");
RECURS(bp, "int3", "int3");
RECURS(soft, "int $0x80", "int $0x80");
/* #DB: each instruction of the handler is stepped. */
RECURS(db_step, "pushq $0x102\n popfq\n nop", "pushq $0x102\n popfq\n nop");
/*
 * #DB on the frame that #DB pushes (CVE-2015-8104): DR0 watches it.  QEMU dies of
 * a watchpoint that an exception's frame hits, so VT-x alone shows this.
 */
#define FRAME	"0x37fe0"
RECURS(db_frame, "mov $" FRAME ", %eax\n mov %rax, %dr0\n mov $0xd0402, %eax\n"
       "mov %rax, %dr7\n movq $1, " FRAME, "movq $1, " FRAME "\n nop\n jmp .");
/*
 * #DB as the first instruction of its own handler.  QEMU remembers such a
 * breakpoint beyond the guest that set it: not there either.
 */
RECURS(db_handler, "mov $0x1040, %eax\n mov %rax, %dr0\n mov $0x402, %eax\n"
       "mov %rax, %dr7\n jmp 9f", "nop\n jmp 9b");
RECURS(nothing, "jmp .", "nop");
RECURS(nothing_pause, "1: pause\n jmp 1b", "nop");

#define ROW(name, vector)	{ #name, name, name##_end, vector }
struct recursion {
	const char *name;
	const u8 *code, *end;
	unsigned int vector;
};

/* Each round leaves the guest, under shadow paging, for all processors. */
static const struct recursion exiting[] = {
	ROW(ud, 6), ROW(pf, 14), ROW(pf_write, 14), ROW(gp_msr, 13),
	ROW(gp_cr, 13), ROW(db_step, 1), ROW(db_frame, 1), ROW(db_handler, 1),
};

/* These stay in it: an interrupt of the host's has to get through. */
static const struct recursion staying[] = {
	ROW(gp, 13), ROW(de, 0), ROW(bp, 3), ROW(soft, 0x80),
	ROW(nothing, 6), ROW(nothing_pause, 6),
};

static void recur(const struct vm *vm, const struct recursion *r)
{
	u64 *gate = (u64 *)(vm->mem + IDT) + 2 * r->vector;

	vm_start64(vm, r->code, r->end - r->code);
	set_gate(vm, r->vector, CODE + 64);
	gate[0] |= 1ull << 32;				/* IST 1 */
	memcpy(vm->mem + TSS + 36, &(u64){ IST_STACK }, 8);
	CHECK_INTERRUPTIBLE(vm, r->name);
	/* It is none the worse for it: the same again. */
	CHECK_INTERRUPTIBLE(vm, r->name);
}

TEST(s07_recursion_exits, "exceptions without end that leave the guest each time")
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(exiting); i++) {
		struct vm vm;

		if (qemu && (exiting[i].code == db_frame ||
			     exiting[i].code == db_handler))
			continue;
		vm = vm_create(0);
		recur(&vm, &exiting[i]);
		vm_close(&vm);
	}
}

TEST(s07_recursion_stays, "exceptions without end that never leave the guest")
{
	unsigned int i;

	if (intel)
		skip("Bochs does not interrupt a guest that has interrupts off, and the host stands still");
	for (i = 0; i < ARRAY_SIZE(staying); i++) {
		struct vm vm = vm_create(0);

		recur(&vm, &staying[i]);
		vm_close(&vm);
	}
}

/* ------------------------------------------------------------------------
 * #AC within #AC (CVE-2015-5307): the handler runs at CPL 3, its stack is not
 * aligned, and pushing the frame raises #AC again.
 */

GUEST(32, ac, "1: movl 1(%ebx), %eax\n jmp 1b\n .balign 64\n 1: jmp 1b\n");

TEST(s07_alignment, "#AC whose frame is pushed to a stack that is not aligned")
{
	static const struct kvm_segment code = {
		.limit = ~0u, .present = 1, .db = 1, .s = 1, .g = 1, .type = 11,
		.dpl = 3, .selector = 8 | 3,
	}, data_seg = {
		.limit = ~0u, .present = 1, .db = 1, .s = 1, .g = 1, .type = 3,
		.dpl = 3, .selector = 16 | 3,
	};
	struct vm vm = vm_create(0);
	struct kvm_sregs s = get_sregs(&vm);
	/* AC and a stack that is odd. */
	struct kvm_regs r = { .rip = CODE, .rflags = 0x40002, .rsp = STACK - 1,
			      .rbx = DATA };
	u64 *gdt = (u64 *)(vm.mem + GDT), *idt = (u64 *)(vm.mem + IDT);

	memcpy(vm.mem + CODE, ac, ac_end - ac);
	gdt[1] = 0x00cffb000000ffffull;
	gdt[2] = 0x00cff3000000ffffull;
	idt[17] = (CODE + 64) | 11ull << 16 | 0xee00ull << 32;
	s.cs = code;
	s.ss = s.ds = s.es = s.fs = s.gs = data_seg;
	s.gdt = (struct kvm_dtable){ .base = GDT, .limit = 23 };
	s.idt = (struct kvm_dtable){ .base = IDT, .limit = 18 * 8 - 1 };
	s.cr0 = 0x40011;			/* AM, ET, PE */
	set_sregs(&vm, &s);
	set_regs(&vm, &r);
	CHECK_INTERRUPTIBLE(&vm, "#AC");
}

/* ------------------------------------------------------------------------
 * One instruction of the guest's that keeps the emulator busy
 */

/* Some 64 thousand items for a device in the kernel, and again. */
GUEST(16, outs, "cli\n 1: mov $0xffff, %cx\n xor %si, %si\n mov $0x42, %dx\n"
      "rep outsb\n jmp 1b\n");
GUEST(16, ins, "cli\n mov $0x4000, %ax\n mov %ax, %es\n"
      "1: mov $0xffff, %cx\n xor %di, %di\n mov $0x42, %dx\n"
      "rep insb\n jmp 1b\n");

TEST(s07_strings, "string I/O with devices in the kernel, for ever")
{
	struct vm vm = vm_create(VM_PIT);

	START16(&vm, outs);
	CHECK_INTERRUPTIBLE(&vm, "outs");
	START16(&vm, ins);
	CHECK_INTERRUPTIBLE(&vm, "ins");
}
