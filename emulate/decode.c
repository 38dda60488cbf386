// SPDX-License-Identifier: GPL-2.0
/*
 * Instruction decoding: from bytes to struct x86_insn.
 *
 * Decoding depends on the bytes, the mode and the vendor alone, never on register
 * contents, so that its result can be kept (x86_emulate.c does).  What can be refused
 * without looking at the machine's state is refused here: undefined opcodes, wrong
 * modes, illegal LOCK, more than 15 bytes, fetches beyond the code segment.
 * The opcode rows are in tables.c; execution starts in ../x86_emulate.c.
 */
#include "emulate.h"

/*
 * Read more instruction bytes: to the end of the page, of the code segment or of the
 * 15 bytes an instruction may have, whichever is first.  The second page is thus only
 * touched by an instruction that needs it.
 */
int emul_fetch_more(struct x86_emulate_ctxt *c, u64 linear)
{
	unsigned int done = c->fetched, n = X86_INSN_MAX - done;
	u64 la = linear + done;
	int r;

	if (!n)
		return emul_gp(c);
	if (emul_long64(c)) {
		if (!emul_canonical(c, la))
			return emul_gp(c);
	} else {
		u64 limit = emul_seg(c, X86_CS)->limit, offset = c->rip + done;

		if (offset > limit)
			return emul_gp(c);
		if (n > limit - offset + 1)
			n = limit - offset + 1;
		la = (u32)la;
	}
	if (unlikely(((la + n - 1) ^ la) >> 12))
		n = 4096 - (la & 4095);

	r = c->ops->read(c, la, c->fetch + done, n,
			 X86_ACC_FETCH | emul_rights(c));
	if (r == X86_OK)
		c->fetched = done + n;
	return r;
}

/*
 * Decoding reads ctxt->fetch from one end to the other through a pointer that is handed
 * on, and asks afterwards whether all of that had been fetched (emul_decode()).  What lies
 * behind, of instructions decoded before, does no harm till then.
 */
static inline u64 bytes_at(const u8 *at, unsigned int n)
{
	u64 val;

	memcpy(&val, at, sizeof(val));
	return val & emul_mask(n);
}

/* In 64-bit mode the four old segment prefixes do nothing, not even cancel FS or GS. */
static void segment_prefix(struct x86_insn *insn, unsigned int sreg)
{
	if (insn->mode != X86_MODE_LONG64 || sreg >= X86_FS)
		insn->seg_override = sreg;
}

/* Bytes that may be more than an opcode of one byte. */
enum { PREFIX = 1, ESCAPE };

static const u8 byte_class[256] = {
	[0x26] = PREFIX, [0x2e] = PREFIX, [0x36] = PREFIX, [0x3e] = PREFIX,
	[0x40 ... 0x4f] = PREFIX, [0x64 ... 0x67] = PREFIX, [0xf0] = PREFIX,
	[0xf2 ... 0xf3] = PREFIX, [0x0f] = ESCAPE, [0xc4 ... 0xc5] = ESCAPE,
};

/* Note one legacy prefix, which voids a REX before it. */
static void legacy_prefix(struct x86_insn *insn, u8 b)
{
	insn->rex = 0;
	switch (b) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:
		segment_prefix(insn, (b >> 3) & 3);
		break;
	case 0x64: case 0x65:
		segment_prefix(insn, b & 7);
		break;
	case 0x66:
		insn->prefixes |= PFX_OPSIZE;
		break;
	case 0x67:
		insn->prefixes |= PFX_ADDRSIZE;
		break;
	case 0xf0:
		insn->prefixes |= PFX_LOCK;
		break;
	case 0xf2:
		insn->prefixes = (insn->prefixes & ~PFX_REP) | PFX_REPNE;
		break;
	case 0xf3:
		insn->prefixes = (insn->prefixes & ~PFX_REP) | PFX_REPE;
		break;
	}
}

/* All prefixes but VEX, then the first opcode byte. */
static inline const u8 *decode_prefixes(struct x86_emulate_ctxt *c, struct x86_insn *insn,
					const u8 *at)
{
	const u8 *end = c->fetch + X86_INSN_MAX;
	u8 b;

	for (;;) {
		b = *at++;
		if (likely(byte_class[b] != PREFIX) || at > end)
			break;
		if ((b & 0xf0) != 0x40)
			legacy_prefix(insn, b);
		else if (insn->mode == X86_MODE_LONG64)
			insn->rex = b;
		else
			break;
	}
	insn->opcode = b;
	return at;
}

static const struct x86_opcode *vex_map(unsigned int map, u8 opcode)
{
	switch (map) {
	case 1:
		return &emul_map_0f[opcode];
	case 2:
		return &emul_map_0f38[opcode];
	case 3:
		return &emul_row_ni;
	}
	return &emul_row_ud_modrm;
}

