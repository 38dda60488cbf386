// SPDX-License-Identifier: GPL-2.0
/*
 * test_regs.c - KVM_GET/SET_REGS, KVM_GET/SET_SREGS, KVM_TRANSLATE: the state
 * at power-up, what is set is what the guest has and what is read again, and
 * states that no processor can be in.
 */
#include "vm.h"

#define FIXED	2ull			/* the bit of RFLAGS that is always 1 */

/* ------------------------------------------------------------------------
 * Power-up
 */

/* Whether the accessed bit is set is the processor's taste. */
static void expect_segment(const struct kvm_segment *s, const char *name,
			   u64 base, u16 selector, u8 type, u8 is_code_or_data)
{
	CHECK_MSG(s->base == base && s->selector == selector &&
		  s->limit == 0xffff && (s->type | 1) == type && s->present &&
		  s->s == is_code_or_data && !s->dpl && !s->db && !s->l &&
		  !s->g && !s->avl && !s->unusable,
		  "%s: base %#llx selector %#x limit %#x type %u p %u s %u", name,
		  (long long)s->base, s->selector, s->limit, s->type,
		  s->present, s->s);
}

TEST(regs_power_up, "the state after KVM_CREATE_VCPU is that after reset")
{
	struct vm vm = vm_create(VM_NO_CPUID);
	struct kvm_regs r = get_regs(&vm), want = {
		.rip = 0xfff0, .rflags = FIXED, .rdx = 0x600,
	};
	struct kvm_sregs s = get_sregs(&vm);
	unsigned int i;

	CHECK(!memcmp(&r, &want, sizeof(r)));
	expect_segment(&s.cs, "cs", 0xffff0000, 0xf000, 11, 1);
	expect_segment(&s.ds, "ds", 0, 0, 3, 1);
	expect_segment(&s.es, "es", 0, 0, 3, 1);
	expect_segment(&s.fs, "fs", 0, 0, 3, 1);
	expect_segment(&s.gs, "gs", 0, 0, 3, 1);
	expect_segment(&s.ss, "ss", 0, 0, 3, 1);
	/* A busy TSS, of 16 or 32 bits. */
	s.tr.type |= 8;
	expect_segment(&s.tr, "tr", 0, 0, 11, 0);
	expect_segment(&s.ldt, "ldt", 0, 0, 3, 0);
	CHECK_EQ(s.gdt.base, 0);
	CHECK_EQ(s.gdt.limit, 0xffff);
	CHECK_EQ(s.idt.base, 0);
	CHECK_EQ(s.idt.limit, 0xffff);
	CHECK_EQ(s.cr0, 0x60000010);
	CHECK_EQ(s.cr2 | s.cr3 | s.cr4 | s.cr8 | s.efer, 0);
	for (i = 0; i < ARRAY_SIZE(s.interrupt_bitmap); i++)
		CHECK_EQ(s.interrupt_bitmap[i], 0);
	CHECK_EQ(s.apic_base, 0xfee00900);
}

TEST(regs_apic_base, "KVM_GET_SREGS tells where the APIC is, and who is the first")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_sregs s = get_sregs(&vm);
	int second = vm_add_vcpu(&vm, 1);

	CHECK_EQ(s.apic_base, 0xfee00900);
	CHECK_OK(ioctl(second, KVM_GET_SREGS, &s));
	CHECK_EQ(s.apic_base, 0xfee00800);
}

/* ------------------------------------------------------------------------
 * General registers
 */

static struct kvm_regs random_regs(void)
{
	struct kvm_regs r;
	u64 *p = (u64 *)&r;
	unsigned int i;

	for (i = 0; i < sizeof(r) / 8; i++)
		p[i] = random64();
	/* CF PF AF ZF SF DF OF and what a kernel may have set */
	r.rflags = (r.rflags & 0x3f7fd5 & ~BIT(8) & ~BIT(17)) | FIXED;
	return r;
}

