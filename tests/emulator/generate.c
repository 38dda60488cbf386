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

/* Make the memory operand's address interesting by its base or index register. */
static void aim(struct encoder *e)
{
	encoded_aim(e, target_offset(e->rng, e->t, encoded_seg(e), e->addr_bytes));
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
		return random_number(rng);
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
		  encoded_op_bytes(e) == 4 && e->mode == X86_MODE_LONG64 &&
		  (row->flags & (O64 | F64)) ? 8 : encoded_op_bytes(e));
}

/* The linear address of the memory operand, if there were no checks. */
static u64 operand_address(const struct encoder *e)
{
	const struct test_case *t = e->t;
	const u16 sels[] = { t->es, t->cs, t->ss, t->ds, t->fs, t->gs };
	unsigned int sreg = encoded_seg(e);
	u64 ea = encoded_ea(e), base = layout_segment(sels[sreg]).base;

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
	unsigned int n = 0, i, bytes = encoded_op_bytes(e) == 8 ? 4 : encoded_op_bytes(e);

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
		set_operand(e, words[0], encoded_op_bytes(e));
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

static unsigned int last_row;

unsigned int generate_row_index(void)
{
	return last_row;
}

const struct x86_opcode *generate(struct rng *rng, struct test_case *t)
{
	const struct code_place *place = &places[chance(rng, 50) ? 0 :
						 below(rng, ARRAY_SIZE(places))];
	struct encoder e = { .rng = rng, .t = t, .mode = place->mode };

	memset(t, 0, sizeof(*t));
	t->cs = place->cs;
	t->vectors = rnd(rng) & 15;
	last_row = below(rng, generate_nr_rows());
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
