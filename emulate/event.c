// SPDX-License-Identifier: GPL-2.0
/*
 * Event delivery: interrupts and exceptions through the IVT, the IDT or a task gate.
 *
 * The INT family calls it for itself, with rip behind the instruction; the caller's entry
 * point x86_deliver_event() is for what hardware cannot inject, such as anything in real
 * mode without unrestricted guest.  A fault during delivery is returned, never delivered:
 * turning it into a double fault is up to the caller, who knows the first event.
 *
 * SDM volume 3, "Interrupt and Exception Handling" and "8086 Emulation"; APM volume 2,
 * "Exceptions and Interrupts".
 */
#include "emulate.h"

static bool is_software(const struct x86_event *event)
{
	return event->type == X86_EVENT_SOFT_INT || event->type == X86_EVENT_SOFT_EXC;
}

/* Fault-class exceptions resume with RF set; not #DB, whose class is the caller's. */
bool emul_event_resumes(const struct x86_event *event)
{
	const u32 faults = 1u << EXC_DE | 1u << EXC_BR | 1u << EXC_UD | 1u << EXC_NM |
			   1u << EXC_TS | 1u << EXC_NP | 1u << EXC_SS | 1u << EXC_GP |
			   1u << EXC_PF | 1u << EXC_MF | 1u << EXC_AC | 1u << EXC_XM;

	return event->type == X86_EVENT_EXCEPTION && event->vector < 32 &&
	       (faults & (1u << event->vector));
}

/* A fault that names an entry of the IDT. */
static int fault_idt(struct x86_emulate_ctxt *c, u8 vector, const struct x86_event *event)
{
	return x86_emulate_fault_error(c, vector, event->vector * 8u + 2);
}

/* ------------------------------------------------------------------------
 * The interrupt vector table: real mode, and vm86 mode by redirection
 */

/*
 * Push FLAGS, CS and IP and go where the vector says.  @image is what to push for FLAGS,
 * @clear what the handler starts without.
 */
static int through_ivt(struct x86_emulate_ctxt *c, u32 vector, u64 image, u64 clear)
{
	struct emul_stack stack;
	struct x86_seg cs;
	u16 ip;
	int r;

	memcpy(&ip, &vector, 2);
	if (c->mode == X86_MODE_VM86)
		emul_vm86_seg(vector >> 16, &cs);
	else
		emul_real_seg(c, X86_CS, vector >> 16, &cs);
	/* A bad stack is found before a bad target. */
	emul_stack_current(c, &stack);
	r = emul_stack_probe(c, &stack, 3, 2);
	if (r == X86_OK && ip > cs.limit)
		r = emul_gp(c);
	if (r == X86_OK)
		r = emul_stack_push(c, &stack, image, 2);
	if (r == X86_OK)
		r = emul_stack_push(c, &stack, emul_seg(c, X86_CS)->selector, 2);
	if (r == X86_OK)
		r = emul_stack_push(c, &stack, c->next_rip, 2);
	if (r != X86_OK)
		return r;
	c->regs[X86_RSP] = stack.rsp;
	emul_load_seg(c, X86_CS, &cs);
	c->next_rip = ip;
	c->next_rflags &= ~clear;
	return X86_OK;
}

static int deliver_real(struct x86_emulate_ctxt *c, const struct x86_event *event)
{
	u64 base = emul_sysreg(c, X86_REG_IDTR_BASE), limit = emul_sysreg(c, X86_REG_IDTR_LIMIT);
	u32 vector;
	int r;

	if (event->vector * 4u + 3 > limit)
		return fault_idt(c, EXC_GP, event);
	r = emul_read_system(c, base + event->vector * 4u, &vector, 4, 0);
	if (r != X86_OK)
		return r;
	return through_ivt(c, vector, c->next_rflags, X86_EFLAGS_IF | X86_EFLAGS_TF |
						      X86_EFLAGS_AC | X86_EFLAGS_RF);
}

