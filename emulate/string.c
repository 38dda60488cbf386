// SPDX-License-Identifier: GPL-2.0
/*
 * String instructions and port I/O.
 *
 * A repeated string instruction commits after every element: rSI, rDI, rCX and for
 * comparisons the flags are then the guest's, and RIP still names the instruction, so
 * that a fault, an exit or an interrupt between two elements loses nothing.  A call runs
 * at most STRING_QUANTUM elements.  INS and OUTS hand over several elements at once
 * where memory allows it, since each hand-over may cost an exit to userspace.
 *
 * The I/O permission check is here; what a port does is the caller's.
 */
#include "emulate.h"

#define STRING_QUANTUM	1024
#define PIECE		64u	/* the longest memory access of a callback */

/* ------------------------------------------------------------------------
 * Permission
 */

/* Is a bit of the TSS's I/O bitmap set for any of @size ports?  2 bytes are always read. */
static int check_io_bitmap(struct x86_emulate_ctxt *c, u16 port, unsigned int size)
{
	const struct x86_seg *tr = emul_seg(c, X86_TR);
	unsigned int type = tr->ar & X86_AR_TYPE;
	u16 offset, bits;
	u32 at;
	int r;

	if ((tr->ar & X86_AR_UNUSABLE) || (type != DESC_TSS && type != DESC_TSS_BUSY) ||
	    tr->limit < 103)
		return emul_gp(c);
	r = emul_read_system(c, tr->base + 102, &offset, 2, 0);
	if (r != X86_OK)
		return r;
	at = offset + port / 8;
	if (at + 1 > tr->limit)
		return emul_gp(c);
	r = emul_read_system(c, tr->base + at, &bits, 2, 0);
	if (r != X86_OK)
		return r;
	return (bits >> (port & 7)) & ((1u << size) - 1) ? emul_gp(c) : X86_OK;
}

int emul_check_io(struct x86_emulate_ctxt *c, u16 port, unsigned int size)
{
	if (c->mode == X86_MODE_REAL)
		return X86_OK;
	if (c->mode != X86_MODE_VM86 && c->cpl <= emul_iopl(c))
		return X86_OK;
	return check_io_bitmap(c, port, size);
}

int emul_in(struct x86_emulate_ctxt *c)
{
	unsigned int count = 1;
	u16 port = (u16)c->src.val;
	int r = emul_check_io(c, port, c->dst.bytes);

	c->dst.val = 0;
	if (r == X86_OK)
		r = c->ops->io(c, true, port, c->dst.bytes, &c->dst.val, &count);
	return r;
}

int emul_out(struct x86_emulate_ctxt *c)
{
	unsigned int count = 1;
	u16 port = (u16)c->dst.val;
	int r = emul_check_io(c, port, c->src.bytes);

	if (r == X86_OK)
		r = c->ops->io(c, false, port, c->src.bytes, &c->src.val, &count);
	return r;
}

/* ------------------------------------------------------------------------
 * Repetition
 */

/*
 * One hand-over of a string instruction: an element of @bytes, or for port I/O up to
 * *@count of them; sets *@count to what was done.
 */
typedef int (*string_step)(struct x86_emulate_ctxt *c, unsigned int bytes,
			   unsigned int *count);

static unsigned int source_seg(const struct x86_emulate_ctxt *c)
{
	u8 override = c->insn->seg_override;

	return override == EMUL_NONE ? X86_DS : override;
}

/* rSI or rDI as an offset. */
static u64 pointer(const struct x86_emulate_ctxt *c, unsigned int reg)
{
	return emul_reg(c, reg, c->insn->addr_bytes);
}

static void advance(struct x86_emulate_ctxt *c, unsigned int reg, unsigned int bytes)
{
	u64 step = c->rflags & X86_EFLAGS_DF ? -(u64)bytes : bytes;

	emul_set_reg(c, reg, c->insn->addr_bytes, c->regs[reg] + step);
}

/* Has a comparison ended the repetition?  REPE goes on while ZF, REPNE while not. */
static bool comparison_ends(const struct x86_emulate_ctxt *c)
{
	bool zf = c->next_rflags & X86_EFLAGS_ZF;

	return zf != !!(c->insn->prefixes & PFX_REPE);
}

/*
 * Stop between two elements.  The flags are those of the last one on AMD; on Intel a
 * comparison has none before it ends (SDM REP/REPE/REPNE).
 */
