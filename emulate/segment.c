// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors and segment registers: reading, checking and loading them, and the
 * instructions that look at descriptors without loading them.
 *
 * The emul_check_ functions make every check the architecture demands of a selector and
 * give the segment it would become; the accessed bit is then set in memory.  What loads
 * the register afterwards cannot fail.  Far transfers and task switches build on them.
 *
 * SDM volume 3, "Protected-Mode Memory Management" and "Protection"; the exceptions of
 * MOV, LAR, LSL, LTR, LLDT in volume 2; APM volume 2, "Segmented Virtual Memory".
 */
#include "emulate.h"

#define SELECTOR_TI	4u
#define SELECTOR_RPL	3u

int emul_fault_selector(struct x86_emulate_ctxt *c, u8 vector, u16 selector)
{
	return x86_emulate_fault_error(c, vector, selector & ~SELECTOR_RPL);
}

/* ------------------------------------------------------------------------
 * Descriptors in memory
 */

/* Where the descriptor of @selector lies: X86_OK, or @vector if outside its table. */
static int desc_address(struct x86_emulate_ctxt *c, u16 selector, unsigned int bytes,
			u8 vector, u64 *la)
{
	u32 offset = selector & ~(SELECTOR_TI | SELECTOR_RPL), limit;

	if (selector & SELECTOR_TI) {
		const struct x86_seg *ldtr = emul_seg(c, X86_LDTR);

		if (ldtr->ar & X86_AR_UNUSABLE)
			return emul_fault_selector(c, vector, selector);
		*la = ldtr->base;
		limit = ldtr->limit;
	} else {
		*la = emul_sysreg(c, X86_REG_GDTR_BASE);
		limit = (u32)emul_sysreg(c, X86_REG_GDTR_LIMIT);
	}
	*la += offset;
	return offset + bytes - 1 > limit ? emul_fault_selector(c, vector, selector) : X86_OK;
}

int emul_read_desc(struct x86_emulate_ctxt *c, u16 selector, u8 vector,
		   struct emul_desc *desc)
{
	int r = desc_address(c, selector, 8, vector, &desc->la);

	desc->selector = selector;
	desc->hi = 0;
	return r == X86_OK ? emul_read_system(c, desc->la, &desc->lo, 8, 0) : r;
}

int emul_read_gate(struct x86_emulate_ctxt *c, u16 selector, u8 vector,
		   struct emul_desc *desc)
{
	unsigned int bytes = emul_long_mode(c) ? 16 : 8;
	u64 pair[2] = { 0 };
	int r = desc_address(c, selector, bytes, vector, &desc->la);

	if (r == X86_OK)
		r = emul_read_system(c, desc->la, pair, bytes, 0);
	desc->selector = selector;
	desc->lo = pair[0];
	desc->hi = pair[1];
	/* The type field of the second half must be 0. */
	if (r == X86_OK && (desc->hi >> 40 & 0x1f))
		return emul_fault_selector(c, vector, selector);
	return r;
}

/* Only the GDT has these. */
int emul_read_system_desc(struct x86_emulate_ctxt *c, u16 selector, u8 vector,
			  struct emul_desc *desc)
{
	if (selector & SELECTOR_TI)
		return emul_fault_selector(c, vector, selector);
	return emul_read_gate(c, selector, vector, desc);
}

void emul_unpack_desc(const struct emul_desc *desc, struct x86_seg *seg)
{
	u64 d = desc->lo;

	seg->selector = desc->selector;
	seg->base = (d >> 16 & 0xffffff) | (d >> 32 & 0xff000000) | desc->hi << 32;
	seg->limit = (u32)((d & 0xffff) | (d >> 32 & 0xf0000));
	seg->ar = (u32)(d >> 40) & 0xf0ff;
	if (seg->ar & X86_AR_G)
		seg->limit = seg->limit << 12 | 0xfff;
}

