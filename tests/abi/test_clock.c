// SPDX-License-Identifier: GPL-2.0
/*
 * test_clock.c - the guest's time: KVM_GET/SET_CLOCK, kvmclock's page, the wall
 * clock, KVM_KVMCLOCK_CTRL, and the TSC with its MSRs.
 */
#include <asm/kvm_para.h>
#include <sys/mman.h>
#include <time.h>
#include "vm.h"

#define HIGH		0x10000000ull
#define TSC		0x10
#define TSC_ADJUST	0x3b
#define SYSTEM_TIME	MSR_KVM_SYSTEM_TIME_NEW
#define WALL_CLOCK	MSR_KVM_WALL_CLOCK_NEW

/* What the guest reads; the API's, not in a header for user space. */
struct pvclock {
	u32 version, pad;
	u64 tsc_timestamp, system_time;
	u32 mul;
	signed char shift;
	u8 flags, pad2[2];
};

#define STABLE		1
#define GUEST_STOPPED	2

static struct kvm_clock_data get_clock(const struct vm *vm)
{
	struct kvm_clock_data c = {};

	REQUIRE_OK(ioctl(vm->fd, KVM_GET_CLOCK, &c));
	return c;
}

static int set_clock(const struct vm *vm, u64 ns, u32 flags)
{
	struct kvm_clock_data c = { .clock = ns, .flags = flags };

	return ioctl(vm->fd, KVM_SET_CLOCK, &c);
}

/* ------------------------------------------------------------------------
 * The ioctls
 */

TEST(clock_set, "KVM_SET_CLOCK: the clock goes on from there")
{
	static const u64 values[] = {
		0, 1000000000, 3600ull * 1000000000, 1ull << 60,
	};
	struct vm vm = vm_create(0);
	unsigned int i;

	CHECK(get_clock(&vm).clock < 5000000000);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		u64 a, b;

		CHECK_OK(set_clock(&vm, values[i], 0));
		a = get_clock(&vm).clock;
		usleep(20000);
		b = get_clock(&vm).clock;
		CHECK_MSG(a - values[i] < 2000000000, "set to %llu, reads %llu",
			  (long long)values[i], (long long)a);
		CHECK(b - a >= 15000000 && b - a < 2000000000);
	}
}

TEST(clock_flags, "flags of KVM_GET_CLOCK are announced, those of KVM_SET_CLOCK checked")
{
	int announced = ioctl(kvm_dev(), KVM_CHECK_EXTENSION,
			      KVM_CAP_ADJUST_CLOCK), bit;
	struct vm vm = vm_create(0);
	struct kvm_clock_data c;
	struct timespec ts;
	u64 before, real;

	c = get_clock(&vm);
	CHECK_EQ(c.flags & ~announced, 0);
	if (c.flags & KVM_CLOCK_REALTIME) {
		clock_gettime(CLOCK_REALTIME, &ts);
		real = ts.tv_sec * 1000000000ull + ts.tv_nsec;
		CHECK(real - c.realtime < 1000000000);
	}
	if (c.flags & KVM_CLOCK_HOST_TSC)
		CHECK(__builtin_ia32_rdtsc() - c.host_tsc < 10000000000);
	for (bit = 0; bit < 32; bit++) {
		before = get_clock(&vm).clock;
		if (announced & BIT(bit))
			continue;
		CHECK_ERRNO(set_clock(&vm, 77, BIT(bit)), EINVAL);
		CHECK(get_clock(&vm).clock >= before);
	}
	/* What was got can be set as it is. */
	c = get_clock(&vm);
	CHECK_OK(ioctl(vm.fd, KVM_SET_CLOCK, &c));
}

TEST(clock_realtime, "KVM_CLOCK_REALTIME adds the time that has passed since")
{
	struct vm vm = vm_create(0);
	struct kvm_clock_data c = get_clock(&vm);
	u64 now_ns;

	if (!(c.flags & KVM_CLOCK_REALTIME))
		skip("the clock source gives no real time");
	c.clock = 1000000000;
	c.flags = KVM_CLOCK_REALTIME;
	c.realtime -= 5000000000;	/* five seconds ago */
	CHECK_OK(ioctl(vm.fd, KVM_SET_CLOCK, &c));
	now_ns = get_clock(&vm).clock;
	CHECK_MSG(now_ns >= 6000000000 && now_ns < 8000000000, "%llu",
		  (long long)now_ns);
}

