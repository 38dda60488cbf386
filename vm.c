// SPDX-License-Identifier: GPL-2.0
/*
 * vm.c - a VM: its life, its descriptor and the ioctls on it.
 *
 * Owns: struct kvm from KVM_CREATE_VM to the last reference (one for the VM's
 * descriptor, one for each vCPU's).  Each ioctl copies and checks here, and
 * leaves the work to the room that owns the matter.  Trusts: nothing that
 * comes from user space.
 *
 * Read next: kvm_main.c for the vCPUs; memslot.c, irqchip/.
 */
#include <linux/anon_inodes.h>
#include <linux/compat.h>
#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include "io.h"
#include "irqchip.h"
#include "kvm.h"

/* ------------------------------------------------------------------------
 * VM life
 */

static struct kvm *vm_create(void)
{
	struct kvm *kvm = kvzalloc(sizeof(*kvm), GFP_KERNEL_ACCOUNT);
	int r;

	if (!kvm)
		return ERR_PTR(-ENOMEM);
	refcount_set(&kvm->users, 1);
	mutex_init(&kvm->lock);
	mutex_init(&kvm->slots_lock);
	mutex_init(&kvm->irq_lock);
	raw_spin_lock_init(&kvm->clock_lock);

	r = init_srcu_struct(&kvm->srcu);
	if (r)
		goto free;
	r = slots_init(kvm);
	if (r)
		goto srcu;
	r = kvm_io_init(kvm);
	if (r)
		goto slots;
	r = kvm_coalesced_init(kvm);
	if (r)
		goto io;
	r = mmu_init_vm(kvm);
	if (r)
		goto ring;
	r = kvm_hardware_get();
	if (r)
		goto mmu;
	clock_vm_init(kvm);
	kvm->mm = current->mm;
	mmgrab(kvm->mm);
	kvm->notifier.ops = &mmu_notifier_ops;
	r = mmu_notifier_register(&kvm->notifier, kvm->mm);
	if (r)
		goto hardware;
	return kvm;

hardware:
	mmdrop(kvm->mm);
	kvm_hardware_put();
mmu:
	mmu_free_vm(kvm);
ring:
	kvm_coalesced_free(kvm);
io:
	kvm_io_free(kvm);
slots:
	slots_free(kvm);
srcu:
	cleanup_srcu_struct(&kvm->srcu);
free:
	kvfree(kvm);
	return ERR_PTR(r);
}

/* The last reference is gone: no ioctl, no notifier and no timer is left. */
static void vm_destroy(struct kvm *kvm)
{
	int i;

	debugfs_remove_recursive(kvm->debugfs);
	mmu_notifier_unregister(&kvm->notifier, kvm->mm);
	irqchip_destroy(kvm);
	for (i = 0; i < kvm->nr_vcpus; i++)
		mmu_unload(kvm->vcpus[i]);
	for (i = 0; i < kvm->nr_vcpus; i++)
		kvm_vcpu_destroy(kvm->vcpus[i]);
	kvm->nr_vcpus = 0;		/* nobody to be asked for a flush */
	irq_free_routing(kvm);
	kvm_io_free(kvm);
	kvm_coalesced_free(kvm);
	mmu_free_vm(kvm);
	slots_free(kvm);
	cleanup_srcu_struct(&kvm->srcu);
	kvm_hardware_put();
	mmdrop(kvm->mm);
	kvfree(kvm);
}

/* Drop a reference; the last one ends the VM. */
void kvm_put(struct kvm *kvm)
{
	if (refcount_dec_and_test(&kvm->users))
		vm_destroy(kvm);
}

/* ------------------------------------------------------------------------
 * VM file descriptor
 */

static int vm_create_irqchip(struct kvm *kvm)
{
	int r;

	mutex_lock(&kvm->lock);
	if (kvm->irqchip)
		r = -EEXIST;
	else if (kvm->nr_vcpus)
		r = -EINVAL;
	else
		r = irqchip_create(kvm);
	mutex_unlock(&kvm->lock);
	return r;
}

