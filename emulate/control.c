// SPDX-License-Identifier: GPL-2.0
/*
 * Near branches, stack instructions and the flags register.
 *
 * These change RIP, RSP or RFLAGS beside their operands.  Each makes every access and
 * check that can fail before the first register changes; RIP and RFLAGS only change
 * through next_rip and next_rflags, at the commit in ../x86_emulate.c.
 * Far transfers are in far.c, the stack's memory side in memory.c.
 */
#include "emulate.h"

/* ------------------------------------------------------------------------
 * Near branches
 */

bool emul_condition(u64 rflags, unsigned int cc)
{
	bool sf = rflags & X86_EFLAGS_SF, of = rflags & X86_EFLAGS_OF;
	bool taken = false;

	switch ((cc >> 1) & 7) {
	case 0:
		taken = of;
		break;
	case 1:
		taken = rflags & X86_EFLAGS_CF;
		break;
	case 2:
		taken = rflags & X86_EFLAGS_ZF;
		break;
	case 3:
		taken = rflags & (X86_EFLAGS_CF | X86_EFLAGS_ZF);
		break;
	case 4:
		taken = sf;
		break;
	case 5:
		taken = rflags & X86_EFLAGS_PF;
		break;
	case 6:
		taken = sf != of;
		break;
	case 7:
		taken = sf != of || (rflags & X86_EFLAGS_ZF);
		break;
	}
	return taken != (cc & 1);
}

/* Make @target, cut to @bytes, the next RIP: #GP(0) if nothing can run there. */
int emul_branch(struct x86_emulate_ctxt *c, u64 target, unsigned int bytes)
{
	target &= emul_mask(bytes);
	if (emul_long64(c) ? !emul_canonical(c, target) :
			     target > emul_seg(c, X86_CS)->limit)
		return emul_gp(c);
	c->next_rip = target;
	return X86_OK;
}

static int branch_relative(struct x86_emulate_ctxt *c)
{
	return emul_branch(c, c->next_rip + c->insn->imm, c->insn->op_bytes);
}

int emul_jmp_rel(struct x86_emulate_ctxt *c)
{
	return branch_relative(c);
}

int emul_jcc(struct x86_emulate_ctxt *c)
{
	return emul_condition(c->rflags, c->insn->opcode) ? branch_relative(c) : X86_OK;
}

int emul_jmp_near(struct x86_emulate_ctxt *c)
{
	return emul_branch(c, c->src.val, c->insn->op_bytes);
}

static int call(struct x86_emulate_ctxt *c, u64 target)
{
	unsigned int bytes = c->insn->op_bytes;
	struct emul_stack stack;
	u64 ret = c->next_rip;
	int r = emul_branch(c, target, bytes);

	if (r == X86_OK)
		return emul_push(c, ret, bytes);
	/* A bad stack is found before a bad target. */
	emul_stack_current(c, &stack);
	r = emul_stack_probe(c, &stack, 1, bytes);
	return r == X86_OK ? emul_gp(c) : r;
}

int emul_call_rel(struct x86_emulate_ctxt *c)
{
	return call(c, c->next_rip + c->insn->imm);
}

int emul_call_near(struct x86_emulate_ctxt *c)
{
	return call(c, c->src.val);
}

int emul_ret(struct x86_emulate_ctxt *c)
{
	struct emul_stack stack;
	u64 target;
	int r;

	emul_stack_current(c, &stack);
	r = emul_stack_pop(c, &stack, &target, c->insn->op_bytes);
	if (r == X86_OK)
		r = emul_branch(c, target, c->insn->op_bytes);
	if (r != X86_OK)
		return r;
	emul_stack_adjust(&stack, c->src.val);
	c->regs[X86_RSP] = stack.rsp;
	return X86_OK;
}

/* LOOPNE, LOOPE: E0, E1.  On AMD processors a repeat prefix overrides which of them. */
static bool loop_if_zero(const struct x86_emulate_ctxt *c)
{
	if (emul_amd(c) && (c->insn->prefixes & PFX_REP))
		return c->insn->prefixes & PFX_REPE;
	return c->insn->opcode == 0xe1;
}

int emul_loop(struct x86_emulate_ctxt *c)
{
	unsigned int bytes = c->insn->addr_bytes;
	u64 count = (c->regs[X86_RCX] - 1) & emul_mask(bytes);
	bool zf = c->rflags & X86_EFLAGS_ZF;
	int r = X86_OK;

	if (count && (c->insn->opcode == 0xe2 || zf == loop_if_zero(c)))
		r = branch_relative(c);
	if (r == X86_OK)
		emul_set_reg(c, X86_RCX, bytes, count);
	return r;
}

