// SPDX-License-Identifier: GPL-2.0
/*
 * test_slots.c - KVM_SET_USER_MEMORY_REGION: what may be a slot, what not,
 * and what a guest sees when slots come, go, move, overlap in host memory or
 * are read-only.
 */
#include <fcntl.h>
#include <linux/mman.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include "vm.h"

#define HIGH		0x10000000ull	/* free guest-physical space */
#define TASK_END	0x7ffffffff000ull

static u32 nr_slots(void)
{
	return ioctl(kvm_dev(), KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);
}

/* ------------------------------------------------------------------------
 * What may be a slot.  There is slot 0, the first 4 MiB, and slot 1: 8 pages
 * at HIGH.  @host: an address, or an offset into memory that exists.
 */

#define SAME	0		/* of slot 1: the beginning of its memory */

static const struct {
	const char *what;
	u32 slot, flags;
	u64 gpa, size, host;
	int error;
} rows[] = {
	/* new ones */
	{ "good", 2, 0, HIGH * 2, PAGE, SAME, 0 },
	{ "adjacent, above", 3, 0, HIGH + 8 * PAGE, PAGE, SAME, 0 },
	{ "adjacent, below", 4, 0, HIGH - PAGE, PAGE, SAME, 0 },
	{ "address not aligned", 5, 0, HIGH * 3 + 1, PAGE, SAME, EINVAL },
	{ "address half a page", 5, 0, HIGH * 3 + 2048, PAGE, SAME, EINVAL },
	{ "size not aligned", 5, 0, HIGH * 3, PAGE + 1, SAME, EINVAL },
	{ "size less than a page", 5, 0, HIGH * 3, 1, SAME, EINVAL },
	{ "host not aligned", 5, 0, HIGH * 3, PAGE, SAME + 1, EINVAL },
	{ "host half a page", 5, 0, HIGH * 3, PAGE, SAME + 2048, EINVAL },
	{ "flag 2", 5, 4, HIGH * 3, PAGE, SAME, EINVAL },
	{ "flag 31", 5, 1u << 31, HIGH * 3, PAGE, SAME, EINVAL },
	{ "all flags", 5, ~0u, HIGH * 3, PAGE, SAME, EINVAL },
	{ "wraps", 5, 0, ~0ull << 12, 2 * PAGE, SAME, EINVAL },
	{ "ends at 2^64", 5, 0, ~0ull << 12, PAGE, SAME, EINVAL },
	{ "size wraps", 5, 0, HIGH * 3, ~0ull << 12, SAME, EINVAL },
	{ "no such address", 5, 0, 1ull << 52, PAGE, SAME, EINVAL },
	{ "no such address, by one", 5, 0, (1ull << 52) - PAGE, 2 * PAGE, SAME,
	  EINVAL },
	{ "too many pages", 5, 0, HIGH * 3, 1ull << 43, PAGE, EINVAL },
	{ "kernel memory", 5, 0, HIGH * 3, PAGE, 0xffff888000000000ull, EINVAL },
	{ "last page", 5, 0, HIGH * 3, PAGE, ~0ull << 12, EINVAL },
	{ "not canonical", 5, 0, HIGH * 3, PAGE, 1ull << 47, EINVAL },
	{ "runs into the kernel's half", 5, 0, HIGH * 3, 2 * PAGE,
	  TASK_END - PAGE, EINVAL },
	{ "size reaches the kernel", 5, 0, HIGH * 3, 0x7ff00000000ull,
	  TASK_END - 0x1000000, EINVAL },
	{ "end of user space, unmapped", 6, 0, HIGH * 4, PAGE, TASK_END - PAGE, 0 },
	{ "slot 0xffff", 0xffff, 0, HIGH * 3, PAGE, SAME, EINVAL },
	{ "address space 2", 2 << 16, 0, HIGH * 3, PAGE, SAME, EINVAL },
	{ "slot -1", ~0u, 0, HIGH * 3, PAGE, SAME, EINVAL },
	/* overlaps */
	{ "same place", 5, 0, HIGH, 8 * PAGE, SAME, EEXIST },
	{ "first page", 5, 0, HIGH, PAGE, SAME, EEXIST },
	{ "last page", 5, 0, HIGH + 7 * PAGE, PAGE, SAME, EEXIST },
	{ "inside", 5, 0, HIGH + 3 * PAGE, PAGE, SAME, EEXIST },
	{ "around", 5, 0, HIGH - 8 * PAGE, 32 * PAGE, SAME, EEXIST },
	{ "lower edge", 5, 0, 0x3ff000, 2 * PAGE, SAME, EEXIST },
	/* changes to slot 1 */
	{ "no change", 1, 0, HIGH, 8 * PAGE, SAME, 0 },
	{ "shrink", 1, 0, HIGH, 7 * PAGE, SAME, EINVAL },
	{ "grow", 1, 0, HIGH, 9 * PAGE, SAME, EINVAL },
	{ "other memory", 1, 0, HIGH, 8 * PAGE, SAME + 8 * PAGE, EINVAL },
	{ "read-only", 1, KVM_MEM_READONLY, HIGH, 8 * PAGE, SAME, EINVAL },
	{ "move onto slot 0", 1, 0, 0, 8 * PAGE, SAME, EEXIST },
	{ "move partly onto 0", 1, 0, 0x3f9000, 8 * PAGE, SAME, EEXIST },
	{ "move and shrink", 1, 0, HIGH * 5, 4 * PAGE, SAME, EINVAL },
	{ "log", 1, KVM_MEM_LOG_DIRTY_PAGES, HIGH, 8 * PAGE, SAME, 0 },
	{ "log and read-only", 1, 3, HIGH, 8 * PAGE, SAME, EINVAL },
	{ "log no more", 1, 0, HIGH, 8 * PAGE, SAME, 0 },
	/* deletions */
	{ "delete what is not there", 9, 0, HIGH, 0, SAME, EINVAL },
	{ "delete, address not aligned", 2, 0, 1, 0, SAME, EINVAL },
	{ "delete, bad flags", 2, 4, HIGH * 2, 0, SAME, EINVAL },
	{ "delete, kernel memory", 2, 0, HIGH * 2, 0, ~0ull << 12, EINVAL },
	{ "delete, other address", 2, 0, 0, 0, 0, 0 },
	{ "delete again", 2, 0, HIGH * 2, 0, SAME, EINVAL },
	{ "delete 3", 3, 0, 0, 0, 0, 0 },
	{ "delete 4", 4, 0, 0, 0, 0, 0 },
	{ "delete 6", 6, 0, 0, 0, 0, 0 },
};

