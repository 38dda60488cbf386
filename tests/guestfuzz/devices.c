// SPDX-License-Identifier: GPL-2.0
/*
 * Mutations beside paging: registers of the local APIC, IOAPIC, 8259s and
 * 8254, MSRs, descriptors.  What can be read back is compared.  With
 * interrupts on, all that these devices then send arrives in the middle of
 * everything else; vectors from 0x20 to 0x2f are the 8259s', all above the
 * APIC's.
 */
#include "guestfuzz.h"

#define LAPIC_VA	0x30000000ul	/* beyond memory, where nothing else is */
#define IOAPIC_VA	0x30001000ul
#define IOAPIC_DEFAULT	0xfec00000ul
#define PIC_BASE	0x20
#define APIC_BASE	0x30
#define IOAPIC_PINS	24

unsigned int interrupts;

static volatile u32 *lapic(u32 reg)
{
	return (volatile u32 *)(LAPIC_VA + reg);
}

static void ioapic_write(u8 reg, u32 value)
{
	*(volatile u32 *)IOAPIC_VA = reg;
	*(volatile u32 *)(IOAPIC_VA + 16) = value;
}

static u32 ioapic_read(u8 reg)
{
	*(volatile u32 *)IOAPIC_VA = reg;
	return *(volatile u32 *)(IOAPIC_VA + 16);
}

/* ------------------------------------------------------------------------
 * Interrupts
 */

static void nmi(struct frame *frame)
{
	(void)frame;
	interrupts++;
}

static void from_pic(struct frame *frame)
{
	pic_eoi(frame->vector - PIC_BASE);
	interrupts++;
}

static void from_apic(struct frame *frame)
{
	(void)frame;
	*lapic(APIC_EOI) = 0;
	interrupts++;
}

static u8 random_vector(void)
{
	u8 vector = APIC_BASE + random_below(&rng, 256 - APIC_BASE);

	return vector == VECTOR_USER_RETURN ? 0xff : vector;
}

void devices_setup(bool on)
{
	u64 rights = PTE_P | PTE_W;
	unsigned int i;

	space_map(now.form, now.root, LAPIC_VA, 1, APIC_DEFAULT | rights);
	space_map(now.form, now.root, IOAPIC_VA, 1, IOAPIC_DEFAULT | rights);
	flush_all();
	pic_setup(PIC_BASE, 0);
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BIT(11));
	*lapic(APIC_SPURIOUS) = 0x1ff;
	set_handler(2, nmi);
	for (i = PIC_BASE; i < 256; i++)
		if (i != VECTOR_USER_RETURN)
			set_handler(i, i < APIC_BASE ? from_pic : from_apic);
	if (on) {
		access_flags = RFLAGS_IF;
		irq_enable();
	}
}

/* ------------------------------------------------------------------------
 * Registers of devices
 */

static void expect(const char *what, u32 reg, u64 got, u64 want)
{
	if (got != want)
		fail("%s %x is %llx, not %llx", what, reg, got, want);
}

/* A delivery mode that does no more than interrupt: fixed, or NMI now and then. */
static u32 random_delivery(void)
{
	return random_vector() | (one_in(30) ? 4 << 8 : 0) | (one_in(2) ? LVT_MASKED : 0);
}

/* Slow enough to get anything done: a tick is 1 ns or more. */
static u32 random_count(void)
{
	return 300000 + random_below(&rng, one_in(2) ? 1000000 : 100000000);
}