/* Change the type field in memory from what was read to @type. */
static int write_desc_type(struct x86_emulate_ctxt *c, struct emul_desc *desc, u64 type)
{
	u32 old = (u32)(desc->lo >> 32), new = (old & ~0xf00u) | (u32)type << 8;
	u32 now = old;
	u64 la = desc->la + 4;
	int r = X86_OK;

	if (!emul_long_mode(c))
		la = (u32)la;
	if (old != new)
		r = (c->ops->cmpxchg)(c, la, &old, &new, 4, X86_ACC_SYSTEM | X86_ACC_WRITE);
	/*
	 * That another processor has set the accessed bit is as good; and amid a
	 * task switch there is no way back.
	 */
	if (r == X86_RETRY && DESC_S(desc)) {
		r = c->ops->read(c, la, &now, 4, X86_ACC_SYSTEM);
		if (r == X86_OK && now != new)
			r = X86_RETRY;
	}
	if (r == X86_OK)
		desc->lo = (u32)desc->lo | (u64)new << 32;
	return r;
}

int emul_mark_accessed(struct x86_emulate_ctxt *c, struct emul_desc *desc)
{
	return write_desc_type(c, desc, DESC_TYPE(desc) | 1);
}

int emul_mark_busy(struct x86_emulate_ctxt *c, struct emul_desc *desc, bool busy)
{
	u64 type = DESC_TYPE(desc) & ~2u;

	return write_desc_type(c, desc, busy ? type | 2 : type);
}

/* ------------------------------------------------------------------------
 * Segments without descriptors
 */

/* Real mode only moves the base; limit and size stay as they were ("unreal" mode). */
void emul_real_seg(struct x86_emulate_ctxt *c, enum x86_sreg sreg, u16 selector,
		   struct x86_seg *seg)
{
	*seg = *emul_seg(c, sreg);
	if (seg->ar & X86_AR_UNUSABLE) {
		seg->limit = 0xffff;
		seg->ar = 0;
	}
	seg->ar = (seg->ar & (X86_AR_G | X86_AR_DB)) | X86_AR_P | X86_AR_S |
		  X86_AR_WRITABLE | X86_AR_ACCESSED;
	if (sreg == X86_CS)
		seg->ar = (seg->ar & ~X86_AR_DB) | X86_AR_CODE;
	seg->selector = selector;
	seg->base = (u32)selector << 4;
}

void emul_vm86_seg(u16 selector, struct x86_seg *seg)
{
	seg->selector = selector;
	seg->base = (u32)selector << 4;
	seg->limit = 0xffff;
	seg->ar = X86_AR_P | X86_AR_DPL | X86_AR_S | X86_AR_WRITABLE | X86_AR_ACCESSED;
}

/*
 * A null selector makes a segment unusable.  Intel clears base and limit too; AMD does
 * so since CPUID says it (NullSelectClearsBase).
 */
void emul_null_seg(struct x86_emulate_ctxt *c, enum x86_sreg sreg, u16 selector,
		   struct x86_seg *seg)
{
	*seg = *emul_seg(c, sreg);
	if (!emul_amd(c) || emul_has(c, FEAT_NULL_CLEARS) || sreg < X86_FS) {
		seg->base = 0;
		seg->limit = 0;
	}
	seg->selector = selector;
	seg->ar = X86_AR_UNUSABLE;
}

/* ------------------------------------------------------------------------
 * Checks of selectors
 */

static bool is_writable_data(const struct emul_desc *desc)
{
	return DESC_S(desc) && (DESC_TYPE(desc) & (X86_AR_CODE | X86_AR_WRITABLE)) ==
				X86_AR_WRITABLE;
}

/* Data, or code that may be read. */
static bool is_readable(const struct emul_desc *desc)
{
	unsigned int type = DESC_TYPE(desc);

	return DESC_S(desc) && (!(type & X86_AR_CODE) || (type & X86_AR_READABLE));
}

static bool is_conforming(const struct emul_desc *desc)
{
	return (DESC_TYPE(desc) & (X86_AR_CODE | X86_AR_CONFORMING)) ==
	       (X86_AR_CODE | X86_AR_CONFORMING);
}

/* The null SS of 64-bit mode at @cpl; its DPL is the CPL as that of any other. */
void emul_null_stack_seg(struct x86_emulate_ctxt *c, u16 selector, unsigned int cpl,
			 struct x86_seg *seg)
{
	emul_null_seg(c, X86_SS, selector, seg);
	seg->ar |= cpl << X86_AR_DPL_SHIFT;
}

