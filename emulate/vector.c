// SPDX-License-Identifier: GPL-2.0
/*
 * SSE, AVX and MMX moves, FXSAVE and FXRSTOR, and x87 control.
 *
 * No vector arithmetic: these are the instructions with which code touches memory that
 * may be a device's.  The registers are behind the fpu callback, values are moved as
 * integers, so that nothing here uses the host's vector unit.  Whether the state is
 * enabled and the operand aligned was checked in ../x86_emulate.c by the row's flags.
 *
 * SDM volume 2; APM volume 4, "128-Bit and 256-Bit Media Instruction Reference".
 */
#include "emulate.h"

/* ------------------------------------------------------------------------
 * Moves between vector registers, general registers and memory
 */

/* As many bytes as the narrower operand has; the store ignores what is beyond. */
int emul_vmov(struct x86_emulate_ctxt *c)
{
	memcpy(c->dst.vec, c->src.vec, sizeof(c->dst.vec));
	return X86_OK;
}

/* The source zero-extended to the whole register. */
int emul_vload(struct x86_emulate_ctxt *c)
{
	c->dst.vec[0] = c->src.vec[0];
	c->dst.vec[1] = 0;
	return X86_OK;
}

/*
 * What a merging move leaves in place: the destination as it was, or with VEX the
 * register that vvvv names.
 */
static int load_background(struct x86_emulate_ctxt *c)
{
	if (!c->insn->vex_len)
		return X86_OK;
	return c->ops->fpu(c, X86_FPU_READ_VEC, c->insn->vex_reg, c->dst.vec);
}

int emul_vmerge_low4(struct x86_emulate_ctxt *c)
{
	int r = load_background(c);

	memcpy(c->dst.vec, c->src.vec, 4);
	return r;
}

int emul_vmerge_low8(struct x86_emulate_ctxt *c)
{
	int r = load_background(c);

	c->dst.vec[0] = c->src.vec[0];
	return r;
}

int emul_vmerge_high8(struct x86_emulate_ctxt *c)
{
	int r = load_background(c);

	c->dst.vec[1] = c->src.vec[0];
	return r;
}

int emul_movhlps(struct x86_emulate_ctxt *c)
{
	int r = load_background(c);

	c->dst.vec[0] = c->src.vec[1];
	return r;
}

int emul_vstore_high(struct x86_emulate_ctxt *c)
{
	c->dst.vec[0] = c->src.vec[1];
	return X86_OK;
}

/* ------------------------------------------------------------------------
 * Masked moves
 */

/*
 * Check byte @i of the quadword at DS:@ea for a masked store and give its address.  Bytes
 * beyond the end of the offset's range start again at 0, and are checked there.
 */
static int check_byte(struct x86_emulate_ctxt *c, unsigned int sreg, u64 ea, unsigned int i,
		      u64 *la)
{
	u64 range = emul_mask(c->insn->addr_bytes);
	int r = emul_linear(c, sreg, (ea + i) & range, 1, X86_ACC_WRITE, la);

	return r == X86_OK ? emul_probe_linear(c, *la, 1, X86_ACC_WRITE) : r;
}

/*
 * The bytes of @data whose byte of @mask has its top bit set, to DS:rDI.  All that does
 * not wrap is checked, whatever the mask.
 */
static int store_bytes(struct x86_emulate_ctxt *c, const u8 *data, const u8 *mask,
		       unsigned int bytes)
{
	u8 override = c->insn->seg_override;
	unsigned int sreg = override == EMUL_NONE ? X86_DS : override, i;
	u64 range = emul_mask(c->insn->addr_bytes), ea = 0, la[16] = { 0 };
	int r = X86_OK;

	for (i = 0; i < bytes && r == X86_OK; i++) {
		if (i % 8 == 0) {
			ea = (c->regs[X86_RDI] + i) & range;
			r = emul_linear(c, sreg, ea, 8, X86_ACC_WRITE, &la[i]);
		}
		if (r == X86_OK && (range - ea >= i % 8 || (mask[i] & 0x80)))
			r = check_byte(c, sreg, ea, i % 8, &la[i]);
	}
	for (i = 0; i < bytes && r == X86_OK; i++)
		if (mask[i] & 0x80)
			r = emul_write_linear(c, la[i], data + i, 1);
	return r;
}

int emul_maskmovdqu(struct x86_emulate_ctxt *c)
{
	return store_bytes(c, (u8 *)c->dst.vec, (u8 *)c->src.vec, 16);
}

int emul_maskmovq(struct x86_emulate_ctxt *c)
{
	return store_bytes(c, (u8 *)c->dst.vec, (u8 *)c->src.vec, 8);
}

/* The linear address of element @i, if the mask selects it. */
static int element_address(struct x86_emulate_ctxt *c, const struct x86_operand *op,
			   unsigned int i, unsigned int width, unsigned int acc, u64 *la)
{
	return emul_linear(c, op->seg, op->ea + i * width, width, acc | EMUL_ACC_ANY, la);
}

