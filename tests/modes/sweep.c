// SPDX-License-Identifier: GPL-2.0
/*
 * sweep.c - every selector of the scene by every instruction that takes one, every vector,
 * every bit of the control registers, every stack that is too short, in every mode.
 *
 * The rest of a case is plain: flat segments, no traps.  Which cases of all are run is the
 * caller's choice, so that a gate can take every tenth.
 */
#include <stdio.h>
#include <string.h>
#include "modes.h"

static void (*run_case)(struct mode_case *c, const char *name);
static struct mode_case base;
static struct rng state, *rng = &state;

/* Where operands in memory lie: a user's page, below 64 KiB. */
#define OPERAND		(DATA_U + 0x100)
#define CODE_AT		(CODE_U + 0x200)

/* ------------------------------------------------------------------------
 * The plain state of a mode
 */

static void plain_segments(struct mode_case *c)
{
	static const u8 code[NR_KINDS] = {
		[KIND_16] = C16, [KIND_32] = C32, [KIND_64] = C64,
	};
	u16 data = SELECTOR(3, D32), stack = SELECTOR(c->cpl, D32);

	c->t.cs = SELECTOR(c->cpl, code[c->kind]);
	if (c->kind <= KIND_VM86) {
		c->t.cs = 0;
		data = stack = 0;
	}
	c->t.ds = c->t.es = c->t.fs = c->t.gs = data;
	c->t.ss = stack;
}

static void plain_registers(struct mode_case *c)
{
	unsigned int i;

	for (i = 0; i < (c->kind == KIND_64 ? 16 : 8); i++)
		c->t.regs[i] = (u32)rnd(rng);
	c->t.regs[X86_RSP] = c->kind <= KIND_VM86 ? DATA_U + PAGE + 0x800 :
			     (c->cpl == 3 ? STACK_3 : STACK_0) + PAGE + 0x800;
	c->t.regs[X86_RBX] = OPERAND;
	c->t.regs[X86_RSI] = OPERAND + 0x40;
	c->t.regs[X86_RDI] = OPERAND + 0x80;
}

static void start_mode(unsigned int world, unsigned int kind, unsigned int cpl)
{
	mode_defaults(rng, &base, world, kind, cpl);
	plain_segments(&base);
	base.cr0 = (base.cr0 | X86_CR0_WP | X86_CR0_MP) & ~(u64)(X86_CR0_TS | X86_CR0_EM | X86_CR0_AM);
	base.cr4 &= ~(u64)(X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_UMIP | X86_CR4_TSD);
	base.cr4 |= X86_CR4_OSFXSR;
	base.efer |= EFER_SCE_BIT;
	base.idt = 0;
	base.tss16 = false;
	base.dr7 = 0x400;
	base.t.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF |
			(kind == KIND_VM86 ? X86_EFLAGS_VM : 0);
	plain_registers(&base);
}

/* ------------------------------------------------------------------------
 * Cases
 */

static void set_code(struct mode_case *c, const char *code, unsigned int len)
{
	memcpy(c->t.code, code, len);
	c->t.len = len;
	c->t.code_la = CODE_AT;
	c->t.rip = CODE_AT;
}

static void run(const struct mode_case *c, const char *name, u64 number)
{
	struct mode_case copy = *c;
	char text[96];

	snprintf(text, sizeof(text), "sweep %s %llx", name, (unsigned long long)number);
	run_case(&copy, text);
}

#define CODE(c, bytes)	set_code(c, bytes, sizeof(bytes) - 1)

static unsigned int prefixed_bytes(const struct mode_case *c)
{
	return c->kind == KIND_64 || c->kind == KIND_32 ? 2 : 4;
}

static unsigned int natural_bytes(const struct mode_case *c)
{
	return c->kind == KIND_64 ? 8 : c->kind == KIND_32 ? 4 : 2;
}

/* An offset that the handler of the system, or user code, may have. */
static u64 entry(u16 selector)
{
	return selector & 3 ? HANDLERS_U + 0xb00 : HANDLERS_0 + 0xb00;
}

