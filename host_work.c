// SPDX-License-Identifier: GPL-2.0
/*
 * host_work.c - task work of the host's kernel, done without leaving KVM_RUN:
 * some comes at every tenth of a second, and what a restarted system call
 * would find (descriptors, signal masks) may not be what it was.
 *
 * The one function for it that modules may call is made for Linux's own KVM.
 * If a signal is pending it counts that in a struct kvm_vcpu and writes to
 * its kvm_run; so it gets one that nobody reads.  Its type is not ours, hence
 * this file, which knows nothing else of the module.
 *
 * Read next: host_work() in kvm_main.c.
 */
#include <linux/kvm_host.h>
#include <linux/entry-kvm.h>
#include "host_work.h"

static struct kvm_run nobodys_run;
static struct kvm_vcpu nobody = { .run = &nobodys_run };

/* Also gives way to other tasks.  The caller asks afterwards for signals. */
void host_task_work(void)
{
	xfer_to_guest_mode_handle_work(&nobody);
}
