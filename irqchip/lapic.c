// SPDX-License-Identifier: GPL-2.0
/*
 * lapic.c - the local APIC's registers: through the page at APICBASE (xAPIC),
 * through MSRs (x2APIC), through the ioctls; and what the run loop asks of it
 * before each entry.
 *
 * Owns: struct kvm_lapic, but for the timer and the messages.  Everything
 * here runs in the vCPU's own thread, or under vcpu->mutex.
 * Trusts: nothing of the guest's; each register is a row of lapic_regs[],
 * which says who may read and write it and which bits exist.
 *
 * Manual: SDM vol. 3, "Advanced Programmable Interrupt Controller (APIC)".
 * Read next: lapic.h for the locking rules, lapic_msg.c, lapic_timer.c.
 */
#include <linux/nospec.h>
#include <linux/slab.h>
#include <asm/cpufeatures.h>
#include "lapic.h"

/* xAPIC with six LVT entries; SDM, "Local APIC Version Register". */
#define LAPIC_VERSION		(0x14 | (LAPIC_LVT_ENTRIES - 1) << 16)

#define LVT_STATUS		APIC_SEND_PENDING	/* read-only, idle */
#define LVT_LOCAL		(APIC_LVT_MASKED | APIC_VECTOR_MASK)
#define LVT_WITH_MODE		(LVT_LOCAL | APIC_MODE_MASK)
#define LVT_LINT		(LVT_WITH_MODE | APIC_INPUT_POLARITY | \
				 APIC_LVT_LEVEL_TRIGGER)

/* Access through MMIO and through MSRs differs. */
enum { RD = 1, WR = 2, XRD = 4, XWR = 8, RW = RD | WR, XRW = XRD | XWR };

static const struct {
	u8 access;
	u32 mask;		/* bits that can be written */
	u32 ignored;		/* read-only bits: written for nothing, no #GP */
} lapic_regs[LAPIC_NR_REGS] = {
#define REG(offset)	[(offset) >> 4]
	REG(APIC_ID)		= { RW | XRD, 0xff000000 },
	REG(APIC_LVR)		= { RD | XRD },
	REG(APIC_TASKPRI)	= { RW | XRW, APIC_TPRI_MASK },
	REG(APIC_ARBPRI)	= { RD },
	REG(APIC_PROCPRI)	= { RD | XRD },
	REG(APIC_EOI)		= { WR | XWR, 0 },
	REG(APIC_RRR)		= { RD },
	REG(APIC_LDR)		= { RW | XRD, APIC_LDR_MASK },
	REG(APIC_DFR)		= { RW, 0xf0000000 },
	REG(APIC_SPIV)		= { RW | XRW, 0x3ff },	/* and see below */
	[APIC_ISR >> 4 ... (APIC_ISR >> 4) + 7] = { RD | XRD },
	[APIC_TMR >> 4 ... (APIC_TMR >> 4) + 7] = { RD | XRD },
	[APIC_IRR >> 4 ... (APIC_IRR >> 4) + 7] = { RD | XRD },
	REG(APIC_ESR)		= { RW | XRW, 0 },
	REG(APIC_ICR)		= { RW | XRW, 0xccfff & ~APIC_ICR_BUSY,
				    APIC_ICR_BUSY },
	REG(APIC_ICR2)		= { RW, 0xff000000 },
	REG(APIC_LVTT)		= { RW | XRW, LVT_LOCAL | LVT_TIMER_MODE,
				    LVT_STATUS },
	REG(APIC_LVTTHMR)	= { RW | XRW, LVT_WITH_MODE, LVT_STATUS },
	REG(APIC_LVTPC)		= { RW | XRW, LVT_WITH_MODE, LVT_STATUS },
	REG(APIC_LVT0)		= { RW | XRW, LVT_LINT,
				    LVT_STATUS | APIC_LVT_REMOTE_IRR },
	REG(APIC_LVT1)		= { RW | XRW, LVT_LINT,
				    LVT_STATUS | APIC_LVT_REMOTE_IRR },
	REG(APIC_LVTERR)	= { RW | XRW, LVT_LOCAL, LVT_STATUS },
	REG(APIC_TMICT)		= { RW | XRW, 0xffffffff },
	REG(APIC_TMCCT)		= { RD | XRD },
	REG(APIC_TDCR)		= { RW | XRW, 0xb },
	REG(APIC_SELF_IPI)	= { XWR, APIC_VECTOR_MASK },
#undef REG
};

