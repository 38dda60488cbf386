// SPDX-License-Identifier: GPL-2.0
/*
 * test_args.c - bad pointers to every ioctl that takes one: null, kernel
 * addresses, structures that end where memory ends, output that cannot be
 * written; lists longer than they may be.  None of it changes anything.
 */
#include "vm.h"

enum { DEV, VM, VCPU };
enum { IN = 1, OUT = 2, INOUT = 3 };

/* CHIPS: in a VM with interrupt controllers and timer; EMPTY: without vCPU. */
enum { PLAIN, CHIPS, EMPTY };

#define ROW(name, where, how, type, vm)	\
	{ #name, name, where, how, sizeof(type), vm }
static const struct arg_row {
	const char *name;
	unsigned int nr;
	int where, how;
	size_t size;
	int vm;
} rows[] = {
	ROW(KVM_SET_USER_MEMORY_REGION, VM, IN,
	    struct kvm_userspace_memory_region, PLAIN),
	ROW(KVM_GET_DIRTY_LOG, VM, IN, struct kvm_dirty_log, PLAIN),
	ROW(KVM_SET_IDENTITY_MAP_ADDR, VM, IN, u64, EMPTY),
	ROW(KVM_GET_IRQCHIP, VM, INOUT, struct kvm_irqchip, CHIPS),
	ROW(KVM_SET_IRQCHIP, VM, IN, struct kvm_irqchip, CHIPS),
	ROW(KVM_IRQ_LINE, VM, IN, struct kvm_irq_level, CHIPS),
	ROW(KVM_IRQ_LINE_STATUS, VM, INOUT, struct kvm_irq_level, CHIPS),
	ROW(KVM_CREATE_PIT2, VM, IN, struct kvm_pit_config, CHIPS),
	ROW(KVM_GET_PIT, VM, OUT, struct kvm_pit_state, CHIPS),
	ROW(KVM_SET_PIT, VM, IN, struct kvm_pit_state, CHIPS),
	ROW(KVM_GET_PIT2, VM, OUT, struct kvm_pit_state2, CHIPS),
	ROW(KVM_SET_PIT2, VM, IN, struct kvm_pit_state2, CHIPS),
	ROW(KVM_REINJECT_CONTROL, VM, IN, struct kvm_reinject_control, CHIPS),
	ROW(KVM_SET_GSI_ROUTING, VM, IN, struct kvm_irq_routing, CHIPS),
	ROW(KVM_SIGNAL_MSI, VM, IN, struct kvm_msi, CHIPS),
	ROW(KVM_REGISTER_COALESCED_MMIO, VM, IN,
	    struct kvm_coalesced_mmio_zone, PLAIN),
	ROW(KVM_UNREGISTER_COALESCED_MMIO, VM, IN,
	    struct kvm_coalesced_mmio_zone, PLAIN),
	ROW(KVM_GET_CLOCK, VM, OUT, struct kvm_clock_data, PLAIN),
	ROW(KVM_SET_CLOCK, VM, IN, struct kvm_clock_data, PLAIN),
	ROW(KVM_GET_REGS, VCPU, OUT, struct kvm_regs, PLAIN),
	ROW(KVM_SET_REGS, VCPU, IN, struct kvm_regs, PLAIN),
	ROW(KVM_GET_SREGS, VCPU, OUT, struct kvm_sregs, PLAIN),
	ROW(KVM_SET_SREGS, VCPU, IN, struct kvm_sregs, PLAIN),
	ROW(KVM_TRANSLATE, VCPU, INOUT, struct kvm_translation, PLAIN),
	ROW(KVM_INTERRUPT, VCPU, IN, struct kvm_interrupt, PLAIN),
	ROW(KVM_GET_FPU, VCPU, OUT, struct kvm_fpu, PLAIN),
	ROW(KVM_SET_FPU, VCPU, IN, struct kvm_fpu, PLAIN),
	ROW(KVM_GET_XSAVE, VCPU, OUT, struct kvm_xsave, PLAIN),
	ROW(KVM_SET_XSAVE, VCPU, IN, struct kvm_xsave, PLAIN),
	ROW(KVM_GET_XCRS, VCPU, OUT, struct kvm_xcrs, PLAIN),
	ROW(KVM_SET_XCRS, VCPU, IN, struct kvm_xcrs, PLAIN),
	ROW(KVM_GET_DEBUGREGS, VCPU, OUT, struct kvm_debugregs, PLAIN),
	ROW(KVM_SET_DEBUGREGS, VCPU, IN, struct kvm_debugregs, PLAIN),
	ROW(KVM_GET_MSRS, VCPU, IN, struct kvm_msrs, PLAIN),
	ROW(KVM_SET_MSRS, VCPU, IN, struct kvm_msrs, PLAIN),
	ROW(KVM_SET_GUEST_DEBUG, VCPU, IN, struct kvm_guest_debug, PLAIN),
	ROW(KVM_SET_CPUID, VCPU, IN, struct kvm_cpuid, PLAIN),
	ROW(KVM_SET_CPUID2, VCPU, IN, struct kvm_cpuid2, PLAIN),
	ROW(KVM_GET_CPUID2, VCPU, INOUT, struct kvm_cpuid2, PLAIN),
	ROW(KVM_GET_LAPIC, VCPU, OUT, struct kvm_lapic_state, CHIPS),
	ROW(KVM_SET_LAPIC, VCPU, IN, struct kvm_lapic_state, CHIPS),
	ROW(KVM_GET_MP_STATE, VCPU, OUT, struct kvm_mp_state, CHIPS),
	ROW(KVM_SET_MP_STATE, VCPU, IN, struct kvm_mp_state, CHIPS),
	ROW(KVM_GET_VCPU_EVENTS, VCPU, OUT, struct kvm_vcpu_events, PLAIN),
	ROW(KVM_SET_VCPU_EVENTS, VCPU, IN, struct kvm_vcpu_events, PLAIN),
	ROW(KVM_GET_SUPPORTED_CPUID, DEV, INOUT, struct kvm_cpuid2, PLAIN),
	ROW(KVM_GET_EMULATED_CPUID, DEV, INOUT, struct kvm_cpuid2, PLAIN),
	ROW(KVM_GET_MSR_INDEX_LIST, DEV, INOUT, struct kvm_msr_list, PLAIN),
};

static int fd_of(const struct vm *vm, const struct arg_row *row)
{
	return row->where == DEV ? kvm_dev() :
	       row->where == VM ? vm->fd : vm->vcpu;
}

/* Calls every ioctl of the table in each VM with arg(row). */
static void all_fail(void *(*arg)(const struct arg_row *row), int only,
		     const char *what)
{
	struct vm vms[] = {
		vm_create(0), vm_create(VM_PIT), vm_create(VM_NO_VCPU),
	};
	unsigned int i;
	int r;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct arg_row *row = &rows[i];
		const struct vm *vm = &vms[row->vm];
		struct snapshot *before = NULL;

		if (!(row->how & only))
			continue;
		if (row->vm != EMPTY)
			before = take_snapshot(vm);
		r = ioctl(fd_of(vm, row), row->nr, arg(row));
		CHECK_MSG(r == -1 && errno == EFAULT, "%s, %s: %s, not EFAULT",
			  row->name, what, errno_name(r < 0 ? errno : 0));
		if (before)
			CHECK_UNCHANGED(vm, before, row->name);
	}
}

