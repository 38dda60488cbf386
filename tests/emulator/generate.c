// SPDX-License-Identifier: GPL-2.0
/*
 * Random test cases, evenly over the rows of the emulator's opcode tables.
 *
 * The tables are walked once to list every row with what leads to it: map, opcode,
 * mandatory prefix, ModRM fields.  A case takes a row, gives it random prefixes and a
 * random addressing form, and then chooses registers so that the memory operand falls
 * where something may happen: near the ends of pages and segments.
 */
#include <stdio.h>
#include <stdlib.h>
#include "case.h"
#include "../../emulate/handlers.h"

/* ------------------------------------------------------------------------
 * The list of rows
 */

struct leaf {
	const struct x86_opcode *row;
	u8 map, opcode;
	s8 pfx, reg, mod, rm, only64;	/* -1: any */
};

#define MAX_LEAVES	4096

static struct leaf leaves[MAX_LEAVES];
static unsigned int nr_leaves, last_leaf;

static void walk(const struct x86_opcode *row, struct leaf leaf)
{
	static const u8 size[] = { [SUB_REG] = 8, [SUB_MOD] = 2, [SUB_RM] = 8, [SUB_PFX] = 4,
				   [SUB_64] = 2 };
	unsigned int kind = row->flags & SUB, i;

	if (!kind) {
		if (row->flags & NI)
			return;
		leaf.row = row;
		if (nr_leaves == MAX_LEAVES)
			abort();
		leaves[nr_leaves++] = leaf;
		return;
	}
	for (i = 0; i < size[kind]; i++) {
		struct leaf sub = leaf;

		if (kind == SUB_REG)
			sub.reg = i;
		else if (kind == SUB_MOD)
			sub.mod = i;
		else if (kind == SUB_RM)
			sub.rm = i;
		else if (kind == SUB_PFX)
			sub.pfx = i;
		else
			sub.only64 = i;
		walk(&row->sub[i], sub);
	}
}

static bool is_prefix(unsigned int opcode)
{
	switch (opcode) {
	case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64 ... 0x67:
	case 0xf0: case 0xf2: case 0xf3: case 0x0f:
		return true;
	}
	return false;
}

void generate_init(void)
{
	static const struct x86_opcode *const maps[] = {
		emul_map_1byte, emul_map_0f, emul_map_0f38,
	};
	unsigned int map, opcode;

	for (map = 0; map < ARRAY_SIZE(maps); map++) {
		for (opcode = 0; opcode < 256; opcode++) {
			struct leaf leaf = { NULL, map, opcode, -1, -1, -1, -1, -1 };

			if ((map == 0 && is_prefix(opcode)) ||
			    (map == 1 && (opcode == 0x38 || opcode == 0x3a)))
				continue;
			walk(&maps[map][opcode], leaf);
		}
	}
}

unsigned int generate_nr_rows(void)
{
	return nr_leaves;
}

unsigned int generate_row_index(void)
{
	return last_leaf;
}

void generate_row_name(unsigned int i, char *name, unsigned int size)
{
	static const char *const maps[] = { "", "0f ", "0f 38 " };
	static const char *const pfx[] = { "", "66 ", "f3 ", "f2 " };
	const struct leaf *l = &leaves[i];
	int n = snprintf(name, size, "%s%s%02x", l->pfx > 0 ? pfx[l->pfx] : "", maps[l->map],
			 l->opcode);

	if (l->reg >= 0)
		n += snprintf(name + n, size - n, " /%d", l->reg);
	if (l->mod >= 0)
		n += snprintf(name + n, size - n, " %s", l->mod ? "reg" : "mem");
	if (l->rm >= 0)
		n += snprintf(name + n, size - n, " rm=%d", l->rm);
	if (l->only64 >= 0)
		snprintf(name + n, size - n, " %s", l->only64 ? "64-bit" : "not 64-bit");
}

/* ------------------------------------------------------------------------
 * Values
 */

