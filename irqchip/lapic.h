/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lapic.h - the local APIC, shared by its three files: lapic.c (registers,
 * MMIO and MSR access, what the run loop asks), lapic_msg.c (who gets an
 * interrupt message, and its acceptance), lapic_timer.c.
 *
 * Rules for every field: IRR, TMR, `events`, `esr_pending` and `extint` are
 * changed by anybody, by atomic operations.  All the rest is written by the
 * vCPU's own thread (or an ioctl that holds vcpu->mutex) and may be read by
 * anybody, hence WRITE_ONCE() and READ_ONCE() on what others look at.
 */
#ifndef KVM_IRQCHIP_LAPIC_H
#define KVM_IRQCHIP_LAPIC_H

#include <linux/bitmap.h>
#include <linux/hrtimer.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>
#include "irqchip.h"

#define LAPIC_VECTORS		256
#define LAPIC_NR_REGS		(KVM_APIC_REG_SIZE >> 4)
#define LAPIC_LVT_ENTRIES	6	/* timer, thermal, PMC, LINT0/1, error */

#define LVT_TIMER_MODE		(3 << 17)

/* Reasons to leave the normal course: bits of kvm_lapic.events. */
enum { LAPIC_EVENT_INIT, LAPIC_EVENT_SIPI };

struct kvm_lapic {
	/* First: all that "is there anything to deliver?" looks at. */
	bool irr_pending;		/* false: IRR is empty */
	bool hw_enabled;		/* APICBASE.E */
	bool sw_enabled;		/* SPIV bit 8 */
	bool x2apic;			/* APICBASE.EXTD */
	bool extint;			/* an ExtINT message came: ask the PIC */
	u8 ppr;				/* kept up to date with TPR and ISR */
	s16 isr_top;			/* highest bit of ISR, -1: none */
	DECLARE_BITMAP(irr, LAPIC_VECTORS);
	DECLARE_BITMAP(isr, LAPIC_VECTORS);
	DECLARE_BITMAP(tmr, LAPIC_VECTORS);	/* 1: level, wants EOI sent */

	struct kvm_vcpu *vcpu;
	u32 id;				/* as the present mode shows it */
	u32 reg[LAPIC_NR_REGS];		/* by offset >> 4; not ID, ISR... */
	unsigned long esr_pending;	/* errors since the last ESR write */
	unsigned long events;		/* LAPIC_EVENT_* */
	u8 sipi_vector;

	/* lapic_timer.c; expires is the claim on the armed timer: see there */
	struct hrtimer timer;
	s64 expires;			/* host ns, 0: not armed */
	u64 period;			/* ns, 0: not periodic */
	u64 deadline;			/* guest TSC as written */
	u32 divisor;
};

static inline u32 lapic_reg(const struct kvm_lapic *apic, unsigned int offset)
{
	return READ_ONCE(apic->reg[offset >> 4]);
}

static inline void lapic_set_reg(struct kvm_lapic *apic, unsigned int offset,
				 u32 val)
{
	WRITE_ONCE(apic->reg[offset >> 4], val);
}

/* Highest bit of a vector bitmap, or -1. */
static inline int lapic_top(const unsigned long *map)
{
	int i;

	for (i = BITS_TO_LONGS(LAPIC_VECTORS) - 1; i >= 0; i--) {
		unsigned long w = READ_ONCE(map[i]);

		if (w)
			return i * BITS_PER_LONG + __fls(w);
	}
	return -1;
}

/* SDM, "Logical x2APIC ID": cluster in the upper half, one bit in the lower. */
static inline u32 lapic_x2apic_ldr(u32 id)
{
	return (id >> 4) << 16 | BIT(id & 15);
}

static inline bool lapic_deadline_mode(const struct kvm_lapic *apic)
{
	return (lapic_reg(apic, APIC_LVTT) & LVT_TIMER_MODE) ==
	       APIC_LVT_TIMER_TSCDEADLINE;
}

static inline bool lapic_periodic_mode(const struct kvm_lapic *apic)
{
	return (lapic_reg(apic, APIC_LVTT) & LVT_TIMER_MODE) ==
	       APIC_LVT_TIMER_PERIODIC;
}

/* ---- lapic_msg.c ---- */

int lapic_map_create(struct kvm *kvm);
void lapic_map_free(struct kvm *kvm);
/* Sleep; the last waits for deliveries under way. */
void lapic_map_add(struct kvm_lapic *apic);
void lapic_map_update(struct kvm *kvm);
void lapic_map_remove(struct kvm_lapic *apic);
/* What an LVT entry (offset of its register) does when its source fires. */
void lapic_local_deliver(struct kvm_lapic *apic, unsigned int lvt);
/* Note an error (APIC_ESR_*), raise the error interrupt.  Any context. */
void lapic_error(struct kvm_lapic *apic, u32 esr_bit);
/* The 8259s' INTR, wired to every LINT0, went up.  Any context. */
void lapic_lint0_raise(struct kvm *kvm);

/* ---- lapic_timer.c: own thread, or a vCPU that never ran or will not ---- */

void lapic_timer_init(struct kvm_lapic *apic);
void lapic_timer_quiesce(struct kvm_lapic *apic);
u32 lapic_timer_count(const struct kvm_lapic *apic);
/* Count @count ticks, then (periodic) the initial count again and again. */
void lapic_timer_start(struct kvm_lapic *apic, u32 count);
void lapic_timer_set_divide(struct kvm_lapic *apic, u32 tdcr);
void lapic_timer_set_mode(struct kvm_lapic *apic, u32 lvtt);
void lapic_timer_rearm_deadline(struct kvm_lapic *apic);

#endif /* KVM_IRQCHIP_LAPIC_H */
