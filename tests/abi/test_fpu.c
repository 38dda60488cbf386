// SPDX-License-Identifier: GPL-2.0
/*
 * test_fpu.c - KVM_GET/SET_FPU, XSAVE, XCRS, DEBUGREGS: what is set is what the
 * guest has, what the guest leaves is read; and that neither the guest nor
 * the host ever sees the other's registers.
 */
#include <cpuid.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <sys/prctl.h>
#include <asm/prctl.h>
#include "vm.h"

#define CR4_OSXSAVE	BIT(18)

/* ------------------------------------------------------------------------
 * FPU
 */

/* FXSAVE at DATA (aligned), then all is loaded from FREE. */
GUEST(64, save_and_load, "fxsave 0xa000\n" STEP "fxrstor 0x40000\n" DONE);

static struct kvm_fpu random_fpu(void)
{
	struct kvm_fpu f = { .fcw = 0x37f, .mxcsr = 0x1f80 };
	unsigned int i, j;

	for (i = 0; i < 8; i++)
		for (j = 0; j < 10; j++)
			f.fpr[i][j] = random64();
	for (i = 0; i < 16; i++)
		for (j = 0; j < 16; j++)
			f.xmm[i][j] = random64();
	f.fsw = 0x3000;
	f.ftwx = 0xff;
	f.mxcsr = 0x1fa0;
	return f;
}

static u64 *xfeatures(struct kvm_xsave *x)
{
	return (u64 *)&x->region[512 / 4];
}

/*
 * Linux's KVM_SET_FPU has no effect while x87 and SSE are in their initial
 * state, as XSAVE has it: so they shall not be.
 */
static void put_in_use(const struct vm *vm)
{
	struct kvm_xsave *x = calloc(1, sizeof(*x));

	if (!differs(DEV_fpu_fresh)) {
		CHECK_OK(ioctl(vm->vcpu, KVM_GET_XSAVE, x));
		*xfeatures(x) |= 3;
		x->region[6] = 0x1f80;
		CHECK_OK(ioctl(vm->vcpu, KVM_SET_XSAVE, x));
	}
	free(x);
}

TEST(fpu_round_trip, "KVM_SET_FPU, KVM_GET_FPU")
{
	struct vm vm = vm_create(0);
	int i;

	put_in_use(&vm);
	for (i = 0; i < 20; i++) {
		struct kvm_fpu f = random_fpu(), got;

		CHECK_OK(ioctl(vm.vcpu, KVM_SET_FPU, &f));
		memset(&got, 0, sizeof(got));
		CHECK_OK(ioctl(vm.vcpu, KVM_GET_FPU, &got));
		if (!differs(DEV_fpu_mxcsr))
			got.mxcsr = f.mxcsr;
		CHECK(!memcmp(&f, &got, sizeof(f)));
	}
}

TEST(fpu_power_up, "the FPU of a new vCPU is as after reset, or FNINIT")
{
	struct vm vm = vm_create(0);
	struct kvm_fpu f;
	unsigned int i, bits = 0;

	CHECK_OK(ioctl(vm.vcpu, KVM_GET_FPU, &f));
	CHECK_EQ(f.fcw, 0x37f);
	CHECK_EQ(f.fsw, 0);
	CHECK_EQ(f.mxcsr, differs(DEV_fpu_mxcsr) ? 0x1f80 : 0);
	for (i = 0; i < sizeof(f.xmm); i++)
		bits |= ((u8 *)f.xmm)[i];
	for (i = 0; i < sizeof(f.fpr); i++)
		bits |= ((u8 *)f.fpr)[i];
	CHECK_EQ(bits, 0);
}