/* An address near the end of something, or inside. */
static u64 target(struct rng *rng)
{
	static const u64 odd[] = {
		0x7ffffffffffcull, 0x7fffffffffffull, 0x800000000000ull, 0x7ffffffff000ull,
		0xffff800000000000ull, 0xffff7fffffffffffull, 0xfffffffffffffffcull,
		0xffffffffffffffffull, 0x100001000ull,
	};
	const struct area *a = &areas[below(rng, nr_areas)];
	u64 size = a->pages * 4096ull;

	if (chance(rng, 4))
		return odd[below(rng, ARRAY_SIZE(odd))] - below(rng, 9);
	switch (below(rng, 4)) {
	case 0:
		return a->base + size - below(rng, 40);
	case 1:
		return a->base + 4096 - below(rng, 24);
	case 2:
		return a->base + below(rng, 16) - (chance(rng, 30) ? 8 : 0);
	}
	return a->base + (below(rng, size) & (chance(rng, 50) ? ~15ull : ~0ull));
}

static u64 number(struct rng *rng)
{
	static const u64 special[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
		0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
	};

	switch (below(rng, 4)) {
	case 0:
		return special[below(rng, ARRAY_SIZE(special))];
	case 1:
		return below(rng, 256) - (chance(rng, 50) ? 128 : 0);
	case 2:
		return rnd(rng) >> below(rng, 64);
	}
	return rnd(rng);
}

static u16 selector(struct rng *rng)
{
	static const u16 odd[] = { 0, 1, 2, 3, CS_64, CS_32, DS_FLAT, 0x10, 0x18, 0x40, 0x7b,
				   0x80, 0x28, 0x2a, 0x48, 0x53 };

	switch (below(rng, 8)) {
	case 0:
		return rnd(rng);
	case 1 ... 2:
		return odd[below(rng, ARRAY_SIZE(odd))];
	case 3:
		return below(rng, 0x180);
	}
	return LDT_SELECTOR(1 + below(rng, nr_ldt_segments + 1));
}

/* ------------------------------------------------------------------------
 * Modes and segments
 */

struct code_place {
	u16 cs;
	unsigned int mode;
};

static const struct code_place places[] = {
	{ CS_64, X86_MODE_LONG64 }, { CS_32, X86_MODE_PROT32 },
	{ LDT_SELECTOR(1), X86_MODE_PROT16 }, { LDT_SELECTOR(2), X86_MODE_PROT32 },
	{ LDT_SELECTOR(3), X86_MODE_PROT16 }, { LDT_SELECTOR(4), X86_MODE_PROT32 },
	{ LDT_SELECTOR(5), X86_MODE_PROT16 }, { LDT_SELECTOR(6), X86_MODE_PROT32 },
	{ LDT_SELECTOR(7), X86_MODE_PROT32 }, { LDT_SELECTOR(9), X86_MODE_PROT16 },
};

static u16 data_selector(struct rng *rng)
{
	if (chance(rng, 40))
		return DS_FLAT;
	if (chance(rng, 6))
		return below(rng, 4);
	switch (below(rng, 12)) {
	case 0:
		return LDT_SELECTOR(21);
	case 1:
		return LDT_SELECTOR(22);
	case 2:
		return LDT_SELECTOR(4);		/* readable code */
	case 3:
		return LDT_SELECTOR(23);
	case 4:
		return LDT_SELECTOR(20);
	case 5 ... 6:
		return LDT_SELECTOR(10 + below(rng, 10));
	}
	return LDT_SELECTOR(11 + below(rng, 5));
}

/* Not what is absent, or cannot be loaded: the case must be able to start. */
static bool loadable(u16 sel, bool stack)
{
	u64 d = layout_descriptor(sel);
	bool present = d >> 47 & 1, code = d >> 43 & 1, rw = d >> 41 & 1;

	if (sel <= 3)
		return !stack;
	return present && (stack ? !code && rw : !code || rw);
}

static u16 stack_selector(struct rng *rng)
{
	static const u16 stacks[] = { LDT_SELECTOR(17), LDT_SELECTOR(17), LDT_SELECTOR(18),
				      LDT_SELECTOR(19), LDT_SELECTOR(22), LDT_SELECTOR(20),
				      LDT_SELECTOR(11), LDT_SELECTOR(15) };

	return chance(rng, 50) ? DS_FLAT : stacks[below(rng, ARRAY_SIZE(stacks))];
}

