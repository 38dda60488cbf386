// SPDX-License-Identifier: GPL-2.0
/*
 * kvm_main.c - the front door and the run loop.
 *
 * Owns: module load and unload, switching the CPUs' virtualization on and
 * off, /dev/kvm, the vCPUs and their descriptors, and the one loop that runs a
 * guest.  Trusts: nothing that comes by ioctl or lies in struct
 * kvm_run, which user space may rewrite at any time: every field is read once.
 *
 * Read next: include/kvm.h for the objects; vcpu_run() below, which is the
 * story of this module; vm.c for the VM's side; then svm.c (one entry), mmu.c
 * (a page fault).
 */
#include <linux/anon_inodes.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/vtime.h>
#include <linux/workqueue.h>
#include <trace/events/ipi.h>
#include <asm/reboot.h>
#include "compat.h"
#include "host_work.h"
#include "io.h"
#include "irqchip.h"
#include "kvm.h"
#include "trace.h"

MODULE_AUTHOR("the kvm authors");
MODULE_DESCRIPTION("Kernel-based Virtual Machine with shadow paging");
MODULE_LICENSE("GPL");

#define VCPU_MMAP_PAGES		3	/* kvm_run, port data, coalesced ring */

const struct kvm_vendor_ops *kvm_ops;

static const struct kvm_vendor_ops *const vendors[] = {
	&svm_ops,
	&vmx_ops,
};

static struct kmem_cache *vcpu_cache;
static u64 host_xcr0;

/* ------------------------------------------------------------------------
 * The CPUs: virtualization is on while there is a VM
 */

static DEFINE_MUTEX(usage_lock);
static int usage_count;			/* VMs; usage_lock */
DEFINE_PER_CPU(bool, virt_enabled);
static bool rebooting;
static enum cpuhp_state hp_state;

static void cpu_enable_here(void *failed)
{
	if (__this_cpu_read(virt_enabled))
		return;
	/* Before it is: a crash in between must switch it off. */
	__this_cpu_write(virt_enabled, true);
	barrier();
	/* What the reboot switched off stays off. */
	if (READ_ONCE(rebooting) || kvm_ops->cpu_enable()) {
		__this_cpu_write(virt_enabled, false);
		atomic_inc(failed);
	}
}

static void cpu_disable_here(void *unused)
{
	if (!__this_cpu_read(virt_enabled))
		return;
	kvm_ops->cpu_disable();
	__this_cpu_write(virt_enabled, false);
}

int kvm_hardware_get(void)
{
	atomic_t failed = ATOMIC_INIT(0);
	int r = 0;

	cpus_read_lock();
	mutex_lock(&usage_lock);
	if (!usage_count++) {
		on_each_cpu(cpu_enable_here, &failed, 1);
		if (atomic_read(&failed)) {
			if (!READ_ONCE(rebooting))
				pr_err_ratelimited("kvm: %s is in use by another hypervisor\n",
						   kvm_ops->name);
			on_each_cpu(cpu_disable_here, NULL, 1);
			usage_count--;
			r = -EBUSY;
		}
	}
	mutex_unlock(&usage_lock);
	cpus_read_unlock();
	return r;
}

void kvm_hardware_put(void)
{
	cpus_read_lock();
	mutex_lock(&usage_lock);
	if (!--usage_count)
		on_each_cpu(cpu_disable_here, NULL, 1);
	mutex_unlock(&usage_lock);
	cpus_read_unlock();
}

static int hp_online(unsigned int cpu)
{
	atomic_t failed = ATOMIC_INIT(0);
	unsigned long flags;

	mutex_lock(&usage_lock);
	if (usage_count) {
		local_irq_save(flags);
		cpu_enable_here(&failed);
		local_irq_restore(flags);
	}
	mutex_unlock(&usage_lock);
	return atomic_read(&failed) ? -EBUSY : 0;
}

static int hp_offline(unsigned int cpu)
{
	unsigned long flags;

	mutex_lock(&usage_lock);
	local_irq_save(flags);
	cpu_disable_here(NULL);
	local_irq_restore(flags);
	mutex_unlock(&usage_lock);
	return 0;
}

/* Suspend stops with one CPU left; user space is frozen, so no lock. */
static int host_suspend(void)
{
	clock_suspend();
	cpu_disable_here(NULL);
	return 0;
}

static void host_resume(void)
{
	atomic_t failed = ATOMIC_INIT(0);

	clock_resume();
	if (usage_count)
		cpu_enable_here(&failed);
}

static int host_reboot(struct notifier_block *nb, unsigned long val, void *v)
{
	/* vCPUs may be running: see cpu_is_off(). */
	WRITE_ONCE(rebooting, true);
	on_each_cpu(cpu_disable_here, NULL, 1);
	return NOTIFY_OK;
}

