// SPDX-License-Identifier: GPL-2.0
/*
 * Integer arithmetic, logic, shifts, bit operations, multiplication and data movement.
 *
 * Results and flags of the common operation classes come from the host processor's own
 * instruction, run on the operands with the guest's arithmetic flags: nothing to get
 * wrong, and flags that the architecture leaves alone or undefined behave as on the
 * processor.  What could fault on the host (DIV) or needs a newer host (ADCX, LZCNT)
 * is computed in C.
 *
 * Operands were loaded, and results are stored, by ../x86_emulate.c.
 */
#include "emulate.h"

/* ------------------------------------------------------------------------
 * The host's instruction, with the guest's flags
 */

/* Arithmetic flags as LAHF and SETO leave them in AX. */
static inline u16 flags_to_ax(u64 rflags)
{
	return (rflags & 0xd5) << 8 | ((rflags >> X86_EFLAGS_OF_BIT) & 1);
}

static inline u64 flags_from_ax(u64 rflags, u16 ax)
{
	return (rflags & ~EMUL_FL_ARITH) | (ax >> 8 & 0xd5) |
	       (u64)(ax & 1) << X86_EFLAGS_OF_BIT;
}

/* 1 + 0x7f overflows and 0 + 0x7f does not, so this sets OF; SAHF sets the others. */
#define LOAD_FLAGS	"addb $0x7f, %%al\n\tsahf\n\t"
#define SAVE_FLAGS	"\n\tlahf\n\tseto %%al"

#define HOST_OP1(name, suffix, mod)					\
	asm(LOAD_FLAGS name suffix " %" mod "1" SAVE_FLAGS		\
	    : "+a" (ax), "+r" (c->dst.val) : : "cc")
#define HOST_OP2(name, suffix, mod)					\
	asm(LOAD_FLAGS name suffix " %" mod "2, %" mod "1" SAVE_FLAGS	\
	    : "+a" (ax), "+r" (c->dst.val) : "r" (c->src.val) : "cc")
#define HOST_SHIFT(name, suffix, mod)					\
	asm(LOAD_FLAGS name suffix " %%cl, %" mod "1" SAVE_FLAGS	\
	    : "+a" (ax), "+r" (c->dst.val) : "c" (c->src.val) : "cc")
#define HOST_SHIFT2(name, suffix, mod)					\
	asm(LOAD_FLAGS name suffix " %%cl, %" mod "2, %" mod "1" SAVE_FLAGS	\
	    : "+a" (ax), "+r" (c->dst.val)				\
	    : "r" (c->src.val), "c" (c->src2.val) : "cc")

/* One asm per operand size. */
#define BY_SIZE(host_op, name)						\
	do {								\
		u16 ax = flags_to_ax(c->rflags);			\
									\
		switch (c->dst.bytes) {					\
		case 1:							\
			host_op(name, "b", "b");			\
			break;						\
		WORD_SIZES(host_op, name)				\
		}							\
		c->next_rflags = flags_from_ax(c->rflags, ax);		\
	} while (0)

#define WORD_SIZES(host_op, name)					\
		case 2:							\
			host_op(name, "w", "w");			\
			break;						\
		case 4:							\
			host_op(name, "l", "k");			\
			break;						\
		default:						\
			host_op(name, "q", "q");			\
			break;

/* Instructions without a byte form. */
#define BY_WORD_SIZE(host_op, name)					\
	do {								\
		u16 ax = flags_to_ax(c->rflags);			\
									\
		switch (c->dst.bytes) {					\
		WORD_SIZES(host_op, name)				\
		}							\
		c->next_rflags = flags_from_ax(c->rflags, ax);		\
	} while (0)

