// SPDX-License-Identifier: GPL-2.0
/*
 * test_pit.c - the 8254 and port 0x61, after the data sheet.  Modes are tried
 * on channel 2, whose gate and OUT port 0x61 shows.
 */
#include "vm.h"

#define HZ	1193182ll

/* Exactly @n input clocks later, give or take the rounding of one ns. */
static s64 clock_base, clocks;

static void clock_start(void)
{
	clock_base = host_ns;
	clocks = 0;
}

static void clock_to(s64 n)
{
	s64 ns = clock_base + n * 1000000000ll / HZ + 2;

	CHECK(ns >= host_ns);
	advance(ns - host_ns);
	clocks = n;
}

static void control(int ch, int access, int mode, int bcd)
{
	outb(0x43, ch << 6 | access << 4 | mode << 1 | bcd);
}

static void load(int ch, u16 count)
{
	outb(0x40 + ch, count);
	outb(0x40 + ch, count >> 8);
	clock_start();
}

static u16 counter(int ch)
{
	u8 low;

	outb(0x43, ch << 6);			/* latch */
	low = inb(0x40 + ch);
	return low | inb(0x40 + ch) << 8;
}

static u8 status(int ch)
{
	outb(0x43, 0xe0 | 2 << ch);
	return inb(0x40 + ch);
}

static void gate(bool on)
{
	outb(0x61, on);
}

static int out(void)
{
	return inb(0x61) >> 5 & 1;
}

/* A mode as a course: after so many clocks, OUT and the count. */
static void modes(void)
{
	static const struct {
		int mode;
		u16 count;
		struct {
			int at, out, value;
		} step[10];
	} rows[] = {
		{ 0, 4, { { 0, 0, 4 }, { 1, 0, 3 }, { 3, 0, 1 }, { 4, 1, 0 },
			  { 5, 1, 0xffff }, { 100, 1, 0xffa0 } } },
		{ 2, 4, { { 0, 1, 4 }, { 1, 1, 3 }, { 2, 1, 2 }, { 3, 0, 1 },
			  { 4, 1, 4 }, { 7, 0, 1 }, { 400, 1, 4 } } },
		{ 3, 4, { { 0, 1, 4 }, { 1, 1, 2 }, { 2, 0, 4 }, { 3, 0, 2 },
			  { 4, 1, 4 }, { 402, 0, 4 } } },
		{ 3, 5, { { 0, 1, 4 }, { 1, 1, 2 }, { 2, 1, 0 }, { 3, 0, 4 },
			  { 4, 0, 2 }, { 5, 1, 4 }, { 503, 0, 4 } } },
		{ 4, 3, { { 0, 1, 3 }, { 2, 1, 1 }, { 3, 0, 0 },
			  { 4, 1, 0xffff }, { 65539, 1, 0 } } },
		{ 6, 4, { { 0, 1, 4 }, { 3, 0, 1 }, { 4, 1, 4 } } },
		{ 7, 4, { { 0, 1, 4 }, { 2, 0, 4 } } },
	};
	size_t i;
	int j;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		gate(true);
		control(2, 3, rows[i].mode, 0);
		CHECK_EQ(out(), rows[i].mode != 0);
		load(2, rows[i].count);
		for (j = 0; j < 10; j++) {
			if (j && !rows[i].step[j].at)
				break;
			clock_to(rows[i].step[j].at);
			CHECK_EQ(out(), rows[i].step[j].out);
			CHECK_EQ(counter(2), rows[i].step[j].value);
		}
	}
}

/* Modes 1 and 5 wait for the gate to rise, and can be started again. */
static void triggered_modes(void)
{
	static const struct {
		int mode, before, running, end;
	} rows[] = { { 1, 1, 0, 1 }, { 5, 1, 1, 0 } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		gate(true);
		control(2, 3, rows[i].mode, 0);
		load(2, 10);
		clock_to(20);
		CHECK_EQ(out(), rows[i].before);	/* no edge of the gate yet */
		gate(false);
		gate(true);
		clock_start();
		CHECK_EQ(out(), rows[i].running);
		CHECK_EQ(counter(2), 10);
		clock_to(5);
		gate(false);				/* its fall means nothing */
		CHECK_EQ(counter(2), 5);
		gate(true);				/* its rise begins anew */
		clock_start();
		clock_to(9);
		CHECK_EQ(out(), rows[i].running);
		CHECK_EQ(counter(2), 1);
		clock_to(10);
		CHECK_EQ(out(), rows[i].end);
		CHECK_EQ(counter(2), 0);
		clock_to(11);
		CHECK_EQ(out(), 1);
		/* A new count counts from the next trigger. */
		gate(false);
		gate(true);
		clock_start();
		clock_to(2);
		outb(0x42, 100);
		outb(0x42, 0);
		CHECK_EQ(counter(2), 8);
		CHECK_EQ(out(), rows[i].running);
		clock_to(10);
		CHECK_EQ(out(), rows[i].end);
		gate(false);
		gate(true);
		CHECK_EQ(counter(2), 100);
	}
}

