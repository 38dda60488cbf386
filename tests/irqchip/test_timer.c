// SPDX-License-Identifier: GPL-2.0
/*
 * test_timer.c - the local APIC's timer, on the virtual clock: a bus of 1 GHz,
 * a guest TSC of 2 GHz.
 */
#include "vm.h"
#include "../../irqchip/lapic.h"

#define ONESHOT		0x00000u
#define PERIODIC	0x20000u
#define DEADLINE	0x40000u
#define MASKED		0x10000u
#define DIV_1		0xb
#define DEADLINE_MSR	MSR_IA32_TSC_DEADLINE

static void timer(u32 mode, u32 divide, u32 count)
{
	apic_on(&cpu[0], 1);
	apic_write(&cpu[0], APIC_LVTT, mode | 0x30);
	apic_write(&cpu[0], APIC_TDCR, divide);
	apic_write(&cpu[0], APIC_TMICT, count);
}

static u32 count(void)
{
	return apic_read(&cpu[0], APIC_TMCCT);
}

/* How often the vector came during @ns, taken in steps of @step. */
static int fired(s64 ns, s64 step)
{
	int n = 0;

	for (; ns > 0; ns -= step) {
		advance(step);
		while (take(&cpu[0]) == 0x30)
			n++;
	}
	return n;
}

