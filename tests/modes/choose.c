// SPDX-License-Identifier: GPL-2.0
/*
 * choose.c - random cases: a mode, a state, an instruction, and operands for it.
 *
 * Instructions and operands are those of the differential test in user space, with this
 * scene for surroundings.  Half of the cases are of the rows that only a system uses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "modes.h"
#include "../../emulate/handlers.h"

/* ------------------------------------------------------------------------
 * Modes
 */

const char *world_name(unsigned int world)
{
	static const char *const names[] = {
		"real", "unpaged", "paged", "PAE", "long",
	};

	return names[world];
}

const char *kind_name(unsigned int kind)
{
	static const char *const names[] = {
		"real", "unreal", "vm86", "16-bit", "32-bit", "64-bit",
	};

	return names[kind];
}

bool mode_exists(unsigned int world, unsigned int kind, unsigned int cpl)
{
	if (world == REAL)
		return kind <= KIND_UNREAL && !cpl;
	if (kind <= KIND_UNREAL || (world == LONG) < (kind == KIND_64))
		return false;
	if (kind == KIND_VM86)
		return world != LONG && cpl == 3;
	return true;
}

unsigned int case_mode(const struct mode_case *c)
{
	static const u8 modes[NR_KINDS] = {
		X86_MODE_REAL, X86_MODE_REAL, X86_MODE_VM86, X86_MODE_PROT16, X86_MODE_PROT32,
		X86_MODE_LONG64,
	};

	return modes[c->kind];
}

static u64 choose_cr0(struct rng *rng, unsigned int world)
{
	u64 cr0 = X86_CR0_ET | X86_CR0_NE;

	if (world > REAL)
		cr0 |= X86_CR0_PE;
	if (world > FLAT)
		cr0 |= X86_CR0_PG;
	cr0 |= chance(rng, 70) ? X86_CR0_WP : 0;
	cr0 |= chance(rng, 30) ? X86_CR0_AM : 0;
	cr0 |= chance(rng, 50) ? X86_CR0_MP : 0;
	cr0 |= chance(rng, 5) ? X86_CR0_TS : 0;
	cr0 |= chance(rng, 4) ? X86_CR0_EM : 0;
	return cr0;
}

static u64 choose_cr4(struct rng *rng, unsigned int world)
{
	u64 cr4 = world >= PAE ? X86_CR4_PAE : 0;

	cr4 |= chance(rng, 90) ? X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT : 0;
	cr4 |= chance(rng, 50) ? X86_CR4_VME : 0;
	cr4 |= chance(rng, 50) ? X86_CR4_PVI : 0;
	cr4 |= chance(rng, 20) ? X86_CR4_TSD : 0;
	cr4 |= chance(rng, 50) ? X86_CR4_DE : 0;
	cr4 |= chance(rng, 50) ? X86_CR4_PSE : 0;
	cr4 |= chance(rng, 20) ? X86_CR4_PGE : 0;
	cr4 |= chance(rng, 15) ? X86_CR4_SMEP : 0;
	cr4 |= chance(rng, 15) ? X86_CR4_SMAP : 0;
	cr4 |= chance(rng, 20) ? X86_CR4_UMIP : 0;
	cr4 |= chance(rng, 50) ? X86_CR4_FSGSBASE : 0;
	return cr4 & cr4_allowed;
}

static u64 choose_rflags(struct rng *rng, const struct mode_case *c)
{
	u64 flags = X86_EFLAGS_FIXED | (rnd(rng) & EMUL_FL_ARITH);

	flags |= chance(rng, 50) ? X86_EFLAGS_IF : 0;
	flags |= chance(rng, 25) ? X86_EFLAGS_DF : 0;
	flags |= chance(rng, 10) ? X86_EFLAGS_AC : 0;
	flags |= chance(rng, 10) ? X86_EFLAGS_TF : 0;
	flags |= chance(rng, 5) ? X86_EFLAGS_NT : 0;
	flags |= chance(rng, 5) ? X86_EFLAGS_RF : 0;
	flags |= chance(rng, 5) ? X86_EFLAGS_ID : 0;
	flags |= chance(rng, 20) ? X86_EFLAGS_VIF : 0;
	flags |= chance(rng, 10) ? X86_EFLAGS_VIP : 0;
	flags |= chance(rng, 50) ? X86_EFLAGS_IOPL : below(rng, 4) << X86_EFLAGS_IOPL_BIT;
	if (c->kind == KIND_VM86)
		flags |= X86_EFLAGS_VM;
	return flags;
}

