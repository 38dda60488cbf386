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
	unsigned int n = X86_INSN_MAX - c->fetched;
	u64 la = linear + c->fetched;
	u64 offset = c->rip + c->fetched;
	int r;

	if (!n)
		return emul_gp(c);
	if (emul_long64(c)) {
		if (!emul_canonical(c, la))
			return emul_gp(c);
	} else {
		u64 limit = emul_seg(c, X86_CS)->limit;

		if (offset > limit)
			return emul_gp(c);
		if (n > limit - offset + 1)
			n = limit - offset + 1;
		la = (u32)la;
	}
	if (n > 4096 - (la & 4095))
		n = 4096 - (la & 4095);

	r = c->ops->read(c, la, c->fetch + c->fetched, n,
			 X86_ACC_FETCH | (c->cpl == 3 ? X86_ACC_USER : 0));
	if (r == X86_OK)
		c->fetched += n;
	return r;
}

/* The next @n bytes of the instruction, zero-extended; insn->len is the cursor. */
static int next_bytes(struct x86_emulate_ctxt *c, struct x86_insn *insn, u64 *val,
		      unsigned int n)
{
	int r;

	while (unlikely(insn->len + n > c->fetched)) {
		r = emul_fetch_more(c, insn->linear);
		if (r != X86_OK)
			return r;
	}
	*val = 0;
	memcpy(val, c->fetch + insn->len, n);
	insn->len += n;
	return X86_OK;
}

static inline int next_byte(struct x86_emulate_ctxt *c, struct x86_insn *insn, u8 *val)
{
	u64 v = 0;
	int r;

	if (likely(insn->len < c->fetched)) {
		*val = c->fetch[insn->len++];
		return X86_OK;
	}
	r = next_bytes(c, insn, &v, 1);
	*val = (u8)v;
	return r;
}

/* In 64-bit mode the four old segment prefixes do nothing, not even cancel FS or GS. */
static void segment_prefix(struct x86_insn *insn, unsigned int sreg)
{
	if (insn->mode != X86_MODE_LONG64 || sreg >= X86_FS)
		insn->seg_override = sreg;
}

/* Note one legacy prefix; false if @b is none. */
static bool legacy_prefix(struct x86_insn *insn, u8 b)
{
	switch (b) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:
		segment_prefix(insn, (b >> 3) & 3);
		return true;
	case 0x64: case 0x65:
		segment_prefix(insn, b & 7);
		return true;
	case 0x66:
		insn->prefixes |= PFX_OPSIZE;
		return true;
	case 0x67:
		insn->prefixes |= PFX_ADDRSIZE;
		return true;
	case 0xf0:
		insn->prefixes |= PFX_LOCK;
		return true;
	case 0xf2:
		insn->prefixes = (insn->prefixes & ~PFX_REP) | PFX_REPNE;
		return true;
	case 0xf3:
		insn->prefixes = (insn->prefixes & ~PFX_REP) | PFX_REPE;
		return true;
	}
	return false;
}

/* All prefixes but VEX, then the first opcode byte.  A REX not right before it is void. */
static int decode_prefixes(struct x86_emulate_ctxt *c, struct x86_insn *insn)
{
	u8 b;
	int r;

	for (;;) {
		r = next_byte(c, insn, &b);
		if (r != X86_OK)
			return r;
		if (legacy_prefix(insn, b)) {
			insn->rex = 0;
			continue;
		}
		if ((b & 0xf0) != 0x40 || insn->mode != X86_MODE_LONG64)
			break;
		insn->rex = b;
	}
	insn->opcode = b;
	return X86_OK;
}

/*
 * Is this C4 or C5 a VEX prefix?  Outside 64-bit mode it is LES or LDS unless the next
 * byte would name a register.
 */
