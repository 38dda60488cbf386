// SPDX-License-Identifier: GPL-2.0
/*
 * test_msg.c - who gets an interrupt message: destination modes, shorthands,
 * lowest priority, INIT and SIPI; and that nothing is lost between threads.
 */
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include "vm.h"
#include "../../irqchip/lapic.h"

#define LOGICAL		0x800
#define SELF		0x40000
#define ALL		0x80000
#define OTHERS		0xc0000

/* Bit n: vCPU n has taken the vector since. */
static u32 takers(int vector)
{
	u32 set = 0;
	int i;

	for (i = 0; i < vm.nr_vcpus; i++) {
		if (!in_irr(&cpu[i], vector))
			continue;
		set |= BIT(i);
		CHECK_EQ(irq_ack(&cpu[i]), vector);
		if (cpu[i].apic->x2apic)
			wrmsr(&cpu[i], 0x80b, 0);
		else
			apic_write(&cpu[i], APIC_EOI, 0);
	}
	return set;
}

static u32 reached(struct kvm_vcpu *from, u8 dest, u32 icr)
{
	send_ipi(from, dest, icr | 0x55);
	return takers(0x55);
}

static void physical(void)
{
	int i;

	for (i = 0; i < 6; i++)
		apic_on(&cpu[i], BIT(i));
	for (i = 0; i < 8; i++)
		CHECK_EQ(reached(&cpu[0], i, 0), i < 6 ? BIT(i) : 0);
	CHECK_EQ(reached(&cpu[0], 0xff, 0), 0x3f);
	/* Renumbered, also to a number that is taken: both answer then. */
	apic_write(&cpu[2], APIC_ID, 0x80u << 24);
	CHECK_EQ(reached(&cpu[0], 2, 0), 0);
	CHECK_EQ(reached(&cpu[0], 0x80, 0), BIT(2));
	apic_write(&cpu[2], APIC_ID, 1u << 24);
	CHECK_EQ(reached(&cpu[0], 1, 0), 6);
	apic_write(&cpu[2], APIC_ID, 2u << 24);
	CHECK_EQ(reached(&cpu[0], 1, 0), 2);
}

static void flat(void)
{
	int i;

	for (i = 0; i < 6; i++)
		apic_on(&cpu[i], BIT(i));
	for (i = 0; i < 256; i++)
		CHECK_EQ(reached(&cpu[0], i, LOGICAL),
			 i == 0xff ? 0x3f : i & 0x3f);
	/* Several bits, and the same bit twice. */
	apic_write(&cpu[3], APIC_LDR, 0x48u << 24);
	CHECK_EQ(reached(&cpu[0], 0x40, LOGICAL), BIT(3));
	CHECK_EQ(reached(&cpu[0], 0x09, LOGICAL), BIT(3) | 1);
	apic_write(&cpu[3], APIC_LDR, 0x02u << 24);
	CHECK_EQ(reached(&cpu[0], 0x02, LOGICAL), BIT(3) | 2);
	apic_write(&cpu[3], APIC_LDR, 0);
	CHECK_EQ(reached(&cpu[0], 0x0a, LOGICAL), 2);
}

static void cluster(void)
{
	static const u8 ldr[6] = { 0x01, 0x02, 0x11, 0x18, 0xe4, 0xf1 };
	static const struct {
		u8 dest;
		u32 set;
	} rows[] = {
		{ 0x01, 1 }, { 0x03, 3 }, { 0x0f, 3 }, { 0x11, 4 }, { 0x1f, 12 },
		{ 0x14, 0 }, { 0xef, 16 }, { 0xff, 63 }, { 0x00, 0 }, { 0xf1, 32 },
	};
	size_t i;

	for (i = 0; i < 6; i++) {
		apic_on(&cpu[i], ldr[i]);
		apic_write(&cpu[i], APIC_DFR, 0x0fffffff);
	}
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_EQ(reached(&cpu[0], rows[i].dest, LOGICAL), rows[i].set);
	/* Some in one model, some in the other: each by its own rule. */
	apic_write(&cpu[5], APIC_LDR, 0x20u << 24);
	apic_write(&cpu[5], APIC_DFR, 0xffffffff);
	CHECK_EQ(reached(&cpu[0], 0x21, LOGICAL), 32);
	CHECK_EQ(reached(&cpu[0], 0x11, LOGICAL), 4);
	apic_write(&cpu[4], APIC_DFR, 0x3fffffff);	/* reserved model */
	CHECK_EQ(reached(&cpu[0], 0xef, LOGICAL), 32);
}

