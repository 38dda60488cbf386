// SPDX-License-Identifier: GPL-2.0
/*
 * test_routing.c - GSI routing, ack notifiers, MSIs; creation with memory
 * running out at every point.
 */
#include "vm.h"

#define IRQCHIP	KVM_IRQ_ROUTING_IRQCHIP
#define MSI	KVM_IRQ_ROUTING_MSI

static struct kvm_irq_routing_entry to_pin(u32 gsi, u32 chip, u32 pin)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

static struct kvm_irq_routing_entry to_msi(u32 gsi, u32 lo, u32 data)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = MSI,
		.u.msi = { .address_lo = lo, .data = data },
	};
}

/* GSI n: IOAPIC pin n, and below 16 the 8259s' IRQ n. */
static void defaults(void)
{
	int gsi;

	apic_on(&cpu[0], 1);
	for (gsi = 0; gsi < 24; gsi++)
		ioapic_route(gsi, 0x40 + gsi);
	pic_init(0x01, 0xff, 0xff);
	for (gsi = 0; gsi < 24; gsi++) {
		CHECK_EQ(gsi_pulse(gsi), 1);
		CHECK_EQ(take(&cpu[0]), 0x40 + gsi);
	}
	for (gsi = 0; gsi < 24; gsi++)
		ioapic_route(gsi, 0x10000);
	pic_init(0x03, 0x00, 0x00);
	for (gsi = 0; gsi < 16; gsi++) {
		if (gsi == 2)
			continue;
		CHECK_EQ(gsi_pulse(gsi), 1);
		CHECK_EQ(irq_ack(&cpu[0]), 0x30 + gsi);
		if (gsi >= 8)
			outb(0x20, 0x20);
	}
	for (gsi = 16; gsi < 24; gsi++)
		CHECK_EQ(gsi_pulse(gsi), -1);
	CHECK_EQ(gsi_pulse(24), -1);
	CHECK_EQ(gsi_pulse(4095), -1);
	CHECK_EQ(gsi_pulse(0xffffffff), -1);
	/* Both at once: their counts add up. */
	ioapic_route(4, 0x44);
	CHECK_EQ(gsi_pulse(4), 2);
}

