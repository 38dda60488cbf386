// SPDX-License-Identifier: GPL-2.0
/*
 * test_dirty.c - KVM_MEM_LOG_DIRTY_PAGES and KVM_GET_DIRTY_LOG: exactly the
 * pages that the guest, or KVM on its behalf, wrote since the last call.
 */
#include <linux/kvm_para.h>
#include <asm/kvm_para.h>
#include "vm.h"

#define HIGH	0x10000000ull
#define PAGES	256
#define LOG	KVM_MEM_LOG_DIRTY_PAGES

struct log {
	struct vm vm;
	u8 *host;
	u64 map[PAGES / 64];
};

static int get_log(const struct vm *vm, u32 slot, void *map)
{
	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = map };

	return ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log);
}

static bool marked(const struct log *l, unsigned int page)
{
	return l->map[page / 64] >> page % 64 & 1;
}

static void fetch(struct log *l)
{
	memset(l->map, 0xff, sizeof(l->map));
	REQUIRE_OK(get_log(&l->vm, 1, l->map));
}

/* Exactly these pages are marked: up to four, -1 for none. */
static void expect(struct log *l, int a, int b, int c, const char *what)
{
	int i;

	fetch(l);
	for (i = 0; i < PAGES; i++) {
		bool want = i == a || i == b || i == c;

		CHECK_MSG(marked(l, i) == want, "%s: page %d is %smarked",
			  what, i, want ? "not " : "");
	}
}

static struct log logged(unsigned int flags)
{
	struct log l = { .vm = vm_create(flags), .host = memory(PAGES * PAGE) };

	start_servant(&l.vm);
	REQUIRE_OK(set_slot(&l.vm, 1, LOG, HIGH, PAGES * PAGE, l.host));
	return l;
}

TEST(dirty_errors, "KVM_GET_DIRTY_LOG: bad slots and buffers")
{
	u32 nr = ioctl(kvm_dev(), KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);
	struct log l = logged(0);
	u64 map[PAGES];

	CHECK_ERRNO(get_log(&l.vm, nr, map), EINVAL);
	CHECK_ERRNO(get_log(&l.vm, 0xffff, map), EINVAL);
	CHECK_ERRNO(get_log(&l.vm, 2 << 16, map), EINVAL);
	CHECK_ERRNO(get_log(&l.vm, ~0u, map), EINVAL);
	CHECK_ERRNO(get_log(&l.vm, nr - 1, map), ENOENT);
	CHECK_ERRNO(get_log(&l.vm, 2, map), ENOENT);
	CHECK_ERRNO(get_log(&l.vm, 0, map), ENOENT);	/* not logged */
	CHECK_ERRNO(get_log(&l.vm, 1, NULL), EFAULT);
	CHECK_ERRNO(get_log(&l.vm, 1, (void *)0xffff888000000000), EFAULT);
	CHECK_OK(set_slot(&l.vm, 1, 0, HIGH, PAGES * PAGE, l.host));
	CHECK_ERRNO(get_log(&l.vm, 1, map), ENOENT);
	CHECK_OK(set_slot(&l.vm, 1, 0, 0, 0, 0));
	CHECK_ERRNO(get_log(&l.vm, 1, map), ENOENT);
}

/*
 * As a 32-bit process would: its entry into the kernel serves 64-bit ones too,
 * and takes no address above 4 GiB.
 */
static int ioctl32(int fd, unsigned long request, void *arg)
{
	long r;

	asm volatile("int $0x80" : "=a"(r)
		     : "a"(54), "b"(fd), "c"(request), "d"(arg)
		     : "memory", "r8", "r9", "r10", "r11");
	errno = r < 0 ? -r : 0;
	return r < 0 ? -1 : r;
}

TEST(dirty_compat, "KVM_GET_DIRTY_LOG of a 32-bit process")
{
	struct log l = logged(0);
	struct kvm_dirty_log *log;

	log = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	CHECK_EQ(ioctl32(kvm_dev(), KVM_GET_API_VERSION, NULL), 12);
	POKE(&l.vm, HIGH + 5 * PAGE, 1);
	log->slot = 1;
	log->dirty_bitmap = log + 1;
	log->padding2 |= ~0ull << 32;		/* a pointer has 32 bits */
	CHECK_OK(ioctl32(l.vm.fd, KVM_GET_DIRTY_LOG, log));
	CHECK_EQ(*(u64 *)(log + 1), BIT(5));
	CHECK_ERRNO(ioctl32(l.vm.fd, KVM_GET_DIRTY_LOG, NULL), EFAULT);
	log->padding2 = 0;
	CHECK_ERRNO(ioctl32(l.vm.fd, KVM_GET_DIRTY_LOG, log), EFAULT);
	log->slot = 2;
	CHECK_ERRNO(ioctl32(l.vm.fd, KVM_GET_DIRTY_LOG, log), ENOENT);
	/* The others are the same for all. */
	CHECK_EQ(ioctl32(l.vm.fd, KVM_CHECK_EXTENSION, (void *)KVM_CAP_NR_MEMSLOTS),
		 ioctl(l.vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS));
}

