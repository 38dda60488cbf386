/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The emulator's own header: how an opcode row is written, what the parts of the
 * emulator offer each other.  Nothing outside emulate/ and x86_emulate.c includes it.
 *
 * Parts, in the order in which an instruction meets them:
 *   ../x86_emulate.c  the entry: decode cache, checks, operands, commit
 *   decode.c          bytes to struct x86_insn
 *   tables.c          the opcode rows
 *   memory.c          segmentation, stack, linear memory
 *   integer.c         arithmetic and data movement; flags
 *   control.c         near branches, stack instructions, flags register
 *   string.c          string instructions, port I/O
 *   segment.c         descriptors and segment loads
 *   far.c             far transfers, SYSCALL and SYSENTER families
 *   event.c           delivery through IVT, IDT
 *   task.c            task switches
 *   system.c          control registers, MSRs, descriptor tables, ...
 *   vector.c          SSE, AVX and MMX moves, x87 control
 */
#ifndef KVM_EMULATE_EMULATE_H
#define KVM_EMULATE_EMULATE_H

#include "../include/x86_emulate.h"
#include <asm/processor-flags.h>

#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/string.h>
#else
#include <string.h>
#define fallthrough		__attribute__((__fallthrough__))
#define static_assert		_Static_assert
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#endif

/* Exception vectors. */
enum {
	EXC_DE = 0, EXC_DB = 1, EXC_NMI = 2, EXC_BP = 3, EXC_OF = 4, EXC_BR = 5, EXC_UD = 6,
	EXC_NM = 7, EXC_DF = 8, EXC_TS = 10, EXC_NP = 11, EXC_SS = 12, EXC_GP = 13,
	EXC_PF = 14, EXC_MF = 16, EXC_AC = 17, EXC_MC = 18, EXC_XM = 19,
};

#define EMUL_FL_ARITH	((u64)(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | \
			       X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF))
/* All bits of RFLAGS that exist, bit 1 aside. */
#define EMUL_FL_ALL	(EMUL_FL_ARITH | X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF | \
			 X86_EFLAGS_IOPL | X86_EFLAGS_NT | X86_EFLAGS_RF | \
			 X86_EFLAGS_VM | X86_EFLAGS_AC | X86_EFLAGS_VIF | \
			 X86_EFLAGS_VIP | X86_EFLAGS_ID)

#define EFER_SCE_BIT	0x0001ull
#define EFER_LME_BIT	0x0100ull
#define EFER_LMA_BIT	0x0400ull
#define EFER_FFXSR_BIT	0x4000ull

/* MSRs that instructions use by themselves. */
enum {
	EMUL_MSR_SYSENTER_CS = 0x174, EMUL_MSR_SYSENTER_ESP, EMUL_MSR_SYSENTER_EIP,
};
#define EMUL_MSR_STAR		0xc0000081u
#define EMUL_MSR_LSTAR		0xc0000082u
#define EMUL_MSR_CSTAR		0xc0000083u
#define EMUL_MSR_FMASK		0xc0000084u
#define EMUL_MSR_KERNEL_GS_BASE	0xc0000102u
#define EMUL_MSR_TSC_AUX	0xc0000103u

/* ------------------------------------------------------------------------
 * Instructions
 */

/* insn->prefixes */
#define PFX_OPSIZE	0x01	/* 66 */
#define PFX_ADDRSIZE	0x02	/* 67 */
#define PFX_LOCK	0x04
#define PFX_REPE	0x08	/* F3, unless a later F2 took its place */
#define PFX_REPNE	0x10
#define PFX_REP		(PFX_REPE | PFX_REPNE)
#define PFX_VEX		0x20
#define PFX_BAD		0x40	/* one that must not stand before VEX */

#define REX_B	1
#define REX_X	2
#define REX_R	4
#define REX_W	8

#define EMUL_NONE	0xff	/* no base, no index, no segment override */
#define EMUL_RIP	0xfe	/* base is RIP */

