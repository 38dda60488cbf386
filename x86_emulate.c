// SPDX-License-Identifier: GPL-2.0
/*
 * The emulator's entry: decode through a cache, check, load operands, execute, commit.
 *
 * An instruction runs in four steps.  Decoding finds its row (emulate/tables.c).  Checks
 * that the row's flags ask for come next.  The common path then reads the operands, calls
 * the row's handler, which computes into ctxt->dst, and writes the result.  Only when all
 * that went well are rip and rflags moved on, so a fault anywhere leaves no trace.
 * Handlers that do more than compute keep the same order: whatever can fail first.
 *
 * The caller's registers are trusted, the guest's bytes and memory are not.
 * Read next: emulate/emulate.h, emulate/tables.c, then the handlers by their nature.
 */
#include "emulate/emulate.h"

/* ------------------------------------------------------------------------
 * What the guest's processor is
 */

/* Words of ctxt->features, and where CPUID gives them. */
enum { F_1D, F_1C, F_7B, F_7C, F_X1C, F_X1D, F_X21A };

static const struct { u32 leaf; u8 reg; } feature_words[X86_FEATURE_WORDS] = {
	[F_1D] = { 1, 3 }, [F_1C] = { 1, 2 }, [F_7B] = { 7, 1 }, [F_7C] = { 7, 2 },
	[F_X1C] = { 0x80000001, 2 }, [F_X1D] = { 0x80000001, 3 }, [F_X21A] = { 0x80000021, 0 },
};

static const struct { u8 word, bit; } feature_bits[FEAT_NR] = {
	[FEAT_VME] = { F_1D, 1 }, [FEAT_DE] = { F_1D, 2 }, [FEAT_PSE] = { F_1D, 3 },
	[FEAT_TSC] = { F_1D, 4 }, [FEAT_MSR] = { F_1D, 5 }, [FEAT_PAE] = { F_1D, 6 },
	[FEAT_MCE] = { F_1D, 7 }, [FEAT_CX8] = { F_1D, 8 }, [FEAT_SEP] = { F_1D, 11 },
	[FEAT_PGE] = { F_1D, 13 }, [FEAT_CMOV] = { F_1D, 15 }, [FEAT_CLFSH] = { F_1D, 19 },
	[FEAT_MMX] = { F_1D, 23 }, [FEAT_FXSR] = { F_1D, 24 }, [FEAT_SSE] = { F_1D, 25 },
	[FEAT_SSE2] = { F_1D, 26 },
	[FEAT_SSE3] = { F_1C, 0 }, [FEAT_CX16] = { F_1C, 13 },
	[FEAT_PCID] = { F_1C, 17 }, [FEAT_SSE41] = { F_1C, 19 }, [FEAT_SSE42] = { F_1C, 20 },
	[FEAT_MOVBE] = { F_1C, 22 }, [FEAT_POPCNT] = { F_1C, 23 }, [FEAT_XSAVE] = { F_1C, 26 },
	[FEAT_AVX] = { F_1C, 28 }, [FEAT_RDRAND] = { F_1C, 30 },
	[FEAT_FSGSBASE] = { F_7B, 0 }, [FEAT_BMI1] = { F_7B, 3 }, [FEAT_AVX2] = { F_7B, 5 },
	[FEAT_SMEP] = { F_7B, 7 }, [FEAT_INVPCID] = { F_7B, 10 }, [FEAT_RDSEED] = { F_7B, 18 },
	[FEAT_ADX] = { F_7B, 19 }, [FEAT_SMAP] = { F_7B, 20 },
	[FEAT_CLFLUSHOPT] = { F_7B, 23 }, [FEAT_CLWB] = { F_7B, 24 },
	[FEAT_UMIP] = { F_7C, 2 }, [FEAT_PKU] = { F_7C, 3 }, [FEAT_LA57] = { F_7C, 16 },
	[FEAT_RDPID] = { F_7C, 22 },
	[FEAT_LAHF] = { F_X1C, 0 }, [FEAT_CR8_LEGACY] = { F_X1C, 4 },
	[FEAT_LZCNT] = { F_X1C, 5 }, [FEAT_3DNOWPREFETCH] = { F_X1C, 8 },
	[FEAT_SYSCALL] = { F_X1D, 11 }, [FEAT_NX] = { F_X1D, 20 }, [FEAT_RDTSCP] = { F_X1D, 27 },
	[FEAT_LM] = { F_X1D, 29 },
	[FEAT_NULL_CLEARS] = { F_X21A, 6 },
};

