// SPDX-License-Identifier: GPL-2.0
/*
 * test_pic.c - the 8259 pair, after its data sheet.  Vectors: master 0x30,
 * slave 0x38.
 */
#include "vm.h"

#define EOI	outb(0x20, 0x20)
#define EOI2	outb(0xa0, 0x20)

static void priority(void)
{
	pic_init(0x01, 0x00, 0x00);
	gsi_pulse(5);
	gsi_pulse(3);
	CHECK_EQ(irq_pending(&cpu[0]), 0x33);
	CHECK_EQ(irq_ack(&cpu[0]), 0x33);
	CHECK_EQ(irq_pending(&cpu[0]), -1);	/* 5 is lower than 3 in service */
	gsi_pulse(1);
	CHECK_EQ(irq_ack(&cpu[0]), 0x31);	/* 1 nests */
	gsi_pulse(0);
	CHECK_EQ(irq_ack(&cpu[0]), 0x30);
	EOI;					/* ends the highest: 0 */
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	outb(0x20, 0x0b);
	CHECK_EQ(inb(0x20), 0x0a);
	EOI;
	EOI;
	CHECK_EQ(irq_ack(&cpu[0]), 0x35);
	EOI;
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	CHECK_EQ(irq_ack(&cpu[0]), -1);
}

static void edge_and_level(void)
{
	pic_init(0x01, 0x00, 0x00);
	/* An edge counts once, and is remembered when the line falls. */
	CHECK_EQ(gsi_line(4, 1), 1);
	CHECK_EQ(irq_ack(&cpu[0]), 0x34);
	EOI;
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	gsi_line(4, 0);
	gsi_pulse(4);
	CHECK_EQ(irq_ack(&cpu[0]), 0x34);
	EOI;
	/* A level asks as long as it is up. */
	outb(0x4d0, 0x20);
	gsi_line(5, 1);
	CHECK_EQ(irq_ack(&cpu[0]), 0x35);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	EOI;
	CHECK_EQ(irq_pending(&cpu[0]), 0x35);
	gsi_line(5, 0);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	/* Made a level input while its line is up, or while an edge waits. */
	gsi_line(6, 1);
	CHECK_EQ(irq_ack(&cpu[0]), 0x36);
	EOI;
	outb(0x4d0, 0x40);
	CHECK_EQ(irq_pending(&cpu[0]), 0x36);
	gsi_line(6, 0);
	gsi_pulse(7);
	outb(0x4d0, 0x80);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
}

static void elcr(void)
{
	CHECK_EQ(inb(0x4d0), 0);
	outb(0x4d0, 0xff);
	outb(0x4d1, 0xff);
	CHECK_EQ(inb(0x4d0), 0xf8);
	CHECK_EQ(inb(0x4d1), 0xde);
}

static void status(void)
{
	static const struct {
		u8 imr, elcr;
		int first, second;
	} rows[] = {
		{ 0x00, 0x00, 1, 0 },	/* delivered, then merged */
		{ 0x10, 0x00, -1, -1 },	/* masked */
		{ 0x00, 0x10, 1, 1 },	/* level: fell in between */
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		pic_init(0x01, rows[i].imr, 0xff);
		outb(0x4d0, rows[i].elcr);
		CHECK_EQ(pic_set_irq(&vm, 0, 4, 1), rows[i].first);
		pic_set_irq(&vm, 0, 4, 0);
		CHECK_EQ(pic_set_irq(&vm, 0, 4, 1), rows[i].second);
		pic_set_irq(&vm, 0, 4, 0);
	}
}

static void auto_eoi(void)
{
	pic_init(0x03, 0x00, 0x00);
	gsi_pulse(3);
	gsi_pulse(4);
	CHECK_EQ(irq_ack(&cpu[0]), 0x33);
	outb(0x20, 0x0b);
	CHECK_EQ(inb(0x20), 0);			/* not in service */
	CHECK_EQ(irq_ack(&cpu[0]), 0x34);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	/* Rotate in automatic EOI mode: who was served becomes the lowest. */
	outb(0x20, 0x80);
	gsi_pulse(3);
	CHECK_EQ(irq_ack(&cpu[0]), 0x33);
	gsi_pulse(3);
	gsi_pulse(5);
	CHECK_EQ(irq_ack(&cpu[0]), 0x35);
	CHECK_EQ(irq_ack(&cpu[0]), 0x33);
	outb(0x20, 0x00);			/* no more */
	gsi_pulse(4);
	CHECK_EQ(irq_ack(&cpu[0]), 0x34);
	gsi_pulse(3);
	gsi_pulse(4);
	CHECK_EQ(irq_ack(&cpu[0]), 0x34);	/* 4 is the highest since 3's turn */
}