TEST(slots_rules, "what may be a slot, be changed, and be deleted")
{
	struct vm vm = vm_create(0);
	u8 *host = memory(64 * PAGE);
	unsigned int i;

	start_servant(&vm);
	REQUIRE_OK(set_slot(&vm, 1, 0, HIGH, 8 * PAGE, host));
	*(u64 *)host = 0x1122334455667788;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 at = rows[i].host < 64 * PAGE ? (u64)host + rows[i].host :
						   rows[i].host;
		int r = set_slot(&vm, rows[i].slot, rows[i].flags, rows[i].gpa,
				 rows[i].size, (void *)at);
		int error = r < 0 ? errno : 0;

		CHECK_MSG(error == rows[i].error, "%s: %s, not %s",
			  rows[i].what, errno_name(error),
			  errno_name(rows[i].error));
		if (error != rows[i].error && !error)
			set_slot(&vm, rows[i].slot, 0, 0, 0, 0);
		/* Whatever was refused has changed nothing. */
		if (error)
			CHECK_EQ(PEEK(&vm, HIGH), 0x1122334455667788);
	}
	CHECK_EQ(PEEK(&vm, HIGH), 0x1122334455667788);
}

TEST(slots_numbers, "slot numbers go up to KVM_CAP_NR_MEMSLOTS")
{
	u32 nr = nr_slots(), i, n = nr < 600 ? nr : 600;
	u8 *host = memory(n * PAGE);
	struct vm vm = vm_create(0);

	CHECK_ERRNO(set_slot(&vm, nr, 0, HIGH, PAGE, host), EINVAL);
	CHECK_OK(set_slot(&vm, nr - 1, 0, HIGH, PAGE, host));
	CHECK_OK(set_slot(&vm, nr - 1, 0, 0, 0, 0));
	/* The second address space is that of SMM. */
	CHECK_ERRNO(set_slot(&vm, 1 << 16, 0, HIGH, PAGE, host),
		    differs(DEV_smm) ? EINVAL : 0);

	/* Many slots, not in order, each found. */
	start_servant(&vm);
	for (i = 1; i < n; i++) {
		u32 k = i * 277 % n;

		if (!k)
			continue;
		*(u64 *)(host + k * PAGE) = k;
		if (!CHECK_OK(set_slot(&vm, k, 0, HIGH + k * 3 * PAGE, PAGE,
				       host + k * PAGE)))
			return;
	}
	for (i = 1; i < n; i++)
		if (!CHECK_EQ(PEEK(&vm, HIGH + i * 3 * PAGE), i))
			break;
	for (i = 1; i < n; i += 2)
		CHECK_OK(set_slot(&vm, i, 0, 0, 0, 0));
	for (i = 2; i < n; i += 2)
		if (!CHECK_EQ(PEEK(&vm, HIGH + i * 3 * PAGE), i))
			break;
	order(&vm, READ8, HIGH + 3 * PAGE, 0);
	run_to(&vm, KVM_EXIT_MMIO);
}