void x86_emulate_set_cpuid(struct x86_emulate_ctxt *c)
{
	u32 basic[4], extended[4], regs[4];
	unsigned int i;

	c->ops->cpuid(c, 0, 0, basic);
	c->ops->cpuid(c, 0x80000000, 0, extended);
	/* "AuthenticAMD" and "HygonGenuine", by their first four letters */
	c->vendor = basic[1] == 0x68747541 || basic[1] == 0x6f677948 ?
			X86_VENDOR_AMD_LIKE : X86_VENDOR_INTEL_LIKE;

	for (i = 0; i < X86_FEATURE_WORDS; i++) {
		u32 leaf = feature_words[i].leaf;

		c->features[i] = 0;
		if (leaf > (leaf >> 31 ? extended[0] : basic[0]))
			continue;
		c->ops->cpuid(c, leaf, 0, regs);
		c->features[i] = regs[feature_words[i].reg];
	}
	/* Decoding depends on the vendor. */
	for (i = 0; i < X86_DECODE_CACHE; i++)
		c->cache[i].len = 0;
	c->cpuid_valid = true;
}

bool emul_has(struct x86_emulate_ctxt *c, enum emul_feature feature)
{
	if (feature == FEAT_none)
		return true;
	return c->features[feature_bits[feature].word] & (1u << feature_bits[feature].bit);
}

/* ------------------------------------------------------------------------
 * Faults and system registers
 */

static int raise(struct x86_emulate_ctxt *c, u8 vector, bool has_error, u32 error,
		 u64 address)
{
	c->fault.vector = vector;
	/* Real mode knows no error codes. */
	c->fault.has_error = has_error && c->mode != X86_MODE_REAL;
	c->fault.error = error | (has_error && vector != EXC_PF && c->ext ? 1 : 0);
	c->fault.address = address;
	return X86_FAULT;
}

int x86_emulate_fault(struct x86_emulate_ctxt *c, u8 vector)
{
	return raise(c, vector, false, 0, 0);
}

int x86_emulate_fault_error(struct x86_emulate_ctxt *c, u8 vector, u32 error)
{
	return raise(c, vector, true, error, 0);
}

int x86_emulate_page_fault(struct x86_emulate_ctxt *c, u64 la, u32 error)
{
	return raise(c, EXC_PF, true, error, la);
}

/* A register other than an MSR: reading those cannot fail. */
u64 emul_sysreg(struct x86_emulate_ctxt *c, u64 reg)
{
	u64 val = 0;

	c->ops->get_reg(c, reg, &val);
	return val;
}

int emul_get_msr(struct x86_emulate_ctxt *c, u32 index, u64 *val)
{
	int r = c->ops->get_reg(c, X86_REG_MSR | index, val);

	return r == X86_FAULT ? emul_gp(c) : r;
}

int emul_set_sysreg(struct x86_emulate_ctxt *c, u64 reg, u64 val)
{
	int r = c->ops->set_reg(c, reg, val);

	return r == X86_FAULT ? emul_gp(c) : r;
}

static enum x86_mode protected_mode(struct x86_emulate_ctxt *c)
{
	const struct x86_seg *cs = emul_seg(c, X86_CS);

	if ((cs->ar & X86_AR_L) && (emul_sysreg(c, X86_REG_EFER) & EFER_LMA_BIT))
		return X86_MODE_LONG64;
	return cs->ar & X86_AR_DB ? X86_MODE_PROT32 : X86_MODE_PROT16;
}

