// SPDX-License-Identifier: GPL-2.0
/*
 * contract.c - a second vCPU with a thread of its own, and a watchdog: see
 * contract.h.
 */
#include <signal.h>
#include "contract.h"

struct vm second_vcpu(const struct vm *vm)
{
	struct vm b = *vm;

	b.vcpu = vm_add_vcpu(vm, 1);
	b.run = vcpu_map(b.vcpu);
	vcpu_set_cpuid(b.vcpu);
	return b;
}

static void on_signal(int sig)
{
	(void)sig;
}

/* MMIO is answered with whatever lies there. */
static void *runner(void *arg)
{
	struct runner *r = arg;

	while (!r->stop) {
		if (run(&r->vm)) {
			r->error = errno;
			if (errno != EINTR)
				break;
		} else if (r->vm.run->exit_reason != KVM_EXIT_MMIO) {
			r->error = 0;
			break;
		}
	}
	return NULL;
}

void start_runner(struct runner *r, const struct vm *vm)
{
	r->vm = *vm;
	r->stop = false;
	r->error = EINTR;
	signal(SIGUSR1, on_signal);
	REQUIRE(!pthread_create(&r->thread, NULL, runner, r));
}

/* The signal repeats, lest it strikes before KVM_RUN has begun. */
void stop_runner(struct runner *r)
{
	void *ret;

	r->stop = true;
	while (pthread_tryjoin_np(r->thread, &ret)) {
		pthread_kill(r->thread, SIGUSR1);
		usleep(1000);
	}
}

bool check_interruptible(const char *file, int line, const struct vm *vm,
			 const char *what)
{
	struct kvm_regs regs;
	int r = run_ms(vm, 100), error = errno;

	if (r && error == EINTR)
		return true;
	ioctl(vm->vcpu, KVM_GET_REGS, &regs);
	check_failed(file, line, "%s: KVM_RUN: %s, exit %s, rip %#llx, exception %llu at %#llx",
		     what, errno_name(r ? error : 0),
		     exit_name(vm->run->exit_reason), (long long)regs.rip,
		     (long long)ctl(vm)->vector, (long long)ctl(vm)->rip);
	return false;
}
