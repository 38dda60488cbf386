// SPDX-License-Identifier: GPL-2.0
/*
 * routing.c - from a GSI (what user space and the PIT assert) to controller
 * pins or an MSI, and back from a pin to those who wait for its EOI; and the
 * life of the VM's set of controllers.
 *
 * Owns: the routing table, replaced as a whole under irq_lock and read under
 * RCU, and the list of ack notifiers, likewise.
 * Trusts: nothing in a table from user space; all of it is checked before the
 * first entry takes effect.
 *
 * Locks: kvm->irq_lock (a mutex) for changes only.  Sending an interrupt takes
 * none here and may happen in hard interrupt context.  Read next: pic.c,
 * ioapic.c, lapic_msg.c.
 */
#include <linux/nospec.h>
#include <linux/slab.h>
#include <asm/apicdef.h>
#include "irqchip.h"
#include "lapic.h"

#define PIC_PINS	8		/* of each of the two */
#define MAX_PINS	KVM_IOAPIC_NUM_PINS
#define MAX_PER_GSI	KVM_NR_IRQCHIPS	/* one pin of each chip */
#define NO_GSI		(~0u)

struct irq_msi {
	u32 address_lo, data;
};

/* Where a GSI leads: nr pins, or one MSI, or (nr 0) nowhere. */
struct irq_route {
	u8 nr;
	bool is_msi;
	struct {
		u8 chip, pin;
	} pin[MAX_PER_GSI];
	struct irq_msi msi;
};

struct kvm_irq_routing_table {
	struct rcu_head rcu;
	u32 gsi_of[KVM_NR_IRQCHIPS][MAX_PINS];
	u32 nr;
	struct irq_route route[];
};

static_assert(sizeof(struct kvm_irq_routing_entry) == 48);
static_assert(sizeof(struct kvm_msi) == 32);

/* ------------------------------------------------------------------------
 * Sending
 */

/* SDM, "Message Signalled Interrupts": address and data of the write. */
static int send_msi(struct kvm *kvm, const struct irq_msi *msi)
{
	struct lapic_msg msg = {
		.dest = msi->address_lo >> 12 & 0xff,
		.logical = msi->address_lo & BIT(2),
		.vector = msi->data & 0xff,
		.delivery_mode = msi->data >> 8 & 7,
		.level = msi->data & BIT(15),
		.assert = true,
	};

	/* The redirection hint: one of those addressed. */
	if ((msi->address_lo & BIT(3)) && msg.delivery_mode == 0)
		msg.delivery_mode = 1;
	return lapic_deliver(kvm, NULL, &msg);
}

static int set_pin(struct kvm *kvm, int source, unsigned int chip,
		   unsigned int pin, int level)
{
	if (chip == KVM_IRQCHIP_IOAPIC)
		return ioapic_set_irq(kvm, source, pin, level);
	return pic_set_irq(kvm, source, chip * PIC_PINS + pin, level);
}

static int set_route(struct kvm *kvm, int source, const struct irq_route *route,
		     int level)
{
	int i, r, ret = -1;

	if (route->is_msi)
		return level ? send_msi(kvm, &route->msi) : -1;
	for (i = 0; i < route->nr; i++) {
		r = set_pin(kvm, source, route->pin[i].chip, route->pin[i].pin,
			    level);
		if (r >= 0)
			ret = max(ret, 0) + r;
	}
	return ret;
}

int irq_set(struct kvm *kvm, int source, u32 gsi, int level)
{
	const struct kvm_irq_routing_table *table;
	int r = -1;

	if (!kvm_irqchip_in_kernel(kvm))
		return -1;
	rcu_read_lock();
	table = rcu_dereference(kvm->routing);
	if (table && gsi < table->nr) {
		gsi = array_index_nospec(gsi, table->nr);
		r = set_route(kvm, source, &table->route[gsi], level);
	}
	rcu_read_unlock();
	return r;
}

int irq_send_msi(struct kvm *kvm, const struct kvm_msi *msi)
{
	struct irq_msi m = { .address_lo = msi->address_lo, .data = msi->data };

	if (!kvm_irqchip_in_kernel(kvm) || msi->flags)
		return -EINVAL;
	/* Nobody to take it is no error of the caller's. */
	return max(send_msi(kvm, &m), 0);
}

/* ------------------------------------------------------------------------
 * Ack notifiers
 */