static u32 x2reached(int from, u32 dest, u32 icr)
{
	wrmsr(&cpu[from], 0x830, (u64)dest << 32 | icr | 0x55);
	return takers(0x55);
}

static void pulse_pin(int pin)
{
	ioapic_set_irq(&vm, IRQ_SOURCE_USER, pin, 1);
	ioapic_set_irq(&vm, IRQ_SOURCE_USER, pin, 0);
}

static void x2apic(void)
{
	int i;

	for (i = 0; i < 20; i++)
		x2apic_on(&cpu[i]);
	for (i = 0; i < 24; i++)
		CHECK_EQ(x2reached(1, i, 0), i < 20 ? BIT(i) : 0);
	CHECK_EQ(x2reached(1, 0xff, 0), 0);
	CHECK_EQ(x2reached(1, 0x100, 0), 0);
	CHECK_EQ(x2reached(1, 0xffffffff, 0), 0xfffff);
	CHECK_EQ(x2reached(1, 0x00008001, LOGICAL), 0x08001);
	CHECK_EQ(x2reached(1, 0x0001000f, LOGICAL), 0xf0000);
	CHECK_EQ(x2reached(1, 0x000100f0, LOGICAL), 0);
	CHECK_EQ(x2reached(1, 0x000f0001, LOGICAL), 0);
	CHECK_EQ(x2reached(1, 0x10000001, LOGICAL), 0);
	CHECK_EQ(x2reached(1, 0xffffffff, LOGICAL), 0xfffff);
	CHECK_EQ(x2reached(1, 0, OTHERS), 0xffffd);
	wrmsr(&cpu[4], 0x83f, 0x55);
	CHECK_EQ(takers(0x55), BIT(4));
	/* MSIs and the IOAPIC have 8 bits; 0xff is a broadcast (a quirk). */
	ioapic_route(5, 0x55 | 19ull << 56);
	pulse_pin(5);
	CHECK_EQ(takers(0x55), BIT(19));
	ioapic_route(5, 0x55 | 0xffull << 56);
	pulse_pin(5);
	CHECK_EQ(takers(0x55), 0xfffff);
	ioapic_route(5, 0x55 | LOGICAL | 0x81ull << 56);
	pulse_pin(5);
	CHECK_EQ(takers(0x55), 0x81);
}

/* The first CPUs have switched, the others will. */
static void mixed_modes(void)
{
	int i;

	for (i = 0; i < 6; i++)
		if (i < 3)
			x2apic_on(&cpu[i]);
		else
			apic_on(&cpu[i], BIT(i));
	CHECK_EQ(x2reached(0, 4, 0), BIT(4));
	CHECK_EQ(x2reached(0, 0xffffffff, 0), 0x3f);
	CHECK_EQ(x2reached(0, 0x2, LOGICAL), 2);
	CHECK_EQ(x2reached(0, 0x18, LOGICAL), 0x18);
	CHECK_EQ(reached(&cpu[4], 1, 0), 2);
	CHECK_EQ(reached(&cpu[4], 0xff, 0), 0x3f);
	CHECK_EQ(reached(&cpu[4], 0, OTHERS), 0x2f);
}

