// SPDX-License-Identifier: GPL-2.0
/*
 * calls.c - every ioctl of Documentation/api.md, with arguments that are good,
 * on the edge, or anything.  tests/abi/check holds the table to the code.
 */
#include <signal.h>
#include "ioctlfuzz.h"

#define LIST		4096	/* room for a list behind its head */

/* One row.  @size 0: the argument is a number, and good() chooses it. */
struct call {
	const char *name;
	unsigned int nr;
	int where;
	size_t size;
	unsigned int from;		/* whose answer is a good argument */
	u64 (*good)(struct rng *r, void *arg);
};

/* ------------------------------------------------------------------------
 * Good arguments
 */

static u64 good_zero(struct rng *r, void *arg)
{
	(void)r, (void)arg;
	return 0;
}

static u64 good_vcpu_id(struct rng *r, void *arg)
{
	(void)arg;
	return below(r, NR_VCPUS);
}

static u64 good_capability(struct rng *r, void *arg)
{
	(void)arg;
	return below(r, 256);
}

static u64 good_tss_addr(struct rng *r, void *arg)
{
	(void)arg;
	return below(r, 2) ? 0xfffbd000 : below(r, 0xfffb) * PAGE;
}

static u64 good_mmu_pages(struct rng *r, void *arg)
{
	(void)arg;
	return 64 + below(r, 200);
}

static u64 good_list(struct rng *r, void *arg)
{
	*(u32 *)arg = below(r, 4) ? 90 : below(r, 128);
	return 0;
}

static u64 good_region(struct rng *r, void *arg)
{
	struct kvm_userspace_memory_region *m = arg;
	u64 pages = 1 + below(r, 64);

	m->slot = 1 + below(r, 6);
	m->flags = below(r, 4);
	m->guest_phys_addr = (below(r, 2) ? MEM_SIZE / PAGE + below(r, 1024) : below(r, 2048)) * PAGE;
	m->memory_size = below(r, 5) ? pages * PAGE : 0;
	m->userspace_addr = ARENA + below(r, ARENA_PAGES - pages) * PAGE;
	/* Half of them are where they can be met again, to be changed or moved. */
	if (below(r, 2)) {
		m->memory_size = m->memory_size ? 32 * PAGE : 0;
		m->userspace_addr = ARENA + m->slot * 32 * PAGE;
	}
	return 0;
}

static u64 good_dirty_log(struct rng *r, void *arg)
{
	struct kvm_dirty_log *d = arg;

	d->slot = below(r, 7);
	d->dirty_bitmap = (void *)(below(r, 2) ? ARENA + below(r, ARENA_PAGES - 1) * PAGE :
						 ARGS + PAGE);
	return 0;
}

static u64 good_irqchip(struct rng *r, void *arg)
{
	((struct kvm_irqchip *)arg)->chip_id = below(r, 3);
	return 0;
}

static u64 good_irq_level(struct rng *r, void *arg)
{
	*(struct kvm_irq_level *)arg = (struct kvm_irq_level){
		.irq = below(r, 26), .level = below(r, 2),
	};
	return 0;
}

static u64 good_reinject(struct rng *r, void *arg)
{
	((struct kvm_reinject_control *)arg)->pit_reinject = below(r, 2);
	return 0;
}

static struct kvm_irq_routing_entry good_route(struct rng *r)
{
	struct kvm_irq_routing_entry e = { .gsi = below(r, 30), .type = KVM_IRQ_ROUTING_MSI };

	if (below(r, 2)) {
		e.u.msi.address_lo = 0xfee00000 | below(r, 4) << 12;
		e.u.msi.data = below(r, 256) | below(r, 8) << 8;
		return e;
	}
	e.type = KVM_IRQ_ROUTING_IRQCHIP;
	e.u.irqchip.irqchip = below(r, 3);
	e.u.irqchip.pin = below(r, e.u.irqchip.irqchip == 2 ? 24 : 8);
	return e;
}

static u64 good_routing(struct rng *r, void *arg)
{
	struct kvm_irq_routing *t = arg;
	unsigned int i;

	t->nr = below(r, 20);
	for (i = 0; i < t->nr; i++) {
		t->entries[i] = good_route(r);
		if (below(r, 2))
			t->entries[i].gsi = i;
	}
	return 0;
}