/* ------------------------------------------------------------------------
 * Segments
 */

static u16 code_segment(struct rng *rng, const struct mode_case *c)
{
	static const u8 plain[NR_KINDS] = {
		[KIND_16] = C16, [KIND_32] = C32, [KIND_64] = C64,
	};
	u16 ti = chance(rng, 10) ? 4 : 0;

	if (c->kind == KIND_32 && chance(rng, 15))
		return SELECTOR(c->cpl, chance(rng, 50) ? C32_EXEC : C32_SHORT) | ti;
	if (c->kind == KIND_16 && chance(rng, 15))
		return SELECTOR(c->cpl, C16_BASED) | ti;
	if (c->kind != KIND_16 && chance(rng, 10))
		return (SELECTOR(below(rng, c->cpl + 1),
				 c->kind == KIND_64 ? C64_CONF : C32_CONF) & ~3) | c->cpl | ti;
	return SELECTOR(c->cpl, plain[c->kind]) | ti;
}

static u16 stack_segment(struct rng *rng, const struct mode_case *c)
{
	static const u8 odd[] = { D16, D16, D32_SHORT, D32_ODD, D_DOWN, D_DOWN16, D_WRAP,
				  D_FRESH };

	if (c->kind == KIND_64 && c->cpl < 3 && chance(rng, 20))
		return c->cpl;
	if (chance(rng, 75))
		return SELECTOR(c->cpl, D32);
	return SELECTOR(c->cpl, odd[below(rng, ARRAY_SIZE(odd))]);
}

static u16 data_segment(struct rng *rng, const struct mode_case *c)
{
	static const u8 odd[] = { D16, D32_RO, D32_SHORT, D32_ODD, D_DOWN, D_DOWN16, D_WRAP,
				  D_FRESH, C32, C16, C32_CONF };
	unsigned int dpl = c->cpl + below(rng, 4 - c->cpl);

	if (chance(rng, 70))
		return SELECTOR(3, D32);
	if (chance(rng, 15))
		return below(rng, 4);
	return (SELECTOR(dpl, odd[below(rng, ARRAY_SIZE(odd))]) & ~3) | c->cpl;
}

static u16 paragraph(struct rng *rng)
{
	static const u32 places[] = {
		0, DATA_U, DATA_U + 16, DATA_U2, STACK_3, HIGH_PAGE, 0xffff0, DATA_U2 - 16,
	};

	return places[below(rng, ARRAY_SIZE(places))] >> 4;
}

static void choose_segments(struct rng *rng, struct mode_case *c)
{
	u16 *data[] = { &c->t.ds, &c->t.es, &c->t.fs, &c->t.gs };
	bool real = c->kind <= KIND_VM86;
	unsigned int i;

	for (i = 0; i < 4; i++)
		*data[i] = real ? paragraph(rng) : data_segment(rng, c);
	if (!real && chance(rng, 50)) {
		c->t.ds = c->t.es = c->t.fs = c->t.gs = SELECTOR(3, D32);
		c->t.ss = SELECTOR(c->cpl, D32);
		c->t.cs = SELECTOR(c->cpl, c->kind == KIND_16 ? C16 :
				   c->kind == KIND_32 ? C32 : C64);
		return;
	}
	c->t.ss = real ? paragraph(rng) : stack_segment(rng, c);
	c->t.cs = real ? (chance(rng, 50) ? CODE_U >> 4 : 0) : code_segment(rng, c);
}