/* Row flags.  The first four bits select a sub-table instead of a handler. */
#define SUB		0x0000000f
#define SUB_REG		0x00000001	/* [8] by ModRM.reg */
#define SUB_MOD		0x00000002	/* [2]: memory, register */
#define SUB_RM		0x00000003	/* [8] by ModRM.rm */
#define SUB_PFX		0x00000004	/* [4]: none, 66, F3, F2 */
#define SUB_64		0x00000005	/* [2]: other modes, 64-bit mode */
#define NEEDS_MODRM	0x00000010	/* there is a ModRM byte, for an operand or without one */
#define LOCK		0x00000020	/* LOCK is legal if dst is memory */
#define NOREAD		0x00000040	/* dst is not read */
#define NOWB		0x00000080	/* dst is not written by the common path */
#define WBSRC		0x00000100	/* src is a register and is written as well */
#define O64		0x00000200	/* 64-bit mode: operand size is 64, or 16 by 66 */
#define F64		0x00000400	/* 64-bit mode: near branch, operand size 64 */
#define I64		0x00000800	/* #UD in 64-bit mode */
#define PROT		0x00001000	/* #UD in real and vm86 mode */
#define PRIV		0x00002000	/* CPL 0 only */
#define ALIGNED		0x00004000	/* vector memory operand must be aligned */
#define BITOP		0x00008000	/* register src is a bit offset beyond dst */
#define VECSTATE	0x00010000	/* vector state must be enabled */
#define VEX		0x00020000	/* a VEX form exists */
#define VEXONLY		0x00040000	/* only a VEX form exists */
#define VVVV		0x00080000	/* VEX.vvvv is an operand */
#define X87STATE	0x00100000	/* x87 must be enabled */
#define MMXSTATE	0x00200000	/* MMX must be enabled, no x87 exception pending */
#define UD		0x00400000	/* architecturally undefined */
#define NI		0x00800000	/* defined, but not executed by this emulator */
#define NOLOCAL		0x01000000	/* memory operand: address only, no check, no read */
#define L0		0x02000000	/* VEX.L must be 0 */
#define W0		0x04000000	/* VEX.W must be 0 */
#define ATOMIC		0x08000000	/* behaves as with LOCK on memory */
#define SYSREG		0x10000000	/* of control or debug registers: mod is ignored */
#define LOCKCR		0x20000000	/* AMD: LOCK makes it CR8 */
/* These follow from the operands: see OPERAND_FLAGS in tables.c. */
#define HAS_BYTES	0x40000000	/* an operand has bytes of its own */
#define FORM		0x80000000	/* an operand is #UD with some ModRM.mod */

/*
 * Operand specifications, in the notation of the manuals' opcode maps: where it comes
 * from (capitals), and how wide it is: b 1, w 2, d 4, q 8, o 16 bytes, v by operand
 * size, y 8 with REX.W else 4, z as v but at most 4, x by vector length.
 */
enum emul_opspec {
	OP_none,
	OP_Zb, OP_Zv,					/* register in the opcode */
	OP_AL, OP_rAX, OP_eAX, OP_CL, OP_DX, OP_one,
	/* These have bytes of their own behind ModRM: */
	OP_Ib, OP_sIb, OP_Iw, OP_Iz, OP_Iv, OP_I2b,	/* immediates, I2 the second */
	OP_Jb, OP_Jz, OP_Ap,				/* relative; far pointer */
	OP_Ob, OP_Ov,					/* memory at an offset */
	/* These need a ModRM byte: */
	OP_Eb, OP_Ew, OP_Ed, OP_Eq, OP_Ev, OP_Ey,	/* ModRM register or memory */
	OP_Gb, OP_Gw, OP_Gd, OP_Gv, OP_Gy, OP_Gm,	/* ModRM.reg */
	OP_Rm,						/* ModRM.rm as a register */
	OP_Vx, OP_Vo, OP_Vq, OP_Vd, OP_Vy,		/* vector register by ModRM.reg */
	OP_Wx, OP_Wo, OP_Wq,				/* vector register or memory */
	OP_Pq, OP_Py, OP_Qq,				/* MMX: reg, rm or memory */
	/* And these are #UD with one that names memory: */
	OP_Uy, OP_Uv, OP_Um,				/* register by ModRM.rm */
	OP_Ux, OP_Uo, OP_Uq,				/* vector register by ModRM.rm */
	OP_Nq,						/* MMX register by ModRM.rm */
	/* Or a register: */
	OP_M, OP_Mb, OP_Mw, OP_Md, OP_Mq, OP_Mo, OP_Mv, OP_My,	/* M: the address alone */
	OP_Mx,
	OP_NR
};

