// SPDX-License-Identifier: GPL-2.0
/*
 * The emulator's callbacks on a struct machine: see machine.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <cpuid.h>
#include "machine.h"

static struct machine *to_machine(struct x86_emulate_ctxt *c)
{
	return (struct machine *)c;
}

/* ------------------------------------------------------------------------
 * Memory
 */

void machine_map(struct machine *m, u64 base, u64 size, u8 *mem, unsigned int rights)
{
	if (m->nr_regions == MAX_REGIONS)
		abort();
	m->region[m->nr_regions++] = (struct region){ base, size, mem, rights };
}

static struct region *find_region(struct machine *m, u64 la)
{
	unsigned int i;

	for (i = 0; i < m->nr_regions; i++)
		if (la - m->region[i].base < m->region[i].size)
			return &m->region[i];
	return NULL;
}

u8 *machine_memory(struct machine *m, u64 la, unsigned int len)
{
	struct region *region = find_region(m, la);

	if (!region || la - region->base + len > region->size || !region->mem)
		return NULL;
	return region->mem + (la - region->base);
}

/* X86_OK if the page rights at @la allow @acc, else the page fault. */
static int check_rights(struct machine *m, u64 la, unsigned int acc)
{
	struct region *region = find_region(m, la);
	unsigned int rights = region ? region->rights : 0;
	u32 error = (rights & PAGE_P ? 1 : 0) | (acc & X86_ACC_WRITE ? 2 : 0) |
		    (acc & X86_ACC_USER ? 4 : 0) | (acc & X86_ACC_FETCH ? 16 : 0);

	if (!(rights & PAGE_P) || ((acc & X86_ACC_WRITE) && !(rights & PAGE_W)) ||
	    ((acc & X86_ACC_USER) && !(rights & PAGE_U)) ||
	    ((acc & X86_ACC_FETCH) && !(rights & PAGE_X)))
		return x86_emulate_page_fault(&m->c, la, error);
	return X86_OK;
}

/* Both pages of an access, before anything happens. */
static int check_range(struct machine *m, u64 la, unsigned int len, unsigned int acc)
{
	u64 last = la + len - 1;
	int r = check_rights(m, la, acc);

	if (m->force && !m->force_after--) {
		r = m->force;
		m->force = 0;
		return r;
	}
	if (r == X86_OK && (la ^ last) >> 12)
		r = check_rights(m, last & ~0xfffull, acc);
	if (m->on_access)
		m->on_access(m, la, len);
	return r;
}

static void log_access(struct machine *m, struct log_entry entry)
{
	if (m->nr_log < MAX_LOG)
		m->log[m->nr_log++] = entry;
}

/* A device's answer: X86_IO until machine_answer(), then the same again at each replay. */
static int device_read(struct machine *m, u64 *val)
{
	if (m->asked < m->answered || m->answer_io) {
		*val = m->asked < MAX_REPLAY ? m->replay[m->asked] : 0;
		m->asked++;
		return X86_OK;
	}
	return X86_IO;
}

void machine_answer(struct machine *m)
{
	if (m->answered < MAX_REPLAY)
		m->replay[m->answered] = m->input++;
	m->answered++;
	m->asked = 0;
}

static int read_byte(struct machine *m, u64 la, u8 *byte)
{
	struct region *region = find_region(m, la);

	*byte = region->mem ? region->mem[la - region->base] : 0;
	return X86_OK;
}

static int machine_read(struct x86_emulate_ctxt *c, u64 la, void *buf, unsigned int len,
			unsigned int acc)
{
	struct machine *m = to_machine(c);
	struct region *region;
	unsigned int i;
	u64 val;
	int r;

	if (!len || len > 64)
		abort();
	region = find_region(m, la);
	r = check_range(m, la, len, acc);
	if (r != X86_OK)
		return r;
	if (region->rights & PAGE_MMIO) {
		memset(buf, 0, len);
		r = device_read(m, &val);
		memcpy(buf, &val, len < 8 ? len : 8);
		return r;
	}
	for (i = 0; i < len; i++)
		read_byte(m, la + i, (u8 *)buf + i);
	return X86_OK;
}