/*
 * The bytes of a VEX prefix behind C4 or C5, and the opcode; pp becomes a prefix.
 * A REX before it is #UD at once, other prefixes are when the instruction is complete.
 */
static const u8 *decode_vex(struct x86_insn *insn, const u8 *at, const struct x86_opcode **row)
{
	static const u8 pp[4] = { 0, PFX_OPSIZE, PFX_REPE, PFX_REPNE };
	bool bad = (insn->prefixes & (PFX_OPSIZE | PFX_LOCK | PFX_REP)) ||
		   insn->mode <= X86_MODE_VM86;
	unsigned int map = 1;
	u8 b = *at++, rxb = (b >> 5) | 3;

	*row = &emul_row_ud;
	if (insn->rex)
		return at;
	if (insn->opcode == 0xc4) {
		rxb = b >> 5;
		map = b & 0x1f;
		b = *at++;
		insn->rex = b & 0x80 ? REX_W : 0;
	}
	/* Outside 64-bit mode R and X are ones, or this were LES or LDS; B is ignored. */
	if (insn->mode == X86_MODE_LONG64)
		insn->rex |= ~rxb & 7;
	insn->vex_reg = (~b >> 3) & (insn->mode == X86_MODE_LONG64 ? 15 : 7);
	insn->vex_len = b & 4 ? 32 : 16;
	insn->prefixes = (insn->prefixes & PFX_ADDRSIZE) | PFX_VEX | pp[b & 3] |
			 (bad ? PFX_BAD : 0);

	insn->opcode = *at++;
	*row = vex_map(map, insn->opcode);
	return at;
}

/* The row of an opcode with more bytes than one. */
static const u8 *decode_0f(struct x86_insn *insn, const u8 *at, const struct x86_opcode **row)
{
	insn->opcode = *at++;
	*row = &emul_map_0f[insn->opcode];
	if (insn->opcode != 0x38)
		return at;
	insn->opcode = *at++;
	*row = &emul_map_0f38[insn->opcode];
	return at;
}

/*
 * The row of an opcode, its further bytes read.  C4 and C5 are a VEX prefix in 64-bit
 * mode, and elsewhere if the next byte would name a register: else they are LES and LDS.
 */
static inline const u8 *decode_opcode(struct x86_insn *insn, const u8 *at,
				      const struct x86_opcode **row)
{
	*row = &emul_map_1byte[insn->opcode];
	if (likely(byte_class[insn->opcode] != ESCAPE))
		return at;
	if (insn->opcode == 0x0f)
		return decode_0f(insn, at, row);
	return insn->mode == X86_MODE_LONG64 || *at >= 0xc0 ? decode_vex(insn, at, row) : at;
}

static unsigned int prefix_index(const struct x86_insn *insn)
{
	if (insn->prefixes & PFX_REPE)
		return 2;
	if (insn->prefixes & PFX_REPNE)
		return 3;
	return insn->prefixes & PFX_OPSIZE ? 1 : 0;
}

/* The entry of a sub-table. */
static const struct x86_opcode *sub_row(const struct x86_insn *insn,
					const struct x86_opcode *row)
{
	switch (row->flags & SUB) {
	case SUB_REG:
		return &row->sub[insn->reg];
	case SUB_MOD:
		return &row->sub[insn->mod == 3];
	case SUB_RM:
		return &row->sub[insn->rm];
	case SUB_PFX:
		return &row->sub[prefix_index(insn)];
	}
	return &row->sub[insn->mode == X86_MODE_LONG64];
}

/* Follow sub-tables to a row with a handler; read ModRM once that is needed. */
static inline const u8 *decode_row(struct x86_insn *insn, const u8 *at,
				   const struct x86_opcode *row, bool *modrm)
{
	*modrm = false;
	for (;;) {
		if ((row->flags & NEEDS_MODRM) && !*modrm) {
			insn->mod = *at >> 6;
			insn->reg = (*at >> 3) & 7;
			insn->rm = *at++ & 7;
			*modrm = true;
		}
		if (likely(!(row->flags & SUB)))
			break;
		row = sub_row(insn, row);
	}
	insn->row = row;
	return at;
}

/* Operand and address size without prefixes, by mode. */
static const struct { u8 op, addr; } default_sizes[] = {
	[X86_MODE_REAL] = { 2, 2 }, [X86_MODE_VM86] = { 2, 2 }, [X86_MODE_PROT16] = { 2, 2 },
	[X86_MODE_PROT32] = { 4, 4 }, [X86_MODE_LONG64] = { 4, 8 },
};