static void rotation(void)
{
	pic_init(0x01, 0x00, 0x00);
	outb(0x20, 0xc3);			/* 3 lowest: 4 highest */
	gsi_pulse(3);
	gsi_pulse(4);
	gsi_pulse(0);
	CHECK_EQ(irq_ack(&cpu[0]), 0x34);
	outb(0x20, 0xa0);			/* rotate on non-specific EOI */
	CHECK_EQ(irq_ack(&cpu[0]), 0x30);
	outb(0x20, 0xe0);			/* rotate on specific EOI of 0 */
	CHECK_EQ(irq_ack(&cpu[0]), 0x33);
	outb(0x20, 0x63);			/* specific EOI of 3 */
	gsi_pulse(0);
	gsi_pulse(1);
	CHECK_EQ(irq_ack(&cpu[0]), 0x31);	/* 0 lowest: 1 highest */
	outb(0x20, 0x60);			/* 0 is not in service: no effect */
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	outb(0x20, 0x40);			/* no operation */
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	EOI;
	CHECK_EQ(irq_ack(&cpu[0]), 0x30);
}

static void special_mask(void)
{
	pic_init(0x01, 0x00, 0x00);
	gsi_pulse(2 + 1);
	CHECK_EQ(irq_ack(&cpu[0]), 0x33);
	gsi_pulse(5);
	outb(0x21, 0x08);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	outb(0x20, 0x68);			/* set special mask mode */
	CHECK_EQ(irq_ack(&cpu[0]), 0x35);	/* 3, masked, holds up nobody */
	EOI;					/* ends 5: 3 is not seen */
	outb(0x20, 0x0b);
	CHECK_EQ(inb(0x20), 0x08);
	EOI;
	CHECK_EQ(inb(0x20), 0x08);
	outb(0x20, 0x48);			/* reset special mask mode */
	EOI;
	CHECK_EQ(inb(0x20), 0x00);
}

static void poll(void)
{
	pic_init(0x01, 0x00, 0x00);
	outb(0x20, 0x0c);
	CHECK_EQ(inb(0x20) & 0x80, 0);
	gsi_pulse(6);
	outb(0x20, 0x0c);
	CHECK_EQ(inb(0x20), 0x86);
	outb(0x20, 0x0b);
	CHECK_EQ(inb(0x20), 0x40);		/* in service, as by INTA */
	EOI;
	/* The poll command holds for one read, of either port. */
	outb(0x20, 0x0c);
	CHECK_EQ(inb(0x21) & 0x80, 0);
	CHECK_EQ(inb(0x21), 0x00);
	/* The slave's: the master's request goes, too. */
	gsi_pulse(10);
	CHECK_EQ(irq_pending(&cpu[0]), 0x3a);
	outb(0xa0, 0x0c);
	CHECK_EQ(inb(0xa0), 0x82);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	EOI2;
}

static void cascade(void)
{
	pic_init(0x01, 0x00, 0x00);
	gsi_pulse(12);
	gsi_pulse(3);
	CHECK_EQ(irq_ack(&cpu[0]), 0x3c);	/* by IRQ2: before 3 */
	outb(0x20, 0x0b);
	outb(0xa0, 0x0b);
	CHECK_EQ(inb(0x20), 0x04);
	CHECK_EQ(inb(0xa0), 0x10);
	/* A higher one of the slave's waits for the master's EOI. */
	gsi_pulse(8);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	EOI;
	CHECK_EQ(irq_ack(&cpu[0]), 0x38);
	EOI2;
	EOI;
	EOI2;
	CHECK_EQ(irq_ack(&cpu[0]), 0x33);
	EOI;
	/* The slave masked at the master. */
	outb(0x21, 0x04);
	gsi_pulse(9);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	outb(0x21, 0x00);
	CHECK_EQ(irq_ack(&cpu[0]), 0x39);
}

static void fully_nested(void)
{
	pic_init(0x11, 0x00, 0x00);
	gsi_pulse(12);
	CHECK_EQ(irq_ack(&cpu[0]), 0x3c);
	gsi_pulse(3);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	gsi_pulse(13);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	gsi_pulse(8);				/* the slave interrupts itself */
	CHECK_EQ(irq_ack(&cpu[0]), 0x38);
	EOI2;
	EOI2;
	EOI;
	CHECK_EQ(irq_ack(&cpu[0]), 0x3d);
	EOI2;
	EOI;
	/* What is above the slave holds it up as ever. */
	CHECK_EQ(irq_ack(&cpu[0]), 0x33);
	EOI;
	gsi_pulse(1);
	CHECK_EQ(irq_ack(&cpu[0]), 0x31);
	gsi_pulse(8);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	EOI;
	CHECK_EQ(irq_ack(&cpu[0]), 0x38);
}