static void write_bytes(struct machine *m, u64 la, const u8 *buf, unsigned int len)
{
	struct region *region;
	unsigned int i;
	u64 val = 0;

	region = find_region(m, la);
	if (region->rights & PAGE_MMIO) {
		memcpy(&val, buf, len < 8 ? len : 8);
		log_access(m, (struct log_entry){ LOG_MMIO_WRITE, la, val, len, 1 });
		return;
	}
	for (i = 0; i < len; i++) {
		region = find_region(m, la + i);
		if (region->mem)
			region->mem[la + i - region->base] = buf[i];
	}
	if (m->on_write)
		m->on_write(m, la, len);
}

static int machine_write(struct x86_emulate_ctxt *c, u64 la, const void *buf,
			 unsigned int len, unsigned int acc)
{
	struct machine *m = to_machine(c);
	int r;

	if (!len || len > 64 || !(acc & X86_ACC_WRITE))
		abort();
	r = check_range(m, la, len, acc);
	if (r != X86_OK)
		return r;
	m->nr_writes += !(acc & X86_ACC_SYSTEM);
	write_bytes(m, la, buf, len);
	return X86_OK;
}

static int machine_cmpxchg(struct x86_emulate_ctxt *c, u64 la, const void *old,
			   const void *new, unsigned int len, unsigned int acc)
{
	struct machine *m = to_machine(c);
	struct region *region = find_region(m, la);
	unsigned int i;
	u8 byte;
	int r;

	if ((len & (len - 1)) || !len || len > 16 || !(acc & X86_ACC_WRITE))
		abort();
	if (m->on_locked)
		m->on_locked(m, la, len);
	r = check_range(m, la, len, acc);
	if (r != X86_OK)
		return r;
	for (i = 0; i < len && !(region->rights & PAGE_MMIO); i++) {
		read_byte(m, la + i, &byte);
		if (byte != ((const u8 *)old)[i])
			return X86_RETRY;
	}
	m->nr_writes += !(acc & X86_ACC_SYSTEM);
	write_bytes(m, la, new, len);
	return X86_OK;
}

static int machine_probe(struct x86_emulate_ctxt *c, u64 la, unsigned int len,
			 unsigned int acc)
{
	if (!len || len > 4096)
		abort();
	return check_range(to_machine(c), la, len, acc);
}

/* ------------------------------------------------------------------------
 * Registers
 */

static void machine_get_seg(struct x86_emulate_ctxt *c, enum x86_sreg sreg,
			    struct x86_seg *seg)
{
	*seg = to_machine(c)->seg[sreg];
}

static void machine_set_seg(struct x86_emulate_ctxt *c, enum x86_sreg sreg,
			    const struct x86_seg *seg)
{
	to_machine(c)->seg[sreg] = *seg;
}

static u64 *msr_slot(struct machine *m, u32 index)
{
	unsigned int i;

	for (i = 0; i < m->nr_msrs; i++)
		if (m->msr[i].index == index)
			return &m->msr[i].val;
	return NULL;
}

void machine_set_msr(struct machine *m, u32 index, u64 val)
{
	u64 *slot = msr_slot(m, index);

	if (!slot) {
		if (m->nr_msrs == MAX_MSRS)
			abort();
		m->msr[m->nr_msrs].index = index;
		slot = &m->msr[m->nr_msrs++].val;
	}
	*slot = val;
}

u64 machine_msr(struct machine *m, u32 index)
{
	u64 *slot = msr_slot(m, index);

	return slot ? *slot : 0;
}