TEST(clock_backwards, "KVM_GET_CLOCK never goes backwards")
{
	struct vm vm = vm_create(0);
	u64 last = 0, t;
	int i;

	for (i = 0; i < 10000; i++) {
		t = get_clock(&vm).clock;
		if (!CHECK(t >= last))
			break;
		last = t;
	}
}

/* ------------------------------------------------------------------------
 * kvmclock
 */

/* As a Linux guest reads it: until the version is even and the same. */
GUEST(64, read_clock,
	"1: mov 0x40000, %r8d\n test $1, %r8d\n jnz 1b\n"
	"lfence\n rdtsc\n shl $32, %rdx\n or %rdx, %rax\n"
	"sub 0x40008, %rax\n movsbl 0x4001c, %ecx\n"
	"test %ecx, %ecx\n js 2f\n shl %cl, %rax\n jmp 3f\n"
	"2: neg %ecx\n shr %cl, %rax\n"
	"3: mov 0x40018, %edx\n mul %rdx\n shrd $32, %rdx, %rax\n"
	"add 0x40010, %rax\n"
	"cmp 0x40000, %r8d\n jne 1b\n"
	"cmp 0xa000, %rax\n jae 4f\n incq 0xa008\n"
	"4: mov %rax, 0xa000\n incq 0xa010\n"
	"testq $0xfff, 0xa010\n jnz 1b\n" STEP "jmp 1b\n");

TEST(clock_guest, "the guest's kvmclock is KVM_GET_CLOCK's, and does not run backwards")
{
	struct vm vm = vm_create(0);
	const struct pvclock *p = (const void *)(vm.mem + FREE);
	u64 before, after, seen;
	int i;

	START64(&vm, read_clock);
	CHECK_EQ(set_msr(vm.vcpu, SYSTEM_TIME, FREE | 1), 1);
	for (i = 0; i < 30; i++) {
		before = get_clock(&vm).clock;
		run_step(&vm);
		after = get_clock(&vm).clock;
		seen = data(&vm)[0];
		CHECK_MSG(seen + 1000000 >= before && seen <= after + 1000000,
			  "the guest sees %llu between %llu and %llu",
			  (long long)seen, (long long)before, (long long)after);
		CHECK_EQ(p->version & 1, 0);
		CHECK(p->mul >> 31);
	}
	CHECK_EQ(data(&vm)[1], 0);
	/* After KVM_SET_CLOCK it is the new one. */
	CHECK_OK(set_clock(&vm, 1ull << 50, 0));
	run_step(&vm);
	CHECK(data(&vm)[0] - (1ull << 50) < 2000000000);
}

TEST(clock_off, "a clock that is switched off is written no more")
{
	struct vm vm = vm_create(0);
	u64 value;

	start_servant(&vm);
	CHECK_EQ(set_msr(vm.vcpu, SYSTEM_TIME, FREE | 1), 1);
	PEEK(&vm, FREE);
	CHECK(((struct pvclock *)(vm.mem + FREE))->mul != 0);
	CHECK_EQ(get_msr(vm.vcpu, SYSTEM_TIME, &value), 1);
	CHECK_EQ(value, FREE | 1);
	CHECK_EQ(set_msr(vm.vcpu, SYSTEM_TIME, FREE), 1);
	memset(vm.mem + FREE, 0, 64);
	CHECK_OK(set_clock(&vm, 0, 0));
	PEEK(&vm, FREE);
	CHECK_EQ(((struct pvclock *)(vm.mem + FREE))->mul, 0);
}

