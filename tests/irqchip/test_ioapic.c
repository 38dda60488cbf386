// SPDX-License-Identifier: GPL-2.0
/* test_ioapic.c - the I/O APIC, after the 82093AA data sheet. */
#include "vm.h"

#define LEVEL		0x8000ull
#define LOGICAL		0x800ull
#define MASKED		0x10000ull
#define REMOTE_IRR	0x4000u
#define TO(dest)	((u64)(dest) << 56)

static void registers(void)
{
	static const struct {
		u8 index;
		u32 write, read;
	} rows[] = {
		{ 0x00, 0xffffffff, 0x0f000000 },	/* id */
		{ 0x01, 0xffffffff, 0x00170011 },	/* 24 pins, version 0x11 */
		{ 0x02, 0xffffffff, 0x0f000000 },	/* arbitration id = id */
		{ 0x00, 0x05000000, 0x05000000 },
		{ 0x02, 0x00000000, 0x05000000 },
		{ 0x03, 0x00000000, 0xffffffff },	/* no such register */
		{ 0x40, 0x00000000, 0xffffffff },
		{ 0xff, 0x00000000, 0xffffffff },
		{ 0x10, 0xffffffff, 0x0001afff },	/* status bits stay 0 */
		{ 0x11, 0xffffffff, 0xff000000 },
		{ 0x3e, 0x00010034, 0x00010034 },	/* pin 23 */
		{ 0x3f, 0x12000000, 0x12000000 },
	};
	u64 wide = 0;
	u8 byte;
	size_t i;

	for (i = 0; i < 24; i++) {
		CHECK_EQ(ioapic_reg(0x10 + 2 * i), 0x10000);
		CHECK_EQ(ioapic_reg(0x11 + 2 * i), 0);
	}
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		ioapic_set_reg(rows[i].index, rows[i].write);
		CHECK_EQ(ioapic_reg(rows[i].index), rows[i].read);
	}
	/* IOREGSEL reads back; reads of other sizes. */
	CHECK_EQ(kvm_io_read(&cpu[0], KVM_MMIO_BUS, 0xfec00000, 1, &byte), 0);
	CHECK_EQ(byte, 0x3f);
	ioapic_reg(0x01);
	CHECK_EQ(kvm_io_read(&cpu[0], KVM_MMIO_BUS, 0xfec00010, 8, &wide), 0);
	CHECK_EQ(wide, 0x00170011);
	CHECK_EQ(kvm_io_read(&cpu[0], KVM_MMIO_BUS, 0xfec00010, 1, &byte), 0);
	CHECK_EQ(byte, 0x11);
	CHECK_EQ(kvm_io_read(&cpu[0], KVM_MMIO_BUS, 0xfec00020, 8, &wide), 0);
	CHECK_EQ(wide, 0);
}

static void edge(void)
{
	apic_on(&cpu[0], 1);
	ioapic_route(3, 0x41 | TO(0));
	CHECK_EQ(ioapic_set_irq(&vm, 0, 3, 1), 1);
	CHECK_EQ(ioapic_set_irq(&vm, 0, 3, 1), 0);	/* not an edge */
	CHECK_EQ(ioapic_set_irq(&vm, 0, 3, 0), 1);
	CHECK_EQ(ioapic_set_irq(&vm, 0, 3, 1), 0);	/* merged in IRR */
	CHECK_EQ(take(&cpu[0]), 0x41);
	CHECK_EQ(take(&cpu[0]), -1);
	CHECK_EQ(ioapic_set_irq(&vm, 0, 3, 1), 0);
	CHECK_EQ(take(&cpu[0]), -1);
	ioapic_set_irq(&vm, 0, 3, 0);
	/* A masked edge is lost. */
	ioapic_route(3, 0x41 | MASKED);
	CHECK_EQ(ioapic_set_irq(&vm, 0, 3, 1), -1);
	ioapic_route(3, 0x41);
	CHECK_EQ(take(&cpu[0]), -1);
	ioapic_set_irq(&vm, 0, 3, 0);
	CHECK_EQ(ioapic_set_irq(&vm, 0, 24, 1), -1);
}