/* ------------------------------------------------------------------------
 * Gates of the IDT
 */

struct idt_gate {
	struct emul_desc desc;
	u64 offset;
	u16 selector;
	u8 bytes;		/* width of what is pushed */
	u8 ist;
	bool masks;		/* an interrupt gate: IF is cleared */
};

/* May a gate of this type be in the IDT in this mode? */
static bool valid_gate_type(struct x86_emulate_ctxt *c, const struct idt_gate *gate)
{
	if (DESC_S(&gate->desc))
		return false;
	switch (DESC_TYPE(&gate->desc)) {
	case DESC_INT:
	case DESC_TRAP:
		return true;
	case DESC_INT16:
	case DESC_TRAP16:
	case DESC_TASK:
		return !emul_long_mode(c);
	}
	return false;
}

static int read_idt(struct x86_emulate_ctxt *c, const struct x86_event *event,
		    struct idt_gate *gate)
{
	unsigned int bytes = emul_long_mode(c) ? 16 : 8;
	u64 base = emul_sysreg(c, X86_REG_IDTR_BASE), limit = emul_sysreg(c, X86_REG_IDTR_LIMIT);
	u64 pair[2] = { 0 };
	int r;

	if (event->vector * bytes + bytes - 1 > limit)
		return fault_idt(c, EXC_GP, event);
	r = emul_read_system(c, base + event->vector * bytes, pair, bytes, 0);
	gate->desc.lo = pair[0];
	gate->desc.hi = pair[1];
	return r;
}

static int check_gate(struct x86_emulate_ctxt *c, const struct x86_event *event,
		      struct idt_gate *gate)
{
	u64 lo, type;
	int r = read_idt(c, event, gate);

	if (r != X86_OK)
		return r;
	if (!valid_gate_type(c, gate) ||
	    (is_software(event) && DESC_DPL(&gate->desc) < c->cpl))
		return fault_idt(c, EXC_GP, event);
	if (!DESC_P(&gate->desc))
		return fault_idt(c, EXC_NP, event);
	lo = gate->desc.lo;
	type = DESC_TYPE(&gate->desc);
	gate->selector = (u16)(lo >> 16);
	gate->offset = (lo & 0xffff) | (type & 8 ? lo >> 32 & 0xffff0000 : 0) |
		       gate->desc.hi << 32;
	gate->bytes = emul_long_mode(c) ? 8 : type & 8 ? 4 : 2;
	gate->ist = emul_long_mode(c) ? lo >> 32 & 7 : 0;
	gate->masks = !(type & 1);
	return X86_OK;
}

/* The handler's code segment: never an outer one, and CPL 0 for what leaves vm86 mode. */
static int handler_target(struct x86_emulate_ctxt *c, const struct idt_gate *gate,
			  struct emul_target *t)
{
	unsigned int dpl, type;
	bool conforming;
	int r;

	if (gate->selector <= 3)
		return emul_gp(c);
	r = emul_read_desc(c, gate->selector, EXC_GP, &t->desc);
	if (r != X86_OK)
		return r;
	dpl = DESC_DPL(&t->desc);
	type = DESC_TYPE(&t->desc);
	conforming = type & X86_AR_CONFORMING;
	if (!DESC_S(&t->desc) || !(type & X86_AR_CODE) || dpl > c->cpl ||
	    (c->mode == X86_MODE_VM86 && (conforming || dpl)) ||
	    (emul_long_mode(c) && !DESC_L(&t->desc)))
		return emul_fault_selector(c, EXC_GP, gate->selector);
	t->cpl = conforming ? c->cpl : dpl;
	return emul_check_target(c, t, gate->offset);
}