/* Where the groups above begin. */
#define OP_HAVE_BYTES		OP_Ib
#define OP_NEED_MODRM		OP_Eb
#define OP_REGISTER_ONLY	OP_Uy
#define OP_MEMORY_ONLY		OP_M

/* Where an operand comes from: the first half of a specification. */
enum emul_from {
	FROM_NONE, FROM_REG, FROM_RM, FROM_MEM, FROM_RM_REG, FROM_RM_ONLY, FROM_OPCODE,
	FROM_FIXED, FROM_ONE, FROM_IMM, FROM_IMM2, FROM_REL, FROM_FAR, FROM_MOFFS,
	FROM_VREG, FROM_VRM, FROM_VRM_ONLY, FROM_MREG, FROM_MRM, FROM_MRM_ONLY,
};

struct emul_operand_spec {
	u8 from;
	u8 width;	/* in bytes, or one of the letters v, y, m, z, x */
	u8 reg;		/* FROM_FIXED */
	bool is_signed;	/* immediates */
};

extern const struct emul_operand_spec emul_operand_specs[OP_NR];

/* CPUID features that rows and handlers depend on (emul_has). */
enum emul_feature {
	FEAT_none,
	FEAT_TSC, FEAT_MSR, FEAT_SEP, FEAT_CMOV, FEAT_CLFSH, FEAT_MMX, FEAT_FXSR, FEAT_SSE,
	FEAT_SSE2, FEAT_CX8, FEAT_VME, FEAT_DE, FEAT_PSE, FEAT_PAE, FEAT_MCE, FEAT_PGE,
	FEAT_SSE3, FEAT_CX16, FEAT_SSE41, FEAT_SSE42, FEAT_MOVBE, FEAT_POPCNT,
	FEAT_XSAVE, FEAT_AVX, FEAT_RDRAND, FEAT_PCID,
	FEAT_FSGSBASE, FEAT_BMI1, FEAT_AVX2, FEAT_SMEP, FEAT_BMI2, FEAT_INVPCID, FEAT_RDSEED,
	FEAT_ADX, FEAT_SMAP, FEAT_CLFLUSHOPT, FEAT_CLWB, FEAT_UMIP, FEAT_PKU, FEAT_LA57,
	FEAT_RDPID,
	FEAT_LAHF, FEAT_CR8_LEGACY, FEAT_LZCNT, FEAT_3DNOWPREFETCH, FEAT_SYSCALL, FEAT_RDTSCP,
	FEAT_LM, FEAT_NX, FEAT_NULL_CLEARS,
	FEAT_NR
};

struct x86_opcode {
	union {
		int (*exec)(struct x86_emulate_ctxt *c);
		const struct x86_opcode *sub;
	};
	u32 flags;
	u8 dst, src, src2;	/* enum emul_opspec */
	u8 feature;		/* enum emul_feature */
};

extern const struct x86_opcode emul_map_1byte[256];
extern const struct x86_opcode emul_map_0f[256];
extern const struct x86_opcode emul_map_0f38[256];
extern const struct x86_opcode emul_row_ud, emul_row_ud_modrm, emul_row_ni;

/* operand->kind */
enum emul_kind {
	KIND_NONE, KIND_REG, KIND_HIGH, KIND_MEM, KIND_IMM, KIND_VEC, KIND_MM,
};

/* ------------------------------------------------------------------------
 * x86_emulate.c
 */
bool emul_has(struct x86_emulate_ctxt *c, enum emul_feature feature);
void emul_update_mode(struct x86_emulate_ctxt *c);
int emul_check_x87_pending(struct x86_emulate_ctxt *c);
u64 emul_sysreg(struct x86_emulate_ctxt *c, u64 reg);
/* set_reg with the outcome an instruction has: X86_OK, #GP(0), X86_IO. */
int emul_set_sysreg(struct x86_emulate_ctxt *c, u64 reg, u64 val);
int emul_get_msr(struct x86_emulate_ctxt *c, u32 index, u64 *val);
/* The offset that the ModRM memory operand has in its segment. */
u64 emul_effective_address(const struct x86_emulate_ctxt *c);
/* Start and end of an instruction, event or task switch. */
void emul_begin(struct x86_emulate_ctxt *c);
void emul_commit(struct x86_emulate_ctxt *c);