static void spurious(void)
{
	pic_init(0x01, 0x00, 0x00);
	outb(0x4d1, 0x0c);
	/* INTA without a request: IRQ7, nothing in service. */
	CHECK_EQ(pic_read_irq(&vm), 0x37);
	outb(0x20, 0x0b);
	CHECK_EQ(inb(0x20), 0x00);
	/* The slave's request went away after the master had latched it. */
	gsi_line(10, 1);
	gsi_line(10, 0);
	CHECK_EQ(irq_ack(&cpu[0]), 0x3f);
	outb(0xa0, 0x0b);
	CHECK_EQ(inb(0xa0), 0x00);
	CHECK_EQ(inb(0x20), 0x04);		/* the master's EOI is due */
	EOI;
}

static void registers(void)
{
	pic_init(0x01, 0xa5, 0x5a);
	CHECK_EQ(inb(0x21), 0xa5);
	CHECK_EQ(inb(0xa1), 0x5a);
	gsi_pulse(0);
	gsi_pulse(6);
	outb(0x20, 0x0a);
	CHECK_EQ(inb(0x20), 0x41);		/* IRR shows masked ones, too */
	outb(0x20, 0x0b);
	CHECK_EQ(inb(0x20), 0x00);
	CHECK_EQ(irq_ack(&cpu[0]), 0x36);
	CHECK_EQ(inb(0x20), 0x40);		/* the selection holds */
	outb(0x20, 0x08);			/* OCW3 that selects nothing */
	CHECK_EQ(inb(0x20), 0x40);
}

static void initialization(void)
{
	struct kvm_pic_state s;

	pic_init(0x13, 0xff, 0xff);
	outb(0x20, 0xc2);
	outb(0x20, 0x68);
	outb(0x20, 0x0b);
	gsi_line(4, 1);
	outb(0x4d0, 0x20);
	gsi_line(5, 1);

	/* ICW1 without ICW4: all that ICW4 sets is off. */
	outb(0x20, 0x10);
	pic_get_state(&vm, 0, &s);
	CHECK_EQ(s.imr, 0);
	CHECK_EQ(s.isr, 0);
	CHECK_EQ(s.irr, 0x20);			/* the level stays, the edge not */
	CHECK_EQ(s.priority_add, 0);
	CHECK_EQ(s.special_mask, 0);
	CHECK_EQ(s.read_reg_select, 0);
	CHECK_EQ(s.auto_eoi, 0);
	CHECK_EQ(s.special_fully_nested_mode, 0);
	CHECK_EQ(s.elcr, 0x20);
	outb(0x21, 0x4f);			/* ICW2: the low bits are the level */
	outb(0x21, 0x04);			/* ICW3 ends it */
	outb(0x21, 0x12);
	CHECK_EQ(inb(0x21), 0x12);
	CHECK_EQ(irq_ack(&cpu[0]), 0x4d);
	gsi_line(5, 0);

	/* Single mode: no ICW3. */
	outb(0x20, 0x13);
	outb(0x21, 0x50);
	outb(0x21, 0x03);			/* ICW4 */
	outb(0x21, 0x00);
	CHECK_EQ(inb(0x21), 0x00);
	gsi_line(4, 0);
	gsi_pulse(1);
	CHECK_EQ(irq_ack(&cpu[0]), 0x51);
	pic_get_state(&vm, 0, &s);
	CHECK_EQ(s.auto_eoi, 1);
}