/* A page that is not there, not all there, or taken away later. */
TEST(clock_bad_places, "clock pages in no memory, across its end, and in a slot that goes")
{
	static const u64 places[] = {
		MMIO | 1, (MEM_SIZE - 16) | 1, ~0ull, (~0ull << 12) | 1,
		(1ull << 52) | 1, (MEM_SIZE - 31) | 1, 0xfee00000 | 1,
	};
	struct vm vm = vm_create(VM_IRQCHIP);
	u64 *host = memory(2 * PAGE);
	unsigned int i;

	start_servant(&vm);
	memset(vm.mem + MEM_SIZE - 64, 0x5a, 64);
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		(void)!set_msr(vm.vcpu, SYSTEM_TIME, places[i]);
		(void)!set_msr(vm.vcpu, WALL_CLOCK, places[i] & ~1ull);
		PEEK(&vm, FREE);
		CHECK_OK(set_clock(&vm, i, 0));
		PEEK(&vm, FREE);
	}
	REQUIRE_OK(set_slot(&vm, 1, 0, HIGH, PAGE, host));
	CHECK_EQ(set_msr(vm.vcpu, SYSTEM_TIME, HIGH | 1), 1);
	PEEK(&vm, FREE);
	CHECK(host[3] != 0);
	CHECK_OK(set_slot(&vm, 1, 0, 0, 0, 0));
	memset(host, 0, PAGE);
	CHECK_OK(set_clock(&vm, 5, 0));
	PEEK(&vm, FREE);
	CHECK_EQ(host[3], 0);
	/* Another slot in its place, and the process's memory gone. */
	REQUIRE_OK(set_slot(&vm, 1, 0, HIGH, PAGE, host));
	munmap(host, PAGE);
	CHECK_OK(set_clock(&vm, 5, 0));
	PEEK(&vm, FREE);
}

/* It would write to a page that its address does not name. */
TEST(clock_two_pages, "a clock that would lie in two pages")
{
	struct vm vm = vm_create(0);
	u64 value;

	start_servant(&vm);
	memset(vm.mem + FREE, 0, 2 * PAGE);
	CHECK_EQ(set_msr(vm.vcpu, SYSTEM_TIME, (FREE + PAGE - 16) | 1), 1);
	PEEK(&vm, FREE);
	CHECK_EQ(get_msr(vm.vcpu, SYSTEM_TIME, &value), 1);
	if (!differs(DEV_clock_two_pages))
		return;
	/* system_time, which may be 0, and what it is to be scaled by */
	CHECK_EQ(*(u64 *)(vm.mem + FREE + PAGE), 0);
	CHECK_EQ(*(u64 *)(vm.mem + FREE + PAGE + 8), 0);
}

TEST(clock_unmapped, "a clock in memory that the process does not have at the moment")
{
	struct vm vm = vm_create(0);
	u32 *page = memory(PAGE);

	CHECK_OK(set_slot(&vm, 1, 0, HIGH, PAGE, page));
	start_servant(&vm);
	PEEK(&vm, FREE);
	mprotect(page, PAGE, PROT_NONE);
	CHECK_EQ(set_msr(vm.vcpu, SYSTEM_TIME, HIGH | 1), 1);
	PEEK(&vm, FREE);
	mprotect(page, PAGE, PROT_READ);
	PEEK(&vm, FREE);
	CHECK_EQ(page[0], 0);
	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
	PEEK(&vm, FREE);
	if (differs(DEV_clock_missed))
		CHECK(page[0] && !(page[0] & 1));
}

TEST(clock_wall, "the wall clock and kvmclock together are the time of day")
{
	struct vm vm = vm_create(0);
	const u32 *wall = (const u32 *)(vm.mem + FREE);
	struct timespec ts;
	double guest;

	CHECK_EQ(set_msr(vm.vcpu, WALL_CLOCK, FREE), 1);
	clock_gettime(CLOCK_REALTIME, &ts);
	guest = wall[1] + wall[2] / 1e9 + get_clock(&vm).clock / 1e9;
	CHECK_EQ(wall[0] & 1, 0);
	CHECK(wall[0] != 0);
	CHECK_MSG(guest > ts.tv_sec - 2 && guest < ts.tv_sec + 2,
		  "%.3f, not %ld", guest, (long)ts.tv_sec);
}

TEST(clock_stopped, "KVM_KVMCLOCK_CTRL tells the guest that it was stopped")
{
	struct vm vm = vm_create(0);
	struct pvclock *p = (void *)(vm.mem + FREE);

	start_servant(&vm);
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_KVMCLOCK_CTRL, 0), EINVAL);
	CHECK_EQ(set_msr(vm.vcpu, SYSTEM_TIME, FREE | 1), 1);
	PEEK(&vm, FREE);
	CHECK_EQ(p->flags & GUEST_STOPPED, 0);
	CHECK_OK(ioctl(vm.vcpu, KVM_KVMCLOCK_CTRL, 0));
	PEEK(&vm, FREE);
	CHECK_EQ(p->flags & GUEST_STOPPED, GUEST_STOPPED);
	CHECK_OK(set_clock(&vm, 0, 0));
	PEEK(&vm, FREE);
	CHECK_EQ(p->flags & GUEST_STOPPED, GUEST_STOPPED);
	/* The guest clears it; it stays clear. */
	p->flags &= ~GUEST_STOPPED;
	CHECK_OK(set_clock(&vm, 0, 0));
	PEEK(&vm, FREE);
	CHECK_EQ(p->flags & GUEST_STOPPED, 0);
}