static u64 *reg_slot(struct machine *m, u64 reg)
{
	if (reg & X86_REG_MSR)
		return msr_slot(m, (u32)reg);
	switch (reg) {
	case X86_REG_CR0: return &m->cr0;
	case X86_REG_CR2: return &m->cr2;
	case X86_REG_CR3: return &m->cr3;
	case X86_REG_CR4: return &m->cr4;
	case X86_REG_CR8: return &m->cr8;
	case X86_REG_DR0 ... X86_REG_DR3:
	case X86_REG_DR6: case X86_REG_DR7: return &m->dr[reg - X86_REG_DR0];
	case X86_REG_XCR0: return &m->xcr0;
	case X86_REG_EFER: return &m->efer;
	case X86_REG_GDTR_BASE: return &m->gdtr_base;
	case X86_REG_GDTR_LIMIT: return &m->gdtr_limit;
	case X86_REG_IDTR_BASE: return &m->idtr_base;
	case X86_REG_IDTR_LIMIT: return &m->idtr_limit;
	}
	return NULL;
}

static int machine_get_reg(struct x86_emulate_ctxt *c, u64 reg, u64 *val)
{
	u64 *slot = reg_slot(to_machine(c), reg);

	if (!slot) {
		if (!(reg & X86_REG_MSR))
			abort();
		return X86_FAULT;
	}
	*val = *slot;
	return X86_OK;
}

static int machine_set_reg(struct x86_emulate_ctxt *c, u64 reg, u64 val)
{
	struct machine *m = to_machine(c);
	u64 *slot = reg_slot(m, reg);

	if (!slot) {
		if (!(reg & X86_REG_MSR))
			abort();
		return X86_FAULT;
	}
	/* Stands for PDPTEs that cannot be loaded. */
	if (reg == X86_REG_CR3 && (val & 0xffffffff) == 0xbad000)
		return X86_FAULT;
	log_access(m, (struct log_entry){ LOG_SET_REG, reg, val, 8, 1 });
	*slot = val;
	/* EFER.LMA follows CR0.PG */
	if (reg == X86_REG_CR0) {
		m->efer &= ~EFER_LMA_BIT;
		if ((m->efer & EFER_LME_BIT) && (val & X86_CR0_PG))
			m->efer |= EFER_LMA_BIT;
	}
	return X86_OK;
}

/* ------------------------------------------------------------------------
 * Devices, CPUID, system operations
 */

static int machine_io(struct x86_emulate_ctxt *c, bool in, u16 port, unsigned int size,
		      void *buf, unsigned int *count)
{
	struct machine *m = to_machine(c);
	unsigned int i;
	u64 val = 0;
	int r;

	if (!*count || *count * size > X86_BUFFER_BYTES)
		abort();
	if (!in) {
		memcpy(&val, buf, *count * size < 8 ? *count * size : 8);
		log_access(m, (struct log_entry){ LOG_OUT, port, val, size, *count });
		return X86_OK;
	}
	r = device_read(m, &val);
	if (r != X86_OK)
		return r;
	/* The first element is the answer, the next ones count up from it. */
	for (i = 0; i < *count; i++) {
		u64 element = val + i;

		memcpy((u8 *)buf + i * size, &element, size);
	}
	log_access(m, (struct log_entry){ LOG_IN, port, val, size, *count });
	return X86_OK;
}

void machine_set_cpuid(struct machine *m, u32 leaf, u32 eax, u32 ebx, u32 ecx, u32 edx)
{
	u32 regs[4] = { eax, ebx, ecx, edx };
	unsigned int i;

	for (i = 0; i < m->nr_cpuids; i++)
		if (m->cpuid[i].leaf == leaf)
			break;
	if (i == ARRAY_SIZE(m->cpuid))
		abort();
	m->cpuid[i].leaf = leaf;
	memcpy(m->cpuid[i].regs, regs, sizeof(regs));
	if (i == m->nr_cpuids)
		m->nr_cpuids++;
	m->c.cpuid_valid = false;
}