#define DEFINE_OP(name, by_size, host_op)				\
int emul_##name(struct x86_emulate_ctxt *c)				\
{									\
	by_size(host_op, #name);					\
	return X86_OK;							\
}

DEFINE_OP(add, BY_SIZE, HOST_OP2)
DEFINE_OP(or, BY_SIZE, HOST_OP2)
DEFINE_OP(adc, BY_SIZE, HOST_OP2)
DEFINE_OP(sbb, BY_SIZE, HOST_OP2)
DEFINE_OP(and, BY_SIZE, HOST_OP2)
DEFINE_OP(sub, BY_SIZE, HOST_OP2)
DEFINE_OP(xor, BY_SIZE, HOST_OP2)
DEFINE_OP(cmp, BY_SIZE, HOST_OP2)
DEFINE_OP(test, BY_SIZE, HOST_OP2)
DEFINE_OP(inc, BY_SIZE, HOST_OP1)
DEFINE_OP(dec, BY_SIZE, HOST_OP1)
DEFINE_OP(neg, BY_SIZE, HOST_OP1)
DEFINE_OP(not, BY_SIZE, HOST_OP1)
/* The host masks the count as the guest's processor does; a count of 0 is no operation. */
DEFINE_OP(rol, BY_SIZE, HOST_SHIFT)
DEFINE_OP(ror, BY_SIZE, HOST_SHIFT)
DEFINE_OP(rcl, BY_SIZE, HOST_SHIFT)
DEFINE_OP(rcr, BY_SIZE, HOST_SHIFT)
DEFINE_OP(shl, BY_SIZE, HOST_SHIFT)
DEFINE_OP(shr, BY_SIZE, HOST_SHIFT)
DEFINE_OP(sar, BY_SIZE, HOST_SHIFT)
DEFINE_OP(shld, BY_WORD_SIZE, HOST_SHIFT2)
DEFINE_OP(shrd, BY_WORD_SIZE, HOST_SHIFT2)
DEFINE_OP(bt, BY_WORD_SIZE, HOST_OP2)
DEFINE_OP(bts, BY_WORD_SIZE, HOST_OP2)
DEFINE_OP(btr, BY_WORD_SIZE, HOST_OP2)
DEFINE_OP(btc, BY_WORD_SIZE, HOST_OP2)

void emul_compare(struct x86_emulate_ctxt *c, u64 dst, u64 src, unsigned int bytes)
{
	c->dst.val = dst;
	c->dst.bytes = bytes;
	c->src.val = src;
	emul_cmp(c);
}

/* ------------------------------------------------------------------------
 * Exchange and compare
 */

int emul_xchg(struct x86_emulate_ctxt *c)
{
	u64 val = c->dst.val;

	c->dst.val = c->src.val;
	c->src.val = val;
	return X86_OK;
}

/* 90 is XCHG rAX with itself, and yet no operation: not even on the upper half. */
int emul_nop_xchg(struct x86_emulate_ctxt *c)
{
	if (c->insn->rex & REX_B)
		return emul_xchg(c);
	c->dst.kind = KIND_NONE;
	c->src.kind = KIND_NONE;
	return X86_OK;
}

int emul_xadd(struct x86_emulate_ctxt *c)
{
	u64 old = c->dst.val;

	emul_add(c);
	c->src.val = old;
	return X86_OK;
}

/* Memory is written either way; a register if equal, the accumulator if not. */
int emul_cmpxchg(struct x86_emulate_ctxt *c)
{
	unsigned int bytes = c->dst.bytes;
	u64 old = c->dst.val, new = c->src.val;

	emul_compare(c, emul_reg(c, X86_RAX, bytes), old, bytes);
	if (c->next_rflags & X86_EFLAGS_ZF) {
		c->dst.val = new;
		c->src.kind = KIND_NONE;
	} else {
		c->dst.val = old;
		if (c->dst.kind != KIND_MEM)
			c->dst.kind = KIND_NONE;
		c->src.kind = KIND_REG;
		c->src.reg = X86_RAX;
		c->src.val = old;
	}
	return X86_OK;
}

/* CMPXCHG8B and 16B: a pair of registers of @half bytes each against memory at @la. */
static int cmpxchg_pair(struct x86_emulate_ctxt *c, u64 la, unsigned int half)
{
	u64 old[2] = { 0 }, new[2] = { 0 };
	u8 *old_hi = (u8 *)old + half, *new_hi = (u8 *)new + half;
	u64 lo = 0, hi = 0;
	bool equal;
	int r;

	r = emul_read_linear(c, la, old, 2 * half, X86_ACC_WRITE);
	if (r != X86_OK)
		return r;
	memcpy(&lo, old, half);
	memcpy(&hi, old_hi, half);
	equal = lo == emul_reg(c, X86_RAX, half) && hi == emul_reg(c, X86_RDX, half);
	memcpy(new, equal ? (void *)&c->regs[X86_RBX] : (void *)&lo, half);
	memcpy(new_hi, equal ? (void *)&c->regs[X86_RCX] : (void *)&hi, half);

	if (c->insn->prefixes & PFX_LOCK)
		r = emul_cmpxchg_linear(c, la, old, new, 2 * half);
	else
		r = emul_write_linear(c, la, new, 2 * half);
	if (r != X86_OK)
		return r;
	if (!equal) {
		emul_set_reg(c, X86_RAX, half, lo);
		emul_set_reg(c, X86_RDX, half, hi);
	}
	emul_flag(c, X86_EFLAGS_ZF, equal);
	return X86_OK;
}

int emul_cmpxchg8b(struct x86_emulate_ctxt *c)
{
	unsigned int half = c->insn->rex & REX_W ? 8 : 4;
	u64 la;
	int r;

	if (!emul_has(c, half == 8 ? FEAT_CX16 : FEAT_CX8))
		return emul_ud(c);
	r = emul_linear(c, c->src.seg, c->src.ea, 2 * half,
			X86_ACC_WRITE | (half == 8 ? EMUL_ACC_ALIGN : 0), &la);
	return r == X86_OK ? cmpxchg_pair(c, la, half) : r;
}

/* ------------------------------------------------------------------------
 * Data movement
 */

int emul_mov(struct x86_emulate_ctxt *c)
{
	c->dst.val = c->src.val;
	return X86_OK;
}

int emul_movsx(struct x86_emulate_ctxt *c)
{
	c->dst.val = emul_sext(c->src.val, c->src.bytes);
	return X86_OK;
}

int emul_lea(struct x86_emulate_ctxt *c)
{
	c->dst.val = c->src.ea;
	return X86_OK;
}

int emul_cmov(struct x86_emulate_ctxt *c)
{
	if (emul_condition(c->rflags, c->insn->opcode))
		c->dst.val = c->src.val;
	return X86_OK;
}

int emul_setcc(struct x86_emulate_ctxt *c)
{
	c->dst.val = emul_condition(c->rflags, c->insn->opcode);
	return X86_OK;
}

static u64 byte_swap(u64 val, unsigned int bytes)
{
	switch (bytes) {
	case 2:
		return (u16)(val << 8 | (val >> 8 & 0xff));
	case 4:
		return __builtin_bswap32((u32)val);
	}
	return __builtin_bswap64(val);
}

int emul_movbe(struct x86_emulate_ctxt *c)
{
	c->dst.val = byte_swap(c->src.val, c->src.bytes);
	return X86_OK;
}

/* BSWAP of a 16-bit register is undefined; processors clear it. */
int emul_bswap(struct x86_emulate_ctxt *c)
{
	c->dst.val = c->dst.bytes == 2 ? 0 : byte_swap(c->dst.val, c->dst.bytes);
	return X86_OK;
}

/* CBW, CWDE, CDQE */
int emul_cbw(struct x86_emulate_ctxt *c)
{
	c->dst.val = emul_sext(c->dst.val, c->dst.bytes / 2);
	return X86_OK;
}

/* CWD, CDQ, CQO */
int emul_cwd(struct x86_emulate_ctxt *c)
{
	unsigned int bytes = c->src.bytes;

	emul_set_reg(c, X86_RDX, bytes, (c->src.val >> (bytes * 8 - 1)) & 1 ? ~0ull : 0);
	return X86_OK;
}

int emul_xlat(struct x86_emulate_ctxt *c)
{
	const struct x86_insn *insn = c->insn;
	unsigned int sreg = insn->seg_override == EMUL_NONE ? X86_DS : insn->seg_override;
	u64 ea = c->regs[X86_RBX] + (u8)c->regs[X86_RAX];

	c->dst.val = 0;
	return emul_read(c, sreg, ea & emul_mask(insn->addr_bytes), &c->dst.val, 1);
}

int emul_nop(struct x86_emulate_ctxt *c)
{
	return X86_OK;
}

/* ------------------------------------------------------------------------
 * Bit scan and count
 */

static unsigned int lowest_bit(u64 val)
{
	return (unsigned int)__builtin_ctzll(val);
}

static unsigned int highest_bit(u64 val)
{
	return 63 - (unsigned int)__builtin_clzll(val);
}

/* With a source of 0 the whole destination stays as it is, its upper half included. */
static int bit_scan(struct x86_emulate_ctxt *c, bool reverse)
{
	emul_flag(c, X86_EFLAGS_ZF, !c->src.val);
	if (!c->src.val)
		c->dst.kind = KIND_NONE;
	else
		c->dst.val = reverse ? highest_bit(c->src.val) : lowest_bit(c->src.val);
	return X86_OK;
}

int emul_bsf(struct x86_emulate_ctxt *c)
{
	return bit_scan(c, false);
}

int emul_bsr(struct x86_emulate_ctxt *c)
{
	return bit_scan(c, true);
}

static int bit_count(struct x86_emulate_ctxt *c, u64 count)
{
	c->dst.val = count;
	emul_flag(c, X86_EFLAGS_CF, !c->src.val);
	emul_flag(c, X86_EFLAGS_ZF, !count);
	return X86_OK;
}

/* Without the feature the F3 prefix means nothing, and these are BSF and BSR. */
int emul_tzcnt(struct x86_emulate_ctxt *c)
{
	if (!emul_has(c, FEAT_BMI1))
		return bit_scan(c, false);
	return bit_count(c, c->src.val ? lowest_bit(c->src.val) : c->src.bytes * 8);
}

int emul_lzcnt(struct x86_emulate_ctxt *c)
{
	unsigned int bits = c->src.bytes * 8;

	if (!emul_has(c, FEAT_LZCNT))
		return bit_scan(c, true);
	return bit_count(c, c->src.val ? bits - 1 - highest_bit(c->src.val) : bits);
}

int emul_popcnt(struct x86_emulate_ctxt *c)
{
	u64 val = c->src.val;

	for (c->dst.val = 0; val; val &= val - 1)
		c->dst.val++;
	c->next_rflags &= ~EMUL_FL_ARITH;
	emul_flag(c, X86_EFLAGS_ZF, !c->src.val);
	return X86_OK;
}

/* CRC-32C, polynomial 11EDC6F41 in reflected order. */
int emul_crc32(struct x86_emulate_ctxt *c)
{
	u32 crc = (u32)c->dst.val;
	unsigned int i, bit;

	for (i = 0; i < c->src.bytes; i++) {
		crc ^= (u8)(c->src.val >> (8 * i));
		for (bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	c->dst.val = crc;
	return X86_OK;
}

static int add_carry(struct x86_emulate_ctxt *c, u64 flag)
{
	unsigned __int128 sum = (unsigned __int128)c->dst.val + c->src.val +
				!!(c->rflags & flag);

	c->dst.val = (u64)sum;
	emul_flag(c, flag, (sum >> (8 * c->dst.bytes)) & 1);
	return X86_OK;
}

int emul_adcx(struct x86_emulate_ctxt *c)
{
	return add_carry(c, X86_EFLAGS_CF);
}

int emul_adox(struct x86_emulate_ctxt *c)
{
	return add_carry(c, X86_EFLAGS_OF);
}

/* ------------------------------------------------------------------------
 * Multiplication and division
 */

/* CF = OF = @overflow; SF, ZF, AF and PF are undefined, and left alone here. */
static void multiply_flags(struct x86_emulate_ctxt *c, bool overflow)
{
	emul_flag(c, X86_EFLAGS_CF, overflow);
	emul_flag(c, X86_EFLAGS_OF, overflow);
}

/* The double-width accumulator: AX, or rDX:rAX. */
static void set_accumulator(struct x86_emulate_ctxt *c, u64 lo, u64 hi, unsigned int bytes)
{
	if (bytes == 1) {
		emul_set_reg(c, X86_RAX, 2, (lo & 0xff) | hi << 8);
		return;
	}
	emul_set_reg(c, X86_RAX, bytes, lo);
	emul_set_reg(c, X86_RDX, bytes, hi);
}

int emul_mul(struct x86_emulate_ctxt *c)
{
	unsigned int bytes = c->src.bytes;
	unsigned __int128 product = (unsigned __int128)emul_reg(c, X86_RAX, bytes) *
				    c->src.val;
	u64 hi = (u64)(product >> (8 * bytes));

	set_accumulator(c, (u64)product, hi, bytes);
	multiply_flags(c, hi & emul_mask(bytes));
	return X86_OK;
}

/* Multiply signed numbers of @bytes; say whether the product needs more than that. */
static __int128 multiply_signed(struct x86_emulate_ctxt *c, u64 a, u64 b, unsigned int bytes)
{
	__int128 product = (__int128)(s64)emul_sext(a, bytes) * (s64)emul_sext(b, bytes);

	multiply_flags(c, product != (s64)emul_sext((u64)product, bytes));
	return product;
}

int emul_imul1(struct x86_emulate_ctxt *c)
{
	unsigned int bytes = c->src.bytes;
	__int128 product = multiply_signed(c, c->regs[X86_RAX], c->src.val, bytes);

	set_accumulator(c, (u64)product, (u64)(product >> (8 * bytes)), bytes);
	return X86_OK;
}

int emul_imul2(struct x86_emulate_ctxt *c)
{
	c->dst.val = (u64)multiply_signed(c, c->dst.val, c->src.val, c->dst.bytes);
	return X86_OK;
}

int emul_imul(struct x86_emulate_ctxt *c)
{
	c->dst.val = (u64)multiply_signed(c, c->src.val, c->src2.val, c->dst.bytes);
	return X86_OK;
}

/* The accumulator's dividend for a divisor of @bytes. */
static unsigned __int128 dividend(const struct x86_emulate_ctxt *c, unsigned int bytes)
{
	if (bytes == 1)
		return emul_reg(c, X86_RAX, 2);
	return (unsigned __int128)emul_reg(c, X86_RDX, bytes) << (8 * bytes) |
	       emul_reg(c, X86_RAX, bytes);
}

/* @n / @d with a quotient below 2^64, which the caller has made sure of. */
static u64 divide(unsigned __int128 n, u64 d, u64 *remainder)
{
	u64 quotient;

	asm("divq %4" : "=a" (quotient), "=d" (*remainder)
	    : "0" ((u64)n), "1" ((u64)(n >> 64)), "rm" (d) : "cc");
	return quotient;
}

int emul_div(struct x86_emulate_ctxt *c)
{
	unsigned int bytes = c->src.bytes;
	unsigned __int128 n = dividend(c, bytes);
	u64 quotient, remainder;

	/* No divisor, or a quotient that does not fit. */
	if ((u64)(n >> (8 * bytes)) >= c->src.val)
		return x86_emulate_fault(c, EXC_DE);
	quotient = divide(n, c->src.val, &remainder);
	set_accumulator(c, quotient, remainder, bytes);
	return X86_OK;
}

/* By magnitudes: the quotient truncates towards 0, the remainder has the dividend's sign. */
int emul_idiv(struct x86_emulate_ctxt *c)
{
	unsigned int bytes = c->src.bytes, bits = 8 * bytes;
	unsigned __int128 n = dividend(c, bytes);
	u64 d = emul_sext(c->src.val, bytes), quotient, remainder;
	bool n_negative = (n >> (2 * bits - 1)) & 1, d_negative = d >> 63;

	if (n_negative) {
		if (bits < 64)
			n |= ~(unsigned __int128)0 << (2 * bits);
		n = -n;
	}
	d = d_negative ? -d : d;
	if ((u64)(n >> bits) >= d)
		return x86_emulate_fault(c, EXC_DE);
	quotient = divide(n, d, &remainder);
	if (quotient > (1ull << (bits - 1)) - (n_negative == d_negative))
		return x86_emulate_fault(c, EXC_DE);
	set_accumulator(c, n_negative != d_negative ? -quotient : quotient,
			n_negative ? -remainder : remainder, bytes);
	return X86_OK;
}

/* ------------------------------------------------------------------------
 * Decimal and ASCII adjustment
 */

static void result_flags(struct x86_emulate_ctxt *c, u8 al)
{
	emul_flag(c, X86_EFLAGS_ZF, !al);
	emul_flag(c, X86_EFLAGS_SF, al & 0x80);
	emul_flag(c, X86_EFLAGS_PF, !__builtin_parity(al));
}

static int decimal_adjust(struct x86_emulate_ctxt *c, bool subtract)
{
	u8 al = (u8)c->regs[X86_RAX];
	bool af = (al & 0xf) > 9 || (c->rflags & X86_EFLAGS_AF);
	bool cf = al > 0x99 || (c->rflags & X86_EFLAGS_CF);
	u8 adjust = (af ? 6 : 0) + (cf ? 0x60 : 0);

	/* DAS: the borrow out of the low digit's correction is a carry too. */
	if (subtract && af && al < 6)
		emul_flag(c, X86_EFLAGS_CF, true);
	else
		emul_flag(c, X86_EFLAGS_CF, cf);
	emul_flag(c, X86_EFLAGS_AF, af);
	al = subtract ? al - adjust : al + adjust;
	emul_set_reg(c, X86_RAX, 1, al);
	result_flags(c, al);
	return X86_OK;
}

int emul_daa(struct x86_emulate_ctxt *c)
{
	return decimal_adjust(c, false);
}

int emul_das(struct x86_emulate_ctxt *c)
{
	return decimal_adjust(c, true);
}

/* AAA adds 0x106 to AX, AAS subtracts it; then only AL's low digit is kept. */
static int ascii_adjust(struct x86_emulate_ctxt *c, int sign)
{
	u16 ax = (u16)c->regs[X86_RAX];
	bool adjust = (ax & 0xf) > 9 || (c->rflags & X86_EFLAGS_AF);

	if (adjust)
		ax += sign * 0x106;
	emul_set_reg(c, X86_RAX, 2, ax & 0xff0f);
	emul_flag(c, X86_EFLAGS_AF, adjust);
	emul_flag(c, X86_EFLAGS_CF, adjust);
	return X86_OK;
}

int emul_aaa(struct x86_emulate_ctxt *c)
{
	return ascii_adjust(c, 1);
}

int emul_aas(struct x86_emulate_ctxt *c)
{
	return ascii_adjust(c, -1);
}

int emul_aam(struct x86_emulate_ctxt *c)
{
	u8 al = (u8)c->regs[X86_RAX], base = (u8)c->src.val;

	if (!base)
		return x86_emulate_fault(c, EXC_DE);
	emul_set_reg(c, X86_RAX, 2, (al / base) << 8 | al % base);
	result_flags(c, al % base);
	return X86_OK;
}

int emul_aad(struct x86_emulate_ctxt *c)
{
	u16 ax = (u16)c->regs[X86_RAX];
	u8 al = (u8)(ax + (ax >> 8) * (u8)c->src.val);

	emul_set_reg(c, X86_RAX, 2, al);
	result_flags(c, al);
	return X86_OK;
}

/* Undocumented: AL = CF ? FF : 0. */
int emul_salc(struct x86_emulate_ctxt *c)
{
	c->dst.val = c->rflags & X86_EFLAGS_CF ? 0xff : 0;
	return X86_OK;
}