TEST(fpu_guest, "the guest has the FPU state that was set, and its own is read")
{
	struct vm vm = vm_create(0);
	struct kvm_fpu f = random_fpu(), got;
	u8 *seen = vm.mem + DATA, *load = vm.mem + FREE;
	unsigned int i;

	put_in_use(&vm);
	START64(&vm, save_and_load);
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_FPU, &f));
	run_step(&vm);
	CHECK_EQ(*(u16 *)seen, f.fcw);
	CHECK_EQ(*(u16 *)(seen + 2), f.fsw);
	CHECK_EQ(seen[4], 0xff);
	CHECK_EQ(*(u32 *)(seen + 24),
		 differs(DEV_fpu_mxcsr) ? f.mxcsr : 0x1f80);
	for (i = 0; i < 8; i++)
		CHECK(!memcmp(seen + 32 + 16 * i, f.fpr[i], 10));
	CHECK(!memcmp(seen + 160, f.xmm, 256));

	memcpy(load, seen, 512);
	for (i = 160; i < 416; i++)
		load[i] = random64();
	*(u16 *)load = 0x27f;
	*(u32 *)(load + 24) = 0x1f81;
	run_done(&vm);
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_FPU, &got));
	CHECK_EQ(got.fcw, 0x27f);
	CHECK_EQ(got.mxcsr, differs(DEV_fpu_mxcsr) ? 0x1f81 : 0);
	CHECK(!memcmp(got.xmm, load + 160, 256));
	CHECK(!memcmp(got.fpr, seen + 32, 128));
}

GUEST(64, fill_and_clear, "pcmpeqd %xmm0, %xmm0\n" STEP "pxor %xmm0, %xmm0\n" STEP);

TEST(fpu_cleared, "registers that are zero again read as zero")
{
	struct vm vm = vm_create(0);
	struct kvm_fpu f;

	START64(&vm, fill_and_clear);
	run_step(&vm);
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_FPU, &f));
	CHECK_EQ(*(u64 *)f.xmm[0], ~0ull);
	run_step(&vm);
	if (!differs(DEV_fpu_cleared))
		return;
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_FPU, &f));
	CHECK_EQ(*(u64 *)f.xmm[0], 0);
	CHECK_EQ(f.fcw, 0x37f);
}

TEST(fpu_bad_mxcsr, "reserved bits of MXCSR do no harm")
{
	struct vm vm = vm_create(0);
	struct kvm_fpu f = random_fpu();

	START64(&vm, save_and_load);
	f.mxcsr = 0xffffffff;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_FPU, &f));
	run_step(&vm);
	CHECK_EQ(*(u32 *)(vm.mem + DATA + 24) & 0xffff0000, 0);
}

/* ------------------------------------------------------------------------
 * XSAVE.  The area's layout is the processor's standard form.
 */

#define XCR0_AVX	4

static u64 host_xcr0(void)
{
	u32 a, b, c, d;

	__cpuid(1, a, b, c, d);
	if (!(c & BIT(27)))
		return 0;
	asm volatile("xgetbv" : "=a" (a), "=d" (d) : "c" (0));
	return a | (u64)d << 32;
}

TEST(fpu_xsave_round_trip, "KVM_GET_XSAVE, KVM_SET_XSAVE")
{
	struct vm vm = vm_create(0);
	struct kvm_xsave *x = calloc(1, sizeof(*x)), *got = calloc(1, sizeof(*x));
	struct kvm_fpu f = random_fpu();
	int i;

	put_in_use(&vm);
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_FPU, &f));
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_XSAVE, x));
	CHECK(!memcmp(&x->region[160 / 4], f.xmm, 256));
	for (i = 0; i < 64; i++)
		x->region[160 / 4 + i] = random64();
	*xfeatures(x) |= 3;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_XSAVE, x));
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_XSAVE, got));
	CHECK(!memcmp(&x->region[0], &got->region[0], 416));
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_FPU, &f));
	CHECK(!memcmp(&x->region[160 / 4], f.xmm, 256));
	/* Not in use: in its initial state, whatever the area says. */
	START64(&vm, save_and_load);
	*xfeatures(x) = 0;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_XSAVE, x));
	run_step(&vm);
	for (i = 160; i < 416; i++)
		if (!CHECK_EQ(vm.mem[DATA + i], 0))
			break;
}