static void choose_segments(struct rng *rng, struct test_case *t)
{
	u16 *data[] = { &t->ds, &t->es, &t->fs, &t->gs };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		do {
			*data[i] = data_selector(rng);
		} while (!loadable(*data[i], false));
	}
	t->ss = stack_selector(rng);
	if (t->cs == CS_64 && chance(rng, 80))
		t->ss = DS_FLAT;
	if (t->cs == CS_64 && chance(rng, 70))
		t->fs = t->gs = 0;
	t->fs_base = chance(rng, 50) ? emul_sext(target(rng) & ~0xfffull, 6) : rnd(rng) >> 20;
	t->gs_base = chance(rng, 50) ? rnd(rng) >> 17 : -(rnd(rng) >> 17);
}

/* Put the code where its end, or its middle, meets the end of a page. */
static void place_code(struct rng *rng, struct test_case *t, const struct code_place *place)
{
	struct x86_seg cs = layout_segment(place->cs);
	const struct area *a;
	u64 size;

	do {
		a = &areas[below(rng, 3)];
	} while (cs.base && cs.base != a->base);
	size = a->pages * 4096;
	switch (below(rng, 10)) {
	case 0 ... 2:
		t->code_la = a->base + size - t->len - (chance(rng, 50) ? 1 : 0);
		break;
	case 3 ... 4:
		t->code_la = a->base + 4096 - below(rng, t->len + 1);
		break;
	default:
		t->code_la = a->base + 64 + below(rng, 4096 - 128);
		break;
	}
	if (t->code_la + t->len > a->base + size + 14 ||
	    t->code_la - cs.base > cs.limit)
		t->code_la = a->base + 64;
	t->rip = t->code_la - cs.base;
}

/* ------------------------------------------------------------------------
 * Instructions
 */

struct encoder {
	struct rng *rng;
	struct test_case *t;
	const struct leaf *leaf;
	unsigned int mode;
	bool vex;
	u8 rex, vvvv;
	bool vex_l;
	bool opsize, addrsize;
	u8 addr_bytes;
	u8 seg;			/* of the memory operand */
	u8 mod, reg, rm;
	bool has_modrm, has_memory;
	u8 base, index, scale;	/* EMUL_NONE: absent */
	s64 disp;
};

static void emit(struct encoder *e, u8 byte)
{
	if (e->t->len < CASE_CODE)
		e->t->code[e->t->len++] = byte;
}

static void emit_value(struct encoder *e, u64 val, unsigned int bytes)
{
	while (bytes--) {
		emit(e, val);
		val >>= 8;
	}
}

static bool is_string(const struct x86_opcode *row)
{
	return row->exec == emul_movs || row->exec == emul_cmps || row->exec == emul_scas ||
	       row->exec == emul_stos || row->exec == emul_lods || row->exec == emul_ins ||
	       row->exec == emul_outs;
}

static void emit_legacy_prefixes(struct encoder *e)
{
	static const u8 segs[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };
	static const u8 mandatory[] = { 0, 0x66, 0xf3, 0xf2 };
	const struct x86_opcode *row = e->leaf->row;
	struct rng *rng = e->rng;
	s8 pfx = e->leaf->pfx;
	unsigned int i;

	e->opsize = pfx == 1 ? !e->vex : pfx < 0 && chance(rng, 25);
	e->addrsize = chance(rng, 15);
	e->seg = EMUL_NONE;
	if (e->opsize && pfx < 0)
		emit(e, 0x66);
	if (e->addrsize)
		emit(e, 0x67);
	if (chance(rng, 15)) {
		i = below(rng, 6);
		emit(e, segs[i]);
		if (e->mode != X86_MODE_LONG64 || i >= 4)
			e->seg = i;
	}
	if (chance(rng, row->flags & LOCK ? 20 : 2))
		emit(e, 0xf0);
	if (pfx > 0 && !e->vex)
		emit(e, mandatory[pfx]);
	else if (pfx < 0 && chance(rng, is_string(row) ? 60 : 4))
		emit(e, chance(rng, 60) ? 0xf3 : 0xf2);
	/* Prefixes that pad, up to and beyond the limit of 15 bytes. */
	if (chance(rng, 3))
		for (i = below(rng, 14); i; i--)
			emit(e, 0x3e);
}