static u64 good_msi(struct rng *r, void *arg)
{
	struct kvm_irq_routing_entry e = { .u.msi.address_lo = 0xfee00000 | below(r, 4) << 12 };

	*(struct kvm_msi *)arg = (struct kvm_msi){
		.address_lo = e.u.msi.address_lo | below(r, 16), .data = rnd(r) & 0xffff,
	};
	return 0;
}

static u64 good_zone(struct rng *r, void *arg)
{
	struct kvm_coalesced_mmio_zone *z = arg;

	z->pio = below(r, 2);
	z->addr = z->pio ? below(r, 256) : MMIO + below(r, 4) * 8;
	z->size = 1 + below(r, 16);
	return 0;
}

static u64 good_interrupt(struct rng *r, void *arg)
{
	((struct kvm_interrupt *)arg)->irq = 32 + below(r, 224);
	return 0;
}

/* What our modules list, and what guests use. */
static u32 good_msr(struct rng *r)
{
	static const u32 some[] = {
		0x10, 0x11, 0x12, 0x1b, 0x3a, 0x3b, 0x8b, 0xfe, 0x174, 0x175, 0x176, 0x179, 0x17a,
		0x1a0, 0x200, 0x201, 0x250, 0x258, 0x268, 0x277, 0x2ff, 0x400, 0x401, 0x6e0, 0x802,
		0x808, 0x80b, 0x80f, 0x830, 0x838, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083,
		0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, 0xc0010015, 0x4b564d00,
		0x4b564d01,
	};

	return some[below(r, ARRAY_SIZE(some))];
}

static u64 good_msrs(struct rng *r, void *arg)
{
	struct kvm_msrs *m = arg;
	unsigned int i;

	m->nmsrs = 1 + below(r, 10);
	for (i = 0; i < m->nmsrs; i++) {
		m->entries[i].index = good_msr(r);
		m->entries[i].data = interesting(r);
	}
	return 0;
}

static u64 good_cpuid(struct rng *r, void *arg)
{
	struct kvm_cpuid2 *c = arg;

	(void)r;
	c->nent = 90;
	(void)!ioctl(me->world->fd[FD_DEV], KVM_GET_SUPPORTED_CPUID, c);
	return 0;
}

static u64 good_old_cpuid(struct rng *r, void *arg)
{
	struct kvm_cpuid *c = arg;
	unsigned int i;

	c->nent = below(r, 10);
	for (i = 0; i < c->nent; i++)
		c->entries[i] = (struct kvm_cpuid_entry){
			.function = i | below(r, 2) << 31, .eax = 0x80000008, .ebx = rnd(r),
			.ecx = rnd(r), .edx = rnd(r),
		};
	return 0;
}

/* Without the signals that let a machine's threads end, it is soon a standstill. */
static u64 good_mask(struct rng *r, void *arg)
{
	struct kvm_signal_mask *m = arg;

	m->len = 8;
	*(u64 *)m->sigset = below(r, 16) ? BIT(SIGUSR1 - 1) | BIT(SIGHUP - 1) : rnd(r);
	return 0;
}

static u64 good_mp_state(struct rng *r, void *arg)
{
	((struct kvm_mp_state *)arg)->mp_state = below(r, 3) ? 0 : below(r, 5);
	return 0;
}

static u64 good_debug(struct rng *r, void *arg)
{
	struct kvm_guest_debug *d = arg;

	d->control = below(r, 4) ? (rnd(r) & 0x30003) : 0;
	d->arch.debugreg[0] = CODE + below(r, 64);
	d->arch.debugreg[7] = 0x700 | below(r, 256);
	return 0;
}

static u64 good_address(struct rng *r, void *arg)
{
	((struct kvm_translation *)arg)->linear_address = below(r, 8) ?
		below(r, 2048) * PAGE : interesting(r);
	return 0;
}

static u64 good_fpu(struct rng *r, void *arg)
{
	*(struct kvm_fpu *)arg = (struct kvm_fpu){ .fcw = 0x37f, .mxcsr = 0x1f80 };
	(void)r;
	return 0;
}