static void gates(void)
{
	/* Mode 0 stops and goes on. */
	gate(true);
	control(2, 3, 0, 0);
	load(2, 100);
	clock_to(30);
	gate(false);
	clock_to(1000);
	CHECK_EQ(counter(2), 70);
	CHECK_EQ(out(), 0);
	gate(true);
	clock_start();
	clock_to(69);
	CHECK_EQ(out(), 0);
	clock_to(71);
	CHECK_EQ(out(), 1);
	/* Mode 3 stops high and begins anew. */
	control(2, 3, 3, 0);
	load(2, 100);
	clock_to(60);
	CHECK_EQ(out(), 0);
	gate(false);
	CHECK_EQ(out(), 1);
	clock_to(75);
	CHECK_EQ(out(), 1);
	gate(true);
	clock_start();
	CHECK_EQ(counter(2), 100);
	clock_to(49);
	CHECK_EQ(out(), 1);
	clock_to(51);
	CHECK_EQ(out(), 0);
	/* A count that waits for the end of the other is loaded by the gate. */
	clock_to(60);
	outb(0x42, 200);
	outb(0x42, 0);
	CHECK_EQ(status(2) & 0x40, 0x40);
	gate(false);
	gate(true);
	clock_start();
	CHECK_EQ(status(2) & 0x40, 0);
	CHECK_EQ(counter(2), 200);
	clock_to(99);
	CHECK_EQ(out(), 1);
	clock_to(101);
	CHECK_EQ(out(), 0);
	/* Loaded while the gate is low. */
	gate(false);
	control(2, 3, 2, 0);
	load(2, 50);
	clock_to(20);
	CHECK_EQ(counter(2), 50);
	gate(true);
	clock_start();
	clock_to(20);
	CHECK_EQ(counter(2), 30);
	CHECK_EQ(inb(0x61) & 3, 1);
	outb(0x61, 2);
	CHECK_EQ(inb(0x61) & 3, 2);
}