static void emit_vex(struct encoder *e)
{
	u8 pp = e->leaf->pfx > 0 ? (const u8[]){ 0, 1, 2, 3 }[e->leaf->pfx] : 0;
	bool long64 = e->mode == X86_MODE_LONG64;
	u8 last;

	e->vex_l = chance(e->rng, 50) && !((e->leaf->row->flags & L0) && chance(e->rng, 90));
	e->vvvv = (e->leaf->row->flags & VVVV) || chance(e->rng, 2) ? below(e->rng, 16) : 0;
	if (!long64)
		e->vvvv &= 7;
	last = (~e->vvvv & 15) << 3 | e->vex_l << 2 | pp;
	if (e->leaf->map == 1 && !(e->rex & (REX_B | REX_X | REX_W)) && chance(e->rng, 70)) {
		emit(e, 0xc5);
		emit(e, (e->rex & REX_R ? 0 : 0x80) | last);
		return;
	}
	emit(e, 0xc4);
	emit(e, (~e->rex & 7) << 5 | e->leaf->map);
	emit(e, (e->rex & REX_W ? 0x80 : 0) | last);
}

static void emit_prefixes(struct encoder *e)
{
	const struct x86_opcode *row = e->leaf->row;
	bool long64 = e->mode == X86_MODE_LONG64;

	e->vex = (row->flags & VEXONLY) || ((row->flags & VEX) && chance(e->rng, 50));
	emit_legacy_prefixes(e);
	if (long64 && chance(e->rng, 60))
		e->rex = 0x40 | below(e->rng, 16);
	if (e->vex && chance(e->rng, 80) && (row->flags & W0))
		e->rex &= ~REX_W;
	if (e->vex) {
		emit_vex(e);
		return;
	}
	if (e->rex)
		emit(e, e->rex);
	if (e->leaf->map)
		emit(e, 0x0f);
	if (e->leaf->map == 2)
		emit(e, 0x38);
}

static void emit_disp(struct encoder *e, unsigned int bytes)
{
	u64 val = number(e->rng);

	if (!bytes)
		return;
	e->disp = (s64)emul_sext(val, bytes);
	emit_value(e, val, bytes);
}

static void emit_modrm16(struct encoder *e)
{
	static const u8 bases[] = { 3, 3, 5, 5, 6, 7, 5, 3 };
	static const u8 indexes[] = { 6, 7, 6, 7, EMUL_NONE, EMUL_NONE, EMUL_NONE, EMUL_NONE };

	if (e->mod == 0 && e->rm == 6) {
		emit_disp(e, 2);
		return;
	}
	e->base = bases[e->rm];
	e->index = indexes[e->rm];
	emit_disp(e, e->mod);
}

static void emit_modrm32(struct encoder *e)
{
	u8 base = e->rm, sib;

	if (e->rm == 4) {
		sib = rnd(e->rng);
		emit(e, sib);
		base = sib & 7;
		e->index = (sib >> 3 & 7) | (e->rex & REX_X ? 8 : 0);
		if (e->index == 4)
			e->index = EMUL_NONE;
		e->scale = sib >> 6;
	}
	if (base == 5 && e->mod == 0) {
		if (e->rm == 5 && e->mode == X86_MODE_LONG64)
			e->base = EMUL_RIP;
		emit_disp(e, 4);
		return;
	}
	e->base = base | (e->rex & REX_B ? 8 : 0);
	emit_disp(e, e->mod == 2 ? 4 : e->mod);
}

static bool row_needs_modrm(const struct leaf *l)
{
	const struct x86_opcode *row = l->row;

	return l->reg >= 0 || l->mod >= 0 || l->rm >= 0 || (row->flags & NEEDS_MODRM) ||
	       emul_operand_specs[row->dst].modrm || emul_operand_specs[row->src].modrm;
}

/* Control registers take ModRM.rm as a register whatever mod says. */
static bool always_register(const struct x86_opcode *row)
{
	return emul_operand_specs[row->dst].from == FROM_RM_REG ||
	       emul_operand_specs[row->src].from == FROM_RM_REG;
}

