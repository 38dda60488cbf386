/* SPDX-License-Identifier: GPL-2.0 */
/*
 * contract.h - what the tests of the contract share beyond the ABI tests'
 * machines (../abi/vm.h), with which they make one program: a second vCPU with
 * a thread of its own, and a watchdog.
 *
 * A test is named after the statement of Documentation/security.md that it
 * shows, sNN_..., and is run by the row contract-NN of the table.
 */
#ifndef CONTRACT_H
#define CONTRACT_H

#include <pthread.h>
#include "../abi/vm.h"

/* vCPU 1 of @vm: same memory and CPUID. */
struct vm second_vcpu(const struct vm *vm);

/* A thread in KVM_RUN on that vCPU, until stop_runner(). */
struct runner {
	struct vm vm;
	pthread_t thread;
	volatile bool stop;
	int error;		/* why KVM_RUN ended, 0: an exit that it does not know */
};

void start_runner(struct runner *r, const struct vm *vm);
void stop_runner(struct runner *r);

/*
 * The guest runs for ever: does a signal end KVM_RUN?  Without one the test's
 * own time ends it, and that is a failure.
 */
#define CHECK_INTERRUPTIBLE(vm, what)					\
	check_interruptible(__FILE__, __LINE__, vm, what)
bool check_interruptible(const char *file, int line, const struct vm *vm,
			 const char *what);

#endif
