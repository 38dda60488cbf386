// SPDX-License-Identifier: GPL-2.0
/*
 * code.c - streams of instructions: rows of the emulator's tables, garbage, and
 * what changes the machine: page tables, descriptors, control registers, MSRs,
 * ports and registers of interrupt controllers and timers.
 */
#include "streams.h"

static struct stream *s;
static struct rng *rng;

static bool is_16bit(void)
{
	return s->c.kind <= KIND_16;
}

static void emit(u64 value, unsigned int bytes)
{
	if (s->len + bytes > MAX_CODE)
		return;
	memcpy(s->code + s->len, &value, bytes);
	s->len += bytes;
}

/* mov $value, %reg, of 32 bits in every mode. */
static void emit_load(unsigned int reg, u32 value)
{
	if (is_16bit())
		emit(0x66, 1);
	emit(0xb8 + reg, 1);
	emit(value, 4);
}

/* movl $value, address */
static void emit_store(u32 address, u32 value)
{
	if (is_16bit())
		emit(0x6667, 2);
	emit(0xc7, 1);
	if (s->c.kind == KIND_64)
		emit(0x2504, 2);
	else
		emit(0x05, 1);
	emit(address, 4);
	emit(value, 4);
}

/* movl address, %eax */
static void emit_fetch(u32 address)
{
	if (is_16bit())
		emit(0x6667, 2);
	emit(0x8b, 1);
	if (s->c.kind == KIND_64)
		emit(0x2504, 2);
	else
		emit(0x05, 1);
	emit(address, 4);
}

u64 window_gpa(unsigned int i)
{
	static const u64 places[NR_WINDOWS] = {
		[WIN_ROM] = ROM_GPA, [WIN_LAPIC] = 0xfee00000, [WIN_IOAPIC] = 0xfec00000,
		[WIN_ALIAS] = ALIAS_GPA, [WIN_HOLE] = MMIO_GPA + PAGE,
		[WIN_BEHIND_SCENE] = SCENE_BYTES, [WIN_BEFORE_TABLES] = TABLES_GPA - PAGE,
		[WIN_BEHIND_TABLES] = TABLES_GPA + TABLES_BYTES,
		[WIN_BEFORE_ROM] = ROM_GPA - PAGE, [WIN_BEHIND_ROM] = ROM_GPA + ROM_PAGES * PAGE,
	};

	return i < WIN_ROM ? TABLES_GPA + i * PAGE : places[i];
}

/* As this mode reaches it. */
static u32 window(unsigned int i)
{
	return s->c.world > FLAT ? WINDOW_LA(i) : window_gpa(i);
}

/* ------------------------------------------------------------------------
 * Page tables
 */

static u64 random_gpa(void)
{
	switch (below(rng, 6)) {
	case 0:
		return window_gpa(below(rng, NR_WINDOWS));
	case 1:
		return TABLES_GPA + below(rng, TABLES_BYTES / PAGE) * PAGE;
	case 2:
		return below(rng, 2) ? 0 : rnd(rng) & 0xfffffff000ull;
	default:
		return below(rng, SCENE_PAGES) * PAGE;
	}
}

static void mutate_pte(void)
{
	unsigned int table = below(rng, TABLES_BYTES / PAGE), index = below(rng, 80);
	u64 entry = random_gpa() | (rnd(rng) & 0x67) | 1;
	u32 at;

	if (chance(rng, 10))
		entry = rnd(rng);
	if (chance(rng, 15))
		entry |= 0x80;
	if (chance(rng, 20))
		index = below(rng, 1024);
	at = window(WIN_TABLES + table) + 4 * index;
	emit_store(at, entry);
	if (chance(rng, 50))
		emit_store(at ^ 4, chance(rng, 80) ? entry >> 32 : rnd(rng));
	if (chance(rng, 40)) {
		/* mov %cr3, %eax; mov %eax, %cr3 */
		emit(0xd8200f, 3);
		emit(0xd8220f, 3);
	}
}

/* ------------------------------------------------------------------------
 * Descriptors.  QEMU's AMD-V switches to 32-bit tasks by itself, and then runs
 * on the host's memory (tests/modes/scene.c): no TSS and no task gate is made.
 */

static u32 descriptor_high(void)
{
	u32 high = rnd(rng);
	unsigned int type = high >> 8 & 15;

	if (!(high & 1 << 12) && !intel &&
	    (type == 1 || type == 3 || type == 5 || type == 9 || type == 11))
		high |= 1 << 12;
	return high;
}

static void mutate_descriptor(void)
{
	static const u32 tables[] = { GDT, LDT, IDT, IDT_MIXED, IDT_LONG };
	u32 at = tables[below(rng, ARRAY_SIZE(tables))] + 8 * below(rng, 256);

	emit_store(at, rnd(rng));
	emit_store(at + 4, descriptor_high());
	if (chance(rng, 50)) {
		/* mov %ax, %ds, es, fs or gs */
		emit_load(0, (at % PAGE) | below(rng, 8));
		emit(0x8e, 1);
		emit(0xc0 | (below(rng, 2) ? 3 + below(rng, 3) : 0) << 3, 1);
	}
}

