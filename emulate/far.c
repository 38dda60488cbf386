// SPDX-License-Identifier: GPL-2.0
/*
 * Far transfers: JMP, CALL, RET and IRET between segments and privilege levels, and the
 * fast system calls.
 *
 * Every transfer first builds a struct emul_target with all checks made, then finds the
 * stack it needs and writes to it, and only then loads SS, CS and RIP.  Gates and the
 * inner stacks of a TSS are shared with event.c; task gates and TSSs go on to task.c.
 *
 * SDM volume 2, CALL, JMP, RET, IRET, SYSCALL, SYSENTER; APM volume 3, the same; APM
 * volume 2, "Control Transfers".
 */
#include "emulate.h"

/* ------------------------------------------------------------------------
 * Targets
 */

/* The far pointer that the instruction's memory operand holds. */
int emul_read_far_pointer(struct x86_emulate_ctxt *c, u16 *selector, u64 *offset)
{
	/* AMD has no 64-bit offsets in far pointers. */
	unsigned int bytes = c->insn->op_bytes == 8 && emul_amd(c) ? 4 : c->insn->op_bytes;
	u64 mask = emul_mask(c->insn->addr_bytes);
	int r;

	*offset = 0;
	r = emul_read(c, c->src.seg, c->src.ea, offset, bytes);
	if (r == X86_OK)
		r = emul_read(c, c->src.seg, (c->src.ea + bytes) & mask, selector, 2);
	return r;
}

static bool is_code(const struct emul_desc *desc)
{
	return DESC_S(desc) && (DESC_TYPE(desc) & X86_AR_CODE);
}

static bool is_conforming_code(const struct emul_desc *desc)
{
	return is_code(desc) && (DESC_TYPE(desc) & X86_AR_CONFORMING);
}

int emul_check_target(struct x86_emulate_ctxt *c, struct emul_target *t, u64 rip)
{
	bool long_mode = emul_long_mode(c);
	int r;

	if (!DESC_P(&t->desc))
		return emul_fault_selector(c, EXC_NP, t->desc.selector);
	t->long64 = long_mode && DESC_L(&t->desc);
	if (t->long64 && DESC_DB(&t->desc))
		return emul_fault_selector(c, EXC_GP, t->desc.selector);
	r = emul_mark_accessed(c, &t->desc);
	if (r != X86_OK)
		return r;
	emul_unpack_desc(&t->desc, &t->cs);
	t->cs.selector = (t->desc.selector & ~3) | t->cpl;
	/* From 64-bit to 32-bit code Intel takes no more of RIP than that. */
	t->rip = t->long64 || emul_amd(c) ? rip : (u32)rip;
	return X86_OK;
}

int emul_check_rip(struct x86_emulate_ctxt *c, const struct emul_target *t)
{
	if (t->long64 ? !emul_canonical(c, t->rip) : t->rip > t->cs.limit)
		return emul_gp(c);
	return X86_OK;
}

static enum x86_mode target_mode(const struct emul_target *t)
{
	if (t->long64)
		return X86_MODE_LONG64;
	return t->cs.ar & X86_AR_DB ? X86_MODE_PROT32 : X86_MODE_PROT16;
}

void emul_enter_target(struct x86_emulate_ctxt *c, const struct emul_target *t)
{
	u8 mode = target_mode(t);

	if (c->mode != mode || c->cpl != t->cpl)
		c->changed |= X86_CHG_MODE;
	c->mode = mode;
	c->cpl = t->cpl;
	emul_load_seg(c, X86_CS, &t->cs);
	c->next_rip = t->rip;
}

void emul_switch_stack(struct x86_emulate_ctxt *c, const struct emul_stack *stack)
{
	emul_load_seg(c, X86_SS, &stack->ss);
	c->regs[X86_RSP] = stack->rsp;
}

/* A code segment named by an instruction, to run at the current level. */
static int direct_target(struct x86_emulate_ctxt *c, struct emul_target *t, u64 offset)
{
	unsigned int dpl = DESC_DPL(&t->desc), rpl = t->desc.selector & 3;

	if (is_conforming_code(&t->desc) ? dpl > c->cpl : dpl != c->cpl || rpl > c->cpl)
		return emul_fault_selector(c, EXC_GP, t->desc.selector);
	t->cpl = c->cpl;
	return emul_check_target(c, t, offset);
}

/* Real and vm86 mode: a paragraph and an offset within the segment's limit. */
static void real_segment(struct x86_emulate_ctxt *c, u16 selector, struct x86_seg *cs)
{
	if (c->mode == X86_MODE_VM86)
		emul_vm86_seg(selector, cs);
	else
		emul_real_seg(c, X86_CS, selector, cs);
}