static void level(void)
{
	apic_on(&cpu[0], 1);
	ioapic_route(10, 0x52 | LEVEL);
	CHECK_EQ(ioapic_set_irq(&vm, 0, 10, 1), 1);
	CHECK_EQ(ioapic_reg(0x10 + 20), 0x52 | LEVEL | REMOTE_IRR);
	CHECK_EQ(ioapic_set_irq(&vm, 0, 10, 1), -1);	/* waits for EOI */
	/* The guest cannot write remote IRR and status. */
	ioapic_set_reg(0x10 + 20, 0x52 | LEVEL);
	CHECK_EQ(ioapic_reg(0x10 + 20), 0x52 | LEVEL | REMOTE_IRR);
	CHECK_EQ(irq_ack(&cpu[0]), 0x52);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	apic_write(&cpu[0], APIC_EOI, 0);
	CHECK_EQ(irq_ack(&cpu[0]), 0x52);		/* up still: again */
	ioapic_set_irq(&vm, 0, 10, 0);
	apic_write(&cpu[0], APIC_EOI, 0);
	CHECK_EQ(irq_ack(&cpu[0]), -1);
	CHECK_EQ(ioapic_reg(0x10 + 20), 0x52 | LEVEL);
	/* A masked level is sent when it is unmasked. */
	ioapic_route(10, 0x52 | LEVEL | MASKED);
	CHECK_EQ(ioapic_set_irq(&vm, 0, 10, 1), -1);
	ioapic_route(10, 0x52 | LEVEL);
	CHECK_EQ(irq_ack(&cpu[0]), 0x52);
	/* Edge and back clears a stuck remote IRR, and the level asks again. */
	ioapic_set_reg(0x10 + 20, 0x63 | MASKED);
	CHECK_EQ(ioapic_reg(0x10 + 20), 0x63 | MASKED);
	ioapic_set_reg(0x10 + 20, 0x63 | LEVEL);
	CHECK_EQ(irq_ack(&cpu[0]), 0x63);
	/* The end of the vector that it had before ends nothing. */
	ioapic_set_irq(&vm, 0, 10, 0);
	send_ipi(&cpu[0], 0, 0x72);
	CHECK_EQ(take(&cpu[0]), 0x72);
	CHECK_EQ(ioapic_reg(0x10 + 20) & REMOTE_IRR, REMOTE_IRR);
	apic_write(&cpu[0], APIC_EOI, 0);
	CHECK_EQ(ioapic_reg(0x10 + 20) & REMOTE_IRR, 0);
}

/* A line that stays up gives the guest a pause after ten thousand rounds. */
static void storm(void)
{
	int rounds = 0;

	apic_on(&cpu[0], 1);
	ioapic_route(10, 0x52 | LEVEL);
	ioapic_set_irq(&vm, 0, 10, 1);
	while (irq_ack(&cpu[0]) == 0x52 && rounds < 20000) {
		apic_write(&cpu[0], APIC_EOI, 0);
		rounds++;
	}
	CHECK_EQ(rounds, 10000);
	advance(9 * NSEC_PER_MSEC);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	advance(2 * NSEC_PER_MSEC);
	CHECK_EQ(irq_ack(&cpu[0]), 0x52);
	/* Lowered meanwhile: not sent after all. */
	for (rounds = 1; rounds <= 10000; rounds++) {
		apic_write(&cpu[0], APIC_EOI, 0);
		irq_ack(&cpu[0]);
	}
	ioapic_set_irq(&vm, 0, 10, 0);
	advance(20 * NSEC_PER_MSEC);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
}

/* An EOI of the vector that came as an edge is not broadcast. */
static void edge_eoi(void)
{
	apic_on(&cpu[0], 1);
	apic_on(&cpu[1], 2);
	ioapic_route(10, 0x52 | LEVEL | TO(0));
	ioapic_set_irq(&vm, 0, 10, 1);
	send_ipi(&cpu[0], 1, 0x52);
	CHECK_EQ(take(&cpu[1]), 0x52);
	CHECK_EQ(ioapic_reg(0x10 + 20) & REMOTE_IRR, REMOTE_IRR);
	CHECK_EQ(irq_ack(&cpu[0]), 0x52);
	ioapic_set_irq(&vm, 0, 10, 0);
	apic_write(&cpu[0], APIC_EOI, 0);
	CHECK_EQ(ioapic_reg(0x10 + 20) & REMOTE_IRR, 0);
	/* Two pins with one vector: the level's EOI sends no edge again. */
	ioapic_route(11, 0x52 | TO(0));
	ioapic_set_irq(&vm, 0, 11, 1);
	ioapic_set_irq(&vm, 0, 10, 1);
	CHECK_EQ(irq_ack(&cpu[0]), 0x52);
	ioapic_set_irq(&vm, 0, 10, 0);
	apic_write(&cpu[0], APIC_EOI, 0);
	CHECK_EQ(ioapic_reg(0x10 + 20) & REMOTE_IRR, 0);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
}

