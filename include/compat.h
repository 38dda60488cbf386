/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compat.h - differences between the host kernels that we build on (6.1 and
 * 6.12).  The only file that looks at the kernel's version.
 */
#ifndef KVM_COMPAT_H
#define KVM_COMPAT_H

#include <linux/syscore_ops.h>
#include <linux/version.h>

/* load_gs_index() got a header of its own. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#include <asm/gsseg.h>
#endif

/*
 * Suspend and resume of the last CPU.  The new form was taken back into stable
 * kernels, so Kbuild looks at the header instead of the version.
 */
#ifdef KVM_HAVE_SYSCORE
#define COMPAT_SYSCORE(suspend_fn, resume_fn)				\
static int compat_suspend(void *data) { return suspend_fn(); }		\
static void compat_resume(void *data) { resume_fn(); }			\
static const struct syscore_ops compat_syscore_ops = {			\
	.suspend = compat_suspend,					\
	.resume = compat_resume,					\
};									\
static struct syscore compat_syscore = { .ops = &compat_syscore_ops };	\
static void compat_register_syscore(void)				\
{									\
	register_syscore(&compat_syscore);				\
}									\
static void compat_unregister_syscore(void)				\
{									\
	unregister_syscore(&compat_syscore);				\
}
#else
#define COMPAT_SYSCORE(suspend_fn, resume_fn)				\
static struct syscore_ops compat_syscore_ops = {			\
	.suspend = suspend_fn,						\
	.resume = resume_fn,						\
};									\
static void compat_register_syscore(void)				\
{									\
	register_syscore_ops(&compat_syscore_ops);			\
}									\
static void compat_unregister_syscore(void)				\
{									\
	unregister_syscore_ops(&compat_syscore_ops);			\
}
#endif

/* Renamed to remind of reading it once, which we do. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define compat_immediate_exit	immediate_exit
#else
#define compat_immediate_exit	immediate_exit__unsafe
#endif

/* A page that NUMA balancing watches is to be mapped again, not only found. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define COMPAT_FOLL_NUMA_FAULT	0
#else
#define COMPAT_FOLL_NUMA_FAULT	FOLL_HONOR_NUMA_FAULT
#endif

#endif /* KVM_COMPAT_H */