static int is_vex(struct x86_emulate_ctxt *c, struct x86_insn *insn, bool *vex)
{
	u8 b;
	int r;

	*vex = insn->mode == X86_MODE_LONG64;
	if (*vex)
		return X86_OK;
	r = next_byte(c, insn, &b);
	if (r != X86_OK)
		return r;
	insn->len--;
	*vex = b >= 0xc0;
	return X86_OK;
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
static int decode_vex(struct x86_emulate_ctxt *c, struct x86_insn *insn,
		      const struct x86_opcode **row)
{
	static const u8 pp[4] = { 0, PFX_OPSIZE, PFX_REPE, PFX_REPNE };
	bool bad = (insn->prefixes & (PFX_OPSIZE | PFX_LOCK | PFX_REP)) ||
		   insn->mode <= X86_MODE_VM86;
	unsigned int map = 1;
	u8 b, rxb;
	int r = next_byte(c, insn, &b);

	if (r == X86_OK && insn->rex)
		r = emul_ud(c);
	if (r != X86_OK)
		return r;
	rxb = (b >> 5) | 3;
	if (insn->opcode == 0xc4) {
		rxb = b >> 5;
		map = b & 0x1f;
		r = next_byte(c, insn, &b);
		if (r != X86_OK)
			return r;
		insn->rex = b & 0x80 ? REX_W : 0;
	}
	/* Outside 64-bit mode R and X are ones, or this were LES or LDS; B is ignored. */
	if (insn->mode == X86_MODE_LONG64)
		insn->rex |= ~rxb & 7;
	insn->vex_reg = (~b >> 3) & (insn->mode == X86_MODE_LONG64 ? 15 : 7);
	insn->vex_len = b & 4 ? 32 : 16;
	insn->prefixes = (insn->prefixes & PFX_ADDRSIZE) | PFX_VEX | pp[b & 3] |
			 (bad ? PFX_BAD : 0);

	r = next_byte(c, insn, &insn->opcode);
	*row = vex_map(map, insn->opcode);
	return r;
}

/* The row of a legacy opcode, its further bytes read. */
static int decode_opcode(struct x86_emulate_ctxt *c, struct x86_insn *insn,
			 const struct x86_opcode **row)
{
	bool vex = false;
	int r;

	if (insn->opcode == 0xc4 || insn->opcode == 0xc5) {
		r = is_vex(c, insn, &vex);
		if (r != X86_OK)
			return r;
	}
	if (vex)
		return decode_vex(c, insn, row);

	*row = &emul_map_1byte[insn->opcode];
	if (insn->opcode != 0x0f)
		return X86_OK;
	r = next_byte(c, insn, &insn->opcode);
	*row = &emul_map_0f[insn->opcode];
	if (r != X86_OK || insn->opcode != 0x38)
		return r;
	r = next_byte(c, insn, &insn->opcode);
	*row = &emul_map_0f38[insn->opcode];
	return r;
}

static unsigned int prefix_index(const struct x86_insn *insn)
{
	if (insn->prefixes & PFX_REPE)
		return 2;
	if (insn->prefixes & PFX_REPNE)
		return 3;
	return insn->prefixes & PFX_OPSIZE ? 1 : 0;
}

static int decode_modrm_byte(struct x86_emulate_ctxt *c, struct x86_insn *insn)
{
	u8 b;
	int r = next_byte(c, insn, &b);

	insn->mod = b >> 6;
	insn->reg = (b >> 3) & 7;
	insn->rm = b & 7;
	return r;
}

static inline bool needs_modrm(const struct x86_opcode *row)
{
	unsigned int sub = row->flags & SUB;

	return (row->flags & NEEDS_MODRM) || (sub && sub <= SUB_RM) ||
	       emul_operand_specs[row->dst].modrm || emul_operand_specs[row->src].modrm;
}

/* Follow sub-tables to a row with a handler; read ModRM once that is needed. */
static int decode_row(struct x86_emulate_ctxt *c, struct x86_insn *insn,
		      const struct x86_opcode *row, bool *modrm)
{
	int r;

	*modrm = false;
	for (;;) {
		if (!*modrm && needs_modrm(row)) {
			r = decode_modrm_byte(c, insn);
			if (r != X86_OK)
				return r;
			*modrm = true;
		}
		switch (row->flags & SUB) {
		case SUB_REG:
			row = &row->sub[insn->reg];
			break;
		case SUB_MOD:
			row = &row->sub[insn->mod == 3];
			break;
		case SUB_RM:
			row = &row->sub[insn->rm];
			break;
		case SUB_PFX:
			row = &row->sub[prefix_index(insn)];
			break;
		case SUB_64:
			row = &row->sub[insn->mode == X86_MODE_LONG64];
			break;
		default:
			insn->row = row;
			return X86_OK;
		}
	}
}

/* Operand and address size: a function of mode, prefixes and the row. */
static void decode_sizes(struct x86_emulate_ctxt *c, struct x86_insn *insn)
{
	bool opsize = insn->prefixes & PFX_OPSIZE;
	bool addrsize = insn->prefixes & PFX_ADDRSIZE;
	u32 flags = insn->row->flags;

	switch (insn->mode) {
	case X86_MODE_LONG64:
		insn->addr_bytes = addrsize ? 4 : 8;
		insn->op_bytes = insn->rex & REX_W ? 8 : opsize ? 2 : 4;
		/* Near branches: AMD honours an operand size prefix, Intel does not. */
		if ((flags & (O64 | F64)) && (!opsize || ((flags & F64) && !emul_amd(c))))
			insn->op_bytes = 8;
		break;
	case X86_MODE_PROT32:
		insn->addr_bytes = addrsize ? 2 : 4;
		insn->op_bytes = opsize ? 2 : 4;
		break;
	default:
		insn->addr_bytes = addrsize ? 4 : 2;
		insn->op_bytes = opsize ? 4 : 2;
		break;
	}
}

static int decode_disp(struct x86_emulate_ctxt *c, struct x86_insn *insn,
		       unsigned int bytes)
{
	u64 val;
	int r;

	if (!bytes)
		return X86_OK;
	r = next_bytes(c, insn, &val, bytes);
	insn->disp = (s64)emul_sext(val, bytes);
	return r;
}

static int decode_memory16(struct x86_emulate_ctxt *c, struct x86_insn *insn)
{
	static const struct { u8 base, index; } forms[8] = {
		{ X86_RBX, X86_RSI }, { X86_RBX, X86_RDI }, { X86_RBP, X86_RSI },
		{ X86_RBP, X86_RDI }, { X86_RSI, EMUL_NONE }, { X86_RDI, EMUL_NONE },
		{ X86_RBP, EMUL_NONE }, { X86_RBX, EMUL_NONE },
	};

	if (insn->mod == 0 && insn->rm == 6)
		return decode_disp(c, insn, 2);
	insn->base = forms[insn->rm].base;
	insn->index = forms[insn->rm].index;
	if (insn->base == X86_RBP)
		insn->seg = X86_SS;
	return decode_disp(c, insn, insn->mod);
}

static int decode_memory32(struct x86_emulate_ctxt *c, struct x86_insn *insn)
{
	unsigned int base = insn->rm;
	u8 sib;
	int r;

	if (insn->rm == 4) {
		r = next_byte(c, insn, &sib);
		if (r != X86_OK)
			return r;
		base = sib & 7;
		insn->index = ((sib >> 3) & 7) | (insn->rex & REX_X ? 8 : 0);
		if (insn->index == X86_RSP)
			insn->index = EMUL_NONE;
		insn->scale = sib >> 6;
	}
	if (base == 5 && insn->mod == 0) {
		if (insn->rm == 5 && insn->mode == X86_MODE_LONG64)
			insn->base = EMUL_RIP;
		return decode_disp(c, insn, 4);
	}
	insn->base = base | (insn->rex & REX_B ? 8 : 0);
	if (insn->base == X86_RSP || insn->base == X86_RBP)
		insn->seg = X86_SS;
	return decode_disp(c, insn, insn->mod == 2 ? 4 : insn->mod);
}

/* What follows ModRM, and the REX bits of its fields. */
static int decode_modrm(struct x86_emulate_ctxt *c, struct x86_insn *insn)
{
	int r = X86_OK;

	if (insn->row->flags & SYSREG)
		insn->mod = 3;
	if (insn->mod != 3)
		r = insn->addr_bytes == 2 ? decode_memory16(c, insn) :
					    decode_memory32(c, insn);
	if (insn->rex & REX_R)
		insn->reg |= 8;
	if (insn->rex & REX_B)
		insn->rm |= 8;
	return r;
}

static int decode_immediate(struct x86_emulate_ctxt *c, struct x86_insn *insn, u8 opspec)
{
	const struct emul_operand_spec *spec = &emul_operand_specs[opspec];
	unsigned int bytes = emul_width(insn, spec->width);
	u64 val;
	int r;

	switch (spec->from) {
	case FROM_IMM:
	case FROM_REL:
		r = next_bytes(c, insn, &insn->imm, bytes);
		if (spec->is_signed)
			insn->imm = emul_sext(insn->imm, bytes);
		return r;
	case FROM_FAR:
		r = next_bytes(c, insn, &insn->imm, bytes);
		if (r != X86_OK)
			return r;
		bytes = 2;
		fallthrough;
	case FROM_IMM2:
		r = next_bytes(c, insn, &val, bytes);
		insn->imm2 = (u16)val;
		return r;
	case FROM_MOFFS:
		r = next_bytes(c, insn, &val, insn->addr_bytes);
		insn->disp = (s64)val;
		return r;
	}
	return X86_OK;
}

static bool bad_form(const struct x86_insn *insn, u8 opspec)
{
	switch (emul_operand_specs[opspec].from) {
	case FROM_MEM:
		return insn->mod == 3;
	case FROM_RM_ONLY:
	case FROM_VRM_ONLY:
	case FROM_MRM_ONLY:
		return insn->mod != 3;
	}
	return false;
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

/*
 * Decode into @insn, whose linear and mode are set and whose other fields are zero.
 * X86_OK, X86_FAULT, X86_UNHANDLED, or what the fetch callback returned.
 */
int emul_decode(struct x86_emulate_ctxt *c, struct x86_insn *insn)
{
	const struct x86_opcode *row = &emul_row_ud;
	bool modrm;
	int r;

	insn->seg_override = EMUL_NONE;
	insn->base = EMUL_NONE;
	insn->index = EMUL_NONE;
	insn->seg = X86_DS;

	r = decode_prefixes(c, insn);
	if (r == X86_OK)
		r = decode_opcode(c, insn, &row);
	if (r == X86_OK)
		r = decode_row(c, insn, row, &modrm);
	if (r != X86_OK)
		return r;
	row = insn->row;
	if (row->flags & NI)
		return X86_UNHANDLED;
	/* An undefined instruction is fetched whole before it is #UD, as far as it has a form. */
	decode_sizes(c, insn);
	if (modrm)
		r = decode_modrm(c, insn);
	if (r == X86_OK)
		r = decode_immediate(c, insn, row->dst);
	if (r == X86_OK)
		r = decode_immediate(c, insn, row->src);
	if (r == X86_OK && row->src2)
		r = decode_immediate(c, insn, row->src2);
	if (r != X86_OK)
		return r;
	if (insn->seg_override != EMUL_NONE)
		insn->seg = insn->seg_override;
	return is_undefined(c, insn) ? emul_ud(c) : X86_OK;
}
