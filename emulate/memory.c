// SPDX-License-Identifier: GPL-2.0
/*
 * Memory as instructions see it: segmentation, alignment checks and the stack.
 *
 * Everything that reaches the memory callbacks passes through here, so this is where
 * a guest's offsets become linear addresses, with limit, type, canonical form and #AC
 * checked.  Paging is behind the callbacks.  Descriptor tables are read with
 * emul_read_system(), by segment.c.
 *
 * SDM volume 3, "Protection": limit, type and privilege level checking.
 */
#include "emulate.h"

/* A segment register, asked for once per instruction. */
const struct x86_seg *emul_seg(struct x86_emulate_ctxt *c, enum x86_sreg sreg)
{
	if (!(c->segs_valid & (1u << sreg))) {
		c->ops->get_seg(c, sreg, &c->segs[sreg]);
		c->segs_valid |= 1u << sreg;
	}
	return &c->segs[sreg];
}

void emul_load_seg(struct x86_emulate_ctxt *c, enum x86_sreg sreg,
		   const struct x86_seg *seg)
{
	c->segs[sreg] = *seg;
	c->segs_valid |= 1u << sreg;
	c->ops->set_seg(c, sreg, seg);
}

bool emul_canonical_la57(struct x86_emulate_ctxt *c, u64 la)
{
	return (emul_sysreg(c, X86_REG_CR4) & X86_CR4_LA57) &&
	       (u64)((s64)(la << 7) >> 7) == la;
}

static bool canonical_range(struct x86_emulate_ctxt *c, u64 la, unsigned int len)
{
	return emul_canonical(c, la) && emul_canonical(c, la + len - 1);
}

/* Type and limit of a segment, outside 64-bit mode. */
static bool segment_allows(const struct x86_emulate_ctxt *c, const struct x86_seg *seg,
			   u64 ea, unsigned int len, unsigned int acc)
{
	u64 last = ea + len - 1;
	bool code = seg->ar & X86_AR_CODE;

	if (!emul_protected(c))
		return last <= seg->limit;
	if (seg->ar & X86_AR_UNUSABLE)
		return false;
	if (acc & X86_ACC_WRITE ? code || !(seg->ar & X86_AR_WRITABLE) :
	    code && !(seg->ar & X86_AR_READABLE) && !(acc & EMUL_ACC_EXEC))
		return false;
	if (!code && (seg->ar & X86_AR_EXPAND_DOWN))
		return ea > seg->limit && last <= (seg->ar & X86_AR_DB ? 0xffffffff : 0xffff);
	return last <= seg->limit;
}

/* #AC: alignment matters at CPL 3 with both CR0.AM and EFLAGS.AC set. */
static bool misaligned(struct x86_emulate_ctxt *c, u64 la, unsigned int len)
{
	if (likely(!(c->rflags & X86_EFLAGS_AC)) || c->cpl != 3)
		return false;
	if (len > 16)
		len = 16;
	return (la & (len - 1)) && !(len & (len - 1)) &&
	       (emul_sysreg(c, X86_REG_CR0) & X86_CR0_AM);
}

int emul_linear(struct x86_emulate_ctxt *c, unsigned int sreg, u64 ea, unsigned int len,
		unsigned int acc, u64 *la)
{
	bool ok = true;

	if (emul_long64(c)) {
		*la = ea;
		if (sreg >= X86_FS) {
			*la += emul_seg(c, sreg)->base;
			/* AMD wants the offset canonical, not just the sum. */
			ok = !emul_amd(c) || canonical_range(c, ea, len);
		}
		ok = ok && canonical_range(c, *la, len);
	} else {
		const struct x86_seg *seg = emul_seg(c, sreg);

		*la = (u32)(seg->base + ea);
		ok = segment_allows(c, seg, ea, len, acc);
	}
	if ((acc & EMUL_ACC_ALIGN) && (*la & (len - 1)))
		return emul_gp(c);
	if (unlikely(!ok))
		return x86_emulate_fault_error(c, sreg == X86_SS ? EXC_SS : EXC_GP, 0);
	if (unlikely(misaligned(c, *la, len)) && !(acc & (EMUL_ACC_ANY | EMUL_ACC_ALIGN)))
		return x86_emulate_fault_error(c, EXC_AC, 0);
	return X86_OK;
}

/* How much of an access lies below 4 GiB, where addresses wrap outside 64-bit mode. */
static unsigned int before_wrap(const struct x86_emulate_ctxt *c, u64 la, unsigned int len)
{
	if (likely(la + len <= 1ull << 32) || emul_long64(c) || la >> 32)
		return len;
	return (unsigned int)((1ull << 32) - la);
}

static int read_wrapping(struct x86_emulate_ctxt *c, u64 la, void *buf, unsigned int len,
			 unsigned int acc)
{
	unsigned int first = before_wrap(c, la, len);
	int r = c->ops->read(c, la, buf, first, acc);

	if (r == X86_OK && unlikely(first < len))
		r = c->ops->read(c, 0, (u8 *)buf + first, len - first, acc);
	return r;
}

