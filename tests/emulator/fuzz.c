// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzz target: any bytes in any state of the processor, for ASan and UBSan to watch.
 *
 * An input is read as a list of choices: mode, registers, segments, descriptors, memory,
 * what callbacks refuse, which entry point; the rest is code.  What an input has not got
 * reads as 0, so short inputs are useful too.  After every step the promises of
 * include/x86_emulate.h are checked: a result other than X86_OK changes nothing but what
 * is committed piece by piece, the mode stays true to the registers, reserved flags stay
 * as they are, the decode cache gives what decoding gives.
 *
 * libFuzzer's main() calls this; see the Makefile.  The corpus is in fuzz-corpus.
 */
#include <stdio.h>
#include "unit.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define STEPS		4	/* instructions of an input */
#define MAX_ANSWERS	64	/* of devices, to one instruction */

static const u8 *at, *end;

static u64 take(unsigned int bytes)
{
	u64 val = 0;

	if (bytes > (size_t)(end - at))
		bytes = end - at;
	if (bytes)
		memcpy(&val, at, bytes);
	at += bytes;
	return val;
}

#define require(condition)						\
	do {								\
		if (!(condition))					\
			broken(#condition);				\
	} while (0)

__attribute__((noreturn)) static void broken(const char *promise)
{
	const struct x86_insn *insn = m.c.insn;
	unsigned int i;

	fprintf(stderr, "broken: %s; mode %u rip %llx code", promise, m.c.mode,
		(unsigned long long)m.c.rip);
	for (i = 0; insn && i < X86_INSN_MAX; i++)
		fprintf(stderr, " %02x", insn->bytes[i]);
	fprintf(stderr, "\n");
	__builtin_trap();
}

/* ------------------------------------------------------------------------
 * The state to start from
 */

static u64 number(void)
{
	static const u64 places[] = {
		0, 1, ~0ull, DATA, DATA + 8, READ_ONLY, SUPERVISOR, ABSENT, MMIO, STACK_TOP,
		ABSENT - 1, ABSENT - 5, SUPERVISOR - 9, MMIO + 0xffc, 0x10000 - 3, 0x7fffffff,
		0x80000000, 0xffffffff, 0xfffffffc, 0x800000000000, 0x7fffffffffff,
		0xffff800000000000, CODE, CODE32, DATA32, CODE32_USER, DATA32_USER, TSS_SEL,
		TSS_NEW_SEL, GATE32, CODE16, TASK_GATE, CODE64, CODE64_USER, 0x8000000000000000,
		GDT + CODE32, sizeof(memory) - 2, 0xc0000080, EMUL_MSR_KERNEL_GS_BASE,
	};
	unsigned int kind = take(1);

	if (kind < ARRAY_SIZE(places))
		return places[kind];
	return kind & 0x80 ? take(8) : kind & 0x40 ? take(2) : (u64)(s64)(s8)take(1);
}

static void choose_mode(void)
{
	unsigned int kind = take(1), cpl = kind & 8 ? 3 : 0;

	switch (kind & 7) {
	case 0:
	case 1:
		long_mode(cpl);
		break;
	case 2:
	case 3:
		protected_mode(cpl);
		break;
	case 4:
		real_mode();
		break;
	case 5:
		vm86_mode(kind >> 4 & 3);
		break;
	case 6:
		protected16_mode(cpl);
		break;
	case 7:
		compatibility_mode(cpl);
		break;
	}
}

/* What is not in the state, and cannot be in one, is left out. */
static void choose_registers(void)
{
	unsigned int which = take(2), i;
	u64 flags;

	for (i = 0; i < 16; i++)
		if (which & (1u << i))
			m.c.regs[i] = number();
	flags = take(4) & EMUL_FL_ALL & ~(u64)X86_EFLAGS_VM;
	if (m.c.mode == X86_MODE_VM86)
		flags = (flags & ~(u64)X86_EFLAGS_IOPL) |
			(m.c.rflags & (X86_EFLAGS_IOPL | X86_EFLAGS_VM));
	m.c.rflags = flags | X86_EFLAGS_FIXED;
	which = take(2);
	if (which & 1)
		m.c.rip = number();
	m.cr0 ^= (which & 2 ? X86_CR0_TS : 0) | (which & 4 ? X86_CR0_EM : 0) |
		 (which & 8 ? X86_CR0_MP : 0) | (which & 16 ? X86_CR0_AM : 0);
	if (which & 32)
		m.cr4 ^= take(3) & ~(u64)X86_CR4_PAE;
	m.dr[7] |= which & 64 ? 1 << 13 : 0;
	m.xcr0 = which & 128 ? 7 : 3;
	m.fx[2] = m.fx[3] = which & 256 ? 0x81 : 0;
	m.efer ^= which & 512 ? EFER_SCE_BIT | EFER_FFXSR_BIT : 0;
	m.c.vendor = which & 1024 ? X86_VENDOR_INTEL_LIKE : X86_VENDOR_AMD_LIKE;
	if (!(which & 2048))
		memset(m.c.features, 0xff, sizeof(m.c.features));
	if (!emul_long64(&m.c))
		m.c.rip = (u32)m.c.rip;
	for (i = 0; i < 16 && !emul_long64(&m.c); i++)
		m.c.regs[i] = (u32)m.c.regs[i];
}

static void choose_segments(void)
{
	static const u16 types[] = { 0xc093, 0x4093, 0x0093, 0xc091, 0x0097, 0xc097, 0x4095,
				     0x009b, 0xc099, 0x009f };
	unsigned int which = take(1), i, kind;

	for (i = X86_ES; i <= X86_TR; i++) {
		struct x86_seg *seg = &m.seg[i];

		if (!(which & (1u << i)))
			continue;
		kind = take(1);
		if (kind & 1)
			seg->base = i >= X86_FS ? number() : (u32)number();
		if (kind & 2)
			seg->limit = (u32)number();
		if ((kind & 4) && i != X86_CS && i != X86_SS && i < X86_LDTR)
			seg->ar = kind & 8 ? X86_AR_UNUSABLE :
				  types[take(1) % ARRAY_SIZE(types)] | X86_AR_DPL;
		if ((kind & 4) && i >= X86_LDTR)
			seg->ar ^= X86_AR_UNUSABLE;
		/* 16-bit stacks */
		if ((kind & 4) && i == X86_SS)
			seg->ar &= ~(X86_AR_DB | X86_AR_G);
	}
	if (!emul_long_mode(&m.c))
		for (i = X86_ES; i <= X86_TR; i++)
			m.seg[i].base = (u32)m.seg[i].base;
}

static void choose_memory(void)
{
	unsigned int n = take(1), i;
	bool wide = m.efer & EFER_LMA_BIT;
	u64 la, gate = gate_descriptor(wide ? CODE64 : CODE32, 0x9000, 14 | (n >> 4 & 1), 3);

	for (i = 0; i < 32 && m.c.mode >= X86_MODE_PROT16; i++)
		set_idt(i, gate, 0);
	for (i = n & 3; i; i--) {
		la = GDT + (take(1) & 31) * 8;
		store(la, take(8), 8);
	}
	for (i = n >> 2 & 3; i; i--) {
		la = number() % (sizeof(memory) - 8);
		store(la, take(8), 8);
	}
	store(STACK_TOP, n & 0x20 ? take(8) : CODE32, 8);
	if (n & 0x40)
		store(STACK_TOP + 8, take(8), 8);
	if (n & 0x80) {
		m.force_after = take(1);
		m.force = m.force_after & 0x80 ? X86_RETRY : X86_UNHANDLED;
		m.force_after &= 0x1f;
	}
}

/* ------------------------------------------------------------------------
 * Promises
 */

static bool is_string(const struct x86_insn *insn)
{
	int (*exec)(struct x86_emulate_ctxt *c) = insn->row->exec;

	return exec == emul_movs || exec == emul_cmps || exec == emul_scas ||
	       exec == emul_stos || exec == emul_lods || exec == emul_ins || exec == emul_outs;
}

/* The registers that a repeated string instruction commits before its end. */
#define STRING_REGS	(1u << X86_RAX | 1u << X86_RCX | 1u << X86_RSI | 1u << X86_RDI)

static void check_unchanged(const struct machine *old, bool forced)
{
	const struct x86_insn *insn = m.c.insn;
	bool string = m.c.changed && insn && insn->len && is_string(insn);
	u64 flags = string ? EMUL_FL_ARITH : 0;
	unsigned int i;

	/* A single step between two elements, on Intel. */
	if (string && m.c.trap_db)
		flags |= X86_EFLAGS_RF;

	for (i = 0; i < 16; i++)
		require(m.c.regs[i] == old->c.regs[i] || (string && (STRING_REGS & (1u << i))));
	require(m.c.rip == old->c.rip);
	require(!((m.c.rflags ^ old->c.rflags) & ~flags));
	require(m.c.mode == old->c.mode && m.c.cpl == old->c.cpl);
	require(!memcmp(m.seg, old->seg, sizeof(m.seg)));
	require(m.cr0 == old->cr0 && m.cr3 == old->cr3 && m.cr4 == old->cr4);
	require(!memcmp(m.fx, old->fx, sizeof(m.fx)));
	require(!memcmp(m.ymm_high, old->ymm_high, sizeof(m.ymm_high)));
	/* What was found possible may still be refused, here alone: writes before it stay. */
	require(m.nr_writes == old->nr_writes || string || forced);
}

static void check_state(void)
{
	u8 mode = m.c.mode, cpl = m.c.cpl;

	require(m.c.rflags & X86_EFLAGS_FIXED);
	require(!(m.c.rflags & ~(EMUL_FL_ALL | X86_EFLAGS_FIXED)));
	require(mode == X86_MODE_LONG64 || !(m.c.rip >> 32));
	require(!(m.c.fault.has_error && mode == X86_MODE_REAL) || !m.c.fault.vector);
	x86_emulate_set_mode(&m.c);
	require(m.c.mode == mode && m.c.cpl == cpl);
}

/* Decoding anew and out of the cache, and its length. */
static void check_decode(void)
{
	struct x86_insn first;
	int r = x86_emulate_decode(&m.c, NULL, 0);
	unsigned int len = r == X86_OK ? m.c.insn->len : 0;

	require(len <= X86_INSN_MAX);
	if (r != X86_OK)
		return;
	first = *m.c.insn;
	require(x86_emulate_decode(&m.c, first.bytes, len) == X86_OK);
	require(!memcmp(&first, m.c.insn, sizeof(first)));
	require(x86_insn_length(&m.c, first.bytes, len) == len);
}

/* ------------------------------------------------------------------------
 * Entry points
 */

static struct x86_event event;
static u16 task;
static enum x86_task_reason reason;

static int instruction(void)
{
	return x86_emulate(&m.c, NULL, 0);
}

static int delivery(void)
{
	return x86_deliver_event(&m.c, &event);
}

static int task_switch(void)
{
	return x86_task_switch(&m.c, task, reason, reason == X86_TASK_GATE ? &event : NULL);
}

static int enter_once(int (*entry)(void))
{
	static struct machine old;
	bool forced = m.force;
	int r;

	m.c.insn = NULL;
	m.c.changed = 0;
	m.c.fault.vector = 0;
	old = m;
	r = entry();
	require(r >= X86_OK && r <= X86_UNHANDLED);
	if (r != X86_OK && !(m.c.changed & X86_CHG_TASK))
		check_unchanged(&old, forced);
	check_state();
	return r;
}

static int enter(int (*entry)(void))
{
	unsigned int n = 0;
	int r;

	m.asked = m.answered = 0;
	while ((r = enter_once(entry)) == X86_IO && n++ < MAX_ANSWERS)
		machine_answer(&m);
	return r;
}

static void choose_event(void)
{
	event.vector = take(1);
	event.type = take(1) % (X86_EVENT_SOFT_EXC + 1);
	event.has_error = event.vector & 8;
	event.error = take(1);
}

static void deliver_fault(void)
{
	event = (struct x86_event){ .vector = m.c.fault.vector, .type = X86_EVENT_EXCEPTION,
				    .has_error = m.c.fault.has_error,
				    .error = m.c.fault.error };
	enter(delivery);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	unsigned int entry, i;
	u64 la;

	at = data;
	end = data + size;
	choose_mode();
	entry = take(1);
	choose_registers();
	choose_segments();
	choose_memory();
	x86_emulate_set_mode(&m.c);
	if ((entry & 15) == 14) {
		choose_event();
		enter(delivery);
	}
	/* Hardware exits for task switches outside long mode and real mode alone. */
	if ((entry & 15) == 15 && !emul_long_mode(&m.c) && m.c.mode != X86_MODE_REAL) {
		choose_event();
		reason = entry >> 4 & 3;
		task = entry & 0x40 ? TSS_NEW_SEL : take(2);
		enter(task_switch);
	}
	la = m.c.mode == X86_MODE_LONG64 ? m.c.rip : (u32)(m.seg[X86_CS].base + m.c.rip);
	for (; at < end && la < sizeof(memory); la++)
		memory[la] = *at++;
	for (i = 0; i < STEPS; i++) {
		check_decode();
		if (enter(instruction) == X86_FAULT && !m.c.trap_db)
			deliver_fault();
	}
	return 0;
}