static inline int emul_ud(struct x86_emulate_ctxt *c)
{
	return x86_emulate_fault(c, EXC_UD);
}

/* A fault with an error code of 0: #GP(0), #SS(0), #AC(0). */
static inline int emul_gp(struct x86_emulate_ctxt *c)
{
	return x86_emulate_fault_error(c, EXC_GP, 0);
}

static inline bool emul_long64(const struct x86_emulate_ctxt *c)
{
	return c->mode == X86_MODE_LONG64;
}

/* Protected mode proper: descriptors rule, virtual-8086 mode excluded. */
static inline bool emul_protected(const struct x86_emulate_ctxt *c)
{
	return c->mode >= X86_MODE_PROT16;
}

static inline bool emul_long_mode(struct x86_emulate_ctxt *c)
{
	if (c->mode == X86_MODE_LONG64)
		return true;
	return c->mode >= X86_MODE_PROT16 && (emul_sysreg(c, X86_REG_EFER) & EFER_LMA_BIT);
}

static inline bool emul_amd(const struct x86_emulate_ctxt *c)
{
	return c->vendor == X86_VENDOR_AMD_LIKE;
}

static inline unsigned int emul_iopl(const struct x86_emulate_ctxt *c)
{
	return (c->rflags & X86_EFLAGS_IOPL) >> X86_EFLAGS_IOPL_BIT;
}

/* What accesses of the instruction's own are made with. */
static inline unsigned int emul_rights(const struct x86_emulate_ctxt *c)
{
	return c->cpl == 3 ? X86_ACC_USER : 0;
}

static inline u64 emul_mask(unsigned int bytes)
{
	return bytes >= 8 ? ~0ull : (1ull << (bytes * 8)) - 1;
}

/* The same for 1 to 8 bytes, without a branch. */
static inline u64 emul_low_mask(unsigned int bytes)
{
	return ~0ull >> (64 - 8 * bytes);
}

static inline u64 emul_sext(u64 val, unsigned int bytes)
{
	unsigned int shift = 64 - 8 * bytes;

	return (u64)((s64)(val << shift) >> shift);
}

/* The part of @old that a write of @bytes to a register replaces. */
static inline u64 emul_merge(u64 old, u64 val, unsigned int bytes)
{
	if (bytes == 4)
		return (u32)val;
	return (old & ~emul_mask(bytes)) | (val & emul_mask(bytes));
}

static inline u64 emul_reg(const struct x86_emulate_ctxt *c, unsigned int reg,
			   unsigned int bytes)
{
	return c->regs[reg & 15] & emul_low_mask(bytes);
}

static inline void emul_set_reg(struct x86_emulate_ctxt *c, unsigned int reg,
				unsigned int bytes, u64 val)
{
	c->regs[reg & 15] = emul_merge(c->regs[reg & 15], val, bytes);
}

/* The width of an operand in bytes, out of its specification. */
static inline unsigned int emul_width(const struct x86_insn *insn, unsigned int width)
{
	if (likely(width == 'v'))
		return insn->op_bytes;
	if (likely(width <= 16))
		return width;
	switch (width) {
	case 'y':
		/* Elsewhere VEX.W does not count. */
		return insn->mode == X86_MODE_LONG64 && (insn->rex & REX_W) ? 8 : 4;
	case 'm':
		return insn->mode == X86_MODE_LONG64 ? 8 : 4;
	case 'z':
		return insn->op_bytes == 2 ? 2 : 4;
	case 'x':
		return insn->vex_len ? insn->vex_len : 16;
	}
	return width;
}

static inline void emul_flag(struct x86_emulate_ctxt *c, u64 flag, bool on)
{
	c->next_rflags = on ? c->next_rflags | flag : c->next_rflags & ~flag;
}

/* ------------------------------------------------------------------------
 * decode.c
 */
int emul_fetch_more(struct x86_emulate_ctxt *c, u64 linear);
int emul_decode(struct x86_emulate_ctxt *c, struct x86_insn *insn, u64 linear);

/* ------------------------------------------------------------------------
 * memory.c
 */