static int real_target(struct x86_emulate_ctxt *c, u16 selector, u64 offset,
		       struct x86_seg *cs)
{
	real_segment(c, selector, cs);
	return offset > cs->limit ? emul_gp(c) : X86_OK;
}

static void enter_real_target(struct x86_emulate_ctxt *c, const struct x86_seg *cs, u64 rip)
{
	emul_load_seg(c, X86_CS, cs);
	c->next_rip = rip;
}

/* ------------------------------------------------------------------------
 * Call gates
 */

struct call_gate {
	struct emul_desc desc;
	u64 offset;
	u16 selector;
	u8 params;		/* to copy to an inner stack */
	u8 bytes;		/* width of what is pushed */
};

/* Read a call gate fully and check that this level may go through it. */
static int read_gate(struct x86_emulate_ctxt *c, u16 selector, struct call_gate *gate)
{
	unsigned int rpl = selector & 3;
	int r = emul_read_gate(c, selector, EXC_GP, &gate->desc);

	if (r != X86_OK)
		return r;
	if (DESC_DPL(&gate->desc) < c->cpl || DESC_DPL(&gate->desc) < rpl)
		return emul_fault_selector(c, EXC_GP, selector);
	if (!DESC_P(&gate->desc))
		return emul_fault_selector(c, EXC_NP, selector);
	gate->selector = (u16)(gate->desc.lo >> 16);
	gate->offset = gate->desc.lo & 0xffff;
	gate->params = gate->desc.lo >> 32 & 31;
	gate->bytes = 2;
	if (DESC_TYPE(&gate->desc) == DESC_CALL) {
		gate->offset |= gate->desc.lo >> 32 & 0xffff0000;
		gate->bytes = 4;
	}
	if (emul_long_mode(c)) {
		gate->offset |= gate->desc.hi << 32;
		gate->bytes = 8;
		gate->params = 0;
	}
	return X86_OK;
}

/* The code segment behind a gate.  @inward: a call may go to a lower level. */
static int gate_target(struct x86_emulate_ctxt *c, const struct call_gate *gate, bool inward,
		       struct emul_target *t)
{
	unsigned int dpl;
	bool same;
	int r;

	if (gate->selector <= 3)
		return emul_gp(c);
	r = emul_read_desc(c, gate->selector, EXC_GP, &t->desc);
	if (r != X86_OK)
		return r;
	dpl = DESC_DPL(&t->desc);
	same = is_conforming_code(&t->desc) || !inward;
	if (!is_code(&t->desc) || dpl > c->cpl ||
	    (!inward && !is_conforming_code(&t->desc) && dpl != c->cpl))
		return emul_fault_selector(c, EXC_GP, gate->selector);
	if (emul_long_mode(c) && !DESC_L(&t->desc))
		return emul_fault_selector(c, EXC_GP, gate->selector);
	t->cpl = same ? c->cpl : dpl;
	return emul_check_target(c, t, gate->offset);
}

/* ------------------------------------------------------------------------
 * Inner stacks
 */

/* Read @len bytes of the TSS at @offset; #TS(TSS) beyond its limit. */
static int read_tss(struct x86_emulate_ctxt *c, unsigned int offset, void *buf,
		    unsigned int len)
{
	const struct x86_seg *tr = emul_seg(c, X86_TR);

	if ((tr->ar & X86_AR_UNUSABLE) || offset + len - 1 > tr->limit)
		return emul_fault_selector(c, EXC_TS, tr->selector);
	return emul_read_system(c, tr->base + offset, buf, len, 0);
}

static int inner_stack_long(struct x86_emulate_ctxt *c, const struct emul_target *t,
			    unsigned int ist, struct emul_stack *stack)
{
	unsigned int offset = ist ? 28 + 8 * ist : 4u + 8 * t->cpl;
	struct x86_seg ss;
	u64 rsp;
	int r = read_tss(c, offset, &rsp, 8);

	if (r != X86_OK)
		return r;
	emul_null_stack_seg(c, t->cpl, t->cpl, &ss);
	emul_stack_init(c, stack, &ss, rsp, t->cpl, true);
	return emul_canonical(c, rsp) ? X86_OK : x86_emulate_fault_error(c, EXC_SS, 0);
}

