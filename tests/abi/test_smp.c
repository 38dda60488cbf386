// SPDX-License-Identifier: GPL-2.0
/*
 * test_smp.c - a guest on one CPU, and on another somebody who takes away what
 * it writes to.  When the call returns the guest has it no more: not soon, but
 * then.  And what two CPUs do at the same time.  Needs a host that has two.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include "vm.h"

#define HIGH	0x10000000ull
#define RW	(PROT_READ | PROT_WRITE)
#define ROUNDS	50
#define PAGES	64		/* of slot 1; the guest writes to the last */

/* Counts there as fast as it can, until 0xa008 says it is over. */
GUEST(64, counter,
	"mov $0x1003f000, %rsi\n"
	"1: incq (%rsi)\n cmpq $0, 0xa008\n je 1b\n" DONE);

struct busy {
	struct vm vm;
	pthread_t thread;
	u8 *host;
	volatile u64 *count;
};

static void need_two_cpus(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		skip("this host has one CPU");
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	REQUIRE(!sched_setaffinity(0, sizeof(set), &set));
}

/* What it writes to may be gone: that is no reason to stop. */
static void *keep_running(void *arg)
{
	const struct vm *vm = arg;

	pin(1);
	for (;;) {
		if (run(vm)) {
			if (CHECK_MSG(errno == EFAULT || errno == EINTR,
				      "KVM_RUN: %s", errno_name(errno)))
				continue;
			return NULL;
		}
		if (vm->run->exit_reason == KVM_EXIT_MMIO)
			continue;
		CHECK_EQ(vm->run->exit_reason, KVM_EXIT_IO);
		return NULL;
	}
}

static struct busy *busy_guest(u32 flags)
{
	struct busy *b = calloc(1, sizeof(*b));

	need_two_cpus();
	b->vm = vm_create(0);
	b->host = memory(PAGES * PAGE);
	b->count = (u64 *)(b->host + (PAGES - 1) * PAGE);
	START64(&b->vm, counter);
	REQUIRE_OK(set_slot(&b->vm, 1, flags, HIGH, PAGES * PAGE, b->host));
	pin(0);
	REQUIRE(!pthread_create(&b->thread, NULL, keep_running, &b->vm));
	return b;
}

static void end_guest(struct busy *b)
{
	data(&b->vm)[1] = 1;
	pthread_join(b->thread, NULL);
	vm_close(&b->vm);
	free(b);
}

/*
 * Until it is seen to count, and if possible quickly: then both CPUs run at this
 * very moment, whatever else the machine under them does.
 */
static void wait_busy(const struct busy *b)
{
	double begin = now(), from;
	u64 was;

	do {
		was = *b->count;
		from = now();
		while (*b->count == was)
			REQUIRE(now() < begin + 20);
	} while (now() - from > 0.00005 && now() < begin + 0.2);
}

/* Does @count change within a moment?  The guest's next exit is a tick away. */
static bool still_counts(volatile const u64 *count)
{
	u64 was = *count;
	double end = now() + 0.0003;

	while (now() < end)
		;
	return *count != was;
}

TEST(smp_moved, "pages that mremap() took away are written no more")
{
	struct busy *b = busy_guest(0);
	u8 *other = memory(PAGES * PAGE);
	int round, i, bad = 0;

	for (round = 0; round < ROUNDS; round++) {
		/* The guest's page is the last to be moved of many. */
		for (i = 0; i < PAGES - 1; i++)
			b->host[i * PAGE] = 1;
		wait_busy(b);
		REQUIRE(mremap(b->host, PAGES * PAGE, PAGES * PAGE,
			       MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
			       other) == other);
		bad += still_counts((u64 *)(other + (PAGES - 1) * PAGE));
	}
	CHECK_EQ(bad, 0);
	end_guest(b);
}

TEST(smp_protected, "pages that mprotect() made read-only are written no more")
{
	struct busy *b = busy_guest(0);
	int round, bad = 0;

	for (round = 0; round < ROUNDS; round++) {
		wait_busy(b);
		REQUIRE(!mprotect(b->host, PAGES * PAGE, PROT_READ));
		bad += still_counts(b->count);
		REQUIRE(!mprotect(b->host, PAGES * PAGE, RW));
	}
	CHECK_EQ(bad, 0);
	end_guest(b);
}