static void mutate_lapic(void)
{
	static const u16 lvts[] = { 0x350, 0x360, 0x340, 0x370 };
	static const u16 reserved[] = { 0x00, 0x10, 0x50, 0x90, 0xc0, 0x2a0, 0x3a0, 0x3d0, 0x3f0 };
	u32 value = random64(&rng), reg;

	switch (random_below(&rng, 12)) {
	case 0:
		*lapic(APIC_TPR) = value & 0xff;
		/* Linux's module loses the lower half, which does nothing. */
		expect("APIC register", APIC_TPR, *lapic(APIC_TPR) & 0xf0, value & 0xf0);
		*lapic(APIC_TPR) = one_in(2) ? 0 : value & 0x7f;
		break;
	case 1:
		*lapic(0xd0) = value;
		expect("APIC register", 0xd0, *lapic(0xd0), value & 0xff000000);
		break;
	case 2:
		*lapic(0xe0) = value;
		expect("APIC register", 0xe0, *lapic(0xe0), value | 0x0fffffff);
		break;
	case 3:
		*lapic(APIC_SPURIOUS) = 0x10f | (random_vector() & 0xf0);
		break;
	case 4:
		*lapic(APIC_TIMER_DIV) = value & 0xb;
		expect("APIC register", APIC_TIMER_DIV, *lapic(APIC_TIMER_DIV), value & 0xb);
		break;
	case 5:
		value = random_vector() | (one_in(3) ? LVT_MASKED : 0) |
			(one_in(2) ? LVT_PERIODIC : 0);
		*lapic(APIC_LVT_TIMER) = value;
		expect("APIC register", APIC_LVT_TIMER, *lapic(APIC_LVT_TIMER) & ~BIT(12), value);
		break;
	case 6:
		*lapic(APIC_TIMER_INIT) = one_in(4) ? 0 : random_count();
		break;
	case 7:
		reg = lvts[random_below(&rng, ARRAY_SIZE(lvts))];
		*lapic(reg) = reg == 0x370 ? random_vector() : random_delivery();
		break;
	case 8:		/* to itself, by shorthand */
		*lapic(0x300) = random_vector() | 1 << 18;
		break;
	case 9:		/* by id, and seldom an NMI */
		*lapic(0x310) = 0;
		*lapic(0x300) = random_vector() | (one_in(10) ? 4 << 8 : 0);
		break;
	case 10:
		*lapic(one_in(2) ? APIC_EOI : 0x280) = 0;
		break;
	default:
		reg = reserved[random_below(&rng, ARRAY_SIZE(reserved))];
		(void)*lapic(reg);
		*lapic(reg) = value;
	}
}

static void mutate_ioapic(void)
{
	u32 value, pin = random_below(&rng, IOAPIC_PINS), reg = 0x10 + 2 * pin;

	switch (random_below(&rng, 4)) {
	case 0:
		value = random64(&rng) & 0xff000000;
		ioapic_write(reg + 1, value);
		expect("IOAPIC register", reg + 1, ioapic_read(reg + 1) & 0xff000000, value);
		break;
	case 1:
		(void)ioapic_read(random64(&rng));
		break;
	default:
		/* Fixed or lowest priority; edge or level, high: the lines are low. */
		value = random_vector() | (one_in(3) ? 1 << 8 : 0) | (one_in(3) ? 1 << 11 : 0) |
			(one_in(3) ? 1 << 15 : 0) | (one_in(2) ? LVT_MASKED : 0);
		ioapic_write(reg, value);
		expect("IOAPIC register", reg, ioapic_read(reg) & ~(BIT(12) | BIT(14)), value);
	}
}

static void mutate_pic(void)
{
	u8 value = random64(&rng);
	u16 port = one_in(2) ? 0x20 : 0xa0;

	switch (random_below(&rng, 6)) {
	case 0:
		pic_setup(PIC_BASE, value | one_in(2) << 8);
		break;
	case 1:
		outb(port, 0x20 | (value & 7));			/* some end of interrupt */
		break;
	case 2:
		outb(port, 0x0a | one_in(2));			/* which to read */
		(void)inb(port);
		break;
	case 3:		/* edge or level, where a PC has the choice */
		outb(port == 0x20 ? 0x4d0 : 0x4d1, port == 0x20 ? value & 0xf8 : value & 0xde);
		break;
	default:
		outb(port + 1, value);
		expect("8259 mask", port + 1, inb(port + 1), value);
	}
}

