// SPDX-License-Identifier: GPL-2.0
/*
 * test_inject.c - every allocation and every copy from or to user space fails
 * once, the first one, the second one ... until there is none left, by the
 * host's /proc/thread-self/fail-nth (needs CONFIG_FAULT_INJECTION, FAILSLAB,
 * FAIL_PAGE_ALLOC, FAULT_INJECTION_USERCOPY).  Whoever asked sees ENOMEM or
 * EFAULT, or nothing where there is another way; nothing has changed, and the
 * same call succeeds when it is made again.  That nothing leaks is for the
 * host's kmemleak to say, when all is over.
 *
 * Memory that is not there is in test_memory.c and test_args.c, which need no
 * such host.
 */
#include <fcntl.h>
#include "vm.h"

#define HIGH		0x10000000ull
#define SLOT_SIZE	(4 * PAGE)
#define LIMIT		3000	/* no path allocates so often */

/* ------------------------------------------------------------------------
 * Failing
 */

static int nth_file;

static void set_knob(const char *name, const char *value)
{
	char path[100];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		skip("the host's kernel injects no failures");
	REQUIRE(write(fd, value, strlen(value)) > 0);
	close(fd);
}

static void can_inject(void)
{
	/* Allocations that may sleep, of single pages too; not a word in the log. */
	set_knob("failslab/ignore-gfp-wait", "N");
	set_knob("fail_page_alloc/ignore-gfp-wait", "N");
	set_knob("fail_page_alloc/ignore-gfp-highmem", "N");
	set_knob("fail_page_alloc/min-order", "0");
	set_knob("failslab/verbose", "0");
	set_knob("fail_page_alloc/verbose", "0");
	set_knob("fail_usercopy/verbose", "0");
	kvm_dev();
	nth_file = open("/proc/thread-self/fail-nth", O_RDWR);
	REQUIRE(nth_file >= 0);
}

static void fail_nth(unsigned int n)
{
	char text[20];
	int len = snprintf(text, sizeof(text), "%u", n);

	/* Where one is pending still, it may hit the write that takes it back. */
	while (pwrite(nth_file, text, len, 0) != len)
		;
}

/* No more failures.  True if there was one. */
static bool failed(void)
{
	char text[20] = "";
	bool done = pread(nth_file, text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0;

	fail_nth(0);
	return done;
}

/* ------------------------------------------------------------------------
 * One path
 */

/*
 * begin() comes before each attempt, end() after each; act() returns as an
 * ioctl does.  All are given the machine that begin() made, or the caller.
 */
struct path {
	const char *name;
	void (*begin)(struct vm *vm);
	long (*act)(struct vm *vm);
	void (*end)(struct vm *vm);
};

/* What went wrong has no effect; again, and it goes well. */
static void try_again(const struct path *p, struct vm *vm, struct snapshot *before,
		      unsigned int n, int error)
{
	CHECK_MSG(error == ENOMEM || error == EFAULT, "%s: failure %u makes it %s", p->name, n,
		  errno_name(error));
	if (before)
		CHECK_UNCHANGED(vm, before, p->name);
	if (p->act(vm) < 0)
		check_failed(__FILE__, __LINE__, "%s: after failure %u it is %s", p->name, n,
			     errno_name(errno));
}

static void each_failure(const struct path *p, struct vm *vm)
{
	unsigned int n, errors = 0;
	bool any = true;

	for (n = 1; any && n < LIMIT && failures < 10; n++) {
		struct snapshot *before = NULL;
		long r;
		int error;

		if (p->begin)
			p->begin(vm);
		if (vm->vcpu >= 0)
			before = take_snapshot(vm);
		fail_nth(n);
		r = p->act(vm);
		error = errno;
		any = failed();
		if (r < 0) {
			try_again(p, vm, before, n, error);
			errors++;
		} else {
			free(before);
		}
		CHECK_MSG(any || r >= 0, "%s fails by itself: %s", p->name, errno_name(error));
		if (p->end)
			p->end(vm);
	}
	CHECK_MSG(n < LIMIT, "%s: no end of failures", p->name);
	printf("  %-32s %u failures, %u told\n", p->name, n - 2, errors);
}

/* ------------------------------------------------------------------------
 * Machines come into being
 */

static void begin_nothing(struct vm *vm)
{
	*vm = (struct vm){ .fd = -1, .vcpu = -1 };
}

static void begin_empty(struct vm *vm)
{
	*vm = vm_create(VM_NO_VCPU);
}

static void begin_chips(struct vm *vm)
{
	*vm = vm_create(VM_NO_VCPU | VM_IRQCHIP);
}

static long create_vm(struct vm *vm)
{
	return vm->fd = ioctl(kvm_dev(), KVM_CREATE_VM, 0);
}

static long create_irqchip(struct vm *vm)
{
	return ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0);
}

