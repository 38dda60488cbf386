// SPDX-License-Identifier: GPL-2.0
/*
 * debug.c - looking into running VMs: debugfs and, for a guest that ended
 * badly, its last exits and the hardware's view of it.
 *
 * Layout: debugfs/kvm-vms/<pid>-<fd>/{stats,audit} of the VM, and
 * vcpu<id>/{stats,exits} below.  Readable by root only; nothing here changes a
 * guest.
 *
 * Read next: stats.c for the counters; the ring of exits is fed by kvm_main.c.
 */
#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/ratelimit.h>
#include <linux/seq_file.h>
#include <linux/trace_events.h>
#include "kvm.h"

static struct dentry *debug_root;

/* ------------------------------------------------------------------------
 * The ring of the last exits.  It is written without a lock: who reads it
 * while the vCPU runs may find an entry torn, no more.
 */

static const char *exit_name(u32 reason)
{
	unsigned int i;

	for (i = 0; i < kvm_ops->nr_exit_names; i++)
		if ((u32)kvm_ops->exit_names[i].mask == (reason & kvm_ops->exit_mask))
			return kvm_ops->exit_names[i].name;
	return "?";
}

static unsigned int ring_first(unsigned int head)
{
	return head > KVM_EXIT_RING ? head - KVM_EXIT_RING : 0;
}

static int exits_show(struct seq_file *m, void *unused)
{
	struct kvm_vcpu *vcpu = m->private;
	unsigned int head = READ_ONCE(vcpu->ring_head), i;

	for (i = ring_first(head); i < head; i++) {
		struct vcpu_exit_record *r = &vcpu->ring[i % KVM_EXIT_RING];

		seq_printf(m, "%u reason %#x %s rip %#lx info %#llx %#llx\n",
			   i, r->reason, exit_name(r->reason), r->rip,
			   r->info1, r->info2);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(exits);

#define EXITS_PER_LINE	4

/* NAME@RIP(INFO1,INFO2), four to a line that starts with the first's number. */
static void print_ring(const struct kvm_vcpu *vcpu)
{
	unsigned int head = vcpu->ring_head, i = ring_first(head), end;
	char line[EXITS_PER_LINE * 80];
	int n;

	while (i < head) {
		n = scnprintf(line, sizeof(line), "%u:", i);
		for (end = min(head, i + EXITS_PER_LINE); i < end; i++) {
			const struct vcpu_exit_record *r =
				&vcpu->ring[i % KVM_EXIT_RING];

			n += scnprintf(line + n, sizeof(line) - n,
				       " %s@%lx(%llx,%llx)",
				       exit_name(r->reason), r->rip, r->info1,
				       r->info2);
		}
		pr_info("kvm:   exit %s\n", line);
	}
}

void debug_dump(struct kvm_vcpu *vcpu, const char *why)
{
	static DEFINE_RATELIMIT_STATE(limit, 10 * HZ, 2);

	if (!__ratelimit(&limit))
		return;
	vcpu_need(vcpu, VG_RIP | VG_CS);
	pr_info("kvm: vCPU %d of process %d: %s at %04x:%lx\n", vcpu->id,
		task_tgid_nr(current), why, vcpu->s.seg[VCPU_CS].selector,
		vcpu->s.rip);
	print_ring(vcpu);
	kvm_ops->dump(vcpu);
}

/* ------------------------------------------------------------------------
 * debugfs
 */

static int vcpu_stats_show(struct seq_file *m, void *unused)
{
	stats_show_vcpu(m, m->private);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vcpu_stats);

static int vm_stats_show(struct seq_file *m, void *unused)
{
	stats_show_vm(m, m->private);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vm_stats);

static int audit_show(struct seq_file *m, void *unused)
{
	char difference[128];

	if (mmu_audit_now(m->private, difference, sizeof(difference)))
		seq_puts(m, "ok\n");
	else
		seq_printf(m, "bad: %s\n", difference);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(audit);

/*
 * Of a VM whose descriptor was closed, and that lives on by a vCPU's, the
 * number comes again: the newer one gets a further number.
 */
static struct dentry *vm_dir(int fd)
{
	struct dentry *old;
	unsigned int again = 0;
	char name[32];
	int n = snprintf(name, sizeof(name), "%d-%d", task_tgid_nr(current),
			 fd);

	for (;;) {
		old = debugfs_lookup(name, debug_root);
		if (!old)
			return debugfs_create_dir(name, debug_root);
		dput(old);
		snprintf(name + n, sizeof(name) - n, "-%u", ++again);
	}
}

void debug_create_vm(struct kvm *kvm, int fd)
{
	kvm->debugfs = vm_dir(fd);
	debugfs_create_file("stats", 0400, kvm->debugfs, kvm, &vm_stats_fops);
	debugfs_create_file("audit", 0400, kvm->debugfs, kvm, &audit_fops);
}

/* The VM's directory goes, with all that is in it, before its vCPUs do. */
void debug_create_vcpu(struct kvm_vcpu *vcpu)
{
	struct dentry *dir;
	char name[16];

	snprintf(name, sizeof(name), "vcpu%d", vcpu->id);
	dir = debugfs_create_dir(name, vcpu->kvm->debugfs);
	debugfs_create_file("stats", 0400, dir, vcpu, &vcpu_stats_fops);
	debugfs_create_file("exits", 0400, dir, vcpu, &exits_fops);
}

void debug_init(void)
{
	debug_root = debugfs_create_dir("kvm-vms", NULL);
}

void debug_exit(void)
{
	debugfs_remove_recursive(debug_root);
}
