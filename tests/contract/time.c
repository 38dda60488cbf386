// SPDX-License-Identifier: GPL-2.0
/*
 * time.c - statements 15 and 16: what the host writes for a guest's clock
 * stays within the page and the slot that the guest named, and time goes
 * forward, whoever looks.
 */
#include <sched.h>
#include "contract.h"

#define SYSTEM_TIME	0x4b564d01
#define WALL_CLOCK	0x4b564d00
#define CLOCK_SIZE	32
#define WALL_SIZE	12

/* ------------------------------------------------------------------------
 * 15
 */

static bool untouched(const u8 *p, size_t size)
{
	while (size--)
		if (*p++ != 0x5c)
			return false;
	return true;
}

/* The clock at @offset of the page: is anything written beyond its page? */
static void clock_at(const struct vm *vm, u32 msr, unsigned int size,
		     unsigned int offset)
{
	u8 *page = vm->mem + FREE;
	bool fits = offset + size <= PAGE;
	u64 value;

	memset(page - PAGE, 0x5c, 3 * PAGE);
	memset(page + offset, 0, offset + size <= PAGE ? size : PAGE - offset);
	DO(vm, WRMSR, msr, (FREE + offset) | (msr == SYSTEM_TIME));
	PEEK(vm, DATA);
	CHECK_EQ(get_msr(vm->vcpu, msr, &value), 1);
	if (fits) {
		CHECK(untouched(page - PAGE, PAGE + offset));
		CHECK(untouched(page + offset + size, 2 * PAGE - offset - size));
		CHECK_MSG(page[offset] || page[offset + 4] || page[offset + 8],
			  "MSR %#x: nothing was written at %#x", msr, offset);
	} else if (differs(DEV_clock_two_pages)) {
		CHECK(untouched(page - PAGE, PAGE + offset));
		CHECK_MSG(untouched(page + PAGE, PAGE),
			  "MSR %#x at %#x: written to the next page", msr, offset);
	}
	if (msr == SYSTEM_TIME)
		DO(vm, WRMSR, msr, 0);
}

TEST(s15_two_pages, "clocks at each place near the end of a page")
{
	struct vm vm = vm_create(0);
	unsigned int offset;

	start_servant(&vm);
	for (offset = PAGE - 64; offset < PAGE; offset += 4) {
		clock_at(&vm, SYSTEM_TIME, CLOCK_SIZE, offset);
		clock_at(&vm, WALL_CLOCK, WALL_SIZE, offset);
	}
}

struct clock_flipper {
	const struct vm *vm;
	u8 *old, *new;
	volatile bool stop;
	unsigned int rounds;
};

/*
 * The slot that holds the clock is replaced by one with other memory.  When
 * that ioctl returns, nothing may be written to the old memory any more.
 */
static void *clock_flipper(void *arg)
{
	struct clock_flipper *f = arg;
	struct kvm_clock_data c = {};

	while (!f->stop) {
		u8 *old = f->rounds & 1 ? f->new : f->old;
		u8 *new = f->rounds & 1 ? f->old : f->new;

		CHECK_OK(set_slot(f->vm, 1, 0, 0, 0, NULL));
		memset(old, 0x5c, PAGE);
		CHECK_OK(set_slot(f->vm, 1, 0, 0x10000000, PAGE, new));
		c.clock += 1000000000;
		CHECK_OK(ioctl(f->vm->fd, KVM_SET_CLOCK, &c));
		usleep(500);
		if (!CHECK(untouched(old, PAGE)))
			break;
		memset(new, 0, CLOCK_SIZE);
		f->rounds++;
	}
	f->stop = true;
	return NULL;
}

TEST(s15_slot_goes, "a clock is not written to the memory of a slot that is gone")
{
	struct vm vm = vm_create(0);
	struct clock_flipper f = { .vm = &vm, .old = memory(PAGE), .new = memory(PAGE) };
	double end = now() + 2;
	pthread_t thread;

	start_servant(&vm);
	REQUIRE_OK(set_slot(&vm, 1, 0, 0x10000000, PAGE, f.old));
	CHECK_EQ(set_msr(vm.vcpu, SYSTEM_TIME, 0x10000000 | 1), 1);
	REQUIRE(!pthread_create(&thread, NULL, clock_flipper, &f));
	while ((now() < end || f.rounds <= 10) && !f.stop)
		PEEK(&vm, DATA);
	f.stop = true;
	pthread_join(thread, NULL);
	CHECK(f.rounds > 10);
}

/* ------------------------------------------------------------------------
 * 16
 */

/*
 * Both vCPUs: take the lock, read the TSC and the clock, and compare.  With what
 * the last one to have it read, of either, if the clock's flag says that its TSC
 * may be trusted by all; else the clock with this vCPU's own last (RSI: which).
 * The clock pages are at RBX; at 0x40000 there is a struct turns.
 */