static void *null_arg(const struct arg_row *row)
{
	(void)row;
	return NULL;
}

static void *kernel_arg(const struct arg_row *row)
{
	(void)row;
	return (void *)0xffff888000001000ul;
}

static void *noncanonical_arg(const struct arg_row *row)
{
	(void)row;
	return (void *)0x0001000000000000ul;
}

/* The last byte lies in a page that is not there. */
static void *short_arg(const struct arg_row *row)
{
	static u8 *edge;

	if (!edge) {
		edge = memory(4 * PAGE);
		munmap(edge + 2 * PAGE, 2 * PAGE);
	}
	memset(edge, 0, 2 * PAGE);
	return edge + 2 * PAGE - row->size + 1;
}

static void *readonly_arg(const struct arg_row *row)
{
	static u8 *page;

	(void)row;
	if (!page) {
		page = memory(2 * PAGE);
		mprotect(page, 2 * PAGE, PROT_READ);
	}
	return page;
}

/* Memory that looks like some, in a file that has become shorter since and is closed. */
static void *truncated_arg(const struct arg_row *row)
{
	static u8 *pages;

	(void)row;
	if (!pages) {
		int fd = memfd_create("abi", 0);

		REQUIRE(!ftruncate(fd, 2 * PAGE));
		pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		REQUIRE(pages != MAP_FAILED);
		memset(pages, 0, 2 * PAGE);
		REQUIRE(!ftruncate(fd, 0));
		close(fd);
	}
	return pages;
}