static long create_pit(struct vm *vm)
{
	return ioctl(vm->fd, KVM_CREATE_PIT, 0);
}

static long create_pit2(struct vm *vm)
{
	static const struct kvm_pit_config config;

	return ioctl(vm->fd, KVM_CREATE_PIT2, &config);
}

static long create_vcpu(struct vm *vm)
{
	return vm->vcpu = ioctl(vm->fd, KVM_CREATE_VCPU, 0);
}

static void end_vm(struct vm *vm)
{
	vm_close(vm);
}

/* What was just made works: a guest gets through. */
static void end_vcpu(struct vm *vm)
{
	vm->run = vcpu_map(vm->vcpu);
	vcpu_set_cpuid(vm->vcpu);
	start_servant(vm);
	vm_close(vm);
	begin_nothing(vm);
}

static long get_stats(struct vm *vm)
{
	char head[64];
	int fd = ioctl(vm->vcpu < 0 ? vm->fd : vm->vcpu, KVM_GET_STATS_FD, 0);
	long r;

	if (fd < 0)
		return -1;
	r = read(fd, head, sizeof(head));
	close(fd);
	return r;
}

static long map_vcpu(struct vm *vm)
{
	long sum = 0;
	unsigned int i;

	vm->run = mmap(NULL, run_size(), PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
	if (vm->run == MAP_FAILED) {
		vm->run = NULL;
		return -1;
	}
	for (i = 0; i < run_size() / PAGE; i++)
		sum += ((volatile u8 *)vm->run)[i * PAGE];
	return 0;
}

static void unmap_vcpu(struct vm *vm)
{
	munmap(vm->run, run_size());
}

static void begin_life(struct vm *vm)
{
	*vm = vm_create(VM_PIT);
	start_servant(vm);
}

static long close_all(struct vm *vm)
{
	vm_close(vm);
	vm->vcpu = -1;
	return 0;
}

TEST_SECONDS(inject_creation, 300, "machines, vCPUs, interrupt controllers and timers while memory is short")
{
	static const struct path paths[] = {
		{ "KVM_CREATE_VM", begin_nothing, create_vm, end_vm },
		{ "KVM_CREATE_IRQCHIP", begin_empty, create_irqchip, end_vm },
		{ "KVM_CREATE_PIT", begin_chips, create_pit, end_vm },
		{ "KVM_CREATE_PIT2", begin_chips, create_pit2, end_vm },
		{ "KVM_CREATE_VCPU", begin_empty, create_vcpu, end_vcpu },
		{ "KVM_CREATE_VCPU, irqchip", begin_chips, create_vcpu, end_vcpu },
		{ "KVM_GET_STATS_FD", begin_empty, get_stats, end_vm },
		{ "KVM_GET_STATS_FD, vCPU", begin_life, get_stats, end_vm },
		{ "close()", begin_life, close_all, NULL },
	};
	struct vm vm;
	unsigned int i;

	can_inject();
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		begin_nothing(&vm);
		each_failure(&paths[i], &vm);
	}
}

TEST(inject_mmap, "a vCPU is mapped and touched while memory is short")
{
	static const struct path path = { "mmap()", NULL, map_vcpu, unmap_vcpu };
	struct vm vm = vm_create(0);

	can_inject();
	unmap_vcpu(&vm);
	each_failure(&path, &vm);
}

/* ------------------------------------------------------------------------
 * Slots
 */

static u8 *slot_memory;

static long add_slot(struct vm *vm)
{
	return set_slot(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, HIGH, SLOT_SIZE, slot_memory);
}

static long delete_slot(struct vm *vm)
{
	return set_slot(vm, 1, 0, 0, 0, NULL);
}

static long move_slot(struct vm *vm)
{
	return set_slot(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, 2 * HIGH, SLOT_SIZE, slot_memory);
}

static long log_off(struct vm *vm)
{
	return set_slot(vm, 1, 0, HIGH, SLOT_SIZE, slot_memory);
}