static const u16 lapic_lvts[LAPIC_LVT_ENTRIES] = {
	APIC_LVTT, APIC_LVTTHMR, APIC_LVTPC, APIC_LVT0, APIC_LVT1, APIC_LVTERR,
};

static_assert(sizeof(struct kvm_lapic_state) == 0x400);
static_assert(LAPIC_NR_REGS == 64);

/* ------------------------------------------------------------------------
 * Priorities and EOI
 */

/* SDM, "Task and Processor Priorities". */
static void update_ppr(struct kvm_lapic *apic)
{
	u32 tpr = lapic_reg(apic, APIC_TASKPRI);
	u32 isr = apic->isr_top < 0 ? 0 : apic->isr_top & 0xf0;
	u8 ppr = (tpr & 0xf0) >= isr ? tpr : isr;
	u8 old = apic->ppr;

	if (ppr == old)
		return;
	WRITE_ONCE(apic->ppr, ppr);
	if (ppr < old && READ_ONCE(apic->irr_pending))
		vcpu_request(apic->vcpu, KVM_REQ_EVENT);
}

static void set_tpr(struct kvm_lapic *apic, u32 tpr)
{
	if (tpr == lapic_reg(apic, APIC_TASKPRI))
		return;
	lapic_set_reg(apic, APIC_TASKPRI, tpr);
	update_ppr(apic);
}

static void eoi(struct kvm_lapic *apic)
{
	int vector = apic->isr_top;

	if (vector < 0)
		return;		/* the end of a spurious interrupt */
	__clear_bit(vector, apic->isr);
	apic->isr_top = lapic_top(apic->isr);
	update_ppr(apic);
	ioapic_eoi(apic->vcpu->kvm, vector, test_bit(vector, apic->tmr));
}

/* ------------------------------------------------------------------------
 * What the run loop asks
 */

/* IRR's highest vector, if its class is above the processor's priority. */
static int deliverable_vector(struct kvm_lapic *apic)
{
	int vector = lapic_top(apic->irr);

	return vector >> 4 > apic->ppr >> 4 ? vector : -1;
}

int irq_pending(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->apic;

	if (!apic)
		return -1;
	/* The 8259s' interrupts are not subject to the APIC's priorities. */
	if (unlikely(pic_output(vcpu->kvm)) && lapic_accepts_pic(vcpu))
		return pic_peek_irq(vcpu->kvm);
	if (!READ_ONCE(apic->irr_pending) || !apic->hw_enabled)
		return -1;
	return deliverable_vector(apic);
}

/*
 * IRR lost bits.  Others set a bit, then the flag; we clear the flag, then
 * look at the bits once more: one of the two sees the other.
 */
static void update_irr_pending(struct kvm_lapic *apic)
{
	if (lapic_top(apic->irr) >= 0)
		return;
	WRITE_ONCE(apic->irr_pending, false);
	smp_mb();
	if (lapic_top(apic->irr) >= 0)
		WRITE_ONCE(apic->irr_pending, true);
}

/* IRR -> ISR. */
static void ack_vector(struct kvm_lapic *apic, int vector)
{
	clear_bit(vector, apic->irr);
	update_irr_pending(apic);
	__set_bit(vector, apic->isr);
	apic->isr_top = vector;
	update_ppr(apic);
}