TEST(slots_huge, "gigabytes that are registered and not touched cost little")
{
	u64 size = 8ull << 30;
	struct vm vm = vm_create(0);
	u8 *host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	REQUIRE(host != MAP_FAILED);
	start_servant(&vm);
	REQUIRE_OK(set_slot(&vm, 1, 0, 1ull << 32, size, host));
	CHECK_OK(set_slot(&vm, 1, 0, 0, 0, 0));
}

/* ------------------------------------------------------------------------
 * What the guest sees
 */

static void expect_mmio(const struct vm *vm, u64 gpa, u32 len, bool write)
{
	if (!run_to(vm, KVM_EXIT_MMIO))
		return;
	CHECK_EQ(vm->run->mmio.phys_addr, gpa);
	CHECK_EQ(vm->run->mmio.len, len);
	CHECK_EQ(vm->run->mmio.is_write, write);
}

/* A read at @gpa leaves for user space, which answers. */
static void expect_no_memory(const struct vm *vm, u64 gpa)
{
	u64 value = random64();

	order(vm, READ8, gpa, 0);
	expect_mmio(vm, gpa, 8, false);
	memcpy(vm->run->mmio.data, &value, 8);
	run_step(vm);
	CHECK_EQ(answer(vm), value);
}

TEST(slots_come_and_go, "memory appears and disappears under the guest")
{
	struct vm vm = vm_create(0);
	u64 *host = memory(PAGE);
	int i;

	start_servant(&vm);
	for (i = 0; i < 10; i++) {
		expect_no_memory(&vm, HIGH);
		CHECK_OK(set_slot(&vm, 1, 0, HIGH, PAGE, host));
		host[0] = i;
		CHECK_EQ(PEEK(&vm, HIGH), i);
		POKE(&vm, HIGH, i + 100);
		CHECK_EQ(host[0], i + 100);
		/* Nothing still holds it for a device: an audit follows this. */
		CHECK_OK(set_slot(&vm, 2, 0, HIGH + PAGE, PAGE, host));
		CHECK_OK(set_slot(&vm, 1, 0, HIGH, 0, host));
		CHECK_OK(set_slot(&vm, 2, 0, HIGH + PAGE, 0, host));
	}
	expect_no_memory(&vm, HIGH);
}

