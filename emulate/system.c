// SPDX-License-Identifier: GPL-2.0
/*
 * System instructions: control and debug registers, MSRs, descriptor-table registers,
 * caches and TLBs, time stamps, extended state control, hints and hypercalls.
 *
 * What a register holds and does is the caller's; which values an instruction may give
 * it, and from where, is decided here.  Segment-loading system instructions are in
 * segment.c, the SYSCALL family in far.c.
 *
 * SDM volume 3, "Control Registers" and "Debug Registers"; APM volume 2, "System
 * Resources".
 */
#include "emulate.h"

/* ------------------------------------------------------------------------
 * Control registers
 */

#define CR0_VALID	((u64)(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | \
			       X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | \
			       X86_CR0_NW | X86_CR0_CD | X86_CR0_PG))

/* Switching paging, and with it long mode, on or off. */
static bool bad_paging_switch(struct x86_emulate_ctxt *c, u64 old, u64 val)
{
	u64 cr4 = emul_sysreg(c, X86_REG_CR4);

	if (!((old ^ val) & X86_CR0_PG))
		return false;
	if (!(val & X86_CR0_PG))
		return emul_long64(c) || (cr4 & X86_CR4_PCIDE);
	return (emul_sysreg(c, X86_REG_EFER) & EFER_LME_BIT) &&
	       (!(cr4 & X86_CR4_PAE) || (emul_seg(c, X86_CS)->ar & X86_AR_L));
}

static int set_cr0(struct x86_emulate_ctxt *c, u64 val)
{
	u64 old = emul_sysreg(c, X86_REG_CR0);
	int r;

	if (val >> 32 || ((val & X86_CR0_PG) && !(val & X86_CR0_PE)) ||
	    ((val & X86_CR0_NW) && !(val & X86_CR0_CD)) || bad_paging_switch(c, old, val))
		return emul_gp(c);
	r = emul_set_sysreg(c, X86_REG_CR0, (val & CR0_VALID) | X86_CR0_ET);
	if (r == X86_OK)
		emul_update_mode(c);
	return r;
}

static int set_cr3(struct x86_emulate_ctxt *c, u64 val)
{
	u64 reserved = 0;
	u32 regs[4];

	if (emul_long_mode(c)) {
		c->ops->cpuid(c, 0x80000008, 0, regs);
		reserved = ~0ull << (regs[0] & 0x3f ?: 36);
		if (emul_sysreg(c, X86_REG_CR4) & X86_CR4_PCIDE)
			reserved &= ~X86_CR3_PCID_NOFLUSH;
	}
	return val & reserved ? emul_gp(c) : emul_set_sysreg(c, X86_REG_CR3, val);
}

/* The bits of CR4, each with the feature that makes it exist. */
static const struct { u32 bit; u8 feature; } cr4_bits[] = {
	{ X86_CR4_VME | X86_CR4_PVI, FEAT_VME }, { X86_CR4_TSD, FEAT_TSC },
	{ X86_CR4_DE, FEAT_DE }, { X86_CR4_PSE, FEAT_PSE }, { X86_CR4_PAE, FEAT_PAE },
	{ X86_CR4_MCE, FEAT_MCE }, { X86_CR4_PGE, FEAT_PGE }, { X86_CR4_PCE, FEAT_none },
	{ X86_CR4_OSFXSR, FEAT_FXSR }, { X86_CR4_OSXMMEXCPT, FEAT_SSE },
	{ X86_CR4_UMIP, FEAT_UMIP }, { X86_CR4_LA57, FEAT_LA57 },
	{ X86_CR4_FSGSBASE, FEAT_FSGSBASE }, { X86_CR4_PCIDE, FEAT_PCID },
	{ X86_CR4_OSXSAVE, FEAT_XSAVE }, { X86_CR4_SMEP, FEAT_SMEP },
	{ X86_CR4_SMAP, FEAT_SMAP }, { X86_CR4_PKE, FEAT_PKU },
};

static u64 cr4_valid(struct x86_emulate_ctxt *c)
{
	u64 valid = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cr4_bits); i++)
		if (emul_has(c, cr4_bits[i].feature))
			valid |= cr4_bits[i].bit;
	return valid;
}

static int set_cr4(struct x86_emulate_ctxt *c, u64 val)
{
	u64 old = emul_sysreg(c, X86_REG_CR4), changed = old ^ val;
	bool long_mode = emul_long_mode(c);

	if (val & ~cr4_valid(c))
		return emul_gp(c);
	if (long_mode && (changed & (X86_CR4_PAE | X86_CR4_LA57)))
		return emul_gp(c);
	if ((changed & val & X86_CR4_PCIDE) &&
	    (!long_mode || (emul_sysreg(c, X86_REG_CR3) & X86_CR3_PCID_MASK)))
		return emul_gp(c);
	return emul_set_sysreg(c, X86_REG_CR4, val);
}

