// SPDX-License-Identifier: GPL-2.0
/*
 * What Intel's processors leave open, and were seen to do, beyond undefined.c.
 *
 * Seen on a Xeon of family 6 (model 167).  Everything here is a freedom that the manual
 * gives, cited, or concerns encodings that it does not define.
 */
#include <string.h>
#include "case.h"
#include "../../emulate/handlers.h"

#define PF_FETCH	0x10	/* in a page fault's error code */

static bool is(const struct x86_insn *insn, int (*exec)(struct x86_emulate_ctxt *c))
{
	return insn->row->exec == exec;
}

static bool is_masked_move(const struct x86_insn *insn)
{
	return (insn->row->flags & VEXONLY) || is(insn, emul_maskmovq) ||
	       is(insn, emul_maskmovdqu);
}

static bool repeats(const struct x86_insn *insn)
{
	return is(insn, emul_movs) || is(insn, emul_cmps) || is(insn, emul_scas) ||
	       is(insn, emul_stos) || is(insn, emul_lods);
}

/* Do the 15 bytes from RIP reach into another page, or out of any code segment? */
static bool at_end(const struct test_case *t)
{
	return (t->code_la & 4095) + X86_INSN_MAX > 4096 ||
	       t->rip + X86_INSN_MAX > layout_segment(t->cs).limit;
}

static bool near_4g(u64 offset)
{
	return (u32)(offset + 64) < 128;
}

/* VEX forms that processors have and the emulator has not: masks, tiles, VNNI. */
static bool is_newer_vex(const u8 *code)
{
	unsigned int map = code[0] == 0xc5 ? 1 : code[1] & 31;
	u8 opcode = code[0] == 0xc5 ? code[2] : code[3];

	switch (map) {
	case 1:
		return (opcode >= 0x41 && opcode <= 0x4b) ||
		       (opcode >= 0x90 && opcode <= 0x93) || opcode == 0x98 || opcode == 0x99;
	case 2:
		return opcode == 0x49 || opcode == 0x4b || (opcode >= 0x50 && opcode <= 0x5e);
	case 3:
		return opcode >= 0x30 && opcode <= 0x33;
	}
	return false;
}

/*
 * Refused by decoding, and yet: 0F 0D of registers is a NOP; XBEGIN, XABORT, XEND, XTEST,
 * XSUSLDTRK, XRESLDTRK, SERIALIZE, PTWRITE and ENCLU execute, whatever a hypervisor makes
 * CPUID say.
 */
bool undefined_intel_code(const u8 *code, unsigned int len)
{
	unsigned int i;

	for (i = 0; i + 3 < len; i++) {
		if (code[i] == 0x0f)
			break;
		if ((code[i] == 0xc6 || code[i] == 0xc7) && code[i + 1] == 0xf8)
			return true;
		if (code[i] == 0xc4 || code[i] == 0xc5)
			return is_newer_vex(code + i);
	}
	if (code[i] != 0x0f)
		return false;
	return (code[i + 1] == 0x0d && code[i + 2] >= 0xc0) ||
	       (code[i + 1] == 0x01 && code[i + 2] >= 0xd5 && code[i + 2] <= 0xd7) ||
	       (code[i + 1] == 0x01 && (code[i + 2] == 0xe8 || code[i + 2] == 0xe9)) ||
	       (code[i + 1] == 0xae && (code[i + 2] & 0xf8) == 0xe0);
}

/* How far from the operand BT and its like look, by a register. */
static u64 bit_offset(const struct x86_insn *insn, const struct x86_emulate_ctxt *c)
{
	if (!(insn->row->flags & BITOP))
		return 0;
	return (u64)((s64)emul_sext(c->regs[insn->reg & 15], insn->op_bytes) >> 3);
}

/*
 * SDM volume 3, "Limit Checking": accesses beyond FFFFFFFF "may or may not cause the
 * indicated exceptions": these do not, in a segment of 4 GiB.  On a stack of 64 KiB ENTER
 * carries into the upper half of its temporary.
 */
static bool wraps(const struct x86_insn *insn, struct x86_emulate_ctxt *c)
{
	bool stack = is(insn, emul_enter) || is(insn, emul_leave);
	bool pointers = repeats(insn) || is_masked_move(insn);
	u64 rsp = c->regs[X86_RSP];

	if (emul_long64(c) && insn->addr_bytes == 8)
		return near_4g(rsp) && is(insn, emul_call_far_mem);
	if (near_4g(rsp) || (stack && (u32)(c->regs[X86_RBP] + 64) < 256))
		return true;
	if (is_masked_move(insn) && insn->addr_bytes == 2 &&
	    (u16)(c->regs[X86_RDI] + 64) < 128)
		return true;
	/* Of up to 31 levels, and what it allocates. */
	if (is(insn, emul_enter) && (u32)rsp < 512u + (u16)insn->imm)
		return true;
	if (stack && (u16)(rsp + 64) < 128 &&
	    !(emul_seg(c, X86_SS)->ar & X86_AR_DB))
		return true;
	if (pointers && (near_4g(c->regs[X86_RSI]) || near_4g(c->regs[X86_RDI])))
		return true;
	if (insn->row->flags & NEEDS_MODRM)
		return insn->mod != 3 && near_4g(emul_effective_address(c) + bit_offset(insn, c));
	return insn->disp && near_4g((u64)insn->disp);	/* MOV of a full offset */
}