static int probe_wrapping(struct x86_emulate_ctxt *c, u64 la, unsigned int len,
			  unsigned int acc)
{
	unsigned int first = before_wrap(c, la, len);
	int r = c->ops->probe(c, la, first, acc);

	if (r == X86_OK && first < len)
		r = c->ops->probe(c, 0, len - first, acc);
	return r;
}

static int write_wrapping(struct x86_emulate_ctxt *c, u64 la, const void *buf,
			  unsigned int len, unsigned int acc)
{
	unsigned int first = before_wrap(c, la, len);
	int r = X86_OK;

	acc |= X86_ACC_WRITE;
	if (likely(first == len))
		return c->ops->write(c, la, buf, len, acc);
	r = probe_wrapping(c, la, len, acc);
	if (r == X86_OK)
		r = c->ops->write(c, la, buf, first, acc);
	if (r == X86_OK)
		r = c->ops->write(c, 0, (const u8 *)buf + first, len - first, acc);
	return r;
}

int emul_read_linear(struct x86_emulate_ctxt *c, u64 la, void *buf, unsigned int len,
		     unsigned int acc)
{
	if (likely(emul_long64(c)))
		return c->ops->read(c, la, buf, len, acc | emul_rights(c));
	return read_wrapping(c, la, buf, len, acc | emul_rights(c));
}

int emul_write_linear(struct x86_emulate_ctxt *c, u64 la, const void *buf,
		      unsigned int len)
{
	return write_wrapping(c, la, buf, len, emul_rights(c));
}

int emul_cmpxchg_linear(struct x86_emulate_ctxt *c, u64 la, const void *old,
			const void *new, unsigned int len)
{
	/* One piece or nothing: it cannot be atomic across the wrap. */
	if (before_wrap(c, la, len) < len)
		return X86_UNHANDLED;
	return (c->ops->cmpxchg)(c, la, old, new, len, X86_ACC_WRITE | emul_rights(c));
}

int emul_probe_linear(struct x86_emulate_ctxt *c, u64 la, unsigned int len,
		      unsigned int acc)
{
	return probe_wrapping(c, la, len, acc | emul_rights(c));
}

int emul_read(struct x86_emulate_ctxt *c, unsigned int sreg, u64 ea, void *buf,
	      unsigned int len)
{
	u64 la;
	int r = emul_linear(c, sreg, ea, len, 0, &la);

	return r == X86_OK ? emul_read_linear(c, la, buf, len, 0) : r;
}

int emul_write(struct x86_emulate_ctxt *c, unsigned int sreg, u64 ea, const void *buf,
	       unsigned int len)
{
	u64 la;
	int r = emul_linear(c, sreg, ea, len, X86_ACC_WRITE, &la);

	return r == X86_OK ? emul_write_linear(c, la, buf, len) : r;
}

/* System tables lie at 64-bit addresses in long mode, also below compatibility mode. */
int emul_read_system(struct x86_emulate_ctxt *c, u64 la, void *buf, unsigned int len,
		     unsigned int acc)
{
	if (emul_long_mode(c))
		return c->ops->read(c, la, buf, len, acc | X86_ACC_SYSTEM);
	return read_wrapping(c, (u32)la, buf, len, acc | X86_ACC_SYSTEM);
}

/* Of task switches alone, which long mode has not got. */
int emul_write_system(struct x86_emulate_ctxt *c, u64 la, const void *buf,
		      unsigned int len)
{
	return write_wrapping(c, (u32)la, buf, len, X86_ACC_SYSTEM);
}

/* ------------------------------------------------------------------------
 * The stack
 */

void emul_stack_init(struct x86_emulate_ctxt *c, struct emul_stack *stack,
		     const struct x86_seg *ss, u64 rsp, unsigned int cpl, bool flat)
{
	stack->ss = *ss;
	stack->rsp = rsp;
	stack->flat = flat;
	stack->error = 0;
	stack->acc = cpl == 3 ? X86_ACC_USER : 0;
	stack->mask = flat ? ~0ull : ss->ar & X86_AR_DB ? 0xffffffff : 0xffff;
}

void emul_stack_current(struct x86_emulate_ctxt *c, struct emul_stack *stack)
{
	static const struct x86_seg none;

	emul_stack_init(c, stack, emul_long64(c) ? &none : emul_seg(c, X86_SS),
			c->regs[X86_RSP], c->cpl, emul_long64(c));
}

void emul_stack_adjust(struct emul_stack *stack, s64 bytes)
{
	u64 rsp = stack->rsp + (u64)bytes;

	stack->rsp = stack->mask == 0xffff ? emul_merge(stack->rsp, rsp, 2) :
					     rsp & stack->mask;
}

/* As emul_linear(), on a stack that need not be the current one. */
static int stack_linear(struct x86_emulate_ctxt *c, const struct emul_stack *stack,
			u64 rsp, unsigned int len, unsigned int acc, u64 *la)
{
	u64 ea = rsp & stack->mask;
	bool ok;

	*la = stack->flat ? ea : (u32)(stack->ss.base + ea);
	ok = stack->flat ? canonical_range(c, ea, len) :
			   segment_allows(c, &stack->ss, ea, len, acc);
	if (unlikely(!ok))
		return x86_emulate_fault_error(c, EXC_SS, stack->error);
	if (unlikely((stack->acc & X86_ACC_USER) && misaligned(c, *la, len)))
		return x86_emulate_fault_error(c, EXC_AC, 0);
	return X86_OK;
}