static bool selected(const u8 *mask, unsigned int i, unsigned int width)
{
	return mask[i * width + width - 1] & 0x80;
}

/* Only selected elements are read; the others become 0. */
static int masked_load(struct x86_emulate_ctxt *c, unsigned int width)
{
	u8 mask[32], *dst = (u8 *)c->dst.vec;
	unsigned int i;
	u64 la;
	int r = c->ops->fpu(c, X86_FPU_READ_VEC, c->insn->vex_reg, mask);

	memset(c->dst.vec, 0, sizeof(c->dst.vec));
	for (i = 0; i < c->insn->vex_len / width && r == X86_OK; i++) {
		if (!selected(mask, i, width))
			continue;
		r = element_address(c, &c->src, i, width, 0, &la);
		if (r == X86_OK)
			r = emul_read_linear(c, la, dst + i * width, width, 0);
	}
	return r;
}

static int masked_store(struct x86_emulate_ctxt *c, unsigned int width)
{
	const u8 *src = (u8 *)c->src.vec;
	unsigned int i, pass;
	u8 mask[32];
	u64 la;
	int r = c->ops->fpu(c, X86_FPU_READ_VEC, c->insn->vex_reg, mask);

	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < c->insn->vex_len / width && r == X86_OK; i++) {
			if (!selected(mask, i, width))
				continue;
			r = element_address(c, &c->dst, i, width, X86_ACC_WRITE, &la);
			if (r == X86_OK)
				r = pass ? emul_write_linear(c, la, src + i * width, width) :
					   emul_probe_linear(c, la, width, X86_ACC_WRITE);
		}
	}
	return r;
}

int emul_vmaskmov4_load(struct x86_emulate_ctxt *c)
{
	return masked_load(c, 4);
}

int emul_vmaskmov8_load(struct x86_emulate_ctxt *c)
{
	return masked_load(c, 8);
}

int emul_vmaskmov4_store(struct x86_emulate_ctxt *c)
{
	return masked_store(c, 4);
}

int emul_vmaskmov8_store(struct x86_emulate_ctxt *c)
{
	return masked_store(c, 8);
}

int emul_vpmaskmov_load(struct x86_emulate_ctxt *c)
{
	return masked_load(c, c->insn->rex & REX_W ? 8 : 4);
}

int emul_vpmaskmov_store(struct x86_emulate_ctxt *c)
{
	return masked_store(c, c->insn->rex & REX_W ? 8 : 4);
}

/* ------------------------------------------------------------------------
 * MMX; the common path enters MMX state once the operands are stored
 */

int emul_mmx_load(struct x86_emulate_ctxt *c)
{
	c->dst.val = c->src.val;
	return X86_OK;
}

int emul_mmx_store(struct x86_emulate_ctxt *c)
{
	c->dst.val = c->src.val;
	return X86_OK;
}

int emul_movq2dq(struct x86_emulate_ctxt *c)
{
	return emul_vload(c);
}

int emul_movdq2q(struct x86_emulate_ctxt *c)
{
	return emul_mmx_load(c);
}

/* ------------------------------------------------------------------------
 * MXCSR, FXSAVE, FXRSTOR
 */

static u32 mxcsr_mask(struct x86_emulate_ctxt *c)
{
	u32 mask = 0;

	c->ops->fpu(c, X86_FPU_GET_MXCSR_MASK, 0, &mask);
	return mask;
}

int emul_ldmxcsr(struct x86_emulate_ctxt *c)
{
	u32 mxcsr = (u32)c->src.val;

	if (mxcsr & ~mxcsr_mask(c))
		return emul_gp(c);
	return c->ops->fpu(c, X86_FPU_SET_MXCSR, 0, &mxcsr);
}

int emul_stmxcsr(struct x86_emulate_ctxt *c)
{
	return c->ops->fpu(c, X86_FPU_GET_MXCSR, 0, &c->dst.val);
}

#define FX_BYTES	512u
#define FX_MXCSR	24
#define FX_XMM		160u	/* the header and the x87 registers lie before */
#define FX_XMM8		288u
#define FX_END		416u	/* of the XMM registers; nothing is written beyond */
#define FX_PIECE	16u

/* How much of the image this mode transfers. */
static unsigned int fx_length(struct x86_emulate_ctxt *c)
{
	if (!emul_long64(c))
		return FX_XMM8;
	if (c->cpl == 0 && (emul_sysreg(c, X86_REG_EFER) & EFER_FFXSR_BIT))
		return FX_XMM;
	return FX_END;
}

/* The linear address of @offset in the image, whose own offset may wrap. */
static int fx_address(struct x86_emulate_ctxt *c, unsigned int offset, unsigned int len,
		      unsigned int acc, u64 *la)
{
	u64 ea = (c->src.ea + offset) & emul_mask(c->insn->addr_bytes);

	return emul_linear(c, c->src.seg, ea, len, acc, la);
}

