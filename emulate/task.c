// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware task switches, through a TSS or a task gate.
 *
 * Up to the commit point a fault belongs to the old task and nothing has changed but
 * accessed bits: the new TSS has been read, the old one read for writing.  Past it the
 * registers are the new task's, and a segment that cannot be loaded is that task's fault
 * (X86_CHG_TASK tells the caller).  Never in long mode, which has no task switches.
 *
 * SDM volume 3, "Task Management"; APM volume 2, "Task Management".
 */
#include "emulate.h"

/* Where a TSS keeps what, by its size: Intel's 16-bit and 32-bit formats. */
struct tss_format {
	u8 word;		/* bytes of a register's field */
	u8 limit;		/* the least limit of the segment */
	u8 state, state_end;	/* the part that a switch saves: from rIP to the segments */
	u8 flags, regs, segs, nr_segs;
	u8 ldt;
};

static const struct tss_format tss16 = {
	.word = 2, .limit = 0x2b, .state = 0x0e, .state_end = 0x2a,
	.flags = 0x10, .regs = 0x12, .segs = 0x22, .nr_segs = 4, .ldt = 0x2a,
};
static const struct tss_format tss32 = {
	.word = 4, .limit = 0x67, .state = 0x20, .state_end = 0x60,
	.flags = 0x24, .regs = 0x28, .segs = 0x48, .nr_segs = 6, .ldt = 0x60,
};

#define TSS_CR3		0x1c
#define TSS_TRAP	0x64
#define TSS_BYTES	0x68
#define DR7_LOCAL	0x155ull	/* L0 - L3 and LE end with the task */

struct task_switch {
	struct emul_desc desc;		/* of the new TSS */
	struct x86_seg tss;
	const struct tss_format *new, *old;
	enum x86_task_reason reason;
	const struct x86_event *event;
	u8 *image;			/* the new TSS */
	u8 saved[64];			/* the old one's state part */
	u64 old_flags;
};

static const struct tss_format *tss_format(unsigned int type)
{
	return type & 8 ? &tss32 : &tss16;
}

static u64 field(const struct task_switch *ts, unsigned int offset, unsigned int bytes)
{
	u64 val = 0;

	memcpy(&val, ts->image + offset, bytes);
	return val;
}

static u16 new_selector(const struct task_switch *ts, unsigned int sreg)
{
	if (sreg >= ts->new->nr_segs)
		return 0;
	return (u16)field(ts, ts->new->segs + sreg * ts->new->word, 2);
}

/* CALL and events leave the old task busy, and linked from the new one. */
static bool is_nested(const struct task_switch *ts)
{
	return ts->reason == X86_TASK_CALL || ts->reason == X86_TASK_GATE;
}

/* ------------------------------------------------------------------------
 * Before the commit point
 */

static bool is_tss(const struct emul_desc *desc)
{
	return !DESC_S(desc) && (DESC_TYPE(desc) & 5) == 1;
}

/* IRET goes back to a busy task, everything else to one that is not. */
static int check_new_tss(struct x86_emulate_ctxt *c, struct task_switch *ts, u16 selector)
{
	bool iret = ts->reason == X86_TASK_IRET;
	u8 vector = iret ? EXC_TS : EXC_GP;
	int r;

	if (selector <= 3)
		return emul_fault_selector(c, vector, selector);
	r = emul_read_system_desc(c, selector, vector, &ts->desc);
	if (r != X86_OK)
		return r;
	if (!is_tss(&ts->desc) || !!(DESC_TYPE(&ts->desc) & 2) != iret)
		return emul_fault_selector(c, vector, selector);
	if (!DESC_P(&ts->desc))
		return emul_fault_selector(c, EXC_NP, selector);
	ts->new = tss_format(DESC_TYPE(&ts->desc));
	emul_unpack_desc(&ts->desc, &ts->tss);
	if (ts->tss.limit < ts->new->limit)
		return emul_fault_selector(c, EXC_TS, selector);
	return X86_OK;
}

static int read_tss_images(struct x86_emulate_ctxt *c, struct task_switch *ts)
{
	const struct x86_seg *tr = emul_seg(c, X86_TR);
	unsigned int len = ts->new->limit + 1, first = len < 64 ? len : 64;
	int r;

	ts->old = tss_format(tr->ar & X86_AR_TYPE);
	if ((tr->ar & X86_AR_UNUSABLE) || tr->limit < ts->old->state_end - 1u)
		return emul_fault_selector(c, EXC_TS, tr->selector);
	memset(ts->image, 0, TSS_BYTES);
	r = emul_read_system(c, ts->tss.base, ts->image, first,
			     is_nested(ts) ? X86_ACC_WRITE : 0);
	if (r == X86_OK && len > first)
		r = emul_read_system(c, ts->tss.base + first, ts->image + first, len - first,
				     0);
	if (r == X86_OK)
		r = emul_read_system(c, tr->base + ts->old->state, ts->saved,
				     ts->old->state_end - ts->old->state, X86_ACC_WRITE);
	if (r == X86_OK && ts->reason != X86_TASK_IRET)
		r = c->ops->probe(c, ts->desc.la, 8, X86_ACC_SYSTEM | X86_ACC_WRITE);
	return r;
}

