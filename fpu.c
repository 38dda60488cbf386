// SPDX-License-Identifier: GPL-2.0
/*
 * fpu.c - the guest's FPU and vector registers as the emulator and the ioctls
 * see them.
 *
 * While KVM_RUN is on, the thread's FPU state is the guest's (the kernel's
 * fpu_swap_kvm_fpstate()), and the registers are either loaded or will be
 * before the next entry.  The emulator's few operations work on the loaded
 * registers, with the guest's own instruction where there is one.
 *
 * Read next: emulate.c; kvm_main.c for the swap.
 */
#include <asm/fpu/api.h>
#include "kvm.h"
#include "x86_emulate.h"

static u32 mxcsr_mask_cached;

/* Which bits of MXCSR this processor has (SDM vol. 1, "MXCSR_MASK"). */
u32 guest_fpu_mxcsr_mask(void)
{
	struct fxregs_state fx __aligned(16) = {};
	u32 mask = READ_ONCE(mxcsr_mask_cached);

	if (!mask) {
		asm volatile("fxsave %0" : "+m" (fx));
		mask = fx.mxcsr_mask ?: 0xffbf;
		WRITE_ONCE(mxcsr_mask_cached, mask);
	}
	return mask;
}

/* One instruction per register number: the number is not an operand. */
#define REG_CASE(n, insn)						\
	case n:								\
		asm volatile(insn(n) : "+m" (*(u8 (*)[32])buf));	\
		break;

#define LOAD_XMM(n)		"movdqu %0, %%xmm" #n
#define STORE_XMM(n)		"movdqu %%xmm" #n ", %0"
#define LOAD_YMM(n)		"vmovdqu %0, %%ymm" #n
#define STORE_YMM(n)		"vmovdqu %%ymm" #n ", %0"
#define EACH_REG(insn)							\
	REG_CASE(0, insn) REG_CASE(1, insn) REG_CASE(2, insn)		\
	REG_CASE(3, insn) REG_CASE(4, insn) REG_CASE(5, insn)		\
	REG_CASE(6, insn) REG_CASE(7, insn) REG_CASE(8, insn)		\
	REG_CASE(9, insn) REG_CASE(10, insn) REG_CASE(11, insn)		\
	REG_CASE(12, insn) REG_CASE(13, insn) REG_CASE(14, insn)	\
	REG_CASE(15, insn)

#define DEFINE_ACCESS(name, insn)					\
static void name(unsigned int reg, void *buf)				\
{									\
	switch (reg) {							\
	EACH_REG(insn)							\
	}								\
}

DEFINE_ACCESS(load_xmm, LOAD_XMM)
DEFINE_ACCESS(store_xmm, STORE_XMM)
DEFINE_ACCESS(load_ymm, LOAD_YMM)
DEFINE_ACCESS(store_ymm, STORE_YMM)

/* A 32-byte image for the accessors, whatever the operation's own size. */
static void with_image(void (*access)(unsigned int reg, void *buf),
		       unsigned int reg, void *buf, unsigned int bytes)
{
	u8 image[32] = {};

	memcpy(image, buf, bytes);
	access(reg, image);
	memcpy(buf, image, bytes);
}

static bool guest_fpu_vector_op(enum x86_fpu_op op, unsigned int reg,
				void *buf)
{
	bool avx = boot_cpu_has(X86_FEATURE_AVX);

	switch (op) {
	case X86_FPU_READ_VEC:
		memset(buf, 0, 32);
		with_image(avx ? store_ymm : store_xmm, reg, buf, 32);
		return true;
	case X86_FPU_WRITE_XMM:
		with_image(load_xmm, reg, buf, 16);
		return true;
	case X86_FPU_WRITE_YMM:
		if (avx)
			with_image(load_ymm, reg, buf, 32);
		return avx;
	default:
		return false;
	}
}

/*
 * x87 and MMX work on the FXSAVE image: on the registers themselves, a pending
 * exception of the guest's would be raised in the host.
 */
