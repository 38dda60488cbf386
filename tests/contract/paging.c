// SPDX-License-Identifier: GPL-2.0
/*
 * paging.c - statements 1 and 5: what lies beside a slot in the process is out
 * of reach whatever the guest's page tables say, and shadow pages that are
 * taken back under two vCPUs do not lead them astray.  All else about paging
 * is shown by tests/paging.
 */
#include <sys/resource.h>
#include "contract.h"

/* ------------------------------------------------------------------------
 * 1
 */

#define LINEAR		0x8000000000ull	/* PML4 entry 1: large pages */
#define SMALL		0x8040000000ull	/* the same in small ones */
#define HIGH		0x100000000ull
#define LARGE		0x200000ull
#define VIEW		(HIGH - LARGE)	/* 8 MiB from here on */
#define VIEW_SIZE	(4 * LARGE)

static void map_views(const struct vm *vm)
{
	u64 *pdpt = (u64 *)(vm->mem + FREE), *pd = pdpt + 512, *pt = pd + 1024;
	int i;

	pdpt[0] = (FREE + PAGE) | 3;
	pdpt[1] = (FREE + 2 * PAGE) | 3;
	for (i = 0; i < 4; i++) {
		pd[i] = (VIEW + i * LARGE) | 0x83;
		pd[512 + i] = (FREE + (3 + i) * PAGE) | 3;
	}
	for (i = 0; i < 4 * 512; i++)
		pt[i] = (VIEW + i * PAGE) | 3;
	((u64 *)(vm->mem + PAGE_TABLES))[1] = FREE | 3;
}

/* One access, in one of the views: it is of memory, or else MMIO. */
static void probe(const struct vm *vm, u64 gpa, bool memory)
{
	u64 linear = (random64() & 1 ? LINEAR : SMALL) + gpa - VIEW;
	int op = random64() & 1 ? READ8 : WRITE8;
	u32 want = memory ? KVM_EXIT_IO : KVM_EXIT_MMIO;

	order(vm, op, linear + 8 * random_below(512), ~0ull);
	if (!CHECK_EQ(run(vm), 0))
		return;
	CHECK_MSG(vm->run->exit_reason == want, "%#llx by %#llx: exit %s",
		  (long long)gpa, (long long)linear, exit_name(vm->run->exit_reason));
	if (vm->run->exit_reason != KVM_EXIT_IO)
		run_step(vm);
}

/*
 * A slot of @pages in the middle of the process's memory, where large pages go
 * on beyond both of its ends; what is around it holds canaries.
 */