/* A caller's segments may be newer than those cached from the last instruction. */
void x86_emulate_set_mode(struct x86_emulate_ctxt *c)
{
	c->segs_valid = 0;
	emul_update_mode(c);
}

void emul_update_mode(struct x86_emulate_ctxt *c)
{
	u8 mode = c->mode, cpl = c->cpl;

	if (!(emul_sysreg(c, X86_REG_CR0) & X86_CR0_PE)) {
		c->mode = X86_MODE_REAL;
		c->cpl = 0;
	} else if (c->rflags & X86_EFLAGS_VM) {
		c->mode = X86_MODE_VM86;
		c->cpl = 3;
	} else {
		c->mode = protected_mode(c);
		c->cpl = (emul_seg(c, X86_SS)->ar & X86_AR_DPL) >> X86_AR_DPL_SHIFT;
	}
	if (c->mode != mode || c->cpl != cpl)
		c->changed |= X86_CHG_MODE;
}

/* Forget what is left of the last instruction. */
void emul_begin(struct x86_emulate_ctxt *c)
{
	if (unlikely(!c->cpuid_valid))
		x86_emulate_set_cpuid(c);
	c->segs_valid = 0;
	c->insn = NULL;
	c->fetched = 0;
	c->changed = 0;
	c->int_shadow = 0;
	c->trap_db = 0;
	c->no_trap = false;
	c->keep_rf = false;
	c->ext = false;
	c->next_rflags = c->rflags;
	c->next_rip = c->rip;
}

/* ------------------------------------------------------------------------
 * Decoding, through the cache
 */

/* Are these the bytes that @insn was decoded from?  Both buffers are 16 bytes. */
static bool same_bytes(const u8 *a, const u8 *b, unsigned int len)
{
	u64 x[2], y[2];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	if (len < 8)
		return !((x[0] ^ y[0]) & emul_mask(len));
	return x[0] == y[0] && !((x[1] ^ y[1]) & (emul_mask(len - 8) * (len > 8)));
}

/* 1: @insn is still what memory holds; 0: it is not; negative: -result of a fetch. */
static int still_same(struct x86_emulate_ctxt *c, const struct x86_insn *insn, u64 linear)
{
	int r;

	while (c->fetched < insn->len) {
		/* A difference decides before a second page is touched. */
		if (!same_bytes(insn->bytes, c->fetch, c->fetched))
			return 0;
		r = emul_fetch_more(c, linear);
		if (r != X86_OK)
			return -r;
	}
	return same_bytes(insn->bytes, c->fetch, insn->len);
}

static inline int cache_hit(struct x86_emulate_ctxt *c, const struct x86_insn *insn,
			    u64 linear)
{
	if (insn->linear != linear || insn->mode != c->mode || !insn->len)
		return 0;
	return still_same(c, insn, linear);
}

static inline int decode_anew(struct x86_emulate_ctxt *c, struct x86_insn *insn, u64 linear)
{
	int r;

	r = emul_decode(c, insn, linear);
	if (r != X86_OK) {
		insn->len = 0;
		return r;
	}
	memcpy(insn->bytes, c->fetch, sizeof(insn->bytes));
	c->insn = insn;
	return X86_OK;
}

/* All that an instruction may have, in one page of 64-bit code. */
static inline int fetch_whole(struct x86_emulate_ctxt *c, u64 linear)
{
	int r = c->ops->read(c, linear, c->fetch, X86_INSN_MAX,
			     X86_ACC_FETCH | emul_rights(c));

	if (r == X86_OK)
		c->fetched = X86_INSN_MAX;
	return r;
}