TEST(slots_move, "a slot that moves takes its memory along")
{
	struct vm vm = vm_create(0);
	u64 *host = memory(2 * PAGE);
	int i;

	start_servant(&vm);
	REQUIRE_OK(set_slot(&vm, 1, 0, HIGH, 2 * PAGE, host));
	for (i = 0; i < 10; i++) {
		u64 from = HIGH + i * 0x100000, to = from + 0x100000;

		host[0] = i;
		CHECK_EQ(PEEK(&vm, from), i);
		CHECK_OK(set_slot(&vm, 1, 0, to, 2 * PAGE, host));
		expect_no_memory(&vm, from);
		CHECK_EQ(PEEK(&vm, to), i);
	}
	/* By one page, over itself. */
	host[512] = 77;
	CHECK_OK(set_slot(&vm, 1, 0, HIGH + 10 * 0x100000 + PAGE, 2 * PAGE, host));
	CHECK_EQ(PEEK(&vm, HIGH + 10 * 0x100000 + 2 * PAGE), 77);
	expect_no_memory(&vm, HIGH + 10 * 0x100000);
}

GUEST(32, pae_guest,
      "1: " STEP "mov 0xa000, %esi\n invlpg (%esi)\n mov 0xa010, %eax\n"
      "test %eax, %eax\n jz 2f\n mov %eax, (%esi)\n"
      "2: mov (%esi), %eax\n mov %eax, 0xa008\n jmp 1b\n");

static u64 pae_access(const struct vm *vm, u32 address, u32 write)
{
	data(vm)[0] = address;
	data(vm)[2] = write;
	run_step(vm);
	return data(vm)[1];
}

/* PAE's four directories are known from when CR3 is loaded: before they are used. */
TEST(slots_pae_directory, "a page directory is memory, else the guest cannot go on")
{
	const struct kvm_segment flat = { .limit = ~0u, .selector = 16, .type = 3,
					  .present = 1, .db = 1, .s = 1, .g = 1 };
	struct kvm_regs r = { .rip = CODE, .rflags = 2, .rsp = STACK };
	u64 *pd = memory(PAGE), *pdpt, *low;
	struct vm vm = vm_create(0);
	struct kvm_sregs s = get_sregs(&vm);

	pdpt = (u64 *)(vm.mem + FREE);
	low = pdpt + 512;
	pdpt[0] = (FREE + PAGE) | 1;
	pdpt[1] = HIGH | 1;
	low[0] = 0xe3;				/* 2 MiB each: what is at 0, */
	low[1] = HIGH | 0xe3;			/* the directory, */
	pd[0] = 0xe3;				/* what is at 0 again, */
	pd[1] = (2 << 20) | 0xe3;		/* and what is behind that */
	*(u32 *)(vm.mem + 0xb000) = 1;
	*(u32 *)(vm.mem + (2 << 20) + 0xb000) = 2;
	memcpy(vm.mem + CODE, pae_guest, pae_guest_end - pae_guest);
	s.ds = s.es = s.fs = s.gs = s.ss = s.cs = flat;
	s.cs.type = 11;
	s.cs.selector = 8;
	s.cr3 = FREE;
	s.cr4 = BIT(5);
	s.cr0 = BIT(31) | BIT(4) | BIT(0);
	set_sregs(&vm, &s);
	set_regs(&vm, &r);
	run_to(&vm, KVM_EXIT_SHUTDOWN);
	CHECK_OK(set_slot(&vm, 1, 0, HIGH, PAGE, pd));
	set_sregs(&vm, &s);
	set_regs(&vm, &r);
	run_step(&vm);
	CHECK_EQ(pae_access(&vm, 0x4000b000, 0), 1);
	CHECK_EQ(pae_access(&vm, 0x4020b000, 0), 2);
	/* Once there, it is followed. */
	pae_access(&vm, 0x200000, (2 << 20) | 0xe3);
	CHECK_EQ(pae_access(&vm, 0x4000b000, 0), 2);
	CHECK_OK(set_slot(&vm, 1, 0, 0, 0, 0));
	run_to(&vm, KVM_EXIT_SHUTDOWN);
}