/* Does IRET, about to execute, find AC in the flags on its stack? */
static bool pops_ac(const struct x86_insn *insn, struct x86_emulate_ctxt *c)
{
	u64 la = c->regs[X86_RSP] + 2 * insn->op_bytes;
	const struct area *a;

	if (!is(insn, emul_iret))
		return false;
	if (!emul_long64(c))
		la = (u32)(la + emul_seg(c, X86_SS)->base);
	la += 2;	/* the byte that holds AC */
	a = layout_area(la);
	return a && (a->copy[la - a->base] & X86_EFLAGS_AC >> 16);
}

/*
 * MOVSXD into 16 bits reads as much (SDM MOVSXD), and 32 bits on AMD.
 *
 * IRET reads the rest of its frame with the AC that it has just loaded, and Linux takes
 * the #AC, which comes with AC clear, for that of a split lock and returns for ever.
 */
bool undefined_intel_case(const struct x86_insn *insn, struct x86_emulate_ctxt *c)
{
	bool movsxd16 = is(insn, emul_movsx) && insn->opcode == 0x63 && insn->op_bytes == 2;

	return wraps(insn, c) || pops_ac(insn, c) || movsxd16;
}

/*
 * SDM volume 2, "SSE/AVX exceptions": whether unaligned accesses of 16 bytes and more meet
 * #AC "may depend on the implementation".
 */
bool undefined_intel_outcome(const struct x86_insn *insn,
			     const struct native_state *emulated)
{
	/* A repeated one may have come to where it wraps. */
	if (repeats(insn) && insn->mode != X86_MODE_LONG64 &&
	    (near_4g(emulated->regs[X86_RSI]) || near_4g(emulated->regs[X86_RDI])))
		return true;
	return emulated->vector == EXC_AC &&
	       (insn->row->flags & (VEX | VEXONLY | VECSTATE));
}

/*
 * SDM volume 3, "Priority Among Concurrent Events": of several faults of one instruction
 * which comes first is the implementation's.
 * - Masked moves check the segment for all elements, and page faults give the address of
 *   another element.
 * - Far CALL looks at the new RIP before the stack; far returns look at it last.
 * - ENTER writes before it looks at the limit of the new top.
 * - BOUND compares with the lower bound before it reads the upper one.
 * - #AC, and of FXSAVE and FXRSTOR #GP for it, come before what is not canonical.
 * - What is undefined is #UD after a fetch of the implementation's choice (UD0 and UD1
 *   with ModRM or without: SDM UD), which shows near the end of a page or segment, or of
 *   the 15 bytes.
 * - A 16th byte is #GP, or what its fetch meets (Ice Lake).
 */
bool undefined_intel_fault(const struct x86_insn *insn, const struct test_case *t,
			   const struct native_state *emulated,
			   const struct native_state *native)
{
	int e = emulated->vector, n = native->vector;
	bool fetch = n == EXC_PF ? native->error & PF_FETCH : n == EXC_GP && !native->error;

	if (emulated->rip != native->rip)
		return false;
	if (e == EXC_UD)
		return fetch && (at_end(t) || t->len > X86_INSN_MAX - 4);
	if (n == EXC_UD && t->len > X86_INSN_MAX - 4)
		return e == EXC_GP;
	if (e == EXC_GP && n == EXC_PF && fetch)
		return native->cr2 == t->code_la + X86_INSN_MAX;
	if ((e == EXC_GP || e == EXC_SS || e == EXC_PF) && n == EXC_AC)
		return true;
	if (is_masked_move(insn))
		return (e == EXC_PF || e == EXC_GP) &&
		       (n == EXC_GP || n == EXC_SS || n == EXC_PF);
	if (is(insn, emul_call_far_mem) || is(insn, emul_call_far))
		return e == EXC_SS && n == EXC_GP;
	if (is(insn, emul_iret) || is(insn, emul_ret_far))
		return (e == EXC_GP || e == EXC_SS || e == EXC_PF) &&
		       (n == EXC_GP || n == EXC_SS || n == EXC_NP);
	if (is(insn, emul_bound))
		return n == EXC_BR;
	if (is(insn, emul_fxsave) || is(insn, emul_fxrstor))
		return e == EXC_SS && n == EXC_GP;
	return is(insn, emul_enter) && e == EXC_SS && n == EXC_PF;
}

/*
 * What is left behind by an instruction that faults: the state of MMX, entered before the
 * access to memory; what a near CALL has pushed before it looked at where it leads.  Of a
 * repeated string instruction with 32-bit addresses the upper half of RCX is gone, whether
 * it gets to do anything or not.  A far return to 64-bit mode by so much that its stack
 * pointer wraps leaves either that of the old mode or that of the new.
 */
void undefined_intel_results(struct undefined *u, const struct x86_insn *insn, bool faulted)
{
	if (is(insn, emul_ret_far) && insn->mode != X86_MODE_LONG64)
		u->regs |= 1u << X86_RSP;
	if (repeats(insn) && insn->addr_bytes == 4)
		u->high |= 1u << X86_RCX;
	if (!faulted)
		return;
	u->memory |= is(insn, emul_call_near) || is(insn, emul_call_rel);
	u->x87 |= !!(insn->row->flags & MMXSTATE);
}
