// SPDX-License-Identifier: GPL-2.0
/*
 * shim.c - what shim.h declares: timers, locks, allocation, the I/O buses and
 * the vCPU functions that irqchip/ calls.  Read next: vm.h.
 */
#include "io.h"
#include "irqchip.h"
#include "vm.h"

int fail_allocation = -1;
void (*at_barrier)(void);
int spinlocks_held;
s64 host_ns;
u64 timer_callbacks;
bool feature_x2apic, feature_deadline;

void *shim_alloc(size_t size)
{
	if (fail_allocation == 0)
		return NULL;
	if (fail_allocation > 0)
		fail_allocation--;
	return calloc(1, size);
}

/* ---- locks: the order is mutex, PIT, then 8259s or IOAPIC, at most two ---- */

void mutex_lock(struct mutex *m)
{
	assert(!m->held && !spinlocks_held);
	m->held = true;
}

void mutex_unlock(struct mutex *m)
{
	assert(m->held);
	m->held = false;
}

void shim_spin_lock(raw_spinlock_t *l)
{
	assert(!l->held && spinlocks_held < 2);
	l->held = true;
	spinlocks_held++;
}

void shim_spin_unlock(raw_spinlock_t *l)
{
	assert(l->held && spinlocks_held > 0);
	l->held = false;
	spinlocks_held--;
}

/* ---- hrtimers ---- */

static struct hrtimer *timers;

static void dequeue(struct hrtimer *t)
{
	struct hrtimer **p;

	for (p = &timers; *p; p = &(*p)->next)
		if (*p == t) {
			*p = t->next;
			break;
		}
	t->queued = false;
}

static void enqueue(struct hrtimer *t)
{
	struct hrtimer **p = &timers;

	while (*p && (*p)->expires <= t->expires)
		p = &(*p)->next;
	t->next = *p;
	*p = t;
	t->queued = true;
}

void hrtimer_init(struct hrtimer *t, int clock, enum hrtimer_mode mode)
{
	memset(t, 0, sizeof(*t));
}

void hrtimer_start(struct hrtimer *t, ktime_t expires, enum hrtimer_mode mode)
{
	if (t->queued)
		dequeue(t);
	t->expires = expires + (mode == HRTIMER_MODE_REL_HARD ? host_ns : 0);
	enqueue(t);
}

int hrtimer_callback_running(struct hrtimer *t)
{
	return t->running;
}

int hrtimer_try_to_cancel(struct hrtimer *t)
{
	bool was = t->queued;

	if (t->running)
		return -1;
	if (was)
		dequeue(t);
	return was;
}

int hrtimer_cancel(struct hrtimer *t)
{
	assert(!t->running && !spinlocks_held);	/* it would wait for ever */
	return hrtimer_try_to_cancel(t);
}

static void fire(struct hrtimer *t)
{
	enum hrtimer_restart again;

	dequeue(t);
	t->running = true;
	timer_callbacks++;
	again = t->function(t);
	t->running = false;
	if (again == HRTIMER_RESTART && !t->queued)
		enqueue(t);
}

void advance(s64 ns)
{
	s64 until = host_ns + ns;

	while (timers && timers->expires <= until) {
		host_ns = max(host_ns, timers->expires);
		fire(timers);
	}
	host_ns = until;
}

void jump(s64 ns)
{
	host_ns += ns;
	advance(0);
}

/* ---- buses ---- */

struct range {
	int bus;
	gpa_t addr;
	u32 len;
	struct kvm_io_device *dev;
};

static struct range ranges[16];
static int nr_ranges;

int kvm_io_register(struct kvm *kvm, int bus, gpa_t addr, u32 len,
		    struct kvm_io_device *dev)
{
	assert(kvm->slots_lock.held && nr_ranges < 16);
	if (fail_allocation == 0)
		return -ENOMEM;
	if (fail_allocation > 0)
		fail_allocation--;
	ranges[nr_ranges++] = (struct range){ bus, addr, len, dev };
	return 0;
}

void kvm_io_unregister(struct kvm *kvm, int bus, struct kvm_io_device *dev)
{
	int i, n = 0;

	assert(kvm->slots_lock.held);
	for (i = 0; i < nr_ranges; i++)
		if (ranges[i].dev != dev || ranges[i].bus != bus)
			ranges[n++] = ranges[i];
	assert(n < nr_ranges);
	nr_ranges = n;
	if (dev->ops->free)
		dev->ops->free(dev);
}

/* When the VM goes: each device once. */
void kvm_io_free(struct kvm *kvm)
{
	int i, j;

	for (i = 0; i < nr_ranges; i++) {
		for (j = 0; j < i && ranges[j].dev != ranges[i].dev; j++)
			;
		if (j == i && ranges[i].dev->ops->free)
			ranges[i].dev->ops->free(ranges[i].dev);
	}
	nr_ranges = 0;
}

static struct range *find_range(int bus, gpa_t addr, int len)
{
	int i;

	for (i = 0; i < nr_ranges; i++)
		if (ranges[i].bus == bus && addr >= ranges[i].addr &&
		    addr + len <= ranges[i].addr + ranges[i].len)
			return &ranges[i];
	return NULL;
}

int kvm_io_read(struct kvm_vcpu *vcpu, int bus, gpa_t addr, int len, void *val)
{
	struct range *r = find_range(bus, addr, len);

	return r ? r->dev->ops->read(vcpu, r->dev, addr, len, val) : -EOPNOTSUPP;
}

int kvm_io_write(struct kvm_vcpu *vcpu, int bus, gpa_t addr, int len,
		 const void *val)
{
	struct range *r = find_range(bus, addr, len);

	return r ? r->dev->ops->write(vcpu, r->dev, addr, len, val) : -EOPNOTSUPP;
}

/* ---- vCPU ---- */

void vcpu_kick(struct kvm_vcpu *vcpu)
{
	__atomic_fetch_add(&vcpu->kicks, 1, __ATOMIC_RELAXED);
}

void vcpu_reset(struct kvm_vcpu *vcpu, bool init)
{
	vcpu->resets++;
	vcpu->s.seg[VCPU_CS].selector = 0xf000;
	vcpu->s.seg[VCPU_CS].base = 0xffff0000;
	vcpu->s.rip = 0xfff0;
	if (vcpu->apic)
		lapic_reset(vcpu, init);
}

void cpuid_update(struct kvm_vcpu *vcpu)
{
	vcpu->cpuid_updates++;
}

bool guest_has(struct kvm_vcpu *vcpu, unsigned int feature)
{
	switch (feature) {
	case X86_FEATURE_X2APIC:
		return feature_x2apic;
	case X86_FEATURE_TSC_DEADLINE_TIMER:
		return feature_deadline;
	}
	abort();
}

/* 2 GHz */
u64 clock_guest_tsc(struct kvm_vcpu *vcpu)
{
	return host_ns * 2 + vcpu->tsc_offset;
}

u64 clock_tsc_to_ns(struct kvm_vcpu *vcpu, u64 cycles)
{
	return cycles / 2;
}