/* The kernel died: leave the CPU as the next one wants to find it. */
static void host_emergency(void)
{
	if (__this_cpu_read(virt_enabled))
		kvm_ops->cpu_disable();
}

COMPAT_SYSCORE(host_suspend, host_resume)

static struct notifier_block reboot_nb = {
	.notifier_call = host_reboot,
	.priority = 0,
};

/* ------------------------------------------------------------------------
 * Reaching other vCPUs
 */

struct kvm_vcpu *kvm_vcpu_by_id(struct kvm *kvm, u32 id)
{
	struct kvm_vcpu *vcpu;
	int i;

	/* The usual numbering needs no search. */
	if (id < kvm_nr_vcpus(kvm) &&
	    kvm->vcpus[array_index_nospec(id, KVM_MAX_VCPUS)]->id == id)
		return kvm->vcpus[array_index_nospec(id, KVM_MAX_VCPUS)];
	kvm_for_each_vcpu(i, vcpu, kvm)
		if (vcpu->id == id)
			return vcpu;
	return NULL;
}

static void ipi_nop(void *unused)
{
}

/*
 * A vCPU sets its mode, then looks at its requests; we set the request, then
 * look at its mode: one of the two sees the other.  Waking is cheap where
 * nobody sleeps.
 */
void vcpu_kick(struct kvm_vcpu *vcpu)
{
	int cpu, me;

	if (rcuwait_wake_up(&vcpu->wait))
		return;
	smp_mb();
	if (READ_ONCE(vcpu->mode) != IN_GUEST)
		return;
	me = get_cpu();
	cpu = READ_ONCE(vcpu->cpu);
	if (cpu != me && cpu >= 0 && cpu_online(cpu))
		smp_send_reschedule(cpu);
	put_cpu();
}

/*
 * With @wait, on return every vCPU has left the guest since the request was
 * set, or was not in it.  May be called with mmu.lock held, interrupts on.
 */
void kvm_request_all(struct kvm *kvm, int req, bool wait)
{
	struct kvm_vcpu *vcpu;
	cpumask_t *mask;
	int i, cpu, me = get_cpu();
	bool any = false;
	static DEFINE_PER_CPU(cpumask_t, kick_mask);

	mask = this_cpu_ptr(&kick_mask);
	cpumask_clear(mask);
	kvm_for_each_vcpu(i, vcpu, kvm) {
		vcpu_request(vcpu, req);
		smp_mb__after_atomic();
		if (READ_ONCE(vcpu->mode) != IN_GUEST)
			continue;
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu < 0 || cpu == me)
			continue;
		cpumask_set_cpu(cpu, mask);
		any = true;
	}
	if (any)
		smp_call_function_many(mask, ipi_nop, NULL, wait);
	put_cpu();
}

struct grace_period {
	struct kvm *kvm;
	struct delayed_work ask;
};

static void ask_again(struct work_struct *work)
{
	struct grace_period *g = container_of(to_delayed_work(work),
					      struct grace_period, ask);

	kvm_request_all(g->kvm, KVM_REQ_SRCU, false);
	schedule_delayed_work(&g->ask, 1);
}

/*
 * vCPUs hold the read side while they run, and are asked to let go of it for a
 * moment.  One that did so before the grace period had begun is in its way
 * again, for as long as the guest needs nothing: so all are asked until it ends.
 */
void kvm_synchronize(struct kvm *kvm)
{
	struct grace_period g = { .kvm = kvm };

	kvm_request_all(kvm, KVM_REQ_SRCU, false);
	INIT_DELAYED_WORK_ONSTACK(&g.ask, ask_again);
	schedule_delayed_work(&g.ask, 1);
	synchronize_srcu_expedited(&kvm->srcu);
	cancel_delayed_work_sync(&g.ask);
	destroy_delayed_work_on_stack(&g.ask);
}

/* ------------------------------------------------------------------------
 * A vCPU on a CPU
 */

static void sched_in(struct preempt_notifier *pn, int cpu)
{
	struct kvm_vcpu *vcpu = container_of(pn, struct kvm_vcpu, pn);

	WRITE_ONCE(vcpu->cpu, cpu);
	kvm_ops->vcpu_load(vcpu, cpu);
	clock_vcpu_load(vcpu, cpu);
	vcpu->last_cpu = cpu;
}

static void sched_out(struct preempt_notifier *pn, struct task_struct *next)
{
	struct kvm_vcpu *vcpu = container_of(pn, struct kvm_vcpu, pn);

	kvm_ops->vcpu_put(vcpu);
	vcpu->last_host_tsc = clock_host_tsc();
	WRITE_ONCE(vcpu->cpu, -1);
}

static struct preempt_ops vcpu_preempt_ops = {
	.sched_in = sched_in,
	.sched_out = sched_out,
};

