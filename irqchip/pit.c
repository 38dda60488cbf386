// SPDX-License-Identifier: GPL-2.0
/*
 * pit.c - the 8254 interval timer and port 0x61 (speaker gate, refresh bit).
 *
 * Owns: struct kvm_pit with its hrtimer, and GSI 0 as IRQ_SOURCE_PIT.
 * Counters are never counted: the count and OUT of a channel are computed
 * from the time since its count was loaded.  Trusts: nothing; counts from
 * user space are brought into range, so that no division is by zero.
 *
 * Lock: pit->lock, raw, interrupts off; GSI 0 is driven under it (order: PIT,
 * then 8259s or IOAPIC).  The hrtimer is started and cancelled under the lock,
 * so its callback, which takes the lock first, may come too late: it believes
 * pit->expires alone.
 *
 * Manual: Intel 8254 data sheet; 82371SB (PIIX3), "NMI Status and Control".
 * Read next: routing.c.
 */
#include <linux/bcd.h>
#include <linux/math64.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/timex.h>
#include "io.h"
#include "irqchip.h"

#define PIT_GSI			0
#define PIT_CHANNELS		3
#define PIT_PORT		0x40
#define PIT_CONTROL		3	/* of its four ports */
#define SPEAKER_PORT		0x61

/*
 * No ticks closer than this: each costs the host a timer interrupt and an
 * exit.  A guest that programs less gets fewer interrupts; its counter reads
 * as programmed.  200 us is what guests of Linux KVM are used to.
 */
#define MIN_TICK_NS		(200 * NSEC_PER_USEC)

/* Ticks owed to a guest that did not take them.  More is no use to any. */
#define MAX_BACKLOG		65536

/* Control word. */
#define CW_READ_BACK		3	/* instead of a channel */
#define CW_LATCH		0	/* instead of an access mode */
#define READ_BACK_NO_COUNT	0x20
#define READ_BACK_NO_STATUS	0x10
#define STATUS_OUT		0x80
#define STATUS_NULL_COUNT	0x40

/* How the next byte is taken; ABI values of read_state, write_state, ... */
enum { RW_LSB = 1, RW_MSB, RW_WORD_LSB, RW_WORD_MSB };

#define MODE_NONE		0xff	/* power-up: no control word yet */

struct pit_channel {
	struct kvm_pit_channel_state s;
	bool loaded;		/* a count came after the control word */
	bool triggered;		/* modes 1, 5: the gate rose since */
	bool stopped;		/* by the gate; `held` ticks had elapsed */
	s64 held;
	s64 null_until;		/* new count loaded only then, host ns */
	bool old_out;		/* mode 3: OUT until then */
};

struct kvm_pit {
	raw_spinlock_t lock;
	struct kvm *kvm;
	struct pit_channel ch[PIT_CHANNELS];
	u32 flags;			/* KVM_PIT_FLAGS_HPET_LEGACY */
	bool speaker_on;		/* port 0x61, bit 1 */

	struct hrtimer timer;		/* channel 0's rising edges */
	s64 expires;			/* host ns, 0: not armed */
	u64 ticks_done;			/* since count_load_time */
	u32 backlog;
	bool reinject;
	struct kvm_irq_ack_notifier ack;

	struct kvm_io_device dev;
};

static_assert(sizeof(struct kvm_pit_state2) == 3 * 24 + 40);

/* ------------------------------------------------------------------------
 * Time
 */

static s64 now_ns(void)
{
	return ktime_to_ns(ktime_get());
}

static s64 ns_to_ticks(s64 ns)
{
	if (ns < 0)
		return -(s64)mul_u64_u32_div(-ns, PIT_TICK_RATE, NSEC_PER_SEC);
	return mul_u64_u32_div(ns, PIT_TICK_RATE, NSEC_PER_SEC);
}

