// SPDX-License-Identifier: GPL-2.0
/*
 * test_memory.c - the process changes its memory under a guest that uses it:
 * unmaps, protects, truncates, replaces, drops, frees, copies on fork.  The guest
 * sees the new state at once; where there is nothing any more, KVM_RUN fails
 * with EFAULT, and goes on once there is something again.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include "vm.h"

#define HIGH	0x10000000ull
#define RW	(PROT_READ | PROT_WRITE)

/* A guest with slot 1 of @size at HIGH, and the memory. */
static u8 *machine(struct vm *vm, size_t size)
{
	u8 *host = memory(size);

	*vm = vm_create(0);
	start_servant(vm);
	REQUIRE_OK(set_slot(vm, 1, 0, HIGH, size, host));
	return host;
}

static void put_back(void *at, size_t size)
{
	REQUIRE(mmap(at, size, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		     0) == at);
}

/* The order cannot be carried out now, any number of times. */
static void expect_efault(const struct vm *vm, int op, u64 address)
{
	int i;

	order(vm, op, address, 1);
	for (i = 0; i < 3; i++)
		CHECK_ERRNO(run(vm), EFAULT);
}

TEST(memory_unmapped, "memory that goes away: EFAULT, and on again when it is back")
{
	struct vm vm;
	u64 *host = (u64 *)machine(&vm, 2 * PAGE);

	/* Never touched, then known to the MMU. */
	munmap(host, 2 * PAGE);
	expect_efault(&vm, READ8, HIGH);
	put_back(host, 2 * PAGE);
	host[0] = 11;
	run_step(&vm);
	CHECK_EQ(answer(&vm), 11);
	POKE(&vm, HIGH, 12);
	munmap(host, PAGE);
	expect_efault(&vm, READ8, HIGH);
	put_back(host, PAGE);
	host[0] = 13;
	run_step(&vm);
	CHECK_EQ(answer(&vm), 13);
	munmap(host, PAGE);
	expect_efault(&vm, WRITE8, HIGH);
	put_back(host, PAGE);
	run_step(&vm);
	CHECK_EQ(host[0], 1);
	/* The other page was never concerned. */
	CHECK_EQ(PEEK(&vm, HIGH + PAGE), 0);
}

TEST(memory_protected, "mprotect() binds the guest")
{
	struct vm vm;
	u64 *host = (u64 *)machine(&vm, PAGE);

	POKE(&vm, HIGH, 21);
	mprotect(host, PAGE, PROT_READ);
	CHECK_EQ(PEEK(&vm, HIGH), 21);
	expect_efault(&vm, WRITE8, HIGH);
	mprotect(host, PAGE, RW);
	run_step(&vm);
	CHECK_EQ(host[0], 1);
	mprotect(host, PAGE, PROT_READ);
	expect_efault(&vm, XADD8, HIGH);
	mprotect(host, PAGE, PROT_NONE);
	CHECK_ERRNO(run(&vm), EFAULT);
	mprotect(host, PAGE, RW);
	run_step(&vm);
	CHECK_EQ(answer(&vm), 1);
	CHECK_EQ(host[0], 2);
	mprotect(host, PAGE, PROT_NONE);
	expect_efault(&vm, READ8, HIGH);
	mprotect(host, PAGE, RW);
	run_step(&vm);
	CHECK_EQ(answer(&vm), 2);
}

TEST(memory_truncated, "a file behind a slot is truncated")
{
	int fd = memfd_create("abi", 0);
	struct vm vm = vm_create(0);
	u64 *host;

	REQUIRE(!ftruncate(fd, 4 * PAGE));
	host = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	REQUIRE(host != MAP_FAILED);
	start_servant(&vm);
	REQUIRE_OK(set_slot(&vm, 1, 0, HIGH, 4 * PAGE, host));
	POKE(&vm, HIGH, 31);
	POKE(&vm, HIGH + 3 * PAGE, 32);
	REQUIRE(!ftruncate(fd, 2 * PAGE));
	CHECK_EQ(PEEK(&vm, HIGH), 31);
	expect_efault(&vm, READ8, HIGH + 3 * PAGE);
	expect_efault(&vm, WRITE8, HIGH + 2 * PAGE);
	REQUIRE(!ftruncate(fd, 4 * PAGE));
	CHECK_EQ(PEEK(&vm, HIGH + 3 * PAGE), 0);
}