TEST(slots_alias, "the same memory in two slots")
{
	struct vm vm = vm_create(0);
	u64 *host = memory(PAGE);

	start_servant(&vm);
	REQUIRE_OK(set_slot(&vm, 1, 0, HIGH, PAGE, host));
	REQUIRE_OK(set_slot(&vm, 2, 0, HIGH * 2, PAGE, host));
	POKE(&vm, HIGH, 1);
	CHECK_EQ(PEEK(&vm, HIGH * 2), 1);
	POKE(&vm, HIGH * 2, 2);
	CHECK_EQ(PEEK(&vm, HIGH), 2);
	CHECK_OK(set_slot(&vm, 1, 0, 0, 0, 0));
	CHECK_EQ(PEEK(&vm, HIGH * 2), 2);
}

TEST(slots_high, "memory beyond 4 GiB and in the highest places")
{
	static const u64 places[] = { 1ull << 32, 1ull << 35, (1ull << 36) - 2 * PAGE };
	struct vm vm = vm_create(0);
	u64 *pt = (u64 *)(vm.mem + FREE), *host = memory(PAGE);
	unsigned int i;

	start_servant(&vm);
	/* Linear 512 GiB up: one page, whose frame is the place. */
	((u64 *)(vm.mem + PAGE_TABLES))[1] = FREE | 3;
	pt[0] = (FREE + PAGE) | 3;
	pt[512] = (FREE + 2 * PAGE) | 3;
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		pt[1024] = places[i] | 3;
		REQUIRE_OK(set_slot(&vm, 1, 0, places[i], PAGE, host));
		DO(&vm, INVLPG, 1ull << 39, 0);
		host[1] = i;
		CHECK_EQ(PEEK(&vm, (1ull << 39) + 8), i);
		CHECK_OK(set_slot(&vm, 1, 0, 0, 0, 0));
	}
}

/* ------------------------------------------------------------------------
 * Read-only slots
 */

TEST(slots_readonly, "a write to a read-only slot is MMIO, a read is not")
{
	struct vm vm = vm_create(0);
	u64 *host = memory(2 * PAGE);

	start_servant(&vm);
	REQUIRE_OK(set_slot(&vm, 1, KVM_MEM_READONLY, HIGH, 2 * PAGE, host));
	host[0] = 0x0123456789abcdef;
	/* Before and after the page is known to the MMU. */
	order(&vm, WRITE8, HIGH, 0xfeedface);
	expect_mmio(&vm, HIGH, 8, true);
	CHECK_EQ(*(u64 *)vm.run->mmio.data, 0xfeedface);
	run_step(&vm);
	CHECK_EQ(PEEK(&vm, HIGH), 0x0123456789abcdef);
	order(&vm, WRITE1, HIGH + 1, 0x42);
	expect_mmio(&vm, HIGH + 1, 1, true);
	CHECK_EQ(vm.run->mmio.data[0], 0x42);
	run_step(&vm);
	CHECK_EQ(host[0], 0x0123456789abcdef);
	/* The host writes what it likes. */
	host[0] = 5;
	CHECK_EQ(PEEK(&vm, HIGH), 5);
	/* Read, modify, write: what was read is the memory's. */
	order(&vm, XADD8, HIGH, 3);
	expect_mmio(&vm, HIGH, 8, true);
	CHECK_EQ(*(u64 *)vm.run->mmio.data, 8);
	run_step(&vm);
	CHECK_EQ(answer(&vm), 5);
	CHECK_EQ(host[0], 5);
	/* In place of the slot comes one that can be written. */
	CHECK_OK(set_slot(&vm, 1, 0, 0, 0, 0));
	CHECK_OK(set_slot(&vm, 1, 0, HIGH, 2 * PAGE, host));
	POKE(&vm, HIGH, 9);
	CHECK_EQ(host[0], 9);
}