static int interrupt_repeat(struct x86_emulate_ctxt *c)
{
	if (emul_amd(c))
		c->rflags = c->next_rflags;
	return X86_RETRY;
}

/*
 * All of a repeated instruction that one call may do.  The flags of a comparison that
 * faults later on are those of the last element on AMD, and unchanged on Intel (SDM
 * REP/REPE/REPNE).
 */
static int repeat(struct x86_emulate_ctxt *c, string_step step, unsigned int bytes,
		  bool compares)
{
	unsigned int width = c->insn->addr_bytes, left = STRING_QUANTUM, done;
	u64 count = emul_reg(c, X86_RCX, width);
	u64 first = count;
	int r;

	while (count) {
		if (!left)
			return interrupt_repeat(c);
		done = count < left ? count : left;
		r = step(c, bytes, &done);
		if (r == X86_FAULT && compares && count != first && emul_amd(c))
			c->rflags = c->next_rflags;
		if (r != X86_OK)
			return r;
		count -= done;
		left -= done;
		emul_set_reg(c, X86_RCX, width, count);
		c->changed |= X86_CHG_REGS;
		if (compares && comparison_ends(c))
			break;
		if (count && (c->rflags & X86_EFLAGS_TF)) {
			c->trap_db = X86_TRAP_BS;
			/* SDM volume 3, "Instruction-Breakpoint Exception Condition" */
			if (!emul_amd(c))
				c->rflags |= X86_EFLAGS_RF;
			return interrupt_repeat(c);
		}
	}
	return X86_OK;
}

static unsigned int element_bytes(const struct x86_emulate_ctxt *c)
{
	return c->insn->opcode & 1 ? c->insn->op_bytes : 1;
}

static int string_op(struct x86_emulate_ctxt *c, string_step step, unsigned int bytes,
		     bool compares)
{
	unsigned int one = 1;

	if (c->insn->prefixes & PFX_REP)
		return repeat(c, step, bytes, compares);
	return step(c, bytes, &one);
}

/* ------------------------------------------------------------------------
 * Memory strings
 */

static int movs_step(struct x86_emulate_ctxt *c, unsigned int bytes, unsigned int *count)
{
	u64 val;
	int r = emul_read(c, source_seg(c), pointer(c, X86_RSI), &val, bytes);

	if (r == X86_OK)
		r = emul_write(c, X86_ES, pointer(c, X86_RDI), &val, bytes);
	if (r != X86_OK)
		return r;
	advance(c, X86_RSI, bytes);
	advance(c, X86_RDI, bytes);
	*count = 1;
	return X86_OK;
}

static int cmps_step(struct x86_emulate_ctxt *c, unsigned int bytes, unsigned int *count)
{
	u64 a = 0, b = 0;
	int r = emul_read(c, source_seg(c), pointer(c, X86_RSI), &a, bytes);

	if (r == X86_OK)
		r = emul_read(c, X86_ES, pointer(c, X86_RDI), &b, bytes);
	if (r != X86_OK)
		return r;
	emul_compare(c, a, b, bytes);
	advance(c, X86_RSI, bytes);
	advance(c, X86_RDI, bytes);
	*count = 1;
	return X86_OK;
}

static int scas_step(struct x86_emulate_ctxt *c, unsigned int bytes, unsigned int *count)
{
	u64 val = 0;
	int r = emul_read(c, X86_ES, pointer(c, X86_RDI), &val, bytes);

	if (r != X86_OK)
		return r;
	emul_compare(c, emul_reg(c, X86_RAX, bytes), val, bytes);
	advance(c, X86_RDI, bytes);
	*count = 1;
	return X86_OK;
}

static int stos_step(struct x86_emulate_ctxt *c, unsigned int bytes, unsigned int *count)
{
	int r = emul_write(c, X86_ES, pointer(c, X86_RDI), &c->regs[X86_RAX], bytes);

	if (r != X86_OK)
		return r;
	advance(c, X86_RDI, bytes);
	*count = 1;
	return X86_OK;
}

static int lods_step(struct x86_emulate_ctxt *c, unsigned int bytes, unsigned int *count)
{
	u64 val;
	int r = emul_read(c, source_seg(c), pointer(c, X86_RSI), &val, bytes);

	if (r != X86_OK)
		return r;
	emul_set_reg(c, X86_RAX, bytes, val);
	advance(c, X86_RSI, bytes);
	*count = 1;
	return X86_OK;
}

