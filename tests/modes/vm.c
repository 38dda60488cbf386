// SPDX-License-Identifier: GPL-2.0
/*
 * vm.c - run a case on /dev/kvm, and see what came of it.
 *
 * One virtual machine serves all cases.  Before each run, memory becomes the scene again,
 * with the case's patches, and all registers are set; the module's parameter says who
 * executes.  Ports and MMIO are answered here, by their address.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>
#include "modes.h"

static int kvm, vm, vcpu, parameter;
static struct kvm_run *run;
static u8 *memory, *built;	/* scene and page tables */
static struct kvm_fpu clean_fpu;
static struct kvm_sregs reset_sregs;
static u32 changed_pages = ~0u;		/* not as built */
static bool fpu_dirty = true, msrs_dirty = true;
struct kvm_cpuid2 *guest_cpuid;

static void fail(const char *what)
{
	printf("modes: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int try(int r, const char *what)
{
	if (r < 0)
		fail(what);
	return r;
}

/* ------------------------------------------------------------------------
 * The machine
 */

const u32 case_msrs[NR_MSRS] = {
	0x174, 0x175, 0x176,				/* SYSENTER_CS, _ESP, _EIP */
	0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,	/* STAR, LSTAR, CSTAR, FMASK */
	0xc0000102, 0xc0000103, 0x277,			/* KERNEL_GS_BASE, TSC_AUX, PAT */
};

/* SYSRET's 32-bit target is C32 of DPL 3, its SS the next but one; others follow suit. */
static const u64 msr_values[NR_MSRS] = {
	SELECTOR(0, C32), STACK_0 + 0x1800, HANDLERS_0 + 0xc00,
	(u64)SELECTOR(3, C32) << 48 | (u64)SELECTOR(0, C64) << 32 | (HANDLERS_0 + 0xd00),
	HANDLERS_0 + 0xd80, HANDLERS_0 + 0xe00, 0x4700,
	HIGH, 0x1234, 0x0007040600070406,
};

static void set_msrs(void)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[NR_MSRS];
	} m = { .head.nmsrs = NR_MSRS };
	unsigned int i;

	for (i = 0; i < NR_MSRS; i++) {
		m.entry[i].index = case_msrs[i];
		m.entry[i].data = msr_values[i];
	}
	if (ioctl(vcpu, KVM_SET_MSRS, &m) != NR_MSRS)
		fail("KVM_SET_MSRS");
}

static void get_msrs(u64 *values)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[NR_MSRS];
	} m = { .head.nmsrs = NR_MSRS };
	unsigned int i;

	for (i = 0; i < NR_MSRS; i++)
		m.entry[i].index = case_msrs[i];
	if (ioctl(vcpu, KVM_GET_MSRS, &m) != NR_MSRS)
		fail("KVM_GET_MSRS");
	for (i = 0; i < NR_MSRS; i++)
		values[i] = m.entry[i].data;
}

/* Returns a bit that is reserved in entries of page tables. */
static u64 set_cpuid(void)
{
	unsigned int n = 200;

	guest_cpuid = calloc(1, sizeof(*guest_cpuid) + n * sizeof(guest_cpuid->entries[0]));
	guest_cpuid->nent = n;
	try(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, guest_cpuid), "KVM_GET_SUPPORTED_CPUID");
	try(ioctl(vcpu, KVM_SET_CPUID2, guest_cpuid), "KVM_SET_CPUID2");
	return mode_learn_cpuid(guest_cpuid);
}

/* A run that takes longer than one period and one more is in a loop. */
static void tick(int sig)
{
}

static void start_clock(void)
{
	struct sigaction act = { .sa_handler = tick };
	const char *slow = getenv("SLOW");
	struct timeval time = { .tv_sec = slow ? atoi(slow) : 0, .tv_usec = 200000 };
	struct itimerval period = { time, time };

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &period, NULL);
}