/* Memory is where it was, and what the guest writes is noticed. */
static void dirty_slot(struct vm *vm)
{
	REQUIRE_OK(add_slot(vm));
	POKE(vm, HIGH + PAGE, 1);
}

static void quiet_slot(struct vm *vm)
{
	REQUIRE_OK(log_off(vm));
	POKE(vm, HIGH + PAGE, 1);
}

static void slot_is_high(struct vm *vm)
{
	*(u64 *)slot_memory += 1;
	CHECK_EQ(PEEK(vm, HIGH), *(u64 *)slot_memory);
	REQUIRE_OK(delete_slot(vm));
}

static void slot_is_higher(struct vm *vm)
{
	*(u64 *)slot_memory += 1;
	CHECK_EQ(PEEK(vm, 2 * HIGH), *(u64 *)slot_memory);
	REQUIRE_OK(delete_slot(vm));
}

static u64 dirty_bits;

static long dirty_log(struct vm *vm)
{
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = &dirty_bits };

	dirty_bits = 0;
	return ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log);
}

/* The bit was not lost where nobody learnt of it. */
static void dirty_was_told(struct vm *vm)
{
	CHECK_EQ(dirty_bits, 2);
	REQUIRE_OK(delete_slot(vm));
}

TEST_SECONDS(inject_slots, 120, "KVM_SET_USER_MEMORY_REGION, KVM_GET_DIRTY_LOG while memory is short")
{
	static const struct path paths[] = {
		{ "a new slot", NULL, add_slot, slot_is_high },
		{ "a slot moves", dirty_slot, move_slot, slot_is_higher },
		{ "a slot goes", dirty_slot, delete_slot, NULL },
		{ "logging begins", quiet_slot, add_slot, slot_is_high },
		{ "logging ends", dirty_slot, log_off, slot_is_high },
		{ "KVM_GET_DIRTY_LOG", dirty_slot, dirty_log, dirty_was_told },
	};
	struct vm vm = vm_create(0);
	unsigned int i;

	can_inject();
	start_servant(&vm);
	slot_memory = memory(SLOT_SIZE);
	for (i = 0; i < ARRAY_SIZE(paths); i++)
		each_failure(&paths[i], &vm);
}

/* ------------------------------------------------------------------------
 * Every other ioctl that has an argument
 */

/* EMPTY: a VM without vCPU; BARE: a vCPU without interrupt controllers. */
enum { ON_DEV, ON_VM, ON_VCPU, ON_EMPTY, ON_BARE };

union argument {
	u8 bytes[2 * PAGE];
	u32 head;
	struct kvm_irqchip chip;
	struct kvm_irq_level level;
	struct kvm_irq_routing routing;
	struct kvm_msi msi;
	struct kvm_coalesced_mmio_zone zone;
	struct kvm_interrupt interrupt;
	struct kvm_msrs msrs;
	struct kvm_cpuid cpuid;
	struct kvm_signal_mask mask;
	struct kvm_translation address;
};

/* @from: whose answer is the argument.  Else make() makes it, or it is @number. */
struct row {
	const char *name;
	unsigned int nr;
	int on;
	unsigned int from;
	void (*make)(union argument *a);
	unsigned long number;
};

static void make_list(union argument *a)
{
	a->head = 90;
}

static void make_level(union argument *a)
{
	a->level.irq = 5;
}

static void make_chip(union argument *a)
{
	a->chip.chip_id = KVM_IRQCHIP_IOAPIC;
}

static void make_routing(union argument *a)
{
	a->routing.nr = 2;
	a->routing.entries[0].gsi = 3;
	a->routing.entries[0].type = KVM_IRQ_ROUTING_MSI;
	a->routing.entries[1].gsi = 4;
	a->routing.entries[1].type = KVM_IRQ_ROUTING_IRQCHIP;
	a->routing.entries[1].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
}

static void make_msi(union argument *a)
{
	a->msi.address_lo = 0xfee00000;
	a->msi.data = 0x30;
}

static void make_zone(union argument *a)
{
	a->zone.addr = MMIO;
	a->zone.size = 8;
}

static void make_interrupt(union argument *a)
{
	a->interrupt.irq = 0x40;
}

static void make_msrs(union argument *a)
{
	a->msrs.nmsrs = 3;
	a->msrs.entries[0].index = 0x174;
	a->msrs.entries[1].index = 0x277;
	a->msrs.entries[1].data = 0x0007040600070406;
	a->msrs.entries[2].index = 0x10;
}