TEST(fpu_xsave_bad, "KVM_SET_XSAVE: headers and MXCSR that cannot be: EINVAL")
{
	struct vm vm = vm_create(0);
	struct kvm_xsave *x = calloc(1, sizeof(*x));
	struct snapshot *before;
	int i;

	CHECK_OK(ioctl(vm.vcpu, KVM_GET_XSAVE, x));
	if (!host_xcr0())
		skip("no XSAVE here");
	before = take_snapshot(&vm);
	*xfeatures(x) |= BIT(62);
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_XSAVE, x), EINVAL);
	*xfeatures(x) &= ~BIT(62);
	for (i = 1; i < 8; i++) {
		xfeatures(x)[i] = 1;	/* XCOMP_BV and the reserved rest */
		CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_XSAVE, x), EINVAL);
		xfeatures(x)[i] = 0;
	}
	*xfeatures(x) |= 2;
	x->region[24 / 4] = 0xffffffff;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_XSAVE, x), EINVAL);
	CHECK_UNCHANGED(&vm, before, "a bad XSAVE area");
}

/* Upper halves of YMM: stored by the guest with XSAVE. */
GUEST(64, ymm, "vmovdqu %ymm0, 0xa000\n vmovdqu %ymm15, 0xa020\n" STEP
	"vmovdqu 0xa040, %ymm3\n" DONE);

TEST(fpu_ymm, "YMM registers, both ways")
{
	struct vm vm = vm_create(0);
	struct kvm_xsave *x = calloc(1, sizeof(*x));
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs[0].value = 7 };
	u32 offset, size, c, d;
	struct kvm_sregs s;
	u8 *upper;
	int i;

	if ((host_xcr0() & 7) != 7)
		skip("no AVX here");
	__cpuid_count(0xd, 2, size, offset, c, d);
	upper = (u8 *)x->region + offset;
	START64(&vm, ymm);
	s = get_sregs(&vm);
	s.cr4 |= CR4_OSXSAVE;
	set_sregs(&vm, &s);
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_XCRS, &xcrs));
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_XSAVE, x));
	for (i = 0; i < 256; i++) {
		((u8 *)x->region)[160 + i] = i + 1;
		upper[i] = ~i;
	}
	*xfeatures(x) |= 7;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_XSAVE, x));
	run_step(&vm);
	for (i = 0; i < 16; i++) {
		CHECK_EQ(vm.mem[DATA + i], i + 1);
		CHECK_EQ(vm.mem[DATA + 16 + i], (u8)~i);
		CHECK_EQ(vm.mem[DATA + 32 + i], (u8)(240 + i + 1));
		CHECK_EQ(vm.mem[DATA + 48 + i], (u8)~(240 + i));
		vm.mem[DATA + 0x40 + i] = 0x11 + i;
		vm.mem[DATA + 0x50 + i] = 0x91 + i;
	}
	run_done(&vm);
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_XSAVE, x));
	/* x87 is as FNINIT leaves it, so the processor may call it unused. */
	CHECK_EQ(*xfeatures(x) & 6, 6);
	for (i = 0; i < 16; i++) {
		CHECK_EQ(((u8 *)x->region)[160 + 48 + i], 0x11 + i);
		CHECK_EQ(upper[48 + i], 0x91 + i);
	}
}

/* ------------------------------------------------------------------------
 * XCR0
 */

TEST(fpu_xcrs, "KVM_GET_XCRS, KVM_SET_XCRS: good and bad")
{
	struct vm vm = vm_create(0);
	struct kvm_xcrs x, bad;
	unsigned int i;
	/* x87 off, AVX without SSE, what nobody has, half of AVX-512 */
	static const u64 values[] = { 0, 2, 5, 1 | BIT(62), 1 | BIT(63),
				      7 | BIT(5), 7 | BIT(6) };

	if (!host_xcr0())
		skip("no XSAVE here");
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_XCRS, &x));
	CHECK_EQ(x.nr_xcrs, 1);
	CHECK_EQ(x.xcrs[0].xcr, 0);
	CHECK_EQ(x.xcrs[0].value, 1);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		bad = x;
		bad.xcrs[0].value = values[i];
		CHECK_MSG(ioctl(vm.vcpu, KVM_SET_XCRS, &bad) == -1 &&
			  errno == EINVAL, "XCR0 %#llx is taken",
			  (long long)values[i]);
	}
	bad = x;
	bad.flags = 1;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_XCRS, &bad), EINVAL);
	bad = x;
	bad.nr_xcrs = KVM_MAX_XCRS + 1;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_XCRS, &bad), EINVAL);
	bad.nr_xcrs = ~0u;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_XCRS, &bad), EINVAL);
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_XCRS, &bad));
	CHECK_EQ(bad.xcrs[0].value, 1);

	x.xcrs[0].value = 3;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_XCRS, &x));
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_XCRS, &x));
	CHECK_EQ(x.xcrs[0].value, 3);
	/* None, or only others: no change. */
	x.nr_xcrs = 0;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_XCRS, &x));
	x.nr_xcrs = 1;
	x.xcrs[0].xcr = 1;
	x.xcrs[0].value = 1;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_XCRS, &x));
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_XCRS, &x));
	CHECK_EQ(x.xcrs[0].value, 3);
}