static void shorthands(void)
{
	int i;

	for (i = 0; i < 4; i++)
		apic_on(&cpu[i], BIT(i));
	CHECK_EQ(reached(&cpu[2], 0, SELF), 4);
	CHECK_EQ(reached(&cpu[2], 0, ALL), 15);
	CHECK_EQ(reached(&cpu[2], 0, OTHERS), 11);
	/* Trigger mode means nothing for a fixed IPI. */
	CHECK_EQ(reached(&cpu[2], 1, 0x8000), 2);
	CHECK_EQ(apic_read(&cpu[1], APIC_TMR + 0x20), 0);
	lapic_set_base(&cpu[3], 0xfee00000, true);
	CHECK_EQ(reached(&cpu[2], 0, ALL), 7);
}

static void lowest_priority(void)
{
	u32 set = 0;
	int i;

	for (i = 0; i < 4; i++)
		apic_on(&cpu[i], BIT(i));
	/* Turns among equals. */
	for (i = 0; i < 4; i++) {
		u32 one = reached(&cpu[0], 0x0f, LOGICAL | 0x100);

		CHECK(one && !(one & (one - 1)));
		set |= one;
	}
	CHECK_EQ(set, 15);
	/* The lowest processor priority, by class. */
	for (i = 0; i < 4; i++)
		apic_write(&cpu[i], APIC_TASKPRI, 0x4f - i * 4);
	apic_write(&cpu[1], APIC_TASKPRI, 0x2f);
	for (i = 0; i < 4; i++)
		CHECK_EQ(reached(&cpu[0], 0x0f, LOGICAL | 0x100), 2);
	/* Not one that is disabled. */
	apic_write(&cpu[1], APIC_SPIV, 0xff);
	CHECK_EQ(reached(&cpu[0], 0x03, LOGICAL | 0x100), 1);
	CHECK_EQ(reached(&cpu[0], 0x02, LOGICAL | 0x100), 0);
}

/* What is pending already wakes nobody: a timer may send it thousands of times. */
static void repeated(void)
{
	static const struct {
		u32 icr;
		int kicks;
	} rows[] = { { 0x4400, 2 }, { 0x4500, 1 }, { 0x4612, 1 }, { 0x4055, 1 } };
	size_t i;
	int n;

	apic_on(&cpu[1], 2);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		cpu[1].kicks = 0;
		for (n = 0; n < 5; n++)
			send_ipi(&cpu[0], 1, rows[i].icr);
		CHECK_EQ(cpu[1].kicks, rows[i].kicks);
	}
	pic_init(0x01, 0xff, 0xff);
	apic_write(&cpu[1], APIC_LVT0, APIC_LVT_MASKED);
	ioapic_route(5, 0x700 | 1ull << 56);
	cpu[1].kicks = 0;
	for (n = 0; n < 5; n++)
		gsi_pulse(5);
	CHECK_EQ(cpu[1].kicks, 1);
}