/* ------------------------------------------------------------------------
 * TSC
 */

GUEST(64, read_tsc, "1: rdtsc\n shl $32, %rdx\n or %rdx, %rax\n mov %rax, 0xa000\n"
	"mov $0x10, %ecx\n rdmsr\n shl $32, %rdx\n or %rdx, %rax\n"
	"mov %rax, 0xa008\n" STEP "jmp 1b\n");

static u64 guest_tsc(const struct vm *vm)
{
	run_step(vm);
	return data(vm)[0];
}

TEST(clock_tsc, "RDTSC, RDMSR and KVM_GET_MSRS are one counter")
{
	struct vm vm = vm_create(0);
	u64 a, b, msr;
	int i;

	START64(&vm, read_tsc);
	for (i = 0; i < 20; i++) {
		a = guest_tsc(&vm);
		CHECK(data(&vm)[1] >= a);
		CHECK_EQ(get_msr(vm.vcpu, TSC, &msr), 1);
		CHECK(msr >= data(&vm)[1]);
		b = guest_tsc(&vm);
		CHECK(b >= msr);
	}
}

TEST(clock_set_tsc, "KVM_SET_MSRS of the TSC: the guest goes on from there")
{
	static const u64 values[] = { 1ull << 40, 1ull << 50, 1000, 1ull << 62 };
	struct vm vm = vm_create(0);
	unsigned int i;
	u64 t;

	START64(&vm, read_tsc);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		CHECK_EQ(set_msr(vm.vcpu, TSC, values[i]), 1);
		t = guest_tsc(&vm);
		CHECK_MSG(t - values[i] < 20000000000, "set to %#llx, is %#llx",
			  (long long)values[i], (long long)t);
	}
}

/* What a client writes to a vCPU that it resets, or adds while others run. */
TEST(clock_tsc_zero, "KVM_SET_MSRS of the TSC to 0: the vCPU joins the others")
{
	struct vm vm = vm_create(0);
	int other = vm_add_vcpu(&vm, 1);
	u64 a, b;

	CHECK_EQ(set_msr(vm.vcpu, TSC, 1ull << 50), 1);
	CHECK_EQ(set_msr(other, TSC, 0), 1);
	CHECK_EQ(get_msr(vm.vcpu, TSC, &a), 1);
	CHECK_EQ(get_msr(other, TSC, &b), 1);
	CHECK_MSG(b - a < 20000000000, "%#llx and %#llx", (long long)a, (long long)b);
	CHECK_EQ(set_msr(vm.vcpu, TSC, 0), 1);
	CHECK_EQ(get_msr(vm.vcpu, TSC, &a), 1);
	CHECK_MSG(a - b < 20000000000, "%#llx and %#llx", (long long)b, (long long)a);
}

/* With the TSC of another vCPU a guest could not read the clock page of this. */
TEST(clock_tsc_apart, "clocks are called stable only as long as the vCPUs' TSCs agree")
{
	struct vm vm = vm_create(0);
	struct pvclock *p = (void *)(vm.mem + FREE);
	int other = vm_add_vcpu(&vm, 1);

	start_servant(&vm);
	CHECK_EQ(set_msr(vm.vcpu, SYSTEM_TIME, FREE | 1), 1);
	CHECK_EQ(set_msr(vm.vcpu, TSC, 1ull << 50), 1);
	CHECK_EQ(set_msr(other, TSC, 1ull << 50), 1);
	PEEK(&vm, FREE);
	if (!(get_clock(&vm).flags & KVM_CLOCK_HOST_TSC))
		skip("the host's TSC is not stable");
	CHECK_EQ(p->flags & STABLE, STABLE);
	CHECK(get_clock(&vm).flags & KVM_CLOCK_TSC_STABLE);
	CHECK_EQ(set_msr(vm.vcpu, TSC, 1ull << 40), 1);
	PEEK(&vm, FREE);
	CHECK_EQ(p->flags & STABLE, 0);
	CHECK_EQ(get_clock(&vm).flags & KVM_CLOCK_TSC_STABLE, 0);
	CHECK_EQ(set_msr(other, TSC, 1ull << 40), 1);
	CHECK_EQ(set_msr(vm.vcpu, TSC, 1ull << 40), 1);
	PEEK(&vm, FREE);
	CHECK_EQ(p->flags & STABLE, STABLE);
}

