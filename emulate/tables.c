// SPDX-License-Identifier: GPL-2.0
/*
 * The opcode rows, in the order of the manuals' opcode maps.
 *
 * A row reads: handler, destination, source, flags - I(add, Eb, Gb, LOCK) is emul_add()
 * on an r/m8 and an r8, which takes a LOCK prefix.  Operand names and flags are
 * explained in emulate.h.  G() leads to a sub-table.  U is undefined by architecture
 * (#UD); N is defined but not executed here (X86_UNHANDLED).  No entry is left out.
 *
 * SDM volume 2, "Opcode Map"; APM volume 3, "Opcode and Operand Encodings".
 */
#include "emulate.h"

/* What decoding must know of an operand. */
#define OPERAND_FLAGS(o)						\
	((o) < OP_HAVE_BYTES ? 0 :					\
	 (o) < OP_NEED_MODRM ? HAS_BYTES :				\
	 (o) < OP_REGISTER_ONLY ? NEEDS_MODRM : NEEDS_MODRM | FORM)
#define OPERANDS(d, s, f)						\
	.dst = OP_##d, .src = OP_##s,					\
	.flags = (f) | OPERAND_FLAGS(OP_##d) | OPERAND_FLAGS(OP_##s)

#define I(fn, d, s, f)	{ .exec = emul_##fn, OPERANDS(d, s, f) }
#define I3(fn, d, s, s2, f)	\
	{ .exec = emul_##fn, .src2 = OP_##s2, OPERANDS(d, s, (f) | OPERAND_FLAGS(OP_##s2)) }
/* With a CPUID feature without which it is undefined. */
#define IF(feat, fn, d, s, f)	\
	{ .exec = emul_##fn, .feature = FEAT_##feat, OPERANDS(d, s, f) }
#define G(kind, table)	\
	{ .sub = table, .flags = SUB_##kind | (SUB_##kind <= SUB_RM ? NEEDS_MODRM : 0) }
/* By mandatory prefix, all of the entries having a ModRM byte. */
#define GP(table)	{ .sub = table, .flags = SUB_PFX | NEEDS_MODRM }
#define U		{ .flags = UD }
/* Undefined, with a ModRM byte, one that only names registers, or an immediate. */
#define UM		{ .flags = UD | NEEDS_MODRM }
#define UR		{ .flags = UD | SYSREG }
#define UI(s)		{ OPERANDS(none, s, UD) }
#define N		{ .flags = NI }
/* The same row several times over. */
#define X4(...)		__VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__
#define X8(...)		X4(__VA_ARGS__), X4(__VA_ARGS__)
#define X16(...)	X8(__VA_ARGS__), X8(__VA_ARGS__)

const struct x86_opcode emul_row_ud = U, emul_row_ud_modrm = UM, emul_row_ni = N;

const struct emul_operand_spec emul_operand_specs[OP_NR] = {
	[OP_none] = { FROM_NONE },
	[OP_Eb] = { FROM_RM, 1 },	[OP_Ew] = { FROM_RM, 2 },
	[OP_Ed] = { FROM_RM, 4 },	[OP_Eq] = { FROM_RM, 8 },
	[OP_Ev] = { FROM_RM, 'v' },	[OP_Ey] = { FROM_RM, 'y' },
	[OP_Gb] = { FROM_REG, 1 },	[OP_Gw] = { FROM_REG, 2 },
	[OP_Gd] = { FROM_REG, 4 },	[OP_Gv] = { FROM_REG, 'v' },
	[OP_Gy] = { FROM_REG, 'y' },	[OP_Gm] = { FROM_REG, 'm' },
	[OP_M] = { FROM_MEM, 0 },	[OP_Mb] = { FROM_MEM, 1 },
	[OP_Mw] = { FROM_MEM, 2 },	[OP_Md] = { FROM_MEM, 4 },
	[OP_Mq] = { FROM_MEM, 8 },	[OP_Mo] = { FROM_MEM, 16 },
	[OP_Mv] = { FROM_MEM, 'v' },	[OP_My] = { FROM_MEM, 'y' },
	[OP_Mx] = { FROM_MEM, 'x' },
	[OP_Rm] = { FROM_RM_REG, 'm' },
	[OP_Uy] = { FROM_RM_ONLY, 'y' },	[OP_Uv] = { FROM_RM_ONLY, 'v' },
	[OP_Um] = { FROM_RM_ONLY, 'm' },
	[OP_Zb] = { FROM_OPCODE, 1 },		[OP_Zv] = { FROM_OPCODE, 'v' },
	[OP_AL] = { FROM_FIXED, 1, X86_RAX },	[OP_rAX] = { FROM_FIXED, 'v', X86_RAX },
	[OP_eAX] = { FROM_FIXED, 'z', X86_RAX },
	[OP_CL] = { FROM_FIXED, 1, X86_RCX },	[OP_DX] = { FROM_FIXED, 2, X86_RDX },
	[OP_one] = { FROM_ONE, 1 },
	[OP_Ib] = { FROM_IMM, 1 },		[OP_sIb] = { FROM_IMM, 1, .is_signed = true },
	[OP_Iw] = { FROM_IMM, 2 },
	[OP_Iz] = { FROM_IMM, 'z', .is_signed = true },
	[OP_Iv] = { FROM_IMM, 'v' },		[OP_I2b] = { FROM_IMM2, 1 },
	[OP_Jb] = { FROM_REL, 1, .is_signed = true },
	[OP_Jz] = { FROM_REL, 'z', .is_signed = true },
	[OP_Ap] = { FROM_FAR, 'z' },
	[OP_Ob] = { FROM_MOFFS, 1 },		[OP_Ov] = { FROM_MOFFS, 'v' },
	[OP_Vx] = { FROM_VREG, 'x' },	[OP_Vo] = { FROM_VREG, 16 },
	[OP_Vq] = { FROM_VREG, 8 },	[OP_Vd] = { FROM_VREG, 4 },
	[OP_Vy] = { FROM_VREG, 'y' },
	[OP_Wx] = { FROM_VRM, 'x' },	[OP_Wo] = { FROM_VRM, 16 },
	[OP_Wq] = { FROM_VRM, 8 },
	[OP_Ux] = { FROM_VRM_ONLY, 'x' },
	[OP_Uo] = { FROM_VRM_ONLY, 16 },
	[OP_Uq] = { FROM_VRM_ONLY, 8 },
	[OP_Pq] = { FROM_MREG, 8 },	[OP_Py] = { FROM_MREG, 'y' },
	[OP_Qq] = { FROM_MRM, 8 },	[OP_Nq] = { FROM_MRM_ONLY, 8 },
};

/* ------------------------------------------------------------------------
 * Groups of the one-byte map
 */

#define GROUP1(d, s, wb)						\
	{ I(add, d, s, wb), I(or, d, s, wb), I(adc, d, s, wb), I(sbb, d, s, wb),	\
	  I(and, d, s, wb), I(sub, d, s, wb), I(xor, d, s, wb), I(cmp, d, s, NOWB | ((wb) & I64)) }

static const struct x86_opcode group1_eb_ib[8] = GROUP1(Eb, Ib, LOCK);
static const struct x86_opcode group1_ev_iz[8] = GROUP1(Ev, Iz, LOCK);
static const struct x86_opcode group1_ev_ib[8] = GROUP1(Ev, sIb, LOCK);
static const struct x86_opcode group1_i64[8] = GROUP1(Eb, Ib, LOCK | I64);

static const struct x86_opcode group1a[8] = {
	I(pop_ev, Ev, none, O64 | NOREAD | NOWB | NOLOCAL), X4(U), U, U, U,
};

#define GROUP2(d, s)							\
	{ I(rol, d, s, 0), I(ror, d, s, 0), I(rcl, d, s, 0), I(rcr, d, s, 0),	\
	  I(shl, d, s, 0), I(shr, d, s, 0), I(shl, d, s, 0), I(sar, d, s, 0) }

static const struct x86_opcode group2_eb_ib[8] = GROUP2(Eb, Ib);
static const struct x86_opcode group2_ev_ib[8] = GROUP2(Ev, Ib);
static const struct x86_opcode group2_eb_1[8] = GROUP2(Eb, one);
static const struct x86_opcode group2_ev_1[8] = GROUP2(Ev, one);
static const struct x86_opcode group2_eb_cl[8] = GROUP2(Eb, CL);
static const struct x86_opcode group2_ev_cl[8] = GROUP2(Ev, CL);

#define GROUP3(e, i)							\
	{ I(test, e, i, NOWB), I(test, e, i, NOWB), I(not, e, none, LOCK),	\
	  I(neg, e, none, LOCK), I(mul, none, e, 0), I(imul1, none, e, 0),	\
	  I(div, none, e, 0), I(idiv, none, e, 0) }

static const struct x86_opcode group3_eb[8] = GROUP3(Eb, Ib);
static const struct x86_opcode group3_ev[8] = GROUP3(Ev, Iz);

static const struct x86_opcode group4[8] = {
	I(inc, Eb, none, LOCK), I(dec, Eb, none, LOCK), X4(U), U, U,
};

static const struct x86_opcode group5[8] = {
	I(inc, Ev, none, LOCK), I(dec, Ev, none, LOCK),
	I(call_near, none, Ev, F64), I(call_far_mem, none, M, 0),
	I(jmp_near, none, Ev, F64), I(jmp_far_mem, none, M, 0),
	I(push_value, none, Ev, O64), U,
};

static const struct x86_opcode group11_eb[8] = {
	I(mov, Eb, Ib, NOREAD), X4(UI(Ib)), UI(Ib), UI(Ib), UI(Ib),
};
static const struct x86_opcode group11_ev[8] = {
	I(mov, Ev, Iz, NOREAD), X4(UI(Iz)), UI(Iz), UI(Iz), UI(Iz),
};

static const struct x86_opcode mode_63[2] = {
	I(arpl, Ew, Gw, PROT | NOLOCAL | NOWB), I(movsx, Gv, Ed, NOREAD),
};

/* 62: EVEX in 64-bit mode, and elsewhere where BOUND has no memory operand. */
static const struct x86_opcode bound_mod[2] = { I(bound, Gv, M, NOWB), N };
static const struct x86_opcode mode_62[2] = { G(MOD, bound_mod), N };

static const struct x86_opcode mov_from_sreg[2] = {
	I(mov_from_sreg, Ew, none, NOREAD), I(mov_from_sreg, Ev, none, NOREAD),
};
static const struct x86_opcode group_8c[8] = {
	X4(G(MOD, mov_from_sreg)), G(MOD, mov_from_sreg), G(MOD, mov_from_sreg), U, U,
};
static const struct x86_opcode group_8e[8] = {
	I(mov_to_sreg, none, Ew, 0), U, X4(I(mov_to_sreg, none, Ew, 0)), U, U,
};

static const struct x86_opcode pfx_90[4] = {
	I(nop_xchg, Zv, rAX, WBSRC), I(nop_xchg, Zv, rAX, WBSRC),
	I(pause_xchg, Zv, rAX, WBSRC), I(nop_xchg, Zv, rAX, WBSRC),
};

/* x87: only what sets up and saves the environment. */
static const struct x86_opcode x87_d9_mem[8] = {
	X4(N), N, I(fldcw, none, M, X87STATE), N, I(fnstcw, Mw, none, X87STATE | NOREAD),
};
static const struct x86_opcode x87_d9[2] = { G(REG, x87_d9_mem), N };
static const struct x86_opcode x87_db_e0[8] = {
	N, N, I(fnclex, none, none, X87STATE), I(fninit, none, none, X87STATE), X4(N),
};
static const struct x86_opcode x87_db_reg[8] = { X4(N), G(RM, x87_db_e0), N, N, N };
static const struct x86_opcode x87_db[2] = { N, G(REG, x87_db_reg) };
static const struct x86_opcode x87_dd_mem[8] = {
	X4(N), N, N, N, I(fnstsw, Mw, none, X87STATE | NOREAD),
};
static const struct x86_opcode x87_dd[2] = { G(REG, x87_dd_mem), N };
static const struct x86_opcode x87_df_e0[8] = {
	I(fnstsw, rAX, none, X87STATE), X4(N), N, N, N,
};
static const struct x86_opcode x87_df_reg[8] = { X4(N), G(RM, x87_df_e0), N, N, N };
static const struct x86_opcode x87_df[2] = { N, G(REG, x87_df_reg) };

/* ------------------------------------------------------------------------
 * The one-byte map
 */

#define ALU(fn, lock, f)						\
	I(fn, Eb, Gb, lock | f), I(fn, Ev, Gv, lock | f), I(fn, Gb, Eb, f),	\
	I(fn, Gv, Ev, f), I(fn, AL, Ib, f), I(fn, rAX, Iz, f)

const struct x86_opcode emul_map_1byte[256] = {
	/* 00 */
	ALU(add, LOCK, 0), I(push_sreg, none, none, I64), I(pop_sreg, none, none, I64),
	ALU(or, LOCK, 0), I(push_sreg, none, none, I64), U,	/* 0F: see decode_opcode() */
	/* 10 */
	ALU(adc, LOCK, 0), I(push_sreg, none, none, I64), I(pop_sreg, none, none, I64),
	ALU(sbb, LOCK, 0), I(push_sreg, none, none, I64), I(pop_sreg, none, none, I64),
	/* 20; 26, 2E, 36, 3E, 64 - 67 are prefixes and never looked up */
	ALU(and, LOCK, 0), U, I(daa, none, none, I64),
	ALU(sub, LOCK, 0), U, I(das, none, none, I64),
	/* 30 */
	ALU(xor, LOCK, 0), U, I(aaa, none, none, I64),
	ALU(cmp, 0, NOWB), U, I(aas, none, none, I64),
	/* 40; REX in 64-bit mode, and never looked up */
	X8(I(inc, Zv, none, 0)), X8(I(dec, Zv, none, 0)),
	/* 50 */
	X8(I(push_value, none, Zv, O64)), X8(I(pop_value, Zv, none, O64 | NOREAD)),
	/* 60 */
	I(pusha, none, none, I64), I(popa, none, none, I64), G(64, mode_62), G(64, mode_63),
	U, U, U, U,
	I(push_value, none, Iz, O64), I3(imul, Gv, Ev, Iz, NOREAD),
	I(push_value, none, sIb, O64), I3(imul, Gv, Ev, sIb, NOREAD),
	I(ins, none, none, 0), I(ins, none, none, 0),
	I(outs, none, none, 0), I(outs, none, none, 0),
	/* 70 */
	X16(I(jcc, none, Jb, F64)),
	/* 80 */
	G(REG, group1_eb_ib), G(REG, group1_ev_iz), G(REG, group1_i64), G(REG, group1_ev_ib),
	I(test, Eb, Gb, NOWB), I(test, Ev, Gv, NOWB),
	I(xchg, Eb, Gb, LOCK | ATOMIC | WBSRC), I(xchg, Ev, Gv, LOCK | ATOMIC | WBSRC),
	I(mov, Eb, Gb, NOREAD), I(mov, Ev, Gv, NOREAD),
	I(mov, Gb, Eb, NOREAD), I(mov, Gv, Ev, NOREAD),
	G(REG, group_8c), I(lea, Gv, M, NOREAD), G(REG, group_8e), G(REG, group1a),
	/* 90 */
	G(PFX, pfx_90), X4(I(xchg, Zv, rAX, WBSRC)), I(xchg, Zv, rAX, WBSRC),
	I(xchg, Zv, rAX, WBSRC), I(xchg, Zv, rAX, WBSRC),
	I(cbw, rAX, none, 0), I(cwd, none, rAX, 0), I(call_far, none, Ap, I64),
	I(fwait, none, none, 0),
	I(pushf, none, none, O64), I(popf, none, none, O64), I(sahf, none, none, 0),
	I(lahf, none, none, 0),
	/* A0 */
	I(mov, AL, Ob, NOREAD), I(mov, rAX, Ov, NOREAD),
	I(mov, Ob, AL, NOREAD), I(mov, Ov, rAX, NOREAD),
	I(movs, none, none, 0), I(movs, none, none, 0),
	I(cmps, none, none, 0), I(cmps, none, none, 0),
	I(test, AL, Ib, NOWB), I(test, rAX, Iz, NOWB),
	I(stos, none, none, 0), I(stos, none, none, 0),
	I(lods, none, none, 0), I(lods, none, none, 0),
	I(scas, none, none, 0), I(scas, none, none, 0),
	/* B0 */
	X8(I(mov, Zb, Ib, NOREAD)), X8(I(mov, Zv, Iv, NOREAD)),
	/* C0 */
	G(REG, group2_eb_ib), G(REG, group2_ev_ib),
	I(ret, none, Iw, F64), I(ret, none, none, F64),
	I(load_far_pointer, Gv, M, NOREAD | I64), I(load_far_pointer, Gv, M, NOREAD | I64),
	G(REG, group11_eb), G(REG, group11_ev),
	I3(enter, none, Iw, I2b, O64), I(leave, none, none, O64),
	I(ret_far, none, Iw, 0), I(ret_far, none, none, 0),
	I(int3, none, none, 0), I(int, none, Ib, 0), I(into, none, none, I64),
	I(iret, none, none, 0),
	/* D0 */
	G(REG, group2_eb_1), G(REG, group2_ev_1), G(REG, group2_eb_cl), G(REG, group2_ev_cl),
	I(aam, none, Ib, I64), I(aad, none, Ib, I64), I(salc, AL, none, I64 | NOREAD),
	I(xlat, AL, none, NOREAD),
	N, G(MOD, x87_d9), N, G(MOD, x87_db), N, G(MOD, x87_dd), N, G(MOD, x87_df),
	/* E0 */
	I(loop, none, Jb, F64), I(loop, none, Jb, F64), I(loop, none, Jb, F64),
	I(jcxz, none, Jb, F64),
	I(in, AL, Ib, NOREAD), I(in, eAX, Ib, NOREAD), I(out, Ib, AL, NOWB),
	I(out, Ib, eAX, NOWB),
	I(call_rel, none, Jz, F64), I(jmp_rel, none, Jz, F64), I(jmp_far, none, Ap, I64),
	I(jmp_rel, none, Jb, F64),
	I(in, AL, DX, NOREAD), I(in, eAX, DX, NOREAD), I(out, DX, AL, NOWB),
	I(out, DX, eAX, NOWB),
	/* F0; F0, F2, F3 are prefixes */
	U, I(int1, none, none, 0), U, U,
	I(hlt, none, none, PRIV), I(cmc, none, none, 0),
	G(REG, group3_eb), G(REG, group3_ev),
	I(clc, none, none, 0), I(stc, none, none, 0), I(cli, none, none, 0),
	I(sti, none, none, 0), I(cld, none, none, 0), I(std, none, none, 0),
	G(REG, group4), G(REG, group5),
};

/* ------------------------------------------------------------------------
 * Groups of the 0F map
 */

static const struct x86_opcode group6_mod0[2] = {
	I(sldt, Ew, none, PROT | NOREAD), I(sldt, Ev, none, PROT | NOREAD),
};
static const struct x86_opcode group6_mod1[2] = {
	I(str, Ew, none, PROT | NOREAD), I(str, Ev, none, PROT | NOREAD),
};
static const struct x86_opcode group6[8] = {
	G(MOD, group6_mod0), G(MOD, group6_mod1),
	I(lldt, none, Ew, PROT | PRIV), I(ltr, none, Ew, PROT | PRIV),
	I(verr, none, Ew, PROT), I(verw, none, Ew, PROT), U, U,
};

static const struct x86_opcode group7_mem[8] = {
	I(sgdt, none, M, 0), I(sidt, none, M, 0),
	I(lgdt, none, M, PRIV), I(lidt, none, M, PRIV),
	I(smsw, Ew, none, NOREAD), U, I(lmsw, none, Ew, PRIV), I(invlpg, none, M, PRIV),
};
/* VMX instructions are undefined outside VMX operation, which a guest cannot enter. */
static const struct x86_opcode group7_reg0[8] = {
	U, I(hypercall, none, none, 0), X4(U), U, U,
};
static const struct x86_opcode group7_reg1[8] = {
	I(monitor, none, none, 0), I(mwait, none, none, 0),
	IF(SMAP, clac, none, none, 0), IF(SMAP, stac, none, none, 0), X4(U),
};
static const struct x86_opcode xgetbv[4] = { IF(XSAVE, xgetbv, none, none, 0), U, U, U };
static const struct x86_opcode xsetbv[4] = { IF(XSAVE, xsetbv, none, none, 0), U, U, U };
static const struct x86_opcode group7_reg2[8] = {
	GP(xgetbv), GP(xsetbv), U, U, U, N, N, U,
};
static const struct x86_opcode group7_reg3[8] = {
	I(svm, none, none, 0), I(hypercall, none, none, 0), X4(I(svm, none, none, 0)),
	I(svm, none, none, 0), I(svm, none, none, 0),
};
static const struct x86_opcode group7_reg5[8] = { X4(U), U, U, N, N };
static const struct x86_opcode group7_swapgs[2] = { U, I(swapgs, none, none, PRIV) };
/* F3 and F2: instructions of SEV-SNP. */
static const struct x86_opcode group7_snp[4] = { U, U, N, N };
static const struct x86_opcode group7_reg7[8] = {
	G(64, group7_swapgs), IF(RDTSCP, rdtscp, none, none, 0), N, N, N, N,
	GP(group7_snp), GP(group7_snp),
};
static const struct x86_opcode group7_reg[8] = {
	G(RM, group7_reg0), G(RM, group7_reg1), G(RM, group7_reg2), G(RM, group7_reg3),
	I(smsw, Ev, none, NOREAD), G(RM, group7_reg5), I(lmsw, none, Ew, PRIV),
	G(RM, group7_reg7),
};
static const struct x86_opcode group7[2] = { G(REG, group7_mem), G(REG, group7_reg) };

static const struct x86_opcode group8[8] = {
	X4(UI(Ib)), I(bt, Ev, Ib, NOWB), I(bts, Ev, Ib, LOCK), I(btr, Ev, Ib, LOCK),
	I(btc, Ev, Ib, LOCK),
};

static const struct x86_opcode group9_rdrand[4] = {
	IF(RDRAND, rdrand, Uv, none, NOREAD), IF(RDRAND, rdrand, Uv, none, NOREAD), N, U,
};
static const struct x86_opcode group9_rdpid[4] = {
	IF(RDSEED, rdseed, Uv, none, NOREAD), IF(RDSEED, rdseed, Uv, none, NOREAD),
	IF(RDPID, rdpid, Um, none, NOREAD), U,
};
static const struct x86_opcode group9_mem[8] = {
	U, I(cmpxchg8b, none, M, LOCK), U, N, N, N, U, U,
};
static const struct x86_opcode group9_reg[8] = {
	X4(U), U, U, GP(group9_rdrand), GP(group9_rdpid),
};
static const struct x86_opcode group9[2] = { G(REG, group9_mem), G(REG, group9_reg) };

static const struct x86_opcode group15_mem_none[8] = {
	IF(FXSR, fxsave, none, M, 0), IF(FXSR, fxrstor, none, M, 0),
	IF(SSE, ldmxcsr, none, Md, VECSTATE | VEX | L0),
	IF(SSE, stmxcsr, Md, none, VECSTATE | VEX | L0 | NOREAD),
	N, N, N, IF(CLFSH, clflush, none, M, 0),
};
static const struct x86_opcode group15_mem_66[8] = {
	X4(U), U, U, IF(CLWB, clflush, none, M, 0), IF(CLFLUSHOPT, clflush, none, M, 0),
};
static const struct x86_opcode group15_mem_x[8] = { X4(U), N, U, N, U };
static const struct x86_opcode group15_mem[4] = {
	G(REG, group15_mem_none), G(REG, group15_mem_66), G(REG, group15_mem_x), U,
};
static const struct x86_opcode group15_reg_none[8] = {
	X4(U), U, IF(SSE2, nop, none, none, 0), IF(SSE2, nop, none, none, 0),
	IF(SSE, nop, none, none, 0),
};
/* F3: FSGSBASE, in 64-bit mode alone. */
static const struct x86_opcode fsgsbase[8] = {
	IF(FSGSBASE, rdbase, Uy, none, NOREAD), IF(FSGSBASE, rdbase, Uy, none, NOREAD),
	IF(FSGSBASE, wrbase, none, Uy, 0), IF(FSGSBASE, wrbase, none, Uy, 0),
	U, N, N, U,
};
static const struct x86_opcode group15_reg_f3[2] = { U, G(REG, fsgsbase) };
static const struct x86_opcode group15_reg[4] = {
	G(REG, group15_reg_none), U, G(64, group15_reg_f3), N,
};
static const struct x86_opcode group15[2] = {
	GP(group15_mem), GP(group15_reg),
};

static const struct x86_opcode group_0d[2] = { I(nop, none, Mb, NOLOCAL), U };

#define FROM_CR	I(mov_from_cr, Rm, none, PRIV | SYSREG | LOCKCR | NOREAD)
#define TO_CR	I(mov_to_cr, none, Rm, PRIV | SYSREG | LOCKCR)
static const struct x86_opcode group_20[8] = {
	FROM_CR, UR, FROM_CR, FROM_CR, FROM_CR, UR, UR, UR,
};
static const struct x86_opcode group_22[8] = {
	TO_CR, UR, TO_CR, TO_CR, TO_CR, UR, UR, UR,
};

static const struct x86_opcode pfx_c3[4] = { IF(SSE2, mov, My, Gy, NOREAD), U, U, U };
static const struct x86_opcode pfx_b8[4] = {
	N, N, IF(POPCNT, popcnt, Gv, Ev, NOREAD), N,
};
static const struct x86_opcode pfx_bc[4] = {
	I(bsf, Gv, Ev, 0), I(bsf, Gv, Ev, 0), I(tzcnt, Gv, Ev, 0), I(bsf, Gv, Ev, 0),
};
static const struct x86_opcode pfx_bd[4] = {
	I(bsr, Gv, Ev, 0), I(bsr, Gv, Ev, 0), I(lzcnt, Gv, Ev, 0), I(bsr, Gv, Ev, 0),
};

/* ------------------------------------------------------------------------
 * Vector moves
 */

#define V(feat, fn, d, s, f)	IF(feat, fn, d, s, VECSTATE | VEX | (f))

static const struct x86_opcode movss_load[2] = {
	V(SSE, vload, Vo, Md, NOREAD), V(SSE, vmerge_low4, Vo, Uo, VVVV),
};
static const struct x86_opcode movsd_load[2] = {
	V(SSE2, vload, Vo, Mq, NOREAD), V(SSE2, vmerge_low8, Vo, Uo, VVVV),
};
static const struct x86_opcode pfx_10[4] = {
	V(SSE, vmov, Vx, Wx, NOREAD), V(SSE2, vmov, Vx, Wx, NOREAD),
	G(MOD, movss_load), G(MOD, movsd_load),
};
static const struct x86_opcode movss_store[2] = {
	V(SSE, vmov, Md, Vd, NOREAD), V(SSE, vmerge_low4, Uo, Vo, VVVV),
};
static const struct x86_opcode movsd_store[2] = {
	V(SSE2, vmov, Mq, Vq, NOREAD), V(SSE2, vmerge_low8, Uo, Vo, VVVV),
};
static const struct x86_opcode pfx_11[4] = {
	V(SSE, vmov, Wx, Vx, NOREAD), V(SSE2, vmov, Wx, Vx, NOREAD),
	G(MOD, movss_store), G(MOD, movsd_store),
};
static const struct x86_opcode movlps_load[2] = {
	V(SSE, vmerge_low8, Vo, Mq, VVVV | L0), V(SSE, movhlps, Vo, Uo, VVVV | L0),
};
static const struct x86_opcode movlpd_load[2] = {
	V(SSE2, vmerge_low8, Vo, Mq, VVVV | L0), U,
};
static const struct x86_opcode pfx_12[4] = {
	G(MOD, movlps_load), G(MOD, movlpd_load), N, N,
};
static const struct x86_opcode movhps_load[2] = {
	V(SSE, vmerge_high8, Vo, Mq, VVVV | L0), V(SSE, vmerge_high8, Vo, Uq, VVVV | L0),
};
static const struct x86_opcode movhpd_load[2] = {
	V(SSE2, vmerge_high8, Vo, Mq, VVVV | L0), U,
};
static const struct x86_opcode pfx_16[4] = {
	G(MOD, movhps_load), G(MOD, movhpd_load), N, U,
};
static const struct x86_opcode pfx_13[4] = {
	V(SSE, vmov, Mq, Vq, NOREAD | L0), V(SSE2, vmov, Mq, Vq, NOREAD | L0), U, U,
};
static const struct x86_opcode pfx_17[4] = {
	V(SSE, vstore_high, Mq, Vo, NOREAD | L0), V(SSE2, vstore_high, Mq, Vo, NOREAD | L0),
	U, U,
};
static const struct x86_opcode pfx_28[4] = {
	V(SSE, vmov, Vx, Wx, NOREAD | ALIGNED), V(SSE2, vmov, Vx, Wx, NOREAD | ALIGNED), U, U,
};
static const struct x86_opcode pfx_29[4] = {
	V(SSE, vmov, Wx, Vx, NOREAD | ALIGNED), V(SSE2, vmov, Wx, Vx, NOREAD | ALIGNED), U, U,
};
/* F3 and F2: MOVNTSS and MOVNTSD of SSE4A. */
static const struct x86_opcode pfx_2b[4] = {
	V(SSE, vmov, Mx, Vx, NOREAD | ALIGNED), V(SSE2, vmov, Mx, Vx, NOREAD | ALIGNED), N, N,
};
static const struct x86_opcode pfx_6e[4] = {
	IF(MMX, mmx_load, Pq, Ey, MMXSTATE | NOREAD), V(SSE2, vload, Vo, Ey, NOREAD | L0), U, U,
};
static const struct x86_opcode pfx_7e[4] = {
	IF(MMX, mmx_store, Ey, Py, MMXSTATE | NOREAD), V(SSE2, vmov, Ey, Vy, NOREAD | L0),
	V(SSE2, vload, Vo, Wq, NOREAD | L0), U,
};
static const struct x86_opcode pfx_6f[4] = {
	IF(MMX, mmx_load, Pq, Qq, MMXSTATE | NOREAD), V(SSE2, vmov, Vx, Wx, NOREAD | ALIGNED),
	V(SSE2, vmov, Vx, Wx, NOREAD), U,
};
static const struct x86_opcode pfx_7f[4] = {
	IF(MMX, mmx_store, Qq, Pq, MMXSTATE | NOREAD), V(SSE2, vmov, Wx, Vx, NOREAD | ALIGNED),
	V(SSE2, vmov, Wx, Vx, NOREAD), U,
};
static const struct x86_opcode movq_store[2] = {
	V(SSE2, vmov, Mq, Vq, NOREAD | L0), V(SSE2, vload, Uo, Vq, NOREAD | L0),
};
static const struct x86_opcode pfx_d6[4] = {
	U, G(MOD, movq_store), IF(SSE2, movq2dq, Vo, Nq, VECSTATE | MMXSTATE | NOREAD),
	IF(SSE2, movdq2q, Pq, Uq, VECSTATE | MMXSTATE | NOREAD),
};
static const struct x86_opcode pfx_e7[4] = {
	IF(SSE, mmx_store, Mq, Pq, MMXSTATE | NOREAD), V(SSE2, vmov, Mx, Vx, NOREAD | ALIGNED), U, U,
};
static const struct x86_opcode pfx_f0[4] = {
	U, U, U, V(SSE3, vmov, Vx, Mx, NOREAD),
};
static const struct x86_opcode pfx_f7[4] = {
	IF(SSE, maskmovq, Pq, Nq, MMXSTATE | NOWB), V(SSE2, maskmovdqu, Vo, Uo, NOWB | L0), U, U,
};

/* ------------------------------------------------------------------------
 * The 0F map
 */

const struct x86_opcode emul_map_0f[256] = {
	/* 00 */
	G(REG, group6), G(MOD, group7), I(lar, Gv, Ew, PROT), I(lsl, Gv, Ew, PROT),
	U, I(syscall, none, none, 0), I(clts, none, none, PRIV), I(sysret, none, none, PROT),
	I(invd, none, none, PRIV), I(wbinvd, none, none, PRIV), U, I(ud, none, none, 0),
	U, G(MOD, group_0d), N, N,
	/* 10 */
	GP(pfx_10), GP(pfx_11), GP(pfx_12), GP(pfx_13), N, N,
	GP(pfx_16), GP(pfx_17),
	X8(I(nop, none, Ev, NOLOCAL)),
	/* 20 */
	G(REG, group_20), I(mov_from_dr, Rm, none, PRIV | SYSREG | NOREAD),
	G(REG, group_22), I(mov_to_dr, none, Rm, PRIV | SYSREG), U, U, U, U,
	GP(pfx_28), GP(pfx_29), N, GP(pfx_2b), N, N, N, N,
	/* 30 */
	IF(MSR, wrmsr, none, none, PRIV), IF(TSC, rdtsc, none, none, 0),
	IF(MSR, rdmsr, none, none, PRIV), I(rdpmc, none, none, 0),
	IF(SEP, sysenter, none, none, 0), IF(SEP, sysexit, none, none, 0), U, U,
	U, U, N, U, U, U, U, U,		/* 38 and 3A: further maps */
	/* 40 */
	X16(IF(CMOV, cmov, Gv, Ev, 0)),
	/* 50 */
	X16(N),
	/* 60 */
	X8(N), X4(N), N, N, GP(pfx_6e), GP(pfx_6f),
	/* 70 */
	X8(N), N, N, U, U, N, N, GP(pfx_7e), GP(pfx_7f),
	/* 80 */
	X16(I(jcc, none, Jz, F64)),
	/* 90 */
	X16(I(setcc, Eb, none, NOREAD)),
	/* A0 */
	I(push_sreg, none, none, O64), I(pop_sreg, none, none, O64), I(cpuid, none, none, 0),
	I(bt, Ev, Gv, BITOP | NOWB), I3(shld, Ev, Gv, Ib, 0), I3(shld, Ev, Gv, CL, 0), U, U,
	I(push_sreg, none, none, O64), I(pop_sreg, none, none, O64), U,
	I(bts, Ev, Gv, BITOP | LOCK), I3(shrd, Ev, Gv, Ib, 0), I3(shrd, Ev, Gv, CL, 0),
	G(MOD, group15), I(imul2, Gv, Ev, 0),
	/* B0 */
	I(cmpxchg, Eb, Gb, LOCK | WBSRC), I(cmpxchg, Ev, Gv, LOCK | WBSRC),
	I(load_far_pointer, Gv, M, NOREAD), I(btr, Ev, Gv, BITOP | LOCK),
	I(load_far_pointer, Gv, M, NOREAD), I(load_far_pointer, Gv, M, NOREAD),
	I(mov, Gv, Eb, NOREAD), I(mov, Gv, Ew, NOREAD),
	GP(pfx_b8), I(ud, none, none, 0), G(REG, group8), I(btc, Ev, Gv, BITOP | LOCK),
	GP(pfx_bc), GP(pfx_bd), I(movsx, Gv, Eb, NOREAD), I(movsx, Gv, Ew, NOREAD),
	/* C0 */
	I(xadd, Eb, Gb, LOCK | WBSRC), I(xadd, Ev, Gv, LOCK | WBSRC), N,
	GP(pfx_c3), N, N, N, G(MOD, group9),
	X8(I(bswap, Zv, none, 0)),
	/* D0 */
	X4(N), N, N, GP(pfx_d6), N, X8(N),
	/* E0 */
	X4(N), N, N, N, GP(pfx_e7), X8(N),
	/* F0 */
	GP(pfx_f0), N, N, N, N, N, N, GP(pfx_f7), X4(N), N, N, N,
	I(ud, none, none, 0),
};

/* ------------------------------------------------------------------------
 * The 0F 38 map
 */

static const struct x86_opcode pfx_38_2a[4] = {
	U, V(SSE41, vmov, Vx, Mx, NOREAD | ALIGNED), U, U,
};
#define VM(feat, fn, d, s, f)	\
	{ U, IF(feat, fn, d, s, VECSTATE | VEXONLY | VVVV | NOREAD | NOLOCAL | (f)), U, U }
static const struct x86_opcode vmaskmov_load[4] = VM(AVX, vmaskmov4_load, Vx, Mx, W0);
static const struct x86_opcode vmaskmov_load_pd[4] = VM(AVX, vmaskmov8_load, Vx, Mx, W0);
static const struct x86_opcode vmaskmov_store[4] = VM(AVX, vmaskmov4_store, Mx, Vx, W0 | NOWB);
static const struct x86_opcode vmaskmov_store_pd[4] = VM(AVX, vmaskmov8_store, Mx, Vx, W0 | NOWB);
static const struct x86_opcode vpmaskmov_load[4] = VM(AVX2, vpmaskmov_load, Vx, Mx, 0);
static const struct x86_opcode vpmaskmov_store[4] = VM(AVX2, vpmaskmov_store, Mx, Vx, NOWB);

static const struct x86_opcode pfx_38_82[4] = {
	U, IF(INVPCID, invpcid, Gm, Mo, PRIV | NOWB | NOREAD), U, U,
};
static const struct x86_opcode pfx_38_f0[4] = {
	IF(MOVBE, movbe, Gv, Mv, NOREAD), IF(MOVBE, movbe, Gv, Mv, NOREAD), U,
	IF(SSE42, crc32, Gy, Eb, 0),
};
static const struct x86_opcode pfx_38_f1[4] = {
	IF(MOVBE, movbe, Mv, Gv, NOREAD), IF(MOVBE, movbe, Mv, Gv, NOREAD), U,
	IF(SSE42, crc32, Gy, Ev, 0),
};
static const struct x86_opcode pfx_38_f6[4] = {
	U, IF(ADX, adcx, Gy, Ey, 0), IF(ADX, adox, Gy, Ey, 0), U,
};

const struct x86_opcode emul_map_0f38[256] = {
	[0x00 ... 0x0f] = N,		/* SSSE3, AVX */
	[0x10 ... 0x1f] = N,		/* SSE4.1, AVX */
	[0x20 ... 0x29] = N,
	[0x2a] = GP(pfx_38_2a),
	[0x2b] = N,
	[0x2c] = GP(vmaskmov_load), [0x2d] = GP(vmaskmov_load_pd),
	[0x2e] = GP(vmaskmov_store), [0x2f] = GP(vmaskmov_store_pd),
	[0x30 ... 0x41] = N,
	[0x42 ... 0x44] = UM,
	[0x45 ... 0x47] = N,		/* AVX2 shifts */
	[0x48 ... 0x4f] = N,
	[0x50 ... 0x5f] = N,
	[0x60 ... 0x77] = UM,
	[0x78 ... 0x79] = N,		/* AVX2 broadcasts */
	[0x7a ... 0x7f] = UM,
	[0x80 ... 0x81] = UM,		/* INVEPT, INVVPID: no VMX */
	[0x82] = GP(pfx_38_82),
	[0x83 ... 0x8b] = UM,
	[0x8c] = GP(vpmaskmov_load),
	[0x8d] = UM,
	[0x8e] = GP(vpmaskmov_store),
	[0x8f] = UM,
	[0x90 ... 0x9f] = N,		/* gathers, FMA */
	[0xa0 ... 0xaf] = N,
	[0xb0 ... 0xbf] = N,
	[0xc0 ... 0xc7] = UM,
	[0xc8 ... 0xcf] = N,		/* SHA, GFNI */
	[0xd0 ... 0xda] = UM,
	[0xdb ... 0xdf] = N,		/* AES */
	[0xe0 ... 0xef] = UM,
	[0xf0] = GP(pfx_38_f0),
	[0xf1] = GP(pfx_38_f1),
	[0xf2 ... 0xf5] = N,		/* BMI1, BMI2 */
	[0xf6] = GP(pfx_38_f6),
	[0xf7] = N,
	[0xf8 ... 0xf9] = N,		/* MOVDIR64B, MOVDIRI */
	[0xfa ... 0xff] = UM,
};