/* The first bytes: the caller's, or as many as one read gives. */
static __always_inline int fetch_first(struct x86_emulate_ctxt *c, u64 linear, const u8 *bytes,
		       unsigned int n)
{
	if (!n && emul_long64(c) && emul_canonical_far(linear) &&
	    (linear & 4095) <= 4096 - X86_INSN_MAX)
		return fetch_whole(c, linear);
	if (!n)
		return emul_fetch_more(c, linear);
	if (n > X86_INSN_MAX)
		n = X86_INSN_MAX;
	if (!emul_long64(c)) {
		u64 limit = emul_seg(c, X86_CS)->limit;

		if (c->rip > limit)
			return emul_gp(c);
		if (n > limit - c->rip + 1)
			n = limit - c->rip + 1;
	}
	if (likely(n == X86_INSN_MAX))
		memcpy(c->fetch, bytes, X86_INSN_MAX);
	else
		memcpy(c->fetch, bytes, n);
	c->fetched = n;
	return X86_OK;
}

static __always_inline int decode(struct x86_emulate_ctxt *c, const u8 *bytes,
				  unsigned int n)
{
	struct x86_insn *insn;
	u64 linear = c->rip;
	int r;

	emul_begin(c);
	if (!emul_long64(c))
		linear = (u32)(linear + emul_seg(c, X86_CS)->base);

	r = fetch_first(c, linear, bytes, n);
	if (r != X86_OK)
		return r;
	insn = &c->cache[(linear ^ linear >> 3) & (X86_DECODE_CACHE - 1)];
	r = cache_hit(c, insn, linear);
	if (r < 0)
		return -r;
	if (!r)
		return decode_anew(c, insn, linear);
	c->insn = insn;
	return X86_OK;
}

int x86_emulate_decode(struct x86_emulate_ctxt *c, const u8 *bytes, unsigned int n)
{
	return decode(c, bytes, n);
}

unsigned int x86_insn_length(struct x86_emulate_ctxt *c, const u8 *bytes, unsigned int n)
{
	return x86_emulate_decode(c, bytes, n) == X86_OK ? c->insn->len : 0;
}

/* ------------------------------------------------------------------------
 * Checks that need the machine's state
 */

static int check_x87(struct x86_emulate_ctxt *c)
{
	if (emul_sysreg(c, X86_REG_CR0) & (X86_CR0_EM | X86_CR0_TS))
		return x86_emulate_fault(c, EXC_NM);
	return X86_OK;
}

int emul_check_x87_pending(struct x86_emulate_ctxt *c)
{
	u16 sw = 0;
	int r = c->ops->fpu(c, X86_FPU_GET_SW, 0, &sw);

	if (r == X86_OK && (sw & 0x80))
		return x86_emulate_fault(c, EXC_MF);
	return r;
}

static int check_mmx(struct x86_emulate_ctxt *c)
{
	u64 cr0 = emul_sysreg(c, X86_REG_CR0);

	if (cr0 & X86_CR0_EM)
		return emul_ud(c);
	if (cr0 & X86_CR0_TS)
		return x86_emulate_fault(c, EXC_NM);
	return emul_check_x87_pending(c);
}

static int check_vector(struct x86_emulate_ctxt *c)
{
	u64 cr0 = emul_sysreg(c, X86_REG_CR0), cr4 = emul_sysreg(c, X86_REG_CR4);

	if (c->insn->prefixes & PFX_VEX) {
		if (!(cr4 & X86_CR4_OSXSAVE) || (emul_sysreg(c, X86_REG_XCR0) & 6) != 6)
			return emul_ud(c);
	} else if ((cr0 & X86_CR0_EM) || !(cr4 & X86_CR4_OSFXSR)) {
		return emul_ud(c);
	}
	return cr0 & X86_CR0_TS ? x86_emulate_fault(c, EXC_NM) : X86_OK;
}

/* Rows that depend on the machine's state; those with a VEX form are of VECSTATE. */
#define CHECKED_ROWS	(VECSTATE | MMXSTATE | X87STATE | PRIV)