static void emit_modrm(struct encoder *e)
{
	const struct leaf *l = e->leaf;

	e->has_modrm = true;
	e->mod = below(e->rng, 4);
	if (l->mod == 0)
		e->mod = below(e->rng, 3);
	if (l->mod == 1)
		e->mod = 3;
	e->reg = l->reg >= 0 ? l->reg : (s8)below(e->rng, 8);
	e->rm = l->rm >= 0 ? l->rm : (s8)below(e->rng, 8);
	emit(e, e->mod << 6 | e->reg << 3 | e->rm);
	if (e->mod == 3)
		return;
	e->has_memory = !always_register(l->row);
	if (e->addr_bytes == 2)
		emit_modrm16(e);
	else
		emit_modrm32(e);
}

static unsigned int op_bytes(const struct encoder *e)
{
	if (e->rex & REX_W)
		return 8;
	if (e->mode == X86_MODE_PROT16)
		return e->opsize ? 4 : 2;
	return e->opsize ? 2 : 4;
}

static void emit_immediate(struct encoder *e, u8 opspec)
{
	const struct emul_operand_spec *spec = &emul_operand_specs[opspec];
	unsigned int bytes = spec->width;

	if (bytes == 'v')
		bytes = op_bytes(e);
	else if (bytes == 'z')
		bytes = op_bytes(e) == 2 ? 2 : 4;
	switch (spec->from) {
	case FROM_IMM:
	case FROM_REL:
		emit_value(e, spec->from == FROM_REL && bytes > 1 ? below(e->rng, 0x2000) :
						number(e->rng), bytes);
		break;
	case FROM_IMM2:
		emit_value(e, number(e->rng), bytes);
		break;
	case FROM_FAR:
		emit_value(e, chance(e->rng, 80) ? target(e->rng) & 0x1fff : number(e->rng),
			   bytes == 8 ? 4 : bytes);
		emit_value(e, selector(e->rng), 2);
		break;
	case FROM_MOFFS:
		e->has_memory = true;
		e->disp = target(e->rng);
		if (e->addr_bytes == 2)
			e->disp &= 0x1fff;
		emit_value(e, e->disp, e->addr_bytes);
		break;
	}
}

static void encode(struct encoder *e)
{
	const struct x86_opcode *row = e->leaf->row;

	e->base = EMUL_NONE;
	e->index = EMUL_NONE;
	emit_prefixes(e);
	switch (e->mode) {
	case X86_MODE_LONG64:
		e->addr_bytes = e->addrsize ? 4 : 8;
		break;
	case X86_MODE_PROT32:
		e->addr_bytes = e->addrsize ? 2 : 4;
		break;
	default:
		e->addr_bytes = e->addrsize ? 4 : 2;
		break;
	}
	emit(e, e->leaf->opcode);
	if (row_needs_modrm(e->leaf))
		emit_modrm(e);
	emit_immediate(e, row->dst);
	emit_immediate(e, row->src);
	emit_immediate(e, row->src2);
}

/* ------------------------------------------------------------------------
 * Registers and memory
 */

/* An offset that @seg turns into an interesting address. */
static u64 target_offset(struct rng *rng, const struct test_case *t, unsigned int sreg,
			 unsigned int addr_bytes)
{
	const u16 sels[] = { t->es, t->cs, t->ss, t->ds, t->fs, t->gs };
	struct x86_seg seg = layout_segment(sels[sreg]);
	u64 la;

	if (t->cs == CS_64) {
		la = target(rng);
		return sreg == X86_FS && t->fs <= 3 ? la - t->fs_base : la;
	}
	if (seg.base || addr_bytes == 2) {
		/* Around the ends of the segment and of its pages. */
		la = chance(rng, 30) ? seg.limit : chance(rng, 50) ? 4095 : 8191;
		return la + 8 - below(rng, 40);
	}
	return target(rng);
}