TEST(regs_round_trip, "KVM_SET_REGS, KVM_GET_REGS")
{
	struct vm vm = vm_create(0);
	int i;

	vcpu_enter64(vm.vcpu, CODE);
	for (i = 0; i < 100; i++) {
		struct kvm_regs r = random_regs(), got;

		set_regs(&vm, &r);
		got = get_regs(&vm);
		CHECK(!memcmp(&r, &got, sizeof(r)));
	}
}

/* Stores all registers at DATA, in the order of struct kvm_regs, adds 1. */
GUEST(64, store_regs,
	"mov %rax, 0xa000\n mov %rbx, 0xa008\n mov %rcx, 0xa010\n"
	"mov %rdx, 0xa018\n mov %rsi, 0xa020\n mov %rdi, 0xa028\n"
	"mov %rbp, 0xa038\n mov %r8, 0xa040\n mov %r9, 0xa048\n"
	"mov %rsp, %rax\n mov %rax, 0xa030\n"
	"mov %r10, %rax\n mov %rax, 0xa050\n mov %r11, %rax\n mov %rax, 0xa058\n"
	"mov %r12, %rax\n mov %rax, 0xa060\n mov %r13, %rax\n mov %rax, 0xa068\n"
	"mov %r14, %rax\n mov %rax, 0xa070\n mov %r15, %rax\n mov %rax, 0xa078\n"
	"mov $0x30000, %rsp\n pushfq\n pop 0xa088\n"
	"mov 0xa030, %rsp\n mov 0xa000, %rax\n"
	"inc %rax\n inc %rbx\n inc %rcx\n inc %rdx\n inc %rsi\n inc %rdi\n"
	"inc %rsp\n inc %rbp\n inc %r8\n inc %r9\n inc %r10\n inc %r11\n"
	"inc %r12\n inc %r13\n inc %r14\n inc %r15\n" DONE);

TEST(regs_guest, "the guest has the registers that were set, and its own are read")
{
	struct vm vm = vm_create(0);
	const struct kvm_regs *seen = (const void *)data(&vm);
	int i;

	for (i = 0; i < 20; i++) {
		struct kvm_regs r = random_regs(), after;
		u64 *a = (u64 *)&after, *b = (u64 *)&r;
		unsigned int j;

		START64(&vm, store_regs);
		r.rip = CODE;
		/* Traps, nesting and virtual mode are not for this guest. */
		r.rflags &= 0xcd5 | FIXED;
		set_regs(&vm, &r);
		run_done(&vm);
		CHECK_EQ(seen->rflags, r.rflags);
		CHECK(!memcmp(seen, &r, offsetof(struct kvm_regs, rip)));
		after = get_regs(&vm);
		for (j = 0; j < 16; j++)
			CHECK_EQ(a[j], b[j] + 1);
	}
}

TEST(regs_rflags, "bits of RFLAGS that cannot be")
{
	struct vm vm = vm_create(0);
	struct kvm_regs r = get_regs(&vm);

	r.rflags = 0;
	set_regs(&vm, &r);
	CHECK_EQ(get_regs(&vm).rflags, FIXED);
	if (differs(DEV_rflags_reserved)) {
		r.rflags = ~0ull;
		set_regs(&vm, &r);
		CHECK_EQ(get_regs(&vm).rflags, 0x3f7fd7);
	}
}

GUEST(16, real_regs, "mov %eax, %ebx\n mov %sp, %cx\n pushf\n pop %dx\n" DONE);

TEST(regs_real_mode, "registers of a guest in real mode; IP is where it says")
{
	struct vm vm = vm_create(0);
	struct kvm_regs r;

	START16(&vm, real_regs);
	r = get_regs(&vm);
	r.rax = 0xfedcba98;
	r.rsp = 0x6ffe;
	r.rflags = 0x46;
	set_regs(&vm, &r);
	run_done(&vm);
	settle(&vm);
	r = get_regs(&vm);
	CHECK_EQ(r.rbx, 0xfedcba98);
	CHECK_EQ(r.rcx & 0xffff, 0x6ffe);
	CHECK_EQ(r.rdx & 0xffff, intel && !differs(DEV_vm86_iopl) ? 0x3046 : 0x46);
	CHECK_EQ(r.rip, CODE + (real_regs_end - real_regs));
}