/* In the order of priority: #UD, #NM, #MF, then #GP by privilege. */
static int check_state(struct x86_emulate_ctxt *c, const struct x86_opcode *row)
{
	u8 feature = row->feature;
	int r = X86_OK;

	if ((c->insn->prefixes & PFX_VEX) && !(row->flags & VEXONLY))
		feature = FEAT_AVX;
	if (!emul_has(c, feature))
		return emul_ud(c);
	if (row->flags & VECSTATE)
		r = check_vector(c);
	if (r == X86_OK && (row->flags & MMXSTATE))
		r = check_mmx(c);
	if (r == X86_OK && (row->flags & X87STATE))
		r = check_x87(c);
	if (r == X86_OK && (row->flags & PRIV) && c->cpl)
		r = emul_gp(c);
	return r;
}

/* ------------------------------------------------------------------------
 * Operands
 */

static inline u64 effective_address(const struct x86_emulate_ctxt *c)
{
	const struct x86_insn *insn = c->insn;
	u64 ea = (u64)insn->disp;

	if (insn->base == EMUL_RIP)
		ea += c->rip + insn->len;
	else if (insn->base != EMUL_NONE)
		ea += c->regs[insn->base & 15];
	if (insn->index != EMUL_NONE)
		ea += c->regs[insn->index & 15] << insn->scale;
	return ea & emul_low_mask(insn->addr_bytes);
}

u64 emul_effective_address(const struct x86_emulate_ctxt *c)
{
	return effective_address(c);
}

/*
 * BT and its kin with a register: the bit may lie outside the operand, by as many
 * operand-sized words as the signed bit offset says.
 */
static void apply_bit_offset(struct x86_emulate_ctxt *c, struct x86_operand *dst)
{
	unsigned int bytes = dst->bytes;
	s64 offset = (s64)emul_sext(c->src.val, bytes) >> 3;

	dst->ea += (u64)offset & ~(u64)(bytes - 1);
	dst->ea &= emul_mask(c->insn->addr_bytes);
}

/* Check a memory operand and read it unless the row says that it is only written. */
static int load_checked(struct x86_emulate_ctxt *c, struct x86_operand *op, bool is_dst)
{
	u32 flags = c->insn->row->flags;
	unsigned int acc = is_dst && !(flags & NOWB) ? X86_ACC_WRITE : 0;
	int r;

	if (!op->bytes || (flags & NOLOCAL))
		return X86_OK;
	if (is_dst && (flags & BITOP))
		apply_bit_offset(c, op);
	op->la = op->ea;
	if ((flags & ALIGNED) || !emul_flat(c, op->seg, op->ea)) {
		r = emul_linear(c, op->seg, op->ea, op->bytes,
				acc | (flags & ALIGNED ? EMUL_ACC_ALIGN : 0), &op->la);
		if (r != X86_OK)
			return r;
	}
	if (is_dst && (flags & NOREAD))
		return X86_OK;
	return emul_read_linear(c, op->la, op->vec, op->bytes, acc);
}

/* The same; at once for what a MOV writes where nothing is to be checked. */
static __always_inline int load_memory(struct x86_emulate_ctxt *c, struct x86_operand *op, u64 ea,
			      bool is_dst)
{
	const u32 special = NOREAD | NOWB | NOLOCAL | BITOP | ALIGNED;
	const struct x86_insn *insn = c->insn;

	op->kind = KIND_MEM;
	op->seg = insn->seg;
	op->ea = op->la = ea;
	if (is_dst && (insn->row->flags & special) == NOREAD && emul_flat(c, insn->seg, ea))
		return X86_OK;
	return load_checked(c, op, is_dst);
}

static __always_inline int load_register(struct x86_emulate_ctxt *c, struct x86_operand *op, u8 reg)
{
	op->kind = KIND_REG;
	op->reg = reg;
	if (op->bytes == 1 && !c->insn->rex && reg >= 4) {
		op->kind = KIND_HIGH;
		op->reg = reg - 4;
		op->val = (c->regs[op->reg & 15] >> 8) & 0xff;
	} else {
		op->val = emul_reg(c, reg, op->bytes);
	}
	return X86_OK;
}