static void far_pointer(struct mode_case *c, u16 selector)
{
	u64 offset = entry(selector), words[3];
	unsigned int n = 0;

	words[n++] = offset & 0xffff;
	if (natural_bytes(c) > 2)
		words[n++] = 0;
	words[n++] = selector;
	add_patch(rng, &c->t, OPERAND, words, n, 2);
}

static void frame(struct mode_case *c, u16 selector, bool flags, u64 image, u16 ss)
{
	u64 words[5];
	unsigned int n = 0;

	words[n++] = entry(selector);
	words[n++] = selector;
	if (flags)
		words[n++] = image;
	words[n++] = STACK_3 + 0x900;
	words[n++] = ss;
	add_patch(rng, &c->t, case_linear(c, X86_SS, c->t.regs[X86_RSP]), words, n,
		  natural_bytes(c));
}

/* JMP and CALL m16:xx, RET far, IRET: bytes that are the same in all modes. */
static void sweep_transfers(u16 selector)
{
	bool long64 = base.kind == KIND_64;
	struct mode_case c = base;
	u16 ss = SELECTOR(selector & 3, D32);

	if (base.kind == KIND_16 || base.kind <= KIND_VM86)
		CODE(&c, "\xff\x2f");		/* jmp far [bx] */
	else
		CODE(&c, "\xff\x2b");
	far_pointer(&c, selector);
	run(&c, "jmp", selector);
	c.t.code[1] -= 0x10;
	run(&c, "call", selector);

	c = base;
	if (long64)
		CODE(&c, "\x48\xcb");
	else
		CODE(&c, "\xcb");
	frame(&c, selector, false, 0, ss);
	run(&c, "ret", selector);
	c.t.code[c.t.len - 1] = 0xcf;
	memset(c.t.patch, 0, sizeof(c.t.patch));
	frame(&c, selector, true, 0x3202, ss);
	run(&c, "iret", selector);
}

