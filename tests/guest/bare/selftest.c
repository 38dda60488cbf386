// SPDX-License-Identifier: GPL-2.0
/*
 * The library checks itself: exceptions caught at both levels, handlers that
 * resume, interrupts, numbers.
 */
#include "bare.h"
#include "paging.h"

#define CHECK(condition) \
	do { if (!(condition)) die("%s:%d: %s", __FILE__, __LINE__, #condition); } while (0)

static uintptr_t add(uintptr_t a, uintptr_t b)
{
	return a + b;
}

static uintptr_t undefined(uintptr_t a, uintptr_t b)
{
	(void)a, (void)b;
	asm volatile("ud2");
	return 0;
}

static uintptr_t load_segment(uintptr_t selector, uintptr_t b)
{
	(void)b;
	asm volatile("mov %0, %%fs" : : "r"(selector));
	return 0;
}

#if BITS == 64
static uintptr_t load_byte(uintptr_t address, uintptr_t b)
{
	(void)b;
	return *(volatile u8 *)address;
}
#endif

/* An inner call that faults, then a fault of its own. */
static uintptr_t nested(uintptr_t a, uintptr_t b)
{
	struct outcome inner = try_call(load_segment, a, b);

	CHECK(inner.vector == 13 && inner.error == a);
	return undefined(0, 0);
}

USER static uintptr_t user_add(uintptr_t a, uintptr_t b)
{
	return a + b;
}

USER static uintptr_t user_cli(uintptr_t a, uintptr_t b)
{
	asm volatile("cli");
	return a + b;
}

USER static uintptr_t user_flags(uintptr_t a, uintptr_t b)
{
	uintptr_t flags;

	(void)a, (void)b;
	asm volatile("pushf; pop %0" : "=r"(flags));
	return flags;
}

static void check_calls(void)
{
	struct outcome o;

	o = try_call(add, 3, 4);
	CHECK(o.vector == NO_FAULT && o.value == 7);
	o = try_call(undefined, 0, 0);
	CHECK(o.vector == 6 && o.error == 0);
	o = try_call(nested, 0x7ff8, 0);
	CHECK(o.vector == 6);
	o = user_call(user_add, 5, 6, 0);
	CHECK(o.vector == NO_FAULT && o.value == 11);
	o = user_call(user_cli, 5, 6, 0);
	CHECK(o.vector == 13 && o.error == 0 && o.ip >= (uintptr_t)user_cli &&
	      o.ip < (uintptr_t)user_cli + 64);
	o = user_call(user_flags, 0, 0, RFLAGS_AC);
	CHECK(o.vector == NO_FAULT && (o.value & RFLAGS_AC) && !(o.value & RFLAGS_IF));
#if BITS == 64
	o = try_call(load_byte, 0x123456789abc, 0);
	CHECK(o.vector == 14 && o.error == 0 && o.cr2 == 0x123456789abc);
#endif
}

static unsigned int breakpoints, timer_interrupts;

static void count_breakpoint(struct frame *frame)
{
	CHECK(frame->vector == 3);
	breakpoints++;
	frame->ax = 77;
}

static void count_apic_timer(struct frame *frame)
{
	(void)frame;
	timer_interrupts++;
	apic_write(APIC_EOI, 0);
}

static void count_pit(struct frame *frame)
{
	(void)frame;
	timer_interrupts++;
	pic_eoi(0);
}

static void check_handlers(void)
{
	u32 value = 1;

	set_handler(3, count_breakpoint);
	asm volatile("int3" : "+a"(value));
	CHECK(value == 77 && breakpoints == 1);

	pic_setup(0x20, 1 << 0);
	set_handler(0x20, count_pit);
	pit_setup(11932);		/* 10 ms */
	while (timer_interrupts < 3)
		wait_for_interrupt();

	apic_setup();
	timer_interrupts = 0;
	set_handler(0x40, count_apic_timer);
	apic_write(APIC_TIMER_DIV, 0xb);
	apic_write(APIC_LVT_TIMER, 0x40 | LVT_PERIODIC);
	apic_write(APIC_TIMER_INIT, 1000000);
	while (timer_interrupts < 3)
		wait_for_interrupt();
	apic_write(APIC_LVT_TIMER, LVT_MASKED);
}

/* Code for other modes; each adds something to its argument. */
asm(".pushsection .low, \"awx\"\n"
    ".code16\n"
    "real_add: add $16, %eax; movw $0x1234, 0x600; ret\n"
    "real_bad: ud2; ret\n"
    ".code32\n"
    "code32_add: add $32, %eax; ret\n"
    ".code64\n"
    "code64_add: lea 64(%rdi), %rax; shl $32, %rax; ret\n"
#if BITS == 32
    ".code32\n"
#endif
    ".popsection\n");
extern const u8 real_add[], real_bad[], code32_add[], code64_add[];

static void check_modes(void)
{
	const u32 cr0 = CR0_PE, paged = CR0_PE | CR0_PG;
	uintptr_t root32 = space_create(&paging_32, 64 * MIB, false);
	uintptr_t root_small = space_create(&paging_32, 64 * MIB, true);
	uintptr_t root_pae = space_create(&paging_pae, 64 * MIB, false);
	uintptr_t root_long = space_create(&paging_long, 64 * MIB, false);
	struct outcome o;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		*(volatile u16 *)0x600 = 0;
		o = real_call(real_add, 1 + i);
		CHECK(o.vector == NO_FAULT && (u32)o.value == 17 + i);
		CHECK(*(volatile u16 *)0x600 == 0x1234);
		o = real_call(real_bad, 1);
		CHECK(o.vector == 6 && o.ip == (uintptr_t)real_bad - LOW_BASE);
		CHECK((u32)mode_call(&(struct machine_mode) { cr0, 0, 0, 0 }, code32_add, i) == 32 + i);
		CHECK((u32)mode_call(&(struct machine_mode) { paged, root32, CR4_PSE, 0 },
				     code32_add, i) == 32 + i);
		CHECK((u32)mode_call(&(struct machine_mode) { paged, root_small, 0, 0 },
				     code32_add, i) == 32 + i);
		CHECK((u32)mode_call(&(struct machine_mode) { paged, root_pae, CR4_PAE, 0 },
				     code32_add, i) == 32 + i);
		CHECK(mode_call(&(struct machine_mode) { paged, root_long, CR4_PAE, EFER_LME },
				code64_add, i) == (u64)(64 + i) << 32);
#if BITS == 32
		paging_on(i & 1 ? &paging_pae : &paging_32, i & 1 ? root_pae : root32);
		check_calls();
#endif
	}
}

static void check_numbers(void)
{
	struct rng rng = { 1 }, again = { 1 };
	u32 rest, i, seen = 0;

	CHECK(divide(0x123456789abcdef0, 1000000007, &rest) == 0x123456789abcdef0 / 1000000007 ||
	      BITS == 32);
	CHECK(divide(10000000000000000003ull, 10, &rest) == 1000000000000000000ull && rest == 3);
	CHECK(parse_number("0x1f") == 31 && parse_number("120 x") == 120);
	for (i = 0; i < 100; i++) {
		u32 value = random_below(&rng, 7);

		CHECK(value < 7 && value == random_below(&again, 7));
		seen |= 1 << value;
	}
	CHECK(seen == 0x7f);
}

int main(int argc, char **argv)
{
	CHECK(argc == 2 && !strcmp(argv[0], "one") && !strcmp(find_word(argc, argv, "two"), "2"));
	check_numbers();
	check_calls();
	check_modes();
#if BITS == 32
	paging_off();
#endif
	check_handlers();
	printf("%d bits: %5d|%04x|%llx|%s|%c|%u\n", BITS, -42, 0xab, 0x123456789abcdefull,
	       "text", 'c', 4000000000u);
	return PASS;
}