int emul_inner_stack(struct x86_emulate_ctxt *c, const struct emul_target *t,
		     unsigned int ist, struct emul_stack *stack)
{
	bool tss16 = !(emul_seg(c, X86_TR)->ar & 8);
	unsigned int bytes = tss16 ? 2 : 4;
	unsigned int offset = tss16 ? 2 + 4 * t->cpl : 4 + 8 * t->cpl;
	struct x86_seg ss;
	u16 selector;
	u64 rsp = 0;
	int r;

	if (emul_long_mode(c))
		return inner_stack_long(c, t, ist, stack);
	r = read_tss(c, offset, &rsp, bytes);
	if (r == X86_OK)
		r = read_tss(c, offset + bytes, &selector, 2);
	if (r == X86_OK)
		r = emul_check_stack_seg(c, selector, t->cpl, false, EXC_TS, &ss);
	if (r != X86_OK)
		return r;
	emul_stack_init(c, stack, &ss, rsp, t->cpl, false);
	stack->error = selector & ~3;
	return X86_OK;
}

/* ------------------------------------------------------------------------
 * JMP and CALL
 */

/* Push the return address on @stack, which is known to hold it. */
static int push_return(struct x86_emulate_ctxt *c, struct emul_stack *stack,
		       unsigned int bytes)
{
	int r = emul_stack_push(c, stack, emul_seg(c, X86_CS)->selector, bytes);

	return r == X86_OK ? emul_stack_push(c, stack, c->next_rip, bytes) : r;
}

/* A call that stays on its stack, whose pushes are those of the mode that it goes to. */
static int call_same_stack(struct x86_emulate_ctxt *c, unsigned int bytes,
			   const struct emul_target *t)
{
	struct emul_stack stack;
	int r;

	emul_stack_init(c, &stack, emul_seg(c, X86_SS), c->regs[X86_RSP], c->cpl, t->long64);
	r = emul_stack_probe(c, &stack, 2, bytes);
	if (r == X86_OK)
		r = emul_check_rip(c, t);
	if (r == X86_OK)
		r = push_return(c, &stack, bytes);
	if (r == X86_OK)
		c->regs[X86_RSP] = stack.rsp;
	return r;
}

/* Go to @t at the current level, by JMP or CALL. */
static int enter_same_level(struct x86_emulate_ctxt *c, const struct emul_target *t,
			    bool is_call, unsigned int bytes)
{
	int r = is_call ? call_same_stack(c, bytes, t) : emul_check_rip(c, t);

	if (r == X86_OK)
		emul_enter_target(c, t);
	return r;
}

/* Push what a call to an inner level leaves on the new stack. */
static int push_outer_frame(struct x86_emulate_ctxt *c, struct emul_stack *stack,
			    const struct call_gate *gate, const struct emul_target *t)
{
	struct emul_stack old;
	u64 params[31];
	int i, r = X86_OK;

	emul_stack_current(c, &old);
	for (i = 0; i < gate->params && r == X86_OK; i++)
		r = emul_stack_pop(c, &old, &params[i], gate->bytes);
	if (r == X86_OK)
		r = emul_stack_probe(c, stack, 4 + gate->params, gate->bytes);
	if (r == X86_OK)
		r = emul_check_rip(c, t);
	if (r == X86_OK)
		r = emul_stack_push(c, stack, emul_seg(c, X86_SS)->selector, gate->bytes);
	if (r == X86_OK)
		r = emul_stack_push(c, stack, c->regs[X86_RSP], gate->bytes);
	for (i = gate->params; i-- && r == X86_OK;)
		r = emul_stack_push(c, stack, params[i], gate->bytes);
	return r == X86_OK ? push_return(c, stack, gate->bytes) : r;
}

static int call_inner(struct x86_emulate_ctxt *c, const struct call_gate *gate,
		      const struct emul_target *t)
{
	struct emul_stack stack;
	int r = emul_inner_stack(c, t, 0, &stack);

	if (r == X86_OK)
		r = push_outer_frame(c, &stack, gate, t);
	if (r != X86_OK)
		return r;
	emul_switch_stack(c, &stack);
	emul_enter_target(c, t);
	return X86_OK;
}

static int through_gate(struct x86_emulate_ctxt *c, u16 selector, bool is_call)
{
	struct emul_target t;
	struct call_gate gate;
	int r = read_gate(c, selector, &gate);

	if (r == X86_OK)
		r = gate_target(c, &gate, is_call, &t);
	if (r == X86_OK && t.cpl < c->cpl)
		return call_inner(c, &gate, &t);
	return r == X86_OK ? enter_same_level(c, &t, is_call, gate.bytes) : r;
}