/* Bind the vCPU to the thread and its CPU; vcpu->mutex held. */
void vcpu_load(struct kvm_vcpu *vcpu)
{
	preempt_disable();
	preempt_notifier_register(&vcpu->pn);
	sched_in(&vcpu->pn, smp_processor_id());
	preempt_enable();
}

void vcpu_put(struct kvm_vcpu *vcpu)
{
	preempt_disable();
	sched_out(&vcpu->pn, NULL);
	preempt_notifier_unregister(&vcpu->pn);
	preempt_enable();
}

/* ------------------------------------------------------------------------
 * The run loop
 */

static bool vcpu_runnable(struct kvm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->mp_state) == KVM_MP_STATE_RUNNABLE;
}

/* Is there a reason to leave HLT, or the wait for SIPI? */
static bool vcpu_has_reason_to_wake(struct kvm_vcpu *vcpu)
{
	if (test_bit(KVM_REQ_UNBLOCK, &vcpu->requests))
		return true;
	if (vcpu->apic && lapic_has_events(vcpu))
		return true;
	if (vcpu->mp_state != KVM_MP_STATE_HALTED)
		return false;
	if ((vcpu->ev.nmi.pending || atomic_read(&vcpu->ev.nmi_queued)) &&
	    vcpu_nmi_allowed(vcpu))
		return true;
	return vcpu_irq_allowed(vcpu) && vcpu_has_interrupt(vcpu);
}

static unsigned int halt_poll_ns = 200000;
module_param(halt_poll_ns, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns, "longest time to spin for a wake-up before sleeping, in ns");

#define HALT_POLL_START	10000	/* ns */

/*
 * Sleeping and waking costs more than a short wait.  The window grows while
 * wake-ups come soon after it, and shrinks when waits are long.
 */
static bool vcpu_poll(struct kvm_vcpu *vcpu)
{
	u64 end = ktime_get_mono_fast_ns() + vcpu->halt_poll_ns;

	if (!vcpu->halt_poll_ns)
		return false;
	vcpu->stats.halt_attempted_poll++;
	do {
		if (vcpu_has_reason_to_wake(vcpu)) {
			vcpu->stats.halt_successful_poll++;
			return true;
		}
		cpu_relax();
	} while (!need_resched() && !signal_pending(current) &&
		 ktime_get_mono_fast_ns() < end);
	return false;
}

static void adapt_polling(struct kvm_vcpu *vcpu, u64 waited)
{
	unsigned int max = READ_ONCE(halt_poll_ns);

	if (waited <= vcpu->halt_poll_ns)
		return;
	if (waited < max)
		vcpu->halt_poll_ns = clamp(vcpu->halt_poll_ns * 2,
					   HALT_POLL_START, max);
	else
		vcpu->halt_poll_ns = 0;
}

static bool vcpu_sleep(struct kvm_vcpu *vcpu)
{
	bool woken = false;

	prepare_to_rcuwait(&vcpu->wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (vcpu_has_reason_to_wake(vcpu)) {
			woken = true;
			break;
		}
		if (signal_pending(current))
			break;
		schedule();
	}
	finish_rcuwait(&vcpu->wait);
	return woken;
}

/* 1 = look again whether the vCPU can run, 0 or -errno as vcpu_run(). */
static int vcpu_block(struct kvm_vcpu *vcpu)
	__must_hold(&vcpu->kvm->srcu)
{
	u64 start = ktime_get_mono_fast_ns(), waited;
	bool woken, unblocked;

	vcpu->stats.halt_exits++;
	srcu_read_unlock(&vcpu->kvm->srcu, vcpu->srcu_idx);
	woken = vcpu_poll(vcpu) || vcpu_sleep(vcpu);
	vcpu->srcu_idx = srcu_read_lock(&vcpu->kvm->srcu);
	waited = ktime_get_mono_fast_ns() - start;
	vcpu->stats.halt_wait_ns += waited;
	adapt_polling(vcpu, waited);
	if (!woken)
		return 1;
	vcpu->stats.halt_wakeup++;
	unblocked = test_and_clear_bit(KVM_REQ_UNBLOCK, &vcpu->requests);
	if (vcpu->apic && lapic_has_events(vcpu))
		lapic_accept_events(vcpu);
	/* A SIPI alone does not end HLT. */
	if (vcpu->mp_state == KVM_MP_STATE_HALTED &&
	    (unblocked || vcpu_has_reason_to_wake(vcpu)))
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	vcpu_request(vcpu, KVM_REQ_EVENT);
	return 1;
}