static void nmi_init_sipi(void)
{
	int i;

	for (i = 0; i < 5; i++)
		send_ipi(&cpu[0], 1, 0x400);
	CHECK_EQ(cpu[1].ev.nmi_queued.counter, 2);	/* more are one */

	/* SDM, "MP Initialization Protocol": INIT, de-assert, SIPI, SIPI. */
	CHECK_EQ(cpu[1].mp_state, KVM_MP_STATE_UNINITIALIZED);
	send_ipi(&cpu[0], 1, 0x4612);
	lapic_accept_events(&cpu[1]);
	CHECK_EQ(cpu[1].mp_state, KVM_MP_STATE_UNINITIALIZED);
	i = cpu[1].resets;
	send_ipi(&cpu[0], 1, 0xc500);
	send_ipi(&cpu[0], 1, 0x8500);
	lapic_accept_events(&cpu[1]);
	CHECK_EQ(cpu[1].resets, i + 1);
	CHECK_EQ(cpu[1].mp_state, KVM_MP_STATE_INIT_RECEIVED);
	cpu[1].s.dirty = 0;
	send_ipi(&cpu[0], 1, 0x4612);
	lapic_accept_events(&cpu[1]);
	CHECK_EQ(cpu[1].mp_state, KVM_MP_STATE_RUNNABLE);
	CHECK_EQ(cpu[1].s.seg[VCPU_CS].selector, 0x1200);
	CHECK_EQ(cpu[1].s.seg[VCPU_CS].base, 0x12000);
	CHECK_EQ(cpu[1].s.rip, 0);
	CHECK_EQ(cpu[1].s.dirty, VG_CS | VG_RIP);
	cpu[1].s.rip = 0x77;
	send_ipi(&cpu[0], 1, 0x4613);			/* the second is ignored */
	lapic_accept_events(&cpu[1]);
	CHECK_EQ(cpu[1].s.rip, 0x77);
	/* Both before the target looks; and a SIPI that an INIT overtakes. */
	send_ipi(&cpu[0], 1, 0x4500);
	send_ipi(&cpu[0], 1, 0x4621);
	lapic_accept_events(&cpu[1]);
	CHECK_EQ(cpu[1].s.seg[VCPU_CS].selector, 0x2100);
	send_ipi(&cpu[0], 1, 0x4622);
	send_ipi(&cpu[0], 1, 0x4500);
	lapic_accept_events(&cpu[1]);
	CHECK_EQ(cpu[1].mp_state, KVM_MP_STATE_INIT_RECEIVED);
	/* The boot processor starts itself. */
	send_ipi(&cpu[1], 0, 0x4500);
	lapic_accept_events(&cpu[0]);
	CHECK_EQ(cpu[0].mp_state, KVM_MP_STATE_RUNNABLE);
	CHECK_EQ(cpu[0].s.rip, 0xfff0);
	/* By ioctl: vector, then pending. */
	lapic_set_sipi_vector(&cpu[1], 0x30);
	lapic_set_sipi_pending(&cpu[1]);
	lapic_accept_events(&cpu[1]);
	CHECK_EQ(cpu[1].s.seg[VCPU_CS].base, 0x30000);
}

/* Level or edge is that of the last message with this vector. */
static void trigger_mode(void)
{
	struct lapic_msg msg = { .vector = 0x66, .level = true, .assert = true };

	apic_on(&cpu[0], 1);
	CHECK_EQ(lapic_deliver(&vm, NULL, &msg), 1);
	CHECK_EQ(msg.merged, 0);
	CHECK_EQ(apic_read(&cpu[0], APIC_TMR + 0x30), 0x40);
	CHECK_EQ(lapic_deliver(&vm, NULL, &msg), 1);
	CHECK_EQ(msg.merged, 1);
	msg.level = false;
	CHECK_EQ(lapic_deliver(&vm, NULL, &msg), 1);
	CHECK_EQ(apic_read(&cpu[0], APIC_TMR + 0x30), 0);
	/* The end of a level is no interrupt. */
	CHECK_EQ(take(&cpu[0]), 0x66);
	msg.level = true;
	msg.assert = false;
	CHECK_EQ(lapic_deliver(&vm, NULL, &msg), 0);
	CHECK_EQ(take(&cpu[0]), -1);
	/* One wake-up per interrupt, however often it is sent. */
	msg.assert = true;
	cpu[0].kicks = 0;
	lapic_deliver(&vm, NULL, &msg);
	lapic_deliver(&vm, NULL, &msg);
	CHECK_EQ(cpu[0].kicks, 1);
}

/* A vCPU goes (its creation failed): messages find it no more. */
static void departure(void)
{
	apic_on(&cpu[0], 1);
	apic_on(&cpu[1], 2);
	CHECK_EQ(reached(&cpu[0], 1, 0), 2);
	lapic_free(&cpu[1]);
	CHECK(!cpu[1].apic);
	vm.nr_vcpus = 1;
	CHECK_EQ(reached(&cpu[0], 0xff, 0), 1);
	CHECK_EQ(reached(&cpu[0], 1, 0), 0);
	CHECK_EQ(reached(&cpu[0], 2, LOGICAL), 0);
}

static void many(void)
{
	int i;

	for (i = 0; i < 255; i++)
		x2apic_on(&cpu[i]);
	wrmsr(&cpu[7], 0x830, 254ull << 32 | 0x44);
	CHECK_EQ(irq_pending(&cpu[254]), 0x44);
	wrmsr(&cpu[7], 0x830, 0x44 | OTHERS);
	for (i = 0; i < 255; i++)
		CHECK_EQ(irq_pending(&cpu[i]), i == 7 ? -1 : 0x44);
}