/* Rounded up: so much later that many ticks have passed. */
static s64 ticks_to_ns(s64 ticks)
{
	if (ticks < 0)
		return -(s64)mul_u64_u32_div(-ticks, NSEC_PER_SEC,
					     PIT_TICK_RATE);
	return mul_u64_u32_div(ticks, NSEC_PER_SEC, PIT_TICK_RATE) + 1;
}

/* Ticks since the count was loaded; less than 0 see write_count(). */
static s64 elapsed(const struct pit_channel *ch, s64 now)
{
	return ch->stopped ? ch->held :
			     ns_to_ticks(now - ch->s.count_load_time);
}

/* Modes 2 and 3 (and 6, 7, their aliases) start over at the end. */
static bool is_periodic(const struct pit_channel *ch)
{
	return ch->s.mode == 2 || ch->s.mode == 3;
}

/* ... and modes 1 and 5 start when the gate rises. */
static bool is_triggered(const struct pit_channel *ch)
{
	return ch->s.mode == 1 || ch->s.mode == 5;
}

/* In mode 0 the first byte of a new count stops the old one, and lowers OUT. */
static bool awaits_byte(const struct pit_channel *ch)
{
	return ch->s.mode == 0 && ch->s.write_state == RW_WORD_MSB;
}

/* Does it stand still, for want of a gate or of the rest of its count? */
static bool is_stopped(const struct pit_channel *ch)
{
	return (!ch->s.gate && !is_triggered(ch)) || awaits_byte(ch);
}

/* Place in a period; before the first, the negative time until it begins. */
static s64 position(const struct pit_channel *ch, s64 d)
{
	u32 rest;

	if (d < 0)
		return d;
	div_u64_rem(d, ch->s.count, &rest);
	return rest;
}

/* Mode 3 is high for the first half, the longer one. */
static u32 first_half(const struct pit_channel *ch)
{
	return (ch->s.count + 1) / 2;
}

/* ------------------------------------------------------------------------
 * What can be seen of a channel; data sheet, "Mode Definitions"
 */

static bool channel_out(const struct pit_channel *ch, s64 now)
{
	s64 d = elapsed(ch, now), count = ch->s.count;

	if (!ch->loaded || ch->s.mode > 5)
		return ch->s.mode != 0;
	switch (ch->s.mode) {
	case 0:
		return d >= count && !awaits_byte(ch);
	case 1:
		return !ch->triggered || d >= count;
	case 2:
		return ch->stopped || position(ch, d) != count - 1;
	case 3:
		if (ch->stopped || now < ch->null_until)
			return ch->stopped || ch->old_out;
		return position(ch, d) < first_half(ch);
	case 4:
		return d != count;
	default:
		return !ch->triggered || d != count;
	}
}

/* In mode 3 the count goes by twos, through both halves. */
static u32 square_count(const struct pit_channel *ch, s64 now, s64 d)
{
	u32 half = first_half(ch), even = ch->s.count & ~1;
	s64 pos = position(ch, d);

	if (now < ch->null_until)
		return 2 * ((ch->old_out ? half : ch->s.count) - d);
	/* The high half of an odd count takes one tick more, at zero. */
	return pos < half ? even - 2 * pos : even - 2 * (pos - half);
}

/* The counting element, binary. */
static u32 channel_count(const struct pit_channel *ch, s64 now)
{
	s64 d = elapsed(ch, now), count = ch->s.count;
	u32 top = ch->s.bcd ? 10000 : 0x10000, beyond;

	if (!ch->loaded || (is_triggered(ch) && !ch->triggered))
		return count;
	if (ch->s.mode == 2)
		return count - position(ch, d);
	if (ch->s.mode == 3)
		return square_count(ch, now, d);
	/* The others go on from the top when they have reached zero. */
	if (d <= count)
		return count - d;
	div_u64_rem(d - count, top, &beyond);
	return top - beyond;
}

