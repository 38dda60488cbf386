// SPDX-License-Identifier: GPL-2.0
/*
 * clock.c - the guest's time: TSC offsets and kvmclock.
 *
 * Where the host's TSC is stable, all vCPUs of a VM share one pair (host TSC,
 * nanoseconds), taken when the VM is made or its clock is set, and never
 * renewed: kvmclock then is a pure function of the TSC, the same on every
 * vCPU, and cannot run backwards.  Where it is not, each vCPU's pair is
 * renewed when it is scheduled, and never goes below what was shown.
 *
 * Read next: msr.c for the MSRs, irqchip/lapic.c for timers.
 */
#include <linux/kvm_para.h>
#include <linux/math64.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <asm/kvm_para.h>
#include <asm/msr.h>
#include <asm/pvclock-abi.h>
#include <asm/tsc.h>
#include "irqchip.h"
#include "kvm.h"

/* pvclock: ns = ((tsc << shift) * mul) >> 32 */
static u32 tsc_to_ns_mul;
static s8 tsc_to_ns_shift;

/* The host's own verdict; it can turn, but never back. */
static bool tsc_is_stable(void)
{
	return !check_tsc_unstable();
}

/* Find mul in [2^31, 2^32) and shift for the host's TSC frequency. */
int clock_setup(void)
{
	s8 shift = 0;
	u64 mul;

	if (!tsc_khz) {
		pr_err("kvm: the host does not know the frequency of its TSC\n");
		return -ENODEV;
	}
	mul = div64_u64((u64)NSEC_PER_MSEC << 32, tsc_khz);
	while (mul >> 32) {
		mul >>= 1;
		shift++;
	}
	while (!(mul >> 31)) {
		/* Precision: recompute with the shift applied. */
		shift--;
		mul = div64_u64((u64)NSEC_PER_MSEC << (32 - shift), tsc_khz);
	}
	tsc_to_ns_mul = mul;
	tsc_to_ns_shift = shift;
	return 0;
}

static u64 scale_by(u64 cycles, u32 mul)
{
	if (tsc_to_ns_shift < 0)
		cycles >>= -tsc_to_ns_shift;
	else
		cycles <<= tsc_to_ns_shift;
	return mul_u64_u32_shr(cycles, mul, 32);
}

static u64 scale(u64 cycles)
{
	return scale_by(cycles, tsc_to_ns_mul);
}

u64 clock_tsc_to_ns(struct kvm_vcpu *vcpu, u64 cycles)
{
	return scale(cycles);
}

/* ------------------------------------------------------------------------
 * TSC
 */

/*
 * Where a suspended host forgets its TSC, the guests' go on from where they were:
 * all that is kept here is relative to a TSC that never went back.
 */
static u64 tsc_lost, tsc_suspended;

u64 clock_host_tsc(void)
{
	return rdtsc_ordered() + tsc_lost;
}

u64 clock_hw_offset(const struct kvm_vcpu *vcpu)
{
	return vcpu->tsc_offset + tsc_lost;
}

/* On the last CPU, with interrupts off and user space frozen. */
void clock_suspend(void)
{
	tsc_suspended = rdtsc_ordered();
}

void clock_resume(void)
{
	u64 now = rdtsc_ordered();

	if (now < tsc_suspended)
		tsc_lost += tsc_suspended - now;
}

u64 clock_guest_tsc(struct kvm_vcpu *vcpu)
{
	return clock_host_tsc() + vcpu->tsc_offset;
}

void clock_set_offset(struct kvm_vcpu *vcpu, u64 offset)
{
	vcpu->tsc_offset = offset;
	kvm_ops->set_tsc_offset(vcpu);
	if (vcpu->apic)
		lapic_tsc_changed(vcpu);
	/* It may have joined the others, or left them. */
	if (tsc_is_stable())
		kvm_request_all(vcpu->kvm, KVM_REQ_CLOCK_UPDATE, false);
	else
		vcpu_request(vcpu, KVM_REQ_CLOCK_UPDATE);
}

/*
 * A write of IA32_TSC.  User space that restores several vCPUs writes nearly
 * the same value to each, one soon after the other: they are meant to be
 * synchronous, and get the offset of the first.  0 is what it writes to a vCPU
 * that is reset, or plugged in: to join the others.
 */