GUEST(64, return_7, "movq $7, 0xa018\n ret\n");

TEST(slots_readonly_memory, "read-only slots may lie in memory that is read-only")
{
	struct vm vm = vm_create(0);
	u8 *host = memory(PAGE);

	start_servant(&vm);
	memcpy(host, return_7, return_7_end - return_7);
	mprotect(host, PAGE, PROT_READ);
	REQUIRE_OK(set_slot(&vm, 1, KVM_MEM_READONLY, HIGH, PAGE, host));
	DO(&vm, CALL, HIGH, 0);
	CHECK_EQ(answer(&vm), 7);
	order(&vm, WRITE8, HIGH, 1);
	expect_mmio(&vm, HIGH, 8, true);
	run_step(&vm);
}

/* OVMF boots on page tables in flash: accessed bits cannot be set there. */
TEST(slots_readonly_tables, "page tables in a read-only slot")
{
	struct vm vm = vm_create(0);
	u64 *host = memory(4 * PAGE), *target = (u64 *)(vm.mem + FREE);
	int ad;

	start_servant(&vm);
	for (ad = 0; ad <= 0x60; ad += 0x20) {
		host[0] = (HIGH + PAGE) | 3 | ad;
		host[512] = (HIGH + 2 * PAGE) | 3 | ad;
		host[1024] = FREE | 3 | ad;
		((u64 *)(vm.mem + PAGE_TABLES))[1] = HIGH | 3;
		REQUIRE_OK(set_slot(&vm, 1, KVM_MEM_READONLY, HIGH, 4 * PAGE, host));
		DO(&vm, CR3, PAGE_TABLES, 0);
		target[0] = 0x55 + ad;
		CHECK_EQ(PEEK(&vm, 1ull << 39), 0x55 + ad);
		/* Nor can the dirty bit, which does not keep anybody from writing. */
		order(&vm, WRITE8, 1ull << 39, 0x99);
		CHECK_OK(run_ms(&vm, 5000));
		CHECK_EQ(target[0], 0x99);
		CHECK_EQ(host[1024] & 0x60, ad);
		CHECK_OK(set_slot(&vm, 1, 0, 0, 0, 0));
	}
}

/* ------------------------------------------------------------------------
 * What may lie behind a slot
 */

static void use_memory(const struct vm *vm, void *host, size_t size,
		       const char *what)
{
	u64 *p = host, i, n = size / PAGE;
	int bad = 0;

	if (!CHECK_MSG(host != MAP_FAILED, "%s: %m", what))
		return;
	REQUIRE_OK(set_slot(vm, 1, 0, HIGH, size, host));
	for (i = 0; i < n; i++) {
		p[i * 512] = i;
		bad += PEEK(vm, HIGH + i * PAGE) != i;
		POKE(vm, HIGH + i * PAGE + 8, ~i);
		bad += p[i * 512 + 1] != ~i;
	}
	CHECK_MSG(!bad, "%s: %d pages differ", what, bad);
	CHECK_OK(set_slot(vm, 1, 0, 0, 0, 0));
	munmap(host, size);
}

static void hugetlb(const char *size, const char *n)
{
	char name[80];
	int fd;

	snprintf(name, sizeof(name), "/sys/kernel/mm/hugepages/hugepages-%s/nr_hugepages", size);
	fd = open(name, O_WRONLY);
	if (fd >= 0) {
		(void)!write(fd, n, strlen(n));
		close(fd);
	}
}