static u64 good_clock(struct rng *r, void *arg)
{
	struct kvm_clock_data *c = arg;

	c->clock = rnd(r) >> 20;
	c->flags = below(r, 4) ? 0 : KVM_CLOCK_REALTIME;
	return 0;
}

/* ------------------------------------------------------------------------
 * The table
 */

#define NUMBER(name, where, good)	{ #name, name, where, 0, 0, good }
#define GET(name, where, type)		{ #name, name, where, sizeof(type), 0, good_zero }
#define SET(name, where, type, from)	{ #name, name, where, sizeof(type), from, NULL }
#define GOOD(name, where, type, from, good) { #name, name, where, sizeof(type), from, good }

static const struct call calls[] = {
	NUMBER(KVM_RUN, VCPU, good_zero),
	NUMBER(KVM_GET_API_VERSION, DEV, good_zero),
	NUMBER(KVM_CREATE_VM, DEV, good_zero),
	NUMBER(KVM_CHECK_EXTENSION, DEV, good_capability),
	NUMBER(KVM_GET_VCPU_MMAP_SIZE, DEV, good_zero),
	GOOD(KVM_GET_SUPPORTED_CPUID, DEV, struct kvm_cpuid2, 0, good_list),
	GOOD(KVM_GET_EMULATED_CPUID, DEV, struct kvm_cpuid2, 0, good_list),
	GOOD(KVM_GET_MSR_INDEX_LIST, DEV, struct kvm_msr_list, 0, good_list),

	NUMBER(KVM_CREATE_VCPU, VM, good_vcpu_id),
	NUMBER(KVM_CHECK_EXTENSION, VM, good_capability),
	GOOD(KVM_SET_USER_MEMORY_REGION, VM, struct kvm_userspace_memory_region, 0, good_region),
	GOOD(KVM_GET_DIRTY_LOG, VM, struct kvm_dirty_log, 0, good_dirty_log),
	NUMBER(KVM_SET_TSS_ADDR, VM, good_tss_addr),
	GOOD(KVM_SET_IDENTITY_MAP_ADDR, VM, u64, 0, good_zero),
	NUMBER(KVM_SET_NR_MMU_PAGES, VM, good_mmu_pages),
	NUMBER(KVM_GET_NR_MMU_PAGES, VM, good_zero),
	NUMBER(KVM_SET_BOOT_CPU_ID, VM, good_vcpu_id),
	NUMBER(KVM_CREATE_IRQCHIP, VM, good_zero),
	GOOD(KVM_GET_IRQCHIP, VM, struct kvm_irqchip, 0, good_irqchip),
	GOOD(KVM_SET_IRQCHIP, VM, struct kvm_irqchip, KVM_GET_IRQCHIP, good_irqchip),
	GOOD(KVM_IRQ_LINE, VM, struct kvm_irq_level, 0, good_irq_level),
	GOOD(KVM_IRQ_LINE_STATUS, VM, struct kvm_irq_level, 0, good_irq_level),
	NUMBER(KVM_CREATE_PIT, VM, good_zero),
	GOOD(KVM_CREATE_PIT2, VM, struct kvm_pit_config, 0, good_zero),
	GET(KVM_GET_PIT, VM, struct kvm_pit_state),
	SET(KVM_SET_PIT, VM, struct kvm_pit_state, KVM_GET_PIT),
	GET(KVM_GET_PIT2, VM, struct kvm_pit_state2),
	SET(KVM_SET_PIT2, VM, struct kvm_pit_state2, KVM_GET_PIT2),
	GOOD(KVM_REINJECT_CONTROL, VM, struct kvm_reinject_control, 0, good_reinject),
	GOOD(KVM_SET_GSI_ROUTING, VM, struct kvm_irq_routing, 0, good_routing),
	GOOD(KVM_SIGNAL_MSI, VM, struct kvm_msi, 0, good_msi),
	GOOD(KVM_REGISTER_COALESCED_MMIO, VM, struct kvm_coalesced_mmio_zone, 0, good_zone),
	GOOD(KVM_UNREGISTER_COALESCED_MMIO, VM, struct kvm_coalesced_mmio_zone, 0, good_zone),
	GET(KVM_GET_CLOCK, VM, struct kvm_clock_data),
	GOOD(KVM_SET_CLOCK, VM, struct kvm_clock_data, KVM_GET_CLOCK, good_clock),

	GET(KVM_GET_REGS, VCPU, struct kvm_regs),
	SET(KVM_SET_REGS, VCPU, struct kvm_regs, KVM_GET_REGS),
	GET(KVM_GET_SREGS, VCPU, struct kvm_sregs),
	SET(KVM_SET_SREGS, VCPU, struct kvm_sregs, KVM_GET_SREGS),
	GET(KVM_GET_FPU, VCPU, struct kvm_fpu),
	GOOD(KVM_SET_FPU, VCPU, struct kvm_fpu, KVM_GET_FPU, good_fpu),
	GET(KVM_GET_XSAVE, VCPU, struct kvm_xsave),
	SET(KVM_SET_XSAVE, VCPU, struct kvm_xsave, KVM_GET_XSAVE),
	GET(KVM_GET_XCRS, VCPU, struct kvm_xcrs),
	SET(KVM_SET_XCRS, VCPU, struct kvm_xcrs, KVM_GET_XCRS),
	GET(KVM_GET_DEBUGREGS, VCPU, struct kvm_debugregs),
	SET(KVM_SET_DEBUGREGS, VCPU, struct kvm_debugregs, KVM_GET_DEBUGREGS),
	GOOD(KVM_GET_MSRS, VCPU, struct kvm_msrs, 0, good_msrs),
	GOOD(KVM_SET_MSRS, VCPU, struct kvm_msrs, 0, good_msrs),
	GOOD(KVM_SET_CPUID, VCPU, struct kvm_cpuid, 0, good_old_cpuid),
	GOOD(KVM_SET_CPUID2, VCPU, struct kvm_cpuid2, KVM_GET_CPUID2, good_cpuid),
	GOOD(KVM_GET_CPUID2, VCPU, struct kvm_cpuid2, 0, good_list),
	GET(KVM_GET_LAPIC, VCPU, struct kvm_lapic_state),
	SET(KVM_SET_LAPIC, VCPU, struct kvm_lapic_state, KVM_GET_LAPIC),
	GET(KVM_GET_MP_STATE, VCPU, struct kvm_mp_state),
	GOOD(KVM_SET_MP_STATE, VCPU, struct kvm_mp_state, KVM_GET_MP_STATE, good_mp_state),
	GET(KVM_GET_VCPU_EVENTS, VCPU, struct kvm_vcpu_events),
	SET(KVM_SET_VCPU_EVENTS, VCPU, struct kvm_vcpu_events, KVM_GET_VCPU_EVENTS),
	GOOD(KVM_INTERRUPT, VCPU, struct kvm_interrupt, 0, good_interrupt),
	NUMBER(KVM_NMI, VCPU, good_zero),
	GOOD(KVM_SET_SIGNAL_MASK, VCPU, struct kvm_signal_mask, 0, good_mask),
	GOOD(KVM_SET_GUEST_DEBUG, VCPU, struct kvm_guest_debug, 0, good_debug),
	GOOD(KVM_TRANSLATE, VCPU, struct kvm_translation, 0, good_address),
	NUMBER(KVM_GET_TSC_KHZ, VCPU, good_zero),
	NUMBER(KVM_KVMCLOCK_CTRL, VCPU, good_zero),
	NUMBER(KVM_GET_STATS_FD, VM, good_zero),
	NUMBER(KVM_GET_STATS_FD, VCPU, good_zero),
};