/* Clear the busy bit of a task that is not to be returned to. */
static int leave_old_tss(struct x86_emulate_ctxt *c, const struct task_switch *ts)
{
	struct emul_desc desc;
	int r;

	if (is_nested(ts))
		return X86_OK;
	r = emul_read_system_desc(c, emul_seg(c, X86_TR)->selector, EXC_TS, &desc);
	return r == X86_OK ? emul_mark_busy(c, &desc, false) : r;
}

static void save_field(struct task_switch *ts, unsigned int offset, const void *val,
		       unsigned int bytes)
{
	memcpy(ts->saved + (offset - ts->old->state), val, bytes);
}

/* The old task's registers into its TSS. */
static int save_state(struct x86_emulate_ctxt *c, struct task_switch *ts)
{
	const struct tss_format *f = ts->old;
	unsigned int i;

	save_field(ts, f->state, &c->next_rip, f->word);
	save_field(ts, f->flags, &ts->old_flags, f->word);
	for (i = 0; i < 8; i++)
		save_field(ts, f->regs + i * f->word, &c->regs[i], f->word);
	for (i = 0; i < f->nr_segs; i++)
		save_field(ts, f->segs + i * f->word, &emul_seg(c, i)->selector, 2);
	return emul_write_system(c, emul_seg(c, X86_TR)->base + f->state, ts->saved,
				 f->state_end - f->state);
}

/* The new TSS becomes busy, and of a nested task knows where it came from. */
static int enter_new_tss(struct x86_emulate_ctxt *c, struct task_switch *ts)
{
	u16 link = emul_seg(c, X86_TR)->selector;
	int r = X86_OK;

	if (is_nested(ts))
		r = emul_write_system(c, ts->tss.base, &link, 2);
	if (r == X86_OK)
		r = emul_mark_busy(c, &ts->desc, true);
	ts->tss.ar |= 2;
	return r;
}

/* ------------------------------------------------------------------------
 * After the commit point
 */

static void load_registers(struct x86_emulate_ctxt *c, struct task_switch *ts)
{
	const struct tss_format *f = ts->new;
	unsigned int i;

	for (i = 0; i < 8; i++)
		c->regs[i] = emul_merge(f->word == 2 ? c->regs[i] : 0,
					field(ts, f->regs + i * f->word, f->word), f->word);
	c->next_rip = field(ts, f->state, f->word);
	c->next_rflags = (field(ts, f->flags, f->word) & EMUL_FL_ALL) | X86_EFLAGS_FIXED;
	if (is_nested(ts))
		c->next_rflags |= X86_EFLAGS_NT;
	c->keep_rf = true;
	emul_commit(c);
	c->changed |= X86_CHG_TASK | X86_CHG_MODE;
}

/*
 * All selectors first, with nothing behind them: so a fault finds them in place, and is
 * the new task's at its level.
 */
static void load_selectors(struct x86_emulate_ctxt *c, const struct task_switch *ts)
{
	struct x86_seg seg = { .ar = X86_AR_UNUSABLE };
	unsigned int sreg;

	for (sreg = X86_ES; sreg <= X86_GS; sreg++) {
		seg.selector = new_selector(ts, sreg);
		if (sreg == X86_SS)
			seg.ar |= (new_selector(ts, X86_CS) & 3) << X86_AR_DPL_SHIFT;
		else
			seg.ar = X86_AR_UNUSABLE;
		emul_load_seg(c, sreg, &seg);
	}
	seg.ar = X86_AR_UNUSABLE;
	seg.selector = (u16)field(ts, ts->new->ldt, 2);
	emul_load_seg(c, X86_LDTR, &seg);
	emul_load_seg(c, X86_TR, &ts->tss);
	emul_update_mode(c);
}

static void load_vm86_segments(struct x86_emulate_ctxt *c, const struct task_switch *ts)
{
	struct x86_seg seg;
	unsigned int sreg;

	for (sreg = X86_ES; sreg <= X86_GS; sreg++) {
		emul_vm86_seg(new_selector(ts, sreg), &seg);
		emul_load_seg(c, sreg, &seg);
	}
	c->mode = X86_MODE_VM86;
	c->cpl = 3;
}

/* CS decides the level that the other segments are checked at. */
static int load_code_segment(struct x86_emulate_ctxt *c, const struct task_switch *ts,
			     struct emul_target *t)
{
	u16 selector = new_selector(ts, X86_CS);
	unsigned int type, dpl;
	int r;

	t->cpl = selector & 3;
	if (selector <= 3)
		return emul_fault_selector(c, EXC_TS, selector);
	r = emul_read_desc(c, selector, EXC_TS, &t->desc);
	if (r != X86_OK)
		return r;
	type = DESC_TYPE(&t->desc);
	dpl = DESC_DPL(&t->desc);
	if (!DESC_S(&t->desc) || !(type & X86_AR_CODE) ||
	    (type & X86_AR_CONFORMING ? dpl > t->cpl : dpl != t->cpl))
		return emul_fault_selector(c, EXC_TS, selector);
	r = emul_check_target(c, t, c->rip);
	if (r == X86_OK)
		emul_enter_target(c, t);
	return r;
}