TEST(dirty_writes, "each page that is written is marked once per call")
{
	struct log l = logged(0);

	expect(&l, -1, -1, -1, "nothing done");
	POKE(&l.vm, HIGH, 1);
	POKE(&l.vm, HIGH + 5 * PAGE + 4088, 1);
	DO(&l.vm, WRITE1, HIGH + 255 * PAGE + 4095, 1);
	expect(&l, 0, 5, 255, "three writes");
	expect(&l, -1, -1, -1, "none since");
	POKE(&l.vm, HIGH, 2);
	POKE(&l.vm, HIGH, 3);
	expect(&l, 0, -1, -1, "again");
	/* Across two pages. */
	POKE(&l.vm, HIGH + 7 * PAGE - 4, ~0ull);
	expect(&l, 6, 7, -1, "page crossing");
	DO(&l.vm, XADD8, HIGH + 9 * PAGE, 1);
	expect(&l, 9, -1, -1, "locked");
}

TEST(dirty_reads, "reads, and what user space writes, are not marked")
{
	struct log l = logged(0);
	int i;

	for (i = 0; i < PAGES; i++)
		l.host[i * PAGE] = i;
	for (i = 0; i < PAGES; i++)
		CHECK_EQ((u8)PEEK(&l.vm, HIGH + i * PAGE), (u8)i);
	if (differs(DEV_dirty_reads))
		expect(&l, -1, -1, -1, "reads");
}

TEST(dirty_switched_on, "logging is switched on for pages that are in use")
{
	struct log l = logged(0);
	int i, round;

	for (round = 0; round < 3; round++) {
		CHECK_OK(set_slot(&l.vm, 1, 0, HIGH, PAGES * PAGE, l.host));
		for (i = 0; i < PAGES; i++)
			POKE(&l.vm, HIGH + i * PAGE, i);
		CHECK_OK(set_slot(&l.vm, 1, LOG, HIGH, PAGES * PAGE, l.host));
		expect(&l, -1, -1, -1, "just switched on");
		POKE(&l.vm, HIGH + 100 * PAGE, 1);
		expect(&l, 100, -1, -1, "one write");
	}
}

TEST(dirty_bitmap_size, "bitmaps are whole 64-bit words, and no more")
{
	static const unsigned int sizes[] = { 1, 2, 63, 64, 65, 127, 128, 1000 };
	struct vm vm = vm_create(0);
	u8 *host = memory(1000 * PAGE);
	u64 map[20];
	unsigned int i, n;

	start_servant(&vm);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		n = sizes[i];
		REQUIRE_OK(set_slot(&vm, 1, LOG, HIGH, n * PAGE, host));
		POKE(&vm, HIGH + (n - 1) * PAGE, 1);
		memset(map, 0xa5, sizeof(map));
		CHECK_OK(get_log(&vm, 1, map));
		n = (n + 63) / 64;
		CHECK_EQ(map[n - 1], BIT((sizes[i] - 1) % 64));
		CHECK_EQ(map[n], 0xa5a5a5a5a5a5a5a5);
		CHECK_OK(set_slot(&vm, 1, 0, 0, 0, 0));
	}
}

TEST(dirty_failed_copy, "a bitmap that cannot be stored")
{
	struct log l = logged(0);
	u8 *edge = memory(2 * PAGE);

	munmap(edge + PAGE, PAGE);
	POKE(&l.vm, HIGH + 3 * PAGE, 1);
	CHECK_ERRNO(get_log(&l.vm, 1, edge + PAGE - 8), EFAULT);
	POKE(&l.vm, HIGH + 4 * PAGE, 1);
	fetch(&l);
	CHECK(marked(&l, 4));
}

/* ------------------------------------------------------------------------
 * What KVM or the processor writes on the guest's behalf
 */

