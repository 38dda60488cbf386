/* SPDX-License-Identifier: GPL-2.0 */
/*
 * irqchip.h - interrupt controllers and timers inside the kernel (irqchip/):
 * pic.c (8259 pair), ioapic.c, lapic.c, pit.c (8254), routing.c (GSI -> pin).
 *
 * Everything that raises an interrupt may be called from any context, hard
 * interrupt included (hrtimers call straight in), so the locks in here are
 * taken with interrupts off and no call sleeps unless it says so.
 */
#ifndef KVM_IRQCHIP_H
#define KVM_IRQCHIP_H

#include "kvm.h"

/* ---- the VM's ioctls, routing.c.  Sleep; kvm->lock held to create. ---- */

/* KVM_CREATE_IRQCHIP: sets kvm->irqchip when all is there. */
int irqchip_create(struct kvm *kvm);
/*
 * The last reference is gone, no vCPU runs.  To be called before the vCPUs are
 * freed (no interrupt is sent to them from then on) and before kvm_io_free(),
 * which frees the devices.
 */
void irqchip_destroy(struct kvm *kvm);
/* -EINVAL for an unknown chip_id.  get fills the chip's part of the union. */
int irqchip_get(struct kvm *kvm, struct kvm_irqchip *chip);
int irqchip_set(struct kvm *kvm, const struct kvm_irqchip *chip);

/* ---- routing.c ---- */

/* Who asserts a line; a GSI is high while any source holds it. */
enum { IRQ_SOURCE_USER, IRQ_SOURCE_PIT, IRQ_NR_SOURCES };

/*
 * Drive a GSI.  Returns -1 if the GSI goes nowhere or was ignored (masked),
 * 0 if it was merged with one still pending, else the number of CPUs reached:
 * what KVM_IRQ_LINE_STATUS reports.  Any context.
 */
int irq_set(struct kvm *kvm, int source, u32 gsi, int level);
/*
 * KVM_SIGNAL_MSI.  The number of CPUs reached, 0 if they refused, -1 if there
 * is none such; -EINVAL.  Any context.
 */
int irq_send_msi(struct kvm *kvm, const struct kvm_msi *msi);
/* KVM_SET_GSI_ROUTING.  @e is not user space's memory.  -EINVAL.  Sleeps. */
int irq_set_routing(struct kvm *kvm, const struct kvm_irq_routing_entry *e,
		    unsigned int nr, unsigned int flags);
int irq_set_default_routing(struct kvm *kvm);
void irq_free_routing(struct kvm *kvm);

/*
 * Called when the guest acknowledges (EOI) an interrupt that came by a pin to
 * which @gsi is routed, or unmasks that pin.  Under RCU, in any context and
 * with no lock of the controllers held; must not sleep.  @n outlives an RCU
 * grace period after its unregistration.  Registering sleeps.
 */
struct kvm_irq_ack_notifier {
	struct hlist_node link;
	u32 gsi;
	void (*acked)(struct kvm_irq_ack_notifier *n);
	void (*unmasked)(struct kvm_irq_ack_notifier *n);
};
void irq_register_ack(struct kvm *kvm, struct kvm_irq_ack_notifier *n);
void irq_unregister_ack(struct kvm *kvm, struct kvm_irq_ack_notifier *n);
/* What the controllers call; @chip is KVM_IRQCHIP_*. */
void irq_notify_ack(struct kvm *kvm, unsigned int chip, unsigned int pin);
void irq_notify_unmask(struct kvm *kvm, unsigned int chip, unsigned int pin);
bool irq_has_notifier(struct kvm *kvm, unsigned int chip, unsigned int pin);

/* ---- what the run loop asks: is there an interrupt, and which? ---- */

/* -1, or the vector that irq_ack() would return.  No side effects. */
int irq_pending(struct kvm_vcpu *vcpu);
/* Acknowledge: IRR -> ISR (or the PIC's INTA).  -1 if it went away. */
int irq_ack(struct kvm_vcpu *vcpu);
/* Highest vector in IRR, whatever TPR and ISR say, or -1: TPR thresholds. */
int lapic_highest_irr(struct kvm_vcpu *vcpu);
/*
 * The priority class of an interrupt that waits for a TPR (here: CR8) below
 * it, 0 if none does: what the vendor must watch CR8 for.
 */
u8 lapic_tpr_blocks(struct kvm_vcpu *vcpu, u8 cr8);

/* ---- lapic.c.  Own thread or vcpu->mutex, unless it says otherwise. ---- */

