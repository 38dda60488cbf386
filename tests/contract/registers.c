// SPDX-License-Identifier: GPL-2.0
/*
 * registers.c - statements 10 and 11: a guest finds nothing of the host's in
 * its registers, and the host finds its own as they were.
 */
#include <cpuid.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <setjmp.h>
#include <sys/io.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <asm/ldt.h>
#include <asm/prctl.h>
#include "contract.h"

/* ------------------------------------------------------------------------
 * 10: all that the guest can read, after each kind of exit
 */

#define CANARY		0xca7a12ca7a12ca7aull	/* and its neighbours: the host's */
#define DUMPS		0x100000	/* a page each */
#define NR_DUMPS	6

#define DUMP_MSR(index, at) \
	"mov $" #index ", %ecx\n rdmsr\n mov %eax, " #at "(%rbp)\n" \
	"mov %edx, " #at "+4(%rbp)\n"
#define DUMP_DR(n, at)	"mov %dr" #n ", %rax\n mov %rax, " #at "(%rbp)\n"

/*
 * The general registers first, to a place without a register; RAX, RCX, RDX
 * and RBP are restored from it.
 */
#define DUMP								\
	"mov %rax, 0xb000\n mov %rcx, 0xb008\n mov %rdx, 0xb010\n"	\
	"mov %rbx, 0xb018\n mov %rsp, 0xb020\n mov %rbp, 0xb028\n"	\
	"mov %rsi, 0xb030\n mov %rdi, 0xb038\n mov %r8, 0xb040\n"	\
	"mov %r9, 0xb048\n mov %r10, 0xb050\n mov %r11, 0xb058\n"	\
	"mov %r12, 0xb060\n mov %r13, 0xb068\n mov %r14, 0xb070\n"	\
	"mov %r15, 0xb078\n call dump\n"				\
	"mov 0xb000, %rax\n mov 0xb008, %rcx\n mov 0xb010, %rdx\n"	\
	"mov 0xb028, %rbp\n"

GUEST(64, dump_all,
	"jmp 9f\n"
	"dump: mov 0xa000, %rbp\n addq $0x1000, 0xa000\n"
	".set i, 0\n .rept 16\n mov 0xb000+i, %rax\n mov %rax, i(%rbp)\n"
	".set i, i+8\n .endr\n"
	DUMP_DR(0, 0x80) DUMP_DR(1, 0x88) DUMP_DR(2, 0x90) DUMP_DR(3, 0x98)
	DUMP_MSR(0xc0000100, 0xa0) DUMP_MSR(0xc0000101, 0xa8)
	DUMP_MSR(0xc0000102, 0xb0) DUMP_MSR(0xc0000081, 0xb8)
	DUMP_MSR(0xc0000082, 0xc0) DUMP_MSR(0xc0000084, 0xc8)
	DUMP_MSR(0x174, 0xd0) DUMP_MSR(0x175, 0xd8) DUMP_MSR(0x176, 0xe0)
	DUMP_MSR(0x277, 0xe8)
	"mov %cr2, %rax\n mov %rax, 0xf0(%rbp)\n"
	"fxsave 0x200(%rbp)\n ret\n"
	"9:" DUMP				/* the first entry */
	STEP DUMP				/* user space */
	"mov %rbx, 0xb100\n cpuid\n mov 0xb000, %rax\n mov 0xb008, %rcx\n"
	"mov 0xb010, %rdx\n mov 0xb100, %rbx\n" DUMP
	"mov $0x277, %ecx\n rdmsr\n mov 0xb000, %rax\n mov 0xb008, %rcx\n"
	"mov 0xb010, %rdx\n" DUMP
	"incq 0x300000\n" DUMP			/* a shadow page fault */
	"mov %rax, 0xfee00080\n" DUMP		/* emulated */
	DONE);

GUEST(64, use_fpu, "fldpi\n pcmpeqd %xmm0, %xmm0\n" DONE);

static const struct {
	u32 msr, at;
	u64 value;
} msrs[] = {
	{ 0xc0000100, 0xa0, 0x11111111000 }, { 0xc0000101, 0xa8, 0x22222222000 },
	{ 0xc0000102, 0xb0, 0xffff800033333000 }, { 0xc0000081, 0xb8, 0x4444444444444444 },
	{ 0xc0000082, 0xc0, 0xffff800055555000 }, { 0xc0000084, 0xc8, 0x66666666 },
	{ 0x174, 0xd0, 0x77 }, { 0x175, 0xd8, 0x88888888 }, { 0x176, 0xe0, 0x9999999 },
	{ 0x277, 0xe8, 0x0606060606060606 },
};

