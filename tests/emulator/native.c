// SPDX-License-Identifier: GPL-2.0
/*
 * Running an instruction natively.
 *
 * native_enter() loads every register and goes to the instruction with IRETQ, which at
 * CPL 3 can still choose CS, SS, RSP and the flags: 64-bit code, and 32-bit and 16-bit
 * code through segments of the LDT.  The instruction ends in an exception: its own, that
 * of the INT3 bytes behind it, or a single-step trap.  The kernel turns it into a signal
 * whose frame has all registers, the vector, error code and fault address.  The handler
 * copies them and jumps back to the caller of native_run() without returning from the
 * signal, which saves a system call.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>
#include "native.h"

#define XSAVE_BYTES	8192
#define XSAVE_AVX	576	/* offset of the AVX component in the standard format */

struct native_state native_io;
u8 native_xsave[XSAVE_BYTES] __attribute__((aligned(64)));
u64 native_host_rsp, native_host_fs_base;
u64 native_stack = NATIVE_STACK + 0xff00;
u64 native_segs[6];	/* captured ds, es, fs, gs, fs base, gs base */
u32 native_running;

void native_enter(void);
void native_handler(int sig, siginfo_t *info, void *context);
void native_restorer(void);
void native_exit(void);
void native_capture(int sig, siginfo_t *info, void *context);

asm(
".pushsection .text\n"
"native_enter:\n"
"	push %rbx\n"
"	push %rbp\n"
"	push %r12\n"
"	push %r13\n"
"	push %r14\n"
"	push %r15\n"
"	mov %rsp, native_host_rsp(%rip)\n"
"	rdfsbase %rax\n"
"	mov %rax, native_host_fs_base(%rip)\n"
"	mov $7, %eax\n"
"	xor %edx, %edx\n"
"	xrstor64 native_xsave(%rip)\n"
"	lea native_io(%rip), %r15\n"
"	mov native_stack(%rip), %rsp\n"
"	pushq 152(%r15)\n"		/* ss, rsp, rflags, cs, rip for IRETQ */
"	pushq 32(%r15)\n"
"	pushq 136(%r15)\n"
"	pushq 144(%r15)\n"
"	pushq 128(%r15)\n"
"	mov 160(%r15), %ds\n"
"	mov 168(%r15), %es\n"
"	mov 176(%r15), %rax\n"
"	mov %eax, %fs\n"
"	cmp $3, %eax\n"
"	ja 1f\n"
"	mov 192(%r15), %rax\n"
"	wrfsbase %rax\n"
"1:	mov 184(%r15), %rax\n"
"	mov %eax, %gs\n"
"	cmp $3, %eax\n"
"	ja 2f\n"
"	mov 200(%r15), %rax\n"
"	wrgsbase %rax\n"
"2:	movl $1, native_running(%rip)\n"
"	mov 0(%r15), %rax\n"
"	mov 8(%r15), %rcx\n"
"	mov 16(%r15), %rdx\n"
"	mov 24(%r15), %rbx\n"
"	mov 40(%r15), %rbp\n"
"	mov 48(%r15), %rsi\n"
"	mov 56(%r15), %rdi\n"
"	mov 64(%r15), %r8\n"
"	mov 72(%r15), %r9\n"
"	mov 80(%r15), %r10\n"
"	mov 88(%r15), %r11\n"
"	mov 96(%r15), %r12\n"
"	mov 104(%r15), %r13\n"
"	mov 112(%r15), %r14\n"
"	mov 120(%r15), %r15\n"
"	iretq\n"
"native_handler:\n"
	/* AC and NT may be set, and FS is the instruction's: no C before that is mended. */
"	pushq $2\n"
"	popfq\n"
"	cmpl $0, native_running(%rip)\n"
"	je native_capture\n"
"	mov %ds, %eax\n"
"	mov %rax, native_segs+0(%rip)\n"
"	mov %es, %eax\n"
"	mov %rax, native_segs+8(%rip)\n"
"	mov %fs, %eax\n"
"	mov %rax, native_segs+16(%rip)\n"
"	mov %gs, %eax\n"
"	mov %rax, native_segs+24(%rip)\n"
"	rdfsbase %rax\n"
"	mov %rax, native_segs+32(%rip)\n"
"	rdgsbase %rax\n"
"	mov %rax, native_segs+40(%rip)\n"
"	xor %eax, %eax\n"
"	mov %eax, %ds\n"
"	mov %eax, %es\n"
"	mov %eax, %fs\n"
"	mov %eax, %gs\n"
"	mov native_host_fs_base(%rip), %rax\n"
"	wrfsbase %rax\n"
"	jmp native_capture\n"
"native_exit:\n"
"	mov native_host_rsp(%rip), %rsp\n"
"	pop %r15\n"
"	pop %r14\n"
"	pop %r13\n"
"	pop %r12\n"
"	pop %rbp\n"
"	pop %rbx\n"
"	ret\n"
"native_restorer:\n"
"	mov $15, %eax\n"		/* rt_sigreturn */
"	syscall\n"
".popsection\n"
);