/* LOCK MOV CR0 is AMD's way to CR8 outside 64-bit mode. */
static int cr_number(struct x86_emulate_ctxt *c, unsigned int *number)
{
	*number = c->insn->reg;
	if (!(c->insn->prefixes & PFX_LOCK))
		return X86_OK;
	if (!emul_has(c, FEAT_CR8_LEGACY))
		return emul_ud(c);
	*number = 8;
	return X86_OK;
}

int emul_mov_from_cr(struct x86_emulate_ctxt *c)
{
	unsigned int number;
	int r = cr_number(c, &number);

	if (r == X86_OK)
		c->dst.val = emul_sysreg(c, X86_REG_CR0 + number);
	return r;
}

int emul_mov_to_cr(struct x86_emulate_ctxt *c)
{
	u64 val = c->src.val;
	unsigned int number;
	int r = cr_number(c, &number);

	if (r != X86_OK)
		return r;
	switch (number) {
	case 0:
		return set_cr0(c, val);
	case 3:
		return set_cr3(c, val);
	case 4:
		return set_cr4(c, val);
	case 8:
		if (val > 15)
			return emul_gp(c);
		break;
	}
	return emul_set_sysreg(c, X86_REG_CR0 + number, val);
}

int emul_clts(struct x86_emulate_ctxt *c)
{
	u64 cr0 = emul_sysreg(c, X86_REG_CR0);

	return emul_set_sysreg(c, X86_REG_CR0, cr0 & ~(u64)X86_CR0_TS);
}

int emul_smsw(struct x86_emulate_ctxt *c)
{
	c->dst.val = emul_sysreg(c, X86_REG_CR0);
	return emul_check_umip(c);
}

/* LMSW sets PE but never clears it. */
int emul_lmsw(struct x86_emulate_ctxt *c)
{
	u64 cr0 = emul_sysreg(c, X86_REG_CR0), low = X86_CR0_MP | X86_CR0_EM | X86_CR0_TS;

	return set_cr0(c, (cr0 & ~low) | (c->src.val & (low | X86_CR0_PE)));
}

/* ------------------------------------------------------------------------
 * Debug registers
 */

#define DR6_WRITABLE	0x0000e00full
#define DR6_FIXED	0xffff0ff0ull
#define DR7_WRITABLE	0xffff23ffull
#define DR7_FIXED	0x00000400ull
#define DR7_GD		0x00002000ull
#define DR6_BD		0x00002000ull

/* DR4 and DR5 are DR6 and DR7 by another name, unless CR4.DE makes them undefined. */
static int dr_number(struct x86_emulate_ctxt *c, unsigned int *number)
{
	*number = c->insn->reg;
	if (*number == 4 || *number == 5) {
		if (emul_sysreg(c, X86_REG_CR4) & X86_CR4_DE)
			return emul_ud(c);
		*number += 2;
	}
	if (emul_sysreg(c, X86_REG_DR7) & DR7_GD) {
		x86_emulate_fault(c, EXC_DB);
		c->fault.address = DR6_BD;
		return X86_FAULT;
	}
	return X86_OK;
}

int emul_mov_from_dr(struct x86_emulate_ctxt *c)
{
	unsigned int number;
	int r = dr_number(c, &number);

	if (r == X86_OK)
		c->dst.val = emul_sysreg(c, X86_REG_DR0 + number);
	return r;
}

int emul_mov_to_dr(struct x86_emulate_ctxt *c)
{
	u64 val = c->src.val;
	unsigned int number;
	int r = dr_number(c, &number);

	if (r != X86_OK)
		return r;
	if (number >= 6 && val >> 32)
		return emul_gp(c);
	if (number == 6)
		val = (val & DR6_WRITABLE) | DR6_FIXED;
	if (number == 7)
		val = (val & DR7_WRITABLE) | DR7_FIXED;
	return emul_set_sysreg(c, X86_REG_DR0 + number, val);
}

/* ------------------------------------------------------------------------
 * Descriptor-table registers
 */

static int store_table(struct x86_emulate_ctxt *c, u64 base, u64 limit)
{
	unsigned int bytes = emul_long64(c) ? 8 : 4;
	u8 image[10];
	int r = emul_check_umip(c);

	if (r != X86_OK)
		return r;
	memcpy(image, &limit, 2);
	memcpy(image + 2, &base, bytes);
	return emul_write(c, c->src.seg, c->src.ea, image, 2 + bytes);
}