void mode_defaults(struct rng *rng, struct mode_case *c, unsigned int world,
		   unsigned int kind, unsigned int cpl)
{
	memset(c, 0, sizeof(*c));
	c->world = world;
	c->kind = kind;
	c->cpl = cpl;
	c->cr0 = choose_cr0(rng, world);
	c->cr4 = choose_cr4(rng, world);
	c->efer = chance(rng, 90) ? EFER_SCE_BIT : 0;
	if (world == LONG)
		c->efer |= EFER_LME_BIT | EFER_LMA_BIT;
	if (world >= PAE && chance(rng, 80))
		c->efer |= 0x800;
	c->idt = chance(rng, 70) ? 0 : 1 + below(rng, 2);
	c->tss16 = world != LONG && kind != KIND_VM86 && chance(rng, 15);
	c->dr7 = chance(rng, 4) ? 0x2400 : 0x400;
	c->t.vectors = below(rng, 4);
	c->t.rflags = choose_rflags(rng, c);
	choose_segments(rng, c);
	c->t.fs_base = chance(rng, 50) ? HIGH + 0xff8 : rnd(rng) >> 48;
	c->t.gs_base = chance(rng, 50) ? DATA_U : -(rnd(rng) >> 17);
}

/* ------------------------------------------------------------------------
 * Addresses
 */

static u64 target(struct rng *rng, const struct mode_case *c)
{
	static const u32 pages[] = {
		DATA_U, DATA_U, DATA_U + PAGE, DATA_RO, DATA_U2, DATA_S, DATA_S_RO, STACK_0,
		STACK_3, DATA_NX, RESERVED, MMIO_PAGE, TOP_PAGE, CODE_U, CODE_S, 0, GDT, TSS_32,
	};
	static const u64 far[] = {
		0x7ffffffffff8, 0x7fffffffffff, 0x800000000000, HIGH, HIGH + 8, HIGH - 1,
		0xfffffffffffffff8, 0xfffffff8, 0xfffffffc, 0x100000000, 0xfffff000,
		MMIO_GPA, SCENE_BYTES - 4, SCENE_BYTES + 2, 0x100000,
	};
	u64 page = pages[below(rng, ARRAY_SIZE(pages))];

	if (chance(rng, c->world == REAL ? 2 : 8))
		return far[below(rng, ARRAY_SIZE(far))] - below(rng, 9);
	switch (below(rng, 3)) {
	case 0:
		return page + PAGE - below(rng, 24);
	case 1:
		return page + below(rng, 16) - (chance(rng, 30) ? 8 : 0);
	}
	return page + (below(rng, PAGE) & (chance(rng, 50) ? ~15ull : ~0ull));
}

u64 case_linear(const struct mode_case *c, unsigned int sreg, u64 ea)
{
	struct x86_seg seg = case_segment(c, sreg);

	if (c->kind == KIND_64)
		return sreg < X86_FS ? ea : seg.base + ea;
	if (sreg == X86_SS && !(seg.ar & X86_AR_DB))
		ea &= 0xffff;
	return (u32)(seg.base + ea);
}

/* An offset in @sreg that is of interest: a page's, or the segment's end. */
static u64 target_in(struct rng *rng, const struct mode_case *c, unsigned int sreg)
{
	struct x86_seg seg = case_segment(c, sreg);
	u64 la = target(rng, c);

	if (c->kind == KIND_64)
		return sreg < X86_FS ? la : la - seg.base;
	if (c->kind != KIND_64 && chance(rng, 10))
		return (u32)(seg.limit + 8 - below(rng, 16));
	return (u32)(la - seg.base);
}

/* ------------------------------------------------------------------------
 * Surroundings, of this case
 */

static struct mode_case *this;

static u16 any_selector(struct rng *rng)
{
	u16 selector = below(rng, GDT_ENTRIES + 2) << 3;

	switch (below(rng, 8)) {
	case 0:
		return rnd(rng);
	case 1:
		return below(rng, 4);
	case 2 ... 4:
		selector = (FIRST_SYSTEM + below(rng, 32)) << 3;
		break;
	}
	return selector | (chance(rng, 20) ? 4 : 0) |
	       (chance(rng, 60) ? this->cpl : below(rng, 4));
}

static u16 fit_code_selector(struct rng *rng)
{
	unsigned int dpl = chance(rng, 60) ? this->cpl : below(rng, 4);
	static const u8 codes[] = { C32, C16, C64, C32_CONF, C64_CONF, C16_BASED, C32_EXEC };

	if (this->kind <= KIND_VM86)
		return chance(rng, 50) ? CODE_U >> 4 : HANDLERS_U >> 4;
	return SELECTOR(dpl, codes[below(rng, ARRAY_SIZE(codes))]);
}