int emul_jcxz(struct x86_emulate_ctxt *c)
{
	return emul_reg(c, X86_RCX, c->insn->addr_bytes) ? X86_OK : branch_relative(c);
}

/* ------------------------------------------------------------------------
 * The stack
 */

int emul_push_value(struct x86_emulate_ctxt *c)
{
	return emul_push(c, c->src.val, c->insn->op_bytes);
}

int emul_pop_value(struct x86_emulate_ctxt *c)
{
	return emul_pop(c, &c->dst.val, c->dst.bytes);
}

/* POP r/m: an address based on RSP uses its value after the pop. */
int emul_pop_ev(struct x86_emulate_ctxt *c)
{
	unsigned int bytes = c->insn->op_bytes;
	u64 rsp = c->regs[X86_RSP], val;
	int r = emul_pop(c, &val, bytes);

	if (r != X86_OK)
		return r;
	if (c->insn->mod == 3) {
		emul_set_reg(c, c->insn->rm, bytes, val);
		return X86_OK;
	}
	r = emul_write(c, c->insn->seg, emul_effective_address(c), &val, bytes);
	if (r != X86_OK)
		c->regs[X86_RSP] = rsp;
	return r;
}

int emul_pusha(struct x86_emulate_ctxt *c)
{
	unsigned int bytes = c->insn->op_bytes, i;
	struct emul_stack stack;
	int r;

	emul_stack_current(c, &stack);
	r = emul_stack_probe(c, &stack, 8, bytes);
	for (i = X86_RAX; i <= X86_RDI && r == X86_OK; i++)
		r = emul_stack_push(c, &stack, c->regs[i], bytes);
	if (r == X86_OK)
		c->regs[X86_RSP] = stack.rsp;
	return r;
}

int emul_popa(struct x86_emulate_ctxt *c)
{
	unsigned int bytes = c->insn->op_bytes;
	struct emul_stack stack;
	u64 val[8];
	int i, r = X86_OK;

	emul_stack_current(c, &stack);
	for (i = X86_RDI; i >= X86_RAX && r == X86_OK; i--)
		r = emul_stack_pop(c, &stack, &val[i], bytes);
	if (r != X86_OK)
		return r;
	for (i = X86_RAX; i <= X86_RDI; i++)
		if (i != X86_RSP)
			emul_set_reg(c, i, bytes, val[i]);
	c->regs[X86_RSP] = stack.rsp;
	return X86_OK;
}

/* ENTER's frame is made in ctxt->buffer first, from its end downwards like the stack. */
static u8 *frame_entry(struct x86_emulate_ctxt *c, unsigned int index)
{
	return c->buffer + X86_BUFFER_BYTES - (index + 1) * c->insn->op_bytes;
}

/* Put what entry @index of the new frame will write at @display into @val. */
static void overlay_entry(struct x86_emulate_ctxt *c, const struct emul_stack *start,
			  const struct emul_stack *display, unsigned int index, u64 *val)
{
	unsigned int bytes = c->insn->op_bytes, i;
	struct emul_stack entry = *start;
	u64 distance;

	emul_stack_adjust(&entry, -(s64)((index + 1) * bytes));
	for (i = 0; i < bytes; i++) {
		/* Stack pointers wrap as their width says, what they point to does not. */
		distance = (display->rsp & start->mask) + i - (entry.rsp & start->mask);
		if (!start->flat)
			distance = (u32)distance;
		if (distance < bytes)
			((u8 *)val)[i] = frame_entry(c, index)[distance];
	}
}

/*
 * Entry @index of the display, the frame pointers of outer procedures, as it will be when
 * all entries of the new frame before it have been pushed.
 */
static int read_display(struct x86_emulate_ctxt *c, const struct emul_stack *start,
			unsigned int index, u64 *val)
{
	struct emul_stack display = *start;
	unsigned int i;
	int r;

	display.rsp = c->regs[X86_RBP];
	emul_stack_adjust(&display, -(s64)(index * c->insn->op_bytes));
	r = emul_stack_peek(c, &display, 0, val, c->insn->op_bytes);
	for (i = 0; i < index; i++)
		overlay_entry(c, start, &display, i, val);
	return r;
}

/* Make the frame, check that it can be pushed, and count its entries. */
static int make_frame(struct x86_emulate_ctxt *c, struct emul_stack *stack,
		      unsigned int level, unsigned int *count)
{
	unsigned int bytes = c->insn->op_bytes, i;
	struct emul_stack start = *stack;
	int r = emul_stack_try_push(c, stack, bytes);
	u64 val, frame_pointer = stack->rsp;

	memcpy(frame_entry(c, 0), &c->regs[X86_RBP], bytes);
	for (i = 1; i < level && r == X86_OK; i++) {
		r = read_display(c, &start, i, &val);
		memcpy(frame_entry(c, i), &val, bytes);
		if (r == X86_OK)
			r = emul_stack_try_push(c, stack, bytes);
	}
	*count = 1 + level;
	if (r != X86_OK || !level)
		return r;
	memcpy(frame_entry(c, level), &frame_pointer, bytes);
	return emul_stack_try_push(c, stack, bytes);
}