/* Make the memory operand's address interesting by its base or index register. */
static void aim(struct encoder *e)
{
	struct test_case *t = e->t;
	unsigned int sreg = e->seg != EMUL_NONE ? e->seg : X86_DS;
	u64 ea;

	if (e->base == X86_RSP || e->base == X86_RBP)
		sreg = e->seg != EMUL_NONE ? e->seg : X86_SS;
	ea = target_offset(e->rng, t, sreg, e->addr_bytes);
	if (e->base <= 15 && (e->index > 15 || e->index != e->base)) {
		if (e->index <= 15)
			ea -= t->regs[e->index] << e->scale;
		t->regs[e->base] = ea - e->disp;
	} else if (e->index <= 15) {
		t->regs[e->index] = (ea - e->disp) >> e->scale;
	}
}

static void choose_registers(struct rng *rng, struct test_case *t)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		switch (below(rng, 10)) {
		case 0:
			t->regs[i] = target(rng);
			break;
		default:
			t->regs[i] = number(rng);
			break;
		}
	}
	t->regs[X86_RSP] = target_offset(rng, t, X86_SS, 8);
	if (chance(rng, 70) && t->cs == CS_64)
		t->regs[X86_RSP] = 0x30000000 + below(rng, 0x2000);
	if (chance(rng, 60))
		t->regs[X86_RBP] = t->regs[X86_RSP] + below(rng, 256) - 128;
	if (chance(rng, 70))
		t->regs[X86_RSI] = target_offset(rng, t, X86_DS, 8);
	if (chance(rng, 70))
		t->regs[X86_RDI] = target_offset(rng, t, X86_ES, 8);
	if (chance(rng, 30))
		t->regs[X86_RBX] = target_offset(rng, t, X86_DS, 8);
	t->rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF | (rnd(rng) & EMUL_FL_ARITH);
	if (chance(rng, 25))
		t->rflags |= X86_EFLAGS_DF;
	if (chance(rng, 10))
		t->rflags |= X86_EFLAGS_AC;
	if (chance(rng, 20))
		t->rflags |= X86_EFLAGS_TF;
	if (chance(rng, 5))
		t->rflags |= X86_EFLAGS_NT;
	if (chance(rng, 5))
		t->rflags |= X86_EFLAGS_ID;
}

/* A patch over @la, if it is in memory that may be written natively. */
static void add_patch(struct rng *rng, struct test_case *t, u64 la, const u64 *words,
		      unsigned int nr_words, unsigned int word_bytes)
{
	unsigned int i;

	for (i = 0; i < CASE_PATCHES && t->patch[i].la; i++)
		;
	if (i == CASE_PATCHES)
		return;
	t->patch[i].la = la;
	t->patch[i].seed = rnd(rng);
	t->patch[i].nr_words = nr_words;
	t->patch[i].word_bytes = word_bytes;
	if (nr_words)
		memcpy(t->patch[i].word, words, nr_words * sizeof(*words));
}

/* Where code may be gone to: mostly INT3s. */
static u64 code_offset(struct rng *rng)
{
	switch (below(rng, 4)) {
	case 0:
		return number(rng);
	case 1:
		return target(rng);
	}
	return below(rng, 0x1f80);
}

static u64 stack_address(const struct test_case *t)
{
	struct x86_seg ss = layout_segment(t->ss);

	if (t->cs == CS_64)
		return t->regs[X86_RSP];
	return (u32)(ss.base + (t->regs[X86_RSP] & (ss.ar & X86_AR_DB ? ~0u : 0xffff)));
}

/* A frame for RET, IRET, POPF and POP Sreg: each takes what it needs. */
static void patch_stack(struct encoder *e)
{
	const struct x86_opcode *row = e->leaf->row;
	struct rng *rng = e->rng;
	u64 flags = (rnd(rng) & EMUL_FL_ALL & ~(u64)X86_EFLAGS_VM) | 2;
	u64 words[6];
	unsigned int n = 0;

	if (row->exec == emul_pop_sreg) {
		words[n++] = selector(rng);
	} else if (row->exec == emul_popf) {
		words[n++] = flags;
	} else {
		words[n++] = code_offset(rng);
		if (row->exec == emul_iret || row->exec == emul_ret_far)
			words[n++] = chance(rng, 70) ? places[below(rng, ARRAY_SIZE(places))].cs :
						       selector(rng);
		if (row->exec == emul_iret)
			words[n++] = flags;
		words[n++] = chance(rng, 70) ? 0x30000000 + below(rng, 0x2000) : target(rng);
		words[n++] = chance(rng, 70) ? stack_selector(rng) : selector(rng);
	}
	add_patch(rng, e->t, stack_address(e->t), words, n,
		  op_bytes(e) == 4 && e->mode == X86_MODE_LONG64 &&
		  (row->flags & (O64 | F64)) ? 8 : op_bytes(e));
}