int emul_sgdt(struct x86_emulate_ctxt *c)
{
	return store_table(c, emul_sysreg(c, X86_REG_GDTR_BASE),
			   emul_sysreg(c, X86_REG_GDTR_LIMIT));
}

int emul_sidt(struct x86_emulate_ctxt *c)
{
	return store_table(c, emul_sysreg(c, X86_REG_IDTR_BASE),
			   emul_sysreg(c, X86_REG_IDTR_LIMIT));
}

/* A 16-bit operand size means a 24-bit base, as on the 286. */
static int load_table(struct x86_emulate_ctxt *c, u64 base_reg, u64 limit_reg)
{
	unsigned int bytes = emul_long64(c) ? 8 : 4;
	u64 base = 0, limit = 0;
	u8 image[10];
	int r = emul_read(c, c->src.seg, c->src.ea, image, 2 + bytes);

	if (r != X86_OK)
		return r;
	memcpy(&limit, image, 2);
	memcpy(&base, image + 2, bytes);
	if (!emul_long64(c) && c->insn->op_bytes == 2)
		base &= 0xffffff;
	if (!emul_canonical(c, base))
		return emul_gp(c);
	emul_set_sysreg(c, base_reg, base);
	return emul_set_sysreg(c, limit_reg, limit);
}

int emul_lgdt(struct x86_emulate_ctxt *c)
{
	return load_table(c, X86_REG_GDTR_BASE, X86_REG_GDTR_LIMIT);
}

int emul_lidt(struct x86_emulate_ctxt *c)
{
	return load_table(c, X86_REG_IDTR_BASE, X86_REG_IDTR_LIMIT);
}

/* ------------------------------------------------------------------------
 * MSRs, time, counters
 */

static void set_edx_eax(struct x86_emulate_ctxt *c, u64 val)
{
	c->regs[X86_RAX] = (u32)val;
	c->regs[X86_RDX] = val >> 32;
}

static u64 edx_eax(const struct x86_emulate_ctxt *c)
{
	return (u32)c->regs[X86_RAX] | c->regs[X86_RDX] << 32;
}

int emul_rdmsr(struct x86_emulate_ctxt *c)
{
	u64 val;
	int r = emul_get_msr(c, (u32)c->regs[X86_RCX], &val);

	if (r == X86_OK)
		set_edx_eax(c, val);
	return r;
}

int emul_wrmsr(struct x86_emulate_ctxt *c)
{
	return emul_set_sysreg(c, X86_REG_MSR | (u32)c->regs[X86_RCX], edx_eax(c));
}

/* RDTSC, RDPMC and their kin are CPL 0's unless a bit of CR4 says so. */
static int read_tsc(struct x86_emulate_ctxt *c, u64 *tsc)
{
	if (c->cpl && (emul_sysreg(c, X86_REG_CR4) & X86_CR4_TSD))
		return emul_gp(c);
	return c->ops->system(c, X86_SYS_RDTSC, tsc);
}

int emul_rdtsc(struct x86_emulate_ctxt *c)
{
	u64 tsc = 0;
	int r = read_tsc(c, &tsc);

	if (r == X86_OK)
		set_edx_eax(c, tsc);
	return r;
}

int emul_rdtscp(struct x86_emulate_ctxt *c)
{
	u64 tsc = 0, aux;
	int r = read_tsc(c, &tsc);

	if (r == X86_OK)
		r = emul_get_msr(c, EMUL_MSR_TSC_AUX, &aux);
	if (r != X86_OK)
		return r;
	set_edx_eax(c, tsc);
	c->regs[X86_RCX] = (u32)aux;
	return X86_OK;
}

int emul_rdpid(struct x86_emulate_ctxt *c)
{
	return emul_get_msr(c, EMUL_MSR_TSC_AUX, &c->dst.val);
}

int emul_rdpmc(struct x86_emulate_ctxt *c)
{
	u64 val = (u32)c->regs[X86_RCX];
	int r;

	if (c->cpl && !(emul_sysreg(c, X86_REG_CR4) & X86_CR4_PCE))
		return emul_gp(c);
	r = c->ops->system(c, X86_SYS_RDPMC, &val);
	if (r == X86_OK)
		set_edx_eax(c, val);
	return r == X86_FAULT ? emul_gp(c) : r;
}