static void divide(void)
{
	static const struct {
		u32 tdcr;
		int divisor;
	} rows[] = {
		{ 0x0, 2 }, { 0x1, 4 }, { 0x2, 8 }, { 0x3, 16 }, { 0x8, 32 },
		{ 0x9, 64 }, { 0xa, 128 }, { 0xb, 1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		timer(ONESHOT, rows[i].tdcr, 1000000);
		CHECK_EQ(count(), 1000000);
		advance(250000ll * rows[i].divisor);
		CHECK_EQ(count(), 750000);
		advance(750000ll * rows[i].divisor - 1);
		CHECK_EQ(take(&cpu[0]), -1);
		advance(1);
		CHECK_EQ(take(&cpu[0]), 0x30);
		CHECK_EQ(count(), 0);
		CHECK_EQ(fired(1000 * MS, 100 * MS), 0);
	}
}

static void one_shot(void)
{
	timer(ONESHOT, DIV_1, 500);		/* no lower bound here */
	CHECK_EQ(fired(500, 1), 1);
	/* Written again while it counts: the new count. */
	apic_write(&cpu[0], APIC_TMICT, 1000);
	advance(900);
	apic_write(&cpu[0], APIC_TMICT, 1000);
	CHECK_EQ(fired(999, 999), 0);
	CHECK_EQ(fired(1, 1), 1);
	/* Zero stops it. */
	apic_write(&cpu[0], APIC_TMICT, 1000);
	apic_write(&cpu[0], APIC_TMICT, 0);
	CHECK_EQ(fired(10 * MS, MS), 0);
	/* Masked: it counts, and no interrupt comes, then or later. */
	apic_write(&cpu[0], APIC_LVTT, MASKED | 0x30);
	apic_write(&cpu[0], APIC_TMICT, 1000);
	advance(400);
	CHECK_EQ(count(), 600);
	advance(600);
	apic_write(&cpu[0], APIC_LVTT, 0x30);
	CHECK_EQ(fired(10 * MS, MS), 0);
	/* The largest count. */
	apic_write(&cpu[0], APIC_TDCR, 0xa);
	apic_write(&cpu[0], APIC_TMICT, 0xffffffff);
	CHECK_EQ(count(), 0xffffffff);
	advance(0xffffffffll * 128);
	CHECK_EQ(take(&cpu[0]), 0x30);
}

static void divide_while_counting(void)
{
	timer(ONESHOT, DIV_1, 1000000);
	advance(400000);
	apic_write(&cpu[0], APIC_TDCR, 0x1);		/* by 4 from here on */
	CHECK_EQ(count(), 600000);
	advance(400000);
	CHECK_EQ(count(), 500000);
	CHECK_EQ(fired(4 * 500000 - 1, 4 * 500000 - 1), 0);
	CHECK_EQ(fired(1, 1), 1);
	/* With less than a tick to go: that comes, and the next ones faster. */
	timer(PERIODIC, 0xa /* by 128 */, 10000);
	advance(128 * 9999 + 64);
	apic_write(&cpu[0], APIC_TDCR, DIV_1);
	CHECK_EQ(fired(64, 64), 1);
	CHECK_EQ(fired(10 * MS, 1000), 10 * MS / (200 * US));
}

static void periodic(void)
{
	u64 before;

	timer(PERIODIC, DIV_1, 1000000);
	CHECK_EQ(fired(100 * MS, 1000), 100);
	advance(300000);
	CHECK_EQ(count(), 700000);
	/* A host that is late: periods are merged, and the phase is kept. */
	jump(5 * MS);
	CHECK_EQ(take(&cpu[0]), 0x30);
	CHECK_EQ(take(&cpu[0]), -1);
	CHECK_EQ(count(), 700000);
	CHECK_EQ(fired(700000 - 1, 700000 - 1), 0);
	CHECK_EQ(fired(1, 1), 1);
	/* Changes between periodic and one-shot let the count go on. */
	advance(500000);
	apic_write(&cpu[0], APIC_LVTT, ONESHOT | 0x30);
	CHECK_EQ(count(), 500000);
	CHECK_EQ(fired(100 * MS, 100000), 1);
	apic_write(&cpu[0], APIC_TMICT, 1000000);
	advance(900000);
	apic_write(&cpu[0], APIC_LVTT, PERIODIC | 0x30);
	CHECK_EQ(fired(10 * MS, 100000), 10);
	apic_write(&cpu[0], APIC_TMICT, 0);
	CHECK_EQ(fired(10 * MS, MS), 0);
	/* The bound: no more than 5000 callbacks a second. */
	before = timer_callbacks;
	timer(PERIODIC, DIV_1, 1);
	advance(1000 * MS);
	CHECK(timer_callbacks - before <= 5001);
	CHECK(count() <= 1);
	apic_write(&cpu[0], APIC_SPIV, 0xff);
	CHECK(apic_read(&cpu[0], APIC_LVTT) & MASKED);
	vcpu_reset(&cpu[0], true);
	before = timer_callbacks;
	advance(1000 * MS);
	CHECK_EQ(timer_callbacks, before);
}

static u64 tsc(void)
{
	return clock_guest_tsc(&cpu[0]);
}

static void deadline(void)
{
	timer(DEADLINE, DIV_1, 1000);
	CHECK_EQ(apic_read(&cpu[0], APIC_TMICT), 0);	/* ignored */
	CHECK_EQ(count(), 0);
	wrmsr(&cpu[0], DEADLINE_MSR, tsc() + 2000);
	CHECK_EQ(rdmsr(&cpu[0], DEADLINE_MSR), tsc() + 2000);
	CHECK_EQ(count(), 0);
	CHECK_EQ(fired(1000, 1000), 0);	/* rounded up: never early */
	CHECK_EQ(fired(1, 1), 1);
	CHECK_EQ(rdmsr(&cpu[0], DEADLINE_MSR), 0);
	CHECK_EQ(fired(100 * MS, MS), 0);
	/* In the past: at once.  Zero: disarmed. */
	wrmsr(&cpu[0], DEADLINE_MSR, 1);
	CHECK_EQ(take(&cpu[0]), 0x30);
	CHECK_EQ(rdmsr(&cpu[0], DEADLINE_MSR), 0);
	wrmsr(&cpu[0], DEADLINE_MSR, tsc() + 2000);
	wrmsr(&cpu[0], DEADLINE_MSR, 0);
	CHECK_EQ(fired(10 * MS, MS), 0);
	/* Moved, earlier and later. */
	wrmsr(&cpu[0], DEADLINE_MSR, tsc() + 2000 * 1000);
	wrmsr(&cpu[0], DEADLINE_MSR, tsc() + 2000);
	CHECK_EQ(fired(1001, 1), 1);
	wrmsr(&cpu[0], DEADLINE_MSR, tsc() + 2000);
	wrmsr(&cpu[0], DEADLINE_MSR, tsc() + 4000);
	CHECK_EQ(fired(2000, 1), 0);
	CHECK_EQ(fired(1, 1), 1);
	/* As far as can be: never, and not now. */
	cpu[0].tsc_offset = -tsc();
	wrmsr(&cpu[0], DEADLINE_MSR, ~0ull);
	CHECK_EQ(fired(1000 * MS, 10 * MS), 0);
	cpu[0].tsc_offset = 0;
	/* Another mode disarms it, and then the MSR is not there. */
	apic_write(&cpu[0], APIC_LVTT, ONESHOT | 0x30);
	CHECK_EQ(rdmsr(&cpu[0], DEADLINE_MSR), 0);
	wrmsr(&cpu[0], DEADLINE_MSR, tsc() + 2000);
	CHECK_EQ(rdmsr(&cpu[0], DEADLINE_MSR), 0);
	CHECK_EQ(fired(10 * MS, MS), 0);
	apic_write(&cpu[0], APIC_TMICT, 1000);
	apic_write(&cpu[0], APIC_LVTT, DEADLINE | 0x30);
	CHECK_EQ(apic_read(&cpu[0], APIC_TMICT), 0);
	CHECK_EQ(fired(10 * MS, MS), 0);
	/* The guest's TSC moves under it. */
	wrmsr(&cpu[0], DEADLINE_MSR, tsc() + 4000);
	cpu[0].tsc_offset += 2000;
	lapic_tsc_changed(&cpu[0]);
	CHECK_EQ(fired(1001, 1), 1);
	lapic_tsc_changed(&cpu[0]);
	CHECK_EQ(fired(10 * MS, MS), 0);
	/* Masked: it fires without an interrupt. */
	apic_write(&cpu[0], APIC_LVTT, DEADLINE | MASKED | 0x30);
	wrmsr(&cpu[0], DEADLINE_MSR, tsc() + 2000);
	advance(MS);
	CHECK_EQ(rdmsr(&cpu[0], DEADLINE_MSR), 0);
	CHECK_EQ(take(&cpu[0]), -1);
}

/* A callback that runs while the owner arms anew must not undo that. */
static void stale_callback(void)
{
	struct hrtimer *t = &cpu[0].apic->timer;

	timer(DEADLINE, DIV_1, 0);
	wrmsr(&cpu[0], DEADLINE_MSR, tsc() + 2000);
	host_ns += 500;
	wrmsr(&cpu[0], DEADLINE_MSR, tsc() + 2000);	/* 1000 ns from here */
	CHECK_EQ(t->function(t), HRTIMER_NORESTART);	/* the old one's */
	CHECK_EQ(take(&cpu[0]), -1);
	CHECK(rdmsr(&cpu[0], DEADLINE_MSR) != 0);
	CHECK_EQ(fired(1000, 1000), 0);
	CHECK_EQ(fired(1, 1), 1);
	CHECK_EQ(t->function(t), HRTIMER_NORESTART);
	CHECK_EQ(take(&cpu[0]), -1);
	wrmsr(&cpu[0], DEADLINE_MSR, tsc() + 2000);
	wrmsr(&cpu[0], DEADLINE_MSR, 0);
	host_ns += 5000;
	CHECK_EQ(t->function(t), HRTIMER_NORESTART);
	CHECK_EQ(take(&cpu[0]), -1);
}

static void restart_from(struct kvm_lapic_state *s)
{
	vm_stop();
	vm_start(1);
	CHECK_EQ(lapic_set_state(&cpu[0], s), 0);
}

static void restore(void)
{
	struct kvm_lapic_state s;

	timer(ONESHOT, DIV_1, 1000000);
	advance(300000);
	lapic_get_state(&cpu[0], &s);
	restart_from(&s);
	CHECK_EQ(count(), 700000);
	CHECK_EQ(fired(699999, 699999), 0);
	CHECK_EQ(fired(1, 1), 1);
	lapic_get_state(&cpu[0], &s);			/* fired, or about to: due */
	restart_from(&s);
	CHECK_EQ(fired(10 * MS, MS), 1);

	timer(PERIODIC, 0x0, 1000000);			/* by 2 */
	advance(2 * 300000);
	lapic_get_state(&cpu[0], &s);
	restart_from(&s);
	CHECK_EQ(fired(2 * 700000 - 1, 2 * 700000 - 1), 0);
	CHECK_EQ(fired(1, 1), 1);
	CHECK_EQ(fired(20 * MS, 1000), 10);
	/* An older state lacks the current count. */
	memset(s.regs + APIC_TMCCT, 0, 4);
	restart_from(&s);
	CHECK_EQ(fired(20 * MS, 1000), 10);
	/* More than the initial count cannot be. */
	memset(s.regs + APIC_TMCCT, 0xff, 4);
	restart_from(&s);
	CHECK_EQ(fired(20 * MS, 1000), 10);

	timer(DEADLINE, DIV_1, 0);
	wrmsr(&cpu[0], DEADLINE_MSR, tsc() + 2000);
	lapic_get_state(&cpu[0], &s);
	CHECK_EQ(lapic_set_state(&cpu[0], &s), 0);	/* in place: kept */
	CHECK_EQ(fired(1001, 1), 1);
	wrmsr(&cpu[0], DEADLINE_MSR, tsc() + 2000);
	restart_from(&s);				/* elsewhere: the MSR follows */
	CHECK_EQ(fired(10 * MS, MS), 0);
	lapic_set_deadline(&cpu[0], tsc() + 2000);
	CHECK_EQ(fired(1001, 1), 1);
}

const struct test timer_tests[] = {
	{ "timer-divide", 1, divide },
	{ "timer-one-shot", 1, one_shot },
	{ "timer-divide-while-counting", 1, divide_while_counting },
	{ "timer-periodic", 1, periodic },
	{ "timer-deadline", 1, deadline },
	{ "timer-stale-callback", 1, stale_callback },
	{ "timer-restore", 1, restore },
	{}
};