TEST(memory_closed_file, "a file behind a slot is closed, its pages are dropped and come back")
{
	int fd = memfd_create("abi", 0);
	struct vm vm = vm_create(0);
	u64 *host;

	REQUIRE(!ftruncate(fd, 2 * PAGE));
	host = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	REQUIRE(host != MAP_FAILED);
	start_servant(&vm);
	REQUIRE_OK(set_slot(&vm, 1, 0, HIGH, 2 * PAGE, host));
	close(fd);
	POKE(&vm, HIGH, 51);
	/* Out of the process's page table, not out of the file. */
	REQUIRE(!madvise(host, 2 * PAGE, MADV_DONTNEED));
	CHECK_EQ(PEEK(&vm, HIGH), 51);
	CHECK_EQ(PEEK(&vm, HIGH + PAGE), 0);
	REQUIRE(!madvise(host, 2 * PAGE, MADV_DONTNEED));
	POKE(&vm, HIGH + PAGE, 52);
	CHECK_EQ(host[512], 52);
	/* A hole in the file: zeroes, until something is written again. */
	REQUIRE(!madvise(host, 2 * PAGE, MADV_REMOVE));
	CHECK_EQ(PEEK(&vm, HIGH), 0);
	POKE(&vm, HIGH, 53);
	CHECK_EQ(host[0], 53);
}

/* Each access is a fault of ours, of the emulator's, or of an exit's completion. */
GUEST(64, strings,
	"mov $0x10000000, %edi\n mov $0x60, %edx\n mov $4, %ecx\n rep insb\n" STEP
	"mov $0x10000000, %esi\n mov $4, %ecx\n rep outsb\n" STEP
	"mov $0xd0000000, %esi\n mov $0x10000000, %edi\n movsb\n" STEP
	"mov $0xd0000000, %edi\n mov $0x10000000, %esi\n movsb\n" DONE);

/* Runs to the next step while memory is gone half of the time. */
static bool step_with_holes(const struct vm *vm, u8 *host, u16 port)
{
	struct kvm_run *r = vm->run;
	int i;

	for (i = 0; i < 100; i++) {
		mprotect(host, PAGE, i & 1 ? RW : PROT_NONE);
		if (run(vm)) {
			if (!CHECK_EQ(errno, EFAULT))
				return false;
			continue;
		}
		if (r->exit_reason == KVM_EXIT_IO && r->io.port == port)
			return true;
		if (r->exit_reason == KVM_EXIT_IO && r->io.direction == KVM_EXIT_IO_IN)
			memset(io_data(vm), 0x66, r->io.count);
		else if (r->exit_reason == KVM_EXIT_MMIO && !r->mmio.is_write)
			memset(r->mmio.data, 0x66, 8);
		else if (r->exit_reason != KVM_EXIT_IO && r->exit_reason != KVM_EXIT_MMIO)
			break;
	}
	check_failed(__FILE__, __LINE__, "no end: exit %s", exit_name(r->exit_reason));
	return false;
}

TEST(memory_holes, "string and memory I/O while the memory comes and goes")
{
	struct vm vm;
	u8 *host = machine(&vm, PAGE);

	if (!differs(DEV_emulated_efault))
		skip("where there is no memory, the stock module sees MMIO");
	START64(&vm, strings);
	if (!step_with_holes(&vm, host, PORT_STEP) || !step_with_holes(&vm, host, PORT_STEP) ||
	    !step_with_holes(&vm, host, PORT_STEP) || !step_with_holes(&vm, host, PORT_DONE))
		return;
	mprotect(host, PAGE, RW);
	CHECK_EQ(host[0], 0x66);
	CHECK_EQ(host[3], 0x66);
}

GUEST(64, strings_on,
	"mov $0x10000fb0, %esi\n mov $0xd0000000, %edi\n mov $20, %ecx\n rep movsq\n" STEP
	"mov $0x10000fb0, %esi\n mov $0x60, %edx\n mov $160, %ecx\n rep outsb\n" DONE);