static void beside(unsigned int shift, unsigned int pages, bool huge)
{
	const size_t around = 2 * LARGE;
	u8 *area = mmap(NULL, 3 * around + LARGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u8 *host = (u8 *)(((u64)area + LARGE - 1) & -LARGE);
	u8 *memory = host + around + shift * PAGE;
	struct vm vm = vm_create(0);
	u64 gpa = HIGH + shift * PAGE, size = pages * PAGE;
	unsigned int i;
	size_t at;

	REQUIRE(area != MAP_FAILED);
	madvise(host, 3 * around, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	memset(host, 0x5c, 3 * around);
	start_servant(&vm);
	map_views(&vm);
	REQUIRE_OK(set_slot(&vm, 1, 0, gpa, size, memory));
	for (i = 0; i < 300 && !failures; i++) {
		u64 page = VIEW + random_below(VIEW_SIZE / PAGE) * PAGE;

		probe(&vm, page, page >= gpa && page < gpa + size);
		probe(&vm, gpa - PAGE, false);
		probe(&vm, gpa, true);
		probe(&vm, gpa + size - PAGE, true);
		probe(&vm, gpa + size, false);
	}
	for (at = 0; at < 3 * around; at++)
		if ((host + at < memory || host + at >= memory + size) &&
		    !CHECK_MSG(host[at] == 0x5c, "shift %u: the canary at %#zx is gone",
			       shift, at))
			break;
	/* Without the slot there is nothing left to reach. */
	CHECK_OK(set_slot(&vm, 1, 0, 0, 0, NULL));
	for (i = 0; i < 20; i++)
		probe(&vm, gpa + random_below(pages) * PAGE, false);
	vm_close(&vm);
	munmap(area, 3 * around + LARGE);
}

TEST(s01_beside_slots, "memory beside a slot, under large and small pages that cover both")
{
	beside(0, 512, true);
	beside(0, 700, true);
	beside(3, 600, true);
	beside(511, 1, false);
	beside(7, 505, false);
}

/* ------------------------------------------------------------------------
 * 5
 */

#define SPACES		24
#define TABLES		0x80000		/* five pages for each address space */
#define PROBES		0x300000	/* a page for each */

/*
 * Forever: through all address spaces, each with its own page at LINEAR and
 * in three places more; what is found there is compared with its number.
 */
GUEST(64, spaces,
	"1: xor %ecx, %ecx\n"
	"2: mov 0x7000(, %rcx, 8), %rax\n mov %rax, %cr3\n"
	"movabs $0x8000000000, %rbx\n cmp %rcx, (%rbx)\n jne 8f\n"
	"movabs $0x8000200000, %rbx\n cmp %rcx, (%rbx)\n jne 8f\n"
	"movabs $0x8040000000, %rbx\n cmp %rcx, (%rbx)\n jne 8f\n"
	"incq 8(%rbx, %rsi, 8)\n"
	"inc %ecx\n cmp $24, %ecx\n jb 2b\n incq 0xa000(, %rsi, 8)\n jmp 1b\n"
	"8: mov %rcx, 0xa100\n mov (%rbx), %rax\n mov %rax, 0xa108\n"
	"mov %rbx, 0xa110\n" DONE);

static void build_space(const struct vm *vm, unsigned int n)
{
	u64 base = TABLES + n * 8 * PAGE, probe = (PROBES + n * PAGE) | 3;
	u64 *t = (u64 *)(vm->mem + base);

	/* PML4, PDPT, two PDs, three PTs */
	t[0] = ((u64 *)(vm->mem + PAGE_TABLES))[0];
	t[1] = (base + PAGE) | 3;
	t[512] = (base + 2 * PAGE) | 3;
	t[513] = (base + 3 * PAGE) | 3;
	t[1024] = (base + 4 * PAGE) | 3;
	t[1025] = (base + 5 * PAGE) | 3;
	t[1536] = (base + 6 * PAGE) | 3;
	t[2048] = t[2560] = t[3072] = probe;
	((u64 *)(vm->mem + 0x7000))[n] = base;
	*(u64 *)(vm->mem + PROBES + n * PAGE) = n;
}

static u64 shadow_pages(const struct vm *vm)
{
	return ioctl(vm->fd, KVM_GET_NR_MMU_PAGES, 0);
}

TEST(s05_reclaim, "two vCPUs in two dozen address spaces, while the bound on shadow pages falls and rises")
{
	struct vm vm = vm_create(0), other = second_vcpu(&vm);
	struct runner thread;
	struct kvm_regs r;
	double end = now() + 3;
	unsigned int i, bounds = 0;

	START64(&vm, spaces);
	for (i = 0; i < SPACES; i++)
		build_space(&vm, i);
	vcpu_enter64(other.vcpu, CODE);
	r = get_regs(&other);
	r.rsi = 1;
	set_regs(&other, &r);
	start_runner(&thread, &other);
	while (now() < end || !data(&vm)[0] || !data(&vm)[1] || bounds < 5) {
		int e = run_ms(&vm, 20);

		if (!CHECK_MSG(e && errno == EINTR, "exit %s: space %llu at %#llx holds %llu",
			       exit_name(vm.run->exit_reason), (long long)data(&vm)[32],
			       (long long)data(&vm)[34], (long long)data(&vm)[33]))
			break;
		CHECK_OK(ioctl(vm.fd, KVM_SET_NR_MMU_PAGES,
			       ++bounds & 1 ? 64ul : 4096ul));
		CHECK_EQ(shadow_pages(&vm), bounds & 1 ? 64 : 4096);
	}
	stop_runner(&thread);
	CHECK_EQ(thread.error, EINTR);
	printf("  %llu and %llu rounds, %u bounds\n", (long long)data(&vm)[0],
	       (long long)data(&vm)[1], bounds);
	CHECK(data(&vm)[0] > 0 && data(&vm)[1] > 0 && bounds > 4);
}