TEST(clock_tsc_slow, "TSCs that user space restores one by one agree, however long that takes")
{
	struct vm vm = vm_create(0);
	int other[5], i;
	u64 first, last;
	double before;

	start_servant(&vm);
	PEEK(&vm, FREE);
	if (!(get_clock(&vm).flags & KVM_CLOCK_HOST_TSC))
		skip("the host's TSC is not stable");
	for (i = 0; i < 5; i++)
		other[i] = vm_add_vcpu(&vm, 1 + i);
	before = now();
	CHECK_EQ(set_msr(vm.vcpu, TSC, 1ull << 50), 1);
	/* In more than a second in all, but less from one to the next. */
	for (i = 0; i < 5; i++) {
		usleep(300000);
		if (now() - before > 0.9)
			skip("this host is too busy");
		before = now();
		CHECK_EQ(set_msr(other[i], TSC, 1ull << 50), 1);
	}
	CHECK(get_clock(&vm).flags & KVM_CLOCK_TSC_STABLE);
	CHECK_EQ(get_msr(other[4], TSC, &last), 1);
	CHECK_EQ(get_msr(vm.vcpu, TSC, &first), 1);
	CHECK_MSG(first - last < 1000000000, "%lld apart", (long long)(first - last));
}

TEST(clock_tsc_two, "one vCPU's TSC is not another's")
{
	struct vm vm = vm_create(0), b;
	u64 before, t, msr;

	b = vm;
	b.vcpu = vm_add_vcpu(&vm, 1);
	b.run = vcpu_map(b.vcpu);
	vcpu_set_cpuid(b.vcpu);
	START64(&vm, read_tsc);
	guest_tsc(&vm);
	CHECK_EQ(get_msr(b.vcpu, TSC, &before), 1);
	/* The guest of the first writes its own: user space's way is for all. */
	start_servant(&vm);
	DO(&vm, WRMSR, TSC, 1ull << 55);
	CHECK_EQ(get_msr(vm.vcpu, TSC, &t), 1);
	CHECK(t - (1ull << 55) < 20000000000);
	CHECK_EQ(get_msr(b.vcpu, TSC, &msr), 1);
	CHECK(msr - before < 20000000000);
}

TEST(clock_tsc_adjust, "IA32_TSC_ADJUST moves the guest's TSC")
{
	struct vm vm = vm_create(0);
	u64 t, value;

	start_servant(&vm);
	CHECK_EQ(set_msr(vm.vcpu, TSC, 1ull << 40), 1);
	DO(&vm, WRMSR, TSC_ADJUST, 1ull << 45);
	CHECK_EQ(get_msr(vm.vcpu, TSC, &t), 1);
	CHECK((t >> 40) == 33);
	CHECK_EQ(get_msr(vm.vcpu, TSC_ADJUST, &value), 1);
	CHECK_EQ(value, 1ull << 45);
	/* A write of the TSC by the guest shows here too. */
	DO(&vm, WRMSR, TSC, 1ull << 50);
	CHECK_EQ(get_msr(vm.vcpu, TSC_ADJUST, &value), 1);
	/* By as much as it has moved: from 33 << 40 and a bit. */
	CHECK((1023ull << 40) - value < 20000000000);
	/* Restored by user space it moves nothing. */
	CHECK_EQ(set_msr(vm.vcpu, TSC_ADJUST, 5), 1);
	CHECK_EQ(get_msr(vm.vcpu, TSC, &t), 1);
	CHECK((t >> 40) == 1 << 10);
}

TEST(clock_khz, "KVM_GET_TSC_KHZ is the frequency")
{
	struct vm vm = vm_create(0);
	int khz = ioctl(vm.vcpu, KVM_GET_TSC_KHZ, 0);
	u64 a, b;
	double start, least, most;

	REQUIRE(khz > 0);
	start = now();
	get_msr(vm.vcpu, TSC, &a);
	least = now();
	usleep(200000);
	least = now() - least;
	get_msr(vm.vcpu, TSC, &b);
	most = now() - start;
	CHECK_MSG(b - a > least * khz * 800. && b - a < most * khz * 1200.,
		  "%llu ticks in %f to %f s, with %d kHz", (long long)(b - a),
		  least, most, khz);
}