static int load_segments(struct x86_emulate_ctxt *c, const struct task_switch *ts)
{
	static const u8 data[] = { X86_ES, X86_DS, X86_FS, X86_GS };
	struct emul_target t;
	struct x86_seg seg;
	unsigned int i;
	int r;

	r = load_code_segment(c, ts, &t);
	if (r == X86_OK)
		r = emul_check_stack_seg(c, new_selector(ts, X86_SS), t.cpl, false, EXC_TS,
					 &seg);
	if (r == X86_OK)
		emul_load_seg(c, X86_SS, &seg);
	for (i = 0; i < ARRAY_SIZE(data) && r == X86_OK; i++) {
		r = emul_check_data_seg(c, data[i], new_selector(ts, data[i]), t.cpl, EXC_TS,
					&seg);
		if (r == X86_OK)
			emul_load_seg(c, data[i], &seg);
	}
	return r;
}

/* Control and debug registers of the new task. */
static int load_system_registers(struct x86_emulate_ctxt *c, const struct task_switch *ts)
{
	u64 cr0 = emul_sysreg(c, X86_REG_CR0);

	emul_set_sysreg(c, X86_REG_CR0, cr0 | X86_CR0_TS);
	emul_set_sysreg(c, X86_REG_DR7, emul_sysreg(c, X86_REG_DR7) & ~DR7_LOCAL);
	if (!(cr0 & X86_CR0_PG) || ts->new == &tss16)
		return X86_OK;
	if (c->ops->set_reg(c, X86_REG_CR3, field(ts, TSS_CR3, 4)) != X86_OK)
		return emul_fault_selector(c, EXC_TS, ts->tss.selector);
	return X86_OK;
}

static int load_ldt(struct x86_emulate_ctxt *c, const struct task_switch *ts)
{
	struct x86_seg seg;
	int r = emul_check_ldt(c, (u16)field(ts, ts->new->ldt, 2), EXC_TS, &seg);

	if (r == X86_OK)
		emul_load_seg(c, X86_LDTR, &seg);
	return r;
}

/* Everything of the new task that can be at fault. */
static int start_task(struct x86_emulate_ctxt *c, const struct task_switch *ts)
{
	int r = load_system_registers(c, ts);

	if (r == X86_OK)
		r = load_ldt(c, ts);
	if (r != X86_OK)
		return r;
	if (c->rflags & X86_EFLAGS_VM)
		load_vm86_segments(c, ts);
	else
		r = load_segments(c, ts);
	if (r == X86_OK && c->rip > emul_seg(c, X86_CS)->limit)
		r = emul_gp(c);
	if (r == X86_OK && ts->event && ts->event->has_error)
		r = emul_push(c, ts->event->error, ts->new->word);
	if (r == X86_OK && ts->new == &tss32 && (field(ts, TSS_TRAP, 2) & 1))
		c->trap_db |= X86_TRAP_BT;
	return r;
}

/* Switch to the task of @selector; next_rip is what the old task resumes at. */
int emul_task_switch(struct x86_emulate_ctxt *c, u16 selector, enum x86_task_reason reason,
		     const struct x86_event *event)
{
	struct task_switch ts = { .reason = reason, .event = event, .image = c->buffer };
	u64 unused = 0;
	int r;

	c->no_trap = true;
	ts.old_flags = c->next_rflags;
	if (reason == X86_TASK_IRET)
		ts.old_flags &= ~(u64)X86_EFLAGS_NT;
	if (event && emul_event_resumes(event))
		ts.old_flags |= X86_EFLAGS_RF;
	r = check_new_tss(c, &ts, selector);
	if (r == X86_OK)
		r = read_tss_images(c, &ts);
	if (r == X86_OK)
		r = leave_old_tss(c, &ts);
	if (r == X86_OK)
		r = save_state(c, &ts);
	if (r == X86_OK)
		r = enter_new_tss(c, &ts);
	if (r != X86_OK)
		return r;

	/* From here on a fault is one of the new task's: the IRET is done. */
	if (reason == X86_TASK_IRET)
		c->ops->system(c, X86_SYS_NMI_UNMASK, &unused);
	load_registers(c, &ts);
	load_selectors(c, &ts);
	return start_task(c, &ts);
}

int x86_task_switch(struct x86_emulate_ctxt *c, u16 selector, enum x86_task_reason reason,
		    const struct x86_event *event)
{
	int r;

	emul_begin(c);
	if (c->mode == X86_MODE_REAL || emul_long_mode(c))
		return X86_UNHANDLED;
	c->ext = event && event->type != X86_EVENT_SOFT_INT &&
		 event->type != X86_EVENT_SOFT_EXC;
	r = emul_task_switch(c, selector, reason, event);
	c->ext = false;
	if (r == X86_OK)
		emul_commit(c);
	return r;
}