_Static_assert(__builtin_offsetof(struct native_state, rip) == 128, "asm");
_Static_assert(__builtin_offsetof(struct native_state, gs_base) == 200, "asm");

static const int context_order[16] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

/* Components that XSAVE found in their initial state are not written to the frame. */
static void capture_vectors(struct native_state *s, const u8 *frame)
{
	static const u16 initial_cw = 0x37f;
	u64 present;

	memcpy(&present, frame + 512, 8);
	memcpy(s->fx, frame, 512);
	if (!(present & 1)) {
		memset(s->fx, 0, 24);
		memcpy(s->fx, &initial_cw, 2);
		memset(s->fx + 32, 0, 128);
	}
	if (!(present & 2))
		memset(s->fx + 160, 0, 256);
	if (present & 4)
		memcpy(s->ymm_high, frame + XSAVE_AVX, sizeof(s->ymm_high));
	else
		memset(s->ymm_high, 0, sizeof(s->ymm_high));
}

__attribute__((used)) void native_capture(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *g = uc->uc_mcontext.gregs;
	struct native_state *s = &native_io;
	unsigned int i;

	if (!native_running) {
		if (sig == SIGALRM)
			return;
		fprintf(stderr, "signal %d in the test itself at %llx\n", sig, g[REG_RIP]);
		_exit(99);
	}
	native_running = 0;
	for (i = 0; i < 16; i++)
		s->regs[i] = g[context_order[i]];
	s->rip = g[REG_RIP];
	s->rflags = g[REG_EFL];
	s->cs = g[REG_CSGSFS] & 0xffff;
	s->ss = (u64)g[REG_CSGSFS] >> 48;
	s->ds = native_segs[0];
	s->es = native_segs[1];
	s->fs = native_segs[2];
	s->gs = native_segs[3];
	s->fs_base = native_segs[4];
	s->gs_base = native_segs[5];
	capture_vectors(s, (const u8 *)uc->uc_mcontext.fpregs);
	s->vector = sig == SIGALRM ? NATIVE_INTERRUPTED : (int)g[REG_TRAPNO];
	s->error = g[REG_ERR];
	s->cr2 = g[REG_CR2];
	native_exit();
}

/* The kernel's own structure: the C library would put its restorer in place of ours. */
struct kernel_sigaction {
	void (*handler)(int sig, siginfo_t *info, void *context);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

#define KERNEL_SA_RESTORER	0x04000000ul

/* FS and GS bases are loaded and read without the kernel's help, vectors with XRSTOR. */
static void need_features(void)
{
	const unsigned long fsgsbase = 2;

	if ((getauxval(AT_HWCAP2) & fsgsbase) && __builtin_cpu_supports("avx"))
		return;
	printf("needs a processor with AVX and a kernel that lets user code have FSGSBASE\n");
	exit(77);
}

void native_init(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGALRM };
	struct kernel_sigaction sa = {
		.handler = native_handler,
		.flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | KERNEL_SA_RESTORER,
		.restorer = native_restorer,
	};
	stack_t stack = { .ss_size = 1 << 20 };
	struct itimerval tick = { { 2, 0 }, { 2, 0 } };
	unsigned int i;

	need_features();
	stack.ss_sp = malloc(stack.ss_size);
	if (!stack.ss_sp || sigaltstack(&stack, NULL) ||
	    mmap((void *)NATIVE_STACK, 0x10000, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		 MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)NATIVE_STACK) {
		perror("native_init");
		exit(1);
	}
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (syscall(13, signals[i], &sa, NULL, 8)) {	/* rt_sigaction */
			perror("rt_sigaction");
			exit(1);
		}
	}
	setitimer(ITIMER_REAL, &tick, NULL);
}

void native_run(struct native_state *s)
{
	const u64 components = 7;	/* x87, SSE, AVX */

	memcpy(&native_io, s, sizeof(*s));
	memcpy(native_xsave, s->fx, 512);
	memset(native_xsave + 512, 0, 64);
	memcpy(native_xsave + 512, &components, 8);
	memcpy(native_xsave + XSAVE_AVX, s->ymm_high, sizeof(s->ymm_high));
	native_enter();
	memcpy(s, &native_io, sizeof(*s));
}