static int push_frame(struct x86_emulate_ctxt *c, const struct emul_stack *start,
		      unsigned int count)
{
	unsigned int bytes = c->insn->op_bytes, i;
	struct emul_stack stack = *start;
	int r = X86_OK;
	u64 val = 0;

	for (i = 0; i < count && r == X86_OK; i++) {
		memcpy(&val, frame_entry(c, i), bytes);
		r = emul_stack_push(c, &stack, val, bytes);
	}
	return r;
}

/* The new top of the stack must be writable, though nothing is written there. */
int emul_enter(struct x86_emulate_ctxt *c)
{
	unsigned int bytes = c->insn->op_bytes, count;
	struct emul_stack start, top;
	int r;

	emul_stack_current(c, &start);
	top = start;
	r = make_frame(c, &top, c->insn->imm2 & 31, &count);
	emul_stack_adjust(&top, -(s64)c->src.val);
	if (r == X86_OK)
		r = emul_stack_check(c, &top, bytes);
	if (r == X86_OK)
		r = push_frame(c, &start, count);
	if (r != X86_OK)
		return r;
	emul_stack_adjust(&start, -(s64)bytes);
	emul_set_reg(c, X86_RBP, bytes, start.rsp);
	c->regs[X86_RSP] = top.rsp;
	return X86_OK;
}

int emul_leave(struct x86_emulate_ctxt *c)
{
	struct emul_stack stack;
	u64 val;
	int r;

	emul_stack_current(c, &stack);
	stack.rsp = (stack.rsp & ~stack.mask) | (c->regs[X86_RBP] & stack.mask);
	r = emul_stack_pop(c, &stack, &val, c->insn->op_bytes);
	if (r != X86_OK)
		return r;
	c->regs[X86_RSP] = stack.rsp;
	emul_set_reg(c, X86_RBP, c->insn->op_bytes, val);
	return X86_OK;
}

int emul_bound(struct x86_emulate_ctxt *c)
{
	unsigned int bytes = c->insn->op_bytes;
	u64 lower = 0, upper = 0, ea = c->src.ea;
	s64 index = (s64)emul_sext(c->dst.val, bytes);
	int r = emul_read(c, c->src.seg, ea, &lower, bytes);

	ea = (ea + bytes) & emul_mask(c->insn->addr_bytes);
	if (r == X86_OK)
		r = emul_read(c, c->src.seg, ea, &upper, bytes);
	if (r != X86_OK)
		return r;
	if (index < (s64)emul_sext(lower, bytes) || index > (s64)emul_sext(upper, bytes))
		return x86_emulate_fault(c, EXC_BR);
	return X86_OK;
}

/* ------------------------------------------------------------------------
 * RFLAGS
 */

/* In vm86 mode below IOPL 3: are virtual interrupts there to use instead? */
static bool vm86_sensitive(const struct x86_emulate_ctxt *c)
{
	return c->mode == X86_MODE_VM86 && emul_iopl(c) < 3;
}

bool emul_vme(struct x86_emulate_ctxt *c)
{
	return emul_sysreg(c, X86_REG_CR4) & X86_CR4_VME;
}

int emul_pushf(struct x86_emulate_ctxt *c)
{
	u64 image = c->rflags & ~(u64)(X86_EFLAGS_VM | X86_EFLAGS_RF);

	if (vm86_sensitive(c)) {
		if (c->insn->op_bytes != 2 || !emul_vme(c))
			return emul_gp(c);
		image |= X86_EFLAGS_IOPL | X86_EFLAGS_IF;
		if (!(c->rflags & X86_EFLAGS_VIF))
			image &= ~(u64)X86_EFLAGS_IF;
	}
	return emul_push(c, image, c->insn->op_bytes);
}

/* POPF and IRET in vm86 mode with VME: IF stands for VIF, IOPL stays. */
int emul_load_flags_vme(struct x86_emulate_ctxt *c, u64 image)
{
	u64 mask = 0xffff & EMUL_FL_ALL & ~(u64)(X86_EFLAGS_IF | X86_EFLAGS_IOPL);

	if (((image & X86_EFLAGS_IF) && (c->rflags & X86_EFLAGS_VIP)) ||
	    (image & X86_EFLAGS_TF))
		return emul_gp(c);
	c->next_rflags = (c->rflags & ~mask) | (image & mask);
	emul_flag(c, X86_EFLAGS_VIF, image & X86_EFLAGS_IF);
	return X86_OK;
}