void clock_set_tsc(struct kvm_vcpu *vcpu, u64 val, bool host)
{
	u64 offset = val - clock_host_tsc(), written = offset;
	u64 window = (u64)tsc_khz * MSEC_PER_SEC;	/* one second */
	struct kvm *kvm = vcpu->kvm;

	if (!host) {
		vcpu->tsc_adjust += offset - vcpu->tsc_offset;
	} else if (tsc_is_stable()) {
		raw_spin_lock(&kvm->clock_lock);
		if (!val || (kvm->tsc_written &&
			     written - kvm->tsc_last + window < 2 * window))
			offset = kvm->tsc_offset;
		if (val) {
			kvm->tsc_written = true;
			kvm->tsc_last = written;
		}
		kvm->tsc_offset = offset;
		raw_spin_unlock(&kvm->clock_lock);
	}
	clock_set_offset(vcpu, offset);
}

/* ------------------------------------------------------------------------
 * kvmclock
 */

/* The VM's clock at a host TSC value.  clock_lock, or the unstable case. */
static u64 vm_ns_at(struct kvm *kvm, u64 tsc)
{
	return kvm->tsc_base_ns + scale(tsc - kvm->tsc_base_host);
}

static u64 vm_ns(struct kvm *kvm)
{
	u64 ns;

	if (!tsc_is_stable())
		return ktime_get_boottime_ns() + kvm->clock_offset;
	raw_spin_lock(&kvm->clock_lock);
	ns = vm_ns_at(kvm, clock_host_tsc());
	raw_spin_unlock(&kvm->clock_lock);
	return ns;
}

static void set_vm_ns(struct kvm *kvm, u64 ns)
{
	raw_spin_lock(&kvm->clock_lock);
	kvm->tsc_base_host = clock_host_tsc();
	kvm->tsc_base_ns = ns;
	kvm->clock_offset = ns - ktime_get_boottime_ns();
	raw_spin_unlock(&kvm->clock_lock);
}

/* May a guest compare the TSC of one vCPU with the clock page of another? */
static bool tscs_agree(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu, *first = NULL;
	int i;

	kvm_for_each_vcpu(i, vcpu, kvm) {
		first = first ?: vcpu;
		if (READ_ONCE(vcpu->tsc_offset) != READ_ONCE(first->tsc_offset))
			return false;
	}
	return true;
}

void clock_vm_init(struct kvm *kvm)
{
	set_vm_ns(kvm, 0);
	kvm->tsc_offset = -clock_host_tsc();
}

/*
 * The highest value that the guest can have read when the TSC of its CPU was @tsc;
 * 0 if the clock has been set since.  On a host whose TSC may not be trusted the
 * next update must not go below it.
 */
static u64 clock_shown(const struct kvm_vcpu *vcpu, u64 tsc)
{
	const struct vcpu_clock *c = &vcpu->clock;

	if (c->base != READ_ONCE(vcpu->kvm->tsc_base_host))
		return 0;
	if (c->stable)
		return vm_ns_at(vcpu->kvm, tsc);
	if (tsc < c->last_host)
		return c->last_ns;
	return c->last_ns + scale_by(tsc - c->last_host, c->mul);
}

void clock_vcpu_init(struct kvm_vcpu *vcpu)
{
	vcpu->tsc_offset = vcpu->kvm->tsc_offset;
	vcpu->clock.gpa = INVALID_GPA;
	vcpu->clock.tsc_lost = tsc_lost;
}

/*
 * On a CPU with another TSC the guest's must at least not jump back; and what a
 * TSC that may not be trusted says of time is good for a time slice.
 */
void clock_vcpu_load(struct kvm_vcpu *vcpu, int cpu)
{
	u64 now;

	if (unlikely(vcpu->clock.tsc_lost != tsc_lost)) {
		vcpu->clock.tsc_lost = tsc_lost;
		kvm_ops->set_tsc_offset(vcpu);
	}
	if (unlikely(vcpu->clock.missed))
		vcpu_request(vcpu, KVM_REQ_CLOCK_UPDATE);
	if (tsc_is_stable())
		return;
	vcpu->clock.last_ns = clock_shown(vcpu, vcpu->last_host_tsc);
	vcpu->clock.last_host = now = clock_host_tsc();
	vcpu->clock.stable = false;
	if (vcpu->last_cpu >= 0 && now < vcpu->last_host_tsc)
		clock_set_offset(vcpu, vcpu->tsc_offset +
				 vcpu->last_host_tsc - now);
	vcpu_request(vcpu, KVM_REQ_CLOCK_UPDATE);
}