/* A stack to push on or pop from: the current one, or that of an inner level. */
struct emul_stack {
	struct x86_seg ss;
	u64 rsp;
	u64 mask;		/* of the stack pointer's bits in use */
	u32 error;		/* of #SS: 0, or the selector of a new stack */
	u32 acc;		/* X86_ACC_USER or 0 */
	bool flat;		/* 64-bit mode: no segmentation */
};

const struct x86_seg *emul_seg(struct x86_emulate_ctxt *c, enum x86_sreg sreg);
void emul_load_seg(struct x86_emulate_ctxt *c, enum x86_sreg sreg,
		   const struct x86_seg *seg);
/* Bits 63:56 alike, and CR4.LA57 set. */
bool emul_canonical_la57(struct x86_emulate_ctxt *c, u64 la);

#define HALF_CANONICAL	(1ull << 47)

/* Canonical, and so is what follows: 64 bytes are the longest access there is. */
static inline bool emul_canonical_far(u64 la)
{
	return la + HALF_CANONICAL < 2 * HALF_CANONICAL - 64;
}

/* Bits 63:47 alike; with LA57, bits 63:56. */
static inline bool emul_canonical(struct x86_emulate_ctxt *c, u64 la)
{
	return likely(la + HALF_CANONICAL < 2 * HALF_CANONICAL) || emul_canonical_la57(c, la);
}


/*
 * In 64-bit mode most accesses need no check: not by FS or GS, nor near an end of the
 * canonical range, and alignment does not matter.
 */
static inline bool emul_flat(const struct x86_emulate_ctxt *c, unsigned int sreg, u64 ea)
{
	return emul_long64(c) && sreg < X86_FS && !(c->rflags & X86_EFLAGS_AC) &&
	       emul_canonical_far(ea);
}

/* With emul_linear(): @len is also the alignment, on pain of #GP(0). */
#define EMUL_ACC_ALIGN	0x100

/* No #AC, whatever the address. */
#define EMUL_ACC_ANY	0x200
/* Code that may not be read will do. */
#define EMUL_ACC_EXEC	0x400

/*
 * Segment-check an access of @len bytes at @ea in @sreg, and give its linear address.
 * @acc: X86_ACC_WRITE, EMUL_ACC_*.  X86_FAULT: #GP(0), #SS(0) or #AC(0).
 */
int emul_linear(struct x86_emulate_ctxt *c, unsigned int sreg, u64 ea, unsigned int len,
		unsigned int acc, u64 *la);
/* Linear memory with the rights of the current CPL. */
int emul_read_linear(struct x86_emulate_ctxt *c, u64 la, void *buf, unsigned int len,
		     unsigned int acc);
int emul_write_linear(struct x86_emulate_ctxt *c, u64 la, const void *buf,
		      unsigned int len);
/* X86_RETRY if memory does not hold @old. */
int emul_cmpxchg_linear(struct x86_emulate_ctxt *c, u64 la, const void *old,
			const void *new, unsigned int len);
int emul_probe_linear(struct x86_emulate_ctxt *c, u64 la, unsigned int len,
		      unsigned int acc);
/* Segment-checked memory. */
int emul_read(struct x86_emulate_ctxt *c, unsigned int sreg, u64 ea, void *buf,
	      unsigned int len);
int emul_write(struct x86_emulate_ctxt *c, unsigned int sreg, u64 ea, const void *buf,
	       unsigned int len);
/* System tables: implicit supervisor accesses. */
int emul_read_system(struct x86_emulate_ctxt *c, u64 la, void *buf, unsigned int len,
		     unsigned int acc);
int emul_write_system(struct x86_emulate_ctxt *c, u64 la, const void *buf,
		      unsigned int len);

void emul_stack_current(struct x86_emulate_ctxt *c, struct emul_stack *stack);
void emul_stack_init(struct x86_emulate_ctxt *c, struct emul_stack *stack,
		     const struct x86_seg *ss, u64 rsp, unsigned int cpl, bool flat);
/* Would a write at the top of the stack, or would @count pushes of @bytes succeed? */
int emul_stack_check(struct x86_emulate_ctxt *c, const struct emul_stack *stack,
		     unsigned int len);
int emul_stack_probe(struct x86_emulate_ctxt *c, const struct emul_stack *stack,
		     unsigned int count, unsigned int bytes);