static void add_slot(u32 slot, u32 flags, u64 gpa, u8 *from, u64 bytes)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .flags = flags, .guest_phys_addr = gpa, .memory_size = bytes,
		.userspace_addr = (u64)from,
	};

	try(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
}

/* Other tests follow in this host. */
static void emulate_no_more(void)
{
	(void)!pwrite(parameter, "0", 1, 0);
}

void vm_init(void)
{
	u64 reserved;
	int size;

	parameter = open("/sys/module/kvm/parameters/force_emulation", O_WRONLY);
	if (parameter < 0) {
		printf("this module cannot be made to emulate everything\n");
		exit(77);
	}
	atexit(emulate_no_more);
	kvm = try(open("/dev/kvm", O_RDWR), "/dev/kvm");
	vm = try(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	memory = mmap(NULL, SCENE_BYTES + TABLES_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	built = malloc(SCENE_BYTES + TABLES_BYTES);
	if (memory == MAP_FAILED || !built)
		fail("memory");
	add_slot(0, 0, 0, memory, SCENE_BYTES);
	add_slot(1, KVM_MEM_READONLY, TABLES_GPA, memory + SCENE_BYTES, TABLES_BYTES);
	vcpu = try(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	size = try(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		fail("kvm_run");
	reserved = set_cpuid();
	scene_build(memory, memory + SCENE_BYTES, reserved);
	memcpy(built, memory, SCENE_BYTES + TABLES_BYTES);
	try(ioctl(vcpu, KVM_GET_SREGS, &reset_sregs), "KVM_GET_SREGS");
	start_clock();
}

/* ------------------------------------------------------------------------
 * Before
 */

static void write_linear(const struct mode_case *c, u64 la, const u8 *bytes, unsigned int len)
{
	for (; len; len--, la++, bytes++) {
		int at = mode_patch_place(c, la);

		if (at < 0)
			continue;
		memory[at] = *bytes;
		changed_pages |= 1u << at / PAGE;
	}
}

static void load_memory(const struct mode_case *c)
{
	static const u32 tss[] = {
		TSS_32, TSS_NEXT_32, TSS_NEXT_VM86, TSS_NEXT_32 + 0x300,
	};
	u32 cr3 = scene_cr3(c->world);
	u8 bytes[PATCH_BYTES];
	unsigned int i;

	for (i = 0; i < SCENE_PAGES; i++)
		if (changed_pages & (1u << i))
			memcpy(memory + i * PAGE, built + i * PAGE, PAGE);
	changed_pages = 1u << (TSS_32 / PAGE);
	for (i = 0; i < ARRAY_SIZE(tss); i++)
		memcpy(memory + tss[i] + 0x1c, &cr3, 4);
	for (i = 0; i < CASE_PATCHES && c->t.patch[i].la; i++) {
		patch_bytes(&c->t.patch[i], bytes);
		write_linear(c, c->t.patch[i].la, bytes, PATCH_BYTES);
	}
	write_linear(c, c->t.code_la, c->t.code, c->t.len);
}

static void load_fpu(const struct mode_case *c, struct kvm_fpu *fpu)
{
	u8 fx[512], high[16][16];
	u32 mxcsr;
	unsigned int i;

	case_vectors(c->t.vectors, fx, high);
	memset(fpu, 0, sizeof(*fpu));
	memcpy(&fpu->fcw, fx, 2);
	memcpy(&fpu->fsw, fx + 2, 2);
	fpu->ftwx = fx[4];
	memcpy(&mxcsr, fx + 24, 4);
	fpu->mxcsr = mxcsr;
	for (i = 0; i < 8; i++)
		memcpy(fpu->fpr[i], fx + 32 + 16 * i, 10);
	memcpy(fpu->xmm, fx + 160, 256);
	try(ioctl(vcpu, KVM_SET_FPU, fpu), "KVM_SET_FPU");
}

/* The guest's own single step wants no other. */
static void set_step(bool on)
{
	static int last = -1;
	struct kvm_guest_debug debug = {
		.control = on ? KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP : 0,
	};

	if (last != on)
		try(ioctl(vcpu, KVM_SET_GUEST_DEBUG, &debug), "KVM_SET_GUEST_DEBUG");
	last = on;
}

static void load_case(const struct mode_case *c)
{
	struct kvm_debugregs debug = {
		.db = { 0x1111, 0x2222, 0x3333, 0x4444 }, .dr6 = 0xffff0ff0, .dr7 = c->dr7,
	};
	static u64 last_vectors = ~0ull;

	set_step(!(c->t.rflags & X86_EFLAGS_TF));
	load_memory(c);
	mode_regs(c, &run->s.regs.regs);
	mode_sregs(c, &reset_sregs, &run->s.regs.sregs);
	memset(&run->s.regs.events, 0, sizeof(run->s.regs.events));
	run->s.regs.events.flags = KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_NMI_PENDING;
	run->kvm_dirty_regs = run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS |
						    KVM_SYNC_X86_EVENTS;
	try(ioctl(vcpu, KVM_SET_DEBUGREGS, &debug), "KVM_SET_DEBUGREGS");
	if (fpu_dirty || last_vectors != c->t.vectors)
		load_fpu(c, &clean_fpu);
	last_vectors = c->t.vectors;
	if (msrs_dirty)
		set_msrs();
}

/* ------------------------------------------------------------------------
 * After
 */

static bool same_page(const u64 *a, const u64 *b)
{
	unsigned int i;

	for (i = 0; i < PAGE / 8; i += 4)
		if ((a[i] ^ b[i]) | (a[i + 1] ^ b[i + 1]) | (a[i + 2] ^ b[i + 2]) |
		    (a[i + 3] ^ b[i + 3]))
			return false;
	return true;
}

static void store_memory(struct outcome *o)
{
	unsigned int i;

	for (i = 0; i < SCENE_PAGES; i++)
		if (!same_page((u64 *)(memory + i * PAGE), (u64 *)(built + i * PAGE)))
			changed_pages |= 1u << i;
	o->changed = changed_pages;
	for (i = 0; i < SCENE_PAGES; i++)
		if (changed_pages & (1u << i))
			memcpy(o->page[i], memory + i * PAGE, PAGE);
}

static void store_outcome(struct outcome *o)
{
	o->regs = run->s.regs.regs;
	o->sregs = run->s.regs.sregs;
	o->events = run->s.regs.events;
	try(ioctl(vcpu, KVM_GET_DEBUGREGS, &o->debug), "KVM_GET_DEBUGREGS");
	try(ioctl(vcpu, KVM_GET_FPU, &o->fpu), "KVM_GET_FPU");
	fpu_dirty = memcmp(&o->fpu, &clean_fpu, sizeof(clean_fpu));
	get_msrs(o->msr);
	msrs_dirty = memcmp(o->msr, msr_values, sizeof(msr_values));
	store_memory(o);
}

bool vm_tables_changed(void)
{
	return memcmp(memory + SCENE_BYTES, built + SCENE_BYTES, TABLES_BYTES);
}

u8 vm_initial(const struct mode_case *c, unsigned int at)
{
	u8 byte = built[at], bytes[PATCH_BYTES];
	unsigned int i, j;

	for (i = 0; i < CASE_PATCHES && c->t.patch[i].la; i++) {
		patch_bytes(&c->t.patch[i], bytes);
		for (j = 0; j < PATCH_BYTES; j++) {
			unsigned int page = scene_page(c, c->t.patch[i].la + j);

			if (page < SCENE_PAGES && page * PAGE + (c->t.patch[i].la + j) % PAGE == at)
				byte = bytes[j];
		}
	}
	return byte;
}

/* ------------------------------------------------------------------------
 * Meanwhile
 */

static u64 sum(const u8 *bytes, unsigned int len)
{
	u64 sum = len;

	while (len--)
		sum = (sum ^ *bytes++) * 0x100000001b3ull;
	return sum;
}

static void answer_io(struct trace *t)
{
	u8 *data = (u8 *)run + run->io.data_offset;
	unsigned int len = run->io.size * run->io.count, i;

	t->a = run->io.port | (u64)run->io.direction << 32;
	t->b = run->io.size | (u64)run->io.count << 32;
	if (run->io.direction == KVM_EXIT_IO_OUT) {
		t->data = sum(data, len);
		return;
	}
	for (i = 0; i < len; i++)
		data[i] = run->io.port + i;
}

static void answer_mmio(struct trace *t)
{
	unsigned int i;

	t->a = run->mmio.phys_addr;
	t->b = run->mmio.len | (u64)run->mmio.is_write << 32;
	if (run->mmio.is_write) {
		t->data = sum(run->mmio.data, run->mmio.len);
		return;
	}
	for (i = 0; i < 8; i++)
		run->mmio.data[i] = t->a + i;
}

#define MAX_ELEMENTS	64

/* Complete what the last exit began, without going on. */
static void settle(void)
{
	unsigned int i;

	/* An instruction may owe several exits. */
	run->immediate_exit = 1;
	for (i = 0; i < 2 * MAX_TRACE && !ioctl(vcpu, KVM_RUN, 0); i++)
		;
	run->immediate_exit = 0;
}

/* A step that has not left the instruction: an element of a string. */
static bool is_element(const struct mode_case *c, unsigned int *elements)
{
	return run->exit_reason == KVM_EXIT_DEBUG && run->s.regs.regs.rip == c->t.rip &&
	       ++*elements < MAX_ELEMENTS;
}

/* One KVM_RUN; true if there shall be another. */
static bool step(const struct mode_case *c, struct outcome *o, unsigned int *ticks,
		 unsigned int *elements)
{
	struct trace *t = &o->trace[o->nr_trace];
	int r = ioctl(vcpu, KVM_RUN, 0);

	o->reason = run->exit_reason;
	o->sub = 0;
	if (r < 0 && errno == EINTR) {
		o->reason = END_LOOP;
		return ++*ticks < 2;
	}
	if (r < 0) {
		o->reason = END_REFUSED;
		o->sub = errno;
		return false;
	}
	if (is_element(c, elements))
		return true;
	if (o->reason == KVM_EXIT_INTERNAL_ERROR)
		o->sub = run->internal.suberror;
	if (o->reason == KVM_EXIT_FAIL_ENTRY)
		o->sub = run->fail_entry.hardware_entry_failure_reason;
	if (o->reason != KVM_EXIT_IO && o->reason != KVM_EXIT_MMIO)
		return false;
	*t = (struct trace){ .reason = o->reason };
	if (o->reason == KVM_EXIT_IO)
		answer_io(t);
	else
		answer_mmio(t);
	if (++o->nr_trace < MAX_TRACE)
		return true;
	o->reason = END_TRACE;
	settle();
	return false;
}

void vm_run(const struct mode_case *c, bool emulated, struct outcome *o)
{
	unsigned int ticks = 0, elements = 0;

	if (pwrite(parameter, emulated ? "1" : "0", 1, 0) != 1)
		fail("force_emulation");
	load_case(c);
	o->nr_trace = 0;
	while (step(c, o, &ticks, &elements))
		;
	store_outcome(o);
}

int outcome_vector(const struct outcome *o)
{
	u64 pc = o->regs.rip + (o->sregs.cs.l ? 0 : o->sregs.cs.base) - 1;

	if (o->reason != KVM_EXIT_HLT)
		return -1;
	if (pc - HANDLERS_0 < 0x800)
		return (pc - HANDLERS_0) / 8;
	if (pc - HANDLERS_U < 0x800)
		return (pc - HANDLERS_U) / 8;
	return -1;
}