/* The stack that the handler starts on, before the frame is pushed. */
static int handler_stack(struct x86_emulate_ctxt *c, const struct idt_gate *gate,
			 const struct emul_target *t, struct emul_stack *stack)
{
	bool long_mode = emul_long_mode(c);
	int r = X86_OK;

	if (t->cpl < c->cpl || gate->ist)
		r = emul_inner_stack(c, t, gate->ist, stack);
	else
		emul_stack_init(c, stack, emul_seg(c, X86_SS), c->regs[X86_RSP], t->cpl,
				long_mode);
	/* Long mode aligns its frames. */
	if (long_mode)
		stack->rsp &= ~15ull;
	return r;
}

/* What is pushed, from the top; returns the number of values. */
static unsigned int build_frame(struct x86_emulate_ctxt *c, const struct x86_event *event,
				const struct emul_target *t, u64 frame[10])
{
	static const u8 vm86[] = { X86_GS, X86_FS, X86_DS, X86_ES };
	unsigned int n = 0, i;

	if (c->mode == X86_MODE_VM86)
		for (i = 0; i < ARRAY_SIZE(vm86); i++)
			frame[n++] = emul_seg(c, vm86[i])->selector;
	if (emul_long_mode(c) || t->cpl < c->cpl) {
		frame[n++] = emul_seg(c, X86_SS)->selector;
		frame[n++] = c->regs[X86_RSP];
	}
	frame[n++] = c->next_rflags | (emul_event_resumes(event) ? X86_EFLAGS_RF : 0);
	frame[n++] = emul_seg(c, X86_CS)->selector;
	frame[n++] = c->next_rip;
	if (event->has_error)
		frame[n++] = event->error;
	return n;
}

static int push_frame(struct x86_emulate_ctxt *c, struct emul_stack *stack,
		      const struct emul_target *t, const u64 *frame, unsigned int n,
		      unsigned int bytes)
{
	unsigned int i;
	int r = emul_stack_probe(c, stack, n, bytes);

	if (r == X86_OK)
		r = emul_check_rip(c, t);
	for (i = 0; i < n && r == X86_OK; i++)
		r = emul_stack_push(c, stack, frame[i], bytes);
	return r;
}

/* The handler of a vm86 task starts with null data segments. */
static void leave_vm86(struct x86_emulate_ctxt *c)
{
	static const u8 sregs[] = { X86_GS, X86_FS, X86_DS, X86_ES };
	struct x86_seg seg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sregs); i++) {
		emul_null_seg(c, sregs[i], 0, &seg);
		emul_load_seg(c, sregs[i], &seg);
	}
}

static int through_gate(struct x86_emulate_ctxt *c, const struct x86_event *event,
			const struct idt_gate *gate)
{
	struct emul_stack stack;
	struct emul_target t;
	u64 frame[10];
	int r = handler_target(c, gate, &t);

	if (r == X86_OK)
		r = handler_stack(c, gate, &t, &stack);
	if (r == X86_OK)
		r = push_frame(c, &stack, &t, frame, build_frame(c, event, &t, frame),
			       gate->bytes);
	if (r != X86_OK)
		return r;

	if (c->mode == X86_MODE_VM86)
		leave_vm86(c);
	if (t.cpl < c->cpl)
		emul_load_seg(c, X86_SS, &stack.ss);
	c->regs[X86_RSP] = stack.rsp;
	emul_enter_target(c, &t);
	c->next_rflags &= ~(u64)(X86_EFLAGS_TF | X86_EFLAGS_NT | X86_EFLAGS_RF |
				 X86_EFLAGS_VM);
	if (gate->masks)
		emul_flag(c, X86_EFLAGS_IF, false);
	return X86_OK;
}

static int deliver_protected(struct x86_emulate_ctxt *c, const struct x86_event *event)
{
	struct idt_gate gate = { 0 };
	int r = check_gate(c, event, &gate);

	if (r != X86_OK)
		return r;
	if (DESC_TYPE(&gate.desc) == DESC_TASK)
		return emul_task_switch(c, gate.selector, X86_TASK_GATE, event);
	return through_gate(c, event, &gate);
}

