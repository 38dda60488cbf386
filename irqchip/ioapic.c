// SPDX-License-Identifier: GPL-2.0
/*
 * ioapic.c - the I/O APIC: 24 pins, each with a redirection table entry that
 * says to which local APICs a message goes, and how.
 *
 * Owns: struct kvm_ioapic, whose state is the ABI's (struct kvm_ioapic_state).
 * Bit n of s.irr: pin n's line is up.  `sent`: ... and that edge is on its way,
 * so the ABI no longer shows it.  Trusts: nothing; the table is the guest's or
 * user space's, and only its meaning is interpreted.
 *
 * Lock: ioapic->lock, raw, interrupts off; messages are sent under it.  The
 * EOI of a vector that no level-triggered pin uses and nobody waits for does
 * not take it: eoi_map is read without.
 *
 * Manual: 82093AA data sheet.  Polarity is ignored, as the API document says:
 * level 1 of a GSI is "asserted".  Read next: routing.c, lapic_msg.c.
 */
#include <linux/bitmap.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <asm/apicdef.h>
#include "io.h"
#include "irqchip.h"

#define IOAPIC_LENGTH		0x100
#define IOAPIC_VERSION		0x11
#define IOREGSEL		0x00
#define IOWIN			0x10

#define REG_ID			0x00
#define REG_VERSION		0x01
#define REG_ARBITRATION		0x02
#define REG_TABLE		0x10

#define RTE_LOW_WRITABLE	0x0001afffu	/* without status, remote IRR */
#define RTE_LOW_STATUS		0x00005000u
#define RTE_HIGH_WRITABLE	0xff000000u
#define RTE_MASKED		BIT_ULL(16)

typedef typeof(((struct kvm_ioapic_state *)0)->redirtbl[0]) ioapic_rte;

struct kvm_ioapic {
	raw_spinlock_t lock;
	struct kvm *kvm;
	struct kvm_ioapic_state s;
	u32 sent;
	u8 sources[KVM_IOAPIC_NUM_PINS];	/* bit per IRQ_SOURCE_* */
	DECLARE_BITMAP(eoi_map, 256);		/* vectors whose EOI matters */
	u16 storm[KVM_IOAPIC_NUM_PINS];		/* EOIs in a row with the line up */
	u32 held_back;				/* pins that wait for the timer */
	struct hrtimer timer;
	struct kvm_io_device dev;
};

static_assert(sizeof(struct kvm_ioapic_state) == 24 + 8 * KVM_IOAPIC_NUM_PINS);
static_assert(sizeof(ioapic_rte) == 8);
static_assert(KVM_IOAPIC_NUM_PINS <= 32);

/* ------------------------------------------------------------------------
 * Pins
 */

/* NMI, INIT and SMI are edges whatever is programmed (82093AA, "Trigger Mode"). */
static bool is_level(const ioapic_rte *e)
{
	u32 mode = e->fields.delivery_mode << 8;

	return e->fields.trig_mode &&
	       (mode == APIC_DM_FIXED || mode == APIC_DM_LOWEST);
}

static int send_message(struct kvm_ioapic *ioapic, const ioapic_rte *e)
{
	struct lapic_msg msg = {
		.dest = e->fields.dest_id,
		.vector = e->fields.vector,
		.delivery_mode = e->fields.delivery_mode,
		.logical = e->fields.dest_mode,
		.level = is_level(e),
		.assert = true,
	};
	int n = lapic_deliver(ioapic->kvm, NULL, &msg);

	/* A level is never lost by merging; an edge is. */
	return n > 0 && !msg.level ? n - msg.merged : n;
}

/* Pin's line is up: send, unless it is masked or waits for its EOI. */
static int service_pin(struct kvm_ioapic *ioapic, unsigned int pin)
{
	ioapic_rte *e = &ioapic->s.redirtbl[pin];
	int r;

	if (e->fields.mask || (is_level(e) && e->fields.remote_irr))
		return -1;
	r = send_message(ioapic, e);
	if (!is_level(e))
		ioapic->sent |= BIT(pin);
	else if (r > 0)
		e->fields.remote_irr = 1;
	return r;
}