static void mutate_tss(void)
{
	static const u32 tables[] = { TSS_32, TSS_16, TSS_64 };
	unsigned int i = below(rng, ARRAY_SIZE(tables));

	/* Stacks and maps; a CR3 there would be QEMU's (see above). */
	emit_store(tables[i] + 4 + 4 * below(rng, 5), rnd(rng) & 0x1ffff);
	if (chance(rng, 30))
		emit_store(tables[i] + 0x64 + 4 * below(rng, 20), rnd(rng));
}

/* ------------------------------------------------------------------------
 * Registers
 */

static void mutate_control(void)
{
	static const u8 registers[] = { 0, 0, 3, 4, 4, 8, 2 };
	unsigned int cr = registers[below(rng, ARRAY_SIZE(registers))];
	static const u32 cr0_bits[] = { 1, 1u << 31, 1 << 16, 1 << 3, 1 << 2, 1 << 18, 3u << 29 };
	u32 value = rnd(rng);

	if (cr == 0)
		value = s->c.cr0 ^ cr0_bits[below(rng, ARRAY_SIZE(cr0_bits))];
	if (cr == 3)
		value = TABLES_GPA + below(rng, TABLES_BYTES / PAGE) * PAGE + (value & 0x18);
	if (cr == 4)
		value = s->c.cr4 ^ 1u << below(rng, 23);
	emit_load(0, value);
	if (cr == 8 && s->c.kind == KIND_64)
		emit(0x44, 1);
	emit(0x220f, 2);
	emit(0xc0 | (cr & 7) << 3, 1);
}

static void mutate_debug(void)
{
	emit_load(0, chance(rng, 50) ? below(rng, SCENE_BYTES) : rnd(rng));
	emit(0x230f, 2);
	emit(0xc0 | below(rng, 8) << 3, 1);
}

static void mutate_msr(void)
{
	static const u32 msrs[] = {
		0x10, 0x1b, 0x174, 0x175, 0x176, 0x1d9, 0x277, 0x2ff, 0x200, 0x250, 0x6e0, 0x11, 0x12,
		0x3b, 0x48, 0x49, 0x8b, 0x800, 0x808, 0x80b, 0x830, 0x832, 0x838, 0x83f, 0x17a, 0x400,
		0x4b564d00, 0x4b564d01, 0x4b564d02, 0x4b564d03, 0x4b564d04, 0xc0000080, 0xc0000081,
		0xc0000082, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, 0xc0010015,
		0xc0010010, 0xc0010114, 0xc0010117, 0xc001001f, 0xda0, 0x3a, 0x480, 0x40000000,
	};
	u32 msr = chance(rng, 90) ? msrs[below(rng, ARRAY_SIZE(msrs))] : rnd(rng);

	emit_load(1, chance(rng, 70) ? msr : msr + below(rng, 16));
	if (chance(rng, 30)) {
		emit(0x320f, 2);
		return;
	}
	emit_load(0, chance(rng, 50) ? below(rng, SCENE_BYTES) | 1 : rnd(rng));
	emit_load(2, chance(rng, 70) ? 0 : rnd(rng));
	emit(0x300f, 2);
}

/* ------------------------------------------------------------------------
 * Devices
 */

static void mutate_port(void)
{
	static const u16 ports[] = {
		0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61, 0x60, 0x64,
		0x70, 0x71, 0x80, 0x92, 0xcf8, 0xcfc, 0x3f8, 0x22, 0xa2,
	};
	u16 port = chance(rng, 90) ? ports[below(rng, ARRAY_SIZE(ports))] : rnd(rng);

	emit_load(2, port);
	emit_load(0, rnd(rng));
	/* out %al or %eax, or in */
	emit((chance(rng, 70) ? 0xee : 0xec) + below(rng, 2), 1);
}

static void mutate_apic(void)
{
	u32 at = window(WIN_LAPIC) + (chance(rng, 90) ? below(rng, 64) * 16 : below(rng, PAGE));
	u32 value = rnd(rng);

	switch (below(rng, 6)) {
	case 0:
		at = window(WIN_IOAPIC);
		emit_store(at, below(rng, 0x42));
		emit_store(at + 16, value);
		return;
	case 1:		/* an interrupt command */
		at = window(WIN_LAPIC) + 0x300;
		value = (value & 0xcfff) | below(rng, 4) << 18;
		break;
	case 2:		/* the timer */
		emit_store(window(WIN_LAPIC) + 0x320, value & 0x700ff);
		at = window(WIN_LAPIC) + 0x380;
		value = below(rng, 1000000);
		break;
	case 3:
		emit_fetch(at);
		return;
	}
	emit_store(at, value);
}

/* ------------------------------------------------------------------------
 * Memory next to ours, and all the rest
 */