static int vm_create_pit(struct kvm *kvm, unsigned int ioctl,
			 void __user *argp)
{
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };
	int r;

	if (ioctl == KVM_CREATE_PIT2 &&
	    copy_from_user(&config, argp, sizeof(config)))
		return -EFAULT;
	mutex_lock(&kvm->lock);
	if (kvm->pit)
		r = -EEXIST;
	else if (!kvm->pic)
		r = -ENOENT;
	else
		r = pit_create(kvm, config.flags);
	mutex_unlock(&kvm->lock);
	return r;
}

static int vm_irq_line(struct kvm *kvm, unsigned int ioctl, void __user *argp)
{
	struct kvm_irq_level ev;
	int r;

	if (copy_from_user(&ev, argp, sizeof(ev)))
		return -EFAULT;
	if (!kvm_irqchip_in_kernel(kvm))
		return -ENXIO;
	r = irq_set(kvm, IRQ_SOURCE_USER, ev.irq, ev.level);
	if (ioctl == KVM_IRQ_LINE)
		return 0;
	ev.status = r;
	return copy_to_user(argp, &ev, sizeof(ev)) ? -EFAULT : 0;
}

static int vm_irqchip_state(struct kvm *kvm, unsigned int ioctl,
			    struct kvm_irqchip __user *argp)
{
	struct kvm_irqchip *chip;
	int r;

	chip = memdup_user(argp, sizeof(*chip));
	if (IS_ERR(chip))
		return PTR_ERR(chip);
	r = -ENXIO;
	if (!kvm->pic || !kvm_irqchip_in_kernel(kvm))
		goto out;
	if (ioctl == KVM_SET_IRQCHIP) {
		r = irqchip_set(kvm, chip);
		goto out;
	}
	r = irqchip_get(kvm, chip);
	if (!r && copy_to_user(argp, chip, sizeof(*chip)))
		r = -EFAULT;
out:
	kfree(chip);
	return r;
}

/* The old and the new form differ in what follows the three channels. */
static int vm_pit_state(struct kvm *kvm, unsigned int ioctl, void __user *argp)
{
	bool set = ioctl == KVM_SET_PIT || ioctl == KVM_SET_PIT2;
	size_t size = ioctl == KVM_GET_PIT2 || ioctl == KVM_SET_PIT2 ?
		      sizeof(struct kvm_pit_state2) :
		      sizeof(struct kvm_pit_state);
	struct kvm_pit_state2 s;
	int r;

	memset(&s, 0, sizeof(s));
	if (set && copy_from_user(&s, argp, size))
		return -EFAULT;
	mutex_lock(&kvm->lock);
	if (!kvm->pit) {
		r = -ENXIO;
	} else if (set) {
		pit_set_state(kvm, &s, ioctl == KVM_SET_PIT2);
		r = 0;
	} else {
		pit_get_state(kvm, &s);
		r = 0;
	}
	mutex_unlock(&kvm->lock);
	if (!r && !set && copy_to_user(argp, &s, size))
		r = -EFAULT;
	return r;
}

static int vm_reinject(struct kvm *kvm, void __user *argp)
{
	struct kvm_reinject_control ctl;
	int r = -ENXIO;

	if (copy_from_user(&ctl, argp, sizeof(ctl)))
		return -EFAULT;
	mutex_lock(&kvm->lock);
	if (kvm->pit) {
		pit_set_reinject(kvm, ctl.pit_reinject);
		r = 0;
	}
	mutex_unlock(&kvm->lock);
	return r;
}