GUEST(64, xgetbv, "xor %ecx, %ecx\n xgetbv\n mov %eax, 0xa000\n mov %edx, 0xa004\n"
	DONE);

TEST(fpu_xcr0_guest, "the guest's XCR0 is the one that was set, the host's its own")
{
	struct vm vm = vm_create(0);
	struct kvm_xcrs x = { .nr_xcrs = 1 };
	u64 mine = host_xcr0(), try;
	struct kvm_sregs s;

	if (!mine)
		skip("no XSAVE here");
	for (try = 1; try <= 7; try += 2) {
		if (try == 5 || (try & ~mine))
			continue;
		START64(&vm, xgetbv);
		s = get_sregs(&vm);
		s.cr4 |= CR4_OSXSAVE;
		set_sregs(&vm, &s);
		x.xcrs[0].value = try;
		CHECK_OK(ioctl(vm.vcpu, KVM_SET_XCRS, &x));
		run_done(&vm);
		CHECK_EQ(data(&vm)[0], try);
		CHECK_EQ(host_xcr0(), mine);
	}
}

GUEST(64, xsetbv, "xor %ecx, %ecx\n xor %edx, %edx\n mov $1, %eax\n xsetbv\n" DONE);

TEST(fpu_xsetbv_user, "XSETBV is not for the guest's users")
{
	struct vm vm = vm_create(0);
	u64 *tables = (u64 *)(vm.mem + PAGE_TABLES), *gdt = (u64 *)(vm.mem + GDT);
	struct kvm_xcrs x = { .nr_xcrs = 1, .xcrs[0].value = 3 };
	struct kvm_sregs s;
	struct kvm_regs r;

	if (!host_xcr0())
		skip("no XSAVE here");
	START64(&vm, xsetbv);
	tables[0] |= 4;
	tables[512] |= 4;
	tables[1024] |= 4;
	gdt[6] = 0x00affb000000ffffull;
	gdt[7] = 0x00cff3000000ffffull;
	*(u64 *)(vm.mem + TSS + 4) = STACK;
	s = get_sregs(&vm);
	s.gdt.limit = 63;
	s.cs.selector = 0x33;
	s.ss.selector = 0x3b;
	s.cs.dpl = s.ss.dpl = 3;
	s.cr4 |= CR4_OSXSAVE;
	set_sregs(&vm, &s);
	r = get_regs(&vm);
	r.rflags |= 0x3000;		/* OUT is */
	r.rsp = STACK - PAGE;
	set_regs(&vm, &r);
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_XCRS, &x));
	ctl(&vm)->skip = 3;
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->exceptions, 1);
	CHECK_EQ(ctl(&vm)->vector, 13);
	CHECK_EQ(ctl(&vm)->error, 0);
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_XCRS, &x));
	CHECK_EQ(x.xcrs[0].value, 3);
}

/* ------------------------------------------------------------------------
 * Debug registers
 */