int emul_check_stack_seg(struct x86_emulate_ctxt *c, u16 selector, unsigned int cpl,
			 bool null_ok, u8 vector, struct x86_seg *seg)
{
	struct emul_desc desc;
	int r;

	if (selector <= SELECTOR_RPL) {
		if (!null_ok || cpl == 3 || selector != cpl)
			return emul_fault_selector(c, vector, selector);
		emul_null_stack_seg(c, selector, cpl, seg);
		return X86_OK;
	}
	r = emul_read_desc(c, selector, vector, &desc);
	if (r != X86_OK)
		return r;
	if ((selector & SELECTOR_RPL) != cpl || DESC_DPL(&desc) != cpl ||
	    !is_writable_data(&desc))
		return emul_fault_selector(c, vector, selector);
	if (!DESC_P(&desc))
		return emul_fault_selector(c, EXC_SS, selector);
	r = emul_mark_accessed(c, &desc);
	emul_unpack_desc(&desc, seg);
	return r;
}

int emul_check_data_seg(struct x86_emulate_ctxt *c, enum x86_sreg sreg, u16 selector,
			unsigned int cpl, u8 vector, struct x86_seg *seg)
{
	struct emul_desc desc;
	int r;

	if (selector <= SELECTOR_RPL) {
		emul_null_seg(c, sreg, selector, seg);
		return X86_OK;
	}
	r = emul_read_desc(c, selector, vector, &desc);
	if (r != X86_OK)
		return r;
	if (!is_readable(&desc))
		return emul_fault_selector(c, vector, selector);
	if (!is_conforming(&desc) && (DESC_DPL(&desc) < cpl ||
				      DESC_DPL(&desc) < (selector & SELECTOR_RPL)))
		return emul_fault_selector(c, vector, selector);
	if (!DESC_P(&desc))
		return emul_fault_selector(c, EXC_NP, selector);
	r = emul_mark_accessed(c, &desc);
	emul_unpack_desc(&desc, seg);
	return r;
}

int emul_check_ldt(struct x86_emulate_ctxt *c, u16 selector, u8 vector,
		   struct x86_seg *seg)
{
	struct emul_desc desc;
	int r;

	if (selector <= SELECTOR_RPL) {
		emul_null_seg(c, X86_LDTR, selector, seg);
		return X86_OK;
	}
	r = emul_read_system_desc(c, selector, vector, &desc);
	if (r != X86_OK)
		return r;
	if (DESC_S(&desc) || DESC_TYPE(&desc) != DESC_LDT)
		return emul_fault_selector(c, vector, selector);
	if (!DESC_P(&desc))
		return emul_fault_selector(c, vector == EXC_TS ? EXC_TS : EXC_NP, selector);
	emul_unpack_desc(&desc, seg);
	if (!emul_canonical(c, seg->base))
		return emul_gp(c);
	return X86_OK;
}

/* ------------------------------------------------------------------------
 * Loading segment registers
 */

/* What @sreg becomes by a load of @selector in the current mode. */
static int check_segment(struct x86_emulate_ctxt *c, enum x86_sreg sreg, u16 selector,
			 struct x86_seg *seg)
{
	if (c->mode == X86_MODE_REAL) {
		emul_real_seg(c, sreg, selector, seg);
		return X86_OK;
	}
	if (c->mode == X86_MODE_VM86) {
		emul_vm86_seg(selector, seg);
		return X86_OK;
	}
	if (sreg == X86_SS)
		return emul_check_stack_seg(c, selector, c->cpl, emul_long64(c), EXC_GP, seg);
	return emul_check_data_seg(c, sreg, selector, c->cpl, EXC_GP, seg);
}

/* MOV and POP to SS hold off interrupts for one instruction. */
static void load_segment(struct x86_emulate_ctxt *c, enum x86_sreg sreg,
			 const struct x86_seg *seg)
{
	emul_load_seg(c, sreg, seg);
	if (sreg == X86_SS)
		c->int_shadow = X86_SHADOW_MOV_SS;
}

int emul_mov_to_sreg(struct x86_emulate_ctxt *c)
{
	unsigned int sreg = c->insn->reg & 7;
	struct x86_seg seg;
	int r;

	r = check_segment(c, sreg, (u16)c->src.val, &seg);
	if (r == X86_OK)
		load_segment(c, sreg, &seg);
	return r;
}

int emul_mov_from_sreg(struct x86_emulate_ctxt *c)
{
	c->dst.val = emul_seg(c, c->insn->reg & 7)->selector;
	return X86_OK;
}

/* PUSH and POP of a segment name it in bits 5:3 of the opcode. */
static unsigned int opcode_sreg(const struct x86_emulate_ctxt *c)
{
	return (c->insn->opcode >> 3) & 7;
}