static void mutate_pit(void)
{
	static const u8 modes[] = { 0x30, 0x32, 0x34, 0x36, 0x38, 0x3a, 0x70, 0xb0, 0xb6 };
	u16 count = 3000 + random_below(&rng, 60000);
	u8 mode = modes[random_below(&rng, ARRAY_SIZE(modes))];
	unsigned int channel = mode >> 6;

	switch (random_below(&rng, 4)) {
	case 0:
		outb(0x43, 0xc0 | (random64(&rng) & 0x3e));	/* read-back */
		(void)inb(0x40 + channel);
		break;
	case 1:
		outb(0x43, channel << 6);			/* latch */
		(void)inb(0x40 + channel);
		(void)inb(0x40 + channel);
		break;
	case 2:
		outb(0x61, random64(&rng) & 3);
		(void)inb(0x61);
		break;
	default:
		outb(0x43, mode);
		outb(0x40 + channel, count);
		outb(0x40 + channel, count >> 8);
	}
}

void mutate_device(void)
{
	static void (*const devices[])(void) = {
		mutate_lapic, mutate_lapic, mutate_ioapic, mutate_pic, mutate_pit,
	};
	unsigned int which = random_below(&rng, ARRAY_SIZE(devices));
	uintptr_t flags;

	trace("device %u", which);
	/* An index and its data, or what was read back, are not to be disturbed. */
	asm volatile("pushf; pop %0; cli" : "=r"(flags) : : "memory");
	devices[which]();
	asm volatile("push %0; popf" : : "r"(flags) : "memory", "cc");
}

/* ------------------------------------------------------------------------
 * MSRs
 */

enum msr_kind { ANY16, ANY32, ANY64, CANONICAL, TYPES };

static const struct {
	u32 index;
	enum msr_kind kind;
} msrs[] = {
	{ 0x174, ANY16 }, { 0x175, ANY32 }, { 0x176, ANY32 },	/* SYSENTER */
	{ 0xc0000081, ANY64 }, { 0xc0000082, CANONICAL }, { 0xc0000083, CANONICAL },
	{ 0xc0000084, ANY32 },					/* SYSCALL */
	{ 0xc0000102, CANONICAL },				/* KERNEL_GS_BASE */
	{ MSR_PAT, TYPES },
	{ 0x250, TYPES }, { 0x259, TYPES }, { 0x26f, TYPES },	/* MTRRs */
};

static uintptr_t try_wrmsr(uintptr_t index, uintptr_t value)
{
	wrmsr(index, *(u64 *)value);
	return 0;
}

static uintptr_t try_rdmsr(uintptr_t index, uintptr_t value)
{
	*(u64 *)value = rdmsr(index);
	return 0;
}

static u64 random_types(bool *good)
{
	static const u8 types[] = { 0, 1, 4, 5, 6 };
	u64 value = 0;
	unsigned int i;

	for (i = 0; i < 8; i++)
		value |= (u64)types[random_below(&rng, ARRAY_SIZE(types))] << (8 * i);
	*good = !one_in(4);
	return *good ? value : value | 8ull << (8 * random_below(&rng, 8));
}

static u64 random_value(enum msr_kind kind, bool *good)
{
	u64 value = random64(&rng);

	*good = true;
	switch (kind) {
	case ANY16:
		return (u16)value;
	case ANY32:
		return (u32)value;
	case ANY64:
		return value;
	case TYPES:
		return random_types(good);
	default:
		/* QEMU's AMD-V takes anything in those that it keeps itself. */
		if (features.amd || !one_in(4))
			return (s64)(value << 16) >> 16;
		*good = (s64)(value << 16) >> 16 == (s64)value;
		return value;
	}
}

/* One that nobody has: reading and writing it is #GP. */
static void unlisted_msr(void)
{
	u32 index = 0x50000000 | random_below(&rng, 0x1000000);
	u64 value = 0;
	struct outcome o = try_call(one_in(2) ? try_wrmsr : try_rdmsr, index, (uintptr_t)&value);

	if (o.vector != 13 || o.error)
		fail("MSR %x: vector %d, error %x", index, o.vector, o.error);
}

