// SPDX-License-Identifier: GPL-2.0
/*
 * lapic_timer.c - the local APIC's timer: one-shot, periodic, TSC deadline.
 *
 * Owns: the hrtimer of each APIC and what it was armed for.  The guest's
 * count register is never counted: it is computed from the time left.
 *
 * The vCPU re-arms the timer at every tick of a tickless guest, so that path
 * takes no lock, and waits for a callback only if one runs elsewhere.  Instead
 * `expires` is a claim: the owner writes what it armed the timer for, and the
 * callback fires only if the time has come and it can compare-and-exchange
 * that value away.  A callback that belongs to an earlier arming thus either
 * comes too early, or delivers what is due anyway, once.  A periodic timer, and
 * a deadline's that came early, re-arm themselves in the callback: who stops the
 * one or arms the other waits for it.
 *
 * Trusts: the guest's counts for nothing but their range; they are bounded
 * here so that a guest cannot keep the host busy.  Read next: lapic.c.
 */
#include <linux/math64.h>
#include "lapic.h"

/* What the API shows as the APIC bus: 1 GHz, whatever the host has. */
#define BUS_TICK_NS		1

/*
 * No periodic timer faster than this: each period costs the host an interrupt
 * and an exit whatever the guest does (some 10 us together), so a guest that
 * asks for a count of 1 would take a CPU away from the host.  One-shot and
 * deadline timers cost an exit of the guest's own time to re-arm and need no
 * such bound.  200 us is what guests of Linux KVM are used to.
 */
#define MIN_PERIOD_NS		(200 * NSEC_PER_USEC)

/* Deadlines further off than this would overflow host time: 2 years at 5 GHz. */
#define MAX_DELAY_CYCLES	BIT_ULL(58)

/* Rounded up: never before the deadline. */
static u64 ns_until(struct kvm_lapic *apic, u64 cycles)
{
	return clock_tsc_to_ns(apic->vcpu, min(cycles, MAX_DELAY_CYCLES)) + 1;
}

/*
 * The host's clock may be steered to run faster than its TSC: when to look again.
 * Where TSCs differ, this CPU's says nothing.
 */
static s64 too_early(struct kvm_lapic *apic, s64 now)
{
	u64 tsc = clock_guest_tsc(apic->vcpu), deadline = READ_ONCE(apic->deadline);

	if (tsc >= deadline || check_tsc_unstable())
		return 0;
	return now + ns_until(apic, deadline - tsc);
}

static enum hrtimer_restart lapic_timer_fn(struct hrtimer *timer)
{
	struct kvm_lapic *apic = container_of(timer, struct kvm_lapic, timer);
	s64 expires = READ_ONCE(apic->expires);
	s64 now = ktime_to_ns(ktime_get());
	u64 period = READ_ONCE(apic->period);
	bool early = false;
	s64 next = 0;

	if (!expires || now < expires)
		return HRTIMER_NORESTART;
	if (lapic_deadline_mode(apic)) {
		next = too_early(apic, now);
		early = next;
	}
	/* Periods that the host missed are lost, as IRR would merge them. */
	if (period && lapic_periodic_mode(apic))
		next = expires + (div64_u64(now - expires, period) + 1) * period;
	if (cmpxchg(&apic->expires, expires, next) != expires)
		return HRTIMER_NORESTART;
	if (!early)
		lapic_local_deliver(apic, APIC_LVTT);
	if (!next)
		return HRTIMER_NORESTART;
	hrtimer_set_expires(timer, ns_to_ktime(next));
	return HRTIMER_RESTART;
}