static void make_cpuid(union argument *a)
{
	a->cpuid.nent = 1;
}

static void make_mask(union argument *a)
{
	a->mask.len = 8;
}

static void make_address(union argument *a)
{
	a->address.linear_address = CODE;
}

static void make_nothing(union argument *a)
{
	(void)a;
}

#define NUMBER(name, on, number)	{ #name, name, on, 0, NULL, number }
#define GET(name, on)			{ #name, name, on, 0, make_nothing }
#define SET(name, on, from)		{ #name, name, on, from, NULL }
#define MAKE(name, on, make)		{ #name, name, on, 0, make }

/* Those of other tests: CREATE_*, KVM_SET_USER_MEMORY_REGION, KVM_GET_DIRTY_LOG, KVM_RUN. */
static const struct row rows[] = {
	NUMBER(KVM_GET_API_VERSION, ON_DEV, 0),
	NUMBER(KVM_CHECK_EXTENSION, ON_DEV, KVM_CAP_IRQCHIP),
	NUMBER(KVM_CHECK_EXTENSION, ON_VM, KVM_CAP_IRQCHIP),
	NUMBER(KVM_GET_VCPU_MMAP_SIZE, ON_DEV, 0),
	MAKE(KVM_GET_SUPPORTED_CPUID, ON_DEV, make_list),
	MAKE(KVM_GET_EMULATED_CPUID, ON_DEV, make_list),
	MAKE(KVM_GET_MSR_INDEX_LIST, ON_DEV, make_list),
	MAKE(KVM_GET_IRQCHIP, ON_VM, make_chip),
	SET(KVM_SET_IRQCHIP, ON_VM, KVM_GET_IRQCHIP),
	MAKE(KVM_IRQ_LINE, ON_VM, make_level),
	MAKE(KVM_IRQ_LINE_STATUS, ON_VM, make_level),
	GET(KVM_GET_PIT, ON_VM),
	SET(KVM_SET_PIT, ON_VM, KVM_GET_PIT),
	GET(KVM_GET_PIT2, ON_VM),
	SET(KVM_SET_PIT2, ON_VM, KVM_GET_PIT2),
	GET(KVM_REINJECT_CONTROL, ON_VM),
	MAKE(KVM_SET_GSI_ROUTING, ON_VM, make_routing),
	MAKE(KVM_SIGNAL_MSI, ON_VM, make_msi),
	MAKE(KVM_REGISTER_COALESCED_MMIO, ON_VM, make_zone),
	MAKE(KVM_UNREGISTER_COALESCED_MMIO, ON_VM, make_zone),
	GET(KVM_GET_CLOCK, ON_VM),
	SET(KVM_SET_CLOCK, ON_VM, KVM_GET_CLOCK),
	GET(KVM_GET_REGS, ON_VCPU),
	SET(KVM_SET_REGS, ON_VCPU, KVM_GET_REGS),
	GET(KVM_GET_SREGS, ON_VCPU),
	SET(KVM_SET_SREGS, ON_VCPU, KVM_GET_SREGS),
	GET(KVM_GET_FPU, ON_VCPU),
	SET(KVM_SET_FPU, ON_VCPU, KVM_GET_FPU),
	GET(KVM_GET_XSAVE, ON_VCPU),
	SET(KVM_SET_XSAVE, ON_VCPU, KVM_GET_XSAVE),
	GET(KVM_GET_XCRS, ON_VCPU),
	SET(KVM_SET_XCRS, ON_VCPU, KVM_GET_XCRS),
	GET(KVM_GET_DEBUGREGS, ON_VCPU),
	SET(KVM_SET_DEBUGREGS, ON_VCPU, KVM_GET_DEBUGREGS),
	MAKE(KVM_GET_MSRS, ON_VCPU, make_msrs),
	MAKE(KVM_SET_MSRS, ON_VCPU, make_msrs),
	MAKE(KVM_SET_CPUID, ON_VCPU, make_cpuid),
	MAKE(KVM_GET_CPUID2, ON_VCPU, make_list),
	SET(KVM_SET_CPUID2, ON_VCPU, KVM_GET_CPUID2),
	GET(KVM_GET_LAPIC, ON_VCPU),
	SET(KVM_SET_LAPIC, ON_VCPU, KVM_GET_LAPIC),
	GET(KVM_GET_MP_STATE, ON_VCPU),
	SET(KVM_SET_MP_STATE, ON_VCPU, KVM_GET_MP_STATE),
	GET(KVM_GET_VCPU_EVENTS, ON_VCPU),
	SET(KVM_SET_VCPU_EVENTS, ON_VCPU, KVM_GET_VCPU_EVENTS),
	MAKE(KVM_INTERRUPT, ON_BARE, make_interrupt),
	NUMBER(KVM_NMI, ON_VCPU, 0),
	MAKE(KVM_SET_SIGNAL_MASK, ON_VCPU, make_mask),
	GET(KVM_SET_GUEST_DEBUG, ON_VCPU),
	MAKE(KVM_TRANSLATE, ON_VCPU, make_address),
	NUMBER(KVM_GET_TSC_KHZ, ON_VCPU, 0),
	NUMBER(KVM_KVMCLOCK_CTRL, ON_VCPU, 0),
	GET(KVM_SET_IDENTITY_MAP_ADDR, ON_EMPTY),
	NUMBER(KVM_SET_BOOT_CPU_ID, ON_EMPTY, 0),
	NUMBER(KVM_SET_TSS_ADDR, ON_EMPTY, 0xfffbd000),
	NUMBER(KVM_SET_NR_MMU_PAGES, ON_VM, 100),
	NUMBER(KVM_GET_NR_MMU_PAGES, ON_VM, 0),
};