/* KVM_RUN with the host's own registers full of canaries. */
static long run_full(int vcpu)
{
	static u64 full[2] __attribute__((aligned(16))) = { CANARY, CANARY };
	register u64 r8 asm("r8") = CANARY;
	register u64 r9 asm("r9") = CANARY;
	register u64 r10 asm("r10") = CANARY;
	register u64 r12 asm("r12") = CANARY;
	register u64 r13 asm("r13") = CANARY;
	register u64 r14 asm("r14") = CANARY;
	register u64 r15 asm("r15") = CANARY;
	long ret = SYS_ioctl;

#define FILL(n)	"movaps %[full], %%xmm" #n "\n"
	asm volatile("fninit\n fldl %[full]\n"
		     FILL(0) FILL(1) FILL(2) FILL(3) FILL(4) FILL(5) FILL(6) FILL(7)
		     FILL(8) FILL(9) FILL(10) FILL(11) FILL(12) FILL(13) FILL(14) FILL(15)
		     "syscall\n fninit\n"
		     : "+a" (ret), "+r" (r8), "+r" (r9), "+r" (r10), "+r" (r12),
		       "+r" (r13), "+r" (r14), "+r" (r15)
		     : "D" ((long)vcpu), "S" ((long)KVM_RUN), "d" (0L), [full] "m" (full)
		     : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3",
		       "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
		       "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	return ret;
}

/* A breakpoint of the host's own, so that its debug registers are in use. */
static int host_breakpoint(void *address)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT, .size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W, .bp_addr = (u64)address,
		.bp_len = HW_BREAKPOINT_LEN_8, .sample_period = 1,
		.exclude_kernel = 1, .exclude_hv = 1,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static void check_dump(const struct vm *vm, unsigned int n,
		       const struct kvm_regs *r, const struct kvm_fpu *f)
{
	const u64 *d = (const u64 *)(vm->mem + DUMPS + n * PAGE);
	const u64 gprs[] = {
		r->rax, r->rcx, r->rdx, r->rbx, STACK, r->rbp, r->rsi, r->rdi,
		r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15,
	};
	unsigned int i;

	for (i = 0; i < 16; i++)
		CHECK_MSG(d[i] == gprs[i], "dump %u: register %u is %#llx", n, i,
			  (long long)d[i]);
	for (i = 0; i < 4; i++)
		CHECK_MSG(d[16 + i] == DATA + i * 8, "dump %u: DR%u is %#llx",
			  n, i, (long long)d[16 + i]);
	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		CHECK_MSG(d[msrs[i].at / 8] == msrs[i].value,
			  "dump %u: MSR %#x is %#llx", n, msrs[i].msr,
			  (long long)d[msrs[i].at / 8]);
	CHECK_EQ(d[0xf0 / 8], 0);		/* CR2 */
	CHECK_MSG(!memcmp((u8 *)d + 0x200 + 160, f->xmm, 256),
		  "dump %u: vector registers", n);
	CHECK_MSG(!memcmp((u8 *)d + 0x200 + 32, f->fpr, 128),
		  "dump %u: x87 registers", n);
	for (i = 0; i < PAGE / 8; i++)
		CHECK_MSG(d[i] != CANARY, "dump %u: the host's value at %#x", n,
			  i * 8);
}

TEST(s10_canaries, "a guest's registers hold what was set, after each kind of exit")
{
	struct kvm_debugregs dr = { .db = { DATA, DATA + 8, DATA + 16, DATA + 24 },
				    .dr6 = 0xffff0ff0, .dr7 = 0x400 };
	struct vm vm = vm_create(VM_IRQCHIP);
	static u64 watched;
	struct kvm_regs r;
	struct kvm_fpu f;
	unsigned int i;
	int bp;

	/* Linux's module sets no FPU that the guest has not used: fpu_fresh. */
	START64(&vm, use_fpu);
	run_done(&vm);
	START64(&vm, dump_all);
	data(&vm)[0] = DUMPS;
	r = get_regs(&vm);
	for (i = 0; i < 16; i++)
		if (&(&r.rax)[i] != &r.rsp)
			(&r.rax)[i] = random64() | 1;
	set_regs(&vm, &r);
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_FPU, &f));
	f.fcw = 0x37f;
	f.ftwx = 0xff;
	f.mxcsr = 0x1f80;
	for (i = 0; i < sizeof(f.xmm); i++)
		((u8 *)f.xmm)[i] = random64();
	for (i = 0; i < sizeof(f.fpr); i++)
		((u8 *)f.fpr)[i] = i % 16 < 10 ? random64() : 0;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_FPU, &f));
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_DEBUGREGS, &dr));
	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		CHECK_EQ(set_msr(vm.vcpu, msrs[i].msr, msrs[i].value), 1);
	bp = host_breakpoint(&watched);
	syscall(SYS_arch_prctl, ARCH_SET_GS, CANARY >> 17 << 3);

	CHECK_EQ(run_full(vm.vcpu), 0);
	CHECK_EQ(vm.run->exit_reason, KVM_EXIT_IO);
	CHECK_EQ(vm.run->io.port, PORT_STEP);
	CHECK_EQ(run_full(vm.vcpu), 0);
	CHECK_EQ(vm.run->exit_reason, KVM_EXIT_IO);
	CHECK_EQ(vm.run->io.port, PORT_DONE);
	for (i = 0; i < NR_DUMPS; i++)
		check_dump(&vm, i, &r, &f);
	if (bp >= 0)
		close(bp);
}

