// SPDX-License-Identifier: GPL-2.0
/*
 * vm.c - the machine that streams run on, and what is checked of it.
 *
 * All memory is one mapping: guards of several pages lie around what the guest
 * gets, in the host's address space as, mostly, in the guest's.  Guards hold a
 * number that the guest must not see.  Slots: the scene and the page tables,
 * both with a dirty log; a read-only one; and two pages of the scene once more
 * at another address.  All else is MMIO, answered at random.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>
#include "streams.h"

#define GUARD_BYTES	(4 * PAGE)
#define SLOT_BYTES	(SCENE_BYTES + TABLES_BYTES)
#define SLOT_PAGES	(SLOT_BYTES / PAGE)
#define ROM_BYTES	(ROM_PAGES * PAGE)
#define ALL_BYTES	(4 * GUARD_BYTES + SLOT_BYTES + ROM_BYTES)
#define MAX_EXITS	200
#define STEPS		12	/* of the debugger, per entry */
#define TICK_US		5000

enum { SLOT_SCENE, SLOT_TABLES, SLOT_ROM, SLOT_ALIAS };

bool verbose;

static int kvm, vm = -1, vcpu = -1;
static struct kvm_run *run;
static size_t run_size;
static struct kvm_cpuid2 *cpuid;
static struct kvm_sregs reset_sregs;
static u8 *all, *scene, *tables, *rom;
static u8 *built[2], *before;		/* scene and tables: as built, as a stream began */
static u64 tag;				/* what guards hold */
static bool irqchip, single_step;

static struct {
	u64 entries, exits, reasons[64], loops, refused;
} totals;