void lapic_timer_init(struct kvm_lapic *apic)
{
	hrtimer_init(&apic->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	apic->timer.function = lapic_timer_fn;
	apic->divisor = 2;
}

/* After this, only what the callback has claimed already is delivered. */
static void lapic_timer_stop(struct kvm_lapic *apic)
{
	WRITE_ONCE(apic->expires, 0);
	if (apic->period || lapic_periodic_mode(apic))
		hrtimer_cancel(&apic->timer);
	else
		hrtimer_try_to_cancel(&apic->timer);
	WRITE_ONCE(apic->period, 0);
	apic->deadline = 0;
}

/* Nor that: for whoever gives the APIC another state, or frees it. */
void lapic_timer_quiesce(struct kvm_lapic *apic)
{
	lapic_timer_stop(apic);
	hrtimer_cancel(&apic->timer);
}

static void arm(struct kvm_lapic *apic, s64 expires)
{
	xchg(&apic->expires, expires);	/* before the timer can fire */
	/* One that read the old value may be about to queue the timer itself. */
	if (unlikely(hrtimer_callback_running(&apic->timer)))
		hrtimer_cancel(&apic->timer);
	hrtimer_start(&apic->timer, ns_to_ktime(expires),
		      HRTIMER_MODE_ABS_HARD);
}

u32 lapic_timer_count(const struct kvm_lapic *apic)
{
	s64 left = READ_ONCE(apic->expires) - ktime_to_ns(ktime_get());
	u64 count;

	if (left <= 0 || lapic_deadline_mode(apic))
		return 0;
	count = div_u64(left, apic->divisor * BUS_TICK_NS);
	/* A period that MIN_PERIOD_NS stretched is longer than the count. */
	return min_t(u64, count, lapic_reg(apic, APIC_TMICT));
}

void lapic_timer_start(struct kvm_lapic *apic, u32 count)
{
	u64 tick = apic->divisor * BUS_TICK_NS;
	u64 delay = count * tick;

	/* A deadline timer is started by its MSR alone. */
	if (lapic_deadline_mode(apic))
		return;
	if (!count || apic->period || lapic_periodic_mode(apic))
		lapic_timer_stop(apic);
	if (!count)
		return;
	if (lapic_periodic_mode(apic)) {
		WRITE_ONCE(apic->period,
			   max_t(u64, lapic_reg(apic, APIC_TMICT) * tick,
				 MIN_PERIOD_NS));
		if (count == lapic_reg(apic, APIC_TMICT))
			delay = apic->period;
	}
	arm(apic, ktime_to_ns(ktime_get()) + delay);
}

/* SDM, "Divide Configuration Register": bits 0, 1 and 3; 7 divides by one. */
void lapic_timer_set_divide(struct kvm_lapic *apic, u32 tdcr)
{
	unsigned int code = (tdcr & 3) | (tdcr & 8) >> 1;
	u32 divisor = 1 << ((code + 1) & 7);
	u32 count;

	if (divisor == apic->divisor)
		return;
	count = lapic_timer_count(apic);
	apic->divisor = divisor;
	/* A tick that is due any moment still begins periods of another length. */
	if (!count && apic->period)
		count = 1;
	if (count)
		lapic_timer_start(apic, count);
}

/*
 * LVTT is about to be written.  SDM, "TSC-Deadline Mode": changing between
 * deadline and the others disarms the timer; else it goes on.
 */
void lapic_timer_set_mode(struct kvm_lapic *apic, u32 lvtt)
{
	u32 changed = (lapic_reg(apic, APIC_LVTT) ^ lvtt) & LVT_TIMER_MODE;
	u32 count;

	if (!changed) {
		lapic_set_reg(apic, APIC_LVTT, lvtt);
		return;
	}
	if (changed & APIC_LVT_TIMER_TSCDEADLINE) {
		lapic_timer_stop(apic);
		lapic_set_reg(apic, APIC_TMICT, 0);
		lapic_set_reg(apic, APIC_LVTT, lvtt);
		return;
	}
	count = lapic_timer_count(apic);
	lapic_timer_stop(apic);
	lapic_set_reg(apic, APIC_LVTT, lvtt);
	lapic_timer_start(apic, count);
}

/* ------------------------------------------------------------------------
 * TSC deadline
 */

void lapic_timer_rearm_deadline(struct kvm_lapic *apic)
{
	u64 deadline = apic->deadline, tsc;
	unsigned long flags;
	s64 now;

	/* The two clocks are to be read at one moment. */
	local_irq_save(flags);
	now = ktime_to_ns(ktime_get());
	tsc = clock_guest_tsc(apic->vcpu);
	local_irq_restore(flags);

	if (deadline <= tsc) {
		lapic_timer_stop(apic);
		lapic_local_deliver(apic, APIC_LVTT);
		return;
	}
	arm(apic, now + ns_until(apic, deadline - tsc));
}

/* The MSR reads as zero once the timer has fired, or was never armed. */
u64 lapic_get_deadline(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->apic;

	if (!apic || !lapic_deadline_mode(apic) || !READ_ONCE(apic->expires))
		return 0;
	return apic->deadline;
}

/* Ignored, as the SDM has it, unless LVTT selects deadline mode. */
void lapic_set_deadline(struct kvm_vcpu *vcpu, u64 tsc)
{
	struct kvm_lapic *apic = vcpu->apic;

	if (!apic || !apic->hw_enabled || !lapic_deadline_mode(apic))
		return;
	if (!tsc) {
		lapic_timer_stop(apic);
		return;
	}
	apic->deadline = tsc;
	lapic_timer_rearm_deadline(apic);
}

void lapic_tsc_changed(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->apic;

	if (apic && lapic_deadline_mode(apic) && READ_ONCE(apic->expires))
		lapic_timer_rearm_deadline(apic);
}