#define SW_TOP_SHIFT	11
#define SW_TOP		(7 << SW_TOP_SHIFT)
#define SW_ES		BIT(7)
#define SW_B		BIT(15)
#define FP_EXCEPTIONS	0x3f

static u32 *image_mm(struct fxregs_state *fx, unsigned int reg)
{
	unsigned int top = (fx->swd & SW_TOP) >> SW_TOP_SHIFT;

	/* The image counts from the top of the stack, MMX from R0. */
	return &fx->st_space[((reg - top) & 7) * 4];
}

static void image_enter_mmx(struct fxregs_state *fx)
{
	u32 regs[8][4];
	int i;

	for (i = 0; i < 8; i++)
		memcpy(regs[i], image_mm(fx, i), sizeof(regs[i]));
	memcpy(fx->st_space, regs, sizeof(regs));
	fx->swd &= ~SW_TOP;
	fx->twd = 0xff;
}

static void image_set_cw(struct fxregs_state *fx, u16 cw)
{
	fx->cwd = cw;
	fx->swd &= ~(SW_ES | SW_B);
	if (fx->swd & ~cw & FP_EXCEPTIONS)
		fx->swd |= SW_ES | SW_B;
}

static bool image_op(struct fxregs_state *fx, enum x86_fpu_op op,
		     unsigned int reg, void *buf)
{
	switch (op) {
	case X86_FPU_READ_MM:
		memcpy(buf, image_mm(fx, reg), 8);
		break;
	case X86_FPU_WRITE_MM:
		memcpy(image_mm(fx, reg), buf, 8);
		memset(image_mm(fx, reg) + 2, 0xff, 2);
		break;
	case X86_FPU_ENTER_MMX:
		image_enter_mmx(fx);
		break;
	case X86_FPU_GET_CW:
		*(u16 *)buf = fx->cwd;
		break;
	case X86_FPU_SET_CW:
		image_set_cw(fx, *(u16 *)buf);
		break;
	case X86_FPU_GET_SW:
		*(u16 *)buf = fx->swd;
		break;
	case X86_FPU_FXSAVE:
		memcpy(buf, fx, sizeof(*fx));
		break;
	case X86_FPU_FXRSTOR:
		memcpy(fx, buf, sizeof(*fx));
		fx->mxcsr &= guest_fpu_mxcsr_mask();
		break;
	default:
		return false;
	}
	return true;
}

static bool guest_fpu_image_op(enum x86_fpu_op op, unsigned int reg, void *buf)
{
	/* Some processors leave parts of it as they were. */
	struct fxregs_state fx __aligned(16) = {};

	asm volatile("fxsaveq %0" : "+m" (fx));
	if (!image_op(&fx, op, reg, buf))
		return false;
	asm volatile("fxrstorq %0" : : "m" (fx));
	return true;
}

static bool guest_fpu_control_op(enum x86_fpu_op op, void *buf)
{
	switch (op) {
	case X86_FPU_FNINIT:
		asm volatile("fninit");
		return true;
	case X86_FPU_FNCLEX:
		asm volatile("fnclex");
		return true;
	case X86_FPU_GET_MXCSR:
		asm volatile("stmxcsr %0" : "=m" (*(u32 *)buf));
		return true;
	case X86_FPU_SET_MXCSR:
		asm volatile("ldmxcsr %0" : : "m" (*(u32 *)buf));
		return true;
	case X86_FPU_GET_MXCSR_MASK:
		*(u32 *)buf = guest_fpu_mxcsr_mask();
		return true;
	default:
		return false;
	}
}

/*
 * One operation of the emulator's; see x86_emulate.h for @buf.  Only within
 * KVM_RUN, when the thread's FPU state is the guest's.  0, or -EINVAL.
 */
int guest_fpu_op(int op, unsigned int reg, void *buf)
{
	bool ok;

	fpregs_lock();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
	ok = guest_fpu_vector_op(op, reg, buf) ||
	     guest_fpu_control_op(op, buf) || guest_fpu_image_op(op, reg, buf);
	fpregs_unlock();
	return ok ? 0 : -EINVAL;
}