int irq_ack(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->apic;
	int vector;

	if (!apic)
		return -1;
	if (unlikely(pic_output(vcpu->kvm)) && lapic_accepts_pic(vcpu)) {
		WRITE_ONCE(apic->extint, false);
		return pic_read_irq(vcpu->kvm);
	}
	if (!READ_ONCE(apic->irr_pending) || !apic->hw_enabled)
		return -1;
	vector = deliverable_vector(apic);
	if (vector >= 0)
		ack_vector(apic, vector);
	return vector;
}

int lapic_highest_irr(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->apic;

	if (!apic || !READ_ONCE(apic->irr_pending) || !apic->hw_enabled)
		return -1;
	return lapic_top(apic->irr);
}

u8 lapic_tpr_blocks(struct kvm_vcpu *vcpu, u8 cr8)
{
	int irr = lapic_highest_irr(vcpu);

	return irr >= 0 && irr >> 4 <= cr8 ? irr >> 4 : 0;
}

/* A disabled APIC lets LINT0 through as the processor's INTR pin. */
bool lapic_accepts_pic(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->apic;
	u32 lvt0;

	if (READ_ONCE(apic->extint) || !READ_ONCE(apic->hw_enabled))
		return true;
	lvt0 = lapic_reg(apic, APIC_LVT0);
	return (lvt0 & (APIC_LVT_MASKED | APIC_MODE_MASK)) == APIC_DM_EXTINT;
}

u64 lapic_get_cr8(struct kvm_vcpu *vcpu)
{
	return lapic_reg(vcpu->apic, APIC_TASKPRI) >> 4;
}

void lapic_set_cr8(struct kvm_vcpu *vcpu, u64 cr8)
{
	set_tpr(vcpu->apic, (cr8 & 15) << 4);
}

/* ------------------------------------------------------------------------
 * Registers, the same for MMIO and MSRs.  Offsets are multiples of 16.
 */

static u32 read_bitmap(const unsigned long *map, unsigned int offset)
{
	unsigned int bit = (offset >> 4 & 7) * 32;

	return READ_ONCE(map[bit / BITS_PER_LONG]) >> (bit % BITS_PER_LONG);
}

static u32 read_reg(struct kvm_lapic *apic, unsigned int offset)
{
	switch (offset) {
	case APIC_ID:
		return apic->x2apic ? apic->id : apic->id << 24;
	case APIC_LVR:
		return LAPIC_VERSION;
	case APIC_PROCPRI:
		return apic->ppr;
	case APIC_LDR:
		return apic->x2apic ? lapic_x2apic_ldr(apic->id) :
				      lapic_reg(apic, APIC_LDR);
	case APIC_ISR ... APIC_ISR + 0x70:
		return read_bitmap(apic->isr, offset);
	case APIC_TMR ... APIC_TMR + 0x70:
		return read_bitmap(apic->tmr, offset);
	case APIC_IRR ... APIC_IRR + 0x70:
		return read_bitmap(apic->irr, offset);
	case APIC_TMCCT:
		return lapic_timer_count(apic);
	default:
		return lapic_reg(apic, offset);
	}
}

static u32 lvt_defined_bits(unsigned int offset)
{
	return lapic_regs[offset >> 4].mask | lapic_regs[offset >> 4].ignored;
}

static u32 writable_bits(struct kvm_lapic *apic, unsigned int offset)
{
	u32 mask = lapic_regs[offset >> 4].mask;

	if (offset == APIC_LVTT &&
	    !guest_has(apic->vcpu, X86_FEATURE_TSC_DEADLINE_TIMER))
		mask &= ~APIC_LVT_TIMER_TSCDEADLINE;
	return mask;
}

static void write_lvt(struct kvm_lapic *apic, unsigned int offset, u32 val)
{
	if (!apic->sw_enabled)
		val |= APIC_LVT_MASKED;
	if (offset == APIC_LVTT) {
		lapic_timer_set_mode(apic, val);
		return;
	}
	lapic_set_reg(apic, offset, val);
	if (offset == APIC_LVT0)	/* may let the 8259s through now */
		vcpu_request(apic->vcpu, KVM_REQ_EVENT);
}