/* The TSS that @selector names, directly or by a task gate, if this level may use it. */
static int to_task(struct x86_emulate_ctxt *c, const struct emul_desc *desc, bool is_call)
{
	u16 selector = desc->selector;

	if (DESC_DPL(desc) < c->cpl || DESC_DPL(desc) < (selector & 3))
		return emul_fault_selector(c, EXC_GP, selector);
	if (DESC_TYPE(desc) == DESC_TASK) {
		if (!DESC_P(desc))
			return emul_fault_selector(c, EXC_NP, selector);
		selector = (u16)(desc->lo >> 16);
	}
	return emul_task_switch(c, selector, is_call ? X86_TASK_CALL : X86_TASK_JMP, NULL);
}

/* A system descriptor as the target of JMP or CALL. */
static int to_system(struct x86_emulate_ctxt *c, const struct emul_desc *desc, bool is_call)
{
	bool long_mode = emul_long_mode(c);

	switch (DESC_TYPE(desc)) {
	case DESC_CALL16:
		if (long_mode)
			break;
		fallthrough;
	case DESC_CALL:
		return through_gate(c, desc->selector, is_call);
	case DESC_TASK:
	case DESC_TSS16:
	case DESC_TSS:
	case DESC_TSS16_BUSY:
	case DESC_TSS_BUSY:
		if (!long_mode)
			return to_task(c, desc, is_call);
		break;
	}
	return emul_fault_selector(c, EXC_GP, desc->selector);
}

static int far_real(struct x86_emulate_ctxt *c, u16 selector, u64 offset, bool is_call)
{
	struct emul_target t = { .rip = offset };
	int r = X86_OK;

	real_segment(c, selector, &t.cs);
	if (is_call)
		r = call_same_stack(c, c->insn->op_bytes, &t);
	else
		r = emul_check_rip(c, &t);
	if (r == X86_OK)
		enter_real_target(c, &t.cs, offset);
	return r;
}

static int far_transfer(struct x86_emulate_ctxt *c, u16 selector, u64 offset, bool is_call)
{
	struct emul_target t;
	int r;

	if (!emul_protected(c))
		return far_real(c, selector, offset, is_call);
	if (selector <= 3)
		return emul_gp(c);
	r = emul_read_desc(c, selector, EXC_GP, &t.desc);
	if (r != X86_OK)
		return r;
	if (!DESC_S(&t.desc))
		return to_system(c, &t.desc, is_call);
	if (!is_code(&t.desc))
		return emul_fault_selector(c, EXC_GP, selector);
	r = direct_target(c, &t, offset);
	return r == X86_OK ? enter_same_level(c, &t, is_call, c->insn->op_bytes) : r;
}

int emul_jmp_far(struct x86_emulate_ctxt *c)
{
	return far_transfer(c, c->insn->imm2, c->insn->imm, false);
}

int emul_call_far(struct x86_emulate_ctxt *c)
{
	return far_transfer(c, c->insn->imm2, c->insn->imm, true);
}

static int far_memory(struct x86_emulate_ctxt *c, bool is_call)
{
	u16 selector;
	u64 offset;
	int r = emul_read_far_pointer(c, &selector, &offset);

	return r == X86_OK ? far_transfer(c, selector, offset, is_call) : r;
}

int emul_jmp_far_mem(struct x86_emulate_ctxt *c)
{
	return far_memory(c, false);
}

int emul_call_far_mem(struct x86_emulate_ctxt *c)
{
	return far_memory(c, true);
}

/* ------------------------------------------------------------------------
 * RET and IRET
 */

/* What a far return has popped. */
struct return_frame {
	struct emul_stack stack;	/* the old one, what is popped taken off */
	struct emul_stack outer;	/* the new one, of a return outward */
	struct emul_target target;
	u64 rip, rflags, outer_rsp;
	u16 selector, outer_ss;
};

/* CS and RIP, in the order in which processors read them: it shows if both fault. */
static int pop_return(struct x86_emulate_ctxt *c, struct return_frame *f, unsigned int bytes)
{
	int r;

	emul_stack_current(c, &f->stack);
	r = emul_stack_peek_selector(c, &f->stack, 1, &f->selector, bytes);
	if (r == X86_OK)
		r = emul_stack_peek(c, &f->stack, 0, &f->rip, bytes);
	emul_stack_adjust(&f->stack, 2 * bytes);
	return r;
}