/* Under RCU.  NO_GSI if nothing is routed to the pin. */
static u32 gsi_of_pin(struct kvm *kvm, unsigned int chip, unsigned int pin)
{
	const struct kvm_irq_routing_table *table;

	table = rcu_dereference(kvm->routing);
	if (!table || chip >= KVM_NR_IRQCHIPS || pin >= MAX_PINS)
		return NO_GSI;
	return table->gsi_of[chip][pin];
}

/* Notifiers of the pin's GSI. */
#define for_each_notifier(n, kvm, chip, pin)				\
	hlist_for_each_entry_rcu(n, &(kvm)->irq_acks, link)		\
		if ((n)->gsi == gsi_of_pin(kvm, chip, pin))

void irq_notify_ack(struct kvm *kvm, unsigned int chip, unsigned int pin)
{
	struct kvm_irq_ack_notifier *n;

	rcu_read_lock();
	for_each_notifier(n, kvm, chip, pin)
		n->acked(n);
	rcu_read_unlock();
}

void irq_notify_unmask(struct kvm *kvm, unsigned int chip, unsigned int pin)
{
	struct kvm_irq_ack_notifier *n;

	rcu_read_lock();
	for_each_notifier(n, kvm, chip, pin)
		if (n->unmasked)
			n->unmasked(n);
	rcu_read_unlock();
}

bool irq_has_notifier(struct kvm *kvm, unsigned int chip, unsigned int pin)
{
	struct kvm_irq_ack_notifier *n;
	bool found = false;

	rcu_read_lock();
	for_each_notifier(n, kvm, chip, pin)
		found = true;
	rcu_read_unlock();
	return found;
}

void irq_register_ack(struct kvm *kvm, struct kvm_irq_ack_notifier *n)
{
	mutex_lock(&kvm->irq_lock);
	hlist_add_head_rcu(&n->link, &kvm->irq_acks);
	ioapic_update_eoi_map(kvm);
	mutex_unlock(&kvm->irq_lock);
}

void irq_unregister_ack(struct kvm *kvm, struct kvm_irq_ack_notifier *n)
{
	mutex_lock(&kvm->irq_lock);
	hlist_del_init_rcu(&n->link);
	ioapic_update_eoi_map(kvm);
	mutex_unlock(&kvm->irq_lock);
}

/* ------------------------------------------------------------------------
 * The table
 */

static bool chip_has_pin(struct kvm *kvm, u32 chip, u32 pin)
{
	switch (chip) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		return kvm->pic && pin < PIC_PINS;
	case KVM_IRQCHIP_IOAPIC:
		return kvm->ioapic && pin < KVM_IOAPIC_NUM_PINS;
	}
	return false;
}

/* A GSI may lead to one pin of each chip. */
static bool add_pin(struct kvm *kvm, struct kvm_irq_routing_table *table,
		    u32 gsi, const struct kvm_irq_routing_irqchip *to)
{
	struct irq_route *route = &table->route[gsi];
	int i;

	if (route->is_msi || !chip_has_pin(kvm, to->irqchip, to->pin))
		return false;
	for (i = 0; i < route->nr; i++)
		if (route->pin[i].chip == to->irqchip)
			return false;
	route->pin[i].chip = to->irqchip;
	route->pin[i].pin = to->pin;
	route->nr++;
	table->gsi_of[array_index_nospec(to->irqchip, KVM_NR_IRQCHIPS)]
		     [array_index_nospec(to->pin, MAX_PINS)] = gsi;
	return true;
}

/* The GSI is below table->nr. */
static bool add_entry(struct kvm *kvm, struct kvm_irq_routing_table *table,
		      const struct kvm_irq_routing_entry *e)
{
	u32 gsi = array_index_nospec(e->gsi, table->nr);
	struct irq_route *route = &table->route[gsi];

	/* A device id may come with an MSI; there is no remapping to use it. */
	if (e->flags & ~(e->type == KVM_IRQ_ROUTING_MSI ? KVM_MSI_VALID_DEVID
							 : 0))
		return false;
	switch (e->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		return add_pin(kvm, table, gsi, &e->u.irqchip);
	case KVM_IRQ_ROUTING_MSI:
		if (route->nr || route->is_msi)
			return false;
		route->is_msi = true;
		route->msi.address_lo = e->u.msi.address_lo;
		route->msi.data = e->u.msi.data;
		return true;
	}
	return false;
}