/*
 * The VM's clock, and the TSC just after it.  What comes between the two (an
 * interrupt, SMM, the host of this host) would go into all that the guest reads
 * until the next update: the closest of a few.  Only for a TSC that is not stable.
 */
static u64 vm_ns_and_tsc(struct kvm *kvm, u64 *tsc)
{
	u64 ns = 0, best = U64_MAX, before, now, after;
	int tries = 5;

	do {
		before = clock_host_tsc();
		now = vm_ns(kvm);
		after = clock_host_tsc();
		if (after - before < best) {
			best = after - before;
			*tsc = after;
			ns = now;
		}
	} while (best > tsc_khz / 32 && --tries);	/* 31 us */
	return ns;
}

/* What the TSC has put ahead of the VM's clock, a vCPU gives back at 1/512. */
#define SLEW_SHIFT	9

static void fill_pvclock(struct kvm_vcpu *vcpu,
			 struct pvclock_vcpu_time_info *t)
{
	struct vcpu_clock *c = &vcpu->clock;
	struct kvm *kvm = vcpu->kvm;
	u64 host, shown, ns;

	/* On one CPU; and KVM_SET_CLOCK comes before all of it, or after. */
	raw_spin_lock(&kvm->clock_lock);
	if (tsc_is_stable()) {
		t->tsc_timestamp = kvm->tsc_base_host + vcpu->tsc_offset;
		t->system_time = kvm->tsc_base_ns;
		if (tscs_agree(kvm))
			t->flags = PVCLOCK_TSC_STABLE_BIT;
		c->mul = tsc_to_ns_mul;
		c->stable = true;
	} else {
		ns = vm_ns_and_tsc(kvm, &host);
		shown = clock_shown(vcpu, host);
		c->last_ns = max(ns, shown);
		c->last_host = host;
		c->mul = tsc_to_ns_mul;
		if (c->last_ns == shown)
			c->mul -= c->mul >> SLEW_SHIFT;
		t->tsc_timestamp = host + vcpu->tsc_offset;
		t->system_time = c->last_ns;
		c->stable = false;
	}
	c->base = kvm->tsc_base_host;
	t->tsc_to_system_mul = c->mul;
	raw_spin_unlock(&kvm->clock_lock);
	t->tsc_shift = tsc_to_ns_shift;
}

/* Write what the guest reads; an odd version says "in flux".  False: it could not be. */
static bool write_pvclock(struct kvm_vcpu *vcpu)
{
	struct pvclock_vcpu_time_info t = {}, old;
	gpa_t gpa = vcpu->clock.gpa;
	u32 version;

	if (kvm_read_guest(vcpu->kvm, gpa, &old, sizeof(old)))
		return false;
	version = (old.version | 1) + (old.version & 1 ? 2 : 0);
	if (kvm_write_guest(vcpu->kvm, gpa, &version, sizeof(version)))
		return false;
	smp_wmb();
	fill_pvclock(vcpu, &t);
	/* Only the guest takes it back. */
	t.flags |= old.flags & PVCLOCK_GUEST_STOPPED;
	if (vcpu->clock.guest_stopped)
		t.flags |= PVCLOCK_GUEST_STOPPED;
	t.version = version;
	if (kvm_write_guest(vcpu->kvm, gpa, &t, sizeof(t)))
		return false;
	smp_wmb();
	version++;
	if (kvm_write_guest(vcpu->kvm, gpa, &version, sizeof(version)))
		return false;
	vcpu->clock.guest_stopped = false;
	return true;
}

/*
 * There may be no memory, ever, and that is the guest's choice; or none to be had
 * at the moment, so that it is tried again, now and when the vCPU is next loaded.
 */
void clock_update(struct kvm_vcpu *vcpu)
{
	vcpu->clock.missed = vcpu->clock.gpa != INVALID_GPA &&
			     !write_pvclock(vcpu) && !write_pvclock(vcpu);
}