int emul_cpuid(struct x86_emulate_ctxt *c)
{
	static const u8 order[] = { X86_RAX, X86_RBX, X86_RCX, X86_RDX };
	u32 regs[4];
	unsigned int i;

	c->ops->cpuid(c, (u32)c->regs[X86_RAX], (u32)c->regs[X86_RCX], regs);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		c->regs[order[i]] = regs[i];
	return X86_OK;
}

/* CF says whether there was a number; without one the destination is 0. */
static int random_number(struct x86_emulate_ctxt *c, enum x86_system_op op)
{
	int r = c->ops->system(c, op, &c->dst.val);

	if (r != X86_OK && r != X86_RETRY)
		return r;
	if (r == X86_RETRY)
		c->dst.val = 0;
	c->next_rflags &= ~EMUL_FL_ARITH;
	emul_flag(c, X86_EFLAGS_CF, r == X86_OK);
	return X86_OK;
}

int emul_rdrand(struct x86_emulate_ctxt *c)
{
	return random_number(c, X86_SYS_RDRAND);
}

int emul_rdseed(struct x86_emulate_ctxt *c)
{
	return random_number(c, X86_SYS_RDSEED);
}

/* ------------------------------------------------------------------------
 * FS, GS and their bases
 */

int emul_swapgs(struct x86_emulate_ctxt *c)
{
	struct x86_seg gs = *emul_seg(c, X86_GS);
	u64 kernel;
	int r = emul_get_msr(c, EMUL_MSR_KERNEL_GS_BASE, &kernel);

	if (r == X86_OK)
		r = emul_set_sysreg(c, X86_REG_MSR | EMUL_MSR_KERNEL_GS_BASE, gs.base);
	if (r != X86_OK)
		return r;
	gs.base = kernel;
	emul_load_seg(c, X86_GS, &gs);
	return X86_OK;
}

static int check_fsgsbase(struct x86_emulate_ctxt *c)
{
	return emul_sysreg(c, X86_REG_CR4) & X86_CR4_FSGSBASE ? X86_OK : emul_ud(c);
}

/* RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE: ModRM.reg 0 to 3 */
int emul_rdbase(struct x86_emulate_ctxt *c)
{
	c->dst.val = emul_seg(c, c->insn->reg & 1 ? X86_GS : X86_FS)->base;
	return check_fsgsbase(c);
}

int emul_wrbase(struct x86_emulate_ctxt *c)
{
	enum x86_sreg sreg = c->insn->reg & 1 ? X86_GS : X86_FS;
	struct x86_seg seg = *emul_seg(c, sreg);
	int r = check_fsgsbase(c);

	if (r == X86_OK && !emul_canonical(c, c->src.val))
		r = emul_gp(c);
	if (r != X86_OK)
		return r;
	seg.base = c->src.val;
	emul_load_seg(c, sreg, &seg);
	return X86_OK;
}

/* ------------------------------------------------------------------------
 * Extended control registers
 */

#define XCR0_X87	0x001ull
#define XCR0_SSE	0x002ull
#define XCR0_AVX	0x004ull
#define XCR0_MPX	0x018ull
#define XCR0_AVX512	0x0e0ull
#define XCR0_AMX	0x60000ull

static int check_xcr(struct x86_emulate_ctxt *c)
{
	return emul_sysreg(c, X86_REG_CR4) & X86_CR4_OSXSAVE ? X86_OK : emul_ud(c);
}

int emul_xgetbv(struct x86_emulate_ctxt *c)
{
	int r = check_xcr(c);

	if (r != X86_OK)
		return r;
	/* XCR1 is the INIT state of the components, which only hardware knows. */
	if ((u32)c->regs[X86_RCX])
		return (u32)c->regs[X86_RCX] == 1 ? X86_UNHANDLED : emul_gp(c);
	set_edx_eax(c, emul_sysreg(c, X86_REG_XCR0));
	return X86_OK;
}

/* Some but not all of @group. */
static bool partial(u64 val, u64 group)
{
	return (val & group) && (val & group) != group;
}

static bool bad_xcr0(struct x86_emulate_ctxt *c, u64 val)
{
	u32 regs[4];

	c->ops->cpuid(c, 0xd, 0, regs);
	if (val & ~(regs[0] | (u64)regs[3] << 32))
		return true;
	return !(val & XCR0_X87) || ((val & XCR0_AVX) && !(val & XCR0_SSE)) ||
	       ((val & XCR0_AVX512) && !(val & XCR0_AVX)) || partial(val, XCR0_AVX512) ||
	       partial(val, XCR0_MPX) || partial(val, XCR0_AMX);
}