static u16 fit_stack_selector(struct rng *rng)
{
	static const u8 stacks[] = { D32, D32, D16, D_FRESH, D_WRAP };

	return SELECTOR(below(rng, 4), stacks[below(rng, ARRAY_SIZE(stacks))]);
}

static u64 code_offset(struct rng *rng)
{
	switch (below(rng, 10)) {
	case 0:
		return random_number(rng);
	case 1:
		return target(rng, this);
	}
	if (this->kind <= KIND_VM86)
		return below(rng, 0xff0);
	return (this->cpl ? CODE_U : CODE_S) + 0x800 + below(rng, 0x700);
}

static u64 stack_offset(struct rng *rng)
{
	return chance(rng, 60) ? (chance(rng, 50) ? STACK_3 : STACK_0) + below(rng, 0x2000) :
				 target(rng, this);
}

static u64 target_offset(const struct encoder *e, unsigned int sreg)
{
	return target_in(e->rng, this, sreg);
}

static u64 linear(const struct encoder *e, unsigned int sreg, u64 ea)
{
	return case_linear(this, sreg, ea);
}

static const struct surroundings guest = {
	.selector = any_selector,
	.code_selector = fit_code_selector,
	.stack_selector = fit_stack_selector,
	.code_offset = code_offset,
	.stack_offset = stack_offset,
	.target_offset = target_offset,
	.linear = linear,
};

/* ------------------------------------------------------------------------
 * Registers
 */

static void choose_registers(struct rng *rng, struct mode_case *c)
{
	u64 *regs = c->t.regs;
	unsigned int i;

	for (i = 0; i < 16; i++)
		regs[i] = chance(rng, 10) ? target(rng, c) : random_number(rng);
	regs[X86_RSP] = target_in(rng, c, X86_SS);
	if (chance(rng, 70)) {
		u32 stack = c->cpl == 3 ? STACK_3 : STACK_0;
		struct x86_seg ss = case_segment(c, X86_SS);

		if (!(ss.ar & X86_AR_DB) && c->kind != KIND_64)
			stack = DATA_U;
		if (!(ss.ar & X86_AR_UNUSABLE) && ss.limit < 0x2000)
			stack = DATA_U + 0x800 - PAGE;
		regs[X86_RSP] = stack + PAGE + below(rng, 0x700) - (u32)ss.base;
	}
	/* Frames in tables would look like other changes of these. */
	if ((u32)case_linear(c, X86_SS, regs[X86_RSP]) - GDT <= 5 * PAGE + 512)
		regs[X86_RSP] += 6 * PAGE;
	if (chance(rng, 60))
		regs[X86_RBP] = regs[X86_RSP] + below(rng, 256) - 128;
	if (chance(rng, 70))
		regs[X86_RSI] = target_in(rng, c, X86_DS);
	if (chance(rng, 70))
		regs[X86_RDI] = target_in(rng, c, X86_ES);
	for (i = 0; i < 16 && c->kind != KIND_64; i++)
		regs[i] = i < 8 ? (u32)regs[i] : 0;
}

/* Above the end of a page, or in its middle. */
static void place_code(struct rng *rng, struct mode_case *c)
{
	struct x86_seg cs = case_segment(c, X86_CS);
	bool inner = c->kind > KIND_VM86 && c->cpl < 3 && !cs.base && cs.limit > CODE_S + PAGE &&
		     ((c->cr4 & X86_CR4_SMEP) || chance(rng, 50));
	u64 end = inner ? CODE_S + 2 * PAGE : CODE_U + PAGE, base = end - PAGE;

	switch (below(rng, 10)) {
	case 0 ... 1:
		c->t.code_la = end - c->t.len - (chance(rng, 50) ? 1 : 0);
		break;
	case 2:
		/* Into the hole, but not into handlers. */
		c->t.code_la = end - (inner ? below(rng, c->t.len + 1) : c->t.len);
		break;
	case 3:
		c->t.code_la = base + below(rng, 4);
		break;
	default:
		c->t.code_la = base + 64 + below(rng, PAGE - 128);
	}
	c->t.rip = (u32)(c->t.code_la - (c->kind == KIND_64 ? 0 : cs.base));
}

/* ------------------------------------------------------------------------
 * Operands of system instructions
 */