/* With them, or of a row whose operands are of another size in 64-bit mode. */
static void decode_odd_sizes(struct x86_emulate_ctxt *c, struct x86_insn *insn)
{
	bool opsize = insn->prefixes & PFX_OPSIZE;
	u32 flags = insn->row->flags;

	if (opsize)
		insn->op_bytes = insn->op_bytes == 4 ? 2 : 4;
	if (insn->prefixes & PFX_ADDRSIZE)
		insn->addr_bytes = insn->addr_bytes == 4 ? 2 : 4;
	if (insn->mode != X86_MODE_LONG64)
		return;
	/* Near branches: AMD honours an operand size prefix, Intel does not. */
	if ((insn->rex & REX_W) || ((flags & O64) && !opsize) ||
	    ((flags & F64) && (!opsize || !emul_amd(c))))
		insn->op_bytes = 8;
}

/* Operand and address size: a function of mode, prefixes and the row. */
static inline void decode_sizes(struct x86_emulate_ctxt *c, struct x86_insn *insn)
{
	insn->op_bytes = default_sizes[insn->mode].op;
	insn->addr_bytes = default_sizes[insn->mode].addr;
	if ((insn->prefixes & (PFX_OPSIZE | PFX_ADDRSIZE)) || (insn->rex & REX_W) ||
	    (insn->row->flags & (O64 | F64)))
		decode_odd_sizes(c, insn);
}

static inline const u8 *decode_disp(struct x86_insn *insn, const u8 *at, unsigned int bytes)
{
	if (bytes == 1)
		insn->disp = (s8)*at;
	else if (bytes)
		insn->disp = (s64)emul_sext(bytes_at(at, bytes), bytes);
	return at + bytes;
}

static const u8 *decode_memory16(struct x86_insn *insn, const u8 *at)
{
	static const struct { u8 base, index; } forms[8] = {
		{ X86_RBX, X86_RSI }, { X86_RBX, X86_RDI }, { X86_RBP, X86_RSI },
		{ X86_RBP, X86_RDI }, { X86_RSI, EMUL_NONE }, { X86_RDI, EMUL_NONE },
		{ X86_RBP, EMUL_NONE }, { X86_RBX, EMUL_NONE },
	};

	if (insn->mod == 0 && insn->rm == 6)
		return decode_disp(insn, at, 2);
	insn->base = forms[insn->rm].base;
	insn->index = forms[insn->rm].index;
	if (insn->base == X86_RBP)
		insn->seg = X86_SS;
	return decode_disp(insn, at, insn->mod);
}

static inline const u8 *decode_memory32(struct x86_insn *insn, const u8 *at)
{
	unsigned int base = insn->rm;

	if (insn->rm == 4) {
		base = *at & 7;
		insn->index = ((*at >> 3) & 7) | (insn->rex & REX_X ? 8 : 0);
		if (insn->index == X86_RSP)
			insn->index = EMUL_NONE;
		insn->scale = *at++ >> 6;
	}
	if (base == 5 && insn->mod == 0) {
		if (insn->rm == 5 && insn->mode == X86_MODE_LONG64)
			insn->base = EMUL_RIP;
		return decode_disp(insn, at, 4);
	}
	insn->base = base | (insn->rex & REX_B ? 8 : 0);
	if (insn->base == X86_RSP || insn->base == X86_RBP)
		insn->seg = X86_SS;
	return decode_disp(insn, at, insn->mod == 2 ? 4 : insn->mod);
}

/* What follows ModRM, and the REX bits of its fields. */
static inline const u8 *decode_modrm(struct x86_insn *insn, const u8 *at)
{
	if (insn->row->flags & SYSREG)
		insn->mod = 3;
	if (insn->mod != 3)
		at = insn->addr_bytes == 2 ? decode_memory16(insn, at) :
					     decode_memory32(insn, at);
	if (insn->rex & (REX_R | REX_B)) {
		insn->reg |= insn->rex & REX_R ? 8 : 0;
		insn->rm |= insn->rex & REX_B ? 8 : 0;
	}
	return at;
}

static const u8 *decode_immediate(struct x86_insn *insn, const u8 *at, u8 opspec)
{
	const struct emul_operand_spec *spec = &emul_operand_specs[opspec];
	unsigned int bytes = emul_width(insn, spec->width);

	switch (spec->from) {
	case FROM_IMM:
	case FROM_REL:
		insn->imm = bytes_at(at, bytes);
		if (spec->is_signed)
			insn->imm = emul_sext(insn->imm, bytes);
		return at + bytes;
	case FROM_FAR:
		insn->imm = bytes_at(at, bytes);
		insn->imm2 = (u16)bytes_at(at + bytes, 2);
		return at + bytes + 2;
	case FROM_IMM2:
		insn->imm2 = *at;
		return at + 1;
	case FROM_MOFFS:
		insn->disp = (s64)bytes_at(at, insn->addr_bytes);
		return at + insn->addr_bytes;
	}
	return at;
}