static void validation(void)
{
	struct kvm_irq_routing_entry e[3], ok = to_pin(1, 2, 1);
	static const struct {
		u32 gsi, type, flags, chip, pin;
		int result;
	} rows[] = {
		{ 0, IRQCHIP, 0, 0, 7, 0 },
		{ 0, IRQCHIP, 0, 0, 8, -EINVAL },
		{ 0, IRQCHIP, 0, 1, 7, 0 },
		{ 0, IRQCHIP, 0, 1, 8, -EINVAL },
		{ 0, IRQCHIP, 0, 2, 23, 0 },
		{ 0, IRQCHIP, 0, 2, 24, -EINVAL },
		{ 0, IRQCHIP, 0, 2, 0xffffffff, -EINVAL },
		{ 0, IRQCHIP, 0, 3, 0, -EINVAL },
		{ 0, IRQCHIP, 0, 0xffffffff, 0, -EINVAL },
		{ 0, IRQCHIP, 1, 0, 0, -EINVAL },
		{ 4095, IRQCHIP, 0, 2, 0, 0 },
		{ 4096, IRQCHIP, 0, 2, 0, -EINVAL },
		{ 0xffffffff, IRQCHIP, 0, 2, 0, -EINVAL },
		{ 0, MSI, 0, 0, 0, 0 },
		{ 0, MSI, KVM_MSI_VALID_DEVID, 0, 0, 0 },
		{ 0, MSI, 2, 0, 0, -EINVAL },
		{ 0, 0, 0, 0, 0, -EINVAL },
		{ 0, KVM_IRQ_ROUTING_S390_ADAPTER, 0, 0, 0, -EINVAL },
		{ 0, KVM_IRQ_ROUTING_HV_SINT, 0, 0, 0, -EINVAL },
		{ 0, KVM_IRQ_ROUTING_XEN_EVTCHN, 0, 0, 0, -EINVAL },
		{ 0, 0xffffffff, 0, 0, 0, -EINVAL },
	};
	size_t i;

	apic_on(&cpu[0], 1);
	ioapic_route(1, 0x41);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_EQ(irq_set_routing(&vm, &ok, 1, 0), 0);
		e[0] = to_pin(rows[i].gsi, rows[i].chip, rows[i].pin);
		e[0].type = rows[i].type;
		e[0].flags = rows[i].flags;
		CHECK_EQ(irq_set_routing(&vm, e, 1, 0), rows[i].result);
		/* What is refused changes nothing. */
		if (rows[i].result) {
			CHECK_EQ(gsi_pulse(1), 1);
			CHECK_EQ(take(&cpu[0]), 0x41);
		}
	}
	/* One pin of each chip, or one MSI, per GSI. */
	e[0] = to_pin(5, 2, 1);
	e[1] = to_pin(5, 0, 5);
	e[2] = to_pin(5, 1, 5);
	CHECK_EQ(irq_set_routing(&vm, e, 3, 0), 0);
	e[2] = to_pin(5, 2, 2);
	CHECK_EQ(irq_set_routing(&vm, e, 3, 0), -EINVAL);
	e[2] = to_msi(5, 0xfee00000, 0x41);
	CHECK_EQ(irq_set_routing(&vm, e, 3, 0), -EINVAL);
	e[0] = to_msi(5, 0xfee00000, 0x41);
	CHECK_EQ(irq_set_routing(&vm, e, 2, 0), -EINVAL);
	e[1] = e[0];
	CHECK_EQ(irq_set_routing(&vm, e, 2, 0), -EINVAL);
	CHECK_EQ(irq_set_routing(&vm, e, 1, 1), -EINVAL);
	CHECK_EQ(irq_set_routing(&vm, e, 4097, 0), -EINVAL);
	/* None at all. */
	CHECK_EQ(irq_set_routing(&vm, NULL, 0, 0), 0);
	CHECK_EQ(gsi_pulse(1), -1);
	/* No pins where there are no such chips. */
	vm.pic = NULL;
	vm.ioapic = NULL;
	e[0] = to_pin(0, 0, 0);
	CHECK_EQ(irq_set_routing(&vm, e, 1, 0), -EINVAL);
	e[0] = to_pin(0, 2, 0);
	CHECK_EQ(irq_set_routing(&vm, e, 1, 0), -EINVAL);
}

/* SDM, "Message Signalled Interrupts". */
static void msi(void)
{
	static const struct {
		u32 lo, data;
		int result;
		u32 set;
	} rows[] = {
		{ 0xfee00000, 0x55, 1, 1 },
		{ 0xfee01000, 0x55, 1, 2 },
		{ 0xfee09000, 0x55, -1, 0 },
		{ 0xfeeff000, 0x55, 3, 7 },
		{ 0xfee06004, 0x55, 2, 6 },		/* logical */
		{ 0xfee01000, 0x8055, 1, 2 },		/* level */
		{ 0xfee01000, 0x0f, 0, 0 },
	};
	struct kvm_irq_routing_entry e;
	struct kvm_msi m = {};
	u32 set;
	size_t i;
	int j;

	for (j = 0; j < 3; j++)
		apic_on(&cpu[j], BIT(j));
	for (i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		size_t row = i / 2;

		if (i & 1) {
			e = to_msi(9, rows[row].lo, rows[row].data);
			CHECK_EQ(irq_set_routing(&vm, &e, 1, 0), 0);
			CHECK_EQ(gsi_line(9, 1), rows[row].result);
			CHECK_EQ(gsi_line(9, 0), -1);
		} else {
			m.address_lo = rows[row].lo;
			m.data = rows[row].data;
			/* For the ioctl's caller nobody to take it is no error. */
			CHECK_EQ(irq_send_msi(&vm, &m), max(rows[row].result, 0));
		}
		for (j = 0, set = 0; j < 3; j++)
			if (take(&cpu[j]) == 0x55)
				set |= BIT(j);
		CHECK_EQ(set, rows[row].set);
	}
	/* Redirection hint, and lowest priority: one of them. */
	for (i = 0; i < 2; i++) {
		m.address_lo = i ? 0xfee07004 : 0xfee0700c;
		m.data = i ? 0x155 : 0x55;
		CHECK_EQ(irq_send_msi(&vm, &m), 1);
		for (j = 0, set = 0; j < 3; j++)
			if (take(&cpu[j]) == 0x55)
				set++;
		CHECK_EQ(set, 1);
	}
	/* Merged is delivered, for a message. */
	CHECK_EQ(irq_send_msi(&vm, &m), 1);
	m.address_lo = 0xfee00000;
	CHECK_EQ(irq_send_msi(&vm, &m), 1);
	CHECK_EQ(irq_send_msi(&vm, &m), 1);
	m.flags = 1;
	CHECK_EQ(irq_send_msi(&vm, &m), -EINVAL);
	m.flags = 0;
	vm.irqchip = false;
	CHECK_EQ(irq_send_msi(&vm, &m), -EINVAL);
	CHECK_EQ(irq_set(&vm, IRQ_SOURCE_USER, 9, 1), -1);
	vm.irqchip = true;
}