static int set_line(struct kvm_ioapic *ioapic, unsigned int pin, bool level)
{
	u32 bit = BIT(pin), was = ioapic->s.irr & bit;

	if (!level) {
		ioapic->s.irr &= ~bit;
		ioapic->storm[pin] = 0;
		return 1;
	}
	ioapic->s.irr |= bit;
	if (!is_level(&ioapic->s.redirtbl[pin])) {
		if (was)
			return 0;		/* no edge */
		ioapic->sent &= ~bit;
	}
	return service_pin(ioapic, pin);
}

int ioapic_set_irq(struct kvm *kvm, int source, unsigned int pin, int level)
{
	struct kvm_ioapic *ioapic = kvm->ioapic;
	unsigned long flags;
	int r;

	if (pin >= KVM_IOAPIC_NUM_PINS)
		return -1;
	pin = array_index_nospec(pin, KVM_IOAPIC_NUM_PINS);
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	if (level)
		ioapic->sources[pin] |= BIT(source);
	else
		ioapic->sources[pin] &= ~BIT(source);
	r = set_line(ioapic, pin, ioapic->sources[pin]);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	return r;
}

/* ------------------------------------------------------------------------
 * End of interrupt
 */

/* After changes of the table, of routes or of notifiers. */
static void update_eoi_map(struct kvm_ioapic *ioapic)
{
	DECLARE_BITMAP(map, 256) = {};
	unsigned int pin, i;

	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
		const ioapic_rte *e = &ioapic->s.redirtbl[pin];

		if (is_level(e) ||
		    irq_has_notifier(ioapic->kvm, KVM_IRQCHIP_IOAPIC, pin))
			__set_bit(e->fields.vector, map);
	}
	for (i = 0; i < ARRAY_SIZE(map); i++)
		WRITE_ONCE(ioapic->eoi_map[i], map[i]);
}

void ioapic_update_eoi_map(struct kvm *kvm)
{
	struct kvm_ioapic *ioapic = kvm->ioapic;
	unsigned long flags;

	if (!ioapic)
		return;
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	update_eoi_map(ioapic);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

/* The pins that the EOI of this vector ends. */
static u32 pins_of_vector(const struct kvm_ioapic *ioapic, u8 vector,
			  bool level)
{
	unsigned int pin;
	u32 pins = 0;

	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
		const ioapic_rte *e = &ioapic->s.redirtbl[pin];

		if (e->fields.vector != vector)
			continue;
		if (!is_level(e) || (level && e->fields.remote_irr))
			pins |= BIT(pin);
	}
	return pins;
}

/*
 * A line that nobody lowers would interrupt again before the guest has got a
 * single instruction further, since our EOI takes no time.  A guest that does
 * not notice for so long is given a pause to get on.
 */
#define STORM_EOIS	10000
#define STORM_PAUSE	(10 * NSEC_PER_MSEC)

static void service_again(struct kvm_ioapic *ioapic, unsigned int pin)
{
	if (++ioapic->storm[pin] < STORM_EOIS) {
		service_pin(ioapic, pin);
		return;
	}
	ioapic->storm[pin] = 0;
	ioapic->held_back |= BIT(pin);
	hrtimer_start(&ioapic->timer, ns_to_ktime(STORM_PAUSE),
		      HRTIMER_MODE_REL_HARD);
}

static enum hrtimer_restart ioapic_timer(struct hrtimer *timer)
{
	struct kvm_ioapic *ioapic = container_of(timer, struct kvm_ioapic,
						 timer);
	unsigned long flags, pins;
	unsigned int pin;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	pins = ioapic->held_back & ioapic->s.irr;
	ioapic->held_back = 0;
	for_each_set_bit(pin, &pins, KVM_IOAPIC_NUM_PINS)
		service_pin(ioapic, pin);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	return HRTIMER_NORESTART;
}

/*
 * Notifiers first and without the lock: one of them may lower the line, and
 * only then it is to be seen whether the line asks again.
 */