static const u8 *decode_immediates(struct x86_insn *insn, const u8 *at)
{
	at = decode_immediate(insn, at, insn->row->dst);
	at = decode_immediate(insn, at, insn->row->src);
	return decode_immediate(insn, at, insn->row->src2);
}

static inline bool bad_form(const struct x86_insn *insn, u8 opspec)
{
	return opspec >= OP_REGISTER_ONLY && (opspec >= OP_MEMORY_ONLY) == (insn->mod == 3);
}

static bool bad_vex(const struct x86_insn *insn)
{
	u32 flags = insn->row->flags;

	if (!(insn->prefixes & PFX_VEX))
		return flags & VEXONLY;
	return !(flags & (VEX | VEXONLY)) || (insn->vex_reg && !(flags & VVVV)) ||
	       ((flags & L0) && insn->vex_len != 16) ||
	       ((flags & W0) && (insn->rex & REX_W));
}

/* Rows and prefixes that may be #UD though they have a handler. */
#define CHECKED_ROWS		(UD | I64 | PROT | SYSREG | VEXONLY | FORM)
#define CHECKED_PREFIXES	(PFX_LOCK | PFX_VEX | PFX_BAD)

/* Everything that makes this #UD whatever the machine's state. */
static bool is_undefined(const struct x86_emulate_ctxt *c, const struct x86_insn *insn)
{
	const struct x86_opcode *row = insn->row;
	u32 flags = row->flags;

	if ((flags & UD) || (insn->prefixes & PFX_BAD))
		return true;
	if ((flags & I64) && insn->mode == X86_MODE_LONG64)
		return true;
	if ((flags & PROT) && insn->mode <= X86_MODE_VM86)
		return true;
	if ((insn->prefixes & PFX_LOCK) && !((flags & LOCK) && insn->mod != 3) &&
	    !((flags & LOCKCR) && !insn->reg && emul_amd(c)))
		return true;
	if ((flags & SYSREG) && insn->reg > (flags & LOCKCR ? 8 : 7))
		return true;
	return bad_form(insn, row->dst) || bad_form(insn, row->src) || bad_vex(insn);
}

/* Start anew: nothing is left of what was decoded here before.  bytes come later. */
static inline void reset_insn(struct x86_insn *insn, u64 linear, u8 mode)
{
	insn->linear = linear;
	insn->imm = 0;
	insn->disp = 0;
	insn->mode = mode;
	/* In the order of the structure, to be a few stores. */
	insn->imm2 = 0;
	insn->len = 0;
	insn->opcode = insn->op_bytes = insn->addr_bytes = insn->rex = insn->prefixes = 0;
	insn->seg_override = EMUL_NONE;
	insn->mod = insn->reg = insn->rm = 0;
	insn->base = insn->index = EMUL_NONE;
	insn->scale = 0;
	insn->seg = X86_DS;
	insn->vex_reg = insn->vex_len = 0;
}

/* Decode what is in ctxt->fetch, and set insn->len to how much of it that took. */
static int decode_fetched(struct x86_emulate_ctxt *c, struct x86_insn *insn)
{
	const struct x86_opcode *row;
	const u8 *at = c->fetch;
	bool modrm;

	at = decode_prefixes(c, insn, at);
	at = decode_opcode(insn, at, &row);
	at = decode_row(insn, at, row, &modrm);
	row = insn->row;
	if (!(row->flags & NI)) {
		/* What is undefined is fetched whole before it is #UD, as far as it has a form. */
		decode_sizes(c, insn);
		if (modrm)
			at = decode_modrm(insn, at);
		if (row->flags & HAS_BYTES)
			at = decode_immediates(insn, at);
	}
	if (insn->seg_override != EMUL_NONE)
		insn->seg = insn->seg_override;
	insn->len = (u8)(at - c->fetch);
	if (row->flags & NI)
		return X86_UNHANDLED;
	if (!(row->flags & CHECKED_ROWS) && !(insn->prefixes & CHECKED_PREFIXES))
		return X86_OK;
	return is_undefined(c, insn) ? X86_FAULT : X86_OK;
}

/*
 * Decode into @insn the instruction at @linear, whose first bytes are fetched.
 * X86_OK, X86_FAULT, X86_UNHANDLED, or what the fetch callback returned.
 */
int emul_decode(struct x86_emulate_ctxt *c, struct x86_insn *insn, u64 linear)
{
	int r, verdict;

	for (;;) {
		reset_insn(insn, linear, c->mode);
		verdict = decode_fetched(c, insn);
		if (likely(insn->len <= c->fetched))
			break;
		/* It goes on behind what was fetched. */
		r = emul_fetch_more(c, linear);
		if (r != X86_OK)
			return r;
	}
	return verdict == X86_FAULT ? emul_ud(c) : verdict;
}