/* A count written while one is under way takes effect at the end of it. */
static void new_count(void)
{
	static const struct {
		int mode;
		u16 first, second;
		int written_at, high_until, low_until, next_high, next_low;
	} rows[] = {
		/* up to when OUT is high, low, high, low */
		{ 3, 100, 40, 20, 50, 70, 90, 110 },
		{ 3, 100, 1000, 20, 50, 550, 1050, 1550 },
		{ 3, 100, 40, 70, 0, 100, 120, 140 },
		{ 3, 1000, 20, 510, 0, 1000, 1010, 1020 },
		{ 3, 1000, 20, 10, 500, 510, 520, 530 },
		{ 2, 100, 40, 20, 99, 100, 139, 140 },
		{ 2, 100, 400, 20, 99, 100, 499, 500 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		gate(true);
		control(2, 3, rows[i].mode, 0);
		load(2, rows[i].first);
		clock_to(rows[i].written_at);
		CHECK_EQ(status(2) & 0x40, 0);
		outb(0x42, rows[i].second);
		outb(0x42, rows[i].second >> 8);
		CHECK_EQ(status(2) & 0x40, 0x40);	/* null count */
		if (rows[i].high_until) {
			clock_to(rows[i].high_until - 1);
			CHECK_EQ(out(), 1);
			clock_to(rows[i].high_until + 1);
		}
		if (rows[i].low_until > clocks + 2) {
			CHECK_EQ(out(), 0);
			clock_to(rows[i].low_until - 2);
			CHECK_EQ(out(), 0);
		}
		clock_to(rows[i].low_until + 1);
		CHECK_EQ(out(), 1);
		CHECK_EQ(status(2) & 0x40, 0);
		clock_to(rows[i].next_high - 2);
		CHECK_EQ(out(), 1);
		if (rows[i].mode == 3) {
			clock_to(rows[i].next_high + 2);
			CHECK_EQ(out(), 0);
		}
		clock_to(rows[i].next_low + 2);
		CHECK_EQ(out(), 1);
	}
	/* The count goes on without a jump. */
	control(2, 3, 2, 0);
	load(2, 1000);
	clock_to(300);
	outb(0x42, 0x64);
	outb(0x42, 0);
	clock_to(310);
	CHECK(counter(2) >= 689 && counter(2) <= 691);
	clock_to(1010);
	CHECK(counter(2) >= 89 && counter(2) <= 91);
}

/* The same of a third one, amid the low half. */
static void newer_count(void)
{
	int i;

	gate(true);
	control(2, 3, 3, 0);
	load(2, 1000);
	for (i = 0; i < 2; i++) {
		clock_to(600 + i * 10);
		CHECK_EQ(out(), 0);
		outb(0x42, 700 & 0xff);
		outb(0x42, 700 >> 8);
	}
	clock_to(998);
	CHECK_EQ(out(), 0);
	clock_to(1002);
	CHECK_EQ(out(), 1);
}

static void access_modes(void)
{
	gate(true);
	/* LSB only, MSB only. */
	control(2, 1, 2, 0);
	outb(0x42, 200);
	CHECK_EQ(inb(0x42), 200);
	control(2, 2, 2, 0);
	outb(0x42, 3);
	clock_start();
	CHECK_EQ(inb(0x42), 3);
	clock_to(1);
	CHECK_EQ(inb(0x42), 2);
	CHECK_EQ(counter(2), 0x0202);		/* one byte, twice */
	/* Both: nothing happens before the second byte. */
	control(2, 3, 2, 0);
	outb(0x42, 0x34);
	CHECK_EQ(status(2) & 0x40, 0x40);
	outb(0x42, 0x12);
	CHECK_EQ(status(2) & 0x40, 0);
	CHECK_EQ(inb(0x42), 0x34);
	CHECK_EQ(inb(0x42), 0x12);
	/* ... but for mode 0, where the first one stops the count and lowers OUT. */
	control(2, 3, 0, 0);
	load(2, 100);
	clock_to(90);
	outb(0x42, 1000 & 0xff);
	CHECK_EQ(status(2) & 0x40, 0);
	clock_to(110);
	CHECK_EQ(out(), 0);
	CHECK_EQ(counter(2), 10);
	outb(0x42, 1000 >> 8);
	clock_start();
	clock_to(999);
	CHECK_EQ(out(), 0);
	clock_to(1001);
	CHECK_EQ(out(), 1);
	outb(0x42, 5);
	CHECK_EQ(out(), 0);
	/* 0 is the largest count. */
	control(2, 3, 0, 0);
	load(2, 0);
	clock_to(65535);
	CHECK_EQ(out(), 0);
	clock_to(65537);
	CHECK_EQ(out(), 1);
	CHECK_EQ(inb(0x43), 0);
}

static void latches(void)
{
	gate(true);
	control(2, 3, 2, 0);
	load(2, 1000);
	clock_to(100);
	outb(0x43, 0x80);
	clock_to(200);
	outb(0x43, 0x80);			/* the first holds */
	CHECK_EQ(inb(0x42), 900 & 0xff);
	clock_to(300);
	CHECK_EQ(inb(0x42), 900 >> 8);
	CHECK_EQ(inb(0x42), 700 & 0xff);	/* then the counter itself */
	CHECK_EQ(inb(0x42), 700 >> 8);
	/* Read-back of status and count: the status comes first. */
	outb(0x43, 0xc8);
	clock_to(400);
	outb(0x43, 0xc8);
	CHECK_EQ(inb(0x42), 0xb4);		/* OUT, both bytes, mode 2 */
	CHECK_EQ(inb(0x42), 700 & 0xff);
	CHECK_EQ(inb(0x42), 700 >> 8);
	CHECK_EQ(inb(0x42), 600 & 0xff);
	CHECK_EQ(inb(0x42), 600 >> 8);
	/* Of two statuses latched, too, the first is read. */
	outb(0x43, 0xe8);
	clock_to(999);				/* OUT is low now */
	outb(0x43, 0xe8);
	CHECK_EQ(inb(0x42), 0xb4);
	CHECK_EQ(status(2), 0x34);
	/* A new mode forgets them. */
	outb(0x43, 0xc8);
	control(2, 3, 4, 0);
	load(2, 500);
	CHECK_EQ(inb(0x42), 500 & 0xff);
	CHECK_EQ(inb(0x42), 500 >> 8);
	/* Several channels at once. */
	control(0, 1, 2, 0);
	control(1, 2, 4, 1);
	outb(0x43, 0xee);
	CHECK_EQ(inb(0x40), 0xd4);		/* no count yet: null */
	CHECK_EQ(inb(0x41), 0xe9);
	CHECK_EQ(inb(0x42) & 0x7f, 0x38);
}

static void bcd(void)
{
	gate(true);
	control(2, 3, 2, 1);
	load(2, 0x1000);
	CHECK_EQ(counter(2), 0x1000);
	clock_to(1);
	CHECK_EQ(counter(2), 0x0999);
	clock_to(1000);
	CHECK_EQ(counter(2), 0x1000);
	control(2, 3, 0, 1);
	load(2, 0);				/* 10000 */
	clock_to(1);
	CHECK_EQ(counter(2), 0x9999);
	CHECK_EQ(status(2) & 1, 1);
	clock_to(10001);
	CHECK_EQ(counter(2), 0x9999);
	CHECK_EQ(out(), 1);
	load(2, 0xffff);			/* not decimal: no crash */
	counter(2);
}

static void refresh(void)
{
	int toggles = 0, last = inb(0x61) & 0x10, i;

	for (i = 0; i < 10000; i++) {
		advance(1000);
		if ((inb(0x61) & 0x10) != last)
			toggles++;
		last = inb(0x61) & 0x10;
	}
	CHECK(toggles >= 661 && toggles <= 664);	/* 10 ms / 15.085 us */
}

/* ---- IRQ 0, by IOAPIC pin 0 with vector 0x40 ---- */

static void irq0_setup(void)
{
	apic_on(&cpu[0], 1);
	ioapic_route(0, 0x40);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

static void rate(int mode, u16 count)
{
	control(0, 3, mode, 0);
	outb(0x40, count);
	outb(0x40, count >> 8);
	clock_start();
}

/* How many were taken in @ns, looking every @step. */
static int ticks(s64 ns, s64 step)
{
	int n = 0;

	for (; ns > 0; ns -= step) {
		advance(step);
		while (take(&cpu[0]) == 0x40)
			n++;
	}
	return n;
}

static void irq0_rate(void)
{
	int n;

	irq0_setup();
	rate(2, 11932);					/* 100 Hz */
	n = ticks(10000 * MS, 500 * US);
	CHECK(n == 999 || n == 1000);
	rate(3, 0);					/* 18.2 Hz */
	CHECK_EQ(ticks(3600000 * MS / 60, 10 * MS), 1092);
	/* A control word stops it until a count comes. */
	control(0, 3, 2, 0);
	CHECK_EQ(ticks(1000 * MS, MS), 0);
	/* Gate-triggered modes never start: the gate is wired high. */
	rate(1, 1000);
	CHECK_EQ(ticks(1000 * MS, MS), 0);
	rate(5, 1000);
	CHECK_EQ(ticks(1000 * MS, MS), 0);
}

static void irq0_one_shot(void)
{
	irq0_setup();
	rate(0, 11932);
	clock_to(11931);
	CHECK_EQ(take(&cpu[0]), -1);
	clock_to(11933);
	CHECK_EQ(take(&cpu[0]), 0x40);
	CHECK_EQ(ticks(1000 * MS, MS), 0);
	rate(4, 1000);
	clock_to(1000);				/* OUT is low for one clock */
	CHECK_EQ(take(&cpu[0]), -1);
	clock_to(1002);
	CHECK_EQ(take(&cpu[0]), 0x40);
	/* Loaded again: counts again. */
	outb(0x40, 0xe8);
	outb(0x40, 0x03);
	CHECK_EQ(ticks(10 * MS, 100 * US), 1);
	/* Half of a new count: the old one is off. */
	rate(0, 1000);
	clock_to(900);
	outb(0x40, 0xe8);
	CHECK_EQ(ticks(10 * MS, 100 * US), 0);
	outb(0x40, 0x03);
	CHECK_EQ(ticks(10 * MS, 100 * US), 1);
}

/* The host is not kept busy; the counter is what was programmed. */
static void irq0_bound(void)
{
	u64 before;
	int n;

	irq0_setup();
	outb(0x43, 0x14);
	outb(0x40, 1);
	before = timer_callbacks;
	n = ticks(1000 * MS, 10 * US);
	CHECK(timer_callbacks - before <= 5020);
	CHECK(n > 4900 && n <= 5020);
	control(0, 3, 2, 0);
	outb(0x40, 100);
	outb(0x40, 0);
	advance(100);
	CHECK(counter(0) <= 100 && counter(0) > 0);
}

/* Owed ticks are paid at each acknowledge; not without reinjection. */
static void irq0_reinject(void)
{
	int n, i;

	irq0_setup();
	rate(2, 11932);
	advance(95 * MS);				/* nobody listens: 9 */
	for (n = 0; take(&cpu[0]) == 0x40; n++)
		;
	CHECK_EQ(n, 9);
	/* Those that the host itself missed. */
	jump(50 * MS);
	for (n = 0; take(&cpu[0]) == 0x40; n++)
		;
	CHECK_EQ(n, 5);
	/* One in service, one more pending, the rest owed. */
	advance(10 * MS);
	CHECK_EQ(irq_ack(&cpu[0]), 0x40);
	advance(30 * MS);
	apic_write(&cpu[0], APIC_EOI, 0);
	for (n = 0; take(&cpu[0]) == 0x40; n++)
		;
	CHECK_EQ(n, 3);
	/* A new count forgets what was owed. */
	advance(100 * MS);
	rate(2, 11932);
	for (n = 0; take(&cpu[0]) == 0x40; n++)
		;
	CHECK_EQ(n, 1);

	pit_set_reinject(&vm, false);
	advance(95 * MS);
	for (n = 0; take(&cpu[0]) == 0x40; n++)
		;
	CHECK_EQ(n, 1);
	for (i = 0; i < 2; i++)
		pit_set_reinject(&vm, true);
	advance(95 * MS);
	for (n = 0; take(&cpu[0]) == 0x40; n++)
		;
	CHECK(n >= 9);
}

static void irq0_reinject_pic(void)
{
	int n;

	pic_init(0x01, 0xfe, 0xff);
	rate(2, 11932);
	advance(95 * MS);
	for (n = 0; irq_ack(&cpu[0]) == 0x30; n++)
		outb(0x20, 0x20);
	CHECK_EQ(n, 9);
	/* With automatic EOI. */
	pic_init(0x03, 0xfe, 0xff);
	rate(2, 11932);
	advance(95 * MS);
	for (n = 0; irq_ack(&cpu[0]) == 0x30; n++)
		;
	CHECK_EQ(n, 9);
}

/* Masked ticks are lost; and what had piled up before the guest listened. */
static void irq0_masked(void)
{
	int n;

	irq0_setup();
	ioapic_route(0, 0x10040);
	rate(2, 11932);
	advance(95 * MS);
	ioapic_route(0, 0x40);
	CHECK_EQ(take(&cpu[0]), -1);
	CHECK_EQ(ticks(50 * MS, MS), 5);
	/* Masked before the acknowledge: nothing is owed any more. */
	advance(30 * MS);
	CHECK_EQ(irq_ack(&cpu[0]), 0x40);
	ioapic_route(0, 0x10040);
	apic_write(&cpu[0], APIC_EOI, 0);
	CHECK_EQ(take(&cpu[0]), -1);
	/* The 8259 remembers one edge. */
	pic_init(0x01, 0xff, 0xff);
	ioapic_route(0, 0x10040);
	advance(100 * MS);
	outb(0x21, 0xfe);
	for (n = 0; irq_ack(&cpu[0]) == 0x30; n++)
		outb(0x20, 0x20);
	CHECK_EQ(n, 1);
	/* Unmasked all the time, but nobody took it until a driver came. */
	advance(100 * MS);
	outb(0x21, 0xff);
	outb(0x21, 0xfe);
	for (n = 0; irq_ack(&cpu[0]) == 0x30; n++)
		outb(0x20, 0x20);
	CHECK_EQ(n, 1);
	/* An 8259 that is initialized loses the request, not the timer. */
	advance(30 * MS);
	pic_init(0x01, 0xfe, 0xff);
	advance(10 * MS);
	CHECK_EQ(irq_ack(&cpu[0]), 0x30);
}

static void state(void)
{
	struct kvm_pit_state2 s, t;
	int i;

	/* At power-up. */
	pit_get_state(&vm, &s);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(s.channels[i].count, 0x10000);
		CHECK_EQ(s.channels[i].mode, 0xff);
		CHECK_EQ(s.channels[i].gate, i != 2);
	}
	CHECK_EQ(s.flags, 0);

	irq0_setup();
	rate(2, 11932);
	outb(0x61, 3);
	control(2, 3, 3, 0);
	outb(0x42, 0x55);			/* the first of two bytes */
	outb(0x43, 0x00);
	inb(0x40);				/* ... of a latched count */
	pit_get_state(&vm, &s);
	CHECK_EQ(s.flags, KVM_PIT_FLAGS_SPEAKER_DATA_ON);
	CHECK_EQ(s.channels[0].count, 11932);
	CHECK_EQ(s.channels[0].mode, 2);
	CHECK_EQ(s.channels[0].rw_mode, 3);
	CHECK_EQ(s.channels[0].count_latched, 2);
	CHECK_EQ(s.channels[2].write_state, 4);
	CHECK_EQ(s.channels[2].write_latch, 0x55);
	CHECK_EQ(s.channels[2].gate, 1);
	vm_stop();
	vm_start(1);
	irq0_setup();
	pit_set_state(&vm, &s, true);
	pit_get_state(&vm, &t);
	for (i = 0; i < 3; i++)
		s.channels[i].count_load_time = t.channels[i].count_load_time;
	CHECK(!memcmp(&s, &t, sizeof(s)));
	outb(0x42, 0xaa);
	pit_get_state(&vm, &t);
	CHECK_EQ(t.channels[2].count, 0xaa55);
	CHECK_EQ(inb(0x40), 11932 >> 8);
	CHECK_EQ(ticks(1000 * MS, MS), 99);
	/* HPET in legacy mode takes IRQ 0 away. */
	s.flags = KVM_PIT_FLAGS_HPET_LEGACY;
	pit_set_state(&vm, &s, true);
	CHECK_EQ(ticks(1000 * MS, MS), 0);
	rate(2, 11932);
	CHECK_EQ(ticks(1000 * MS, MS), 0);
	CHECK(!(inb(0x61) & 2));
	/* Unknown flags are not kept; wild counts are brought into range. */
	s.flags = ~0u;
	memset(s.reserved, 0xff, sizeof(s.reserved));
	s.channels[0].count = 0;
	s.channels[1].count = 0xffffffff;
	s.channels[2].count = 0x10001;
	pit_set_state(&vm, &s, true);
	pit_get_state(&vm, &t);
	CHECK_EQ(t.flags, 3);
	CHECK_EQ(t.reserved[8], 0);
	for (i = 0; i < 3; i++)
		CHECK_EQ(t.channels[i].count, 0x10000);
}

/* Without KVM_PIT_SPEAKER_DUMMY port 0x61 is user space's. */
static void no_speaker(void)
{
	u8 val;

	vm_stop();
	memset(&vm, 0, sizeof(vm));
	mutex_lock(&vm.lock);
	CHECK_EQ(irqchip_create(&vm), 0);
	CHECK_EQ(pit_create(&vm, 0), 0);
	mutex_unlock(&vm.lock);
	CHECK_EQ(kvm_io_read(&cpu[0], KVM_PIO_BUS, 0x61, 1, &val), -EOPNOTSUPP);
	CHECK_EQ(kvm_io_read(&cpu[0], KVM_PIO_BUS, 0x40, 1, &val), 0);
}

static void wide_access(void)
{
	u16 val = 0xb6 << 8;		/* to 0x42 and 0x43 */

	CHECK_EQ(kvm_io_write(&cpu[0], KVM_PIO_BUS, 0x42, 2, &val), 0);
	CHECK_EQ(status(2) & 0x3f, 0x36);
	CHECK_EQ(kvm_io_read(&cpu[0], KVM_PIO_BUS, 0x42, 2, &val), 0);
}

const struct test pit_tests[] = {
	{ "pit-modes", 1, modes },
	{ "pit-triggered-modes", 1, triggered_modes },
	{ "pit-gates", 1, gates },
	{ "pit-new-count", 1, new_count },
	{ "pit-newer-count", 1, newer_count },
	{ "pit-access-modes", 1, access_modes },
	{ "pit-latches", 1, latches },
	{ "pit-bcd", 1, bcd },
	{ "pit-refresh", 1, refresh },
	{ "pit-irq0-rate", 1, irq0_rate },
	{ "pit-irq0-one-shot", 1, irq0_one_shot },
	{ "pit-irq0-bound", 1, irq0_bound },
	{ "pit-irq0-reinject", 1, irq0_reinject },
	{ "pit-irq0-reinject-pic", 1, irq0_reinject_pic },
	{ "pit-irq0-masked", 1, irq0_masked },
	{ "pit-state", 1, state },
	{ "pit-no-speaker", 1, no_speaker },
	{ "pit-wide-access", 1, wide_access },
	{}
};
