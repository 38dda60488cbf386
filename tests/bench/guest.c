// SPDX-License-Identifier: GPL-2.0
/*
 * The bare guest of the benchmarks (64-bit): does one thing many times, which
 * its command line names (a row of the table below), and prints how many ticks
 * of the TSC that took, as "bench NAME TIMES TICKS".  In a host that counts
 * instructions as time, a tick is an instruction.
 */
#include "bare.h"
#include "marker.h"

#define RAM_FREE	(32 * MIB)	/* from here on nothing of ours lies */
#define FRESH		(64 * MIB)	/* never touched before its row runs */
#define HOLE		0xd0000000ul	/* neither memory nor a device */
#define PORT_IN_KERNEL	0x21		/* mask register of the first 8259 */
#define PORT_LAUNCHER	0xe9		/* reads as a constant */
#define TIMER_VECTOR	0x40
#define TIMER_TICKS	2000000		/* 2 ms: longer than a host polls */

#define P_TABLE		7ul		/* present, writable, user */

extern u64 boot_pml4[512];

static u64 *free_page = (u64 *)RAM_FREE;

/* A page of zeros that the host has already backed. */
static u64 *new_page(void)
{
	u64 *page = free_page;

	free_page += 512;
	return memset(page, 0, PAGE_SIZE);
}

/* The last-level entry of @va under @root, its tables made where missing. */
static u64 *entry_of(u64 *root, uintptr_t va, int level)
{
	int at;

	for (at = 4; at > level; at--) {
		u64 *entry = &root[va >> (3 + 9 * at) & 511];

		if (!*entry)
			*entry = (uintptr_t)new_page() | P_TABLE;
		root = (u64 *)(*entry & ~0xffful);
	}
	return &root[va >> (3 + 9 * level) & 511];
}

#define TOUCH(va)	(*(volatile u32 *)(va))

/* ------------------------------------------------------------------------
 * The rows: set-up, and one time round
 */

static void do_cpuid(unsigned int i)
{
	(void)i;
	cpuid(0, 0);
}

static void do_port_kernel(unsigned int i)
{
	(void)i;
	inb(PORT_IN_KERNEL);
}

static void do_port_user(unsigned int i)
{
	(void)i;
	inb(PORT_LAUNCHER);
}

static void do_mmio_user(unsigned int i)
{
	(void)i;
	TOUCH(HOLE);
}

static void do_mmio_apic(unsigned int i)
{
	(void)i;
	apic_read(APIC_VERSION);
}

static u64 pat;

static void set_up_wrmsr(void)
{
	pat = rdmsr(MSR_PAT);
}

static void do_wrmsr(unsigned int i)
{
	(void)i;
	wrmsr(MSR_PAT, pat);
}

static void do_hypercall(unsigned int i)
{
	long result = -1;	/* no such call: -ENOSYS */

	(void)i;
	asm volatile("vmmcall" : "+a"(result) : : "memory");
}

static u64 woken;

static void on_timer(struct frame *frame)
{
	(void)frame;
	woken = rdtsc();
	apic_write(APIC_EOI, 0);
}

static void set_up_timer(void)
{
	apic_setup();
	set_handler(TIMER_VECTOR, on_timer);
	apic_write(APIC_LVT_TIMER, TIMER_VECTOR | LVT_DEADLINE);
}

static void do_deadline(unsigned int i)
{
	(void)i;
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + (1ull << 40));
}

/*
 * An idle host's time jumps to the next timer, so a whole round would count
 * the time slept.  What counts here is how late the guest is woken.
 */
static u64 wake_latency(unsigned int times)
{
	u64 deadline, sum = 0;

	while (times--) {
		deadline = rdtsc() + TIMER_TICKS;
		wrmsr(MSR_TSC_DEADLINE, deadline);
		wait_for_interrupt();
		sum += woken - deadline;
	}
	return sum;
}

#define WINDOW		(1ul << 40)	/* what rows map for themselves */

static void map_fresh(unsigned int times)
{
	unsigned int i;

	for (i = 0; i < times; i++)
		*entry_of(boot_pml4, WINDOW + i * PAGE_SIZE, 1) =
			(FRESH + i * PAGE_SIZE) | P_TABLE;
}

static void set_up_fresh(void)
{
	map_fresh(8192);
}

static void do_fresh(unsigned int i)
{
	TOUCH(WINDOW + i * PAGE_SIZE) = i;
}

static void do_fresh_large(unsigned int i)
{
	TOUCH(FRESH + 2 * MIB * i) = i;
}

/* Demand paging: the guest's own handler maps what was touched. */
static void on_page_fault(struct frame *frame)
{
	uintptr_t va = read_cr2();

	(void)frame;
	*entry_of(boot_pml4, va, 1) = (RAM_FREE + 8 * MIB + (va & 0xffffff)) | P_TABLE;
}

