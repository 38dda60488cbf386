/* SPDX-License-Identifier: GPL-2.0 */
/* host_work.h - alone, since host_work.c cannot know kvm.h. */
#ifndef KVM_HOST_WORK_H
#define KVM_HOST_WORK_H

void host_task_work(void);

#endif