int emul_stack_push(struct x86_emulate_ctxt *c, struct emul_stack *stack, u64 val,
		    unsigned int bytes);
/* The same without the write: would it succeed? */
int emul_stack_try_push(struct x86_emulate_ctxt *c, struct emul_stack *stack,
			unsigned int bytes);
/* The @index-th value from the top, which stays where it is. */
int emul_stack_peek(struct x86_emulate_ctxt *c, const struct emul_stack *stack,
		    unsigned int index, u64 *val, unsigned int bytes);
int emul_stack_pop(struct x86_emulate_ctxt *c, struct emul_stack *stack, u64 *val,
		   unsigned int bytes);
/* The same with a selector in a slot of @bytes: Intel leaves alone what it does not need. */
int emul_stack_push_selector(struct x86_emulate_ctxt *c, struct emul_stack *stack,
			     u16 selector, unsigned int bytes);
int emul_stack_pop_selector(struct x86_emulate_ctxt *c, struct emul_stack *stack,
			    u16 *selector, unsigned int bytes);
int emul_stack_peek_selector(struct x86_emulate_ctxt *c, const struct emul_stack *stack,
			     unsigned int index, u16 *selector, unsigned int bytes);
/* Add @bytes, possibly negative, to a stack pointer as its width demands. */
void emul_stack_adjust(struct emul_stack *stack, s64 bytes);
int emul_push(struct x86_emulate_ctxt *c, u64 val, unsigned int bytes);
int emul_pop(struct x86_emulate_ctxt *c, u64 *val, unsigned int bytes);

/* ------------------------------------------------------------------------
 * integer.c
 */
bool emul_condition(u64 rflags, unsigned int cc);
/* The flags of dst - src into next_rflags. */
void emul_compare(struct x86_emulate_ctxt *c, u64 dst, u64 src, unsigned int bytes);

/* ------------------------------------------------------------------------
 * control.c
 */
/* The bits of RFLAGS that POPF and IRET may change at this CPL and operand size. */
u64 emul_flags_writable(const struct x86_emulate_ctxt *c, unsigned int bytes);
/* Load the flags that POPF and IRET take in vm86 mode below IOPL 3; needs CR4.VME. */
int emul_load_flags_vme(struct x86_emulate_ctxt *c, u64 image);
bool emul_vme(struct x86_emulate_ctxt *c);
int emul_branch(struct x86_emulate_ctxt *c, u64 target, unsigned int bytes);

/* ------------------------------------------------------------------------
 * segment.c
 */

/* A descriptor as it lies in memory, and where. */
struct emul_desc {
	u64 lo, hi;		/* hi: second half of a 16-byte descriptor */
	u64 la;			/* 0: none, the null selector */
	u16 selector;
};

#define DESC_TYPE(d)	((unsigned int)((d)->lo >> 40) & 0xf)
#define DESC_S(d)	((unsigned int)((d)->lo >> 44) & 1)
#define DESC_DPL(d)	((unsigned int)((d)->lo >> 45) & 3)
#define DESC_P(d)	((unsigned int)((d)->lo >> 47) & 1)
#define DESC_L(d)	((unsigned int)((d)->lo >> 53) & 1)
#define DESC_DB(d)	((unsigned int)((d)->lo >> 54) & 1)

/* System descriptor types. */
enum {
	DESC_TSS16 = 1, DESC_LDT = 2, DESC_TSS16_BUSY = 3, DESC_CALL16 = 4, DESC_TASK = 5,
	DESC_INT16 = 6, DESC_TRAP16 = 7, DESC_TSS = 9, DESC_TSS_BUSY = 11, DESC_CALL = 12,
	DESC_INT = 14, DESC_TRAP = 15,
};

/* A fault that names @selector, with the EXT bit of the event in delivery. */
int emul_fault_selector(struct x86_emulate_ctxt *c, u8 vector, u16 selector);
/* Read a descriptor; @vector with the selector if it lies outside its table. */
int emul_read_desc(struct x86_emulate_ctxt *c, u16 selector, u8 vector,
		   struct emul_desc *desc);
/* The same for a call gate, 16 bytes in long mode. */
int emul_read_gate(struct x86_emulate_ctxt *c, u16 selector, u8 vector,
		   struct emul_desc *desc);