/* What others asked of this vCPU.  1 = go on, else as vcpu_run(). */
static int vcpu_serve_requests(struct kvm_vcpu *vcpu)
{
	if (vcpu_check_request(vcpu, KVM_REQ_STEPPED) &&
	    (vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP))
		return vcpu_single_stepped(vcpu);
	if (vcpu_check_request(vcpu, KVM_REQ_MMU_RELOAD)) {
		mmu_unload(vcpu);
		vcpu->stats.mmu_reload++;
	}
	if (vcpu_check_request(vcpu, KVM_REQ_CLOCK_UPDATE))
		clock_update(vcpu);
	if (vcpu_check_request(vcpu, KVM_REQ_TLB_FLUSH)) {
		kvm_ops->flush_tlb(vcpu);
		vcpu_emulator_flush(vcpu);
		vcpu->stats.tlb_flush++;
	}
	if (vcpu_check_request(vcpu, KVM_REQ_SRCU)) {
		srcu_read_unlock(&vcpu->kvm->srcu, vcpu->srcu_idx);
		vcpu->srcu_idx = srcu_read_lock(&vcpu->kvm->srcu);
	}
	clear_bit(KVM_REQ_KICK, &vcpu->requests);
	clear_bit(KVM_REQ_UNBLOCK, &vcpu->requests);
	if (vcpu_check_request(vcpu, KVM_REQ_EVENT)) {
		if (vcpu->apic && lapic_has_events(vcpu)) {
			lapic_accept_events(vcpu);
			if (!vcpu_runnable(vcpu))
				return 1;
		}
		return vcpu_choose_event(vcpu);
	}
	return 1;
}

/* The guest's registers that the host does not use: kept until we leave. */
static void guest_state_enter(struct kvm_vcpu *vcpu)
{
	if (test_thread_flag(TIF_NEED_FPU_LOAD)) {
		switch_fpu_return();
		vcpu->stats.fpu_reload++;
	}
	if ((vcpu->s.cr4 & X86_CR4_OSXSAVE) && vcpu->s.xcr0 != host_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, vcpu->s.xcr0);
}

static void guest_state_leave(struct kvm_vcpu *vcpu)
{
	if ((vcpu->s.cr4 & X86_CR4_OSXSAVE) && vcpu->s.xcr0 != host_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, host_xcr0);
}

static void record_exit(struct kvm_vcpu *vcpu)
{
	struct vcpu_exit_record *r;

	r = &vcpu->ring[vcpu->ring_head++ % KVM_EXIT_RING];
	r->reason = vcpu->exit.reason;
	r->rip = vcpu->exit.rip;
	r->info1 = vcpu->exit.info1;
	r->info2 = vcpu->exit.info2;
	vcpu->stats.exits++;
}

/*
 * Has the host something for this thread to do, before it may stay longer in
 * the guest?  NOTIFY_RESUME alone (rseq sets it at every preemption) waits
 * until the thread returns to user space.
 */
static bool host_work_pending(void)
{
	unsigned long flags = read_thread_flags();

	if (flags & (_TIF_NEED_RESCHED | _TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL))
		return true;
	return (flags & _TIF_NOTIFY_RESUME) && task_work_pending(current);
}

/* 0, or leave for user space: -EINTR for a signal. */
static int host_work(struct kvm_vcpu *vcpu)
	__must_hold(&vcpu->kvm->srcu)
{
	if (!signal_pending(current)) {
		srcu_read_unlock(&vcpu->kvm->srcu, vcpu->srcu_idx);
		if (task_work_pending(current))
			host_task_work();
		else
			schedule();
		vcpu->srcu_idx = srcu_read_lock(&vcpu->kvm->srcu);
	}
	if (signal_pending(current)) {
		vcpu->run->exit_reason = KVM_EXIT_INTR;
		vcpu->stats.signal_exits++;
		return -EINTR;
	}
	return 0;
}

/*
 * Virtualization has been switched off here: by a reboot, for good, or as
 * this CPU goes offline, and then the thread is about to be moved.
 */
static int cpu_is_off(void)
{
	if (READ_ONCE(rebooting))
		return -EIO;
	schedule();
	return 1;
}

static bool force_emulation;
module_param(force_emulation, bool, 0644);
MODULE_PARM_DESC(force_emulation, "emulate every instruction (slow, for tests)");

static enum vcpu_entry entry_mode(struct kvm_vcpu *vcpu)
{
	if (unlikely(force_emulation))
		return VCPU_ENTRY_EMULATE;
	return kvm_ops->entry_mode ? kvm_ops->entry_mode(vcpu) : VCPU_ENTRY_OK;
}