/* The linear address of the memory operand, if there were no checks. */
static u64 operand_address(const struct encoder *e)
{
	const struct test_case *t = e->t;
	const u16 sels[] = { t->es, t->cs, t->ss, t->ds, t->fs, t->gs };
	unsigned int sreg = e->seg;
	u64 ea = e->disp, base;

	if (sreg == EMUL_NONE)
		sreg = e->base == X86_RSP || e->base == X86_RBP ? X86_SS : X86_DS;
	if (e->base == EMUL_RIP)
		ea += t->rip + t->len;
	else if (e->base != EMUL_NONE)
		ea += t->regs[e->base];
	if (e->index != EMUL_NONE)
		ea += t->regs[e->index] << e->scale;
	ea &= emul_mask(e->addr_bytes);
	base = layout_segment(sels[sreg]).base;
	if (e->mode != X86_MODE_LONG64)
		return (u32)(base + ea);
	if (sreg < X86_FS)
		return ea;
	return ea + (sels[sreg] > 3 ? base : sreg == X86_FS ? t->fs_base : t->gs_base);
}

/* Far pointers in memory, as 16-bit words: an offset of the operand size, a selector. */
static void patch_far_pointer(struct encoder *e)
{
	u64 offset = code_offset(e->rng), words[6];
	unsigned int n = 0, i, bytes = op_bytes(e) == 8 ? 4 : op_bytes(e);

	for (i = 0; i < bytes; i += 2)
		words[n++] = offset >> (8 * i) & 0xffff;
	words[n++] = selector(e->rng);
	add_patch(e->rng, e->t, operand_address(e), words, n, 2);
}

static bool takes_selector(const struct x86_opcode *row)
{
	return row->exec == emul_mov_to_sreg || row->exec == emul_lar ||
	       row->exec == emul_lsl || row->exec == emul_verr || row->exec == emul_verw;
}

static bool takes_target(const struct x86_opcode *row)
{
	return row->exec == emul_jmp_near || row->exec == emul_call_near;
}

/* An operand that means something to the instruction, in its register or in memory. */
static void set_operand(struct encoder *e, u64 val, unsigned int bytes)
{
	if (e->has_memory)
		add_patch(e->rng, e->t, operand_address(e), &val, 1, bytes);
	else
		e->t->regs[e->rm | (e->rex & REX_B ? 8 : 0)] = val;
}

/* Make comparisons come out equal now and then. */
static void make_equal(struct encoder *e)
{
	struct test_case *t = e->t;
	u64 words[2] = { t->regs[X86_RAX], t->regs[X86_RDX] };
	const struct x86_opcode *row = e->leaf->row;

	if (row->exec == emul_cmpxchg)
		set_operand(e, words[0], op_bytes(e));
	if (row->exec == emul_cmpxchg8b)
		add_patch(e->rng, t, operand_address(e), words, 2, e->rex & REX_W ? 8 : 4);
	if (row->exec == emul_cmps || row->exec == emul_scas) {
		add_patch(e->rng, t, t->regs[X86_RSI], NULL, 0, 8);
		add_patch(e->rng, t, t->regs[X86_RDI], NULL, 0, 8);
		t->patch[1].seed = t->patch[0].seed;
	}
}

/* What leaves the straight line is stepped over by TF: there may be no INT3 behind it. */
static bool transfers_control(const struct x86_opcode *row)
{
	return (row->flags & F64) || row->exec == emul_jmp_far || row->exec == emul_call_far ||
	       row->exec == emul_jmp_far_mem || row->exec == emul_call_far_mem ||
	       row->exec == emul_ret_far || row->exec == emul_iret;
}