int emul_movs(struct x86_emulate_ctxt *c)
{
	return string_op(c, movs_step, element_bytes(c), false);
}

int emul_cmps(struct x86_emulate_ctxt *c)
{
	return string_op(c, cmps_step, element_bytes(c), true);
}

int emul_scas(struct x86_emulate_ctxt *c)
{
	return string_op(c, scas_step, element_bytes(c), true);
}

int emul_stos(struct x86_emulate_ctxt *c)
{
	return string_op(c, stos_step, element_bytes(c), false);
}

int emul_lods(struct x86_emulate_ctxt *c)
{
	return string_op(c, lods_step, element_bytes(c), false);
}

/* ------------------------------------------------------------------------
 * Port strings
 */

/*
 * How many elements at @ea, at most @count, make one piece of memory: upwards, without
 * a wrap of the offset, in one page, and not MMIO, where a device wants each by itself.
 * At least 1, which may cross a page, and may fault.
 */
static unsigned int batch(struct x86_emulate_ctxt *c, unsigned int sreg, u64 ea,
			  unsigned int bytes, unsigned int count, unsigned int acc)
{
	u64 la, room = emul_mask(c->insn->addr_bytes) - ea;

	if (c->rflags & (X86_EFLAGS_DF | X86_EFLAGS_TF | X86_EFLAGS_AC))
		return 1;
	if (count > X86_BUFFER_BYTES / bytes)
		count = X86_BUFFER_BYTES / bytes;
	if (count * bytes > room || emul_linear(c, sreg, ea, bytes, 0, &la) != X86_OK)
		return 1;
	if (count * bytes > 4096 - (la & 4095))
		count = (4096 - (la & 4095)) / bytes;
	if (count <= 1 || emul_linear(c, sreg, ea, count * bytes, 0, &la) != X86_OK ||
	    emul_probe_linear(c, la, count * bytes, acc | X86_ACC_BATCH) != X86_OK)
		return 1;
	return count;
}

/* Nothing may be taken from the device that memory cannot hold: so probe first. */
static int ins_step(struct x86_emulate_ctxt *c, unsigned int bytes, unsigned int *count)
{
	u64 ea = pointer(c, X86_RDI), la;
	unsigned int n = batch(c, X86_ES, ea, bytes, *count, X86_ACC_WRITE), at, len;
	int r = emul_linear(c, X86_ES, ea, n * bytes, X86_ACC_WRITE, &la);

	if (r == X86_OK)
		r = emul_probe_linear(c, la, n * bytes, X86_ACC_WRITE);
	if (r == X86_OK)
		r = c->ops->io(c, true, (u16)c->regs[X86_RDX], bytes, c->buffer, &n);
	for (at = 0; at < n * bytes && r == X86_OK; at += len) {
		len = n * bytes - at < PIECE ? n * bytes - at : PIECE;
		r = emul_write_linear(c, la + at, c->buffer + at, len);
	}
	if (r != X86_OK)
		return r;
	advance(c, X86_RDI, n * bytes);
	*count = n;
	return X86_OK;
}

static int outs_step(struct x86_emulate_ctxt *c, unsigned int bytes, unsigned int *count)
{
	u64 ea = pointer(c, X86_RSI), la;
	unsigned int n = batch(c, source_seg(c), ea, bytes, *count, 0), at, len;
	int r = emul_linear(c, source_seg(c), ea, n * bytes, 0, &la);

	for (at = 0; at < n * bytes && r == X86_OK; at += len) {
		len = n * bytes - at < PIECE ? n * bytes - at : PIECE;
		r = emul_read_linear(c, la + at, c->buffer + at, len, 0);
	}
	if (r == X86_OK)
		r = c->ops->io(c, false, (u16)c->regs[X86_RDX], bytes, c->buffer, &n);
	if (r != X86_OK)
		return r;
	advance(c, X86_RSI, n * bytes);
	*count = n;
	return X86_OK;
}

static int port_string(struct x86_emulate_ctxt *c, string_step step)
{
	unsigned int bytes = element_bytes(c);
	int r;

	if (bytes == 8)
		bytes = 4;
	r = emul_check_io(c, (u16)c->regs[X86_RDX], bytes);
	return r == X86_OK ? string_op(c, step, bytes, false) : r;
}

int emul_ins(struct x86_emulate_ctxt *c)
{
	return port_string(c, ins_step);
}

int emul_outs(struct x86_emulate_ctxt *c)
{
	return port_string(c, outs_step);
}