static int vm_set_routing(struct kvm *kvm, struct kvm_irq_routing __user *argp)
{
	struct kvm_irq_routing_entry *entries = NULL;
	struct kvm_irq_routing head;
	int r;

	if (copy_from_user(&head, argp, sizeof(head)))
		return -EFAULT;
	if (!kvm_irqchip_in_kernel(kvm) || head.nr > KVM_MAX_IRQ_ROUTES ||
	    head.flags)
		return -EINVAL;
	if (head.nr) {
		entries = vmemdup_user(argp->entries,
				       array_size(head.nr, sizeof(*entries)));
		if (IS_ERR(entries))
			return PTR_ERR(entries);
	}
	r = irq_set_routing(kvm, entries, head.nr, head.flags);
	kvfree(entries);
	return r;
}

static int vm_signal_msi(struct kvm *kvm, void __user *argp)
{
	struct kvm_msi msi;

	if (copy_from_user(&msi, argp, sizeof(msi)))
		return -EFAULT;
	return irq_send_msi(kvm, &msi);
}

static int vm_set_region(struct kvm *kvm, void __user *argp)
{
	struct kvm_userspace_memory_region mem;
	int r;

	if (copy_from_user(&mem, argp, sizeof(mem)))
		return -EFAULT;
	mutex_lock(&kvm->slots_lock);
	r = slots_set_region(kvm, &mem);
	mutex_unlock(&kvm->slots_lock);
	return r;
}

static int vm_dirty_log(struct kvm *kvm, void __user *argp)
{
	struct kvm_dirty_log log;
	int r;

	if (copy_from_user(&log, argp, sizeof(log)))
		return -EFAULT;
	mutex_lock(&kvm->slots_lock);
	r = slots_dirty_log(kvm, &log);
	mutex_unlock(&kvm->slots_lock);
	return r;
}

static int vm_coalesced(struct kvm *kvm, unsigned int ioctl, void __user *argp)
{
	struct kvm_coalesced_mmio_zone zone;

	if (copy_from_user(&zone, argp, sizeof(zone)))
		return -EFAULT;
	if (ioctl == KVM_REGISTER_COALESCED_MMIO)
		return kvm_coalesced_register(kvm, &zone);
	return kvm_coalesced_unregister(kvm, &zone);
}

/* Nobody needs these (design.md, "VT-x"); what makes no sense is refused. */
static int vm_set_tss_addr(unsigned long addr)
{
	return addr > 0xfffffffful - 3 * PAGE_SIZE + 1 ? -EINVAL : 0;
}

static int vm_set_identity_map(struct kvm *kvm, u64 __user *argp)
{
	u64 addr;
	int r = 0;

	if (copy_from_user(&addr, argp, sizeof(addr)))
		return -EFAULT;
	mutex_lock(&kvm->lock);
	if (kvm->nr_vcpus)
		r = -EINVAL;
	mutex_unlock(&kvm->lock);
	return r;
}

static int vm_set_boot_cpu(struct kvm *kvm, unsigned long id)
{
	int r = 0;

	mutex_lock(&kvm->lock);
	if (kvm->nr_vcpus)
		r = -EBUSY;
	else if (id >= KVM_MAX_VCPUS)
		r = -EINVAL;
	else
		kvm->bsp_id = id;
	mutex_unlock(&kvm->lock);
	return r;
}

static int vm_set_nr_mmu_pages(struct kvm *kvm, unsigned long nr)
{
	if (nr < KVM_MIN_MMU_PAGES)
		return -EINVAL;
	mutex_lock(&kvm->slots_lock);
	mmu_set_max_pages(kvm, nr);
	mutex_unlock(&kvm->slots_lock);
	return 0;
}