/* As the two bytes that the guest reads. */
static u16 visible_count(const struct pit_channel *ch, s64 now)
{
	u32 count = channel_count(ch, now);

	if (!ch->s.bcd)
		return count;
	count %= 10000;
	return bin2bcd(count / 100) << 8 | bin2bcd(count % 100);
}

/* ------------------------------------------------------------------------
 * IRQ 0
 */

/* The time of channel 0's next rising edge, or 0. */
static s64 next_tick(struct kvm_pit *pit)
{
	struct pit_channel *ch = &pit->ch[0];
	u64 ticks = ch->s.count;

	if ((pit->flags & KVM_PIT_FLAGS_HPET_LEGACY) || !ch->loaded ||
	    ch->stopped || ch->s.mode > 5)
		return 0;
	if (is_triggered(ch) && !ch->triggered)
		return 0;
	if (is_periodic(ch)) {
		ticks = max_t(u64, ticks, ns_to_ticks(MIN_TICK_NS));
		return ch->s.count_load_time +
		       ticks_to_ns(ticks * (pit->ticks_done + 1));
	}
	/* Mode 1 ends its low pulse with the count; 4, 5 one tick later. */
	if (ch->s.mode > 1)
		ticks++;
	return pit->ticks_done ? 0 : ch->s.count_load_time + ticks_to_ns(ticks);
}

static void arm(struct kvm_pit *pit)
{
	lockdep_assert_held(&pit->lock);
	pit->expires = next_tick(pit);
	if (pit->expires)
		hrtimer_start(&pit->timer, ns_to_ktime(pit->expires),
			      HRTIMER_MODE_ABS_HARD);
	else
		hrtimer_try_to_cancel(&pit->timer);
}

/* Channel 0 has a new course. */
static void restart(struct kvm_pit *pit)
{
	pit->ticks_done = 0;
	pit->backlog = 0;
	arm(pit);
}

/* An edge: a pulse is enough, since the controllers remember it. */
static int pulse(struct kvm_pit *pit)
{
	int r = irq_set(pit->kvm, IRQ_SOURCE_PIT, PIT_GSI, 1);

	irq_set(pit->kvm, IRQ_SOURCE_PIT, PIT_GSI, 0);
	return r;
}

/*
 * @n ticks are due.  One that was merged with an interrupt which is pending
 * still, and those that the host missed, are owed to the guest: pit_acked()
 * pays.  One that is masked is lost, as it would be.
 */
static void tick(struct kvm_pit *pit, u64 n)
{
	int r = pulse(pit);

	if (!pit->reinject || r < 0)
		return;
	if (!r)
		n++;
	pit->backlog = min_t(u64, pit->backlog + n - 1, MAX_BACKLOG);
}

static void pit_acked(struct kvm_irq_ack_notifier *n)
{
	struct kvm_pit *pit = container_of(n, struct kvm_pit, ack);
	unsigned long flags;
	int r;

	raw_spin_lock_irqsave(&pit->lock, flags);
	if (pit->backlog) {
		r = pulse(pit);
		if (r < 0)
			pit->backlog = 0;
		else if (r > 0)
			pit->backlog--;
	}
	raw_spin_unlock_irqrestore(&pit->lock, flags);
}

/* A guest that begins to listen does not want what it missed before. */
static void pit_unmasked(struct kvm_irq_ack_notifier *n)
{
	struct kvm_pit *pit = container_of(n, struct kvm_pit, ack);
	unsigned long flags;

	raw_spin_lock_irqsave(&pit->lock, flags);
	pit->backlog = 0;
	raw_spin_unlock_irqrestore(&pit->lock, flags);
}

/* Ticks since the last that was counted; at least one, when called in time. */
static u64 ticks_due(struct kvm_pit *pit, s64 now)
{
	struct pit_channel *ch = &pit->ch[0];
	u64 period = max_t(u64, ch->s.count, ns_to_ticks(MIN_TICK_NS));
	s64 d = elapsed(ch, now);

	if (!is_periodic(ch) || d < 0)
		return 1;
	return max_t(s64, div64_u64(d, period) - pit->ticks_done, 1);
}