static void *protected_arg(const struct arg_row *row)
{
	static u8 *pages;

	(void)row;
	if (!pages) {
		pages = memory(2 * PAGE);
		memset(pages, 0, 2 * PAGE);
		mprotect(pages, 2 * PAGE, PROT_NONE);
	}
	return pages;
}

TEST(args_null, "null pointers: EFAULT")
{
	all_fail(null_arg, INOUT, "null");
}

TEST(args_kernel, "addresses of the kernel, and of nobody: EFAULT")
{
	all_fail(kernel_arg, INOUT, "kernel address");
	all_fail(noncanonical_arg, INOUT, "non-canonical address");
}

TEST(args_gone, "arguments in pages that the process has and cannot use: EFAULT")
{
	all_fail(truncated_arg, INOUT, "truncated file");
	all_fail(protected_arg, INOUT, "PROT_NONE");
}

TEST(args_short, "structures cut off by the end of memory: EFAULT")
{
	all_fail(short_arg, INOUT, "one byte short");
}

TEST(args_readonly, "output to where nothing can be written: EFAULT")
{
	struct vm vm = vm_create(VM_PIT);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct arg_row *row = &rows[i];
		int r;

		if (!(row->how & OUT))
			continue;
		/* A list that is empty writes no more than its count. */
		r = ioctl(fd_of(&vm, row), row->nr, readonly_arg(row));
		CHECK_MSG(r == -1 && (errno == EFAULT || errno == E2BIG),
			  "%s: %s, not EFAULT", row->name,
			  errno_name(r < 0 ? errno : 0));
	}
}

/* ------------------------------------------------------------------------
 * What is read in one state fits at any address, and goes back in
 */

static const struct { const char *name; unsigned int get, set; size_t size; int where; }
pairs[] = {
#define PAIR(what, type, where) \
	{ #what, KVM_GET_##what, KVM_SET_##what, sizeof(type), where }
	PAIR(REGS, struct kvm_regs, VCPU),
	PAIR(SREGS, struct kvm_sregs, VCPU),
	PAIR(FPU, struct kvm_fpu, VCPU),
	PAIR(XSAVE, struct kvm_xsave, VCPU),
	PAIR(XCRS, struct kvm_xcrs, VCPU),
	PAIR(DEBUGREGS, struct kvm_debugregs, VCPU),
	PAIR(LAPIC, struct kvm_lapic_state, VCPU),
	PAIR(MP_STATE, struct kvm_mp_state, VCPU),
	PAIR(VCPU_EVENTS, struct kvm_vcpu_events, VCPU),
	PAIR(PIT, struct kvm_pit_state, VM),
	PAIR(PIT2, struct kvm_pit_state2, VM),
	PAIR(CLOCK, struct kvm_clock_data, VM),
#undef PAIR
};

TEST(args_unaligned, "structures at odd addresses, and none written beyond")
{
	struct vm vm = vm_create(VM_PIT);
	u8 *buffer = memory(4 * PAGE);
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		int fd = pairs[i].where == VM ? vm.fd : vm.vcpu;
		u8 *p = buffer + PAGE - 1;
		size_t size = pairs[i].size;

		memset(buffer, 0xa5, 4 * PAGE);
		CHECK_MSG(!ioctl(fd, pairs[i].get, p), "GET_%s: %m",
			  pairs[i].name);
		for (j = 0; j < 64; j++)
			CHECK_MSG(p[-1 - (int)j] == 0xa5 && p[size + j] == 0xa5,
				  "GET_%s writes beyond", pairs[i].name);
		CHECK_MSG(!ioctl(fd, pairs[i].set, p), "SET_%s: %m",
			  pairs[i].name);
	}
}

/*
 * Every byte of an answer is an answer: what is not defined is zero, or what
 * the caller had there, never what lay in the kernel's memory.
 */
TEST(args_no_leak, "two answers to the same question are the same bytes")
{
	struct vm vm = vm_create(VM_PIT);
	u8 *a = memory(2 * PAGE), *b = memory(2 * PAGE);
	unsigned int i, j, round;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		int fd = pairs[i].where == VM ? vm.fd : vm.vcpu;

		if (pairs[i].get == KVM_GET_CLOCK)
			continue;
		for (round = 0; round < 20; round++) {
			/* Stir the kernel's stacks and pools in between. */
			struct vm other = vm_create(VM_PIT);

			vm_close(&other);
			memset(a, 0, 2 * PAGE);
			memset(b, 0, 2 * PAGE);
			CHECK_OK(ioctl(fd, pairs[i].get, a));
			CHECK_OK(ioctl(fd, pairs[i].get, b));
			for (j = 0; j < pairs[i].size && a[j] == b[j]; j++)
				;
			if (!CHECK_MSG(j == pairs[i].size,
				       "GET_%s differs at byte %u",
				       pairs[i].name, j))
				break;
		}
	}
}