TEST(memory_half_strings, "what a string sends before its memory ends, and after, is sent once")
{
	struct vm vm;
	u8 *host = machine(&vm, 2 * PAGE), *data;
	struct kvm_run *r = vm.run;
	unsigned int i, n, len, sent, faults;

	if (!differs(DEV_emulated_efault))
		skip("where there is no memory, the stock module sees MMIO");
	START64(&vm, strings_on);
	for (i = 0; i < 160; i++)
		host[PAGE - 80 + i] = i ^ 0x5a;
	for (n = 0; n < 2; n++) {
		mprotect(host + PAGE, PAGE, PROT_NONE);
		for (sent = faults = 0; sent <= 160 && faults < 9;) {
			if (run(&vm)) {
				if (!CHECK_EQ(errno, EFAULT))
					return;
				CHECK_EQ(sent, 80);
				faults++;
				mprotect(host + PAGE, PAGE, RW);
				continue;
			}
			data = n ? io_data(&vm) : r->mmio.data;
			if (r->exit_reason == KVM_EXIT_MMIO)
				len = r->mmio.len;
			else if (r->io.port == 0x60)
				len = r->io.count;
			else
				break;
			for (i = 0; i < len; i++)
				CHECK_EQ(data[i], (u8)((sent + i) ^ 0x5a));
			sent += len;
		}
		CHECK_EQ(sent, 160);
		CHECK_EQ(faults, 1);
		CHECK_EQ(r->exit_reason, KVM_EXIT_IO);
	}
}

TEST(memory_replaced, "other memory at the same address is what the guest sees")
{
	struct vm vm;
	u64 *host = (u64 *)machine(&vm, PAGE);
	int i;

	for (i = 0; i < 20; i++) {
		POKE(&vm, HIGH, i);
		put_back(host, PAGE);
		CHECK_EQ(PEEK(&vm, HIGH), 0);
		host[1] = i;
		CHECK_EQ(PEEK(&vm, HIGH + 8), i);
		madvise(host, PAGE, MADV_DONTNEED);
		CHECK_EQ(PEEK(&vm, HIGH + 8), 0);
	}
}

TEST(memory_moved, "mremap() takes the pages away")
{
	struct vm vm;
	u64 *host = (u64 *)machine(&vm, PAGE), *other = memory(PAGE);

	POKE(&vm, HIGH, 41);
	REQUIRE(mremap(host, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       other) == other);
	CHECK_EQ(other[0], 41);
	expect_efault(&vm, READ8, HIGH);
	put_back(host, PAGE);
	CHECK_EQ(PEEK(&vm, HIGH), 0);
	POKE(&vm, HIGH, 42);
	CHECK_EQ(other[0], 41);
}

TEST(memory_fork, "after fork() guest and child have copies of their own")
{
	struct vm vm;
	u64 *host = (u64 *)machine(&vm, 2 * PAGE);
	int to_child[2], status;
	char byte = 0;
	pid_t pid;

	POKE(&vm, HIGH, 51);
	CHECK_EQ(PEEK(&vm, HIGH + PAGE), 0);
	REQUIRE(!pipe(to_child));
	pid = fork();
	if (!pid) {
		CHECK_EQ(read(to_child[0], &byte, 1), 1);
		CHECK_EQ(host[0], 51);
		CHECK_EQ(host[512], 0);
		_exit(failures ? 1 : 0);
	}
	POKE(&vm, HIGH, 52);
	POKE(&vm, HIGH + PAGE, 53);
	CHECK_EQ(host[0], 52);
	CHECK_EQ(host[512], 53);
	CHECK_EQ(PEEK(&vm, HIGH), 52);
	REQUIRE(write(to_child[1], &byte, 1) == 1);
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
}

TEST(memory_private_file, "the first write copies a private page")
{
	int fd = memfd_create("abi", 0);
	struct vm vm = vm_create(0);
	u64 *host, *file;

	REQUIRE(!ftruncate(fd, PAGE));
	file = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	host = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	file[0] = 61;
	start_servant(&vm);
	REQUIRE_OK(set_slot(&vm, 1, 0, HIGH, PAGE, host));
	CHECK_EQ(PEEK(&vm, HIGH), 61);
	file[0] = 62;
	CHECK_EQ(PEEK(&vm, HIGH), 62);
	POKE(&vm, HIGH, 63);
	CHECK_EQ(file[0], 62);
	CHECK_EQ(host[0], 63);
	file[0] = 64;
	CHECK_EQ(PEEK(&vm, HIGH), 63);
}