/* SDM, "Local APIC State After It Has Been Software Disabled". */
static void write_spiv(struct kvm_lapic *apic, u32 val)
{
	bool enable = val & APIC_SPIV_APIC_ENABLED;
	int i;

	lapic_set_reg(apic, APIC_SPIV, val);
	if (enable == apic->sw_enabled)
		return;
	WRITE_ONCE(apic->sw_enabled, enable);
	for (i = 0; !enable && i < LAPIC_LVT_ENTRIES; i++)
		lapic_set_reg(apic, lapic_lvts[i],
			      lapic_reg(apic, lapic_lvts[i]) | APIC_LVT_MASKED);
	vcpu_request(apic->vcpu, KVM_REQ_EVENT);
}

/* Vectors 0..15 cannot be sent (SDM, "Error Handling"). */
static bool vector_is_sendable(struct kvm_lapic *apic, u32 mode, u32 vector)
{
	if (vector >= 16 || (mode != APIC_DM_FIXED && mode != APIC_DM_LOWEST))
		return true;
	lapic_error(apic, APIC_ESR_SENDILL);
	return false;
}

static void send_ipi(struct kvm_lapic *apic)
{
	u32 icr = lapic_reg(apic, APIC_ICR), icr2 = lapic_reg(apic, APIC_ICR2);
	struct lapic_msg msg = {
		.dest = apic->x2apic ? icr2 : icr2 >> 24,
		.vector = icr & APIC_VECTOR_MASK,
		.delivery_mode = GET_APIC_DELIVERY_MODE(icr),
		.logical = icr & APIC_DEST_LOGICAL,
		.level = icr & APIC_INT_LEVELTRIG,
		.assert = icr & APIC_INT_ASSERT,
		.shorthand = icr >> 18 & 3,
	};

	/* Only INIT has a level; fixed IPIs are edges whatever is written. */
	if ((icr & APIC_MODE_MASK) != APIC_DM_INIT)
		msg.level = false;
	if (vector_is_sendable(apic, icr & APIC_MODE_MASK, msg.vector))
		lapic_deliver(apic->vcpu->kvm, apic->vcpu, &msg);
}

static void self_ipi(struct kvm_lapic *apic, u32 vector)
{
	struct lapic_msg msg = {
		.vector = vector, .assert = true, .shorthand = 1,
	};

	if (vector_is_sendable(apic, APIC_DM_FIXED, vector))
		lapic_deliver(apic->vcpu->kvm, apic->vcpu, &msg);
}

/* Logical or physical id of an xAPIC. */
static void write_address(struct kvm_lapic *apic, unsigned int offset, u32 val)
{
	if (val == read_reg(apic, offset))
		return;
	if (offset == APIC_ID)
		WRITE_ONCE(apic->id, val >> 24);
	else
		lapic_set_reg(apic, offset, val);
	lapic_map_update(apic->vcpu->kvm);
}

/* @val is reduced to what the register can hold, and access was checked. */
static void write_reg(struct kvm_lapic *apic, unsigned int offset, u32 val)
{
	switch (offset) {
	case APIC_TASKPRI:
		set_tpr(apic, val);
		break;
	case APIC_EOI:
		eoi(apic);
		break;
	case APIC_ID:
	case APIC_LDR:
		write_address(apic, offset, val);
		break;
	case APIC_DFR:
		write_address(apic, offset, val | 0x0fffffff);
		break;
	case APIC_SPIV:
		write_spiv(apic, val);
		break;
	case APIC_ESR:
		lapic_set_reg(apic, APIC_ESR, xchg(&apic->esr_pending, 0));
		break;
	case APIC_ICR:
		lapic_set_reg(apic, APIC_ICR, val);
		send_ipi(apic);
		break;
	case APIC_LVTT:
	case APIC_LVTTHMR:
	case APIC_LVTPC:
	case APIC_LVT0:
	case APIC_LVT1:
	case APIC_LVTERR:
		write_lvt(apic, offset, val);
		break;
	case APIC_TMICT:
		if (lapic_deadline_mode(apic))
			break;
		lapic_set_reg(apic, APIC_TMICT, val);
		lapic_timer_start(apic, val);
		break;
	case APIC_TDCR:
		lapic_set_reg(apic, APIC_TDCR, val);
		lapic_timer_set_divide(apic, val);
		break;
	case APIC_SELF_IPI:
		self_ipi(apic, val);
		break;
	default:
		lapic_set_reg(apic, offset, val);
		break;
	}
}