/* The three of IRET: the flags are read first. */
static int pop_iret(struct x86_emulate_ctxt *c, struct return_frame *f, unsigned int bytes)
{
	int r;

	emul_stack_current(c, &f->stack);
	r = emul_stack_peek(c, &f->stack, 2, &f->rflags, bytes);
	if (r == X86_OK)
		r = pop_return(c, f, bytes);
	emul_stack_adjust(&f->stack, bytes);
	return r;
}

/* The code segment to return to runs at the RPL of its selector, never further in. */
static int return_target(struct x86_emulate_ctxt *c, struct return_frame *f)
{
	struct emul_target *t = &f->target;
	unsigned int rpl = f->selector & 3, dpl;
	int r;

	if (f->selector <= 3)
		return emul_gp(c);
	r = emul_read_desc(c, f->selector, EXC_GP, &t->desc);
	if (r != X86_OK)
		return r;
	dpl = DESC_DPL(&t->desc);
	if (!is_code(&t->desc) || rpl < c->cpl ||
	    (is_conforming_code(&t->desc) ? dpl > rpl : dpl != rpl))
		return emul_fault_selector(c, EXC_GP, f->selector);
	t->cpl = rpl;
	r = emul_check_target(c, t, f->rip);
	return r == X86_OK ? emul_check_rip(c, t) : r;
}

/* Pop SS:RSP off the old stack. */
static int pop_outer_stack(struct x86_emulate_ctxt *c, struct return_frame *f,
			   unsigned int bytes)
{
	int r = emul_stack_peek_selector(c, &f->stack, 1, &f->outer_ss, bytes);

	if (r == X86_OK)
		r = emul_stack_peek(c, &f->stack, 0, &f->outer_rsp, bytes);
	emul_stack_adjust(&f->stack, 2 * bytes);
	return r;
}

/* Check the popped stack for the level returned to. */
static int check_outer_stack(struct x86_emulate_ctxt *c, struct return_frame *f)
{
	const struct emul_target *t = &f->target;
	struct x86_seg ss;
	int r = emul_check_stack_seg(c, f->outer_ss, t->cpl, t->long64, EXC_GP, &ss);

	if (r != X86_OK)
		return r;
	emul_stack_init(c, &f->outer, &ss, t->long64 ? f->outer_rsp : (u32)f->outer_rsp,
			t->cpl, t->long64);
	/* A 16-bit stack pointer takes its low half alone. */
	if (f->outer.mask == 0xffff)
		f->outer.rsp = emul_merge(c->regs[X86_RSP], f->outer_rsp, 2);
	return X86_OK;
}

/* Outer code must not inherit segments that it could not have loaded. */
static void drop_data_segs(struct x86_emulate_ctxt *c, unsigned int cpl)
{
	static const u8 sregs[] = { X86_ES, X86_DS, X86_FS, X86_GS };
	struct x86_seg seg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sregs); i++) {
		u32 ar = emul_seg(c, sregs[i])->ar;
		bool conforming = (ar & (X86_AR_CODE | X86_AR_CONFORMING)) ==
				  (X86_AR_CODE | X86_AR_CONFORMING);

		if ((ar & X86_AR_UNUSABLE) || conforming ||
		    (ar & X86_AR_DPL) >> X86_AR_DPL_SHIFT >= cpl)
			continue;
		emul_null_seg(c, sregs[i], 0, &seg);
		emul_load_seg(c, sregs[i], &seg);
	}
}

/* A return of @popped bytes on the same stack, which is by now that of the new mode. */
static void stay_on_stack(struct x86_emulate_ctxt *c, const struct return_frame *f,
			  unsigned int popped)
{
	struct emul_stack stack;

	emul_stack_init(c, &stack, emul_seg(c, X86_SS), c->regs[X86_RSP], c->cpl,
			f->target.long64);
	emul_stack_adjust(&stack, popped);
	c->regs[X86_RSP] = stack.rsp;
}

static void commit_return(struct x86_emulate_ctxt *c, const struct return_frame *f,
			  bool new_stack, unsigned int popped)
{
	bool outward = f->target.cpl > c->cpl;

	emul_enter_target(c, &f->target);
	if (new_stack)
		emul_switch_stack(c, &f->outer);
	else
		stay_on_stack(c, f, popped);
	if (outward)
		drop_data_segs(c, f->target.cpl);
}

static int ret_far_real(struct x86_emulate_ctxt *c, struct return_frame *f)
{
	struct x86_seg cs;
	int r = real_target(c, f->selector, f->rip, &cs);

	if (r != X86_OK)
		return r;
	emul_stack_adjust(&f->stack, c->src.val);
	c->regs[X86_RSP] = f->stack.rsp;
	enter_real_target(c, &cs, f->rip);
	return X86_OK;
}