/* Who hears of INTR: LINT0 as ExtINT, as NMI, as a fixed vector, masked. */
static void intr_line(void)
{
	int kicks = cpu[0].kicks;

	pic_init(0x01, 0x00, 0x00);
	cpu[0].requests = 0;
	gsi_pulse(1);
	CHECK_EQ(cpu[0].requests, 1);
	CHECK_EQ(cpu[0].kicks, kicks + 1);
	CHECK_EQ(irq_pending(&cpu[1]), -1);
	CHECK_EQ(irq_ack(&cpu[0]), 0x31);
	EOI;

	/* An ExtINT message that came while INTR was low. */
	apic_on(&cpu[0], 1);
	apic_on(&cpu[1], 2);
	apic_write(&cpu[0], APIC_LVT0, APIC_LVT_MASKED);
	ioapic_route(5, 0x700);
	gsi_pulse(5);
	CHECK_EQ(irq_ack(&cpu[0]), 0x35);
	gsi_pulse(5);
	cpu[0].requests = 0;
	EOI;
	CHECK_EQ(cpu[0].requests, 1);
	CHECK_EQ(irq_ack(&cpu[0]), 0x35);
	/* It does not take away what LINT0 itself is for. */
	gsi_pulse(5);
	apic_write(&cpu[0], APIC_LVT0, 0x400);
	EOI;
	CHECK_EQ(cpu[0].ev.nmi_queued.counter, 1);
	CHECK_EQ(irq_ack(&cpu[0]), 0x35);
	EOI;

	apic_write(&cpu[0], APIC_LVT0, APIC_LVT_MASKED);
	apic_write(&cpu[1], APIC_LVT0, 0x400);
	gsi_pulse(1);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	CHECK_EQ(cpu[1].ev.nmi_queued.counter, 1);
	gsi_pulse(0);				/* no edge of INTR */
	CHECK_EQ(cpu[1].ev.nmi_queued.counter, 1);
	apic_write(&cpu[0], APIC_LVT0, 0x700);
	CHECK_EQ(take(&cpu[0]), 0x30);
	EOI;
	CHECK_EQ(take(&cpu[0]), 0x31);
	EOI;
	apic_write(&cpu[1], APIC_LVT0, 0x61);
	gsi_pulse(1);
	CHECK_EQ(take(&cpu[1]), 0x61);
	CHECK_EQ(take(&cpu[0]), 0x31);
	EOI;
	/* INTR falls in the cycle of INTA: a next request is an edge again. */
	pic_init(0x03, 0x00, 0x00);
	apic_write(&cpu[1], APIC_LVT0, 0x400);
	cpu[1].ev.nmi_queued.counter = 0;
	gsi_pulse(1);
	gsi_pulse(3);
	CHECK_EQ(cpu[1].ev.nmi_queued.counter, 1);
	CHECK_EQ(irq_ack(&cpu[0]), 0x31);
	CHECK_EQ(cpu[1].ev.nmi_queued.counter, 2);
	CHECK_EQ(irq_ack(&cpu[0]), 0x33);
	CHECK_EQ(cpu[1].ev.nmi_queued.counter, 2);
	/* A disabled APIC is transparent. */
	CHECK_EQ(lapic_set_base(&cpu[1], 0xfee00000, false), 0);
	gsi_pulse(1);
	CHECK_EQ(irq_ack(&cpu[1]), 0x31);
}

static void state(void)
{
	struct kvm_irqchip chip[2] = { { .chip_id = 0 }, { .chip_id = 1 } }, got;
	int i;

	pic_init(0x11, 0x0a, 0x50);
	outb(0x4d1, 0x0e);
	gsi_line(11, 1);
	gsi_pulse(4);
	CHECK_EQ(irq_ack(&cpu[0]), 0x3b);
	outb(0x20, 0xc5);
	for (i = 0; i < 2; i++)
		CHECK_EQ(irqchip_get(&vm, &chip[i]), 0);
	vm_stop();
	vm_start(1);
	for (i = 0; i < 2; i++) {
		CHECK_EQ(irqchip_set(&vm, &chip[i]), 0);
		memset(&got, 0, sizeof(got));
		got.chip_id = i;
		CHECK_EQ(irqchip_get(&vm, &got), 0);
		CHECK(!memcmp(&got, &chip[i], sizeof(got)));
	}
	CHECK_EQ(inb(0x21), 0x0a);
	CHECK_EQ(inb(0x4d1), 0x0e);
	EOI2;
	EOI;
	CHECK_EQ(irq_ack(&cpu[0]), 0x3b);	/* its line is up still */
	EOI2;
	EOI;
	gsi_line(11, 0);
	pic_read_irq(&vm);
	EOI;
	CHECK_EQ(irq_ack(&cpu[0]), 0x34);
	got.chip_id = 3;
	CHECK_EQ(irqchip_get(&vm, &got), -EINVAL);
	CHECK_EQ(irqchip_set(&vm, &got), -EINVAL);
}

static void word_access(void)
{
	u16 val = 0xffff;

	CHECK_EQ(kvm_io_write(&cpu[0], KVM_PIO_BUS, 0x4d0, 2, &val), 0);
	val = 0;
	CHECK_EQ(kvm_io_read(&cpu[0], KVM_PIO_BUS, 0x4d0, 2, &val), 0);
	CHECK_EQ(val, 0xdef8);
}

const struct test pic_tests[] = {
	{ "pic-priority", 1, priority },
	{ "pic-edge-level", 1, edge_and_level },
	{ "pic-elcr", 1, elcr },
	{ "pic-status", 1, status },
	{ "pic-auto-eoi", 1, auto_eoi },
	{ "pic-rotation", 1, rotation },
	{ "pic-special-mask", 1, special_mask },
	{ "pic-poll", 1, poll },
	{ "pic-cascade", 1, cascade },
	{ "pic-fully-nested", 1, fully_nested },
	{ "pic-spurious", 1, spurious },
	{ "pic-registers", 1, registers },
	{ "pic-initialization", 1, initialization },
	{ "pic-intr-line", 2, intr_line },
	{ "pic-state", 1, state },
	{ "pic-word-access", 1, word_access },
	{}
};