TEST(fpu_debugregs, "KVM_GET/SET_DEBUGREGS: good, and bits that cannot be")
{
	struct vm vm = vm_create(0);
	struct kvm_debugregs d, bad;
	struct snapshot *before;

	CHECK_OK(ioctl(vm.vcpu, KVM_GET_DEBUGREGS, &d));
	CHECK_EQ(d.db[0] | d.db[1] | d.db[2] | d.db[3], 0);
	CHECK_EQ(d.dr6, 0xffff0ff0);
	CHECK_EQ(d.dr7, 0x400);
	d.db[0] = 0x1000;
	d.db[1] = 0xffff800000001000;
	d.db[2] = 0x2000;
	d.db[3] = 0x3000;
	d.dr6 = 0xffff4ff1;
	d.dr7 = 0x701;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_DEBUGREGS, &d));
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_DEBUGREGS, &bad));
	CHECK(!memcmp(&d, &bad, sizeof(d)));

	before = take_snapshot(&vm);
	bad = d;
	bad.flags = 1;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_DEBUGREGS, &bad), EINVAL);
	bad = d;
	bad.dr6 |= BIT(32);
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_DEBUGREGS, &bad), EINVAL);
	bad = d;
	bad.dr7 |= BIT(63);
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_DEBUGREGS, &bad), EINVAL);
	CHECK_UNCHANGED(&vm, before, "bad debug registers");
}

GUEST(64, debug_registers,
	"mov %dr0, %rax\n mov %rax, 0xa000\n mov %dr1, %rax\n mov %rax, 0xa008\n"
	"mov %dr2, %rax\n mov %rax, 0xa010\n mov %dr3, %rax\n mov %rax, 0xa018\n"
	"mov %dr6, %rax\n mov %rax, 0xa020\n mov %dr7, %rax\n mov %rax, 0xa028\n"
	STEP
	"mov $0x5000, %eax\n mov %rax, %dr0\n mov $0x8000000000005008, %rax\n"
	"mov %rax, %dr3\n mov $0xffff0ff2, %eax\n mov %rax, %dr6\n"
	"mov $0x500, %eax\n mov %rax, %dr7\n" DONE);

TEST(fpu_debugregs_guest, "the guest has the debug registers that were set")
{
	struct vm vm = vm_create(0);
	struct kvm_debugregs d = {
		.db = { 0x111000, 0x222000, 0x333000, 0xffff800000444000 },
		.dr6 = 0xffff0ff1, .dr7 = 0x400,
	};
	int i;

	START64(&vm, debug_registers);
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_DEBUGREGS, &d));
	run_step(&vm);
	for (i = 0; i < 4; i++)
		CHECK_EQ(data(&vm)[i], d.db[i]);
	CHECK_EQ(data(&vm)[4], d.dr6);
	CHECK_EQ(data(&vm)[5], d.dr7);
	run_done(&vm);
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_DEBUGREGS, &d));
	CHECK_EQ(d.db[0], 0x5000);
	CHECK_EQ(d.db[1], 0x222000);
	CHECK_EQ(d.db[3], 0x8000000000005008);
	CHECK_EQ(d.dr6, 0xffff0ff2);
	CHECK_EQ(d.dr7, 0x500);
}

#define L0_WRITE_4	(0x400 | 1 | 0xdull << 16)

GUEST(64, watched, "movq $1, 0xa100\n nop\n nop\n nop\n" DONE);

TEST(fpu_breakpoints, "breakpoints that are set by ioctl strike in the guest")
{
	struct vm vm = vm_create(0);
	struct kvm_debugregs d = {
		.db = { DATA + 0x100 }, .dr6 = 0xffff0ff0, .dr7 = L0_WRITE_4,
	};

	if (qemu && !intel)
		skip("QEMU's VMRUN does not arm breakpoints");
	START64(&vm, watched);
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_DEBUGREGS, &d));
	run_to_out(&vm, PORT_EXC);
	CHECK_EQ(ctl(&vm)->vector, 1);
	CHECK_EQ(ctl(&vm)->rip, CODE + 12);
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_DEBUGREGS, &d));
	CHECK_EQ(d.dr6 & 0xf, 1);
}

GUEST(64, watches_itself,
	"mov $0xa100, %eax\n mov %rax, %dr0\n mov $0xd0401, %eax\n"
	"mov %rax, %dr7\n movq $1, 0x8000\n"
	"movq $1, 0xa100\n nop\n" DONE);