/* One entry and the handling of its exit. */
static int vcpu_enter_guest(struct kvm_vcpu *vcpu)
{
	enum vcpu_entry mode;
	int r;

	if (READ_ONCE(vcpu->requests)) {
		r = vcpu_serve_requests(vcpu);
		if (r <= 0)
			return r;
		if (unlikely(!vcpu_runnable(vcpu)))
			return 1;
	}
	if (unlikely(vcpu->mmu.root == INVALID_PAGE)) {
		r = mmu_load(vcpu);
		if (r)
			return r < 0 ? r : handle_triple_fault(vcpu);
	}

	mode = entry_mode(vcpu);
	if (unlikely(mode != VCPU_ENTRY_OK)) {
		if (vcpu_event_ready(vcpu))
			return vcpu_emulate_event(vcpu);
		if (mode == VCPU_ENTRY_EMULATE) {
			vcpu->exit.nr_bytes = 0;	/* of the last exit, long ago */
			return vcpu_emulate(vcpu, 0, INVALID_GPA, 0);
		}
	}

	preempt_disable();
	local_irq_disable();
	smp_store_mb(vcpu->mode, IN_GUEST);	/* see vcpu_kick() */
	if (READ_ONCE(vcpu->requests) || host_work_pending() ||
	    unlikely(!__this_cpu_read(virt_enabled))) {
		WRITE_ONCE(vcpu->mode, OUTSIDE_GUEST);
		local_irq_enable();
		preempt_enable();
		return unlikely(!raw_cpu_read(virt_enabled)) ? cpu_is_off() : 1;
	}

	trace_kvm_entry(vcpu);
	guest_state_enter(vcpu);
	vtime_account_guest_enter();
	kvm_ops->enter(vcpu);
	guest_state_leave(vcpu);
	/* VMSCAPE: what the guest trained must not steer user space. */
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
	smp_store_release(&vcpu->mode, OUTSIDE_GUEST);
	trace_kvm_exit(vcpu);

	/* The host's interrupt is taken here, its tick booked to the guest. */
	local_irq_enable();
	record_exit(vcpu);
	local_irq_disable();
	vtime_account_guest_exit();
	local_irq_enable();
	preempt_enable();

	return kvm_ops->handle_exit(vcpu);
}

/*
 * Run until user space is needed.  0: kvm_run says why; -EINTR: a signal.
 */
static int vcpu_run(struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = vcpu->kvm;
	int r;

	vcpu->srcu_idx = srcu_read_lock(&kvm->srcu);
	for (;;) {
		if (likely(vcpu_runnable(vcpu)))
			r = vcpu_enter_guest(vcpu);
		else
			r = vcpu_block(vcpu);
		if (r <= 0)
			break;

		if (vcpu_wants_irq_window_exit(vcpu)) {
			vcpu->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
			vcpu->stats.request_irq_exits++;
			r = 0;
			break;
		}
		if (unlikely(host_work_pending())) {
			r = host_work(vcpu);
			if (r)
				break;
		}
	}
	srcu_read_unlock(&kvm->srcu, vcpu->srcu_idx);
	return r;
}

/* ------------------------------------------------------------------------
 * vCPU file descriptor
 */

/* What user space may look at after KVM_RUN, whatever the reason. */
static void fill_run(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	vcpu_need(vcpu, VG_RIP);
	run->if_flag = !!(vcpu->s.rflags & X86_EFLAGS_IF);
	run->flags = 0;
	run->cr8 = vcpu_get_cr8(vcpu);
	run->apic_base = vcpu->apic_base;
	run->ready_for_interrupt_injection =
		kvm_irqchip_in_kernel(vcpu->kvm) || vcpu_ready_for_irq(vcpu);
	if (run->kvm_valid_regs)
		vcpu_store_sync_regs(vcpu);
}

/* A vCPU that waits for SIPI does not run; user space sees EAGAIN. */
static int run_uninitialized(struct kvm_vcpu *vcpu)
{
	int r;

	if (READ_ONCE(vcpu->run->compat_immediate_exit))
		return -EINTR;
	vcpu->srcu_idx = srcu_read_lock(&vcpu->kvm->srcu);
	vcpu_block(vcpu);
	if (vcpu->apic && lapic_has_events(vcpu))
		lapic_accept_events(vcpu);
	srcu_read_unlock(&vcpu->kvm->srcu, vcpu->srcu_idx);
	clear_bit(KVM_REQ_UNBLOCK, &vcpu->requests);

	r = -EAGAIN;
	if (signal_pending(current)) {
		vcpu->run->exit_reason = KVM_EXIT_INTR;
		vcpu->stats.signal_exits++;
		r = -EINTR;
	}
	return r;
}

