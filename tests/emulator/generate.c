// SPDX-License-Identifier: GPL-2.0
/*
 * Random test cases for a process, evenly over the rows of the emulator's opcode tables.
 *
 * A case takes an encoded instruction (encode.c) and then chooses registers so that the
 * memory operand falls where something may happen: near the ends of pages and segments.
 */
#include "case.h"
#include "../../emulate/handlers.h"

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

static void choose_registers(struct rng *rng, struct test_case *t)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		switch (below(rng, 10)) {
		case 0:
			t->regs[i] = target(rng);
			break;
		default:
			t->regs[i] = random_number(rng);
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

/* Where code may be gone to: mostly INT3s. */
static u64 code_offset(struct rng *rng)
{
	switch (below(rng, 4)) {
	case 0:
		return random_number(rng);
	case 1:
		return target(rng);
	}
	return below(rng, 0x1f80);
}

static u64 stack_offset(struct rng *rng)
{
	return chance(rng, 70) ? 0x30000000 + below(rng, 0x2000) : target(rng);
}

static u16 code_selector(struct rng *rng)
{
	return places[below(rng, ARRAY_SIZE(places))].cs;
}

/* The linear address of an offset, if there were no checks. */
static u64 linear(const struct encoder *e, unsigned int sreg, u64 ea)
{
	const struct test_case *t = e->t;
	const u16 sels[] = { t->es, t->cs, t->ss, t->ds, t->fs, t->gs };
	struct x86_seg seg = layout_segment(sels[sreg]);

	if (e->mode == X86_MODE_LONG64) {
		if (sreg < X86_FS)
			return ea;
		return ea + (sels[sreg] > 3 ? seg.base :
			     sreg == X86_FS ? t->fs_base : t->gs_base);
	}
	if (sreg == X86_SS && !(seg.ar & X86_AR_DB))
		ea &= 0xffff;
	return (u32)(seg.base + ea);
}

static u64 operand_offset(const struct encoder *e, unsigned int sreg)
{
	return target_offset(e->rng, e->t, sreg, e->addr_bytes);
}

static const struct surroundings process = {
	.selector = selector,
	.code_selector = code_selector,
	.stack_selector = stack_selector,
	.code_offset = code_offset,
	.stack_offset = stack_offset,
	.target_offset = operand_offset,
	.linear = linear,
};

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

static unsigned int last_row;

unsigned int generate_row_index(void)
{
	return last_row;
}

static int only_row = -1;

void generate_only(unsigned int i)
{
	only_row = i;
}

const struct x86_opcode *generate(struct rng *rng, struct test_case *t)
{
	const struct code_place *place = &places[chance(rng, 50) ? 0 :
						 below(rng, ARRAY_SIZE(places))];
	struct encoder e = {
		.rng = rng, .t = t, .mode = place->mode, .around = &process,
	};

	memset(t, 0, sizeof(*t));
	t->cs = place->cs;
	t->vectors = rnd(rng) & 15;
	last_row = below(rng, generate_nr_rows());
	if (only_row >= 0)
		last_row = only_row;
	e.leaf = generate_row(last_row);
	e.moffs = target(rng);
	e.far_offset = chance(rng, 80) ? target(rng) & 0x1fff : random_number(rng);
	e.far_selector = selector(rng);
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