static int ret_far_protected(struct x86_emulate_ctxt *c, struct return_frame *f)
{
	unsigned int bytes = c->insn->op_bytes;
	bool outward = (f->selector & 3) != c->cpl;
	int r = X86_OK;

	emul_stack_adjust(&f->stack, c->src.val);
	/* Intel looks at the code segment first (SDM RET), AMD at the stack. */
	if (!emul_amd(c))
		r = return_target(c, f);
	if (r == X86_OK && outward)
		r = pop_outer_stack(c, f, bytes);
	if (r == X86_OK && emul_amd(c))
		r = return_target(c, f);
	if (r == X86_OK && outward)
		r = check_outer_stack(c, f);
	if (r != X86_OK)
		return r;
	if (outward)
		emul_stack_adjust(&f->outer, c->src.val);
	commit_return(c, f, outward, 2 * bytes + (unsigned int)c->src.val);
	return X86_OK;
}

int emul_ret_far(struct x86_emulate_ctxt *c)
{
	struct return_frame f;
	int r = pop_return(c, &f, c->insn->op_bytes);

	if (r != X86_OK)
		return r;
	return emul_protected(c) ? ret_far_protected(c, &f) : ret_far_real(c, &f);
}

/* The flags that IRET loads; from an inner level and outside vm86 mode. */
static void load_iret_flags(struct x86_emulate_ctxt *c, u64 image, unsigned int bytes)
{
	u64 mask = emul_flags_writable(c, bytes);

	if (c->cpl == 0)
		mask |= (X86_EFLAGS_VIF | X86_EFLAGS_VIP) & emul_mask(bytes);
	c->next_rflags = (c->rflags & ~mask) | (image & mask);
	c->keep_rf = bytes > 2;
}

static int iret_real(struct x86_emulate_ctxt *c)
{
	bool vme = c->mode == X86_MODE_VM86 && emul_iopl(c) < 3;
	unsigned int bytes = c->insn->op_bytes;
	struct return_frame f;
	struct x86_seg cs;
	u64 mask;
	int r;

	if (vme && (bytes != 2 || !emul_vme(c)))
		return emul_gp(c);
	r = pop_iret(c, &f, bytes);
	if (r == X86_OK)
		r = real_target(c, f.selector, f.rip, &cs);
	if (r == X86_OK && vme)
		r = emul_load_flags_vme(c, f.rflags);
	if (r != X86_OK)
		return r;
	if (!vme) {
		mask = emul_flags_writable(c, bytes);
		c->next_rflags = (c->rflags & ~mask) | (f.rflags & mask);
		c->keep_rf = bytes > 2;
	}
	c->regs[X86_RSP] = f.stack.rsp;
	enter_real_target(c, &cs, f.rip);
	return X86_OK;
}

/* The back link of the current TSS names the task to return to. */
static int iret_task(struct x86_emulate_ctxt *c)
{
	u16 selector;
	int r;

	if (emul_long_mode(c))
		return emul_gp(c);
	r = read_tss(c, 0, &selector, 2);
	return r == X86_OK ? emul_task_switch(c, selector, X86_TASK_IRET, NULL) : r;
}

/* CPL 0 returns to vm86 mode: a frame of nine, no check but the limit of EIP. */
static int iret_to_vm86(struct x86_emulate_ctxt *c, struct return_frame *f)
{
	static const u8 order[] = { X86_SS, X86_ES, X86_DS, X86_FS, X86_GS };
	u64 selectors[ARRAY_SIZE(order)];
	struct x86_seg seg;
	unsigned int i;
	u64 rsp;
	int r;

	r = emul_stack_pop(c, &f->stack, &rsp, 4);
	for (i = 0; i < ARRAY_SIZE(order) && r == X86_OK; i++)
		r = emul_stack_pop(c, &f->stack, &selectors[i], 4);
	if (r == X86_OK && (u32)f->rip > 0xffff)
		r = emul_gp(c);
	if (r != X86_OK)
		return r;

	emul_vm86_seg(f->selector, &seg);
	emul_load_seg(c, X86_CS, &seg);
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		emul_vm86_seg((u16)selectors[i], &seg);
		emul_load_seg(c, order[i], &seg);
	}
	c->regs[X86_RSP] = rsp;
	c->next_rip = (u32)f->rip;
	c->next_rflags = (f->rflags & EMUL_FL_ALL) | X86_EFLAGS_FIXED;
	c->keep_rf = true;
	c->mode = X86_MODE_VM86;
	c->cpl = 3;
	c->changed |= X86_CHG_MODE;
	return X86_OK;
}