/* ------------------------------------------------------------------------
 * Special registers
 */

GUEST(64, store_sregs,
	"mov %cr0, %rax\n mov %rax, 0xa000\n mov %cr2, %rax\n mov %rax, 0xa008\n"
	"mov %cr3, %rax\n mov %rax, 0xa010\n mov %cr4, %rax\n mov %rax, 0xa018\n"
	"mov %cr8, %rax\n mov %rax, 0xa020\n"
	"mov $0xc0000080, %ecx\n rdmsr\n mov %eax, 0xa028\n"
	"sgdt 0xa030\n sidt 0xa040\n str 0xa050\n sldt 0xa052\n"
	"mov %cs, 0xa054\n mov %ds, 0xa056\n mov %es, 0xa058\n mov %fs, 0xa05a\n"
	"mov %gs, 0xa05c\n mov %ss, 0xa05e\n"
	"mov %fs:0, %rax\n mov %rax, 0xa060\n mov %gs:0, %rax\n mov %rax, 0xa068\n"
	DONE);

struct seen_sregs {
	u64 cr0, cr2, cr3, cr4, cr8;
	u32 efer, pad;
	struct { u16 limit; u64 base; u8 pad[6]; } __attribute__((packed)) gdt, idt;
	u16 tr, ldt, cs, ds, es, fs, gs, ss;
	u64 at_fs, at_gs;
};

TEST(regs_sregs_guest, "the guest has the special registers that were set")
{
	struct vm vm = vm_create(0);
	const struct seen_sregs *seen = (const void *)data(&vm);
	struct kvm_sregs s, after;

	START64(&vm, store_sregs);
	s = get_sregs(&vm);
	s.cr2 = 0xffff800012345678;
	vm.run->cr8 = 7;
	s.fs.base = FREE;
	s.gs.base = FREE + 8;
	s.fs.selector = 0x2b;
	s.fs.dpl = 3;
	s.ds.selector = 0x10;
	s.gdt.limit = 0x1ff;
	s.idt.limit = 0xabc;
	s.ldt = (struct kvm_segment){ .selector = 0x30, .base = FREE, .type = 2,
				      .limit = 0xff, .present = 1 };
	s.efer |= 1 | BIT(11);
	*(u64 *)(vm.mem + FREE) = 0x1234;
	*(u64 *)(vm.mem + FREE + 8) = 0x5678;
	set_sregs(&vm, &s);
	run_done(&vm);
	CHECK_EQ(seen->cr0, s.cr0);
	CHECK_EQ(seen->cr2, s.cr2);
	CHECK_EQ(seen->cr3, s.cr3);
	CHECK_EQ(seen->cr4, s.cr4);
	CHECK_EQ(seen->cr8, 7);
	CHECK_EQ(seen->efer, s.efer);
	CHECK_EQ(seen->gdt.base, s.gdt.base);
	CHECK_EQ(seen->gdt.limit, s.gdt.limit);
	CHECK_EQ(seen->idt.base, s.idt.base);
	CHECK_EQ(seen->idt.limit, s.idt.limit);
	CHECK_EQ(seen->tr, s.tr.selector);
	CHECK_EQ(seen->ldt, 0x30);
	CHECK_EQ(seen->cs, s.cs.selector);
	CHECK_EQ(seen->ds, s.ds.selector);
	CHECK_EQ(seen->es, s.es.selector);
	CHECK_EQ(seen->fs, 0x2b);
	CHECK_EQ(seen->gs, s.gs.selector);
	CHECK_EQ(seen->ss, s.ss.selector);
	CHECK_EQ(seen->at_fs, 0x1234);
	CHECK_EQ(seen->at_gs, 0x5678);
	after = get_sregs(&vm);
	after.cr8 = s.cr8;
	CHECK(!memcmp(&s, &after, sizeof(s)));
}