/* Instructions with the selector in CX. */
static void sweep_register(u16 selector)
{
	static const struct { const char *name, *code; u8 len; } rows[] = {
		{ "mov ds", "\x8e\xd9", 2 }, { "mov ss", "\x8e\xd1", 2 },
		{ "mov fs", "\x8e\xe1", 2 }, { "lar", "\x0f\x02\xc1", 3 },
		{ "lsl", "\x0f\x03\xc1", 3 }, { "verr", "\x0f\x00\xe1", 3 },
		{ "verw", "\x0f\x00\xe9", 3 }, { "lldt", "\x0f\x00\xd1", 3 },
		{ "ltr", "\x0f\x00\xd9", 3 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mode_case c = base;

		c.t.regs[X86_RCX] = selector;
		set_code(&c, rows[i].code, rows[i].len);
		run(&c, rows[i].name, selector);
	}
}

static void sweep_selectors(void)
{
	unsigned int index;

	if (base.kind <= KIND_VM86)
		return;
	for (index = 0; index <= GDT_ENTRIES; index++) {
		u16 selector = index * 8;

		if (index >= FIRST_LONG + 2 * NR_LONG && index < GDT_ENTRIES)
			continue;
		sweep_transfers(selector | base.cpl);
		sweep_register(selector | base.cpl);
		if (base.cpl < 3) {
			sweep_transfers(selector | 3);
			sweep_register(selector | 3);
		}
		sweep_transfers(selector | 4 | base.cpl);
	}
}

static void sweep_vectors(void)
{
	static const u8 iopls[] = { 0, 3 };
	unsigned int v, i, t;

	for (i = 0; i < 2; i++) {
		for (v = 0; v < 136; v++) {
			struct mode_case c = base;

			c.t.rflags |= iopls[i] << X86_EFLAGS_IOPL_BIT;
			CODE(&c, "\xcd");
			c.t.code[c.t.len++] = v;
			for (t = 0; t < 2; t++) {
				c.tss16 = t && c.world != REAL && c.world != LONG;
				run(&c, "int", v);
			}
		}
	}
}

/* ------------------------------------------------------------------------
 * System registers
 */

static void sweep_control(void)
{
	static const u8 crs[] = { 0, 3, 4, 8 };
	const u64 old[] = { base.cr0, scene_cr3(base.world), base.cr4, 0 };
	unsigned int i, bit;

	for (i = 0; i < ARRAY_SIZE(crs); i++) {
		for (bit = 0; bit < (base.kind == KIND_64 ? 64 : 32); bit++) {
			struct mode_case c = base;

			if (crs[i] == 8)
				CODE(&c, "\x44\x0f\x22\xc1");
			else
				CODE(&c, "\x0f\x22\xc1");
			if (crs[i] < 8)
				c.t.code[2] |= crs[i] << 3;
			c.t.regs[X86_RCX] = old[i] ^ 1ull << bit;
			run(&c, "mov cr", (u64)crs[i] << 8 | bit);
		}
	}
	for (bit = 0; bit < 32; bit++) {
		struct mode_case c = base;

		CODE(&c, "\x0f\x01\xf1");	/* lmsw cx */
		c.t.regs[X86_RCX] = bit & 16 ? base.cr0 ^ (1u << (bit & 15)) : bit;
		run(&c, "lmsw", bit);
		CODE(&c, "\x0f\x23\xc1");	/* mov drN, ecx */
		c.t.code[2] |= (bit & 7) << 3;
		/* No breakpoints: whether they match is not what is asked here. */
		c.t.regs[X86_RCX] = bit & 8 ? ((bit & 5) == 5 ? 0x700 : 0xffff4ff0) : 0x2400;
		c.dr7 = bit & 16 && intel ? 0x2400 : 0x400;
		run(&c, "mov dr", bit);
		c.t.code[1] = 0x21;
		run(&c, "mov from dr", bit);
	}
}

static void sweep_ports(void)
{
	static const char codes[][2] = {
		"\xec\x90", "\xed\x90", "\x66\xed", "\xee\x90", "\xef\x90", "\x6c\x90", "\x6f\x90",
	};
	unsigned int port, i;

	for (port = 0; port < 0x208; port += port == 0x10 ? 0x1e8 : 1) {
		for (i = 0; i < ARRAY_SIZE(codes); i++) {
			struct mode_case c = base;

			set_code(&c, codes[i], 2);
			c.t.regs[X86_RDX] = port;
			run(&c, "port", port << 8 | i);
		}
	}
}

static void sweep_flags(void)
{
	static const char codes[][2] = {
		"\x9c\x90", "\x9d\x90", "\xfa\x90", "\xfb\x90", "\xcf\x90", "\x66\x9d", "\x66\xcf",
		"\x66\x9c", "\x48\xcf",
	};
	static const u32 images[] = {
		0x202, 0x3202, 0x3302, 0x7202, 0x43202, 0x180202, 0x200002, 0x10002, 0x23002, 0x2,
	};
	unsigned int i, j, iopl;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		for (j = 0; j < ARRAY_SIZE(images); j++) {
			for (iopl = 0; iopl < 4; iopl += 3) {
				struct mode_case c = base;
				u64 words[5] = { images[j], 0, 0, STACK_3 + 0x900, base.t.ss };

				set_code(&c, codes[i], 2);
				c.t.rflags |= iopl << X86_EFLAGS_IOPL_BIT;
				c.t.rflags |= j & 1 ? X86_EFLAGS_VIF : X86_EFLAGS_VIP;
				if ((u8)codes[i][0] == 0xcf || (u8)codes[i][1] == 0xcf) {
					words[0] = entry(base.cpl);
					words[1] = base.t.cs;
					words[2] = images[j];
				}
				add_patch(rng, &c.t,
					  case_linear(&c, X86_SS, c.t.regs[X86_RSP]), words, 5,
					  codes[i][0] == 0x66 ? prefixed_bytes(&c) :
					  natural_bytes(&c));
				run(&c, "flags", i << 8 | j << 4 | iopl);
			}
		}
	}
}