static enum hrtimer_restart pit_timer_fn(struct hrtimer *timer)
{
	struct kvm_pit *pit = container_of(timer, struct kvm_pit, timer);
	unsigned long flags;
	s64 now;
	u64 n;

	raw_spin_lock_irqsave(&pit->lock, flags);
	now = now_ns();
	if (pit->expires && now >= pit->expires) {
		n = ticks_due(pit, now);
		pit->ticks_done += n;
		tick(pit, n);
		arm(pit);
	}
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	/* Where it is to go on, arm() has started it. */
	return HRTIMER_NORESTART;
}

/* ------------------------------------------------------------------------
 * Loading a count, and the gate
 */

/*
 * Ticks until the present count has run out: until a new one is loaded in the
 * periodic modes (mode 3: at the end of either half), till the end of the
 * one-shot in the triggered ones.
 */
static s64 remaining(const struct pit_channel *ch, s64 now)
{
	s64 d = elapsed(ch, now), pos;

	if (!is_periodic(ch))
		return ch->s.count - d;
	pos = position(ch, d);
	if (ch->s.mode == 3 && channel_out(ch, now))
		return first_half(ch) - pos;
	return ch->s.count - pos;
}

/* Elapsed ticks such that @left remain with @ch's (new) count. */
static s64 elapsed_for(const struct pit_channel *ch, s64 left)
{
	if (ch->s.mode == 3 && ch->old_out)
		return first_half(ch) - left;
	return ch->s.count - left;
}

/*
 * A count was written completely.  While one is under way, modes 1, 2, 3 and 5
 * finish it first (data sheet, "Mode Definitions").  That needs no second
 * count: shifting the time of loading so that as many ticks remain gives the
 * same OUT and the same counts until then, and the new period after.
 */
static void write_count(struct kvm_pit *pit, struct pit_channel *ch, u32 val)
{
	s64 now = now_ns(), d = elapsed(ch, now), left = 0, new_d;
	bool under_way = ch->loaded && !ch->stopped && ch->s.mode != 0 &&
			 ch->s.mode != 4;

	if (is_triggered(ch) && !ch->triggered)
		under_way = false;
	if (under_way) {
		left = remaining(ch, now);
		ch->old_out = channel_out(ch, now);
	}
	if (ch->s.bcd)
		val = bcd2bin(val >> 8) * 100 + bcd2bin(val & 0xff);
	if (!val)
		val = ch->s.bcd ? 10000 : 0x10000;
	ch->s.count = val;
	ch->held = 0;
	ch->stopped = is_stopped(ch);
	ch->null_until = is_triggered(ch) ? S64_MAX : 0;
	if (under_way) {
		new_d = elapsed_for(ch, left);
		/* By whole ticks, so that the phase is kept. */
		ch->s.count_load_time += ticks_to_ns(d - new_d);
		if (is_periodic(ch))
			ch->null_until = ch->s.count_load_time +
					 ticks_to_ns(new_d + left);
	} else {
		ch->s.count_load_time = now;
	}
	ch->loaded = true;
	if (ch == &pit->ch[0])
		restart(pit);
}

static void hold(struct pit_channel *ch, s64 now)
{
	ch->held = elapsed(ch, now);
	ch->stopped = true;
}

/* Data sheet, "Gate Pin Operations Summary". */
static void set_gate(struct pit_channel *ch, bool gate)
{
	s64 now = now_ns();

	if (gate == !!ch->s.gate)
		return;
	ch->s.gate = gate;
	if (!gate) {
		if (!is_triggered(ch))
			hold(ch, now);
		return;
	}
	if (is_triggered(ch)) {
		ch->triggered = ch->loaded;
		ch->s.count_load_time = now;
		ch->null_until = 0;
	} else {
		/* Modes 0 and 4 go on, 2 and 3 begin anew. */
		ch->s.count_load_time = now;
		if (is_periodic(ch))
			ch->null_until = 0;
		else
			ch->s.count_load_time -= ticks_to_ns(ch->held);
	}
	ch->stopped = is_stopped(ch);
}