/* ------------------------------------------------------------------------
 * The register page
 */

/* 0: ours; 1: ours, but there is nothing behind it; else -EOPNOTSUPP. */
static int mmio_decode(struct kvm_lapic *apic, gpa_t gpa)
{
	u64 base;

	if (!apic)
		return -EOPNOTSUPP;
	base = apic->vcpu->apic_base & PAGE_MASK;
	if (gpa < base || gpa >= base + PAGE_SIZE)
		return -EOPNOTSUPP;
	if (apic->hw_enabled && !apic->x2apic)
		return 0;
	return 1;		/* a hole */
}

/* SDM, "Error Handling": no such register is an error; one way only is not. */
static bool mmio_access_ok(struct kvm_lapic *apic, unsigned int *offset,
			   u8 want)
{
	u8 access = 0;

	if (*offset < KVM_APIC_REG_SIZE) {
		*offset = array_index_nospec(*offset, KVM_APIC_REG_SIZE);
		access = lapic_regs[*offset >> 4].access;
	}
	if (!(access & RW))
		lapic_error(apic, APIC_ESR_ILLREGA);
	return access & want;
}

/*
 * SDM, "The Local APIC Block Diagram": registers are to be accessed by aligned
 * 32-bit loads and stores, all else is undefined.  Here, loads may touch a
 * part of the register; others read zero.
 */
int lapic_mmio_read(struct kvm_vcpu *vcpu, gpa_t gpa, int len, void *val)
{
	struct kvm_lapic *apic = vcpu->apic;
	unsigned int offset = gpa & ~PAGE_MASK, part = gpa & 15;
	int r = mmio_decode(apic, gpa);
	u32 reg;

	if (r < 0)
		return r;
	memset(val, r ? 0xff : 0, len);
	if (r || part + len > 4 || !mmio_access_ok(apic, &offset, RD))
		return 0;
	reg = read_reg(apic, offset & ~15u);
	memcpy(val, (u8 *)&reg + part, len);
	return 0;
}

/* As for loads, but stores of a part are ignored. */
int lapic_mmio_write(struct kvm_vcpu *vcpu, gpa_t gpa, int len, const void *val)
{
	struct kvm_lapic *apic = vcpu->apic;
	unsigned int offset = gpa & ~PAGE_MASK;
	int r = mmio_decode(apic, gpa);
	u32 reg;

	if (r < 0)
		return r;
	if (r || len != 4 || (offset & 15))
		return 0;
	if (offset == APIC_EOI) {		/* by far the most frequent */
		eoi(apic);
		return 0;
	}
	if (!mmio_access_ok(apic, &offset, WR))
		return 0;
	memcpy(&reg, val, sizeof(reg));
	write_reg(apic, offset, reg & writable_bits(apic, offset));
	return 0;
}

/* ------------------------------------------------------------------------
 * x2APIC MSRs; SDM, "x2APIC Register Address Space"
 */

/* The register's offset, or -1 if it cannot be accessed so. */
static int msr_offset(struct kvm_lapic *apic, u32 index, u8 want)
{
	u32 nr = index - APIC_BASE_MSR;

	if (!apic || !apic->hw_enabled || !apic->x2apic || nr >= LAPIC_NR_REGS)
		return -1;
	nr = array_index_nospec(nr, LAPIC_NR_REGS);
	return lapic_regs[nr].access & want ? nr << 4 : -1;
}