const unsigned int nr_calls = ARRAY_SIZE(calls);

_Static_assert(ARRAY_SIZE(calls) <= NR_CALLS_MAX, "NR_CALLS_MAX");

const char *call_name(unsigned int i)
{
	return calls[i].name;
}

unsigned int run_row(void)
{
	return 0;
}

bool call_is_known(unsigned long nr)
{
	unsigned int i;

	for (i = 0; i < nr_calls; i++)
		if (calls[i].nr == nr)
			return true;
	return false;
}

/* ------------------------------------------------------------------------
 * Doing it
 */

/* Fills me->scratch; a list's head says no more than there is room for, unless edited. */
static void make_argument(const struct call *c, const struct op *op, int fd)
{
	u8 *p = me->scratch;
	unsigned int i;

	memset(p, 0, c->size + LIST);
	switch (op->from % NR_FROM) {
	case FROM_GOOD:
		if (c->good) {
			c->good(&me->rng, p);
			break;
		}
		/* fall through */
	case FROM_GOT:
		good_list(&me->rng, p);
		(void)!ioctl(fd, c->from ? c->from : c->nr, p);
		break;
	case FROM_NOISE:
		for (i = 0; i < (c->size + 256) / 4; i++)
			((u32 *)p)[i] = interesting(&me->rng);
	}
	for (i = 0; i < op->nr_edits; i++) {
		const struct edit *e = &op->edit[i];

		/* Mostly in the structure, else in the list behind it. */
		memcpy(p + (e->at < 512 ? e->at % (c->size ? c->size : 1) : e->at % LIST),
		       &e->value, e->size);
	}
}