GUEST(64, change_sregs,
	"mov $0xffff800000001000, %rax\n mov %rax, %cr2\n"
	"mov %cr0, %rax\n or $0x40002, %rax\n mov %rax, %cr0\n"	/* AM, MP */
	"mov %cr4, %rax\n or $0x84, %rax\n mov %rax, %cr4\n"	/* PGE, TSD */
	"mov $0xc0000080, %ecx\n rdmsr\n or $0x800, %eax\n wrmsr\n"
	"lgdt 1f-change_sregs+0x1000\n"
	"mov $0x10, %ax\n mov %ax, %es\n xor %eax, %eax\n mov %ax, %ds\n"
	"mov $0xc0000101, %ecx\n mov $0x1000, %eax\n mov $0xffff8000, %edx\n wrmsr\n"
	DONE
	"1: .word 0x7f\n .quad 0x16000\n");

TEST(regs_sregs_change, "what the guest changes is read by KVM_GET_SREGS")
{
	struct vm vm = vm_create(0);
	struct kvm_sregs before, s;

	START64(&vm, change_sregs);
	before = get_sregs(&vm);
	run_done(&vm);
	s = get_sregs(&vm);
	CHECK_EQ(s.cr2, 0xffff800000001000);
	CHECK_EQ(s.cr0, before.cr0 | 0x40002);
	CHECK_EQ(s.cr4, before.cr4 | 0x84);
	CHECK_EQ(s.efer, before.efer | 0x800);
	CHECK_EQ(s.gdt.limit, 0x7f);
	CHECK_EQ(s.es.selector, 0x10);
	CHECK_EQ(s.ds.selector, 0);
	CHECK_EQ(s.gs.base, 0xffff800000001000);
}

/* States that cannot be, each one bit away from one that can. */
#define FIELD(name)	offsetof(struct kvm_sregs, name)
static const struct {
	const char *what;
	bool long_mode;
	size_t field;
	u64 flip;
} impossible[] = {
	{ "CR0.PG without PE", false, FIELD(cr0), BIT(31) },
	{ "CR0.NW without CD", false, FIELD(cr0), BIT(30) },
	{ "CR0 bit 32", false, FIELD(cr0), BIT(32) },
	{ "CR0 bit 63", false, FIELD(cr0), BIT(63) },
	{ "CR4 bit 23", false, FIELD(cr4), BIT(23) },
	{ "CR4 bit 31", false, FIELD(cr4), BIT(31) },
	{ "CR4 bit 63", false, FIELD(cr4), BIT(63) },
	{ "CR4.VMXE", false, FIELD(cr4), BIT(13) },
	{ "CR4.SMXE", false, FIELD(cr4), BIT(14) },
	{ "EFER bit 1", false, FIELD(efer), BIT(1) },
	{ "EFER bit 63", false, FIELD(efer), BIT(63) },
	{ "EFER.LMA without LME", false, FIELD(efer), BIT(10) },
	{ "long mode: no CR4.PAE", true, FIELD(cr4), BIT(5) },
	{ "long mode: no CR0.PE", true, FIELD(cr0), BIT(0) },
	{ "long mode: no EFER.LME", true, FIELD(efer), BIT(8) },
	{ "long mode: no EFER.LMA", true, FIELD(efer), BIT(10) },
	{ "long mode: LMA without CR0.PG", true, FIELD(cr0), BIT(31) },
	{ "long mode: CR3 bit 63", true, FIELD(cr3), BIT(63) },
	{ "long mode: CR3 bit 52", true, FIELD(cr3), BIT(52) },
};