/* What we write for the guest must not leave the page: see security.md, 15. */
static bool within_page(gpa_t gpa, size_t size)
{
	return offset_in_page(gpa) + size <= PAGE_SIZE;
}

/* MSR_KVM_SYSTEM_TIME(_NEW): address and enable bit. */
int clock_set_system_msr(struct kvm_vcpu *vcpu, u64 val)
{
	gpa_t gpa = val & ~1ull;

	vcpu->clock.msr = val;
	vcpu->clock.gpa = INVALID_GPA;
	if ((val & 1) && within_page(gpa, sizeof(struct pvclock_vcpu_time_info)))
		vcpu->clock.gpa = gpa;
	vcpu_request(vcpu, KVM_REQ_CLOCK_UPDATE);
	return 0;
}

static bool write_wall_clock(struct kvm *kvm, gpa_t gpa)
{
	struct pvclock_wall_clock wc = {};
	u64 boot_ns;
	u32 nsec;

	if (kvm_read_guest(kvm, gpa, &wc.version, sizeof(wc.version)))
		return false;
	boot_ns = ktime_get_real_ns() - vm_ns(kvm);
	wc.version = (wc.version + 2) & ~1u;
	wc.sec = div_u64_rem(boot_ns, NSEC_PER_SEC, &nsec);
	wc.nsec = nsec;
	return !kvm_write_guest(kvm, gpa, &wc, sizeof(wc));
}

/* MSR_KVM_WALL_CLOCK(_NEW): written once, when the guest asks. */
int clock_set_wall_msr(struct kvm *kvm, u64 val)
{
	kvm->wall_msr = val;
	if (val && within_page(val, sizeof(struct pvclock_wall_clock)) &&
	    !write_wall_clock(kvm, val))
		write_wall_clock(kvm, val);
	return 0;
}

/* ------------------------------------------------------------------------
 * KVM_GET_CLOCK, KVM_SET_CLOCK, KVM_KVMCLOCK_CTRL
 */

int clock_flags(void)
{
	return KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
}

long clock_ioctl_get(struct kvm *kvm, struct kvm_clock_data __user *arg)
{
	struct kvm_clock_data data = { .flags = KVM_CLOCK_REALTIME };
	unsigned long flags;

	/* All of it at one instant. */
	local_irq_save(flags);
	data.realtime = ktime_get_real_ns();
	if (tsc_is_stable()) {
		data.flags |= KVM_CLOCK_HOST_TSC;
		if (tscs_agree(kvm))
			data.flags |= KVM_CLOCK_TSC_STABLE;
		data.host_tsc = rdtsc_ordered();
		raw_spin_lock(&kvm->clock_lock);
		data.clock = vm_ns_at(kvm, data.host_tsc + tsc_lost);
		raw_spin_unlock(&kvm->clock_lock);
	} else {
		data.clock = vm_ns(kvm);
	}
	local_irq_restore(flags);
	return copy_to_user(arg, &data, sizeof(data)) ? -EFAULT : 0;
}

long clock_ioctl_set(struct kvm *kvm, struct kvm_clock_data __user *arg)
{
	struct kvm_clock_data data;
	unsigned long flags;
	u64 now;

	if (copy_from_user(&data, arg, sizeof(data)))
		return -EFAULT;
	/* HOST_TSC is accepted, so that the output of KVM_GET_CLOCK fits. */
	if (data.flags & ~(u32)clock_flags())
		return -EINVAL;
	local_irq_save(flags);
	if (data.flags & KVM_CLOCK_REALTIME) {
		now = ktime_get_real_ns();
		if (now > data.realtime)
			data.clock += now - data.realtime;
	}
	set_vm_ns(kvm, data.clock);
	local_irq_restore(flags);
	kvm_request_all(kvm, KVM_REQ_CLOCK_UPDATE, false);
	return 0;
}

/* The guest was stopped: its watchdogs shall not be surprised. */
long clock_ioctl_ctrl(struct kvm_vcpu *vcpu)
{
	if (vcpu->clock.gpa == INVALID_GPA)
		return -EINVAL;
	vcpu->clock.guest_stopped = true;
	vcpu_request(vcpu, KVM_REQ_CLOCK_UPDATE);
	return 0;
}