static int load_vector(struct x86_emulate_ctxt *c, struct x86_operand *op, u8 reg)
{
	op->kind = KIND_VEC;
	op->reg = reg;
	return c->ops->fpu(c, X86_FPU_READ_VEC, reg, op->vec);
}

static int load_mmx(struct x86_emulate_ctxt *c, struct x86_operand *op, u8 reg)
{
	op->kind = KIND_MM;
	op->reg = reg & 7;
	return c->ops->fpu(c, X86_FPU_READ_MM, op->reg, op->vec);
}

/* An operand that is neither a register nor memory by ModRM. */
static int load_other(struct x86_emulate_ctxt *c, struct x86_operand *op,
		      const struct emul_operand_spec *spec, bool is_dst)
{
	const struct x86_insn *insn = c->insn;

	switch (spec->from) {
	case FROM_RM:
	case FROM_RM_ONLY:
	case FROM_RM_REG:
		return load_register(c, op, insn->rm);
	case FROM_MEM:
		return load_memory(c, op, effective_address(c), is_dst);
	case FROM_OPCODE:
		return load_register(c, op, (insn->opcode & 7) | (insn->rex & REX_B ? 8 : 0));
	case FROM_FIXED:
		return load_register(c, op, spec->reg);
	case FROM_ONE:
		op->val = 1;
		break;
	case FROM_IMM:
	case FROM_REL:
	case FROM_FAR:
		op->val = insn->imm;
		break;
	case FROM_IMM2:
		op->val = insn->imm2;
		break;
	case FROM_MOFFS:
		return load_memory(c, op, (u64)insn->disp, is_dst);
	case FROM_VRM:
	case FROM_VRM_ONLY:
		if (insn->mod != 3)
			return load_memory(c, op, effective_address(c), is_dst);
		return load_vector(c, op, insn->rm);
	case FROM_VREG:
		return load_vector(c, op, insn->reg);
	case FROM_MRM:
	case FROM_MRM_ONLY:
		if (insn->mod != 3)
			return load_memory(c, op, effective_address(c), is_dst);
		return load_mmx(c, op, insn->rm);
	case FROM_MREG:
		return load_mmx(c, op, insn->reg);
	}
	return X86_OK;
}

/* Fill in @op as @opspec says.  The value of a register is always there. */
static __always_inline int load_operand(struct x86_emulate_ctxt *c, struct x86_operand *op, u8 opspec,
			       bool is_dst)
{
	const struct emul_operand_spec *spec = &emul_operand_specs[opspec];
	const struct x86_insn *insn = c->insn;

	op->bytes = emul_width(insn, spec->width);
	if (likely(spec->from == FROM_REG))
		return load_register(c, op, insn->reg);
	op->kind = KIND_NONE;
	op->val = 0;
	if (!opspec)
		return X86_OK;
	if (likely(spec->from == FROM_RM && insn->mod != 3))
		return load_memory(c, op, effective_address(c), is_dst);
	return load_other(c, op, spec, is_dst);
}

/* The destination comes last: its address may depend on a source (BT). */
static int load_operands(struct x86_emulate_ctxt *c, const struct x86_opcode *row)
{
	int r = load_operand(c, &c->src, row->src, false);

	if (r == X86_OK && row->src2)
		r = load_operand(c, &c->src2, row->src2, false);
	if (r == X86_OK)
		r = load_operand(c, &c->dst, row->dst, true);
	c->dst_old = c->dst.val;
	return r;
}

static int store_vector(struct x86_emulate_ctxt *c, struct x86_operand *op)
{
	if (!c->insn->vex_len)
		return c->ops->fpu(c, X86_FPU_WRITE_XMM, op->reg, op->vec);
	if (op->bytes <= 16)
		op->vec[2] = op->vec[3] = 0;
	return c->ops->fpu(c, X86_FPU_WRITE_YMM, op->reg, op->vec);
}