static void sweep_others(void)
{
	static const struct { const char *name, *code; u8 len; } rows[] = {
		{ "into", "\xce", 1 }, { "int3", "\xcc", 1 }, { "hlt", "\xf4", 1 },
		{ "syscall", "\x0f\x05", 2 }, { "sysret", "\x0f\x07", 2 },
		{ "sysretq", "\x48\x0f\x07", 3 }, { "sysenter", "\x0f\x34", 2 },
		{ "sysexit", "\x0f\x35", 2 }, { "swapgs", "\x0f\x01\xf8", 3 },
		{ "clts", "\x0f\x06", 2 }, { "invlpg", "\x0f\x01\x3f", 3 },
		{ "sgdt", "\x0f\x01\x07", 3 }, { "sidt", "\x0f\x01\x0f", 3 },
		{ "lgdt", "\x0f\x01\x17", 3 }, { "lidt", "\x0f\x01\x1f", 3 },
		{ "smsw", "\x0f\x01\xe0", 3 }, { "sldt", "\x0f\x00\xc0", 3 },
		{ "str", "\x0f\x00\xc8", 3 }, { "wbinvd", "\x0f\x09", 2 },
		{ "clac", "\x0f\x01\xca", 3 }, { "stac", "\x0f\x01\xcb", 3 },
		{ "bound", "\x62\x07", 2 }, { "cpuid", "\x0f\xa2", 2 },
		{ "pusha", "\x60", 1 }, { "popa", "\x61", 1 }, { "enter", "\xc8\x20\x00\x02", 4 },
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mode_case c = base;

		set_code(&c, rows[i].code, rows[i].len);
		c.t.regs[X86_RCX] = entry(3);
		c.t.regs[X86_R11] = c.kind == KIND_64 ? 0x3302 : 0;
		c.t.rflags |= X86_EFLAGS_OF;
		run(&c, rows[i].name, 0);
		for (j = 0; j < 2; j++) {
			c.cr4 ^= (j ? X86_CR4_UMIP : X86_CR4_TSD) & cr4_allowed;
			c.t.rflags ^= j ? X86_EFLAGS_TF : X86_EFLAGS_AC;
			run(&c, rows[i].name, 1 + j);
		}
	}
}

/* ------------------------------------------------------------------------
 * Stacks that end in the middle of a frame
 */

static void sweep_stacks(void)
{
	unsigned int room, inner;

	for (room = 0; room < 72; room += 2) {
		struct mode_case c = base;
		u64 words[2] = { STACK_0 + room, SELECTOR(0, D32) };

		if (c.kind > KIND_VM86)
			c.t.regs[X86_RSP] = (c.cpl == 3 ? STACK_3 : STACK_0) + room;
		CODE(&c, "\xcd\x80");
		run(&c, "int on short stack", room);
		CODE(&c, "\x60");
		run(&c, "pusha on short stack", room);
		CODE(&c, "\x9c");
		run(&c, "pushf on short stack", room);
		/* The stack of the inner level, by the TSS. */
		c.t.regs[X86_RSP] = base.t.regs[X86_RSP];
		add_patch(rng, &c.t, c.world == LONG ? TSS_64 + 4 : TSS_32 + 4, words,
			  c.world == LONG ? 1 : 2, c.world == LONG ? 8 : 4);
		for (inner = 0; inner < 2 && c.world != REAL; inner++) {
			CODE(&c, "\xcd\x80");
			c.t.code[1] = inner ? 0x80 : 0xff;
			if (inner)
				CODE(&c, "\x0f\x0b");
			run(&c, "inner stack too short", room << 8 | inner);
		}
	}
}

static void sweep_mode(void)
{
	sweep_selectors();
	sweep_vectors();
	sweep_control();
	sweep_ports();
	sweep_flags();
	sweep_others();
	sweep_stacks();
}

void sweep(void (*run_one)(struct mode_case *c, const char *name), u64 seed)
{
	unsigned int world, kind, cpl;

	run_case = run_one;
	state.state = seed;
	for (world = 0; world < NR_WORLDS; world++) {
		for (kind = 0; kind < NR_KINDS; kind++) {
			for (cpl = 0; cpl < 4; cpl++) {
				if (!mode_exists(world, kind, cpl))
					continue;
				start_mode(world, kind, cpl);
				sweep_mode();
			}
		}
	}
}