/* The host's CPUID, asked once: below a hypervisor each time is an exit. */
static void host_cpuid(u32 leaf, u32 subleaf, u32 regs[4])
{
	static struct { u32 leaf, subleaf, regs[4]; } known[16];
	static unsigned int nr_known;
	unsigned int i;

	for (i = 0; i < nr_known; i++) {
		if (known[i].leaf == leaf && known[i].subleaf == subleaf) {
			memcpy(regs, known[i].regs, sizeof(known[i].regs));
			return;
		}
	}
	__cpuid_count(leaf, subleaf, regs[0], regs[1], regs[2], regs[3]);
	if (nr_known == ARRAY_SIZE(known))
		return;
	known[nr_known].leaf = leaf;
	known[nr_known].subleaf = subleaf;
	memcpy(known[nr_known++].regs, regs, sizeof(known[0].regs));
}

static void machine_cpuid(struct x86_emulate_ctxt *c, u32 leaf, u32 subleaf, u32 regs[4])
{
	struct machine *m = to_machine(c);
	unsigned int i;

	for (i = 0; i < m->nr_cpuids; i++) {
		if (m->cpuid[i].leaf == leaf) {
			memcpy(regs, m->cpuid[i].regs, sizeof(m->cpuid[i].regs));
			return;
		}
	}
	host_cpuid(leaf, subleaf, regs);
}

void machine_feature(struct machine *m, u32 leaf, unsigned int reg, unsigned int bit, bool on)
{
	u32 regs[4];

	machine_cpuid(&m->c, leaf, 0, regs);
	regs[reg] = on ? regs[reg] | 1u << bit : regs[reg] & ~(1u << bit);
	machine_set_cpuid(m, leaf, regs[0], regs[1], regs[2], regs[3]);
}

static int machine_system(struct x86_emulate_ctxt *c, enum x86_system_op op, u64 *arg)
{
	struct machine *m = to_machine(c);

	log_access(m, (struct log_entry){ LOG_SYSTEM, op, *arg, 8, 1 });
	switch (op) {
	case X86_SYS_RDTSC:
		*arg = m->tsc;
		break;
	case X86_SYS_RDPMC:
		if (*arg > 3)
			return X86_FAULT;
		*arg = 0x123456789aull + *arg;
		break;
	case X86_SYS_RDRAND:
	case X86_SYS_RDSEED:
		*arg = m->random;
		return m->no_random ? X86_RETRY : X86_OK;
	case X86_SYS_HYPERCALL:
		c->regs[X86_RAX] = ~c->regs[X86_RAX];
		break;
	default:
		break;
	}
	return X86_OK;
}

/* ------------------------------------------------------------------------
 * FPU and vector registers, kept as an FXSAVE64 image
 */

u8 *machine_xmm(struct machine *m, unsigned int reg)
{
	return m->fx + 160 + 16 * reg;
}

u8 *machine_mm(struct machine *m, unsigned int reg)
{
	return m->fx + 32 + 16 * reg;
}

static u16 *fx_u16(struct machine *m, unsigned int offset)
{
	return (u16 *)(m->fx + offset);
}

static u32 *fx_u32(struct machine *m, unsigned int offset)
{
	return (u32 *)(m->fx + offset);
}

/* MMn is the x87 register n, whatever TOP; the image has them from TOP on. */
static unsigned int mm_slot(struct machine *m, unsigned int reg)
{
	return (reg - (*fx_u16(m, 2) >> 11)) & 7;
}

static void enter_mmx(struct machine *m)
{
	u8 rotated[8][16];
	unsigned int i;

	for (i = 0; i < 8; i++)
		memcpy(rotated[i], machine_mm(m, mm_slot(m, i)), 16);
	memcpy(machine_mm(m, 0), rotated, sizeof(rotated));
	*fx_u16(m, 2) &= ~0x3800;
	m->fx[4] = 0xff;
}

static void update_summary(struct machine *m)
{
	u16 cw = *fx_u16(m, 0), *sw = fx_u16(m, 2);

	*sw &= ~0x8080;
	if (*sw & ~cw & 0x3f)
		*sw |= 0x8080;
}

static void fninit(struct machine *m)
{
	*fx_u16(m, 0) = 0x37f;
	*fx_u16(m, 2) = 0;
	memset(m->fx + 4, 0, 20);
}