static struct kvm_irq_routing_table *
build_table(struct kvm *kvm, const struct kvm_irq_routing_entry *e,
	    unsigned int nr)
{
	struct kvm_irq_routing_table *table;
	unsigned int i;
	u32 nr_gsi = 0;

	for (i = 0; i < nr; i++) {
		if (e[i].gsi >= KVM_MAX_IRQ_ROUTES)
			return ERR_PTR(-EINVAL);
		nr_gsi = max(nr_gsi, e[i].gsi + 1);
	}
	table = kvzalloc(struct_size(table, route, nr_gsi), GFP_KERNEL_ACCOUNT);
	if (!table)
		return ERR_PTR(-ENOMEM);
	table->nr = nr_gsi;
	memset(table->gsi_of, 0xff, sizeof(table->gsi_of));	/* NO_GSI */
	for (i = 0; i < nr; i++) {
		if (!add_entry(kvm, table, &e[i])) {
			kvfree(table);
			return ERR_PTR(-EINVAL);
		}
	}
	return table;
}

int irq_set_routing(struct kvm *kvm, const struct kvm_irq_routing_entry *e,
		    unsigned int nr, unsigned int flags)
{
	struct kvm_irq_routing_table *table, *old;

	if (nr > KVM_MAX_IRQ_ROUTES || flags)
		return -EINVAL;
	table = build_table(kvm, e, nr);
	if (IS_ERR(table))
		return PTR_ERR(table);

	mutex_lock(&kvm->irq_lock);
	old = rcu_replace_pointer(kvm->routing, table,
				  lockdep_is_held(&kvm->irq_lock));
	ioapic_update_eoi_map(kvm);
	mutex_unlock(&kvm->irq_lock);
	if (old)
		kvfree_rcu(old, rcu);
	return 0;
}

/* GSI n is IOAPIC pin n and, up to 15, IRQ n of the 8259s. */
int irq_set_default_routing(struct kvm *kvm)
{
	struct kvm_irq_routing_entry *e;
	unsigned int gsi, nr = 0;
	int r;

	e = kcalloc(KVM_IOAPIC_NUM_PINS + 2 * PIC_PINS, sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	for (gsi = 0; gsi < KVM_IOAPIC_NUM_PINS; gsi++) {
		if (gsi < 2 * PIC_PINS) {
			e[nr].gsi = gsi;
			e[nr].type = KVM_IRQ_ROUTING_IRQCHIP;
			e[nr].u.irqchip.irqchip = gsi / PIC_PINS;
			e[nr++].u.irqchip.pin = gsi % PIC_PINS;
		}
		e[nr].gsi = gsi;
		e[nr].type = KVM_IRQ_ROUTING_IRQCHIP;
		e[nr].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e[nr++].u.irqchip.pin = gsi;
	}
	r = irq_set_routing(kvm, e, nr, 0);
	kfree(e);
	return r;
}

/* Nobody reads it any more. */
void irq_free_routing(struct kvm *kvm)
{
	kvfree(rcu_dereference_protected(kvm->routing, 1));
	RCU_INIT_POINTER(kvm->routing, NULL);
}

/* ------------------------------------------------------------------------
 * The set of controllers
 */

static int create_chips(struct kvm *kvm)
{
	int r = pic_create(kvm);

	if (r)
		return r;
	r = ioapic_create(kvm);
	if (r)
		goto pic;
	r = irq_set_default_routing(kvm);
	if (r)
		goto ioapic;
	return 0;

ioapic:
	ioapic_destroy(kvm);
pic:
	pic_destroy(kvm);
	return r;
}

int irqchip_create(struct kvm *kvm)
{
	int r = lapic_map_create(kvm);

	if (r)
		return r;
	mutex_lock(&kvm->slots_lock);
	r = create_chips(kvm);
	mutex_unlock(&kvm->slots_lock);
	if (r)
		lapic_map_free(kvm);
	else
		smp_store_release(&kvm->irqchip, true);
	return r;
}

void irqchip_destroy(struct kvm *kvm)
{
	pit_stop(kvm);
	ioapic_stop(kvm);
	lapic_map_free(kvm);
}

int irqchip_get(struct kvm *kvm, struct kvm_irqchip *chip)
{
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		pic_get_state(kvm, chip->chip_id, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_get_state(kvm, &chip->chip.ioapic);
		return 0;
	}
	return -EINVAL;
}

int irqchip_set(struct kvm *kvm, const struct kvm_irqchip *chip)
{
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		pic_set_state(kvm, chip->chip_id, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_set_state(kvm, &chip->chip.ioapic);
		return 0;
	}
	return -EINVAL;
}