/* The same for a TSS or an LDT: the LDT has none of these. */
int emul_read_system_desc(struct x86_emulate_ctxt *c, u16 selector, u8 vector,
			  struct emul_desc *desc);
void emul_unpack_desc(const struct emul_desc *desc, struct x86_seg *seg);
/* Set the accessed bit of a code or data descriptor, here and in memory. */
int emul_mark_accessed(struct x86_emulate_ctxt *c, struct emul_desc *desc);
/* UMIP: #GP(0) for instructions that tell user code where the tables lie. */
int emul_check_umip(struct x86_emulate_ctxt *c);
/* Change the busy bit of a TSS descriptor in memory. */
int emul_mark_busy(struct x86_emulate_ctxt *c, struct emul_desc *desc, bool busy);
/*
 * Check that @selector can be loaded into the stack or a data segment at @cpl, and
 * give the segment that would be loaded; accessed bit set in memory.
 * @vector is EXC_GP, or EXC_TS for what a TSS names; @null_ok: 64-bit mode needs no SS
 * below CPL 3.
 */
int emul_check_stack_seg(struct x86_emulate_ctxt *c, u16 selector, unsigned int cpl,
			 bool null_ok, u8 vector, struct x86_seg *seg);
void emul_null_stack_seg(struct x86_emulate_ctxt *c, u16 selector, unsigned int cpl,
			 struct x86_seg *seg);
int emul_check_data_seg(struct x86_emulate_ctxt *c, enum x86_sreg sreg, u16 selector,
			unsigned int cpl, u8 vector, struct x86_seg *seg);
int emul_check_ldt(struct x86_emulate_ctxt *c, u16 selector, u8 vector,
		   struct x86_seg *seg);
/* A segment register as real or vm86 mode loads it. */
void emul_real_seg(struct x86_emulate_ctxt *c, enum x86_sreg sreg, u16 selector,
		   struct x86_seg *seg);
void emul_vm86_seg(u16 selector, struct x86_seg *seg);
void emul_null_seg(struct x86_emulate_ctxt *c, enum x86_sreg sreg, u16 selector,
		   struct x86_seg *seg);

/* ------------------------------------------------------------------------
 * far.c
 */

/* Where a far transfer goes. */
struct emul_target {
	struct emul_desc desc;	/* of the code segment */
	struct x86_seg cs;
	u64 rip;
	u8 cpl;			/* the level to run at */
	bool long64;
};

int emul_read_far_pointer(struct x86_emulate_ctxt *c, u16 *selector, u64 *offset);
/*
 * The descriptor of t->desc has been found fit: set its accessed bit and fill in the rest
 * of @t, for @rip at t->cpl.  Whether @rip lies in the segment is a question of its own,
 * since processors ask it after they have looked at the stack.
 */
int emul_check_target(struct x86_emulate_ctxt *c, struct emul_target *t, u64 rip);
int emul_check_rip(struct x86_emulate_ctxt *c, const struct emul_target *t);
/* Load CS and jump: the commit of every transfer. */
void emul_enter_target(struct x86_emulate_ctxt *c, const struct emul_target *t);
/* Find and check the stack for t->cpl, or the interrupt stack @ist, in the TSS. */
int emul_inner_stack(struct x86_emulate_ctxt *c, const struct emul_target *t,
		     unsigned int ist, struct emul_stack *stack);
/* Take over @stack as the current one, SS included. */
void emul_switch_stack(struct x86_emulate_ctxt *c, const struct emul_stack *stack);

/* ------------------------------------------------------------------------
 * string.c
 */
/* May the current CPL access these ports?  #GP(0) if not. */
int emul_check_io(struct x86_emulate_ctxt *c, u16 port, unsigned int size);

/* ------------------------------------------------------------------------
 * event.c, task.c
 */
int emul_deliver(struct x86_emulate_ctxt *c, const struct x86_event *event);
/* Is the image of RFLAGS saved for this event to have RF set? */
bool emul_event_resumes(const struct x86_event *event);
int emul_task_switch(struct x86_emulate_ctxt *c, u16 selector,
		     enum x86_task_reason reason, const struct x86_event *event);

#include "handlers.h"

#endif