/* ------------------------------------------------------------------------
 * 11: what a process can see of the host's registers
 */

/* All that an exit could leave behind, other than the host has it. */
GUEST(64, upset,
	"lgdt 1f(%rip)\n lidt 2f(%rip)\n"
	"mov $16, %eax\n mov %eax, %ds\n mov %eax, %es\n mov %eax, %fs\n"
	"mov %eax, %gs\n xor %eax, %eax\n lldt %ax\n"
	"mov %cr4, %rax\n or $4, %rax\n mov %rax, %cr4\n"	/* TSD */
	"mov $0x123000, %eax\n mov %rax, %dr0\n mov %rax, %dr1\n"
	"mov %rax, %dr2\n mov %rax, %dr3\n mov $0x455, %eax\n mov %rax, %dr7\n"
	"mov $0x1234, %eax\n xor %edx, %edx\n mov $0xc0000103, %ecx\n wrmsr\n"
	"mov $0xc0000100, %ecx\n wrmsr\n mov $0xc0000101, %ecx\n wrmsr\n"
	"mov $0xc0000102, %ecx\n wrmsr\n mov $0xc0000082, %ecx\n wrmsr\n"
	"mov $0xc0000084, %ecx\n mov $0xffffffff, %eax\n wrmsr\n"
	"mov $0xc0000081, %ecx\n mov $-1, %edx\n wrmsr\n"
	"mov $0x174, %ecx\n xor %edx, %edx\n xor %eax, %eax\n wrmsr\n"
	"mov $0x176, %ecx\n wrmsr\n mov $0x175, %ecx\n wrmsr\n"
	"3:" STEP "jmp 3b\n"
	"1: .word 47\n .quad 0x16000\n 2: .word 0xfff\n .quad 0x17000\n");

struct table {
	u16 limit;
	u64 base;
} __attribute__((packed));

struct visible {
	struct table gdt, idt;
	u16 ldt, tr, ds, es, fs, gs;
	u64 fs_base, gs_base, by_gs, cr0;
	u32 tsc_aux_cpu, pkru;
};

static void look(struct visible *v)
{
	unsigned int a, b, c, d;

	memset(v, 0, sizeof(*v));
	asm volatile("sgdt %0" : "=m" (v->gdt));
	asm volatile("sidt %0" : "=m" (v->idt));
	asm volatile("sldt %0" : "=m" (v->ldt));
	asm volatile("str %0" : "=m" (v->tr));
	asm volatile("smsw %0" : "=r" (v->cr0));
	asm volatile("mov %%ds, %0" : "=m" (v->ds));
	asm volatile("mov %%es, %0" : "=m" (v->es));
	asm volatile("mov %%fs, %0" : "=m" (v->fs));
	asm volatile("mov %%gs, %0" : "=m" (v->gs));
	syscall(SYS_arch_prctl, ARCH_GET_FS, &v->fs_base);
	syscall(SYS_arch_prctl, ARCH_GET_GS, &v->gs_base);
	if (v->gs)
		asm volatile("mov %%gs:0, %0" : "=r" (v->by_gs));
	__cpuid_count(7, 0, a, b, c, d);
	if (c & BIT(4))
		asm volatile("xor %%ecx, %%ecx\n rdpkru" : "=a" (v->pkru) : : "ecx", "edx");
	/* The task switched flag comes and goes. */
	v->cr0 &= ~8ull;
	/* VT-x leaves all of 64 KiB; no vector leads beyond the 4 KiB that are. */
	if (intel)
		v->idt.limit = 0xffff;
}