int emul_xsetbv(struct x86_emulate_ctxt *c)
{
	int r = check_xcr(c);

	if (r != X86_OK)
		return r;
	if (c->cpl || (u32)c->regs[X86_RCX] || bad_xcr0(c, edx_eax(c)))
		return emul_gp(c);
	return emul_set_sysreg(c, X86_REG_XCR0, edx_eax(c));
}

/* ------------------------------------------------------------------------
 * Caches, TLBs, waiting, hints
 */

static int system_op(struct x86_emulate_ctxt *c, enum x86_system_op op, u64 arg)
{
	return c->ops->system(c, op, &arg);
}

int emul_hlt(struct x86_emulate_ctxt *c)
{
	return system_op(c, X86_SYS_HLT, 0);
}

/* F3 90.  With REX.B it is an XCHG with R8 on AMD, PAUSE all the same on Intel. */
int emul_pause_xchg(struct x86_emulate_ctxt *c)
{
	if ((c->insn->rex & REX_B) && emul_amd(c))
		return emul_nop_xchg(c);
	c->dst.kind = KIND_NONE;
	c->src.kind = KIND_NONE;
	return system_op(c, X86_SYS_PAUSE, 0);
}

int emul_invd(struct x86_emulate_ctxt *c)
{
	return system_op(c, X86_SYS_INVD, 0);
}

int emul_wbinvd(struct x86_emulate_ctxt *c)
{
	return system_op(c, X86_SYS_WBINVD, 0);
}

int emul_hypercall(struct x86_emulate_ctxt *c)
{
	return system_op(c, X86_SYS_HYPERCALL, 0);
}

/* SVM instructions are undefined while EFER.SVME is clear; AMD checks the CPL first. */
int emul_svm(struct x86_emulate_ctxt *c)
{
	return emul_amd(c) && emul_protected(c) && c->cpl ? emul_gp(c) : emul_ud(c);
}

/* The base of the segment counts, but nothing of it is checked. */
int emul_invlpg(struct x86_emulate_ctxt *c)
{
	u64 la = c->src.ea;

	if (!emul_long64(c))
		la = (u32)(la + emul_seg(c, c->src.seg)->base);
	else if (c->src.seg >= X86_FS)
		la += emul_seg(c, c->src.seg)->base;
	return system_op(c, X86_SYS_INVLPG, la);
}

int emul_invpcid(struct x86_emulate_ctxt *c)
{
	u64 arg[3] = { c->dst.val, c->src.vec[0], c->src.vec[1] };
	bool pcide = emul_sysreg(c, X86_REG_CR4) & X86_CR4_PCIDE;

	if (arg[0] > 3 || (arg[1] & ~(u64)X86_CR3_PCID_MASK))
		return emul_gp(c);
	if ((arg[0] <= 1 && arg[1] && !pcide) || (!arg[0] && !emul_canonical(c, arg[2])))
		return emul_gp(c);
	return c->ops->system(c, X86_SYS_INVPCID, arg);
}

/* CLFLUSH, CLFLUSHOPT, CLWB: coherent memory needs nothing but the checks of a read. */
int emul_clflush(struct x86_emulate_ctxt *c)
{
	u64 la;
	int r = emul_linear(c, c->src.seg, c->src.ea, 1, EMUL_ACC_EXEC, &la);

	return r == X86_OK ? emul_probe_linear(c, la, 1, 0) : r;
}

int emul_monitor(struct x86_emulate_ctxt *c)
{
	u8 override = c->insn->seg_override;
	u64 la;
	int r;

	if (c->cpl)
		return emul_ud(c);
	if ((u32)c->regs[X86_RCX])
		return emul_gp(c);
	r = emul_linear(c, override == EMUL_NONE ? X86_DS : override,
			emul_reg(c, X86_RAX, c->insn->addr_bytes), 1, 0, &la);
	if (r == X86_OK)
		r = emul_probe_linear(c, la, 1, 0);
	return r == X86_OK ? system_op(c, X86_SYS_MONITOR, la) : r;
}

int emul_mwait(struct x86_emulate_ctxt *c)
{
	if (c->cpl)
		return emul_ud(c);
	/* Bit 0: interrupts end the wait though they are masked. */
	if ((u32)c->regs[X86_RCX] & ~1u)
		return emul_gp(c);
	return system_op(c, X86_SYS_MWAIT, 0);
}

static int set_ac(struct x86_emulate_ctxt *c, bool on)
{
	if (c->cpl)
		return emul_ud(c);
	emul_flag(c, X86_EFLAGS_AC, on);
	return X86_OK;
}

int emul_clac(struct x86_emulate_ctxt *c)
{
	return set_ac(c, false);
}

int emul_stac(struct x86_emulate_ctxt *c)
{
	return set_ac(c, true);
}