TEST(memory_zero_page, "a page that was only read gets memory of its own when written")
{
	struct vm vm;
	u64 *host = (u64 *)machine(&vm, 64 * PAGE);
	int i;

	for (i = 0; i < 64; i++)
		CHECK_EQ(PEEK(&vm, HIGH + i * PAGE), 0);
	for (i = 0; i < 64; i++)
		POKE(&vm, HIGH + i * PAGE, i + 1);
	for (i = 0; i < 64; i++) {
		CHECK_EQ(host[i * 512], i + 1);
		CHECK_EQ(PEEK(&vm, HIGH + i * PAGE), i + 1);
	}
}

TEST(memory_lazy_free, "MADV_FREE: what the guest writes after it is not thrown away")
{
	struct vm vm;
	u64 *host = (u64 *)machine(&vm, 64 * PAGE);
	int round, i;

	for (round = 1; round < 5; round++) {
		for (i = 0; i < 64; i++)
			POKE(&vm, HIGH + i * PAGE, 1);
		REQUIRE(!madvise(host, 64 * PAGE, MADV_FREE));
		/* The process's entries are not dirty any more, these pages are. */
		for (i = 0; i < 64; i += 2)
			POKE(&vm, HIGH + i * PAGE, 100 * round + i);
		REQUIRE(!madvise(host, 64 * PAGE, MADV_PAGEOUT));
		for (i = 0; i < 64; i += 2)
			CHECK_EQ(host[i * 512], 100 * round + i);
	}
}

/* ------------------------------------------------------------------------
 * What the processor itself reads: code, tables, stacks
 */

GUEST(64, return_5, "movq $5, 0xa018\n ret\n");

TEST(memory_code, "the code's own page goes away")
{
	struct vm vm;
	u8 *host = machine(&vm, PAGE);

	memcpy(host, return_5, return_5_end - return_5);
	DO(&vm, CALL, HIGH, 0);
	CHECK_EQ(answer(&vm), 5);
	munmap(host, PAGE);
	expect_efault(&vm, CALL, HIGH);
	put_back(host, PAGE);
	memcpy(host, return_5, return_5_end - return_5);
	run_step(&vm);
	CHECK_EQ(answer(&vm), 5);
}

TEST(memory_tables, "page tables that lie in no memory at all")
{
	int level;

	for (level = 0; level < 3; level++) {
		struct vm vm;
		u64 *host = (u64 *)machine(&vm, 4 * PAGE);

		host[0] = (HIGH + PAGE) | 3;
		host[512] = (HIGH + 2 * PAGE) | 3;
		host[1024] = FREE | 3;
		((u64 *)(vm.mem + PAGE_TABLES))[1] = HIGH | 3;
		munmap(host + level * 512, PAGE);
		/* There is no table to be seen: the guest's page fault. */
		order(&vm, READ8, 1ull << 39, 0);
		run_to_out(&vm, PORT_EXC);
		CHECK_EQ(ctl(&vm)->vector, 14);
		CHECK_EQ(ctl(&vm)->error, 0);
		CHECK_EQ(ctl(&vm)->cr2, 1ull << 39);
		vm_close(&vm);
	}
}

GUEST(64, string_in,
	"mov $0x10000ff8, %rdi\n mov $16, %ecx\n mov $0x60, %edx\n"
	"rep insb\n" DONE);

TEST(memory_string_io, "string input into memory that is gone half way")
{
	struct vm vm = vm_create(0);
	u8 *host = memory(2 * PAGE);
	unsigned int given = 0;

	REQUIRE_OK(set_slot(&vm, 1, 0, HIGH, 2 * PAGE, host));
	START64(&vm, string_in);
	munmap(host + PAGE, PAGE);
	for (;;) {
		int r = run(&vm);

		if (r < 0 || vm.run->exit_reason == KVM_EXIT_MMIO) {
			CHECK_EQ(r < 0 ? errno : 0,
				 differs(DEV_emulated_efault) ? EFAULT : 0);
			break;
		}
		if (!CHECK_EQ(vm.run->exit_reason, KVM_EXIT_IO) ||
		    !CHECK_EQ(vm.run->io.port, 0x60) ||
		    !CHECK(given < 32))
			return;
		memset(io_data(&vm), 0x77, vm.run->io.count);
		given += vm.run->io.count;
	}
	put_back(host + PAGE, PAGE);
	CHECK_EQ(host[PAGE - 1], 0x77);
}

/* ------------------------------------------------------------------------
 * Races with the MMU notifier
 */