int emul_push_sreg(struct x86_emulate_ctxt *c)
{
	struct emul_stack stack;
	int r;

	emul_stack_current(c, &stack);
	r = emul_stack_push_selector(c, &stack, emul_seg(c, opcode_sreg(c))->selector,
				     c->insn->op_bytes);
	if (r == X86_OK)
		c->regs[X86_RSP] = stack.rsp;
	return r;
}

int emul_pop_sreg(struct x86_emulate_ctxt *c)
{
	struct emul_stack stack;
	struct x86_seg seg;
	u16 selector;
	int r;

	emul_stack_current(c, &stack);
	r = emul_stack_pop_selector(c, &stack, &selector, c->insn->op_bytes);
	if (r == X86_OK)
		r = check_segment(c, opcode_sreg(c), selector, &seg);
	if (r != X86_OK)
		return r;
	load_segment(c, opcode_sreg(c), &seg);
	c->regs[X86_RSP] = stack.rsp;
	return X86_OK;
}

/* LES, LDS (C4, C5), LSS, LFS, LGS (0F B2, B4, B5) */
static unsigned int far_pointer_sreg(u8 opcode)
{
	switch (opcode) {
	case 0xc4:
		return X86_ES;
	case 0xc5:
		return X86_DS;
	}
	return opcode & 7;
}

int emul_load_far_pointer(struct x86_emulate_ctxt *c)
{
	unsigned int sreg = far_pointer_sreg(c->insn->opcode);
	struct x86_seg seg;
	u64 offset;
	u16 selector;
	int r = emul_read_far_pointer(c, &selector, &offset);

	if (r == X86_OK)
		r = check_segment(c, sreg, selector, &seg);
	if (r != X86_OK)
		return r;
	emul_load_seg(c, sreg, &seg);
	c->dst.val = offset;
	return X86_OK;
}

/* ------------------------------------------------------------------------
 * LDTR and TR
 */

int emul_lldt(struct x86_emulate_ctxt *c)
{
	struct x86_seg seg;
	int r = emul_check_ldt(c, (u16)c->src.val, EXC_GP, &seg);

	if (r == X86_OK)
		emul_load_seg(c, X86_LDTR, &seg);
	return r;
}

/* A TSS that is not busy. */
static int check_tss(struct x86_emulate_ctxt *c, u16 selector, struct emul_desc *desc)
{
	int r;

	if (selector <= SELECTOR_RPL)
		return emul_gp(c);
	r = emul_read_system_desc(c, selector, EXC_GP, desc);
	if (r != X86_OK)
		return r;
	if (DESC_S(desc) || (DESC_TYPE(desc) != DESC_TSS &&
			     (DESC_TYPE(desc) != DESC_TSS16 || emul_long_mode(c))))
		return emul_fault_selector(c, EXC_GP, selector);
	return DESC_P(desc) ? X86_OK : emul_fault_selector(c, EXC_NP, selector);
}

int emul_ltr(struct x86_emulate_ctxt *c)
{
	struct emul_desc desc;
	struct x86_seg seg;
	int r = check_tss(c, (u16)c->src.val, &desc);

	if (r != X86_OK)
		return r;
	emul_unpack_desc(&desc, &seg);
	if (!emul_canonical(c, seg.base))
		return emul_gp(c);
	r = emul_mark_busy(c, &desc, true);
	if (r != X86_OK)
		return r;
	seg.ar |= 2;
	emul_load_seg(c, X86_TR, &seg);
	return X86_OK;
}

/* UMIP: user code is not to learn where tables lie. */
int emul_check_umip(struct x86_emulate_ctxt *c)
{
	if (c->cpl && (emul_sysreg(c, X86_REG_CR4) & X86_CR4_UMIP))
		return emul_gp(c);
	return X86_OK;
}

int emul_sldt(struct x86_emulate_ctxt *c)
{
	c->dst.val = emul_seg(c, X86_LDTR)->selector;
	return emul_check_umip(c);
}

int emul_str(struct x86_emulate_ctxt *c)
{
	c->dst.val = emul_seg(c, X86_TR)->selector;
	return emul_check_umip(c);
}

/* ------------------------------------------------------------------------
 * LAR, LSL, VERR, VERW, ARPL: questions about a selector, answered in ZF
 */

/*
 * Read a descriptor as these instructions do: a selector that is null or outside its
 * table is an answer, not a fault.  *@found says so.
 */