TEST(slots_backing, "anonymous, shared, file, huge and hugetlb memory")
{
	int rw = PROT_READ | PROT_WRITE, fd = memfd_create("abi", 0);
	struct vm vm = vm_create(0);
	size_t size = 64 * PAGE, huge = 4 << 20;
	u8 *p;

	start_servant(&vm);
	REQUIRE(!ftruncate(fd, size));
	use_memory(&vm, mmap(0, size, rw, MAP_SHARED, fd, 0), size, "file");
	use_memory(&vm, mmap(0, size, rw, MAP_PRIVATE, fd, 0), size,
		   "private file");
	use_memory(&vm, mmap(0, size, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
		   size, "shared");
	use_memory(&vm, mmap(0, size, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		   size, "anonymous");
	use_memory(&vm, mmap(0, size, rw, MAP_PRIVATE | MAP_ANONYMOUS |
			     MAP_LOCKED, -1, 0), size, "locked");
	p = memory(2 * huge);
	p = (u8 *)(((u64)p + huge - 1) & -huge);
	madvise(p, huge, MADV_HUGEPAGE);
	use_memory(&vm, p, huge, "transparent huge pages");
	hugetlb("2048kB", "2");
	p = mmap(0, huge, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (p != MAP_FAILED)
		use_memory(&vm, p, huge, "hugetlb");
	hugetlb("2048kB", "0");
}

TEST(slots_gigabyte, "a page of 1 GiB, whole and in parts")
{
	const size_t size = 1 << 30, parts[] = { size, PAGE, 2 << 20, (2 << 20) + PAGE };
	struct vm vm = vm_create(0);
	unsigned int i, j;
	u8 *host;

	hugetlb("1048576kB", "1");
	host = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
		    MAP_HUGETLB | MAP_HUGE_1GB, -1, 0);
	if (host == MAP_FAILED)
		skip("this host has no page of 1 GiB");
	start_servant(&vm);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		u64 from = i ? random_below((size - parts[i]) / PAGE) * PAGE : 0;

		REQUIRE_OK(set_slot(&vm, 1, 0, 4 * HIGH, parts[i], host + from));
		for (j = 0; j < 100; j++) {
			u64 at = j ? random_below(parts[i] / 8) * 8 : parts[i] - 8;
			u64 *p = (u64 *)(host + from + at);

			*p = at;
			CHECK_EQ(PEEK(&vm, 4 * HIGH + at), at);
			POKE(&vm, 4 * HIGH + at, ~at);
			CHECK_EQ(*p, ~at);
		}
		expect_no_memory(&vm, 4 * HIGH + parts[i]);
		CHECK_OK(set_slot(&vm, 1, 0, 0, 0, 0));
	}
	munmap(host, size);
	hugetlb("1048576kB", "0");
}

GUEST(64, move_two, "mov $0xd0000000, %esi\n mov $0x10000000, %edi\n mov $2, %ecx\n"
	"rep movsq\n" DONE);

TEST(slots_replaced, "a slot gets other memory while an instruction waits for user space")
{
	struct vm vm = vm_create(0);
	u64 *old = memory(PAGE), *new = memory(PAGE), i;

	START64(&vm, move_two);
	REQUIRE_OK(set_slot(&vm, 1, 0, HIGH, PAGE, old));
	for (i = 0; i < 2; i++) {
		run_to(&vm, KVM_EXIT_MMIO);
		CHECK_EQ(vm.run->mmio.phys_addr, MMIO + i * 8);
		if (i) {
			CHECK_EQ(old[0], 100);
			CHECK_OK(set_slot(&vm, 1, 0, 0, 0, 0));
			CHECK_OK(set_slot(&vm, 1, 0, HIGH, PAGE, new));
		}
		*(u64 *)vm.run->mmio.data = 100 + i;
	}
	run_done(&vm);
	CHECK_EQ(new[1], 101);
	CHECK_EQ(old[1], 0);
}

TEST(slots_huge_end, "slots that begin or end within a huge page, and the guest beyond")
{
	static const struct { u32 from, to; } slots[] = {
		{ 0, 511 }, { 1, 512 }, { 1, 511 }, { 0, 1023 }, { 0, 513 }, { 511, 1024 },
	};
	struct vm vm = vm_create(0);
	size_t huge = 2 << 20;
	u8 *p = memory(4 * huge);
	unsigned int i;

	p = (u8 *)(((u64)p + huge - 1) & -huge);
	madvise(p, 3 * huge, MADV_HUGEPAGE);
	memset(p, 1, 3 * huge);
	start_servant(&vm);
	for (i = 0; i < ARRAY_SIZE(slots); i++) {
		u64 begin = slots[i].from * PAGE, end = slots[i].to * PAGE;

		REQUIRE_OK(set_slot(&vm, 1, 0, HIGH + begin, end - begin, p + begin));
		POKE(&vm, HIGH + begin, i);
		CHECK_EQ(PEEK(&vm, HIGH + end - 8), 0x0101010101010101);
		expect_no_memory(&vm, HIGH + end);
		if (begin)
			expect_no_memory(&vm, HIGH + begin - 8);
		CHECK_OK(set_slot(&vm, 1, 0, 0, 0, 0));
	}
}

/* ------------------------------------------------------------------------
 * While the guest runs
 */

/* Reads HIGH until the answer is 0xdead: memory says what user space put. */
GUEST(64, watch,
	"mov $0x10000000, %rsi\n"
	"1:" SPIN "mov (%rsi), %rax\n"
	"incq 0xa000\n"
	"cmp $0xdead, %rax\n"
	"jne 1b\n" DONE);

static atomic_int stop;

struct mover {
	const struct vm *vm;
	u64 *host;
	int moves;
};

/* Slot 1 goes, comes, moves; in the end it is at HIGH and says 0xdead. */
static void *mover_thread(void *arg)
{
	struct mover *m = arg;

	while (!stop) {
		CHECK_OK(set_slot(m->vm, 1, 0, HIGH + 0x100000, PAGE, m->host));
		CHECK_OK(set_slot(m->vm, 1, 0, HIGH, PAGE, m->host));
		CHECK_OK(set_slot(m->vm, 1, 0, 0, 0, 0));
		CHECK_OK(set_slot(m->vm, 1, 0, HIGH, PAGE, m->host));
		m->moves++;
	}
	m->host[0] = 0xdead;
	return NULL;
}

TEST(slots_race, "slots move and vanish while the guest reads them")
{
	struct vm vm = vm_create(0);
	struct mover m = { .vm = &vm, .host = memory(PAGE) };
	int mmio = 0, rounds = 0;
	pthread_t thread;
	double end;

	START64(&vm, watch);
	m.host[0] = 0x600d;
	REQUIRE_OK(set_slot(&vm, 1, 0, HIGH, PAGE, m.host));
	REQUIRE(!pthread_create(&thread, NULL, mover_thread, &m));
	for (end = now() + 5;; rounds++) {
		if (now() > end)
			stop = 1;
		if (!CHECK_OK(run(&vm)))
			break;
		if (vm.run->exit_reason == KVM_EXIT_IO)
			break;
		if (!CHECK_EQ(vm.run->exit_reason, KVM_EXIT_MMIO))
			break;
		CHECK_EQ(vm.run->mmio.phys_addr, HIGH);
		memset(vm.run->mmio.data, 0, 8);
		mmio++;
	}
	stop = 1;
	pthread_join(thread, NULL);
	CHECK_EQ(vm.run->exit_reason, KVM_EXIT_IO);
	CHECK_EQ(vm.run->io.port, PORT_DONE);
	CHECK(m.moves > 0);
	printf("  %d moves, %d MMIO exits, %llu reads\n", m.moves, mmio,
	       (unsigned long long)data(&vm)[0]);
}