static inline int store_memory(struct x86_emulate_ctxt *c, struct x86_operand *op)
{
	const struct x86_insn *insn = c->insn;

	if (unlikely((insn->prefixes & PFX_LOCK) || (insn->row->flags & ATOMIC)))
		return emul_cmpxchg_linear(c, op->la, &c->dst_old, op->vec, op->bytes);
	if (likely(emul_long64(c)))
		return c->ops->write(c, op->la, op->vec, op->bytes,
				     X86_ACC_WRITE | emul_rights(c));
	return emul_write_linear(c, op->la, op->vec, op->bytes);
}

static int store_operand(struct x86_emulate_ctxt *c, struct x86_operand *op)
{
	switch (op->kind) {
	case KIND_REG:
		emul_set_reg(c, op->reg, op->bytes, op->val);
		break;
	case KIND_HIGH:
		c->regs[op->reg & 15] = (c->regs[op->reg & 15] & ~0xff00ull) |
					(op->val & 0xff) << 8;
		break;
	case KIND_MEM:
		return store_memory(c, op);
	case KIND_VEC:
		return store_vector(c, op);
	case KIND_MM:
		return c->ops->fpu(c, X86_FPU_WRITE_MM, op->reg, op->vec);
	}
	return X86_OK;
}

/* ------------------------------------------------------------------------
 * Execution
 */


/* The instruction is done: its flags and its successor become the guest's. */
static inline void commit(struct x86_emulate_ctxt *c)
{
	if ((c->rflags & X86_EFLAGS_TF) && !c->no_trap &&
	    !(c->int_shadow & X86_SHADOW_MOV_SS))
		c->trap_db |= X86_TRAP_BS;
	c->rip = c->next_rip;
	c->rflags = c->next_rflags;
	if (!c->keep_rf)
		c->rflags &= ~X86_EFLAGS_RF;
	c->changed |= X86_CHG_REGS;
}

void emul_commit(struct x86_emulate_ctxt *c)
{
	commit(c);
}

/* Memory first, since it can fail; the destination last, since it wins over the source. */
static inline int store_results(struct x86_emulate_ctxt *c, const struct x86_opcode *row)
{
	bool memory = c->dst.kind == KIND_MEM;
	int r = X86_OK;

	if (likely(!(row->flags & (NOWB | WBSRC | MMXSTATE))))
		return memory ? store_memory(c, &c->dst) : store_operand(c, &c->dst);
	if (memory && !(row->flags & NOWB))
		r = store_operand(c, &c->dst);
	if (r == X86_OK && (row->flags & WBSRC))
		r = store_operand(c, &c->src);
	if (r == X86_OK && !memory && !(row->flags & NOWB))
		r = store_operand(c, &c->dst);
	if (r == X86_OK && (row->flags & MMXSTATE))
		r = c->ops->fpu(c, X86_FPU_ENTER_MMX, 0, NULL);
	return r;
}

static __always_inline int execute(struct x86_emulate_ctxt *c)
{
	const struct x86_opcode *row = c->insn->row;
	int r;

	c->next_rflags = c->rflags;
	c->next_rip = c->rip + c->insn->len;
	if (!emul_long64(c))
		c->next_rip = (u32)c->next_rip;

	r = X86_OK;
	if ((row->flags & CHECKED_ROWS) || row->feature)
		r = check_state(c, row);
	if (r == X86_OK)
		r = load_operands(c, row);
	if (r == X86_OK)
		r = row->exec(c);
	if (r == X86_OK)
		r = store_results(c, row);
	if (r == X86_OK)
		commit(c);
	return r;
}

int x86_emulate_execute(struct x86_emulate_ctxt *c)
{
	return execute(c);
}

int x86_emulate(struct x86_emulate_ctxt *c, const u8 *bytes, unsigned int n)
{
	int r = decode(c, bytes, n);

	return r == X86_OK ? execute(c) : r;
}