/* Advertised is only what works; kvm is NULL on /dev/kvm itself. */
int kvm_check_extension(struct kvm *kvm, long cap)
{
	switch (cap) {
	case KVM_CAP_IRQCHIP:
	case KVM_CAP_HLT:
	case KVM_CAP_MMU_SHADOW_CACHE_CONTROL:
	case KVM_CAP_USER_MEMORY:
	case KVM_CAP_SET_TSS_ADDR:
	case KVM_CAP_EXT_CPUID:
	case KVM_CAP_EXT_EMUL_CPUID:
	case KVM_CAP_CLOCKSOURCE:
	case KVM_CAP_PIT:
	case KVM_CAP_NOP_IO_DELAY:
	case KVM_CAP_MP_STATE:
	case KVM_CAP_SYNC_MMU:
	case KVM_CAP_USER_NMI:
	case KVM_CAP_DESTROY_MEMORY_REGION_WORKS:
	case KVM_CAP_JOIN_MEMORY_REGIONS_WORKS:
	case KVM_CAP_REINJECT_CONTROL:
	case KVM_CAP_IRQ_INJECT_STATUS:
	case KVM_CAP_PIT2:
	case KVM_CAP_PIT_STATE2:
	case KVM_CAP_SET_BOOT_CPU_ID:
	case KVM_CAP_SET_IDENTITY_MAP_ADDR:
	case KVM_CAP_VCPU_EVENTS:
	case KVM_CAP_INTERNAL_ERROR_DATA:
	case KVM_CAP_X86_ROBUST_SINGLESTEP:
	case KVM_CAP_DEBUGREGS:
	case KVM_CAP_XSAVE:
	case KVM_CAP_GET_TSC_KHZ:
	case KVM_CAP_TSC_DEADLINE_TIMER:
	case KVM_CAP_KVMCLOCK_CTRL:
	case KVM_CAP_READONLY_MEM:
	case KVM_CAP_SIGNAL_MSI:
	case KVM_CAP_CHECK_EXTENSION_VM:
	case KVM_CAP_IMMEDIATE_EXIT:
	case KVM_CAP_COALESCED_PIO:
	case KVM_CAP_SET_GUEST_DEBUG:
	case KVM_CAP_BINARY_STATS_FD:
		return 1;
	case KVM_CAP_XCRS:
		return boot_cpu_has(X86_FEATURE_XSAVE);
	case KVM_CAP_COALESCED_MMIO:
		return KVM_COALESCED_MMIO_PAGE_OFFSET;
	case KVM_CAP_ADJUST_CLOCK:
		return clock_flags();
	case KVM_CAP_SYNC_REGS:
		return KVM_SYNC_X86_VALID_FIELDS;
	case KVM_CAP_IRQ_ROUTING:
		return KVM_MAX_IRQ_ROUTES;
	case KVM_CAP_NR_VCPUS:
		return min_t(unsigned int, num_online_cpus(), KVM_MAX_VCPUS);
	case KVM_CAP_MAX_VCPUS:
	case KVM_CAP_MAX_VCPU_ID:
		return KVM_MAX_VCPUS;
	case KVM_CAP_NR_MEMSLOTS:
		return KVM_USER_SLOTS;
	}
	return 0;
}