/* A data segment in the LDT, of which GS may be. */
static u16 ldt_selector(void *base)
{
	struct user_desc d = {
		.entry_number = 3, .base_addr = (unsigned long)base, .limit = 0xfffff,
		.seg_32bit = 1, .limit_in_pages = 1, .useable = 1,
	};

	if (syscall(SYS_modify_ldt, 1, &d, sizeof(d)))
		return 0;
	return 3 << 3 | 7;
}

static void check_visible(const struct visible *before, const char *what)
{
	struct visible after;

	look(&after);
	CHECK_MSG(!memcmp(before, &after, sizeof(after)),
		  "%s: gdt %llx/%x idt %llx/%x ldt %x tr %x ds %x es %x fs %x gs %x, bases %llx %llx, before: gdt %llx/%x ldt %x tr %x bases %llx %llx",
		  what, (long long)after.gdt.base, after.gdt.limit,
		  (long long)after.idt.base, after.idt.limit, after.ldt, after.tr,
		  after.ds, after.es, after.fs, after.gs,
		  (long long)after.fs_base, (long long)after.gs_base,
		  (long long)before->gdt.base, before->gdt.limit, before->ldt,
		  before->tr, (long long)before->fs_base,
		  (long long)before->gs_base);
}

TEST(s11_segments, "descriptor tables, selectors and segment bases across exits")
{
	u64 *low = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct vm vm = vm_create(0);
	struct visible before;
	u16 sel, data_sel = 0x2b;
	int i;

	START64(&vm, upset);
	look(&before);
	for (i = 0; i < 5; i++) {
		run_step(&vm);
		check_visible(&before, "as the kernel made them");
	}
	syscall(SYS_arch_prctl, ARCH_SET_GS, 0x123456789000);
	look(&before);
	CHECK_EQ(before.gs_base, 0x123456789000);
	run_step(&vm);
	check_visible(&before, "a base in GS");
	asm volatile("mov %0, %%ds\n mov %0, %%es" : : "r" (data_sel));
	look(&before);
	run_step(&vm);
	check_visible(&before, "user data in DS and ES");
	REQUIRE(low != MAP_FAILED);
	low[0] = 0x1d71d71d7;
	sel = ldt_selector(low);
	if (!sel)
		skip("the host's kernel has no modify_ldt()");
	asm volatile("mov %0, %%gs" : : "r" (sel));
	asm volatile("mov %0, %%es" : : "r" (sel));
	look(&before);
	CHECK_EQ(before.by_gs, low[0]);
	CHECK(before.ldt || before.gdt.limit == 0);
	for (i = 0; i < 5; i++) {
		run_step(&vm);
		check_visible(&before, "of the LDT");
	}
	asm volatile("mov %0, %%gs\n mov %0, %%es" : : "r" (0));
}

static sigjmp_buf faulted;

static void on_fault(int sig)
{
	siglongjmp(faulted, sig);
}

static bool faults(void (*what)(void))
{
	if (sigsetjmp(faulted, 1))
		return true;
	what();
	return false;
}

/* With exits: in Bochs this loop alone, with IF clear, is not interrupted (stock neither). */
GUEST(64, until_told, "1: xor %eax, %eax\n cpuid\n cmpl $0, " STR(DATA) "\n je 1b\n" DONE);

static u16 late_selector;

static void use_late_ldt(void)
{
	asm volatile("mov %0, %%es\n mov %1, %%es" : : "r" (late_selector), "r" ((u16)0));
}

/* In the middle of its run, on another CPU if there is one. */
static void *make_late_ldt(void *arg)
{
	struct vm *vm = arg;

	usleep(20000);
	late_selector = ldt_selector(NULL);
	usleep(20000);
	*(volatile u32 *)(vm->mem + DATA) = 1;
	return NULL;
}