struct waiter {
	struct kvm_irq_ack_notifier n;
	int acked, unmasked;
	bool lower;
};

static void on_ack(struct kvm_irq_ack_notifier *n)
{
	struct waiter *w = container_of(n, struct waiter, n);

	CHECK_EQ(spinlocks_held, 0);
	w->acked++;
	if (w->lower)
		gsi_line(n->gsi, 0);
}

static void on_unmask(struct kvm_irq_ack_notifier *n)
{
	CHECK_EQ(spinlocks_held, 0);
	container_of(n, struct waiter, n)->unmasked++;
}

static void notifiers(void)
{
	struct waiter w = { .n = { .gsi = 10, .acked = on_ack,
				   .unmasked = on_unmask } };
	struct kvm_irq_routing_entry e;

	irq_register_ack(&vm, &w.n);
	apic_on(&cpu[0], 1);
	pic_init(0x01, 0xff, 0xff);
	w.unmasked = 0;
	/* By the IOAPIC, edge: at the EOI. */
	ioapic_route(10, 0x51);
	CHECK_EQ(w.unmasked, 1);
	gsi_pulse(10);
	CHECK_EQ(irq_ack(&cpu[0]), 0x51);
	CHECK_EQ(w.acked, 0);
	apic_write(&cpu[0], APIC_EOI, 0);
	CHECK_EQ(w.acked, 1);
	/* Level: the notifier may lower the line before it is looked at. */
	ioapic_route(10, 0x8052);
	gsi_line(10, 1);
	CHECK_EQ(take(&cpu[0]), 0x52);
	CHECK_EQ(w.acked, 2);
	w.lower = true;
	CHECK_EQ(take(&cpu[0]), 0x52);
	CHECK_EQ(take(&cpu[0]), -1);
	CHECK_EQ(w.acked, 3);
	/* By the 8259s: EOI, automatic EOI, initialization. */
	ioapic_route(10, 0x10000);
	outb(0x21, 0xfb);
	outb(0xa1, 0xfb);
	CHECK_EQ(w.unmasked, 2);
	gsi_pulse(10);
	CHECK_EQ(irq_ack(&cpu[0]), 0x3a);
	CHECK_EQ(w.acked, 3);
	outb(0xa0, 0x20);
	CHECK_EQ(w.acked, 4);
	outb(0x20, 0x20);
	gsi_pulse(10);
	outb(0xa0, 0x11);
	CHECK_EQ(w.acked, 5);
	pic_init(0x03, 0xfb, 0xfb);
	gsi_pulse(10);
	CHECK_EQ(irq_ack(&cpu[0]), 0x3a);
	CHECK_EQ(w.acked, 6);
	/* Follows the route. */
	e = to_pin(10, KVM_IRQCHIP_IOAPIC, 3);
	ioapic_route(3, 0x53);
	CHECK_EQ(irq_set_routing(&vm, &e, 1, 0), 0);
	gsi_pulse(10);
	CHECK_EQ(take(&cpu[0]), 0x53);
	CHECK_EQ(w.acked, 7);
	/* A level in service elsewhere is not ended by an edge's EOI. */
	apic_on(&cpu[1], 2);
	ioapic_route(3, 0x8053);
	gsi_line(10, 1);
	send_ipi(&cpu[0], 1, 0x53);
	CHECK_EQ(take(&cpu[1]), 0x53);
	CHECK_EQ(w.acked, 7);
	CHECK_EQ(take(&cpu[0]), 0x53);
	CHECK_EQ(w.acked, 8);
	ioapic_route(3, 0x53);
	w.acked = 7;
	irq_unregister_ack(&vm, &w.n);
	gsi_pulse(10);
	CHECK_EQ(take(&cpu[0]), 0x53);
	CHECK_EQ(w.acked, 7);
}