TEST(regs_sregs_bad, "states that no processor can be in: EINVAL, and no change")
{
	struct vm real = vm_create(0), lng = vm_create(0);
	unsigned int i;

	vcpu_enter64(lng.vcpu, CODE);
	for (i = 0; i < ARRAY_SIZE(impossible); i++) {
		const struct vm *vm = impossible[i].long_mode ? &lng : &real;
		struct snapshot *before = take_snapshot(vm);
		struct kvm_sregs s = get_sregs(vm);
		int r;

		if (impossible[i].field == FIELD(efer) && !impossible[i].long_mode &&
		    impossible[i].flip != BIT(10) &&
		    !differs(DEV_efer_reserved)) {
			free(before);
			continue;
		}
		*(u64 *)((u8 *)&s + impossible[i].field) ^= impossible[i].flip;
		/* A refusal refuses all of it. */
		s.ds.base += 16;
		s.cr2 += 1;
		r = ioctl(vm->vcpu, KVM_SET_SREGS, &s);
		CHECK_MSG(r == -1 && errno == EINVAL, "%s: %s",
			  impossible[i].what, errno_name(r < 0 ? errno : 0));
		CHECK_UNCHANGED(vm, before, impossible[i].what);
	}
}

TEST(regs_sregs_bad_code, "a 64-bit code segment outside long mode")
{
	struct vm vm = vm_create(0);
	struct kvm_sregs s = get_sregs(&vm);

	s.cs.l = 1;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_SREGS, &s), EINVAL);
}

TEST(regs_sregs_apic_base, "KVM_SET_SREGS: bits of the APIC base that cannot be")
{
	static const u64 bad[] = {
		0xfee00901, 0xfee00a00, 0xfee00940, BIT(63) | 0xfee00900,
		BIT(52) | 0xfee00900, 0xfee00500,	/* x2APIC, not enabled */
	};
	struct vm vms[] = { vm_create(VM_IRQCHIP), vm_create(0) };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(vms); i++)
		for (j = 0; j < ARRAY_SIZE(bad); j++) {
			struct snapshot *before = take_snapshot(&vms[i]);
			struct kvm_sregs s = get_sregs(&vms[i]);
			int r;

			s.apic_base = bad[j];
			r = ioctl(vms[i].vcpu, KVM_SET_SREGS, &s);
			CHECK_MSG(r == -1 && errno == EINVAL, "vm %u, %#llx: %s",
				  i, (long long)bad[j],
				  errno_name(r < 0 ? errno : 0));
			CHECK_UNCHANGED(&vms[i], before, "apic_base");
		}
}

GUEST(64, wait_irq, "sti\n 1: cmpl $0, 0x8500\n je 1b\n" DONE);

TEST(regs_interrupt_bitmap, "an interrupt in the bitmap is delivered")
{
	struct vm vm = vm_create(0);
	struct kvm_sregs s;

	START64(&vm, wait_irq);
	s = get_sregs(&vm);
	s.interrupt_bitmap[1] = BIT(0);
	set_sregs(&vm, &s);
	CHECK_EQ(get_sregs(&vm).interrupt_bitmap[1], BIT(0));
	if (fails_without_if(&vm))
		return;
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->count[0x40], 1);
	CHECK_EQ(get_sregs(&vm).interrupt_bitmap[1], 0);
}

/* ------------------------------------------------------------------------
 * KVM_TRANSLATE
 */

static void translate(const struct vm *vm, u64 linear, u64 physical)
{
	struct kvm_translation t = { .linear_address = linear };

	CHECK_OK(ioctl(vm->vcpu, KVM_TRANSLATE, &t));
	CHECK_EQ(t.valid, physical != ~0ull);
	if (t.valid)
		CHECK_EQ(t.physical_address, physical);
}

TEST(regs_translate, "KVM_TRANSLATE with and without paging")
{
	struct vm vm = vm_create(0);
	u64 *pt = (u64 *)(vm.mem + FREE);

	translate(&vm, 0x12345, 0x12345);
	translate(&vm, 0xfffff000, 0xfffff000);
	start_servant(&vm);
	((u64 *)(vm.mem + PAGE_TABLES))[1] = FREE | 3;
	pt[0] = (FREE + PAGE) | 3;
	pt[512] = (FREE + 2 * PAGE) | 3;
	pt[1024] = 0xabcd000 | 3;
	pt[1025] = 0;
	translate(&vm, 0x12345, 0x12345);
	translate(&vm, (1ull << 39) + 0x123, 0xabcd123);
	translate(&vm, (1ull << 39) + PAGE, ~0ull);
	translate(&vm, 1ull << 40, ~0ull);
}