TEST(s11_late_ldt, "the process's first LDT, made by another thread during KVM_RUN")
{
	struct vm vm = vm_create(0);
	pthread_t thread;

	START64(&vm, until_told);
	REQUIRE(!pthread_create(&thread, NULL, make_late_ldt, &vm));
	signal(SIGSEGV, on_fault);
	run_done(&vm);
	/* At once: the next switch of processes would load it. */
	CHECK(!faults(use_late_ldt));
	pthread_join(thread, NULL);
	if (!late_selector)
		skip("the host's kernel has no modify_ldt()");
}

static void do_rdtsc(void)
{
	asm volatile("rdtsc" : : : "eax", "edx");
}

static void do_out80(void)
{
	outb(0, 0x80);
}

static void do_out81(void)
{
	outb(0, 0x81);
}

/* CVE-2014-3690: CR4 was that of the vCPU's first entry. */
TEST(s11_cr4, "CR4 is the thread's: RDTSC faults or not, as it was told to")
{
	struct vm vm = vm_create(0);
	int i;

	signal(SIGSEGV, on_fault);
	START64(&vm, upset);
	for (i = 0; i < 6; i++) {
		bool off = i & 1;

		run_step(&vm);
		CHECK_OK(prctl(PR_SET_TSC, off ? PR_TSC_SIGSEGV : PR_TSC_ENABLE));
		CHECK_EQ(faults(do_rdtsc), off);
		run_step(&vm);
		CHECK_EQ(faults(do_rdtsc), off);
	}
	CHECK_OK(prctl(PR_SET_TSC, PR_TSC_ENABLE));
}

TEST(s11_io_bitmap, "the TSS's I/O bitmap still counts: one port is allowed, its neighbour not")
{
	struct vm vm = vm_create(0);
	int i;

	signal(SIGSEGV, on_fault);
	START64(&vm, upset);
	run_step(&vm);
	if (ioperm(0x80, 1, 1))
		skip("the host's kernel has no ioperm()");
	for (i = 0; i < 4; i++) {
		CHECK(!faults(do_out80));
		CHECK(faults(do_out81));
		run_step(&vm);
	}
	CHECK_OK(ioperm(0x80, 1, 0));
	run_step(&vm);
	CHECK(faults(do_out80));
}

static volatile u64 host_watched;

static int fired(int bp)
{
	u64 n = 0;

	host_watched++;
	return read(bp, &n, sizeof(n)) == sizeof(n) ? (int)n : -1;
}

/* KVM_RUN, with all of one vector register before and after. */
static void run_ymm(int vcpu, const u64 *before, u64 *after)
{
	long ret = SYS_ioctl;

	asm volatile("vmovups (%4), %%ymm7\n syscall\n vmovups %%ymm7, (%5)\n"
		     "vzeroupper\n"
		     : "+a" (ret)
		     : "D" ((long)vcpu), "S" ((long)KVM_RUN), "d" (0L),
		       "r" (before), "r" (after)
		     : "rcx", "r11", "memory", "xmm7");
	CHECK_EQ(ret, 0);
}

TEST(s11_entries, "breakpoints, RDTSCP, SYSCALL, INT 80 and the vector state work as before")
{
	const u64 before[4] = { CANARY, ~CANARY, CANARY + 1, CANARY + 2 };
	u64 after[4];
	struct vm vm = vm_create(0);
	unsigned int a, b, c, d, aux, cpu;
	bool avx, rdtscp;
	int i, bp = host_breakpoint((void *)&host_watched);

	__cpuid(1, a, b, c, d);
	avx = (c & BIT(27)) && (c & BIT(28));
	__cpuid(0x80000001, a, b, c, d);
	rdtscp = d & BIT(27);
	START64(&vm, upset);
	for (i = 1; i <= 5; i++) {
		long pid = 20;		/* getpid of the 32-bit table */

		if (avx) {
			run_ymm(vm.vcpu, before, after);
			CHECK(!memcmp(before, after, sizeof(before)));
		} else {
			run_step(&vm);
		}
		if (bp >= 0)
			CHECK_EQ(fired(bp), i);
		if (rdtscp) {
			asm volatile("rdtscp" : "=c" (aux) : : "eax", "edx");
			CHECK_OK(getcpu(&cpu, NULL));
			CHECK(aux != 0x1234);
		}
		asm volatile("int $0x80" : "+a" (pid) : : "memory", "r8", "r9",
			     "r10", "r11");
		CHECK(pid == getpid() || pid == -ENOSYS);
		CHECK(syscall(SYS_getppid) > 0);
	}
}
