// SPDX-License-Identifier: GPL-2.0
/*
 * test_host.c - what a process has in its processor is there after KVM_RUN as
 * it was before, whatever the guest had there.  See also test_fpu.c.
 */
#include <cpuid.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <x86intrin.h>
#include "vm.h"

#define MSR_TSC_AUX	0xc0000103

GUEST(64, loops, "1: " DONE "jmp 1b\n");

static bool has_rdtscp(void)
{
	unsigned int a, b, c, d = 0;

	return __get_cpuid(0x80000001, &a, &b, &c, &d) && (d & BIT(27));
}

static u32 tsc_aux(void)
{
	unsigned int aux;

	__rdtscp(&aux);
	return aux;
}

TEST(host_tsc_aux, "RDTSCP tells the process its CPU, not what the guest put there")
{
	struct vm vm = vm_create(0);
	cpu_set_t set;
	u32 before;
	int i;

	if (!has_rdtscp())
		skip("no RDTSCP");
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	REQUIRE(!sched_setaffinity(0, sizeof(set), &set));
	before = tsc_aux();
	START64(&vm, loops);
	for (i = 0; i < 5; i++) {
		CHECK_EQ(set_msr(vm.vcpu, MSR_TSC_AUX, 0x12340000 + i), 1);
		CHECK_OK(run(&vm));
		CHECK_EQ(vm.run->exit_reason, KVM_EXIT_IO);
		CHECK_EQ(tsc_aux(), before);
	}
}

static sigjmp_buf back;

static void on_segv(int sig)
{
	siglongjmp(back, sig);
}

static bool rdtsc_faults(void)
{
	if (sigsetjmp(back, 1))
		return true;
	_mm_lfence();
	__rdtsc();
	return false;
}

/* PR_SET_TSC lives in CR4.  No clock may be read meanwhile: it is RDTSC, too. */
TEST(host_cr4, "RDTSC that a process denies itself stays denied, one allowed stays allowed")
{
	struct vm vm = vm_create(0);
	int i;

	signal(SIGSEGV, on_segv);
	START64(&vm, loops);
	for (i = 0; i < 6; i++) {
		bool deny = i & 1;
		long r, faults;

		REQUIRE(!prctl(PR_SET_TSC, deny ? PR_TSC_SIGSEGV : PR_TSC_ENABLE));
		r = run(&vm);
		faults = rdtsc_faults();
		prctl(PR_SET_TSC, PR_TSC_ENABLE);
		CHECK_EQ(r, 0);
		CHECK_EQ(vm.run->exit_reason, KVM_EXIT_IO);
		CHECK_EQ(faults, deny);
	}
}
