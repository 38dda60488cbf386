// SPDX-License-Identifier: GPL-2.0
/*
 * What the architecture leaves undefined, and what cannot be the same twice.
 *
 * The differential test ignores exactly these.  Each row cites the manual: the section
 * of the instruction in SDM volume 2 or APM volume 3, "Flags Affected" there.
 */
#include "case.h"
#include "../../emulate/handlers.h"

#define CF	((u64)X86_EFLAGS_CF)
#define PF	((u64)X86_EFLAGS_PF)
#define AF	((u64)X86_EFLAGS_AF)
#define ZF	((u64)X86_EFLAGS_ZF)
#define SF	((u64)X86_EFLAGS_SF)
#define OF	((u64)X86_EFLAGS_OF)
#define R(reg)	(1u << X86_##reg)

static const struct {
	int (*exec)(struct x86_emulate_ctxt *c);
	struct undefined undefined;
	const char *citation;
} table[] = {
	{ emul_and, { AF, 0 }, "SDM AND: \"the state of the AF flag is undefined\"" },
	{ emul_or, { AF, 0 }, "SDM OR: \"the state of the AF flag is undefined\"" },
	{ emul_xor, { AF, 0 }, "SDM XOR: \"the state of the AF flag is undefined\"" },
	{ emul_test, { AF, 0 }, "SDM TEST: \"the state of the AF flag is undefined\"" },
	{ emul_mul, { SF | ZF | AF | PF, 0 }, "SDM MUL: SF, ZF, AF, PF undefined" },
	{ emul_imul1, { SF | ZF | AF | PF, 0 }, "SDM IMUL: SF, ZF, AF, PF undefined" },
	{ emul_imul2, { SF | ZF | AF | PF, 0 }, "SDM IMUL: SF, ZF, AF, PF undefined" },
	{ emul_imul, { SF | ZF | AF | PF, 0 }, "SDM IMUL: SF, ZF, AF, PF undefined" },
	{ emul_div, { CF | OF | SF | ZF | AF | PF, 0 }, "SDM DIV: all six undefined" },
	{ emul_idiv, { CF | OF | SF | ZF | AF | PF, 0 }, "SDM IDIV: all six undefined" },
	{ emul_bsf, { CF | OF | SF | AF | PF, 0 }, "SDM BSF: all but ZF undefined" },
	{ emul_bsr, { CF | OF | SF | AF | PF, 0 }, "SDM BSR: all but ZF undefined" },
	{ emul_tzcnt, { OF | SF | AF | PF, 0 }, "SDM TZCNT: OF, SF, PF, AF undefined" },
	{ emul_lzcnt, { OF | SF | AF | PF, 0 }, "SDM LZCNT: OF, SF, PF, AF undefined" },
	{ emul_bt, { OF | SF | AF | PF, 0 }, "SDM BT: OF, SF, AF, PF undefined" },
	{ emul_bts, { OF | SF | AF | PF, 0 }, "SDM BTS: OF, SF, AF, PF undefined" },
	{ emul_btr, { OF | SF | AF | PF, 0 }, "SDM BTR: OF, SF, AF, PF undefined" },
	{ emul_btc, { OF | SF | AF | PF, 0 }, "SDM BTC: OF, SF, AF, PF undefined" },
	{ emul_daa, { OF, 0 }, "SDM DAA: OF undefined" },
	{ emul_das, { OF, 0 }, "SDM DAS: OF undefined" },
	{ emul_aaa, { OF | SF | ZF | PF, 0 }, "SDM AAA: OF, SF, ZF, PF undefined" },
	{ emul_aas, { OF | SF | ZF | PF, 0 }, "SDM AAS: OF, SF, ZF, PF undefined" },
	{ emul_aam, { OF | AF | CF, 0 }, "SDM AAM: OF, AF, CF undefined" },
	{ emul_aad, { OF | AF | CF, 0 }, "SDM AAD: OF, AF, CF undefined" },
	{ emul_shl, { AF, 0 }, "SDM SHL: AF undefined for a count other than 0" },
	{ emul_shr, { AF, 0 }, "SDM SHR: AF undefined for a count other than 0" },
	{ emul_sar, { AF, 0 }, "SDM SAR: AF undefined for a count other than 0" },
	{ emul_shld, { AF, 0 }, "SDM SHLD: AF undefined" },
	{ emul_shrd, { AF, 0 }, "SDM SHRD: AF undefined" },
	{ emul_rdtsc, { 0, R(RAX) | R(RDX) }, "not the same twice: SDM RDTSC" },
	{ emul_rdtscp, { 0, R(RAX) | R(RDX) | R(RCX) }, "not the same twice: SDM RDTSCP" },
};