static void touch_edges(void)
{
	u32 at = window(WIN_ROM + below(rng, NR_WINDOWS - WIN_ROM)) + below(rng, PAGE);

	switch (below(rng, 3)) {
	case 0:
		emit_store(at, rnd(rng));
		break;
	case 1:
		emit_fetch(at);
		break;
	default:	/* a string across the edge: rep movs or stos, of any size */
		emit_load(7, at - below(rng, 64));
		emit_load(6, window(WIN_ROM + below(rng, NR_WINDOWS - WIN_ROM)) - below(rng, 64));
		emit_load(1, below(rng, 200));
		emit(chance(rng, 80) ? 0xf3 : 0xfd, 1);
		emit((chance(rng, 50) ? 0xa4 : 0xaa) + below(rng, 2), 1);
	}
}

static void flush(void)
{
	static const u32 flushes[] = {
		0x38010f,	/* invlpg (%rax) or (%bx,%si) */
		0x090f,		/* wbinvd */
		0xd8220f,	/* mov %eax, %cr3: whatever it is */
		0xa20f,		/* cpuid */
	};

	if (chance(rng, 50))
		emit_load(0, WINDOW_LA(below(rng, NR_WINDOWS)));
	emit(flushes[below(rng, ARRAY_SIZE(flushes))], 3);
}

static void garbage(void)
{
	static const u8 prefixes[] = { 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x64, 0x65, 0x48 };
	unsigned int i;

	for (i = below(rng, 4); i; i--)
		emit(prefixes[below(rng, sizeof(prefixes))], 1);
	if (chance(rng, 40))
		emit(0x0f, 1);
	for (i = 1 + below(rng, 12); i; i--)
		emit(rnd(rng), 1);
}

static void row(void)
{
	u8 bytes[CASE_CODE];
	unsigned int len = choose_bytes(rng, &s->c, bytes), i;

	for (i = 0; i < len; i++)
		emit(bytes[i], 1);
}

static void next_instruction(void)
{
	static void (*const mutate[])(void) = {
		mutate_pte, mutate_pte, mutate_pte, mutate_descriptor, mutate_tss, mutate_control,
		mutate_debug, mutate_msr, mutate_port, mutate_apic,
	};

	switch (below(rng, 10)) {
	case 0 ... 3:
		mutate[below(rng, ARRAY_SIZE(mutate))]();
		s->mutations++;
		break;
	case 4:
		touch_edges();
		break;
	case 5:
		flush();
		break;
	case 6:
		garbage();
		break;
	default:
		row();
	}
}

/*
 * What QEMU crashes of.  Its AMD-V loads DR7 with a guest's state and does not
 * keep its own list of breakpoints up to date, so that a guest that changes one
 * that is on ends it: what would write DR7, or DR5, which is the same, writes
 * DR6 or DR4.  It wants TR to hold an available TSS, which none is that was
 * loaded by LTR: LLDT stands in.  With CR0.NE clear an x87 exception ends it:
 * CR0 is loaded with what mutate_control() chose or not at all.  And it has no
 * code for LOCK with BT, BTS, BTR or BTC of a register.
 */
static void avoid_registers(unsigned int i)
{
	u8 *at = s->code + i;

	if (at[0] == 0x0f && at[1] == 0x22 && !(at[2] & 0x38) &&
	    (i < 5 || at[-5] != 0xb8 || at[2] != 0xc0))
		at[2] ^= 0x10;
	if (at[0] == 0x0f && at[1] == 0x23 && (at[2] & 0x28) == 0x28)
		at[2] ^= 0x08;
	if (at[0] == 0x0f && at[1] == 0x00 && (at[2] & 0x38) == 0x18)
		at[2] ^= 0x08;
}

static void avoid_locked_bits(unsigned int i)
{
	const u8 *at = s->code + i;
	unsigned int before;

	if (at[0] != 0x0f || at[2] < 0xc0 ||
	    (at[1] != 0xa3 && at[1] != 0xab && at[1] != 0xb3 && at[1] != 0xba &&
	     at[1] != 0xbb))
		return;
	for (before = 1; before < 15 && before <= i; before++)
		if (s->code[i - before] == 0xf0)
			s->code[i - before] = 0x2e;
}

static void spare_qemu(void)
{
	unsigned int i;

	for (i = 0; !intel && i + 2 < s->len; i++) {
		avoid_registers(i);
		avoid_locked_bits(i);
	}
}

/* The first instruction and the registers are a case of tests/modes. */
void choose_stream(struct rng *r, struct stream *stream)
{
	struct test_case *t = &stream->c.t;
	u64 page;

	s = stream;
	rng = r;
	s->len = s->nr_entries = s->mutations = 0;
	choose_case(rng, &s->c);
	/* In the middle of its page; what lies in the hole after CODE_S goes into that. */
	page = t->code_la & ~(PAGE - 1ull);
	if (page == CODE_S + 2 * PAGE)
		page -= PAGE;
	t->rip = (u32)(t->rip + (page + 64) - t->code_la);
	t->code_la = page + 64;
	memcpy(s->code, t->code, t->len);
	s->len = t->len;
	s->nr_entries = 1;
	while (s->nr_entries < MAX_ENTRIES && s->len < MAX_CODE - 64) {
		s->entry[s->nr_entries++] = s->len;
		next_instruction();
	}
	spare_qemu();
}