static const struct row *the_row;
static union argument *the_argument;

static int descriptor(const struct vm *vm, int on)
{
	return on == ON_DEV ? kvm_dev() : on == ON_VM || on == ON_EMPTY ? vm->fd : vm->vcpu;
}

static void begin_ioctl(struct vm *vm)
{
	static const struct kvm_vcpu_events none = { .flags = KVM_VCPUEVENT_VALID_NMI_PENDING };

	if (vm->vcpu >= 0)
		REQUIRE_OK(ioctl(vm->vcpu, KVM_SET_VCPU_EVENTS, &none));
	memset(the_argument, 0, sizeof(*the_argument));
	if (the_row->make)
		the_row->make(the_argument);
	if (the_row->from == KVM_GET_CPUID2)
		make_list(the_argument);
	if (the_row->from)
		REQUIRE_OK(ioctl(descriptor(vm, the_row->on), the_row->from, the_argument));
}

static long do_ioctl(struct vm *vm)
{
	bool pointer = the_row->make || the_row->from;

	return ioctl(descriptor(vm, the_row->on), the_row->nr,
		     pointer ? (unsigned long)the_argument : the_row->number);
}

TEST_SECONDS(inject_ioctls, 200, "every ioctl that makes nothing while memory is short")
{
	struct vm chips = vm_create(VM_PIT), bare = vm_create(0), empty = vm_create(VM_NO_VCPU);
	unsigned int i;

	can_inject();
	the_argument = memory(sizeof(*the_argument));
	CHECK_EQ(set_msr(chips.vcpu, 0x4b564d01, FREE + 1), 1);		/* kvmclock */
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct path path = { rows[i].name, begin_ioctl, do_ioctl };

		the_row = &rows[i];
		each_failure(&path, rows[i].on == ON_EMPTY ? &empty :
				    rows[i].on == ON_BARE ? &bare : &chips);
	}
}

/* ------------------------------------------------------------------------
 * Guests
 */

/*
 * Memory never touched, in three blocks of 2 MiB; MMIO; strings from and to a
 * port; its own page tables; kvmclock; each counted, to see that none of it
 * happens twice or is lost.
 */
GUEST(64, toils,
	"lock incq 0x200000\n lock incq 0x10000000\n lock incq 0x10200000\n"
	"mov $0xd0000000, %esi\n mov (%rsi), %rax\n add %rax, 0xa000\n"
	"mov %rax, 8(%rsi)\n lock incq 0xa008\n"
	"mov $0x300000, %edi\n mov $0x60, %edx\n mov $16, %ecx\n rep insb\n"
	"mov $0x300000, %esi\n mov $16, %ecx\n rep outsb\n"
	"mov $0x4b564d01, %ecx\n mov $0x301001, %eax\n xor %edx, %edx\n wrmsr\n"
	"mov $0x100000e3, %eax\n mov %rax, 0x12040\n"		/* 16 MiB leads to HIGH */
	"movq $0, 0x12048\n"
	"lock incq 0x1000000\n"
	"mov %cr3, %rax\n mov %rax, %cr3\n invlpg 0x1000000\n"
	"lock incq 0x1000000\n"
	"mov $3, %ecx\n 1: push %rcx\n pop %rcx\n loop 1b\n"
	"lock incq 0xa010\n" DONE);