/*
 * The count of a repeated instruction.  What is above the part of rCX, rSI and rDI that
 * the address size selects should not matter, but a processor was found (AMD family 1Ah)
 * whose REP MOVS and STOS then miss an overlap, or fill all of 64 KiB.
 */
static void choose_count(struct encoder *e)
{
	const struct x86_opcode *row = e->leaf->row;
	u64 mask = emul_mask(e->addr_bytes), *regs = e->t->regs;

	if (chance(e->rng, 85))
		regs[X86_RCX] = below(e->rng, 20) | (rnd(e->rng) & ~mask);
	if (row->exec != emul_movs && row->exec != emul_stos)
		return;
	regs[X86_RCX] &= mask;
	regs[X86_RSI] &= mask;
	regs[X86_RDI] &= mask;
}

static void prepare_operands(struct encoder *e)
{
	const struct x86_opcode *row = e->leaf->row;
	struct test_case *t = e->t;
	struct rng *rng = e->rng;

	if (e->has_memory)
		aim(e);
	if (is_string(row))
		choose_count(e);
	if (row->exec == emul_load_far_pointer || row->exec == emul_jmp_far_mem ||
	    row->exec == emul_call_far_mem)
		patch_far_pointer(e);
	if (takes_selector(row))
		set_operand(e, selector(rng), 2);
	if (takes_target(row))
		set_operand(e, code_offset(rng), 8);
	if (chance(rng, 40))
		make_equal(e);
	if (row->exec == emul_ret || row->exec == emul_ret_far || row->exec == emul_iret ||
	    row->exec == emul_popf || row->exec == emul_pop_sreg)
		patch_stack(e);
	if (transfers_control(row))
		t->rflags |= X86_EFLAGS_TF;
	if (row->flags & (X87STATE | MMXSTATE))
		t->vectors = 16 + (rnd(rng) >> 8);
}

static void random_bytes(struct rng *rng, struct test_case *t)
{
	t->len = 0;
	if (chance(rng, 30))
		t->code[t->len++] = 0x0f;
	while (t->len < X86_INSN_MAX)
		t->code[t->len++] = rnd(rng);
}

/* What a case cannot start with: see native.h; and what 32-bit code cannot have. */
void limit_registers(struct test_case *t)
{
	unsigned int i;

	for (i = 0; i < 16 && t->cs != CS_64; i++)
		t->regs[i] = (u32)t->regs[i];
	if (!(layout_segment(t->ss).ar & X86_AR_DB))
		t->regs[X86_RSP] = (u16)t->regs[X86_RSP] | NATIVE_STACK;
}

const struct x86_opcode *generate(struct rng *rng, struct test_case *t)
{
	const struct code_place *place = &places[chance(rng, 50) ? 0 :
						 below(rng, ARRAY_SIZE(places))];
	struct encoder e = { .rng = rng, .t = t, .mode = place->mode };

	memset(t, 0, sizeof(*t));
	t->cs = place->cs;
	t->vectors = rnd(rng) & 15;
	last_leaf = below(rng, nr_leaves);
	e.leaf = &leaves[last_leaf];
	choose_segments(rng, t);
	choose_registers(rng, t);
	if (chance(rng, 4)) {
		random_bytes(rng, t);
		place_code(rng, t, place);
		t->rflags |= X86_EFLAGS_TF;
		limit_registers(t);
		return NULL;
	}
	encode(&e);
	place_code(rng, t, place);
	prepare_operands(&e);
	limit_registers(t);
	return e.leaf->row;
}

bool unsafe_natively(const struct x86_insn *insn)
{
	int (*exec)(struct x86_emulate_ctxt *c) = insn->row->exec;

	/*
	 * Into the kernel or the hypervisor, or handled by the kernel's UMIP code.  INT1:
	 * a hypervisor that intercepts #DB gives it back with RIP not advanced.
	 */
	return exec == emul_syscall || exec == emul_sysenter || exec == emul_hypercall ||
	       exec == emul_sgdt || exec == emul_sidt || exec == emul_sldt ||
	       exec == emul_str || exec == emul_int1 || exec == emul_smsw || exec == emul_rdpmc ||
	       (exec == emul_int && insn->imm == 0x80);
}