struct turns {
	u64 lock, tsc, clock;		/* read last, by either */
	u64 tsc_back, clock_back;
	u64 stable;			/* so often it was */
	u64 turns[2], own[2];
};

GUEST(64, two_clocks,
	"1: mov $1, %eax\n xchg %eax, 0x40000\n test %eax, %eax\n jz 2f\n pause\n jmp 1b\n"
	"2: mov (%rbx), %r8d\n test $1, %r8d\n jnz 2b\n"
	"lfence\n rdtsc\n shl $32, %rdx\n or %rdx, %rax\n mov %rax, %r9\n"
	"sub 8(%rbx), %rax\n movsbl 0x1c(%rbx), %ecx\n"
	"test %ecx, %ecx\n js 3f\n shl %cl, %rax\n jmp 4f\n"
	"3: neg %ecx\n shr %cl, %rax\n"
	"4: mov 0x18(%rbx), %edx\n mul %rdx\n shrd $32, %rdx, %rax\n"
	"add 0x10(%rbx), %rax\n mov 0x1d(%rbx), %r10b\n"
	"cmp (%rbx), %r8d\n jne 2b\n"
	"test $1, %r10b\n jz 5f\n incq 0x40028\n"
	"cmp 0x40008, %r9\n jae 6f\n incq 0x40018\n"
	"6: cmp 0x40010, %rax\n jae 5f\n incq 0x40020\n"
	"5: cmp 0x40040(, %rsi, 8), %rax\n jae 7f\n incq 0x40020\n"
	"7: mov %r9, 0x40008\n mov %rax, 0x40010\n"
	"mov %rax, 0x40040(, %rsi, 8)\n incq 0x40030(, %rsi, 8)\n"
	"movl $0, 0x40000\n pause\n jmp 1b\n");

struct unrest {
	const struct vm *vm;
	volatile bool stop;
};

static void *unrest_thread(void *arg)
{
	struct unrest *u = arg;
	u8 *page = memory(PAGE);
	unsigned int i = 0;
	cpu_set_t set;

	/* The first vCPU's thread, now here, now there; a slot, for an update in place. */
	while (!u->stop) {
		CPU_ZERO(&set);
		CPU_SET(i++ & 1, &set);
		sched_setaffinity(getpid(), sizeof(set), &set);
		usleep(2000);
		CHECK_OK(set_slot(u->vm, 1, 0, 0x10000000, i & 1 ? PAGE : 0, page));
		usleep(1000);
	}
	return NULL;
}

static void enter_two(const struct vm *vm, u64 id, u64 clock)
{
	struct kvm_regs r;

	vcpu_enter64(vm->vcpu, CODE);
	r = get_regs(vm);
	r.rbx = clock;
	r.rsi = id;
	set_regs(vm, &r);
	CHECK_EQ(set_msr(vm->vcpu, SYSTEM_TIME, clock | 1), 1);
}

TEST(s16_two_vcpus, "TSC and kvmclock go forward across two vCPUs that move from CPU to CPU")
{
	struct vm vm = vm_create(0), other = second_vcpu(&vm);
	struct turns *t = (struct turns *)(vm.mem + FREE);
	struct runner thread;
	struct unrest unrest = { .vm = &vm };
	pthread_t mover;
	double end = now() + 2;

	START64(&vm, two_clocks);
	memset(t, 0, PAGE);
	enter_two(&vm, 0, FREE + PAGE);
	enter_two(&other, 1, FREE + PAGE + 64);
	REQUIRE(!pthread_create(&mover, NULL, unrest_thread, &unrest));
	start_runner(&thread, &other);
	while (now() < end || t->turns[0] <= 10 || t->turns[1] <= 10)
		if (!CHECK_INTERRUPTIBLE(&vm, "the first vCPU"))
			break;
	stop_runner(&thread);
	unrest.stop = true;
	pthread_join(mover, NULL);
	printf("  %llu and %llu turns, %llu with a TSC that is everybody's\n",
	       (long long)t->turns[0], (long long)t->turns[1],
	       (long long)t->stable);
	CHECK(t->turns[0] > 10 && t->turns[1] > 10);
	CHECK_EQ(t->tsc_back, 0);
	CHECK_EQ(t->clock_back, 0);
}

TEST(s16_other_tsc, "a guest that writes its TSC, or TSC_ADJUST, moves no other's")
{
	struct vm vm = vm_create(0), other = second_vcpu(&vm);
	u64 before, after, t;
	int i;

	start_servant(&vm);
	vcpu_enter64(other.vcpu, CODE);
	run_step(&other);
	for (i = 0; i < 6; i++) {
		CHECK_EQ(get_msr(other.vcpu, 0x10, &before), 1);
		t = random64() >> 2;
		DO(&vm, WRMSR, i & 1 ? 0x3b : 0x10, t);
		DO(&other, RDMSR, 0x10, 0);
		after = answer(&vm);
		CHECK_MSG(after - before < 100000000000, "%#llx, then %#llx",
			  (long long)before, (long long)after);
	}
}