/* Writes 1 to each of 16 pages and checks that nothing but 0 or 1 is there. */
GUEST(64, hammer,
	"1:" SPIN "mov $0x10000000, %rsi\n mov $16, %ecx\n"
	"2: mov (%rsi), %rax\n cmp $1, %rax\n ja 3f\n movq $1, (%rsi)\n"
	"add $4096, %rsi\n dec %ecx\n jnz 2b\n"
	"incq 0xa000\n cmpq $0, 0xa008\n je 1b\n" DONE
	"3: ud2\n");

static atomic_int stop;

struct dropper {
	u8 *host;
	unsigned int drops;
};

static void *dropper_thread(void *arg)
{
	struct dropper *d = arg;
	u64 seed = 1;

	while (!stop) {
		u8 *at;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		at = d->host + (seed >> 60) * PAGE;
		switch (seed >> 32 & 3) {
		case 0:
			madvise(at, PAGE, MADV_DONTNEED);
			break;
		case 1:
			put_back(at, PAGE);
			break;
		case 2:
			mprotect(at, PAGE, PROT_READ);
			mprotect(at, PAGE, RW);
			break;
		default:
			/* Dirty pages that are free again and others' soon. */
			memset(at, 0, PAGE);
			madvise(at, PAGE, MADV_DONTNEED);
			memset(mmap(NULL, 8 * PAGE, RW, MAP_PRIVATE |
				    MAP_ANONYMOUS | MAP_POPULATE, -1, 0),
			       0xee, 8 * PAGE);
		}
		d->drops++;
		if (d->drops % 4096 == 0)
			usleep(1000);
	}
	return NULL;
}

TEST(memory_race, "pages come and go while the guest writes them")
{
	struct vm vm = vm_create(0);
	struct dropper d = { .host = memory(16 * PAGE) };
	unsigned int faults = 0;
	pthread_t thread;
	double end = now() + 4;

	REQUIRE_OK(set_slot(&vm, 1, 0, HIGH, 16 * PAGE, d.host));
	START64(&vm, hammer);
	REQUIRE(!pthread_create(&thread, NULL, dropper_thread, &d));
	while (now() < end) {
		if (!run_ms(&vm, 200)) {
			CHECK_MSG(0, "exit %s, vector %d",
				  exit_name(vm.run->exit_reason),
				  (int)ctl(&vm)->vector);
			break;
		}
		if (errno == EFAULT)
			faults++;	/* it was read-only at that moment */
		else
			CHECK_EQ(errno, EINTR);
	}
	stop = 1;
	pthread_join(thread, NULL);
	data(&vm)[1] = 1;
	run_done(&vm);
	CHECK(data(&vm)[0] > 0);
	printf("  %u changes, %llu rounds, %u faults\n", d.drops,
	       (unsigned long long)data(&vm)[0], faults);
}

/* ------------------------------------------------------------------------
 * What is naturally aligned is written and read in one piece
 */

GUEST(64, toggle,
      "1: " SPIN "mov %rax, 0x40000\n mov %eax, 0x40008\n mov %ax, 0x40010\n"
      "not %rax\n mov 0x40040, %rbx\n lea 1(%rbx), %rcx\n cmp $1, %rcx\n"
      "jbe 2f\n incq 0xa008\n 2: cmpq $0, 0xa000\n je 1b\n" DONE);

static u64 torn;

static void *watcher_thread(void *memory)
{
	volatile u64 *p = memory;

	while (!stop) {
		u64 eight = p[0];
		u32 four = *(volatile u32 *)(p + 1);
		u16 two = *(volatile u16 *)(p + 2);

		torn += eight + 1 > 1 || four + 1u > 1 || (u16)(two + 1) > 1;
		p[8] = ~p[8];
	}
	return NULL;
}

TEST(memory_whole, "another CPU sees all of a store or nothing of it")
{
	struct vm vm = vm_create(0);
	pthread_t thread;

	stop = 0;
	START64(&vm, toggle);
	REQUIRE(!pthread_create(&thread, NULL, watcher_thread, vm.mem + FREE));
	CHECK(!run_ms(&vm, 2000) || errno == EINTR);
	stop = 1;
	pthread_join(thread, NULL);
	data(&vm)[0] = 1;
	run_done(&vm);
	CHECK_EQ(torn, 0);
	CHECK_EQ(data(&vm)[1], 0);
}