/* ------------------------------------------------------------------------
 * Ports 0x40..0x43
 */

static void latch_count(struct pit_channel *ch)
{
	if (ch->s.count_latched)
		return;			/* the first latch holds */
	ch->s.latched_count = visible_count(ch, now_ns());
	ch->s.count_latched = ch->s.rw_mode;
}

static void latch_status(struct pit_channel *ch)
{
	s64 now = now_ns();

	if (ch->s.status_latched)
		return;
	ch->s.status = (ch->s.rw_mode & 3) << 4 | (ch->s.mode & 7) << 1 |
		       (ch->s.bcd ? 1 : 0);
	if (channel_out(ch, now))
		ch->s.status |= STATUS_OUT;
	if (!ch->loaded || now < ch->null_until)
		ch->s.status |= STATUS_NULL_COUNT;
	ch->s.status_latched = 1;
}

static void read_back(struct kvm_pit *pit, u8 val)
{
	int i;

	for (i = 0; i < PIT_CHANNELS; i++) {
		if (!(val & (2 << i)))
			continue;
		if (!(val & READ_BACK_NO_COUNT))
			latch_count(&pit->ch[i]);
		if (!(val & READ_BACK_NO_STATUS))
			latch_status(&pit->ch[i]);
	}
}

/* A new mode stops the channel until a count is written. */
static void set_mode(struct kvm_pit *pit, struct pit_channel *ch, u8 val)
{
	u8 mode = val >> 1 & 7, access = val >> 4 & 3;

	ch->s.rw_mode = access;
	ch->s.read_state = access;
	ch->s.write_state = access;
	ch->s.mode = mode > 5 ? mode - 4 : mode;
	ch->s.bcd = val & 1;
	ch->s.count_latched = 0;
	ch->s.status_latched = 0;
	ch->loaded = false;
	ch->triggered = false;
	ch->stopped = is_stopped(ch);
	ch->held = 0;
	ch->null_until = S64_MAX;
	if (ch == &pit->ch[0])
		restart(pit);
}

static void write_control(struct kvm_pit *pit, u8 val)
{
	struct pit_channel *ch;

	if (val >> 6 == CW_READ_BACK) {
		read_back(pit, val);
		return;
	}
	ch = &pit->ch[array_index_nospec(val >> 6, PIT_CHANNELS)];
	if ((val >> 4 & 3) == CW_LATCH)
		latch_count(ch);
	else
		set_mode(pit, ch, val);
}

static void write_data(struct kvm_pit *pit, struct pit_channel *ch, u8 val)
{
	switch (ch->s.write_state) {
	case RW_LSB:
		write_count(pit, ch, val);
		break;
	case RW_MSB:
		write_count(pit, ch, val << 8);
		break;
	case RW_WORD_LSB:
		ch->s.write_latch = val;
		ch->s.write_state = RW_WORD_MSB;
		if (awaits_byte(ch)) {
			hold(ch, now_ns());
			if (ch == &pit->ch[0])
				restart(pit);
		}
		break;
	case RW_WORD_MSB:
		ch->s.write_state = RW_WORD_LSB;
		write_count(pit, ch, ch->s.write_latch | val << 8);
		break;
	}
}

static u8 read_latched_count(struct pit_channel *ch)
{
	u16 count = ch->s.latched_count;

	switch (ch->s.count_latched) {
	case RW_LSB:
		ch->s.count_latched = 0;
		return count;
	case RW_WORD_LSB:
		ch->s.count_latched = RW_MSB;
		return count;
	default:
		ch->s.count_latched = 0;
		return count >> 8;
	}
}