static void fail(const char *what)
{
	printf("streams: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int try(int r, const char *what)
{
	if (r < 0)
		fail(what);
	return r;
}

/* ------------------------------------------------------------------------
 * Memory
 */

static void fill_tags(u8 *at, unsigned int bytes)
{
	unsigned int i;

	for (i = 0; i < bytes; i += 8)
		memcpy(at + i, &tag, 8);
}

static bool all_tags(const u8 *at, unsigned int bytes)
{
	unsigned int i;

	for (i = 0; i < bytes; i += 8)
		if (memcmp(at + i, &tag, 8))
			return false;
	return true;
}

static void allocate(void)
{
	u8 *at;

	all = mmap(NULL, ALL_BYTES, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	built[0] = malloc(SLOT_BYTES);
	built[1] = malloc(SLOT_BYTES);
	before = malloc(SLOT_BYTES);
	if (all == MAP_FAILED || !built[0] || !built[1] || !before)
		fail("memory");
	fill_tags(all, ALL_BYTES);
	at = all + GUARD_BYTES;
	scene = at;
	at += SCENE_BYTES + GUARD_BYTES;
	tables = at;
	at += TABLES_BYTES + GUARD_BYTES;
	rom = at;
	memset(rom, 0x5a, ROM_BYTES);
}

/* Page @i of the slots that may be written. */
static u8 *slot_page(unsigned int i)
{
	return i < SCENE_PAGES ? scene + i * PAGE : tables + (i - SCENE_PAGES) * PAGE;
}

/* The windows behind the scene, by the tables of all three forms (tests/modes/scene.c). */
static void add_windows(u8 *tables)
{
	u32 *pt32 = (u32 *)(tables + PAGE);
	u64 *pt = (u64 *)(tables + 6 * PAGE);
	unsigned int i;

	for (i = 0; i < NR_WINDOWS; i++)
		pt[SCENE_PAGES + i] = pt32[SCENE_PAGES + i] = window_gpa(i) | 0x67;
}

/*
 * As tests/modes has it, where all code that nobody chose is HLT; and with
 * INT3 instead, by which the debugger notices the end where HLT would sleep.
 */
static void build(u64 reserved)
{
	static const u32 code[] = { HANDLERS_0, CODE_U, HANDLERS_U, CODE_S, CODE_S + PAGE };
	unsigned int i;

	scene_build(built[0], built[0] + SCENE_BYTES, reserved);
	add_windows(built[0] + SCENE_BYTES);
	memcpy(built[1], built[0], SLOT_BYTES);
	for (i = 0; i < ARRAY_SIZE(code); i++)
		memset(built[1] + code[i], 0xcc, PAGE);
}

static void set_slot(u32 slot, u32 flags, u64 gpa, u8 *from, u64 bytes)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .flags = flags, .guest_phys_addr = gpa, .memory_size = bytes,
		.userspace_addr = (u64)from,
	};

	try(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
}

static void set_tables(void)
{
	set_slot(SLOT_TABLES, KVM_MEM_LOG_DIRTY_PAGES, TABLES_GPA, tables, TABLES_BYTES);
}

/*
 * All as built.  What we write behind the guest's back would not be seen by
 * whoever shadows page tables, so their slot goes and comes.
 */
static void restore(void)
{
	const u8 *from = built[irqchip];
	unsigned int i;

	if (memcmp(tables, from + SCENE_BYTES, TABLES_BYTES)) {
		set_slot(SLOT_TABLES, 0, TABLES_GPA, tables, 0);
		memcpy(tables, from + SCENE_BYTES, TABLES_BYTES);
		set_tables();
	}
	for (i = 0; i < SCENE_PAGES; i++)
		if (memcmp(scene + i * PAGE, from + i * PAGE, PAGE))
			memcpy(scene + i * PAGE, from + i * PAGE, PAGE);
}

static void put_linear(const struct mode_case *c, u64 la, const u8 *bytes, unsigned int len)
{
	for (; len; len--, la++, bytes++) {
		int at = mode_patch_place(c, la);

		if (at >= 0)
			scene[at] = *bytes;
	}
}

static void load_memory(const struct stream *s)
{
	static const u32 tss[] = { TSS_32, TSS_NEXT_32, TSS_NEXT_VM86, TSS_NEXT_32 + 0x300 };
	const struct mode_case *c = &s->c;
	u32 cr3 = scene_cr3(c->world);
	u8 bytes[PATCH_BYTES];
	unsigned int i;

	restore();
	for (i = 0; i < ARRAY_SIZE(tss); i++)
		memcpy(scene + tss[i] + 0x1c, &cr3, 4);
	for (i = 0; i < CASE_PATCHES && c->t.patch[i].la; i++) {
		patch_bytes(&c->t.patch[i], bytes);
		put_linear(c, c->t.patch[i].la, bytes, PATCH_BYTES);
	}
	put_linear(c, c->t.code_la, s->code, s->len);
	for (i = 0; i < SLOT_PAGES; i++)
		memcpy(before + i * PAGE, slot_page(i), PAGE);
}

/* ------------------------------------------------------------------------
 * Checks
 */

static u64 dirty_log(u32 slot)
{
	u64 bits[4] = { 0 };
	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = bits };

	try(ioctl(vm, KVM_GET_DIRTY_LOG, &log), "KVM_GET_DIRTY_LOG");
	return bits[0];
}

/* "What was written, the log names", and nobody saw a guard. */
static bool pages_right(void)
{
	u64 logged = dirty_log(SLOT_SCENE) | dirty_log(SLOT_ALIAS) << (DATA_U / PAGE);
	unsigned int i;

	logged |= dirty_log(SLOT_TABLES) << SCENE_PAGES;
	for (i = 0; i < SLOT_PAGES; i++) {
		const u8 *page = slot_page(i);

		if (!memcmp(page, before + i * PAGE, PAGE))
			continue;
		if (!(logged >> i & 1)) {
			printf("FAILED: page %u of %s has changed, and the dirty log does not say so\n",
			       i < SCENE_PAGES ? i : i - SCENE_PAGES,
			       i < SCENE_PAGES ? "the scene" : "the tables");
			return false;
		}
		if (memmem(page, PAGE, &tag, sizeof(tag))) {
			printf("FAILED: page %u holds what only the host has\n", i);
			return false;
		}
	}
	return true;
}

static bool guards_right(void)
{
	const u64 *regs = (const u64 *)&run->s.regs.regs;
	unsigned int i;

	if (!all_tags(all, GUARD_BYTES) || !all_tags(scene + SCENE_BYTES, GUARD_BYTES) ||
	    !all_tags(tables + TABLES_BYTES, GUARD_BYTES) ||
	    !all_tags(rom + ROM_BYTES, GUARD_BYTES)) {
		printf("FAILED: memory next to the guest's has changed\n");
		return false;
	}
	for (i = 0; i < ROM_BYTES; i++)
		if (rom[i] != 0x5a) {
			printf("FAILED: read-only memory has changed at %x\n", i);
			return false;
		}
	for (i = 0; i < 16; i++)
		if (regs[i] == tag) {
			printf("FAILED: register %u holds what only the host has\n", i);
			return false;
		}
	return true;
}

/* ------------------------------------------------------------------------
 * The machine
 */

static void tick(int sig)
{
}

/* What takes longer than a tick and one more is in a loop. */
static void set_clock(unsigned int us)
{
	struct itimerval period = { { 0, us }, { 0, us } };

	setitimer(ITIMER_REAL, &period, NULL);
}

void guest_init(void)
{
	struct sigaction act = { .sa_handler = tick };
	unsigned int n = 200;
	int random;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	try(kvm, "/dev/kvm");
	run_size = try(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	/* The tag is nobody's choice: no stream may come upon it but by reading. */
	random = try(open("/dev/urandom", O_RDONLY), "/dev/urandom");
	if (read(random, &tag, sizeof(tag)) != sizeof(tag))
		fail("/dev/urandom");
	close(random);
	cpuid = calloc(1, sizeof(*cpuid) + n * sizeof(cpuid->entries[0]));
	cpuid->nent = n;
	try(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid), "KVM_GET_SUPPORTED_CPUID");
	allocate();
	build(mode_learn_cpuid(cpuid));
	sigaction(SIGALRM, &act, NULL);
}

static void set_debug(void)
{
	struct kvm_guest_debug debug = { 0 };

	if (single_step)
		debug.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
	if (irqchip)
		debug.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP;
	try(ioctl(vcpu, KVM_SET_GUEST_DEBUG, &debug), "KVM_SET_GUEST_DEBUG");
}

void guest_open(struct rng *rng)
{
	struct kvm_pit_config pit = { 0 };

	irqchip = chance(rng, 50);
	/* Bochs interrupts no guest that spins with interrupts off: it is stepped. */
	single_step = chance(rng, 30) || intel;
	vm = try(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	if (irqchip) {
		try(ioctl(vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
		try(ioctl(vm, KVM_CREATE_PIT2, &pit), "KVM_CREATE_PIT2");
	}
	if (chance(rng, 30))
		try(ioctl(vm, KVM_SET_NR_MMU_PAGES, 64), "KVM_SET_NR_MMU_PAGES");
	set_slot(SLOT_SCENE, KVM_MEM_LOG_DIRTY_PAGES, 0, scene, SCENE_BYTES);
	set_tables();
	set_slot(SLOT_ROM, KVM_MEM_READONLY, ROM_GPA, rom, ROM_BYTES);
	set_slot(SLOT_ALIAS, KVM_MEM_LOG_DIRTY_PAGES, ALIAS_GPA, scene + DATA_U, ALIAS_PAGES * PAGE);
	vcpu = try(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		fail("kvm_run");
	try(ioctl(vcpu, KVM_SET_CPUID2, cpuid), "KVM_SET_CPUID2");
	try(ioctl(vcpu, KVM_GET_SREGS, &reset_sregs), "KVM_GET_SREGS");
	set_debug();
	set_clock(TICK_US);
}

void guest_close(void)
{
	set_clock(0);
	munmap(run, run_size);
	close(vcpu);
	close(vm);
}

/* ------------------------------------------------------------------------
 * An entry
 */

/* An interrupt, an NMI, a message, a line; what is refused is refused. */
static void interrupt(struct rng *rng)
{
	struct kvm_interrupt irq = { .irq = below(rng, 256) };
	struct kvm_irq_level line = { .irq = below(rng, 24), .level = 1 };
	struct kvm_msi msi = {
		.address_lo = 0xfee00000 | (below(rng, 4) << 2), .data = below(rng, 0x800),
	};

	switch (below(rng, 3)) {
	case 0:
		ioctl(vcpu, KVM_NMI, 0);
		break;
	case 1:
		if (irqchip)
			ioctl(vm, KVM_SIGNAL_MSI, &msi);
		else
			ioctl(vcpu, KVM_INTERRUPT, &irq);
		break;
	default:
		ioctl(vm, KVM_IRQ_LINE, &line);
		line.level = chance(rng, 20);
		ioctl(vm, KVM_IRQ_LINE, &line);
	}
}

static void random_events(struct rng *rng, struct kvm_vcpu_events *events)
{
	memset(events, 0, sizeof(*events));
	events->flags = KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_NMI_PENDING;
	if (chance(rng, 90))
		return;
	events->nmi.pending = chance(rng, 20);
	events->nmi.masked = chance(rng, 30);
	events->interrupt.shadow = below(rng, 4);
	if (chance(rng, 30)) {
		events->exception.injected = 1;
		events->exception.nr = below(rng, 32);
		events->exception.has_error_code = (0x27d00 >> events->exception.nr) & 1;
		events->exception.error_code = below(rng, 0x10000);
		/* What is no exception is refused as a whole. */
		if (events->exception.nr == 2)
			events->exception.nr = 6;
	}
}

static void load_state(struct rng *rng, const struct stream *s, unsigned int entry)
{
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	struct kvm_regs *regs = &run->s.regs.regs;
	u64 apic_base = run->s.regs.sregs.apic_base;

	mode_regs(&s->c, regs);
	regs->rip += s->entry[entry];
	mode_sregs(&s->c, &reset_sregs, &run->s.regs.sregs);
	if (apic_base && chance(rng, 80))
		run->s.regs.sregs.apic_base = apic_base;
	random_events(rng, &run->s.regs.events);
	run->kvm_dirty_regs = run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS |
						    KVM_SYNC_X86_EVENTS;
	if (irqchip)
		ioctl(vcpu, KVM_SET_MP_STATE, &runnable);
}

static void answer(struct rng *rng)
{
	u8 *data = (u8 *)run + run->io.data_offset;
	unsigned int i;
	u64 value = rnd(rng);

	if (run->exit_reason == KVM_EXIT_MMIO && !run->mmio.is_write)
		memcpy(run->mmio.data, &value, sizeof(value));
	if (run->exit_reason == KVM_EXIT_IO && run->io.direction == KVM_EXIT_IO_IN)
		for (i = 0; i < run->io.size * run->io.count; i++)
			data[i] = value >> 8 * (i & 7);
}

/* Complete what the last exit began, without going on. */
static void settle(void)
{
	unsigned int i;

	run->kvm_dirty_regs = 0;
	run->immediate_exit = 1;
	for (i = 0; i < 2000 && !ioctl(vcpu, KVM_RUN, 0); i++)
		;
	run->immediate_exit = 0;
}

enum next { GO_ON, END, BROKEN };

static enum next handle_exit(struct rng *rng, unsigned int *steps)
{
	totals.reasons[run->exit_reason < 64 ? run->exit_reason : 63]++;
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
	case KVM_EXIT_MMIO:
		answer(rng);
		return GO_ON;
	case KVM_EXIT_DEBUG:
		return single_step && ++*steps < STEPS && run->debug.arch.exception != 3 ? GO_ON :
											   END;
	case KVM_EXIT_IRQ_WINDOW_OPEN:
	case KVM_EXIT_SET_TPR:
		return GO_ON;
	case KVM_EXIT_HLT:
	case KVM_EXIT_SHUTDOWN:
	case KVM_EXIT_FAIL_ENTRY:
	case KVM_EXIT_INTERNAL_ERROR:
		return END;
	default:
		printf("FAILED: exit %u\n", run->exit_reason);
		return BROKEN;
	}
}

static bool run_entry(struct rng *rng, const struct stream *s, unsigned int entry)
{
	unsigned int exits, ticks = 0, steps = 0;
	enum next next = GO_ON;

	totals.entries++;
	load_state(rng, s, entry);
	if (verbose)
		printf("  entry %u at %x\n", entry, s->entry[entry]);
	if (chance(rng, 15))
		interrupt(rng);
	for (exits = 0; exits < MAX_EXITS && next == GO_ON; exits++) {
		int r = ioctl(vcpu, KVM_RUN, 0);

		run->kvm_dirty_regs = 0;
		totals.exits++;
		if (!r) {
			next = handle_exit(rng, &steps);
		} else if (errno == EINTR) {
			next = ++ticks < 2 ? GO_ON : END;
			totals.loops += next == END;
		} else if (errno == EINVAL || errno == EAGAIN) {
			totals.refused++;
			next = END;
		} else {
			printf("FAILED: KVM_RUN: %s\n", strerror(errno));
			next = BROKEN;
		}
	}
	settle();
	if (verbose)
		printf("    %u exits, the last %u, at %llx\n", exits, run->exit_reason,
		       (unsigned long long)run->s.regs.regs.rip);
	return next != BROKEN && guards_right();
}

bool guest_run(struct rng *rng, const struct stream *s)
{
	unsigned int i;
	bool right = true;

	load_memory(s);
	/* What we wrote ourselves is no matter of the log's. */
	dirty_log(SLOT_SCENE);
	for (i = 0; i < s->nr_entries && right; i++)
		right = run_entry(rng, s, i);
	return pages_right() && right;
}

void guest_print_totals(void)
{
	unsigned int i;

	printf("  %llu entries, %llu exits (", (unsigned long long)totals.entries,
	       (unsigned long long)totals.exits);
	for (i = 0; i < 64; i++)
		if (totals.reasons[i])
			printf("%u:%llu ", i, (unsigned long long)totals.reasons[i]);
	printf("), %llu took too long, %llu were refused\n", (unsigned long long)totals.loops,
	       (unsigned long long)totals.refused);
}
