// SPDX-License-Identifier: GPL-2.0
/*
 * debug.c - looking into running VMs: debugfs counters and, for a guest that
 * ended badly, its last exits and the hardware's view of it.
 *
 * Layout: debugfs/kvm-vms/<pid>-<fd>/vcpu<id>/{stats,exits}.  Readable by
 * root only; nothing here changes a guest.
 *
 * Read next: the rings and counters are fed by kvm_main.c.
 */
#include <linux/debugfs.h>
#include <linux/ratelimit.h>
#include <linux/seq_file.h>
#include "kvm.h"

static struct dentry *debug_root;

#define STAT(name)	{ #name, offsetof(struct vcpu_stats, name) }

static const struct {
	const char *name;
	unsigned int offset;
} stats[] = {
	STAT(exits), STAT(io_exits), STAT(mmio_exits), STAT(irq_exits),
	STAT(irq_window_exits), STAT(nmi_window_exits), STAT(halt_exits),
	STAT(halt_wakeups), STAT(signal_exits), STAT(request_irq_exits),
	STAT(pf_fixed), STAT(pf_guest), STAT(pf_mmio), STAT(pf_pt_write),
	STAT(pf_unsync), STAT(invlpg), STAT(emulations),
	STAT(emulation_failures), STAT(fpu_reload), STAT(hypercalls),
	STAT(irq_injections), STAT(nmi_injections),
	STAT(exception_injections), STAT(tlb_flush), STAT(cr3_switch),
	STAT(mmu_reload), STAT(msr_exits), STAT(cpuid_exits), STAT(cr_exits),
};

static int stats_show(struct seq_file *m, void *unused)
{
	struct kvm_vcpu *vcpu = m->private;
	int i;

	for (i = 0; i < ARRAY_SIZE(stats); i++)
		seq_printf(m, "%-24s %llu\n", stats[i].name,
			   *(u64 *)((char *)&vcpu->stats + stats[i].offset));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

/* The ring is written without a lock: a line may be torn, no more. */
static int exits_show(struct seq_file *m, void *unused)
{
	struct kvm_vcpu *vcpu = m->private;
	unsigned int head = READ_ONCE(vcpu->ring_head), i;

	for (i = head > KVM_EXIT_RING ? head - KVM_EXIT_RING : 0; i < head;
	     i++) {
		struct vcpu_exit_record *r = &vcpu->ring[i % KVM_EXIT_RING];

		seq_printf(m, "%u reason %#x rip %#lx info %#llx %#llx\n", i,
			   r->reason, r->rip, r->info1, r->info2);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(exits);

void debug_create_vm(struct kvm *kvm, int fd)
{
	struct dentry *other;
	char name[32];

	snprintf(name, sizeof(name), "%d-%d", task_tgid_nr(current), fd);
	/* A VM whose descriptor was closed, and that still has vCPUs. */
	other = debugfs_lookup(name, debug_root);
	if (other) {
		dput(other);
		kvm->debugfs = ERR_PTR(-EEXIST);
		return;
	}
	kvm->debugfs = debugfs_create_dir(name, debug_root);
}

/* The VM's directory goes, with all that is in it, before its vCPUs do. */
void debug_create_vcpu(struct kvm_vcpu *vcpu)
{
	struct dentry *dir;
	char name[16];

	snprintf(name, sizeof(name), "vcpu%d", vcpu->id);
	dir = debugfs_create_dir(name, vcpu->kvm->debugfs);
	debugfs_create_file("stats", 0400, dir, vcpu, &stats_fops);
	debugfs_create_file("exits", 0400, dir, vcpu, &exits_fops);
}

void debug_dump(struct kvm_vcpu *vcpu, const char *why)
{
	unsigned int head = vcpu->ring_head, i;
	static DEFINE_RATELIMIT_STATE(limit, 10 * HZ, 2);

	if (!__ratelimit(&limit))
		return;
	vcpu_need(vcpu, VG_RIP | VG_CS);
	pr_info("kvm: vCPU %d of process %d: %s at %04x:%lx\n", vcpu->id,
		task_tgid_nr(current), why, vcpu->s.seg[VCPU_CS].selector,
		vcpu->s.rip);
	for (i = head > 8 ? head - 8 : 0; i < head; i++) {
		struct vcpu_exit_record *r = &vcpu->ring[i % KVM_EXIT_RING];

		pr_info("kvm:   exit %u reason %#x rip %#lx info %#llx %#llx\n",
			i, r->reason, r->rip, r->info1, r->info2);
	}
	kvm_ops->dump(vcpu);
}

void debug_init(void)
{
	debug_root = debugfs_create_dir("kvm-vms", NULL);
}

void debug_exit(void)
{
	debugfs_remove_recursive(debug_root);
}