static u8 read_data(struct pit_channel *ch)
{
	u16 count;

	if (ch->s.status_latched) {
		ch->s.status_latched = 0;
		return ch->s.status;
	}
	if (ch->s.count_latched)
		return read_latched_count(ch);
	count = visible_count(ch, now_ns());
	switch (ch->s.read_state) {
	case RW_MSB:
		return count >> 8;
	case RW_WORD_LSB:
		ch->s.read_state = RW_WORD_MSB;
		return count;
	case RW_WORD_MSB:
		ch->s.read_state = RW_WORD_LSB;
		return count >> 8;
	default:
		return count;
	}
}

/* ------------------------------------------------------------------------
 * Port 0x61: bit 0 gate of channel 2, 1 speaker, 4 refresh, 5 OUT of channel 2
 */

static u8 read_speaker(const struct kvm_pit *pit)
{
	s64 now = now_ns();
	u8 val = pit->speaker_on << 1 | channel_out(&pit->ch[2], now) << 5;

	if (pit->ch[2].s.gate)
		val |= 1;
	/* Toggles with each refresh of memory, every 18 ticks: 15.085 us. */
	return val | (div_u64(ns_to_ticks(now), 18) & 1) << 4;
}

static void write_speaker(struct kvm_pit *pit, u8 val)
{
	pit->speaker_on = val & 2;
	set_gate(&pit->ch[2], val & 1);
}

/* ------------------------------------------------------------------------
 * An 8-bit device: a wider access is one to each of its ports.
 */

static struct pit_channel *data_channel(struct kvm_pit *pit, gpa_t port)
{
	return &pit->ch[array_index_nospec(port - PIT_PORT, PIT_CHANNELS)];
}

static u8 read_port(struct kvm_pit *pit, gpa_t port)
{
	if (port == SPEAKER_PORT)
		return read_speaker(pit);
	if (port == PIT_PORT + PIT_CONTROL)
		return 0;		/* write-only */
	return read_data(data_channel(pit, port));
}

static void write_port(struct kvm_pit *pit, gpa_t port, u8 val)
{
	if (port == SPEAKER_PORT)
		write_speaker(pit, val);
	else if (port == PIT_PORT + PIT_CONTROL)
		write_control(pit, val);
	else
		write_data(pit, data_channel(pit, port), val);
}

static int pit_ioread(struct kvm_vcpu *vcpu, struct kvm_io_device *dev,
		      gpa_t addr, int len, void *val)
{
	struct kvm_pit *pit = container_of(dev, struct kvm_pit, dev);
	unsigned long flags;
	u8 *p = val;
	int i;

	raw_spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < len; i++)
		p[i] = read_port(pit, addr + i);
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static int pit_iowrite(struct kvm_vcpu *vcpu, struct kvm_io_device *dev,
		       gpa_t addr, int len, const void *val)
{
	struct kvm_pit *pit = container_of(dev, struct kvm_pit, dev);
	unsigned long flags;
	const u8 *p = val;
	int i;

	raw_spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < len; i++)
		write_port(pit, addr + i, p[i]);
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static void pit_free(struct kvm_io_device *dev)
{
	struct kvm_pit *pit = container_of(dev, struct kvm_pit, dev);

	hrtimer_cancel(&pit->timer);
	kfree(pit);
}

static const struct kvm_io_ops pit_io_ops = {
	.read = pit_ioread,
	.write = pit_iowrite,
	.free = pit_free,
};

/* ------------------------------------------------------------------------
 * State and life
 */

void pit_get_state(struct kvm *kvm, struct kvm_pit_state2 *s)
{
	struct kvm_pit *pit = kvm->pit;
	unsigned long flags;
	int i;

	memset(s, 0, sizeof(*s));
	raw_spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < PIT_CHANNELS; i++)
		s->channels[i] = pit->ch[i].s;
	s->flags = pit->flags;
	if (pit->speaker_on)
		s->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	raw_spin_unlock_irqrestore(&pit->lock, flags);
}