int lapic_msr_read(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	struct kvm_lapic *apic = vcpu->apic;
	int offset;

	if (index == MSR_IA32_TSC_DEADLINE) {
		*val = lapic_get_deadline(vcpu);
		return 0;
	}
	offset = msr_offset(apic, index, XRD);
	if (offset < 0)
		return 1;
	*val = read_reg(apic, offset);
	if (offset == APIC_ICR)
		*val |= (u64)lapic_reg(apic, APIC_ICR2) << 32;
	return 0;
}

int lapic_msr_write(struct kvm_vcpu *vcpu, u32 index, u64 val)
{
	struct kvm_lapic *apic = vcpu->apic;
	int offset;
	u32 mask;

	if (index == MSR_IA32_TSC_DEADLINE) {
		lapic_set_deadline(vcpu, val);
		return 0;
	}
	offset = msr_offset(apic, index, XWR);
	if (offset < 0)
		return 1;
	mask = writable_bits(apic, offset);
	if ((u32)val & ~(mask | lapic_regs[offset >> 4].ignored))
		return 1;
	if (offset == APIC_ICR)
		lapic_set_reg(apic, APIC_ICR2, val >> 32);
	else if (val >> 32)
		return 1;
	write_reg(apic, offset, val & mask);
	return 0;
}

/* ------------------------------------------------------------------------
 * Reset and modes
 */

/* SDM, "Local APIC State After Power-Up or Reset"; INIT keeps id and mode. */
static void reset_registers(struct kvm_lapic *apic)
{
	struct kvm_vcpu *vcpu = apic->vcpu;
	int i;

	lapic_timer_quiesce(apic);
	memset(apic->reg, 0, sizeof(apic->reg));
	lapic_set_reg(apic, APIC_DFR, APIC_DFR_FLAT);
	lapic_set_reg(apic, APIC_SPIV, 0xff);
	WRITE_ONCE(apic->sw_enabled, false);
	for (i = 0; i < LAPIC_LVT_ENTRIES; i++)
		lapic_set_reg(apic, lapic_lvts[i], APIC_LVT_MASKED);
	/* What firmware that never heard of APICs needs: a quirk of the API. */
	if (vcpu->id == vcpu->kvm->bsp_id)
		lapic_set_reg(apic, APIC_LVT0, APIC_DM_EXTINT);
	lapic_timer_set_divide(apic, 0);

	bitmap_zero(apic->irr, LAPIC_VECTORS);
	bitmap_zero(apic->isr, LAPIC_VECTORS);
	bitmap_zero(apic->tmr, LAPIC_VECTORS);
	apic->isr_top = -1;
	update_irr_pending(apic);	/* others send meanwhile */
	WRITE_ONCE(apic->extint, false);
	xchg(&apic->esr_pending, 0);
	update_ppr(apic);
}

/* Take over what APICBASE says; ids change with the mode. */
static void apply_base(struct kvm_lapic *apic, u64 base)
{
	bool enable = base & MSR_IA32_APICBASE_ENABLE;
	bool x2apic = base & X2APIC_ENABLE;

	if (enable != apic->hw_enabled || x2apic != apic->x2apic)
		WRITE_ONCE(apic->id, apic->vcpu->id);
	WRITE_ONCE(apic->x2apic, x2apic);
	WRITE_ONCE(apic->hw_enabled, enable);
	WRITE_ONCE(apic->vcpu->apic_base, base);
	lapic_map_update(apic->vcpu->kvm);
	vcpu_request(apic->vcpu, KVM_REQ_EVENT);
}