void mutate_msr(void)
{
	unsigned int i = random_below(&rng, ARRAY_SIZE(msrs) + 1);
	struct outcome o;
	u64 before, value;
	bool good;

	if (i == ARRAY_SIZE(msrs)) {
		trace("an MSR that is none");
		unlisted_msr();
		return;
	}
	before = rdmsr(msrs[i].index);
	value = random_value(msrs[i].kind, &good);
	trace("MSR %x: %llx", msrs[i].index, value);
	o = try_call(try_wrmsr, msrs[i].index, (uintptr_t)&value);
	if (good ? o.vector != NO_FAULT : o.vector != 13 || o.error)
		fail("MSR %x = %llx: vector %d, error %x", msrs[i].index, value, o.vector,
		     o.error);
	expect("MSR", msrs[i].index, rdmsr(msrs[i].index), good ? value : before);
}

/* ------------------------------------------------------------------------
 * Descriptors
 */

#define SLOT		(GDT_ENTRIES - 3)	/* the last two are check.c's */
#define DESC_ACCESSED	BIT64(40)
#define DESC_WRITABLE	BIT64(41)	/* of code: readable */
#define DESC_CONFORMING	BIT64(42)
#define DESC_CODE	BIT64(43)
#define DESC_SEGMENT	BIT64(44)
#define DESC_PRESENT	BIT64(47)

USER static uintptr_t user_load_fs(uintptr_t selector, uintptr_t b)
{
	(void)b;
	asm volatile("mov %0, %%fs" : : "r"(selector));
	return 0;
}

static uintptr_t load_fs(uintptr_t selector, uintptr_t b)
{
	(void)b;
	asm volatile("mov %0, %%fs" : : "r"(selector));
	return 0;
}

/* SDM vol. 2, MOV to a segment register: the vector, or NO_FAULT. */
static int expected_load(u64 descriptor, unsigned int rpl, unsigned int cpl)
{
	unsigned int dpl = descriptor >> 45 & 3;

	if (!(descriptor & DESC_SEGMENT))
		return 13;
	if ((descriptor & DESC_CODE) && !(descriptor & DESC_WRITABLE))
		return 13;
	if (!((descriptor & DESC_CODE) && (descriptor & DESC_CONFORMING)) &&
	    (rpl > dpl || cpl > dpl))
		return 13;
	return descriptor & DESC_PRESENT ? NO_FAULT : 11;
}

void mutate_descriptor(void)
{
	u64 descriptor = random64(&rng), want;
	unsigned int rpl = random_below(&rng, 4), selector = SLOT * 8 | rpl;
	bool user = one_in(2);
	int vector;
	struct outcome o;

	/* Mostly what can be loaded at all. */
	if (!one_in(4))
		descriptor |= DESC_SEGMENT | DESC_PRESENT;
	if (!one_in(4))
		descriptor &= ~DESC_CODE;
	gdt[SLOT] = descriptor;
	vector = expected_load(descriptor, rpl, user ? 3 : 0);
	trace("descriptor %llx, RPL %u, CPL %u", descriptor, rpl, user ? 3 : 0);
	o = user ? user_call(user_load_fs, selector, 0, access_flags) :
		   try_call(load_fs, selector, 0);
	if (o.vector != vector || (vector != NO_FAULT && o.error != (selector & ~3u)))
		fail("descriptor %llx, RPL %u, CPL %u: vector %d, error %x, not %d", descriptor,
		     rpl, user ? 3 : 0, o.vector, o.error, vector);
	want = vector == NO_FAULT ? descriptor | DESC_ACCESSED : descriptor;
	if (gdt[SLOT] != want)
		fail("descriptor %llx is %llx, not %llx", descriptor, gdt[SLOT], want);
	load_fs(0, 0);
}