TEST(smp_slot_gone, "memory of a slot that was deleted is written no more")
{
	struct busy *b = busy_guest(0);
	int round, bad = 0;

	for (round = 0; round < ROUNDS / 4; round++) {
		wait_busy(b);
		REQUIRE_OK(set_slot(&b->vm, 1, 0, 0, 0, NULL));
		bad += still_counts(b->count);
		REQUIRE_OK(set_slot(&b->vm, 1, 0, HIGH, PAGES * PAGE, b->host));
	}
	CHECK_EQ(bad, 0);
	end_guest(b);
}

TEST(smp_dirty_log, "what is written after KVM_GET_DIRTY_LOG is in the next one")
{
	struct busy *b = busy_guest(KVM_MEM_LOG_DIRTY_PAGES);
	u64 map[PAGES / 64];
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = map };
	int round, bad = 0, wrote = 0;

	for (round = 0; round < ROUNDS; round++) {
		wait_busy(b);
		REQUIRE_OK(ioctl(b->vm.fd, KVM_GET_DIRTY_LOG, &log));
		if (!still_counts(b->count))
			continue;
		wrote++;
		REQUIRE_OK(ioctl(b->vm.fd, KVM_GET_DIRTY_LOG, &log));
		bad += !(map[0] >> (PAGES - 1) & 1);
	}
	CHECK_MSG(!bad, "%d writes were not logged", bad);
	printf("  %d of %d times it wrote meanwhile\n", wrote, round);
	end_guest(b);
}

/* ------------------------------------------------------------------------
 * Slots come and go meanwhile
 */

#define SECONDS	3

/* Adds 1 to each of 256 pages, round after round, until told. */
GUEST(64, all_pages,
	"1: mov $0x10000000, %rsi\n mov $256, %ecx\n"
	"2: incq (%rsi)\n add $4096, %rsi\n dec %ecx\n jnz 2b\n"
	"incq 0xa000\n cmpq $0, 0xa008\n je 1b\n" DONE);

TEST(smp_other_slots, "other slots come and go, and with them all translations: no write is lost")
{
	struct vm vm = vm_create(0);
	u64 *host = memory(256 * PAGE);
	pthread_t thread;
	int i, changes;
	double end;

	need_two_cpus();
	START64(&vm, all_pages);
	REQUIRE_OK(set_slot(&vm, 1, 0, HIGH, 256 * PAGE, host));
	pin(0);
	REQUIRE(!pthread_create(&thread, NULL, keep_running, &vm));
	for (end = now() + SECONDS, changes = 0; now() < end; changes++) {
		CHECK_OK(set_slot(&vm, 2, 0, 2 * HIGH, PAGE, vm.mem));
		CHECK_OK(set_slot(&vm, 2, 0, 0, 0, NULL));
	}
	data(&vm)[1] = 1;
	pthread_join(thread, NULL);
	CHECK(data(&vm)[0] > 0);
	for (i = 0; i < 256; i++)
		CHECK_EQ(host[i * 512], data(&vm)[0]);
	printf("  %d changes, %llu rounds\n", changes, (unsigned long long)data(&vm)[0]);
}

static atomic_int stop;

static void *read_logs(void *arg)
{
	const struct vm *vm = arg;
	u64 map[PAGES / 64];
	struct kvm_dirty_log log = { .slot = 2, .dirty_bitmap = map };
	long found = 0;

	pin(1);
	while (!stop) {
		if (!ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log))
			found++;
		else
			CHECK_EQ(errno, ENOENT);
	}
	return (void *)found;
}

TEST(smp_log_of_slot, "the dirty log of a slot that comes and goes")
{
	struct vm vm = vm_create(0);
	u8 *host = memory(PAGES * PAGE);
	pthread_t thread;
	void *found;
	double end;

	need_two_cpus();
	pin(0);
	REQUIRE(!pthread_create(&thread, NULL, read_logs, &vm));
	for (end = now() + SECONDS; now() < end;) {
		CHECK_OK(set_slot(&vm, 2, KVM_MEM_LOG_DIRTY_PAGES, HIGH, PAGES * PAGE, host));
		CHECK_OK(set_slot(&vm, 2, 0, 0, 0, NULL));
	}
	stop = 1;
	pthread_join(thread, &found);
	CHECK(found);
}