/* MSRs whose value does not run on by itself. */
static u32 choose_msr(struct rng *rng)
{
	static const u32 msrs[] = {
		0x174, 0x175, 0x176, 0x277, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083,
		0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, 0x12345678,
	};

	return msrs[below(rng, ARRAY_SIZE(msrs))];
}

static u64 choose_cr_value(struct rng *rng, const struct mode_case *c, unsigned int cr)
{
	static const u64 cr0_bits[] = {
		X86_CR0_PE, X86_CR0_PG, X86_CR0_WP, X86_CR0_TS, X86_CR0_EM, X86_CR0_MP,
		X86_CR0_AM, X86_CR0_NE, X86_CR0_CD, X86_CR0_NW, X86_CR0_ET, 1ull << 32, 1 << 6,
		X86_CR0_PE | X86_CR0_PG, X86_CR0_CD | X86_CR0_NW,
	};

	switch (cr) {
	case 0:
		return c->cr0 ^ cr0_bits[below(rng, ARRAY_SIZE(cr0_bits))];
	case 3:
		return chance(rng, 80) ? scene_cr3(PAGED + below(rng, 3)) + (below(rng, 4) << 3) :
					 random_number(rng);
	case 4:
		return c->cr4 ^ 1ull << below(rng, chance(rng, 90) ? 24 : 64);
	case 8:
		return below(rng, 18);
	}
	return random_number(rng);
}

static u64 choose_dr_value(struct rng *rng)
{
	/* No breakpoints: whether they match is not what is asked here. */
	return (chance(rng, 80) ? rnd(rng) & 0xffffffff : rnd(rng)) & ~0xffull;
}

static void prepare_system(struct encoder *e, struct mode_case *c)
{
	int (*exec)(struct x86_emulate_ctxt *c) = e->leaf->row->exec;
	unsigned int reg = (e->rm & 7) | (e->rex & REX_B ? 8 : 0);
	struct rng *rng = e->rng;
	u64 *regs = c->t.regs;

	if (exec == emul_rdmsr || exec == emul_wrmsr) {
		regs[X86_RCX] = choose_msr(rng);
		regs[X86_RDX] = chance(rng, 70) ? 0 : rnd(rng) & 0xffffffff;
		regs[X86_RAX] = chance(rng, 50) ? code_offset(rng) : rnd(rng) & 0xffffffff;
	}
	/* A step goes on if the flags say so. */
	if (exec == emul_sysret)
		regs[X86_R11] |= X86_EFLAGS_TF;
	if (exec == emul_in || exec == emul_out || exec == emul_ins || exec == emul_outs)
		regs[X86_RDX] = (regs[X86_RDX] & ~0xffffull) | below(rng, 0x210);
	if (exec == emul_mov_to_cr)
		regs[reg] = choose_cr_value(rng, c, e->reg | (e->rex & REX_R ? 8 : 0));
	if (exec == emul_mov_to_dr)
		regs[reg] = choose_dr_value(rng);
	if (c->kind != KIND_64)
		regs[reg] = (u32)regs[reg];
}

/* ------------------------------------------------------------------------
 * Rows
 */