void ioapic_eoi(struct kvm *kvm, u8 vector, bool level)
{
	struct kvm_ioapic *ioapic = kvm->ioapic;
	unsigned long flags, pins;
	unsigned int pin;

	if (!ioapic || !test_bit(vector, ioapic->eoi_map))
		return;
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	pins = pins_of_vector(ioapic, vector, level);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);

	for_each_set_bit(pin, &pins, KVM_IOAPIC_NUM_PINS)
		irq_notify_ack(kvm, KVM_IRQCHIP_IOAPIC, pin);

	if (!level)
		return;
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	pins = pins_of_vector(ioapic, vector, level);
	for_each_set_bit(pin, &pins, KVM_IOAPIC_NUM_PINS) {
		ioapic_rte *e = &ioapic->s.redirtbl[pin];

		if (!is_level(e))
			continue;
		e->fields.remote_irr = 0;
		if (ioapic->s.irr & BIT(pin))
			service_again(ioapic, pin);
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

/* ------------------------------------------------------------------------
 * Registers
 */

static u32 read_register(const struct kvm_ioapic *ioapic)
{
	u32 sel = ioapic->s.ioregsel & 0xff;
	u32 pin = (sel - REG_TABLE) >> 1;

	switch (sel) {
	case REG_ID:
	case REG_ARBITRATION:		/* loaded from the id, never moves */
		return (ioapic->s.id & 0xf) << 24;
	case REG_VERSION:
		return IOAPIC_VERSION | (KVM_IOAPIC_NUM_PINS - 1) << 16;
	}
	if (sel < REG_TABLE || pin >= KVM_IOAPIC_NUM_PINS)
		return ~0u;
	pin = array_index_nospec(pin, KVM_IOAPIC_NUM_PINS);
	return ioapic->s.redirtbl[pin].bits >> (sel & 1 ? 32 : 0);
}

/* Returns true if the pin was masked and is so no more. */
static bool write_rte(struct kvm_ioapic *ioapic, unsigned int pin, bool high,
		      u32 val)
{
	ioapic_rte *e = &ioapic->s.redirtbl[pin];
	u64 old = e->bits;

	if (high) {
		e->bits = (u32)old | (u64)(val & RTE_HIGH_WRITABLE) << 32;
	} else {
		e->bits = (old & (~0ull << 32 | RTE_LOW_STATUS)) |
			  (val & RTE_LOW_WRITABLE);
		/* Systems rely on this to get rid of a stuck remote IRR. */
		if (!is_level(e))
			e->fields.remote_irr = 0;
	}
	update_eoi_map(ioapic);
	/* A level that is still up is sent now; a masked edge is lost. */
	if (is_level(e) && (ioapic->s.irr & BIT(pin)))
		service_pin(ioapic, pin);
	return (old & RTE_MASKED) && !(e->bits & RTE_MASKED);
}

/* Returns the pin that was unmasked, or -1. */
static int write_register(struct kvm_ioapic *ioapic, u32 val)
{
	u32 sel = ioapic->s.ioregsel & 0xff;
	u32 pin = (sel - REG_TABLE) >> 1;

	if (sel == REG_ID)
		ioapic->s.id = val >> 24 & 0xf;
	if (sel < REG_TABLE || pin >= KVM_IOAPIC_NUM_PINS)
		return -1;
	pin = array_index_nospec(pin, KVM_IOAPIC_NUM_PINS);
	return write_rte(ioapic, pin, sel & 1, val) ? pin : -1;
}

/* User space may have moved the base by KVM_SET_IRQCHIP. */
static bool decodes(const struct kvm_ioapic *ioapic, gpa_t addr, int len)
{
	u64 base = READ_ONCE(ioapic->s.base_address);

	return addr >= base && addr + len <= base + IOAPIC_LENGTH;
}

/* 32-bit registers; wider reads are zero-extended, narrower ones cut. */
static int ioapic_read(struct kvm_vcpu *vcpu, struct kvm_io_device *dev,
		       gpa_t addr, int len, void *val)
{
	struct kvm_ioapic *ioapic = container_of(dev, struct kvm_ioapic, dev);
	unsigned long flags;
	u64 data = 0;

	if (!decodes(ioapic, addr, len))
		return -EOPNOTSUPP;
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	switch (addr & 0xff) {
	case IOREGSEL:
		data = ioapic->s.ioregsel;
		break;
	case IOWIN:
		data = read_register(ioapic);
		break;
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	memcpy(val, &data, len);
	return 0;
}

static int ioapic_write(struct kvm_vcpu *vcpu, struct kvm_io_device *dev,
			gpa_t addr, int len, const void *val)
{
	struct kvm_ioapic *ioapic = container_of(dev, struct kvm_ioapic, dev);
	unsigned long flags;
	int unmasked = -1;
	u32 data = 0;

	if (!decodes(ioapic, addr, len))
		return -EOPNOTSUPP;
	memcpy(&data, val, min_t(int, len, sizeof(data)));
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	switch (addr & 0xff) {
	case IOREGSEL:
		ioapic->s.ioregsel = data & 0xff;
		break;
	case IOWIN:
		unmasked = write_register(ioapic, data);
		break;
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	if (unmasked >= 0)
		irq_notify_unmask(ioapic->kvm, KVM_IRQCHIP_IOAPIC, unmasked);
	return 0;
}

static void ioapic_free(struct kvm_io_device *dev)
{
	kfree(container_of(dev, struct kvm_ioapic, dev));
}

static const struct kvm_io_ops ioapic_io_ops = {
	.read = ioapic_read,
	.write = ioapic_write,
	.free = ioapic_free,
};

/* ------------------------------------------------------------------------
 * State and life
 */

void ioapic_get_state(struct kvm *kvm, struct kvm_ioapic_state *s)
{
	struct kvm_ioapic *ioapic = kvm->ioapic;
	unsigned long flags, sent;
	unsigned int pin;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	*s = ioapic->s;
	sent = ioapic->sent;
	for_each_set_bit(pin, &sent, KVM_IOAPIC_NUM_PINS)
		if (!is_level(&s->redirtbl[pin]))
			s->irr &= ~BIT(pin);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

/* What was requested where the state comes from is sent here. */
void ioapic_set_state(struct kvm *kvm, const struct kvm_ioapic_state *s)
{
	struct kvm_ioapic *ioapic = kvm->ioapic;
	unsigned long flags, irr = s->irr;
	unsigned int pin;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	ioapic->s = *s;
	ioapic->s.irr = 0;
	ioapic->sent = 0;
	update_eoi_map(ioapic);
	for_each_set_bit(pin, &irr, KVM_IOAPIC_NUM_PINS)
		set_line(ioapic, pin, true);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

int ioapic_create(struct kvm *kvm)
{
	struct kvm_ioapic *ioapic = kzalloc(sizeof(*ioapic), GFP_KERNEL_ACCOUNT);
	unsigned int pin;
	int r;

	if (!ioapic)
		return -ENOMEM;
	raw_spin_lock_init(&ioapic->lock);
	hrtimer_init(&ioapic->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	ioapic->timer.function = ioapic_timer;
	ioapic->kvm = kvm;
	ioapic->dev.ops = &ioapic_io_ops;
	ioapic->s.base_address = IO_APIC_DEFAULT_PHYS_BASE;
	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++)
		ioapic->s.redirtbl[pin].bits = RTE_MASKED;
	r = kvm_io_register(kvm, KVM_MMIO_BUS, IO_APIC_DEFAULT_PHYS_BASE,
			    IOAPIC_LENGTH, &ioapic->dev);
	if (r)
		kfree(ioapic);
	else
		kvm->ioapic = ioapic;
	return r;
}

/* The VM ends: nothing may be sent to its vCPUs any more.  Sleeps. */
void ioapic_stop(struct kvm *kvm)
{
	if (kvm->ioapic)
		hrtimer_cancel(&kvm->ioapic->timer);
}

void ioapic_destroy(struct kvm *kvm)
{
	struct kvm_ioapic *ioapic = kvm->ioapic;

	kvm->ioapic = NULL;
	kvm_io_unregister(kvm, KVM_MMIO_BUS, &ioapic->dev);
}