/* Addressed to nobody, or to one that refuses: not the same. */
static void nobody(void)
{
	struct lapic_msg msg = { .dest = 1, .vector = 0x66, .assert = true };

	CHECK_EQ(lapic_deliver(&vm, NULL, &msg), 0);	/* software-disabled */
	lapic_set_base(&cpu[1], 0xfee00000, true);
	CHECK_EQ(lapic_deliver(&vm, NULL, &msg), -1);
	msg.dest = 2;
	CHECK_EQ(lapic_deliver(&vm, NULL, &msg), -1);
	msg.dest = 0xff;
	CHECK_EQ(lapic_deliver(&vm, NULL, &msg), 0);
}

/*
 * A sender has set its bit and found irr_pending set, just before the vCPU's
 * thread lowers it: the bit must be found by the second look.
 */
static void set_bit_alone(void)
{
	at_barrier = NULL;
	set_bit(0x78, cpu[0].apic->irr);
}

static void late_bit(void)
{
	apic_on(&cpu[0], 1);
	send_ipi(&cpu[0], 0, 0x77);
	at_barrier = set_bit_alone;
	CHECK_EQ(take(&cpu[0]), 0x77);
	CHECK(!at_barrier);
	CHECK_EQ(take(&cpu[0]), 0x78);
	CHECK(!cpu[0].apic->irr_pending);
	at_barrier = NULL;
}

/* ---- two threads: a sender against the vCPU's own ---- */

#define ROUNDS	200000			/* or as many as a second allows */

static bool done, lost;
static long sent;

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* False if the vector stays in IRR for seconds: nobody was told of it. */
static bool wait_taken(void)
{
	double limit = seconds() + 5;
	long looks;

	for (looks = 1; test_bit(0x77, cpu[0].apic->irr); looks++) {
		if (looks % 1000)
			continue;
		sched_yield();		/* the other may have no CPU */
		if (seconds() > limit)
			return false;
	}
	return true;
}

/*
 * Sends the next interrupt as soon as the last has left IRR, which is just
 * when the vCPU's thread finds IRR empty and lowers irr_pending.
 */
static void *sender(void *arg)
{
	struct lapic_msg msg = { .vector = 0x77, .assert = true };
	double end = seconds() + 1;

	while (!lost && sent < ROUNDS && (sent % 64 || seconds() < end)) {
		lapic_deliver(&vm, NULL, &msg);
		sent++;
		lost = !wait_taken();
	}
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void concurrent(void)
{
	pthread_t thread;
	long taken = 0, looks = 0;

	apic_on(&cpu[0], 1);
	done = lost = false;
	sent = 0;
	pthread_create(&thread, NULL, sender, NULL);
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		while (take(&cpu[0]) >= 0)
			taken++;
		if (!(++looks % 1000))
			sched_yield();
	}
	pthread_join(thread, NULL);
	CHECK(!lost);
	CHECK(sent > 0);
	CHECK_EQ(taken, sent);
}

const struct test msg_tests[] = {
	{ "msg-physical", 6, physical },
	{ "msg-flat", 6, flat },
	{ "msg-cluster", 6, cluster },
	{ "msg-x2apic", 20, x2apic },
	{ "msg-mixed-modes", 6, mixed_modes },
	{ "msg-shorthands", 4, shorthands },
	{ "msg-lowest-priority", 4, lowest_priority },
	{ "msg-repeated", 2, repeated },
	{ "msg-nmi-init-sipi", 2, nmi_init_sipi },
	{ "msg-trigger-mode", 1, trigger_mode },
	{ "msg-departure", 2, departure },
	{ "msg-many", 255, many },
	{ "msg-nobody", 2, nobody },
	{ "msg-late-bit", 1, late_bit },
	{ "msg-concurrent", 1, concurrent },
	{}
};