static void delivery_modes(void)
{
	static const struct {
		u64 rte;
		int status, vector[2], nmis;
		bool init;
	} rows[] = {
		{ 0x61 | TO(0), 1, { 0x61, -1 } },
		{ 0x61 | TO(1), 1, { -1, 0x61 } },
		{ 0x61 | TO(7), -1, { -1, -1 } },
		{ 0x61 | TO(0xff), 2, { 0x61, 0x61 } },
		{ 0x61 | LOGICAL | TO(2), 1, { -1, 0x61 } },
		{ 0x61 | LOGICAL | TO(3), 2, { 0x61, 0x61 } },
		{ 0x61 | LOGICAL | TO(4), -1, { -1, -1 } },
		{ 0x61 | LOGICAL | TO(0xff), 2, { 0x61, 0x61 } },
		{ 0x261 | TO(0), 0, { -1, -1 } },		/* SMI */
		{ 0x361 | TO(0), 0, { -1, -1 } },		/* reserved */
		{ 0x461 | TO(1), 1, { -1, -1 }, 1 },		/* NMI */
		{ 0x561 | TO(1), 1, { -1, -1 }, 0, true },	/* INIT */
		{ 0x00f | TO(0), 0, { -1, -1 } },		/* illegal vector */
	};
	size_t i;

	apic_on(&cpu[0], 1);
	apic_on(&cpu[1], 2);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		ioapic_route(5, rows[i].rte);
		CHECK_EQ(ioapic_set_irq(&vm, 0, 5, 1), rows[i].status);
		ioapic_set_irq(&vm, 0, 5, 0);
		CHECK_EQ(take(&cpu[0]), rows[i].vector[0]);
		CHECK_EQ(take(&cpu[1]), rows[i].vector[1]);
		CHECK_EQ(cpu[1].ev.nmi_queued.counter, rows[i].nmis);
		cpu[1].ev.nmi_queued.counter = 0;
		CHECK_EQ(lapic_has_events(&cpu[1]), rows[i].init);
		lapic_accept_events(&cpu[1]);
	}
	/* ExtINT: the processor asks the 8259s, whatever LINT0 is set to. */
	pic_init(0x01, 0x00, 0xff);
	ioapic_route(5, 0x700 | TO(0));
	apic_write(&cpu[0], APIC_LVT0, APIC_LVT_MASKED);
	gsi_line(5, 1);
	CHECK_EQ(irq_ack(&cpu[0]), 0x35);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
}

/* A pin is up while any source holds it. */
static void sources(void)
{
	apic_on(&cpu[0], 1);
	ioapic_route(9, 0x52 | LEVEL);
	ioapic_set_irq(&vm, IRQ_SOURCE_USER, 9, 1);
	ioapic_set_irq(&vm, IRQ_SOURCE_PIT, 9, 1);
	ioapic_set_irq(&vm, IRQ_SOURCE_USER, 9, 0);
	CHECK_EQ(take(&cpu[0]), 0x52);
	CHECK_EQ(take(&cpu[0]), 0x52);
	ioapic_set_irq(&vm, IRQ_SOURCE_PIT, 9, 0);
	CHECK_EQ(take(&cpu[0]), 0x52);		/* sent before it fell */
	CHECK_EQ(take(&cpu[0]), -1);
}