u64 emul_flags_writable(const struct x86_emulate_ctxt *c, unsigned int bytes)
{
	u64 mask = EMUL_FL_ALL & emul_mask(bytes) &
		   ~(u64)(X86_EFLAGS_VM | X86_EFLAGS_VIF | X86_EFLAGS_VIP |
			  X86_EFLAGS_IOPL | X86_EFLAGS_IF);

	if (c->cpl == 0)
		mask |= X86_EFLAGS_IOPL;
	if (c->cpl <= emul_iopl(c))
		mask |= X86_EFLAGS_IF;
	return mask;
}

static int load_flags(struct x86_emulate_ctxt *c, u64 image)
{
	u64 mask = emul_flags_writable(c, c->insn->op_bytes) & ~(u64)X86_EFLAGS_RF;

	if (vm86_sensitive(c))
		return emul_load_flags_vme(c, image);
	c->next_rflags = (c->rflags & ~mask) | (image & mask);
	return X86_OK;
}

int emul_popf(struct x86_emulate_ctxt *c)
{
	unsigned int bytes = c->insn->op_bytes;
	struct emul_stack stack;
	u64 image;
	int r;

	if (vm86_sensitive(c) && (bytes != 2 || !emul_vme(c)))
		return emul_gp(c);
	emul_stack_current(c, &stack);
	r = emul_stack_pop(c, &stack, &image, bytes);
	if (r == X86_OK)
		r = load_flags(c, image);
	if (r == X86_OK)
		c->regs[X86_RSP] = stack.rsp;
	return r;
}

#define SAHF_FLAGS	(EMUL_FL_ARITH & 0xff)

int emul_sahf(struct x86_emulate_ctxt *c)
{
	if (emul_long64(c) && !emul_has(c, FEAT_LAHF))
		return emul_ud(c);
	c->next_rflags = (c->rflags & ~SAHF_FLAGS) | ((c->regs[X86_RAX] >> 8) & SAHF_FLAGS);
	return X86_OK;
}

int emul_lahf(struct x86_emulate_ctxt *c)
{
	u64 flags = (c->rflags & SAHF_FLAGS) | X86_EFLAGS_FIXED;

	if (emul_long64(c) && !emul_has(c, FEAT_LAHF))
		return emul_ud(c);
	c->regs[X86_RAX] = (c->regs[X86_RAX] & ~0xff00ull) | flags << 8;
	return X86_OK;
}

int emul_cmc(struct x86_emulate_ctxt *c)
{
	c->next_rflags ^= X86_EFLAGS_CF;
	return X86_OK;
}

int emul_clc(struct x86_emulate_ctxt *c)
{
	emul_flag(c, X86_EFLAGS_CF, false);
	return X86_OK;
}

int emul_stc(struct x86_emulate_ctxt *c)
{
	emul_flag(c, X86_EFLAGS_CF, true);
	return X86_OK;
}

int emul_cld(struct x86_emulate_ctxt *c)
{
	emul_flag(c, X86_EFLAGS_DF, false);
	return X86_OK;
}

int emul_std(struct x86_emulate_ctxt *c)
{
	emul_flag(c, X86_EFLAGS_DF, true);
	return X86_OK;
}

/*
 * Which flag do CLI and STI mean here: IF by IOPL, VIF with virtual interrupts in vm86
 * mode (VME) or at CPL 3 (PVI), or none at all?
 */
static u64 interrupt_flag(struct x86_emulate_ctxt *c)
{
	u64 enable = c->mode == X86_MODE_VM86 ? X86_CR4_VME : X86_CR4_PVI;

	if (c->mode == X86_MODE_REAL || c->cpl <= emul_iopl(c))
		return X86_EFLAGS_IF;
	if (c->cpl == 3 && (emul_sysreg(c, X86_REG_CR4) & enable))
		return X86_EFLAGS_VIF;
	return 0;
}

int emul_cli(struct x86_emulate_ctxt *c)
{
	u64 flag = interrupt_flag(c);

	if (!flag)
		return emul_gp(c);
	emul_flag(c, flag, false);
	return X86_OK;
}

int emul_sti(struct x86_emulate_ctxt *c)
{
	u64 flag = interrupt_flag(c);

	if (!flag || (flag == X86_EFLAGS_VIF && (c->rflags & X86_EFLAGS_VIP)))
		return emul_gp(c);
	if (flag == X86_EFLAGS_IF && !(c->rflags & X86_EFLAGS_IF))
		c->int_shadow = X86_SHADOW_STI;
	emul_flag(c, flag, true);
	return X86_OK;
}