void lapic_reset(struct kvm_vcpu *vcpu, bool init)
{
	struct kvm_lapic *apic = vcpu->apic;
	u64 base = vcpu->apic_base;

	reset_registers(apic);
	if (!init) {
		base = APIC_DEFAULT_PHYS_BASE | MSR_IA32_APICBASE_ENABLE;
		if (vcpu->id == vcpu->kvm->bsp_id)
			base |= MSR_IA32_APICBASE_BSP;
		WRITE_ONCE(apic->id, vcpu->id);
		xchg(&apic->events, 0);
		WRITE_ONCE(apic->sipi_vector, 0);
	}
	apply_base(apic, base);
}

/* Reserved bits, and x2APIC without the feature or without the enable bit. */
static bool base_valid(struct kvm_vcpu *vcpu, u64 val)
{
	/* As long as CPUID was not set, the API assumes 36 bits. */
	u64 reserved = ~0ull << (vcpu->feat.maxphyaddr ?: 36) | 0x2ff;

	if (!guest_has(vcpu, X86_FEATURE_X2APIC))
		reserved |= X2APIC_ENABLE;
	if (val & reserved)
		return false;
	return !(val & X2APIC_ENABLE) || (val & MSR_IA32_APICBASE_ENABLE);
}

/* SDM, "x2APIC State Transitions": what a guest cannot do in one step. */
static bool transition_valid(u64 old, u64 val)
{
	u64 mode = MSR_IA32_APICBASE_ENABLE | X2APIC_ENABLE;

	if ((old & mode) == mode)
		return (val & mode) != MSR_IA32_APICBASE_ENABLE;
	if (!(old & mode))
		return !(val & X2APIC_ENABLE);
	return true;
}

int lapic_set_base(struct kvm_vcpu *vcpu, u64 val, bool host)
{
	struct kvm_lapic *apic = vcpu->apic;
	u64 old = vcpu->apic_base;

	if (!base_valid(vcpu, val) || (!host && !transition_valid(old, val)))
		return 1;
	if (val == old)
		return 0;
	if (apic) {
		/* A guest that disables its APIC loses what it holds. */
		if (!host && (old & ~val & MSR_IA32_APICBASE_ENABLE))
			reset_registers(apic);
		apply_base(apic, val);
	} else {
		vcpu->apic_base = val;
	}
	/* CPUID shows an APIC while it is enabled. */
	if ((old ^ val) & MSR_IA32_APICBASE_ENABLE)
		cpuid_update(vcpu);
	return 0;
}

int lapic_create(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic;

	if (!vcpu->kvm->lapic_map)
		return -EINVAL;
	apic = kzalloc(sizeof(*apic), GFP_KERNEL_ACCOUNT);
	if (!apic)
		return -ENOMEM;
	apic->vcpu = vcpu;
	apic->id = vcpu->id;
	apic->isr_top = -1;
	lapic_timer_init(apic);
	vcpu->apic = apic;
	lapic_map_add(apic);
	lapic_reset(vcpu, false);
	return 0;
}

/* Before the vCPU itself; nobody else can reach it when this returns. */
void lapic_free(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->apic;

	if (!apic)
		return;
	lapic_map_remove(apic);
	lapic_timer_quiesce(apic);
	vcpu->apic = NULL;
	kfree(apic);
}

/* ------------------------------------------------------------------------
 * KVM_GET_LAPIC and KVM_SET_LAPIC: the register page, 32 bits every 16 bytes.
 * The id is in xAPIC format in any mode (there is no KVM_CAP_X2APIC_API).
 */

static u32 state_reg(const struct kvm_lapic_state *s, unsigned int offset)
{
	u32 val;

	memcpy(&val, s->regs + offset, sizeof(val));
	return val;
}

static void state_set_reg(struct kvm_lapic_state *s, unsigned int offset,
			  u32 val)
{
	memcpy(s->regs + offset, &val, sizeof(val));
}