/* Finish what the last exit to user space began, then run. */
static int run_loaded(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	int (*complete)(struct kvm_vcpu *vcpu) = vcpu->complete;
	int r;

	if (unlikely(vcpu->mp_state == KVM_MP_STATE_UNINITIALIZED))
		return run_uninitialized(vcpu);

	if (READ_ONCE(run->kvm_valid_regs) & ~(u64)KVM_SYNC_X86_VALID_FIELDS ||
	    READ_ONCE(run->kvm_dirty_regs) & ~(u64)KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;
	if (READ_ONCE(run->kvm_dirty_regs)) {
		vcpu->srcu_idx = srcu_read_lock(&vcpu->kvm->srcu);
		r = vcpu_load_sync_regs(vcpu);
		srcu_read_unlock(&vcpu->kvm->srcu, vcpu->srcu_idx);
		if (r)
			return r;
	}
	if (!kvm_irqchip_in_kernel(vcpu->kvm) &&
	    vcpu_set_cr8(vcpu, READ_ONCE(run->cr8)))
		return -EINVAL;

	if (complete) {
		vcpu->complete = NULL;
		vcpu->srcu_idx = srcu_read_lock(&vcpu->kvm->srcu);
		r = complete(vcpu);
		srcu_read_unlock(&vcpu->kvm->srcu, vcpu->srcu_idx);
		if (r <= 0)
			return r;
	}
	if (READ_ONCE(run->compat_immediate_exit))
		return -EINTR;
	vcpu_request(vcpu, KVM_REQ_EVENT);
	return vcpu_run(vcpu);
}

static int vcpu_ioctl_run(struct kvm_vcpu *vcpu)
{
	int r;

	/*
	 * What is unmasked only here must stay pending, for sigtimedwait(2): with
	 * its bit in real_blocked, nobody ignores it meanwhile, or dies of it.
	 */
	if (vcpu->sigset_active)
		sigprocmask(SIG_SETMASK, &vcpu->sigset, &current->real_blocked);
	vcpu_load(vcpu);
	fpu_swap_kvm_fpstate(&vcpu->fpu, true);

	r = run_loaded(vcpu);

	fpu_swap_kvm_fpstate(&vcpu->fpu, false);
	fill_run(vcpu);
	vcpu_put(vcpu);
	if (vcpu->sigset_active) {
		sigprocmask(SIG_SETMASK, &current->real_blocked, NULL);
		sigemptyset(&current->real_blocked);
	}
	return r;
}

static int vcpu_set_signal_mask(struct kvm_vcpu *vcpu,
				struct kvm_signal_mask __user *argp)
{
	struct kvm_signal_mask mask;
	sigset_t set;

	if (!argp) {
		vcpu->sigset_active = false;
		return 0;
	}
	if (copy_from_user(&mask, argp, sizeof(mask)))
		return -EFAULT;
	if (mask.len != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, argp->sigset, sizeof(set)))
		return -EFAULT;
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	vcpu->sigset = set;
	vcpu->sigset_active = true;
	return 0;
}

static int vcpu_ioctl_interrupt(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct kvm_interrupt irq;

	if (copy_from_user(&irq, argp, sizeof(irq)))
		return -EFAULT;
	return vcpu_queue_extint(vcpu, irq.irq);
}

static int vcpu_ioctl_lapic(struct kvm_vcpu *vcpu, unsigned int ioctl,
			    void __user *argp)
{
	struct kvm_lapic_state *s;
	int r;

	if (!vcpu->apic)
		return -EINVAL;
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;
	if (ioctl == KVM_GET_LAPIC) {
		r = lapic_get_state(vcpu, s);
		if (!r && copy_to_user(argp, s, sizeof(*s)))
			r = -EFAULT;
	} else {
		r = -EFAULT;
		if (!copy_from_user(s, argp, sizeof(*s)))
			r = lapic_set_state(vcpu, s);
	}
	kfree(s);
	return r;
}

static long vcpu_ioctl_locked(struct kvm_vcpu *vcpu, unsigned int ioctl,
			      unsigned long arg)
{
	void __user *argp = (void __user *)arg;
	long r;

	switch (ioctl) {
	case KVM_SET_SIGNAL_MASK:
		return vcpu_set_signal_mask(vcpu, argp);
	case KVM_GET_LAPIC:
	case KVM_SET_LAPIC:
		vcpu_load(vcpu);
		r = vcpu_ioctl_lapic(vcpu, ioctl, argp);
		vcpu_put(vcpu);
		return r;
	case KVM_INTERRUPT:
		vcpu_load(vcpu);
		r = vcpu_ioctl_interrupt(vcpu, argp);
		vcpu_put(vcpu);
		return r;
	case KVM_GET_TSC_KHZ:
		return tsc_khz;
	case KVM_KVMCLOCK_CTRL:
		return clock_ioctl_ctrl(vcpu);
	case KVM_GET_STATS_FD:
		return stats_get_fd(vcpu->kvm, vcpu);
	}

	vcpu_load(vcpu);
	vcpu->srcu_idx = srcu_read_lock(&vcpu->kvm->srcu);
	switch (ioctl) {
	case KVM_SET_CPUID:
		r = cpuid_set_old(vcpu, argp);
		break;
	case KVM_SET_CPUID2:
		r = cpuid_set(vcpu, argp);
		break;
	case KVM_GET_CPUID2:
		r = cpuid_get(vcpu, argp);
		break;
	case KVM_GET_MSRS:
		r = msr_ioctl(vcpu, argp, false);
		break;
	case KVM_SET_MSRS:
		r = msr_ioctl(vcpu, argp, true);
		break;
	default:
		r = vcpu_state_ioctl(vcpu, ioctl, argp);
	}
	srcu_read_unlock(&vcpu->kvm->srcu, vcpu->srcu_idx);
	vcpu_put(vcpu);
	return r;
}

