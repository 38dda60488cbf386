// SPDX-License-Identifier: GPL-2.0
/*
 * stats.c - what is counted, in one list for a VM and one for a vCPU, and the
 * descriptor that shows it: KVM_GET_STATS_FD.
 *
 * Owns: the names, types and units of all counters, for debugfs too.  The
 * counters themselves are bumped where things happen, each under the rule of
 * its structure; a reader takes no lock and sees values that were true a
 * moment ago.
 *
 * Read next: debug.c; "KVM_GET_STATS_FD" in the kernel's KVM API document.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "kvm.h"

#define STAT_NAME_SIZE	48	/* of a name, and of the descriptor's own */

struct counter {
	const char *name;
	unsigned int at;	/* of the u64 in struct kvm or kvm_vcpu */
	u32 flags;		/* KVM_STATS_TYPE_*, UNIT_*, BASE_* */
	s16 exponent;
};

#define STAT(type, unit, exp, member, object, field)			\
	{								\
		.name = #member,					\
		.at = offsetof(object, field) +				\
		      BUILD_BUG_ON_ZERO(sizeof_field(object, field) != 8), \
		.flags = KVM_STATS_TYPE_##type | KVM_STATS_UNIT_##unit,	\
		.exponent = exp,					\
	}

#define COUNT(member)							\
	STAT(CUMULATIVE, NONE, 0, member, struct kvm_vcpu, stats.member)
#define NANOSECONDS(member)						\
	STAT(CUMULATIVE, SECONDS, -9, member, struct kvm_vcpu, stats.member)

static const struct counter vcpu_stats[] = {
	COUNT(exits),
	COUNT(io_exits),
	COUNT(mmio_exits),
	COUNT(irq_exits),
	COUNT(irq_window_exits),
	COUNT(nmi_window_exits),
	COUNT(halt_exits),
	COUNT(halt_wakeup),
	COUNT(halt_attempted_poll),
	COUNT(halt_successful_poll),
	NANOSECONDS(halt_wait_ns),
	COUNT(signal_exits),
	COUNT(request_irq_exits),
	COUNT(pf_fixed),
	COUNT(pf_guest),
	COUNT(pf_mmio),
	COUNT(pf_pt_write),
	COUNT(pf_unsync),
	COUNT(invlpg),
	COUNT(insn_emulation),
	COUNT(insn_emulation_fail),
	COUNT(fpu_reload),
	COUNT(hypercalls),
	COUNT(irq_injections),
	COUNT(nmi_injections),
	COUNT(exception_injections),
	COUNT(tlb_flush),
	COUNT(cr3_switch),
	COUNT(mmu_reload),
	COUNT(msr_exits),
	COUNT(cpuid_exits),
	COUNT(cr_exits),
};

#define VM(type, member, field)	STAT(type, NONE, 0, member, struct kvm, field)

static const struct counter vm_stats[] = {
	VM(INSTANT, mmu_pages, mmu.nr_pages),
	VM(INSTANT, mmu_pages_limit, mmu.max_pages),
	VM(PEAK, mmu_pages_peak, stats.mmu_pages_peak),
	VM(CUMULATIVE, mmu_cache_miss, mmu.births),
	VM(CUMULATIVE, mmu_shadow_zapped, stats.mmu_shadow_zapped),
	VM(CUMULATIVE, mmu_recycled, stats.mmu_recycled),
	VM(CUMULATIVE, mmu_pte_write, stats.mmu_pte_write),
	VM(CUMULATIVE, mmu_flooded, stats.mmu_flooded),
	VM(CUMULATIVE, mmu_invalidations, stats.mmu_invalidations),
	VM(CUMULATIVE, mmu_audits, stats.mmu_audits),
	VM(CUMULATIVE, remote_tlb_flush, stats.remote_tlb_flush),
};

static u64 stat_value(const void *object, const struct counter *s)
{
	return READ_ONCE(*(const u64 *)(object + s->at));
}

/* ------------------------------------------------------------------------
 * debugfs
 */

static void show(struct seq_file *m, const char *name, u64 value)
{
	seq_printf(m, "%-24s %llu\n", name, value);
}

void stats_show_vcpu(struct seq_file *m, struct kvm_vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vcpu_stats); i++)
		show(m, vcpu_stats[i].name, stat_value(vcpu, &vcpu_stats[i]));
}

/* The VM's own, then what its vCPUs' come to together. */
void stats_show_vm(struct seq_file *m, struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	unsigned int i;
	int v;

	for (i = 0; i < ARRAY_SIZE(vm_stats); i++)
		show(m, vm_stats[i].name, stat_value(kvm, &vm_stats[i]));
	for (i = 0; i < ARRAY_SIZE(vcpu_stats); i++) {
		u64 sum = 0;

		kvm_for_each_vcpu(v, vcpu, kvm)
			sum += stat_value(vcpu, &vcpu_stats[i]);
		show(m, vcpu_stats[i].name, sum);
	}
}