/* User space moves GSI 0 to IOAPIC pin 2, as PCs have it. */
static void pit_moved(void)
{
	struct kvm_irq_routing_entry e = to_pin(0, KVM_IRQCHIP_IOAPIC, 2);
	int n;

	CHECK_EQ(irq_set_routing(&vm, &e, 1, 0), 0);
	apic_on(&cpu[0], 1);
	ioapic_route(2, 0x40);
	outb(0x43, 0x34);
	outb(0x40, 11932 & 0xff);
	outb(0x40, 11932 >> 8);
	advance(95 * MS);
	for (n = 0; take(&cpu[0]) == 0x40; n++)
		;
	CHECK_EQ(n, 9);
}

/* Memory runs out at each point in turn: all is undone, and works later. */
static void out_of_memory(void)
{
	static struct kvm_vcpu v;
	struct kvm_irq_routing_entry e = to_pin(1, 2, 1);
	int i, r;

	fail_allocation = 0;
	CHECK_EQ(irq_set_routing(&vm, &e, 1, 0), -ENOMEM);
	fail_allocation = -1;
	vm_stop();
	for (i = 0, r = -ENOMEM; r; i++) {
		memset(&vm, 0, sizeof(vm));
		mutex_lock(&vm.lock);
		fail_allocation = i;
		r = irqchip_create(&vm);
		fail_allocation = -1;
		mutex_unlock(&vm.lock);
		CHECK(!r || r == -ENOMEM);
		CHECK_EQ(vm.irqchip, !r);
		CHECK_EQ(!!vm.pic, !r);
		CHECK_EQ(!!vm.ioapic, !r);
		CHECK_EQ(!!vm.lapic_map, !r);
		CHECK_EQ(!!vm.routing, !r);
	}
	CHECK(i > 6);
	for (i = 0, r = -ENOMEM; r; i++) {
		mutex_lock(&vm.lock);
		fail_allocation = i;
		r = pit_create(&vm, KVM_PIT_SPEAKER_DUMMY);
		fail_allocation = -1;
		mutex_unlock(&vm.lock);
		CHECK(!r || r == -ENOMEM);
		CHECK_EQ(!!vm.pit, !r);
	}
	CHECK_EQ(i, 4);
	v.kvm = &vm;
	fail_allocation = 0;
	CHECK_EQ(lapic_create(&v), -ENOMEM);
	fail_allocation = -1;
	CHECK(!v.apic);
	lapic_free(&v);
}

const struct test routing_tests[] = {
	{ "routing-defaults", 1, defaults },
	{ "routing-validation", 1, validation },
	{ "routing-msi", 3, msi },
	{ "routing-notifiers", 2, notifiers },
	{ "routing-pit-moved", 1, pit_moved },
	{ "routing-out-of-memory", 1, out_of_memory },
	{}
};