/* Would a write of @len bytes at the top of the stack succeed? */
int emul_stack_check(struct x86_emulate_ctxt *c, const struct emul_stack *stack,
		     unsigned int len)
{
	u64 la;
	int r = stack_linear(c, stack, stack->rsp, len, X86_ACC_WRITE, &la);

	return r == X86_OK ? probe_wrapping(c, la, len, stack->acc | X86_ACC_WRITE) : r;
}

int emul_stack_try_push(struct x86_emulate_ctxt *c, struct emul_stack *stack,
			unsigned int bytes)
{
	emul_stack_adjust(stack, -(s64)bytes);
	return emul_stack_check(c, stack, bytes);
}

int emul_stack_probe(struct x86_emulate_ctxt *c, const struct emul_stack *stack,
		     unsigned int count, unsigned int bytes)
{
	struct emul_stack s = *stack;
	int r = X86_OK;

	while (count-- && r == X86_OK)
		r = emul_stack_try_push(c, &s, bytes);
	return r;
}

/* A slot of @bytes, of which @len are written, or read. */
static int push_part(struct x86_emulate_ctxt *c, struct emul_stack *stack, u64 val,
		     unsigned int bytes, unsigned int len)
{
	struct emul_stack s = *stack;
	u64 la;
	int r;

	emul_stack_adjust(&s, -(s64)bytes);
	r = stack_linear(c, &s, s.rsp, len, X86_ACC_WRITE, &la);
	if (r == X86_OK)
		r = write_wrapping(c, la, &val, len, s.acc);
	if (r == X86_OK)
		stack->rsp = s.rsp;
	return r;
}

static int pop_part(struct x86_emulate_ctxt *c, struct emul_stack *stack, u64 *val,
		    unsigned int bytes, unsigned int len)
{
	u64 la;
	int r = stack_linear(c, stack, stack->rsp, len, 0, &la);

	*val = 0;
	if (r == X86_OK)
		r = read_wrapping(c, la, val, len, stack->acc);
	if (r == X86_OK)
		emul_stack_adjust(stack, bytes);
	return r;
}

int emul_stack_push(struct x86_emulate_ctxt *c, struct emul_stack *stack, u64 val,
		    unsigned int bytes)
{
	return push_part(c, stack, val, bytes, bytes);
}

int emul_stack_pop(struct x86_emulate_ctxt *c, struct emul_stack *stack, u64 *val,
		   unsigned int bytes)
{
	return pop_part(c, stack, val, bytes, bytes);
}

/*
 * A selector by itself: Intel's processors write 16 bits of a 32-bit slot (SDM PUSH), and
 * read 16 bits of any (as seen: what follows may be beyond the segment or the page).
 */
int emul_stack_push_selector(struct x86_emulate_ctxt *c, struct emul_stack *stack,
			     u16 selector, unsigned int bytes)
{
	return push_part(c, stack, selector, bytes, bytes == 4 && !emul_amd(c) ? 2 : bytes);
}

int emul_stack_pop_selector(struct x86_emulate_ctxt *c, struct emul_stack *stack,
			    u16 *selector, unsigned int bytes)
{
	u64 val;
	int r = pop_part(c, stack, &val, bytes, emul_amd(c) ? bytes : 2);

	*selector = (u16)val;
	return r;
}

int emul_stack_peek(struct x86_emulate_ctxt *c, const struct emul_stack *stack,
		    unsigned int index, u64 *val, unsigned int bytes)
{
	struct emul_stack s = *stack;

	emul_stack_adjust(&s, index * bytes);
	return emul_stack_pop(c, &s, val, bytes);
}

int emul_stack_peek_selector(struct x86_emulate_ctxt *c, const struct emul_stack *stack,
			     unsigned int index, u16 *selector, unsigned int bytes)
{
	struct emul_stack s = *stack;

	emul_stack_adjust(&s, index * bytes);
	return emul_stack_pop_selector(c, &s, selector, bytes);
}

/* A single push on the current stack; RSP changes only if it succeeds. */
int emul_push(struct x86_emulate_ctxt *c, u64 val, unsigned int bytes)
{
	struct emul_stack stack;
	int r;

	emul_stack_current(c, &stack);
	r = emul_stack_push(c, &stack, val, bytes);
	if (r == X86_OK)
		c->regs[X86_RSP] = stack.rsp;
	return r;
}

int emul_pop(struct x86_emulate_ctxt *c, u64 *val, unsigned int bytes)
{
	struct emul_stack stack;
	int r;

	emul_stack_current(c, &stack);
	r = emul_stack_pop(c, &stack, val, bytes);
	if (r == X86_OK)
		c->regs[X86_RSP] = stack.rsp;
	return r;
}