TEST(fpu_own_breakpoints, "breakpoints that the guest sets strike")
{
	struct vm vm = vm_create(0);
	struct kvm_debugregs d;

	if (qemu && !intel)
		skip("QEMU crashes when a guest of its guest does this");
	START64(&vm, watches_itself);
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->exceptions, 1);
	CHECK_EQ(ctl(&vm)->vector, 1);
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_DEBUGREGS, &d));
	CHECK_EQ(d.db[0], DATA + 0x100);
	CHECK_EQ(d.dr6 & 0xf, 1);
	CHECK_EQ(d.dr7, L0_WRITE_4);
}

/* ------------------------------------------------------------------------
 * Canaries: the host's registers across KVM_RUN, the guest's across entries
 */

/* Every vector register full of 0xcc, x87 and MXCSR changed. */
GUEST(64, dirty_all,
	"pcmpeqd %xmm0, %xmm0\n movdqa %xmm0, %xmm1\n movdqa %xmm0, %xmm2\n"
	"movdqa %xmm0, %xmm3\n movdqa %xmm0, %xmm4\n movdqa %xmm0, %xmm5\n"
	"movdqa %xmm0, %xmm6\n movdqa %xmm0, %xmm7\n movdqa %xmm0, %xmm8\n"
	"movdqa %xmm0, %xmm9\n movdqa %xmm0, %xmm10\n movdqa %xmm0, %xmm11\n"
	"movdqa %xmm0, %xmm12\n movdqa %xmm0, %xmm13\n movdqa %xmm0, %xmm14\n"
	"movdqa %xmm0, %xmm15\n fninit\n fldpi\n fldpi\n fld1\n"
	"movl $0x3f80, 0xa000\n ldmxcsr 0xa000\n"
	"mov $0x123000, %eax\n mov %rax, %dr0\n mov %rax, %dr1\n mov %rax, %dr2\n"
	"mov %rax, %dr3\n mov $0xc0000101, %ecx\n mov $0x777000, %eax\n"
	"xor %edx, %edx\n wrmsr\n mov $0xc0000100, %ecx\n wrmsr\n"
	"mov $0xc0000102, %ecx\n wrmsr\n" DONE "jmp dirty_all\n");

/*
 * KVM_RUN with all of the host's registers in a known state; what they are
 * afterwards is stored before any of our own code runs.
 */
struct canary {
	u8 before[512] __attribute__((aligned(64)));
	u8 after[512] __attribute__((aligned(64)));
	u64 regs[6];
	long ret;
};

static void run_with_canaries(int vcpu, struct canary *c)
{
	u8 saved[512] __attribute__((aligned(64)));
	register u64 r12 asm("r12") = 0x1212121212121212;
	register u64 r13 asm("r13") = 0x1313131313131313;
	register u64 r14 asm("r14") = 0x1414141414141414;
	register u64 r15 asm("r15") = 0x1515151515151515;
	register u64 r8 asm("r8") = 0x0808080808080808;
	register u64 r9 asm("r9") = 0x0909090909090909;
	long ret = SYS_ioctl;

	asm volatile("fxsave %0" : "=m" (saved));
	asm volatile("fxrstor %1\n"
		     "syscall\n"
		     "fxsave %2\n"
		     : "+a" (ret), "+m" (c->before), "=m" (c->after),
		       "+r" (r12), "+r" (r13), "+r" (r14), "+r" (r15),
		       "+r" (r8), "+r" (r9)
		     : "D" ((long)vcpu), "S" ((long)KVM_RUN), "d" (0L)
		     : "rcx", "r11", "memory");
	asm volatile("fxrstor %0" : : "m" (saved));
	c->regs[0] = r12;
	c->regs[1] = r13;
	c->regs[2] = r14;
	c->regs[3] = r15;
	c->regs[4] = r8;
	c->regs[5] = r9;
	c->ret = ret;
}