/* ------------------------------------------------------------------------
 * KVM_GET_STATS_FD: header, name, descriptors, values, in that order
 */

struct stats_file {
	struct kvm *kvm;		/* holds a reference */
	const void *object;		/* that VM, or a vCPU of it */
	const struct counter *stats;
	u32 nr;
	/* All but the values, as they are read; never changes. */
	struct {
		struct kvm_stats_header header;
		char id[STAT_NAME_SIZE];
		u8 descs[];
	} *fixed;
};

#define DESC_SIZE	(offsetof(struct kvm_stats_desc, name) + STAT_NAME_SIZE)

static_assert(sizeof(struct kvm_stats_header) == 24 && DESC_SIZE == 64);

static ssize_t stats_read(struct file *file, char __user *buf, size_t len,
			  loff_t *pos)
{
	const struct stats_file *f = file->private_data;
	u32 start = f->fixed->header.data_offset;
	u64 values[MAX(ARRAY_SIZE(vcpu_stats), ARRAY_SIZE(vm_stats))];
	ssize_t head, tail;
	unsigned int i;
	loff_t at;

	head = simple_read_from_buffer(buf, len, pos, f->fixed, start);
	if (head < 0 || head == len || *pos < start)
		return head;
	for (i = 0; i < f->nr; i++)
		values[i] = stat_value(f->object, &f->stats[i]);
	at = *pos - start;
	tail = simple_read_from_buffer(buf + head, len - head, &at, values,
				       f->nr * sizeof(*values));
	if (tail < 0)
		return head ? head : tail;
	*pos = at + start;
	return head + tail;
}

static loff_t stats_llseek(struct file *file, loff_t offset, int whence)
{
	const struct stats_file *f = file->private_data;

	return fixed_size_llseek(file, offset, whence,
				 f->fixed->header.data_offset +
				 f->nr * sizeof(u64));
}

static void stats_free(struct stats_file *f)
{
	kfree(f->fixed);
	kfree(f);
}

static int stats_release(struct inode *inode, struct file *file)
{
	struct stats_file *f = file->private_data;

	kvm_put(f->kvm);
	stats_free(f);
	return 0;
}

static const struct file_operations stats_fops = {
	.owner = THIS_MODULE,
	.read = stats_read,
	.llseek = stats_llseek,
	.release = stats_release,
};

static void fill_fixed(struct stats_file *f)
{
	u32 i, descs = sizeof(f->fixed->header) + sizeof(f->fixed->id);

	f->fixed->header = (struct kvm_stats_header){
		.name_size = STAT_NAME_SIZE,
		.num_desc = f->nr,
		.id_offset = sizeof(f->fixed->header),
		.desc_offset = descs,
		.data_offset = descs + f->nr * DESC_SIZE,
	};
	for (i = 0; i < f->nr; i++) {
		struct kvm_stats_desc *d = (void *)f->fixed->descs +
					   i * DESC_SIZE;

		d->flags = f->stats[i].flags;
		d->exponent = f->stats[i].exponent;
		d->size = 1;
		d->offset = i * sizeof(u64);
		strscpy((char *)d + offsetof(struct kvm_stats_desc, name),
			f->stats[i].name, STAT_NAME_SIZE);
	}
}

static struct stats_file *stats_alloc(const struct counter *stats, u32 nr)
{
	struct stats_file *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);

	if (!f)
		return NULL;
	f->stats = stats;
	f->nr = nr;
	f->fixed = kzalloc(struct_size(f->fixed, descs, nr * DESC_SIZE),
			   GFP_KERNEL_ACCOUNT);
	if (!f->fixed) {
		kfree(f);
		return NULL;
	}
	fill_fixed(f);
	return f;
}

/* Its own reference keeps the VM, and so its vCPUs, until it is closed. */
static int stats_install(struct stats_file *f, struct kvm *kvm,
			 const void *object)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = anon_inode_getfile("kvm-stats", &stats_fops, f, O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	f->kvm = kvm;
	f->object = object;
	refcount_inc(&kvm->users);
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD;
	fd_install(fd, file);
	return fd;
}

/* @vcpu: NULL for the VM's own counters. */
int stats_get_fd(struct kvm *kvm, struct kvm_vcpu *vcpu)
{
	struct stats_file *f;
	int n, fd;

	f = vcpu ? stats_alloc(vcpu_stats, ARRAY_SIZE(vcpu_stats)) :
		   stats_alloc(vm_stats, ARRAY_SIZE(vm_stats));
	if (!f)
		return -ENOMEM;
	n = snprintf(f->fixed->id, sizeof(f->fixed->id), "kvm-%d",
		     task_tgid_nr(current));
	if (vcpu)
		snprintf(f->fixed->id + n, sizeof(f->fixed->id) - n,
			 "/vcpu-%d", vcpu->id);
	fd = stats_install(f, kvm, vcpu ? (void *)vcpu : (void *)kvm);
	if (fd < 0)
		stats_free(f);
	return fd;
}