/*
 * Can the image be accessed?  Where alignment is checked it is so by doublewords; what
 * is left of it is #GP(0).
 */
static int check_fx(struct x86_emulate_ctxt *c, unsigned int acc)
{
	u64 la;
	int r;

	if (emul_sysreg(c, X86_REG_CR0) & (X86_CR0_EM | X86_CR0_TS))
		return x86_emulate_fault(c, EXC_NM);
	r = fx_address(c, 0, 4, EMUL_ACC_EXEC, &la);
	if (r == X86_OK && (la & 15))
		return emul_gp(c);
	/* The last byte is touched first. */
	if (r == X86_OK)
		r = fx_address(c, FX_BYTES - 1, 1, acc, &la);
	if (r == X86_OK)
		r = emul_probe_linear(c, la, 1, acc);
	if (r == X86_OK)
		r = fx_address(c, 0, 4, acc, &la);
	return r == X86_OK ? emul_probe_linear(c, la, 4, acc) : r;
}

/* Without REX.W the instruction and data pointers are selector:offset, 32 bits each. */
static void trim_pointers(struct x86_emulate_ctxt *c, u8 *image)
{
	if (c->insn->rex & REX_W)
		return;
	memset(image + 12, 0, 4);
	memset(image + 20, 0, 4);
}

/* Move the first @length bytes of the image between memory and c->buffer. */
static int move_image(struct x86_emulate_ctxt *c, unsigned int length, unsigned int acc)
{
	unsigned int at;
	int r = X86_OK;
	u64 la;

	for (at = 0; at < length && r == X86_OK; at += FX_PIECE) {
		r = fx_address(c, at, FX_PIECE, acc | EMUL_ACC_ANY, &la);
		if (r != X86_OK)
			break;
		r = acc & X86_ACC_WRITE ? emul_write_linear(c, la, c->buffer + at, FX_PIECE) :
					  emul_read_linear(c, la, c->buffer + at, FX_PIECE, 0);
	}
	return r;
}

int emul_fxsave(struct x86_emulate_ctxt *c)
{
	int r = check_fx(c, X86_ACC_WRITE);

	if (r == X86_OK)
		r = c->ops->fpu(c, X86_FPU_FXSAVE, 0, c->buffer);
	if (r != X86_OK)
		return r;
	trim_pointers(c, c->buffer);
	return move_image(c, fx_length(c), X86_ACC_WRITE);
}

int emul_fxrstor(struct x86_emulate_ctxt *c)
{
	u32 mxcsr;
	int r = check_fx(c, 0);

	/* Registers that this mode does not load keep what they hold. */
	if (r == X86_OK)
		r = c->ops->fpu(c, X86_FPU_FXSAVE, 0, c->buffer);
	if (r == X86_OK)
		r = move_image(c, fx_length(c), 0);
	if (r != X86_OK)
		return r;
	memcpy(&mxcsr, c->buffer + FX_MXCSR, sizeof(mxcsr));
	if (mxcsr & ~mxcsr_mask(c))
		return emul_gp(c);
	trim_pointers(c, c->buffer);
	return c->ops->fpu(c, X86_FPU_FXRSTOR, 0, c->buffer);
}

/* ------------------------------------------------------------------------
 * x87 control
 */

int emul_fninit(struct x86_emulate_ctxt *c)
{
	return c->ops->fpu(c, X86_FPU_FNINIT, 0, NULL);
}

int emul_fnclex(struct x86_emulate_ctxt *c)
{
	return c->ops->fpu(c, X86_FPU_FNCLEX, 0, NULL);
}

int emul_fnstcw(struct x86_emulate_ctxt *c)
{
	return c->ops->fpu(c, X86_FPU_GET_CW, 0, &c->dst.val);
}

/* To memory or to AX. */
int emul_fnstsw(struct x86_emulate_ctxt *c)
{
	c->dst.bytes = 2;
	return c->ops->fpu(c, X86_FPU_GET_SW, 0, &c->dst.val);
}

int emul_fldcw(struct x86_emulate_ctxt *c)
{
	u16 cw = 0;
	int r = emul_check_x87_pending(c);

	if (r == X86_OK)
		r = emul_read(c, c->src.seg, c->src.ea, &cw, 2);
	/* Bit 6 is always one, bits 7 and 15:13 always zero. */
	cw = (cw & 0x1f3f) | 0x40;
	return r == X86_OK ? c->ops->fpu(c, X86_FPU_SET_CW, 0, &cw) : r;
}

int emul_fwait(struct x86_emulate_ctxt *c)
{
	const u64 both = X86_CR0_MP | X86_CR0_TS;

	if ((emul_sysreg(c, X86_REG_CR0) & both) == both)
		return x86_emulate_fault(c, EXC_NM);
	return emul_check_x87_pending(c);
}