/* Deliver with next_rip as the address to return to; the commit is the caller's. */
int emul_deliver(struct x86_emulate_ctxt *c, const struct x86_event *event)
{
	int r;

	c->no_trap = true;
	/* Error codes tell faults of the program from those while serving the machine. */
	c->ext = !is_software(event);
	r = c->mode == X86_MODE_REAL ? deliver_real(c, event) : deliver_protected(c, event);
	c->ext = false;
	return r;
}

int x86_deliver_event(struct x86_emulate_ctxt *c, const struct x86_event *event)
{
	int r;

	emul_begin(c);
	r = emul_deliver(c, event);
	if (r == X86_OK)
		emul_commit(c);
	return r;
}

/* ------------------------------------------------------------------------
 * INT n, INT1, INT3, INTO
 */

/* Does the TSS redirect INT @vector of a vm86 task to the task's own vector table? */
static int is_redirected(struct x86_emulate_ctxt *c, u8 vector, bool *redirected)
{
	const struct x86_seg *tr = emul_seg(c, X86_TR);
	u8 bits;
	u16 io_map;
	u32 at;
	int r;

	if (tr->limit < 103)
		return emul_gp(c);
	r = emul_read_system(c, tr->base + 102, &io_map, 2, 0);
	if (r != X86_OK)
		return r;
	/* The 32 bytes of the bitmap lie right below the I/O bitmap. */
	at = (u32)io_map - 32 + vector / 8;
	if (io_map < 32 || at > tr->limit)
		return emul_gp(c);
	r = emul_read_system(c, tr->base + at, &bits, 1, 0);
	*redirected = !(bits & (1u << (vector & 7)));
	return r;
}

/* INT n of a vm86 task through its own vector table, as in real mode. */
static int int_redirected(struct x86_emulate_ctxt *c, u8 vector)
{
	u64 image = c->rflags, clear = X86_EFLAGS_TF | X86_EFLAGS_IF;
	u32 entry;
	int r = emul_read_linear(c, vector * 4u, &entry, 4, 0);

	if (r != X86_OK)
		return r;
	if (emul_iopl(c) < 3) {
		clear = X86_EFLAGS_TF | X86_EFLAGS_VIF;
		image |= X86_EFLAGS_IOPL | X86_EFLAGS_IF;
		if (!(c->rflags & X86_EFLAGS_VIF))
			image &= ~(u64)X86_EFLAGS_IF;
	}
	c->no_trap = true;
	return through_ivt(c, entry, image, clear);
}

static int deliver_software(struct x86_emulate_ctxt *c, u8 vector, enum x86_event_type type)
{
	struct x86_event event = { .vector = vector, .type = type };

	/* Of an instruction that gets through nothing is resumed. */
	c->next_rflags &= ~(u64)X86_EFLAGS_RF;
	return emul_deliver(c, &event);
}

int emul_int(struct x86_emulate_ctxt *c)
{
	u8 vector = (u8)c->src.val;
	bool redirected = false;
	int r = X86_OK;

	if (c->mode == X86_MODE_VM86) {
		if (emul_vme(c))
			r = is_redirected(c, vector, &redirected);
		if (r != X86_OK)
			return r;
		if (redirected)
			return int_redirected(c, vector);
		if (emul_iopl(c) < 3)
			return emul_gp(c);
	}
	return deliver_software(c, vector, X86_EVENT_SOFT_INT);
}

int emul_int1(struct x86_emulate_ctxt *c)
{
	return deliver_software(c, EXC_DB, X86_EVENT_ICEBP);
}

int emul_int3(struct x86_emulate_ctxt *c)
{
	return deliver_software(c, EXC_BP, X86_EVENT_SOFT_EXC);
}

int emul_into(struct x86_emulate_ctxt *c)
{
	if (!(c->rflags & X86_EFLAGS_OF))
		return X86_OK;
	return deliver_software(c, EXC_OF, X86_EVENT_SOFT_EXC);
}