static void state(void)
{
	struct kvm_irqchip chip = { .chip_id = 2 }, got = { .chip_id = 2 };
	struct kvm_ioapic_state *s = &chip.chip.ioapic;

	CHECK_EQ(irqchip_get(&vm, &got), 0);
	CHECK_EQ(got.chip.ioapic.base_address, 0xfec00000);
	CHECK_EQ(got.chip.ioapic.redirtbl[23].bits, 0x10000);
	CHECK_EQ(got.chip.ioapic.irr, 0);

	/* Sent edges are not shown in irr, levels and masked edges are. */
	apic_on(&cpu[0], 1);
	ioapic_route(1, 0x41);
	ioapic_route(2, 0x42 | LEVEL);
	gsi_line(1, 1);
	gsi_line(2, 1);
	gsi_line(3, 1);
	CHECK_EQ(irqchip_get(&vm, &got), 0);
	CHECK_EQ(got.chip.ioapic.irr, 0x0c);
	CHECK(got.chip.ioapic.redirtbl[2].fields.remote_irr);
	/* What was an edge once is a level now. */
	gsi_line(1, 0);
	ioapic_route(1, 0x41 | LEVEL | MASKED);
	gsi_line(1, 1);
	CHECK_EQ(irqchip_get(&vm, &got), 0);
	CHECK_EQ(got.chip.ioapic.irr, 0x0e);

	/* Set: what irr holds is sent, unless remote IRR says it was. */
	vm_stop();
	vm_start(1);
	apic_on(&cpu[0], 1);
	s->base_address = 0xfec00000;
	s->ioregsel = 0x12;
	s->id = 3;
	s->irr = 0xff00000f;
	s->redirtbl[0].bits = 0x50;
	s->redirtbl[1].bits = 0x51 | LEVEL;
	s->redirtbl[2].bits = 0x52 | LEVEL | REMOTE_IRR;
	s->redirtbl[3].bits = 0x53 | MASKED;
	s->redirtbl[4].bits = 0x54 | LEVEL;
	CHECK_EQ(irqchip_set(&vm, &chip), 0);
	CHECK_EQ(take(&cpu[0]), 0x51);
	CHECK_EQ(take(&cpu[0]), 0x51);
	ioapic_set_irq(&vm, 0, 1, 0);
	CHECK_EQ(take(&cpu[0]), 0x51);
	CHECK_EQ(take(&cpu[0]), 0x50);
	CHECK_EQ(take(&cpu[0]), -1);
	CHECK_EQ(irqchip_get(&vm, &got), 0);
	CHECK_EQ(got.chip.ioapic.ioregsel, 0x12);
	CHECK_EQ(got.chip.ioapic.id, 3);
	CHECK_EQ(got.chip.ioapic.irr, 0x0c);
	CHECK_EQ(got.chip.ioapic.redirtbl[2].bits, 0x52 | LEVEL | REMOTE_IRR);

	/* Moved away: nothing answers at the old place. */
	s->base_address = 0xfed00000;
	CHECK_EQ(irqchip_set(&vm, &chip), 0);
	CHECK_EQ(kvm_io_read(&cpu[0], KVM_MMIO_BUS, 0xfec00000, 4, &got),
		 -EOPNOTSUPP);
	CHECK_EQ(kvm_io_write(&cpu[0], KVM_MMIO_BUS, 0xfec00000, 4, &got),
		 -EOPNOTSUPP);
	s->base_address = ~0ull;
	CHECK_EQ(irqchip_set(&vm, &chip), 0);
	CHECK_EQ(kvm_io_read(&cpu[0], KVM_MMIO_BUS, 0xfec00000, 4, &got),
		 -EOPNOTSUPP);
}

/* A CPU that refuses leaves remote IRR clear, so that nothing hangs. */
static void refused(void)
{
	ioapic_route(10, 0x52 | LEVEL);
	CHECK_EQ(ioapic_set_irq(&vm, 0, 10, 1), 0);	/* APIC is off */
	CHECK_EQ(ioapic_reg(0x10 + 20) & REMOTE_IRR, 0);
	apic_on(&cpu[0], 1);
	CHECK_EQ(ioapic_set_irq(&vm, 0, 10, 1), 1);
	CHECK_EQ(take(&cpu[0]), 0x52);
}

/* An NMI is an edge even where the pin is set to level. */
static void level_nmi(void)
{
	int i;

	ioapic_route(10, 0x400 | LEVEL);
	for (i = 1; i <= 2; i++) {
		CHECK_EQ(ioapic_set_irq(&vm, 0, 10, 1), 1);
		CHECK_EQ(ioapic_set_irq(&vm, 0, 10, 1), 0);
		CHECK_EQ(ioapic_reg(0x10 + 20) & REMOTE_IRR, 0);
		ioapic_set_irq(&vm, 0, 10, 0);
		CHECK_EQ(cpu[0].ev.nmi_queued.counter, i);
	}
}

const struct test ioapic_tests[] = {
	{ "ioapic-registers", 1, registers },
	{ "ioapic-edge", 1, edge },
	{ "ioapic-level", 1, level },
	{ "ioapic-storm", 1, storm },
	{ "ioapic-edge-eoi", 2, edge_eoi },
	{ "ioapic-delivery-modes", 2, delivery_modes },
	{ "ioapic-sources", 1, sources },
	{ "ioapic-state", 1, state },
	{ "ioapic-refused", 1, refused },
	{ "ioapic-level-nmi", 1, level_nmi },
	{}
};