static long vm_ioctl(struct kvm *kvm, unsigned int ioctl, unsigned long arg)
{
	void __user *argp = (void __user *)arg;

	switch (ioctl) {
	case KVM_CREATE_VCPU:
		return kvm_create_vcpu(kvm, arg);
	case KVM_CHECK_EXTENSION:
		return kvm_check_extension(kvm, arg);
	case KVM_SET_USER_MEMORY_REGION:
		return vm_set_region(kvm, argp);
	case KVM_GET_DIRTY_LOG:
		return vm_dirty_log(kvm, argp);
	case KVM_SET_TSS_ADDR:
		return vm_set_tss_addr(arg);
	case KVM_SET_IDENTITY_MAP_ADDR:
		return vm_set_identity_map(kvm, argp);
	case KVM_SET_NR_MMU_PAGES:
		return vm_set_nr_mmu_pages(kvm, arg);
	case KVM_GET_NR_MMU_PAGES:
		return kvm->mmu.max_pages;
	case KVM_SET_BOOT_CPU_ID:
		return vm_set_boot_cpu(kvm, arg);
	case KVM_CREATE_IRQCHIP:
		return vm_create_irqchip(kvm);
	case KVM_GET_IRQCHIP:
	case KVM_SET_IRQCHIP:
		return vm_irqchip_state(kvm, ioctl, argp);
	case KVM_IRQ_LINE:
	case KVM_IRQ_LINE_STATUS:
		return vm_irq_line(kvm, ioctl, argp);
	case KVM_CREATE_PIT:
	case KVM_CREATE_PIT2:
		return vm_create_pit(kvm, ioctl, argp);
	case KVM_GET_PIT:
	case KVM_SET_PIT:
	case KVM_GET_PIT2:
	case KVM_SET_PIT2:
		return vm_pit_state(kvm, ioctl, argp);
	case KVM_REINJECT_CONTROL:
		return vm_reinject(kvm, argp);
	case KVM_SET_GSI_ROUTING:
		return vm_set_routing(kvm, argp);
	case KVM_SIGNAL_MSI:
		return vm_signal_msi(kvm, argp);
	case KVM_REGISTER_COALESCED_MMIO:
	case KVM_UNREGISTER_COALESCED_MMIO:
		return vm_coalesced(kvm, ioctl, argp);
	case KVM_GET_CLOCK:
		return clock_ioctl_get(kvm, argp);
	case KVM_SET_CLOCK:
		return clock_ioctl_set(kvm, argp);
	case KVM_GET_STATS_FD:
		return stats_get_fd(kvm, NULL);
	}
	return -ENOTTY;
}

static long vm_fops_ioctl(struct file *file, unsigned int ioctl,
			  unsigned long arg)
{
	struct kvm *kvm = file->private_data;

	if (kvm->mm != current->mm)
		return -EIO;
	return vm_ioctl(kvm, ioctl, arg);
}

#ifdef CONFIG_COMPAT
/* The one structure whose layout differs for a 32-bit caller. */
struct compat_dirty_log {
	__u32 slot;
	__u32 padding;
	compat_uptr_t dirty_bitmap;
	__u32 padding2;
};

static long vm_fops_compat_ioctl(struct file *file, unsigned int ioctl,
				 unsigned long arg)
{
	struct kvm *kvm = file->private_data;
	struct compat_dirty_log compat;
	struct kvm_dirty_log log = {};
	int r;

	if (ioctl != KVM_GET_DIRTY_LOG)
		return vm_fops_ioctl(file, ioctl,
				     (unsigned long)compat_ptr(arg));
	if (kvm->mm != current->mm)
		return -EIO;
	if (copy_from_user(&compat, compat_ptr(arg), sizeof(compat)))
		return -EFAULT;
	log.slot = compat.slot;
	log.dirty_bitmap = compat_ptr(compat.dirty_bitmap);
	mutex_lock(&kvm->slots_lock);
	r = slots_dirty_log(kvm, &log);
	mutex_unlock(&kvm->slots_lock);
	return r;
}
#endif

static int vm_fops_release(struct inode *inode, struct file *file)
{
	kvm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_fops_release,
	.unlocked_ioctl = vm_fops_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl = vm_fops_compat_ioctl,
#endif
	.llseek = noop_llseek,
};

/* KVM_CREATE_VM: a new descriptor, or -errno. */
int kvm_create_vm(unsigned long type)
{
	struct kvm *kvm;
	struct file *file;
	int fd;

	if (type)
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	kvm = vm_create();
	if (IS_ERR(kvm)) {
		put_unused_fd(fd);
		/* A signal, perhaps the freezer's: nothing is done yet, so do it again. */
		return PTR_ERR(kvm) == -EINTR ? -ERESTARTSYS : PTR_ERR(kvm);
	}
	file = anon_inode_getfile("kvm-vm", &vm_fops, kvm, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		kvm_put(kvm);
		return PTR_ERR(file);
	}
	debug_create_vm(kvm, fd);
	fd_install(fd, file);
	return fd;
}