static u8 *blocks;
static unsigned int ins, outs, mmio_writes;
static u8 out_data[16];

static void serve(struct vm *vm)
{
	struct kvm_run *run = vm->run;
	u8 *data = io_data(vm);
	u64 answer = 7;
	u32 i;

	if (run->exit_reason == KVM_EXIT_MMIO && !run->mmio.is_write) {
		memcpy(run->mmio.data, &answer, 8);
	} else if (run->exit_reason == KVM_EXIT_MMIO) {
		mmio_writes++;
	} else if (run->exit_reason == KVM_EXIT_IO && run->io.direction == KVM_EXIT_IO_IN) {
		for (i = 0; i < run->io.count; i++)
			data[i] = 'a' + ins++;
	} else if (run->exit_reason == KVM_EXIT_IO && run->io.port == 0x60) {
		for (i = 0; i < run->io.count && outs < sizeof(out_data); i++)
			out_data[outs++] = data[i];
	}
}

static bool at_end(const struct vm *vm)
{
	return vm->run->exit_reason == KVM_EXIT_IO && vm->run->io.port == PORT_DONE;
}

/* -1 the first time that it fails; then it goes on where it was. */
static long run_all(struct vm *vm)
{
	int i;

	for (i = 0; i < 100; i++) {
		if (run(vm))
			return -1;
		if (at_end(vm))
			return 0;
		serve(vm);
		if (vm->run->exit_reason != KVM_EXIT_MMIO && vm->run->exit_reason != KVM_EXIT_IO)
			break;
	}
	errno = EPROTO;
	return -1;
}

static void begin_guest(struct vm *vm)
{
	*vm = vm_create(VM_PIT);
	blocks = mmap(NULL, 0x400000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE_OK(set_slot(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, HIGH, 0x400000, blocks));
	START64(vm, toils);
	ins = outs = mmio_writes = 0;
}

static void end_guest(struct vm *vm)
{
	CHECK_EQ(*(u64 *)(vm->mem + 0x200000), 1);
	CHECK_EQ(*(u64 *)(blocks + 0x200000), 1);
	CHECK_EQ(*(u64 *)blocks, 3);
	CHECK_EQ(data(vm)[0], 7);
	CHECK_EQ(data(vm)[1], 1);
	CHECK_EQ(data(vm)[2], 1);
	CHECK_EQ(mmio_writes, 1);
	CHECK(!memcmp(vm->mem + 0x300000, "abcdefghijklmnop", 16));
	CHECK(outs == 16 && !memcmp(out_data, "abcdefghijklmnop", 16));
	/* kvmclock: written, and whole. */
	CHECK(*(u32 *)(vm->mem + 0x301000) && !(*(u32 *)(vm->mem + 0x301000) & 1));
	munmap(blocks, 0x400000);
	vm_close(vm);
	begin_nothing(vm);
}

/*
 * The caches that faults take from are filled before the first entry, by the
 * same few lines again and again, and kmemleak allocates each time, too: of
 * some 250 allocations not all need to fail.
 */
static unsigned int next_failure(unsigned int n)
{
	return n < 8 || n > 240 ? n + 1 : n + 17;
}

TEST_SECONDS(inject_guest, 200, "a guest's page faults, MMIO, strings and tables while memory is short")
{
	unsigned int n, told = 0, done = 0;
	bool any = true;
	struct vm vm;

	can_inject();
	for (n = 1; any && n < LIMIT && failures < 10; n = next_failure(n)) {
		int error;
		long r;

		begin_guest(&vm);
		fail_nth(n);
		r = run_all(&vm);
		error = errno;
		any = failed();
		done++;
		if (r) {
			CHECK_MSG(any && (error == ENOMEM || error == EFAULT),
				  "failure %u makes it %s", n, errno_name(error));
			r = run_all(&vm);
			CHECK_MSG(!r, "after failure %u it is %s, exit %s", n, errno_name(errno),
				  exit_name(vm.run->exit_reason));
			told++;
		}
		end_guest(&vm);
	}
	CHECK_MSG(n < LIMIT, "no end of failures");
	printf("  %u failures up to the %u., %u told\n", done - 1, n, told);
}