int lapic_get_state(struct kvm_vcpu *vcpu, struct kvm_lapic_state *s)
{
	struct kvm_lapic *apic = vcpu->apic;
	unsigned int offset;

	memset(s, 0, sizeof(*s));
	for (offset = 0; offset < KVM_APIC_REG_SIZE; offset += 16)
		if (lapic_regs[offset >> 4].access & RD)
			state_set_reg(s, offset, read_reg(apic, offset));
	state_set_reg(s, APIC_ID, apic->id << 24);
	return 0;
}

static void load_bitmap(unsigned long *map, const struct kvm_lapic_state *s,
			unsigned int offset)
{
	int i;

	for (i = 0; i < LAPIC_VECTORS / BITS_PER_LONG; i++)
		WRITE_ONCE(map[i], state_reg(s, offset + i * 32) |
			   (u64)state_reg(s, offset + i * 32 + 16) << 32);
}

/* Registers that are no more than what was written to them. */
static void load_registers(struct kvm_lapic *apic,
			   const struct kvm_lapic_state *s)
{
	static const u16 plain[] = { APIC_TASKPRI, APIC_LDR, APIC_ICR,
				     APIC_TMICT, APIC_TDCR };
	int i;

	for (i = 0; i < ARRAY_SIZE(plain); i++)
		lapic_set_reg(apic, plain[i], state_reg(s, plain[i]) &
			      lapic_regs[plain[i] >> 4].mask);
	for (i = 0; i < LAPIC_LVT_ENTRIES; i++)
		lapic_set_reg(apic, lapic_lvts[i], state_reg(s, lapic_lvts[i]) &
			      lvt_defined_bits(lapic_lvts[i]));
	/* In x2APIC mode this is the whole destination. */
	lapic_set_reg(apic, APIC_ICR2, state_reg(s, APIC_ICR2) &
		      (apic->x2apic ? ~0u : 0xff000000));
	lapic_set_reg(apic, APIC_DFR, state_reg(s, APIC_DFR) | 0x0fffffff);
	lapic_set_reg(apic, APIC_SPIV, state_reg(s, APIC_SPIV) &
		      writable_bits(apic, APIC_SPIV));
	WRITE_ONCE(apic->sw_enabled,
		   lapic_reg(apic, APIC_SPIV) & APIC_SPIV_APIC_ENABLED);
	lapic_set_reg(apic, APIC_ESR, state_reg(s, APIC_ESR) & 0xff);
}

/* -EINVAL: an x2APIC has no other id than its vCPU's. */
int lapic_set_state(struct kvm_vcpu *vcpu, const struct kvm_lapic_state *s)
{
	struct kvm_lapic *apic = vcpu->apic;
	u32 id = state_reg(s, APIC_ID) >> 24;
	u64 deadline = lapic_get_deadline(vcpu);
	u32 count;

	if (apic->x2apic && id != vcpu->id)
		return -EINVAL;

	lapic_timer_quiesce(apic);
	WRITE_ONCE(apic->id, id);
	load_registers(apic, s);
	load_bitmap(apic->irr, s, APIC_IRR);
	load_bitmap(apic->isr, s, APIC_ISR);
	load_bitmap(apic->tmr, s, APIC_TMR);
	apic->isr_top = lapic_top(apic->isr);
	WRITE_ONCE(apic->irr_pending, true);
	update_irr_pending(apic);
	update_ppr(apic);
	lapic_map_update(vcpu->kvm);

	lapic_timer_set_divide(apic, lapic_reg(apic, APIC_TDCR));
	/*
	 * At zero a one-shot timer is due: whether its interrupt was seen cannot
	 * be told, as some clients do not keep the count.  A periodic one starts
	 * anew.
	 */
	count = min(state_reg(s, APIC_TMCCT), lapic_reg(apic, APIC_TMICT));
	if (!count && lapic_reg(apic, APIC_TMICT))
		count = lapic_periodic_mode(apic) ?
			lapic_reg(apic, APIC_TMICT) : 1;
	lapic_timer_start(apic, count);
	lapic_set_deadline(vcpu, deadline);
	vcpu_request(vcpu, KVM_REQ_EVENT);
	return 0;
}