TEST(fpu_host_canaries, "the host's registers are the same after KVM_RUN")
{
	struct vm vm = vm_create(0);
	struct canary *c = memory(sizeof(*c));
	u64 fs, gs, fs_after, gs_after;
	int i, round;

	START64(&vm, dirty_all);
	asm volatile("fxsave %0" : "=m" (c->before));
	for (i = 160; i < 416; i++)
		c->before[i] = i * 7;
	for (i = 32; i < 160; i++)
		c->before[i] = (i & 15) < 10 ? i * 3 : 0;
	*(u16 *)c->before = 0x27f;
	*(u16 *)(c->before + 2) = 0x1800;
	c->before[4] = 0xff;
	*(u32 *)(c->before + 24) = 0x5f80;	/* round up, all masked */
	for (round = 0; round < 20; round++) {
		syscall(SYS_arch_prctl, ARCH_GET_FS, &fs);
		syscall(SYS_arch_prctl, ARCH_SET_GS, 0x12345000ul + round);
		gs = 0x12345000ul + round;
		run_with_canaries(vm.vcpu, c);
		CHECK_EQ(c->ret, 0);
		CHECK_EQ(vm.run->exit_reason, KVM_EXIT_IO);
		CHECK_EQ(c->regs[0], 0x1212121212121212);
		CHECK_EQ(c->regs[1], 0x1313131313131313);
		CHECK_EQ(c->regs[2], 0x1414141414141414);
		CHECK_EQ(c->regs[3], 0x1515151515151515);
		CHECK_EQ(c->regs[4], 0x0808080808080808);
		CHECK_EQ(c->regs[5], 0x0909090909090909);
		CHECK(!memcmp(c->before, c->after, 8));
		CHECK(!memcmp(c->before + 24, c->after + 24, 8));
		CHECK(!memcmp(c->before + 32, c->after + 32, 384));
		syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_after);
		syscall(SYS_arch_prctl, ARCH_GET_GS, &gs_after);
		CHECK_EQ(fs_after, fs);
		CHECK_EQ(gs_after, gs);
	}
}

TEST(fpu_guest_keeps, "the guest's registers are the same after the host used its own")
{
	struct vm vm = vm_create(0), other = vm_create(0);
	struct kvm_fpu f = random_fpu(), g = random_fpu();
	int i;

	put_in_use(&vm);
	put_in_use(&other);
	for (i = 0; i < 10; i++) {
		START64(&vm, save_and_load);
		START64(&other, save_and_load);
		CHECK_OK(ioctl(vm.vcpu, KVM_SET_FPU, &f));
		CHECK_OK(ioctl(other.vcpu, KVM_SET_FPU, &g));
		run_step(&vm);
		CHECK(!memcmp(vm.mem + DATA + 160, f.xmm, 256));
		run_step(&other);
		CHECK(!memcmp(other.mem + DATA + 160, g.xmm, 256));
		CHECK_OK(ioctl(vm.vcpu, KVM_GET_FPU, &f));
		CHECK(!memcmp(vm.mem + DATA + 160, f.xmm, 256));
	}
}

static volatile u64 watched_by_host;

/* The child has a watchpoint of its own, set by the parent. */
static void watched_child(void)
{
	struct vm vm = vm_create(0);
	int i;

	START64(&vm, dirty_all);
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	for (i = 0; i < 3; i++) {
		run(&vm);
		watched_by_host++;
	}
	_exit(vm.run->exit_reason == KVM_EXIT_IO ? 0 : 1);
}

static long poke_debug(pid_t pid, int nr, u64 value)
{
	return ptrace(PTRACE_POKEUSER, pid,
		      offsetof(struct user, u_debugreg) + nr * 8, value);
}

TEST(fpu_host_debugregs, "a debugger's watchpoint in the process survives the guest's")
{
	int status, hits = 0;
	pid_t pid = fork();

	if (!pid)
		watched_child();
	waitpid(pid, &status, 0);
	REQUIRE(WIFSTOPPED(status));
	CHECK_OK(poke_debug(pid, 0, (u64)&watched_by_host));
	/* L0, write, 8 bytes */
	CHECK_OK(poke_debug(pid, 7, 1 | 9ull << 16));
	for (;;) {
		ptrace(PTRACE_CONT, pid, 0, 0);
		waitpid(pid, &status, 0);
		if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
			break;
		hits++;
	}
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK_EQ(hits, 3);
}