static void set_up_demand(void)
{
	unsigned int i;

	set_handler(14, on_page_fault);
	for (i = 0; i < 16 * MIB / PAGE_SIZE; i++)
		TOUCH(RAM_FREE + 8 * MIB + i * PAGE_SIZE) = i;
	for (i = 0; i < 8; i++)
		entry_of(boot_pml4, WINDOW + i * 2 * MIB, 1);
}

static void do_demand(unsigned int i)
{
	TOUCH(WINDOW + i * PAGE_SIZE) = i;
}

static u64 *window_entry;

static void set_up_window(void)
{
	u64 *page = new_page();

	new_page();
	window_entry = entry_of(boot_pml4, WINDOW, 1);
	*window_entry = (uintptr_t)page | P_TABLE;
}

static void do_invlpg(unsigned int i)
{
	(void)i;
	invlpg(WINDOW);
	TOUCH(WINDOW);
}

/* Moves a page between two frames, as copy on write and migration do. */
static void do_remap(unsigned int i)
{
	(void)i;
	*window_entry = (*window_entry ^ PAGE_SIZE) & ~0x60ul;
	invlpg(WINDOW);
	TOUCH(WINDOW) = i;
}

#define PROCESSES	2
#define WORKING_SET	8		/* pages touched between two switches */

static uintptr_t process[PROCESSES];

/* Like two processes of a kernel: the lower half shared, the rest their own. */
static void set_up_cr3(void)
{
	unsigned int i, j;

	for (i = 0; i < PROCESSES; i++) {
		u64 *root = new_page();

		root[0] = boot_pml4[0];
		for (j = 0; j < WORKING_SET; j++)
			*entry_of(root, WINDOW + j * PAGE_SIZE, 1) =
				(uintptr_t)new_page() | P_TABLE;
		process[i] = (uintptr_t)root;
	}
}

static void do_cr3(unsigned int i)
{
	unsigned int j;

	write_cr3(process[i % PROCESSES]);
	for (j = 0; j < WORKING_SET; j++)
		TOUCH(WINDOW + j * PAGE_SIZE) = i;
}

static const struct row {
	const char *name;
	unsigned int times, warm_up;
	unsigned int passes;	/* the least counts: without the host's tick, if it can be */
	void (*set_up)(void);
	void (*once)(unsigned int i);
	u64 (*all)(unsigned int times);	/* instead of once; returns ticks */
} rows[] = {
	{ "cpuid", 2000, 200, 4, NULL, do_cpuid },
	{ "port-kernel", 2000, 200, 4, NULL, do_port_kernel },
	{ "port-user", 2000, 200, 4, NULL, do_port_user },
	{ "mmio-user", 2000, 200, 4, NULL, do_mmio_user },
	{ "mmio-apic", 2000, 200, 4, NULL, do_mmio_apic },
	{ "wrmsr", 2000, 200, 4, set_up_wrmsr, do_wrmsr },
	{ "deadline", 2000, 200, 1, set_up_timer, do_deadline },
	{ "hypercall", 2000, 200, 4, NULL, do_hypercall },
	{ "hlt-timer", 200, 20, 1, set_up_timer, NULL, wake_latency },
	{ "fresh-page", 4096, 512, 1, set_up_fresh, do_fresh },
	{ "fresh-2m", 1, 4, 32, NULL, do_fresh_large },
	{ "demand-page", 2048, 512, 1, set_up_demand, do_demand },
	{ "invlpg", 2000, 200, 4, set_up_window, do_invlpg },
	{ "remap", 2000, 200, 4, set_up_window, do_remap },
	{ "cr3-switch", 2000, 200, 4, set_up_cr3, do_cr3 },
};

static u64 repeat(const struct row *row, unsigned int first, unsigned int times)
{
	u64 start;
	unsigned int i;

	if (row->all)
		return row->all(times);
	start = rdtsc();
	for (i = 0; i < times; i++)
		row->once(first + i);
	return rdtsc() - start;
}

int main(int argc, char **argv)
{
	const struct row *row;
	unsigned int pass;
	u64 ticks, least;

	if (argc != 1)
		die("name one row");
	for (row = rows; strcmp(row->name, argv[0]); row++)
		if (row == &rows[ARRAY_SIZE(rows) - 1])
			die("no row %s", argv[0]);
	if (row->set_up)
		row->set_up();
	repeat(row, 0, row->warm_up);
	MARK(MARKER_BEGIN);
	least = repeat(row, row->warm_up, row->times);
	MARK(MARKER_END);
	for (pass = 1; pass < row->passes; pass++) {
		ticks = repeat(row, row->warm_up + pass * row->times, row->times);
		least = ticks < least ? ticks : least;
	}
	printf("bench %s %u %llu\n", row->name, row->times, least);
	return PASS;
}