TEST(args_padding, "fields without meaning are zero in answers")
{
	struct vm vm = vm_create(VM_PIT);
	struct kvm_vcpu_events events;
	struct kvm_debugregs debugregs;
	struct kvm_clock_data clock;
	struct kvm_xcrs xcrs;
	struct kvm_fpu fpu;
	unsigned int i;

#define ALL_ZERO(field) do {						\
	for (i = 0; i < sizeof(field); i++)				\
		if (!CHECK_MSG(!((u8 *)&(field))[i], #field " byte %u", i)) \
			break;						\
	} while (0)
	memset(&events, 0xa5, sizeof(events));
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_VCPU_EVENTS, &events));
	ALL_ZERO(events.reserved);
	ALL_ZERO(events.nmi.pad);
	memset(&debugregs, 0xa5, sizeof(debugregs));
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_DEBUGREGS, &debugregs));
	ALL_ZERO(debugregs.flags);
	ALL_ZERO(debugregs.reserved);
	memset(&clock, 0xa5, sizeof(clock));
	CHECK_OK(ioctl(vm.fd, KVM_GET_CLOCK, &clock));
	ALL_ZERO(clock.pad0);
	ALL_ZERO(clock.pad);
	memset(&xcrs, 0xa5, sizeof(xcrs));
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_XCRS, &xcrs));
	CHECK_EQ(xcrs.nr_xcrs, 1);
	ALL_ZERO(xcrs.flags);
	ALL_ZERO(xcrs.xcrs[0].reserved);
	ALL_ZERO(xcrs.padding);
	memset(&fpu, 0xa5, sizeof(fpu));
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_FPU, &fpu));
	ALL_ZERO(fpu.pad1);
	ALL_ZERO(fpu.pad2);
#undef ALL_ZERO
}

/* ------------------------------------------------------------------------
 * Lists
 */

TEST(args_list_short, "lists that end before their count says so: EFAULT")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct snapshot *before = take_snapshot(&vm);
	u8 *edge = memory(2 * PAGE);
	struct kvm_msrs *msrs;
	struct kvm_cpuid2 *cpuid;
	struct kvm_cpuid *old;
	struct kvm_irq_routing *routing;

	munmap(edge + PAGE, PAGE);
	msrs = (void *)(edge + PAGE - sizeof(*msrs) - sizeof(msrs->entries[0]));
	msrs->nmsrs = 2;
	msrs->entries[0].index = 0x174;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_GET_MSRS, msrs), EFAULT);
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_MSRS, msrs), EFAULT);

	cpuid = (void *)(edge + PAGE - sizeof(*cpuid) -
			 sizeof(cpuid->entries[0]));
	cpuid->nent = 2;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_CPUID2, cpuid), EFAULT);
	cpuid->nent = 256;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_GET_CPUID2, cpuid), EFAULT);
	cpuid->nent = 256;
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_SUPPORTED_CPUID, cpuid), EFAULT);

	old = (void *)(edge + PAGE - sizeof(*old) - sizeof(old->entries[0]));
	old->nent = 2;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_CPUID, old), EFAULT);

	routing = (void *)(edge + PAGE - sizeof(*routing) -
			   sizeof(routing->entries[0]));
	memset(routing, 0, sizeof(*routing) + sizeof(routing->entries[0]));
	routing->nr = 2;
	CHECK_ERRNO(ioctl(vm.fd, KVM_SET_GSI_ROUTING, routing), EFAULT);
	CHECK_UNCHANGED(&vm, before, "a short list");
}

TEST(args_list_long, "lists longer than any may be")
{
	static const u32 sizes[] = { 4097, 1u << 16, 0x7fffffff, ~0u };
	struct vm vm = vm_create(VM_IRQCHIP);
	void *arg = memory(PAGE);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		*(u32 *)arg = sizes[i];
		CHECK_ERRNO(ioctl(vm.vcpu, KVM_GET_MSRS, arg), E2BIG);
		CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_MSRS, arg), E2BIG);
		CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_CPUID2, arg), E2BIG);
		CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_CPUID, arg), E2BIG);
		CHECK_ERRNO(ioctl(vm.fd, KVM_SET_GSI_ROUTING, arg), EINVAL);
	}
}