static bool is_system(const struct x86_opcode *row)
{
	static int (*const rows[])(struct x86_emulate_ctxt *c) = {
		emul_jmp_far, emul_call_far, emul_jmp_far_mem, emul_call_far_mem, emul_ret_far,
		emul_iret, emul_int, emul_int1, emul_into, emul_bound, emul_mov_to_sreg,
		emul_pop_sreg, emul_load_far_pointer, emul_lldt, emul_ltr, emul_lar, emul_lsl,
		emul_verr, emul_verw, emul_arpl, emul_mov_to_cr, emul_mov_from_cr,
		emul_mov_to_dr, emul_mov_from_dr, emul_lmsw, emul_smsw, emul_clts, emul_lgdt,
		emul_lidt, emul_sgdt, emul_sidt, emul_sldt, emul_str, emul_invlpg, emul_rdmsr,
		emul_wrmsr, emul_syscall, emul_sysret, emul_sysenter, emul_sysexit,
		emul_swapgs, emul_popf, emul_pushf, emul_cli, emul_sti, emul_in, emul_out,
		emul_ins, emul_outs, emul_hlt, emul_enter, emul_pusha, emul_popa,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (row->exec == rows[i])
			return true;
	return false;
}

static bool is_for(const struct x86_opcode *row, const struct mode_case *c)
{
	if ((row->flags & I64) && c->kind == KIND_64)
		return false;
	if ((row->flags & PROT) && c->kind <= KIND_VM86)
		return false;
	return !(row->flags & VEXONLY);
}

static const struct leaf *choose_row(struct rng *rng, const struct mode_case *c)
{
	bool system = chance(rng, 50), odd = chance(rng, 5);
	const struct leaf *leaf;

	do {
		leaf = generate_row(below(rng, generate_nr_rows()));
	} while (!odd && ((system && !is_system(leaf->row)) || !is_for(leaf->row, c)));
	return leaf;
}

static void choose_mode(struct rng *rng, struct mode_case *c)
{
	unsigned int world, kind, cpl;

	do {
		world = below(rng, NR_WORLDS);
		kind = below(rng, NR_KINDS);
		cpl = chance(rng, 70) ? 3 * below(rng, 2) : below(rng, 4);
	} while (!mode_exists(world, kind, cpl));
	mode_defaults(rng, c, world, kind, cpl);
}

static struct encoder choose_instruction(struct rng *rng, struct mode_case *c)
{
	unsigned int mode = case_mode(c);
	struct encoder e;

	this = c;
	e = (struct encoder){
		.rng = rng, .t = &c->t, .leaf = choose_row(rng, c), .around = &guest,
		.mode = mode < X86_MODE_PROT32 ? X86_MODE_PROT16 : mode,
		.moffs = target(rng, c), .far_offset = code_offset(rng),
		.far_selector = chance(rng, 50) ? fit_code_selector(rng) : any_selector(rng),
	};
	encode(&e);
	return e;
}

unsigned int choose_bytes(struct rng *rng, const struct mode_case *c, u8 bytes[CASE_CODE])
{
	struct mode_case other = *c;

	other.t.len = 0;
	choose_instruction(rng, &other);
	memcpy(bytes, other.t.code, other.t.len);
	return other.t.len;
}

void choose_case(struct rng *rng, struct mode_case *c)
{
	struct encoder e;
	unsigned int i;

	choose_mode(rng, c);
	choose_registers(rng, c);
	e = choose_instruction(rng, c);
	place_code(rng, c);
	prepare_operands(&e);
	/* A trap of its own is for few cases. */
	if (chance(rng, 80))
		c->t.rflags &= ~(u64)X86_EFLAGS_TF;
	prepare_system(&e, c);
	/* What lies above 32 bits shows in 64-bit mode alone. */
	for (i = 0; i < 16 && c->kind != KIND_64; i++)
		c->t.regs[i] = (u32)c->t.regs[i];
}

/* ------------------------------------------------------------------------
 * As text
 */

void mode_case_print(const struct mode_case *c, char *line, unsigned int size)
{
	int n = snprintf(line, size, "%u:%u:%u:%u:%u:%llx:%llx:%llx:%llx ", c->world, c->kind,
			 c->cpl, c->idt, c->tss16, (unsigned long long)c->cr0,
			 (unsigned long long)c->cr4, (unsigned long long)c->efer,
			 (unsigned long long)c->dr7);

	case_print(&c->t, line + n, size - n);
}

bool mode_case_parse(struct mode_case *c, const char *line)
{
	unsigned int world, kind, cpl, idt, tss16;
	unsigned long long cr0, cr4, efer, dr7;
	int n = 0;

	memset(c, 0, sizeof(*c));
	if (sscanf(line, "%u:%u:%u:%u:%u:%llx:%llx:%llx:%llx %n", &world, &kind, &cpl, &idt,
		   &tss16, &cr0, &cr4, &efer, &dr7, &n) != 9)
		return false;
	if (world >= NR_WORLDS || kind >= NR_KINDS || cpl > 3 || !mode_exists(world, kind, cpl))
		return false;
	*c = (struct mode_case){ .world = world, .kind = kind, .cpl = cpl, .idt = idt,
				 .tss16 = tss16, .cr0 = cr0, .cr4 = cr4, .efer = efer,
				 .dr7 = dr7 };
	return case_parse(&c->t, line + n);
}