/* All counts begin anew: the time when they were loaded was another host's. */
static void load_channel(struct pit_channel *ch,
			 const struct kvm_pit_channel_state *s)
{
	ch->s = *s;
	if (!ch->s.count || ch->s.count > 0x10000)
		ch->s.count = 0x10000;
	ch->s.count_load_time = now_ns();
	ch->loaded = ch->s.mode <= 5;
	ch->triggered = ch->s.gate;
	ch->stopped = is_stopped(ch);
	ch->held = 0;
	ch->null_until = 0;
}

void pit_set_state(struct kvm *kvm, const struct kvm_pit_state2 *s, bool flags)
{
	struct kvm_pit *pit = kvm->pit;
	unsigned long irq_flags;
	int i;

	raw_spin_lock_irqsave(&pit->lock, irq_flags);
	if (flags) {
		pit->flags = s->flags & KVM_PIT_FLAGS_HPET_LEGACY;
		pit->speaker_on = s->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	}
	for (i = 0; i < PIT_CHANNELS; i++)
		load_channel(&pit->ch[i], &s->channels[i]);
	restart(pit);
	raw_spin_unlock_irqrestore(&pit->lock, irq_flags);
}

void pit_set_reinject(struct kvm *kvm, bool reinject)
{
	struct kvm_pit *pit = kvm->pit;
	unsigned long flags;

	if (reinject == pit->reinject)
		return;
	if (reinject)
		irq_register_ack(kvm, &pit->ack);
	else
		irq_unregister_ack(kvm, &pit->ack);
	raw_spin_lock_irqsave(&pit->lock, flags);
	pit->reinject = reinject;
	pit->backlog = 0;
	raw_spin_unlock_irqrestore(&pit->lock, flags);
}

static void pit_init(struct kvm_pit *pit, struct kvm *kvm)
{
	struct kvm_pit_channel_state s = { .count = 0x10000, .mode = MODE_NONE };
	int i;

	raw_spin_lock_init(&pit->lock);
	pit->kvm = kvm;
	pit->dev.ops = &pit_io_ops;
	pit->ack.gsi = PIT_GSI;
	pit->ack.acked = pit_acked;
	pit->ack.unmasked = pit_unmasked;
	hrtimer_init(&pit->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	pit->timer.function = pit_timer_fn;
	for (i = 0; i < PIT_CHANNELS; i++) {
		s.gate = i != 2;
		load_channel(&pit->ch[i], &s);
	}
}

static int pit_register(struct kvm *kvm, struct kvm_pit *pit, u32 flags)
{
	int r = kvm_io_register(kvm, KVM_PIO_BUS, PIT_PORT, 4, &pit->dev);

	if (r) {
		kfree(pit);
		return r;
	}
	if (!(flags & KVM_PIT_SPEAKER_DUMMY))
		return 0;
	r = kvm_io_register(kvm, KVM_PIO_BUS, SPEAKER_PORT, 1, &pit->dev);
	if (r)
		kvm_io_unregister(kvm, KVM_PIO_BUS, &pit->dev);
	return r;
}

int pit_create(struct kvm *kvm, u32 flags)
{
	struct kvm_pit *pit;
	int r;

	pit = kzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);
	if (!pit)
		return -ENOMEM;
	pit_init(pit, kvm);
	mutex_lock(&kvm->slots_lock);
	r = pit_register(kvm, pit, flags);
	mutex_unlock(&kvm->slots_lock);
	if (r)
		return r;
	kvm->pit = pit;
	pit_set_reinject(kvm, true);
	return 0;
}

void pit_stop(struct kvm *kvm)
{
	struct kvm_pit *pit = kvm->pit;
	unsigned long flags;

	if (!pit)
		return;
	raw_spin_lock_irqsave(&pit->lock, flags);
	pit->expires = 0;
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	hrtimer_cancel(&pit->timer);
}