static long vcpu_fops_ioctl(struct file *file, unsigned int ioctl,
			    unsigned long arg)
{
	struct kvm_vcpu *vcpu = file->private_data;
	long r;

	if (vcpu->kvm->mm != current->mm)
		return -EIO;
	if (unlikely(_IOC_TYPE(ioctl) != KVMIO))
		return -EINVAL;
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	if (ioctl == KVM_RUN)
		r = arg ? -EINVAL : vcpu_ioctl_run(vcpu);
	else
		r = vcpu_ioctl_locked(vcpu, ioctl, arg);
	mutex_unlock(&vcpu->mutex);
	return r;
}

static vm_fault_t vcpu_fault(struct vm_fault *vmf)
{
	struct kvm_vcpu *vcpu = vmf->vma->vm_file->private_data;
	struct page *page;

	switch (vmf->pgoff) {
	case 0:
		page = virt_to_page(vcpu->run);
		break;
	case KVM_PIO_PAGE_OFFSET:
		page = virt_to_page(vcpu->pio_data);
		break;
	case KVM_COALESCED_MMIO_PAGE_OFFSET:
		page = virt_to_page(vcpu->kvm->coalesced_ring);
		break;
	default:
		return VM_FAULT_SIGBUS;
	}
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = {
	.fault = vcpu_fault,
};

static int vcpu_fops_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

static int vcpu_fops_release(struct inode *inode, struct file *file)
{
	struct kvm_vcpu *vcpu = file->private_data;

	kvm_put(vcpu->kvm);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.release = vcpu_fops_release,
	.unlocked_ioctl = vcpu_fops_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vcpu_fops_mmap,
	.llseek = noop_llseek,
};

/* ------------------------------------------------------------------------
 * vCPU life
 */

static int vcpu_alloc_pages(struct kvm_vcpu *vcpu)
{
	vcpu->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	vcpu->pio_data = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return vcpu->run && vcpu->pio_data ? 0 : -ENOMEM;
}

/* Undo whatever part of vcpu_create() was done. */
void kvm_vcpu_destroy(struct kvm_vcpu *vcpu)
{
	lapic_free(vcpu);
	mmu_free_vcpu(vcpu);
	vcpu_emulator_free(vcpu);
	if (vcpu->vendor_ready)
		kvm_ops->vcpu_free(vcpu);
	if (vcpu->fpu.fpstate)
		fpu_free_guest_fpstate(&vcpu->fpu);
	kvfree(vcpu->cpuid);
	kfree(vcpu->mce_banks);
	free_page((unsigned long)vcpu->pio_data);
	free_page((unsigned long)vcpu->run);
	kmem_cache_free(vcpu_cache, vcpu);
}

static struct kvm_vcpu *vcpu_create(struct kvm *kvm, u32 id)
{
	struct kvm_vcpu *vcpu;
	int r;

	vcpu = kmem_cache_zalloc(vcpu_cache, GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	vcpu->kvm = kvm;
	vcpu->id = id;
	vcpu->cpu = -1;
	vcpu->last_cpu = -1;
	vcpu->pending_extint = -1;
	mutex_init(&vcpu->mutex);
	rcuwait_init(&vcpu->wait);
	preempt_notifier_init(&vcpu->pn, &vcpu_preempt_ops);

	r = vcpu_alloc_pages(vcpu);
	if (!r && !fpu_alloc_guest_fpstate(&vcpu->fpu))
		r = -ENOMEM;
	if (!r)
		r = kvm_ops->vcpu_create(vcpu);
	vcpu->vendor_ready = !r;
	if (!r)
		r = mmu_create_vcpu(vcpu);
	if (!r)
		r = vcpu_emulator_create(vcpu);
	if (!r)
		r = msr_vcpu_init(vcpu);
	if (!r && kvm_irqchip_in_kernel(kvm))
		r = lapic_create(vcpu);
	if (r) {
		kvm_vcpu_destroy(vcpu);
		return ERR_PTR(r);
	}
	clock_vcpu_init(vcpu);
	vcpu_load(vcpu);
	vcpu_reset(vcpu, false);
	vcpu_put(vcpu);
	return vcpu;
}

/* KVM_CREATE_VCPU: publish only what is complete, and has a descriptor. */
int kvm_create_vcpu(struct kvm *kvm, unsigned long id)
{
	struct kvm_vcpu *vcpu;
	struct file *file;
	char name[32];
	int fd;

	if (id >= KVM_MAX_VCPUS)
		return -EINVAL;
	mutex_lock(&kvm->lock);
	if (kvm->nr_vcpus == KVM_MAX_VCPUS) {
		fd = -EINVAL;
		goto out;
	}
	if (kvm_vcpu_by_id(kvm, id)) {
		fd = -EEXIST;
		goto out;
	}
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto out;
	vcpu = vcpu_create(kvm, id);
	if (IS_ERR(vcpu)) {
		put_unused_fd(fd);
		fd = PTR_ERR(vcpu);
		goto out;
	}
	snprintf(name, sizeof(name), "kvm-vcpu:%lu", id);
	file = anon_inode_getfile(name, &vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(file)) {
		kvm_vcpu_destroy(vcpu);
		put_unused_fd(fd);
		fd = PTR_ERR(file);
		goto out;
	}
	refcount_inc(&kvm->users);	/* the file's */
	vcpu->idx = kvm->nr_vcpus;
	kvm->vcpus[vcpu->idx] = vcpu;
	smp_store_release(&kvm->nr_vcpus, vcpu->idx + 1);
	/* Its TSC may not be the others'. */
	kvm_request_all(kvm, KVM_REQ_CLOCK_UPDATE, false);
	debug_create_vcpu(vcpu);
	/* From here on a racing thread may use and close the descriptor. */
	fd_install(fd, file);
out:
	mutex_unlock(&kvm->lock);
	return fd;
}

/* ------------------------------------------------------------------------
 * /dev/kvm
 */

static long dev_ioctl(struct file *file, unsigned int ioctl, unsigned long arg)
{
	void __user *argp = (void __user *)arg;

	switch (ioctl) {
	case KVM_GET_API_VERSION:
		return arg ? -EINVAL : KVM_API_VERSION;
	case KVM_CREATE_VM:
		return kvm_create_vm(arg);
	case KVM_CHECK_EXTENSION:
		return kvm_check_extension(NULL, arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return arg ? -EINVAL : VCPU_MMAP_PAGES * PAGE_SIZE;
	case KVM_GET_SUPPORTED_CPUID:
		return cpuid_get_supported(argp);
	case KVM_GET_EMULATED_CPUID:
		return cpuid_get_emulated(argp);
	case KVM_GET_MSR_INDEX_LIST:
		return msr_index_list(argp);
	}
	return -EINVAL;		/* ENOTTY only on a VM: so is the ABI */
}

static const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice kvm_dev = {
	.minor = KVM_MINOR,
	.name = "kvm",
	.fops = &dev_fops,
};

/* ------------------------------------------------------------------------
 * Load and unload
 */

static int choose_vendor(void)
{
	int i, r = -ENODEV;

	for (i = 0; i < ARRAY_SIZE(vendors); i++) {
		r = vendors[i]->probe();
		if (r == -ENODEV)
			continue;
		if (!r)
			kvm_ops = vendors[i];
		return r;
	}
	pr_err("kvm: this CPU has neither AMD-V nor VT-x\n");
	return r;
}

static int __init kvm_init(void)
{
	int r = choose_vendor();

	if (!r)
		r = clock_setup();
	if (r)
		return r;
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		host_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);

	r = -ENOMEM;
	vcpu_cache = kmem_cache_create("kvm_vcpu", kvm_ops->vcpu_size, 64,
				       SLAB_ACCOUNT, NULL);
	if (!vcpu_cache)
		return r;
	r = mmu_module_init();
	if (r)
		goto cache;
	r = kvm_ops->setup();
	if (r)
		goto mmu;
	cpuid_setup();
	r = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "x86/kvm:online",
				      hp_online, hp_offline);
	if (r < 0)
		goto vendor;
	hp_state = r;
	register_reboot_notifier(&reboot_nb);
	cpu_emergency_register_virt_callback(host_emergency);
	compat_register_syscore();
	preempt_notifier_inc();
	debug_init();
	r = misc_register(&kvm_dev);
	if (r)
		goto device;
	pr_info("kvm: loaded for %s with shadow paging\n", kvm_ops->name);
	return 0;

device:
	debug_exit();
	preempt_notifier_dec();
	compat_unregister_syscore();
	cpu_emergency_unregister_virt_callback(host_emergency);
	unregister_reboot_notifier(&reboot_nb);
	cpuhp_remove_state_nocalls(hp_state);
vendor:
	kvm_ops->teardown();
mmu:
	mmu_module_exit();
cache:
	kmem_cache_destroy(vcpu_cache);
	return r;
}

static void __exit kvm_exit(void)
{
	misc_deregister(&kvm_dev);
	debug_exit();
	preempt_notifier_dec();
	compat_unregister_syscore();
	cpu_emergency_unregister_virt_callback(host_emergency);
	unregister_reboot_notifier(&reboot_nb);
	cpuhp_remove_state_nocalls(hp_state);
	kvm_ops->teardown();
	mmu_module_exit();
	rcu_barrier();			/* shadow pages and routing tables */
	kmem_cache_destroy(vcpu_cache);
}

module_init(kvm_init);
module_exit(kvm_exit);