/* After irqchip_create(), under kvm->lock.  -EINVAL, -ENOMEM. */
int lapic_create(struct kvm_vcpu *vcpu);
/* Any part of lapic_create() may not have happened. */
void lapic_free(struct kvm_vcpu *vcpu);
/* Power-up or INIT; vcpu_reset() calls it. */
void lapic_reset(struct kvm_vcpu *vcpu, bool init);
int lapic_get_state(struct kvm_vcpu *vcpu, struct kvm_lapic_state *s);
int lapic_set_state(struct kvm_vcpu *vcpu, const struct kvm_lapic_state *s);
/* MSR_IA32_APICBASE.  1 if the transition is invalid (#GP). */
int lapic_set_base(struct kvm_vcpu *vcpu, u64 val, bool host);
u64 lapic_get_cr8(struct kvm_vcpu *vcpu);
void lapic_set_cr8(struct kvm_vcpu *vcpu, u64 cr8);
/* x2APIC MSRs 0x800..0x8ff and IA32_TSC_DEADLINE.  1: #GP. */
int lapic_msr_read(struct kvm_vcpu *vcpu, u32 index, u64 *val);
int lapic_msr_write(struct kvm_vcpu *vcpu, u32 index, u64 val);
u64 lapic_get_deadline(struct kvm_vcpu *vcpu);
void lapic_set_deadline(struct kvm_vcpu *vcpu, u64 tsc);
/* The register page at APICBASE; -EOPNOTSUPP when it is not this one's. */
int lapic_mmio_read(struct kvm_vcpu *vcpu, gpa_t gpa, int len, void *val);
int lapic_mmio_write(struct kvm_vcpu *vcpu, gpa_t gpa, int len,
		     const void *val);
/* INIT and SIPI that arrived; changes mp_state.  vCPU loaded. */
bool lapic_has_events(struct kvm_vcpu *vcpu);
void lapic_accept_events(struct kvm_vcpu *vcpu);
/* KVM_SET_VCPU_EVENTS; KVM_SET_MP_STATE with KVM_MP_STATE_SIPI_RECEIVED. */
void lapic_set_sipi_vector(struct kvm_vcpu *vcpu, u8 vector);
void lapic_set_sipi_pending(struct kvm_vcpu *vcpu);
/* Does LINT0 pass ExtINT, or has an ExtINT message come?  With a local APIC. */
bool lapic_accepts_pic(struct kvm_vcpu *vcpu);
/* The guest's TSC offset moved under an armed deadline timer. */
void lapic_tsc_changed(struct kvm_vcpu *vcpu);

/* An interrupt message on its way to local APICs. */
struct lapic_msg {
	u32 dest;
	u8 vector;
	u8 delivery_mode;	/* 0 fixed, 1 lowest, 2 SMI, 4 NMI, 5 INIT, 6 SIPI, 7 ExtINT */
	bool logical;
	bool level;		/* level (true) or edge triggered */
	bool assert;
	u8 shorthand;		/* 0 none, 1 self, 2 all, 3 all but self */
	u16 merged;		/* out: APICs on which it was pending before */
};
/*
 * The number of APICs that took it, -1 if it is addressed to none.  @src: the
 * sender of an IPI or NULL.  Any context.
 */
int lapic_deliver(struct kvm *kvm, struct kvm_vcpu *src, struct lapic_msg *msg);

/*
 * The controllers below have a raw spinlock each, taken with interrupts off.
 * Order: the PIT's, then the 8259s' or the IOAPIC's; under those no other lock
 * of this directory.
 */

/* ---- pic.c; pins 0..7 the master's, 8..15 the slave's ---- */

int pic_create(struct kvm *kvm);	/* slots_lock held; likewise below */
void pic_destroy(struct kvm *kvm);	/* undo pic_create() */
int pic_set_irq(struct kvm *kvm, int source, unsigned int pin, int level);
int pic_peek_irq(struct kvm *kvm);	/* the vector an INTA would give */
int pic_read_irq(struct kvm *kvm);	/* INTA cycle */
void pic_get_state(struct kvm *kvm, unsigned int chip, struct kvm_pic_state *s);
void pic_set_state(struct kvm *kvm, unsigned int chip,
		   const struct kvm_pic_state *s);

static inline bool pic_output(struct kvm *kvm)	/* INTR line */
{
	return READ_ONCE(kvm->pic_intr);
}

/* ---- ioapic.c ---- */

int ioapic_create(struct kvm *kvm);
void ioapic_destroy(struct kvm *kvm);
void ioapic_stop(struct kvm *kvm);
int ioapic_set_irq(struct kvm *kvm, int source, unsigned int pin, int level);
/* EOI of a local APIC; @level: broadcast, since TMR says level-triggered. */
void ioapic_eoi(struct kvm *kvm, u8 vector, bool level);
/* Routes or ack notifiers changed; under kvm->irq_lock. */
void ioapic_update_eoi_map(struct kvm *kvm);
void ioapic_get_state(struct kvm *kvm, struct kvm_ioapic_state *s);
void ioapic_set_state(struct kvm *kvm, const struct kvm_ioapic_state *s);

/* ---- pit.c ---- */

/* KVM_CREATE_PIT2; @flags: KVM_PIT_SPEAKER_DUMMY.  kvm->lock held. */
int pit_create(struct kvm *kvm, u32 flags);
/* Silence it; kvm_io_free() frees it. */
void pit_stop(struct kvm *kvm);
void pit_get_state(struct kvm *kvm, struct kvm_pit_state2 *s);
/* Without @flags those stay as they are. */
void pit_set_state(struct kvm *kvm, const struct kvm_pit_state2 *s, bool flags);
void pit_set_reinject(struct kvm *kvm, bool reinject);	/* sleeps */

#endif /* KVM_IRQCHIP_H */