/* Where the argument is to lie. */
static u8 *choose_place(const struct op *op, size_t size)
{
	u8 *args = (u8 *)ARGS + me->nr * 2 * ARG_PAGES * PAGE;

	switch (op->place % NR_PLACES) {
	case PLACE_ODD:
		return args + 1 + op->seed % 4095;
	case PLACE_GUEST:
		return (u8 *)ARENA + op->seed % (ARENA_PAGES * PAGE);
	case PLACE_RUN:
		return (u8 *)RUNS + op->on % NR_VCPUS * 16 * PAGE + op->seed % (3 * PAGE);
	case PLACE_END:
		return args + ARG_PAGES * PAGE - op->seed % (size + 1);
	case PLACE_READONLY:
		return args + 8 * PAGE;
	case PLACE_GONE:
		return args + ARG_PAGES * PAGE;
	case PLACE_WILD:
		return (u8 *)op->value;
	default:
		return args;
	}
}

static long do_ioctl(const struct call *c, const struct op *op, int fd)
{
	u8 *arg;

	if (!c->size) {
		u64 value = op->from % NR_FROM == FROM_NOISE ? op->value : c->good(&me->rng, NULL);

		if (c->nr == KVM_RUN)
			return run_briefly(fd, value);
		return ioctl(fd, c->nr, value);
	}
	make_argument(c, op, fd);
	arg = choose_place(op, c->size);
	/* A wild place is not for us to write to: it may be our own. */
	if (op->place % NR_PLACES != PLACE_WILD)
		try_copy(arg, me->scratch, c->size + 512);
	return ioctl(fd, c->nr, arg);
}

/* A new descriptor takes the place of an old one, rarely of the first machine's. */
static void adopt_vm(u32 seed, int fd)
{
	unsigned int i = seed % 64 ? NR_VMS - 1 : 0;

	close(atomic_exchange(&me->world->fd[FD_VM + i], fd));
}

static void adopt_vcpu(u32 seed, int fd)
{
	unsigned int i = seed % 64 ? 1 + seed % (NR_VCPUS - 1) : 0;

	close(atomic_exchange(&me->world->fd[FD_VCPU + i], fd));
	mmap((u8 *)RUNS + i * 16 * PAGE, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
	     fd, 0);
}

void call_do(const struct op *op)
{
	const struct call *c = &calls[op->what];
	int fd = pick_fd(c->where, op->on);
	long r = do_ioctl(c, op, fd);

	shared->tried[op->what]++;
	if (r < 0)
		return;
	shared->succeeded[op->what]++;
	if (c->nr == KVM_CREATE_VM)
		adopt_vm(op->seed, r);
	else if (c->nr == KVM_CREATE_VCPU)
		adopt_vcpu(op->seed, r);
	else if (c->nr == KVM_GET_STATS_FD)
		close(atomic_exchange(&me->world->fd[FD_OTHER + op->seed % 4], r));
}