static int machine_fpu(struct x86_emulate_ctxt *c, enum x86_fpu_op op, unsigned int reg,
		       void *buf)
{
	struct machine *m = to_machine(c);

	switch (op) {
	case X86_FPU_READ_VEC:
		memcpy(buf, machine_xmm(m, reg), 16);
		memcpy((u8 *)buf + 16, m->ymm_high[reg], 16);
		break;
	case X86_FPU_WRITE_YMM:
		memcpy(m->ymm_high[reg], (u8 *)buf + 16, 16);
		fallthrough;
	case X86_FPU_WRITE_XMM:
		memcpy(machine_xmm(m, reg), buf, 16);
		break;
	case X86_FPU_READ_MM:
		memcpy(buf, machine_mm(m, mm_slot(m, reg)), 8);
		break;
	case X86_FPU_WRITE_MM:
		memcpy(machine_mm(m, mm_slot(m, reg)), buf, 8);
		memset(machine_mm(m, mm_slot(m, reg)) + 8, 0xff, 2);
		break;
	case X86_FPU_ENTER_MMX:
		enter_mmx(m);
		break;
	case X86_FPU_FNINIT:
		fninit(m);
		break;
	case X86_FPU_FNCLEX:
		*fx_u16(m, 2) &= ~0x80ff;
		break;
	case X86_FPU_GET_CW:
		memcpy(buf, fx_u16(m, 0), 2);
		break;
	case X86_FPU_SET_CW:
		memcpy(fx_u16(m, 0), buf, 2);
		update_summary(m);
		break;
	case X86_FPU_GET_SW:
		memcpy(buf, fx_u16(m, 2), 2);
		break;
	case X86_FPU_GET_MXCSR:
		memcpy(buf, fx_u32(m, 24), 4);
		break;
	case X86_FPU_SET_MXCSR:
		memcpy(fx_u32(m, 24), buf, 4);
		break;
	case X86_FPU_GET_MXCSR_MASK:
		memcpy(buf, fx_u32(m, 28), 4);
		break;
	case X86_FPU_FXSAVE:
		memcpy(buf, m->fx, 512);
		break;
	case X86_FPU_FXRSTOR:
		memcpy(m->fx, buf, 416);
		update_summary(m);
		break;
	}
	return X86_OK;
}

/* ------------------------------------------------------------------------ */

const struct x86_emulate_ops machine_ops = {
	.read = machine_read,
	.write = machine_write,
	.cmpxchg = machine_cmpxchg,
	.probe = machine_probe,
	.get_seg = machine_get_seg,
	.set_seg = machine_set_seg,
	.get_reg = machine_get_reg,
	.set_reg = machine_set_reg,
	.io = machine_io,
	.cpuid = machine_cpuid,
	.system = machine_system,
	.fpu = machine_fpu,
};

/* A machine after reset in spirit: real mode, flat segments at 0, FPU initialised. */
void machine_init(struct machine *m)
{
	unsigned int i;

	memset(m, 0, sizeof(*m));
	m->c.ops = &machine_ops;
	m->c.rflags = X86_EFLAGS_FIXED;
	for (i = 0; i < 8; i++)
		m->seg[i] = (struct x86_seg){ .limit = 0xffff, .ar = 0x93 };
	m->seg[X86_CS].ar = 0x9b;
	m->seg[X86_TR] = (struct x86_seg){ .limit = 0xffff, .ar = 0x8b };
	m->seg[X86_LDTR].ar = X86_AR_UNUSABLE;
	m->cr0 = X86_CR0_ET;
	m->gdtr_limit = 0xffff;
	m->idtr_limit = 0xffff;
	m->dr[6] = 0xffff0ff0;
	m->dr[7] = 0x400;
	m->xcr0 = 1;
	fninit(m);
	*fx_u32(m, 24) = 0x1f80;
	*fx_u32(m, 28) = 0xffff;
	x86_emulate_set_mode(&m->c);
}

int machine_step(struct machine *m)
{
	int r;

	m->asked = 0;
	m->answered = 0;
	while ((r = x86_emulate(&m->c, NULL, 0)) == X86_IO)
		machine_answer(m);
	return r;
}
