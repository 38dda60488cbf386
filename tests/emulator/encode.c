// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions for test cases: the rows of the emulator's opcode tables, and their encoding.
 *
 * The tables are walked once to list every row with what leads to it: map, opcode,
 * mandatory prefix, ModRM fields.  encode() takes a row and gives it random prefixes, a
 * random addressing form and random immediates.  Where memory lies and which selectors
 * there are is the caller's matter.
 */
#include <stdio.h>
#include <stdlib.h>
#include "case.h"
#include "../../emulate/handlers.h"

/* ------------------------------------------------------------------------
 * The list of rows
 */

#define MAX_LEAVES	4096

static struct leaf leaves[MAX_LEAVES];
static unsigned int nr_leaves;

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

const struct leaf *generate_row(unsigned int i)
{
	return &leaves[i];
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

u64 random_number(struct rng *rng)
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

/* ------------------------------------------------------------------------
 * Instructions
 */

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

bool is_string(const struct x86_opcode *row)
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
	u64 val = random_number(e->rng);

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

	return l->reg >= 0 || l->mod >= 0 || l->rm >= 0 || (row->flags & NEEDS_MODRM);
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

unsigned int encoded_op_bytes(const struct encoder *e)
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
		bytes = encoded_op_bytes(e);
	else if (bytes == 'z')
		bytes = encoded_op_bytes(e) == 2 ? 2 : 4;
	switch (spec->from) {
	case FROM_IMM:
	case FROM_REL:
		emit_value(e, spec->from == FROM_REL && bytes > 1 ? below(e->rng, 0x2000) :
						random_number(e->rng), bytes);
		break;
	case FROM_IMM2:
		emit_value(e, random_number(e->rng), bytes);
		break;
	case FROM_FAR:
		emit_value(e, e->far_offset, bytes == 8 ? 4 : bytes);
		emit_value(e, e->far_selector, 2);
		break;
	case FROM_MOFFS:
		e->has_memory = true;
		e->disp = e->moffs;
		if (e->addr_bytes == 2)
			e->disp &= 0x1fff;
		emit_value(e, e->disp, e->addr_bytes);
		break;
	}
}

void encode(struct encoder *e)
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
 * The memory operand
 */

unsigned int encoded_seg(const struct encoder *e)
{
	if (e->seg != EMUL_NONE)
		return e->seg;
	return e->base == X86_RSP || e->base == X86_RBP ? X86_SS : X86_DS;
}

u64 encoded_ea(const struct encoder *e)
{
	const struct test_case *t = e->t;
	u64 ea = e->disp;

	if (e->base == EMUL_RIP)
		ea += t->rip + t->len;
	else if (e->base != EMUL_NONE)
		ea += t->regs[e->base];
	if (e->index != EMUL_NONE)
		ea += t->regs[e->index] << e->scale;
	return ea & emul_mask(e->addr_bytes);
}

void encoded_aim(struct encoder *e, u64 ea)
{
	struct test_case *t = e->t;

	if (e->base <= 15 && (e->index > 15 || e->index != e->base)) {
		if (e->index <= 15)
			ea -= t->regs[e->index] << e->scale;
		t->regs[e->base] = ea - e->disp;
	} else if (e->index <= 15) {
		t->regs[e->index] = (ea - e->disp) >> e->scale;
	}
}