TEST(dirty_accessed_bits, "accessed and dirty bits in page tables are writes")
{
	struct log l = logged(0);
	u64 *host = (u64 *)l.host;

	/* PDPT, PD and PT are pages 0, 1, 2 of the slot; target elsewhere. */
	host[0] = (HIGH + PAGE) | 3;
	host[512] = (HIGH + 2 * PAGE) | 3;
	host[1024] = FREE | 3;
	host[1025] = (FREE + PAGE) | 3;
	((u64 *)(l.vm.mem + PAGE_TABLES))[1] = HIGH | 3;
	fetch(&l);
	PEEK(&l.vm, 1ull << 39);
	CHECK_EQ(host[1024] & 0x60, 0x20);
	expect(&l, 0, 1, 2, "accessed bits");
	POKE(&l.vm, 1ull << 39, 1);
	CHECK_EQ(host[1024] & 0x60, 0x60);
	expect(&l, 2, -1, -1, "dirty bit");
	PEEK(&l.vm, (1ull << 39) + PAGE);
	CHECK_EQ(host[1025] & 0x60, 0x20);
	expect(&l, 2, -1, -1, "another accessed bit");
	PEEK(&l.vm, 1ull << 39);
	POKE(&l.vm, 1ull << 39, 2);
	expect(&l, -1, -1, -1, "all set already");
}

TEST(dirty_table_writes, "the guest writes its own page tables")
{
	struct log l = logged(0);
	u64 *host = (u64 *)l.host;
	int i;

	for (i = 0; i < 3; i++)
		host[512 * i] = (i == 2 ? FREE : HIGH + (i + 1) * PAGE) | 0x63;
	((u64 *)(l.vm.mem + PAGE_TABLES))[1] = HIGH | 0x63;
	PEEK(&l.vm, 1ull << 39);
	fetch(&l);
	for (i = 0; i < 10; i++) {
		POKE(&l.vm, HIGH + 2 * PAGE + 8, (FREE + PAGE) | 0x63);
		expect(&l, 2, -1, -1, "an entry");
		POKE(&l.vm, HIGH + 1 * PAGE + 16, 0);
		expect(&l, 1, -1, -1, "an entry further up");
		PEEK(&l.vm, (1ull << 39) + PAGE);
		DO(&l.vm, XADD8, HIGH + 1 * PAGE + 24, 0);
		expect(&l, 1, -1, -1, "a locked write");
		PEEK(&l.vm, (1ull << 39) + PAGE);
		expect(&l, -1, -1, -1, "only used");
	}
}

/* Each moves a byte or more to HIGH + 3 pages, by an emulated instruction. */
GUEST(64, emulated_writes,
	"mov $0x10003000, %rdi\n mov $4, %ecx\n mov $0x60, %edx\n rep insb\n"
	STEP
	"mov $0x10004000, %rdi\n mov $0xd0000000, %rsi\n movsb\n"
	STEP
	"mov $0x10005000, %rsp\n mov $0xd0000000, %rsi\n pushq (%rsi)\n"
	STEP
	"mov $0x10006008, %rsp\n mov $0xd0000008, %rsi\n popq (%rsi)\n"
	DONE);

TEST(dirty_emulated, "instructions that are emulated mark what they write")
{
	struct log l = logged(0);

	START64(&l.vm, emulated_writes);
	fetch(&l);
	while (run_to(&l.vm, KVM_EXIT_IO) && l.vm.run->io.port == 0x60)
		memset(io_data(&l.vm), 0x33, l.vm.run->io.count);
	CHECK_EQ(*(u32 *)(l.host + 3 * PAGE), 0x33333333);
	expect(&l, 3, -1, -1, "REP INSB");
	run_to(&l.vm, KVM_EXIT_MMIO);
	l.vm.run->mmio.data[0] = 0x44;
	run_step(&l.vm);
	CHECK_EQ(l.host[4 * PAGE], 0x44);
	expect(&l, 4, -1, -1, "MOVSB from MMIO");
	run_to(&l.vm, KVM_EXIT_MMIO);
	run_step(&l.vm);
	expect(&l, 4, -1, -1, "PUSH of MMIO");
	run_to(&l.vm, KVM_EXIT_MMIO);
	run_done(&l.vm);
	expect(&l, -1, -1, -1, "POP to MMIO");
}

GUEST(64, fault_on_stack, "mov $0x10002000, %rsp\n movq $2, 0x8000\n ud2\n" DONE);

TEST(dirty_events, "the frame that an exception pushes is a write")
{
	struct log l = logged(0);

	START64(&l.vm, fault_on_stack);
	fetch(&l);
	run_done(&l.vm);
	CHECK_EQ(ctl(&l.vm)->exceptions, 1);
	expect(&l, 1, -1, -1, "exception frame");
}