static int look_up(struct x86_emulate_ctxt *c, u16 selector, struct emul_desc *desc,
		   bool *found)
{
	u64 la;

	*found = selector > SELECTOR_RPL &&
		 desc_address(c, selector, 8, EXC_GP, &la) == X86_OK;
	if (!*found)
		return X86_OK;
	return emul_read_desc(c, selector, EXC_GP, desc);
}

static bool privileged_enough(const struct x86_emulate_ctxt *c, const struct emul_desc *desc)
{
	return is_conforming(desc) || (DESC_DPL(desc) >= c->cpl &&
				       DESC_DPL(desc) >= (desc->selector & SELECTOR_RPL));
}

/* Bit n: LAR, or LSL, takes system descriptors of type n. */
#define LAR_TYPES		0x1a3eu	/* TSSs, LDT, call gates, task gate */
#define LAR_TYPES_LONG		0x1a04u
#define LSL_TYPES		0x0a0eu	/* TSSs, LDT */
#define LSL_TYPES_LONG		0x0a04u

static bool visible(struct x86_emulate_ctxt *c, const struct emul_desc *desc, u32 types,
		    u32 types_long)
{
	if (!DESC_S(desc) &&
	    !((emul_long_mode(c) ? types_long : types) & (1u << DESC_TYPE(desc))))
		return false;
	if (!DESC_S(desc))
		return DESC_DPL(desc) >= c->cpl &&
		       DESC_DPL(desc) >= (desc->selector & SELECTOR_RPL);
	return privileged_enough(c, desc);
}

int emul_lar(struct x86_emulate_ctxt *c)
{
	struct emul_desc desc;
	bool found;
	int r = look_up(c, (u16)c->src.val, &desc, &found);

	if (r != X86_OK)
		return r;
	found = found && visible(c, &desc, LAR_TYPES, LAR_TYPES_LONG);
	c->dst.kind = found ? KIND_REG : KIND_NONE;
	if (found)
		c->dst.val = (desc.lo >> 32) & 0xffff00;
	emul_flag(c, X86_EFLAGS_ZF, found);
	return X86_OK;
}

int emul_lsl(struct x86_emulate_ctxt *c)
{
	struct emul_desc desc;
	struct x86_seg seg;
	bool found;
	int r = look_up(c, (u16)c->src.val, &desc, &found);

	if (r != X86_OK)
		return r;
	found = found && visible(c, &desc, LSL_TYPES, LSL_TYPES_LONG);
	c->dst.kind = found ? KIND_REG : KIND_NONE;
	if (found) {
		emul_unpack_desc(&desc, &seg);
		c->dst.val = seg.limit;
	}
	emul_flag(c, X86_EFLAGS_ZF, found);
	return X86_OK;
}

static int verify(struct x86_emulate_ctxt *c, bool (*allows)(const struct emul_desc *))
{
	struct emul_desc desc;
	bool found;
	int r = look_up(c, (u16)c->src.val, &desc, &found);

	if (r == X86_OK)
		emul_flag(c, X86_EFLAGS_ZF,
			  found && allows(&desc) && privileged_enough(c, &desc));
	return r;
}

int emul_verr(struct x86_emulate_ctxt *c)
{
	return verify(c, is_readable);
}

int emul_verw(struct x86_emulate_ctxt *c)
{
	return verify(c, is_writable_data);
}

/* Memory is written only if the RPL changes, and only then need it be writable. */
int emul_arpl(struct x86_emulate_ctxt *c)
{
	u64 rpl = c->src.val & SELECTOR_RPL;
	int r = X86_OK;

	if (c->dst.kind == KIND_MEM)
		r = emul_read(c, c->dst.seg, c->dst.ea, &c->dst.val, 2);
	if (r != X86_OK)
		return r;
	emul_flag(c, X86_EFLAGS_ZF, (c->dst.val & SELECTOR_RPL) < rpl);
	if ((c->dst.val & SELECTOR_RPL) >= rpl)
		return X86_OK;
	c->dst.val = (c->dst.val & ~(u64)SELECTOR_RPL) | rpl;
	if (c->dst.kind == KIND_MEM)
		return emul_write(c, c->dst.seg, c->dst.ea, &c->dst.val, 2);
	emul_set_reg(c, c->dst.reg, 2, c->dst.val);
	return X86_OK;
}
