// SPDX-License-Identifier: GPL-2.0
/*
 * Operands that mean something to an instruction: frames for returns, far pointers,
 * selectors, targets, counts.  They go into registers, or into patches of memory; what is
 * a good value is up to the surroundings (struct surroundings).
 */
#include "case.h"
#include "../../emulate/handlers.h"

/* A patch over @la. */
void add_patch(struct rng *rng, struct test_case *t, u64 la, const u64 *words,
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

/* A frame for RET, IRET, POPF and POP Sreg: each takes what it needs. */
static void patch_stack(struct encoder *e)
{
	const struct x86_opcode *row = e->leaf->row;
	struct rng *rng = e->rng;
	u64 flags = (rnd(rng) & EMUL_FL_ALL & ~(u64)X86_EFLAGS_VM) | 2;
	u64 words[6];
	unsigned int n = 0;

	if (row->exec == emul_pop_sreg) {
		words[n++] = e->around->selector(rng);
	} else if (row->exec == emul_popf) {
		words[n++] = flags;
	} else {
		words[n++] = e->around->code_offset(rng);
		if (row->exec == emul_iret || row->exec == emul_ret_far)
			words[n++] = chance(rng, 70) ? e->around->code_selector(rng) :
						       e->around->selector(rng);
		if (row->exec == emul_iret)
			words[n++] = flags;
		words[n++] = e->around->stack_offset(rng);
		words[n++] = chance(rng, 70) ? e->around->stack_selector(rng) :
						e->around->selector(rng);
	}
	add_patch(rng, e->t, e->around->linear(e, X86_SS, e->t->regs[X86_RSP]), words, n,
		  encoded_op_bytes(e) == 4 && e->mode == X86_MODE_LONG64 &&
		  (row->flags & (O64 | F64)) ? 8 : encoded_op_bytes(e));
}

static u64 operand_address(const struct encoder *e)
{
	return e->around->linear(e, encoded_seg(e), encoded_ea(e));
}

/* Make the memory operand's address interesting by its base or index register. */
static void aim(struct encoder *e)
{
	encoded_aim(e, e->around->target_offset(e, encoded_seg(e)));
}

/* Far pointers in memory, as 16-bit words: an offset of the operand size, a selector. */
static void patch_far_pointer(struct encoder *e)
{
	u64 offset = e->around->code_offset(e->rng), words[6];
	unsigned int n = 0, i, bytes = encoded_op_bytes(e) == 8 ? 4 : encoded_op_bytes(e);

	for (i = 0; i < bytes; i += 2)
		words[n++] = offset >> (8 * i) & 0xffff;
	words[n++] = e->around->selector(e->rng);
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

void prepare_operands(struct encoder *e)
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
		set_operand(e, e->around->selector(rng), 2);
	if (takes_target(row))
		set_operand(e, e->around->code_offset(rng), 8);
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