static int iret_protected(struct x86_emulate_ctxt *c)
{
	unsigned int bytes = c->insn->op_bytes;
	struct return_frame f;
	bool new_stack;
	int r;

	if (c->rflags & X86_EFLAGS_NT)
		return iret_task(c);
	r = pop_iret(c, &f, bytes);
	if (r != X86_OK)
		return r;
	if ((f.rflags & X86_EFLAGS_VM) && c->cpl == 0 && bytes == 4 && !emul_long_mode(c))
		return iret_to_vm86(c, &f);
	/* In 64-bit mode the frame has SS:RSP whatever the levels. */
	new_stack = emul_long64(c) || (f.selector & 3) != c->cpl;
	if (new_stack)
		r = pop_outer_stack(c, &f, bytes);
	if (r == X86_OK)
		r = return_target(c, &f);
	if (r == X86_OK && new_stack)
		r = check_outer_stack(c, &f);
	if (r != X86_OK)
		return r;
	load_iret_flags(c, f.rflags, bytes);
	commit_return(c, &f, new_stack, 3 * bytes);
	return X86_OK;
}

int emul_iret(struct x86_emulate_ctxt *c)
{
	u64 unused = 0;
	int r = emul_protected(c) ? iret_protected(c) : iret_real(c);

	/* Done but for the commit of RIP and RFLAGS, which cannot fail. */
	if (r == X86_OK)
		c->ops->system(c, X86_SYS_NMI_UNMASK, &unused);
	return r;
}

/* ------------------------------------------------------------------------
 * SYSCALL, SYSRET, SYSENTER, SYSEXIT: flat segments without descriptors
 */

#define AR_FLAT		(X86_AR_P | X86_AR_S | X86_AR_G | X86_AR_ACCESSED)
#define AR_FLAT_CODE	(AR_FLAT | X86_AR_CODE | X86_AR_READABLE)
#define AR_FLAT_DATA	(AR_FLAT | X86_AR_WRITABLE | X86_AR_DB)

/* Enter a flat code segment with a flat stack segment beside it. */
static void enter_flat(struct x86_emulate_ctxt *c, u16 cs, u16 ss, unsigned int cpl,
		       bool long64, u64 rip)
{
	u32 dpl = cpl << X86_AR_DPL_SHIFT;
	struct x86_seg stack = {
		.selector = ss, .limit = 0xffffffff, .ar = AR_FLAT_DATA | dpl,
	};
	struct emul_target t = {
		.cs = {
			.selector = cs, .limit = 0xffffffff,
			.ar = AR_FLAT_CODE | dpl | (long64 ? X86_AR_L : X86_AR_DB),
		},
		.rip = long64 ? rip : (u32)rip, .cpl = cpl, .long64 = long64,
	};

	emul_load_seg(c, X86_SS, &stack);
	emul_enter_target(c, &t);
}

static int syscall_enabled(struct x86_emulate_ctxt *c)
{
	bool enabled = emul_sysreg(c, X86_REG_EFER) & EFER_SCE_BIT;

	if (!enabled || c->mode == X86_MODE_REAL || (!emul_amd(c) && !emul_long64(c)))
		return emul_ud(c);
	return X86_OK;
}

/* TF counts as these leave it: a kernel that masks it is not stepped into. */
static void trap_by_new_tf(struct x86_emulate_ctxt *c)
{
	c->no_trap = true;
	if (c->next_rflags & X86_EFLAGS_TF)
		c->trap_db |= X86_TRAP_BS;
}

static int syscall_long(struct x86_emulate_ctxt *c, u16 cs)
{
	u64 rip, mask;
	int r = emul_get_msr(c, emul_long64(c) ? EMUL_MSR_LSTAR : EMUL_MSR_CSTAR, &rip);

	if (r == X86_OK)
		r = emul_get_msr(c, EMUL_MSR_FMASK, &mask);
	if (r != X86_OK)
		return r;
	c->regs[X86_RCX] = c->next_rip;
	c->regs[X86_R11] = c->rflags & ~(u64)X86_EFLAGS_RF;
	c->next_rflags = (c->rflags & ~mask) | X86_EFLAGS_FIXED;
	trap_by_new_tf(c);
	enter_flat(c, cs, cs + 8, 0, true, rip);
	return X86_OK;
}