static bool is_shift(const struct x86_insn *insn)
{
	int (*exec)(struct x86_emulate_ctxt *c) = insn->row->exec;

	return exec == emul_shl || exec == emul_shr || exec == emul_sar || exec == emul_rol ||
	       exec == emul_ror || exec == emul_rcl || exec == emul_rcr ||
	       exec == emul_shld || exec == emul_shrd;
}

static unsigned int shift_count(const struct x86_insn *insn, const struct test_case *t)
{
	const struct x86_opcode *row = insn->row;
	u8 from = row->src2 ? row->src2 : row->src;
	u64 count = from == OP_CL ? t->regs[X86_RCX] : from == OP_one ? 1 : insn->imm;

	return count & (insn->op_bytes == 8 ? 63 : 31);
}

/*
 * "The OF flag is affected only on 1-bit shifts" and rotates (SDM SAL and RCL);
 * CF is undefined for SHL and SHR by at least the operand's width, and the result of
 * SHLD and SHRD by more than it (SDM SHLD).
 */
static void undefined_shift(struct undefined *u, const struct x86_insn *insn,
			    const struct test_case *t)
{
	unsigned int count = shift_count(insn, t);
	unsigned int bits = insn->row->dst == OP_Eb ? 8 : 8 * insn->op_bytes;
	int (*exec)(struct x86_emulate_ctxt *c) = insn->row->exec;

	if (!count) {
		u->rflags = 0;
		return;
	}
	if (count != 1)
		u->rflags |= OF;
	if ((exec == emul_shl || exec == emul_shr) && count >= bits)
		u->rflags |= CF;
}

/*
 * What instructions of several steps leave behind when a later step faults.  AMD's do
 * (found by this test): POPA the registers it has popped, ENTER, PUSHA and far CALL what
 * they have pushed, below RSP, MASKMOVQ and MASKMOVDQU bytes before the faulting one, and
 * MASKMOVQ MMX state.  The emulator changes nothing on a fault.
 */
static void undefined_after_fault(struct undefined *u, const struct x86_insn *insn)
{
	int (*exec)(struct x86_emulate_ctxt *c) = insn->row->exec;

	if (exec == emul_popa)
		u->regs = 0xffff & ~R(RSP);
	u->memory = exec == emul_enter || exec == emul_pusha || exec == emul_call_far ||
		    exec == emul_call_far_mem || exec == emul_maskmovq ||
		    exec == emul_maskmovdqu;
	u->x87 = exec == emul_maskmovq;
}

static bool is_random(const struct x86_insn *insn)
{
	int (*exec)(struct x86_emulate_ctxt *c) = insn->row->exec;

	return exec == emul_rdrand || exec == emul_rdseed || exec == emul_rdpid;
}

struct undefined undefined_results(const struct x86_insn *insn, const struct test_case *t,
				   bool faulted)
{
	struct undefined u = { 0, 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].exec == insn->row->exec)
			u = table[i].undefined;
	if (is_shift(insn))
		undefined_shift(&u, insn, t);
	if (faulted)
		undefined_after_fault(&u, insn);
	/* RDRAND and RDSEED: CF may be clear now and then; RDPID: which CPU this is. */
	if (is_random(insn)) {
		u.regs = 1u << insn->rm;
		u.rflags = CF;
	}
	return u;
}

/*
 * SDM volume 3, "Limit Checking": accesses beyond FFFFFFFF "may or may not cause the
 * indicated exceptions".  Family 19h of AMD was seen to start again at 0, as 16-bit
 * offsets do at 64 KiB, with the elements of a masked move; family 1Ah was not.
 */
bool undefined_wrap(const struct x86_insn *insn, const struct x86_emulate_ctxt *c)
{
	u64 ea;

	if (!(insn->row->flags & VEXONLY))
		return false;
	ea = emul_effective_address(c);
	return insn->addr_bytes < 8 && ea + insn->vex_len - 1 > emul_mask(insn->addr_bytes);
}

/*
 * SDM volume 3, "Priority Among Concurrent Events": within a class the order of exceptions
 * is the implementation's.  Of CMPS, family 19h of AMD reads what SCAS does first.
 */
u8 undefined_order(const struct x86_insn *insn)
{
	return insn->row->exec == emul_cmps ? 0xae | (insn->opcode & 1) : 0;
}