TEST(dirty_kvmclock, "the clock page is marked when the time is written")
{
	struct log l = logged(0);
	struct kvm_clock_data clock = {};

	fetch(&l);
	CHECK_EQ(set_msr(l.vm.vcpu, MSR_KVM_SYSTEM_TIME_NEW,
			 (HIGH + 8 * PAGE) | 1), 1);
	PEEK(&l.vm, FREE);
	CHECK(*(u32 *)(l.host + 8 * PAGE) != 0);
	expect(&l, 8, -1, -1, "kvmclock on");
	CHECK_OK(ioctl(l.vm.fd, KVM_SET_CLOCK, &clock));
	PEEK(&l.vm, FREE);
	expect(&l, 8, -1, -1, "KVM_SET_CLOCK");
	CHECK_EQ(set_msr(l.vm.vcpu, MSR_KVM_WALL_CLOCK_NEW, HIGH + 9 * PAGE), 1);
	CHECK(*(u32 *)(l.host + 9 * PAGE + 4) != 0);
	fetch(&l);
	CHECK(marked(&l, 9));
}

TEST(dirty_readonly, "a read-only slot is never dirty")
{
	struct vm vm = vm_create(0);
	u64 *host = memory(PAGE), map = 1;

	start_servant(&vm);
	REQUIRE_OK(set_slot(&vm, 1, LOG | KVM_MEM_READONLY, HIGH, PAGE, host));
	order(&vm, WRITE8, HIGH, 1);
	run_to(&vm, KVM_EXIT_MMIO);
	run_step(&vm);
	CHECK_OK(get_log(&vm, 1, &map));
	CHECK_EQ(map, 0);
}

TEST(dirty_move, "a slot that is logged moves")
{
	struct log l = logged(0);

	POKE(&l.vm, HIGH, 1);
	CHECK_OK(set_slot(&l.vm, 1, LOG, HIGH * 2, PAGES * PAGE, l.host));
	expect(&l, 0, -1, -1, "not fetched before the move");
	POKE(&l.vm, HIGH * 2 + 3 * PAGE, 1);
	expect(&l, 3, -1, -1, "after the move");
}

/* ------------------------------------------------------------------------
 * Many writes against a model
 */

/* Writes a byte to each page whose byte in the list at FREE is not 0. */
GUEST(64, write_pages,
	"1:" STEP
	"xor %ecx, %ecx\n"
	"2: cmpb $0, 0x40000(%rcx)\n je 3f\n"
	"mov %rcx, %rax\n shl $12, %rax\n add 0xa000, %rax\n incb 1(%rax)\n"
	"3: inc %ecx\n cmp 0xa008, %ecx\n jne 2b\n jmp 1b\n");

static void random_rounds(const struct vm *vm, unsigned int pages,
			  unsigned int rounds)
{
	u64 *map = calloc(1, pages / 8 + 8);
	unsigned int round, i, bad;

	START64(vm, write_pages);
	data(vm)[0] = HIGH;
	data(vm)[1] = pages;
	run_step(vm);
	get_log(vm, 1, map);
	for (round = 0; round < rounds; round++) {
		u32 density = random_below(100);

		for (i = 0; i < pages; i++)
			vm->mem[FREE + i] = random_below(100) < density;
		run_step(vm);
		CHECK_OK(get_log(vm, 1, map));
		for (bad = i = 0; i < pages; i++)
			bad += (map[i / 64] >> i % 64 & 1) != vm->mem[FREE + i];
		if (!CHECK_MSG(!bad, "round %u: %u pages of %u are wrong",
			       round, bad, pages))
			break;
	}
	free(map);
}

TEST(dirty_random, "random sets of pages, many rounds")
{
	struct log l = logged(0);

	random_rounds(&l.vm, PAGES, 200);
}

TEST(dirty_huge_pages, "huge pages are logged as small ones")
{
	size_t size = 4 << 20;
	struct vm vm = vm_create(0);
	u8 *p = memory(2 * size);

	p = (u8 *)(((u64)p + size - 1) & -size);
	madvise(p, size, MADV_HUGEPAGE);
	memset(p, 1, size);
	REQUIRE_OK(set_slot(&vm, 1, 0, HIGH, size, p));
	start_servant(&vm);
	POKE(&vm, HIGH, 1);
	POKE(&vm, HIGH + size / 2, 1);
	REQUIRE_OK(set_slot(&vm, 1, LOG, HIGH, size, p));
	random_rounds(&vm, size / PAGE, 20);
}