int emul_syscall(struct x86_emulate_ctxt *c)
{
	u64 star;
	u16 cs;
	int r = syscall_enabled(c);

	if (r == X86_OK)
		r = emul_get_msr(c, EMUL_MSR_STAR, &star);
	if (r != X86_OK)
		return r;
	cs = (u16)(star >> 32) & 0xfffc;
	if (emul_long_mode(c))
		return syscall_long(c, cs);
	c->regs[X86_RCX] = c->next_rip;
	c->next_rflags = c->rflags & ~(u64)(X86_EFLAGS_IF | X86_EFLAGS_VM);
	enter_flat(c, cs, cs + 8, 0, false, (u32)star);
	return X86_OK;
}

static int check_sysret(struct x86_emulate_ctxt *c, bool long64, u64 *star)
{
	int r = syscall_enabled(c);

	if (r == X86_OK && c->cpl)
		r = emul_gp(c);
	/* Intel faults here; AMD lets the user's first fetch do it. */
	if (r == X86_OK && long64 && !emul_amd(c) && !emul_canonical(c, c->regs[X86_RCX]))
		r = emul_gp(c);
	return r == X86_OK ? emul_get_msr(c, EMUL_MSR_STAR, star) : r;
}

/* AMD loads the selector of SS alone, and leaves what was in its hidden part. */
static void keep_stack_seg(struct x86_emulate_ctxt *c, struct x86_seg *ss, u16 selector)
{
	ss->selector = selector;
	ss->ar |= X86_AR_DPL;
	emul_load_seg(c, X86_SS, ss);
}

int emul_sysret(struct x86_emulate_ctxt *c)
{
	bool long64 = c->insn->op_bytes == 8;
	struct x86_seg ss = *emul_seg(c, X86_SS);
	u64 star = 0;
	int r = check_sysret(c, long64, &star);
	u16 base = (u16)(star >> 48);

	if (r != X86_OK)
		return r;
	if (emul_long_mode(c))
		c->next_rflags = (c->regs[X86_R11] & 0x3c7fd7) | X86_EFLAGS_FIXED;
	else
		emul_flag(c, X86_EFLAGS_IF, true);
	trap_by_new_tf(c);
	enter_flat(c, (base + (long64 ? 16 : 0)) | 3, (base + 8) | 3, 3, long64,
		   c->regs[X86_RCX]);
	if (emul_amd(c))
		keep_stack_seg(c, &ss, (base + 8) | 3);
	return X86_OK;
}

/* Read the three SYSENTER MSRs; #GP(0) unless there is a code segment. */
static int sysenter_msrs(struct x86_emulate_ctxt *c, u16 *cs, u64 *rsp, u64 *rip)
{
	u64 val;
	int r;

	if (c->mode == X86_MODE_REAL)
		return emul_gp(c);
	if (emul_amd(c) && emul_long_mode(c))
		return emul_ud(c);
	r = emul_get_msr(c, EMUL_MSR_SYSENTER_CS, &val);
	if (r == X86_OK && !(val & 0xfffc))
		r = emul_gp(c);
	*cs = (u16)val & 0xfffc;
	if (r == X86_OK)
		r = emul_get_msr(c, EMUL_MSR_SYSENTER_ESP, rsp);
	if (r == X86_OK)
		r = emul_get_msr(c, EMUL_MSR_SYSENTER_EIP, rip);
	return r;
}

int emul_sysenter(struct x86_emulate_ctxt *c)
{
	bool long_mode = emul_long_mode(c);
	u64 rsp, rip;
	u16 cs;
	int r = sysenter_msrs(c, &cs, &rsp, &rip);

	if (r != X86_OK)
		return r;
	c->next_rflags &= ~(u64)(X86_EFLAGS_VM | X86_EFLAGS_IF);
	c->regs[X86_RSP] = long_mode ? rsp : (u32)rsp;
	enter_flat(c, cs, cs + 8, 0, long_mode, rip);
	return X86_OK;
}

int emul_sysexit(struct x86_emulate_ctxt *c)
{
	bool long64 = c->insn->op_bytes == 8;
	u64 rip = c->regs[X86_RDX], rsp = c->regs[X86_RCX], unused;
	u16 cs;
	int r = c->cpl ? emul_gp(c) : sysenter_msrs(c, &cs, &unused, &unused);

	if (r == X86_OK && long64 && !(emul_canonical(c, rip) && emul_canonical(c, rsp)))
		r = emul_gp(c);
	if (r != X86_OK)
		return r;
	cs = (cs + (long64 ? 32 : 16)) | 3;
	c->regs[X86_RSP] = long64 ? rsp : (u32)rsp;
	enter_flat(c, cs, cs + 8, 3, long64, rip);
	return X86_OK;
}
