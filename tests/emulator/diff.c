// SPDX-License-Identifier: GPL-2.0
/*
 * The differential test: the emulator against the processor it runs on.
 *
 * Every case is run twice from the same state, once by the emulator on copies of the
 * memory, once natively (native.c), until an exception ends it.  Registers, flags,
 * segments, vector state, memory and the exception with its error code and address must
 * agree, but for what undefined.c lists.  A case depends on the seed and its number
 * alone; one that differs is reduced and printed as a line that --replay takes.
 *
 * usage: diff [--seed N] [--cases N] [--seconds N] [--from N] [--row NAME] [--rows]
 *	  diff --replay LINE
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "case.h"

#define BATCH		256	/* cases between comparisons of all memory */
#define MAX_DIRTY	4096

static struct machine machine;

static struct { u64 la; u32 len; } dirty[MAX_DIRTY];
static unsigned int nr_dirty;
static bool touched_foreign, split_lock;

enum verdict { SAME, DIFFERENT, SKIPPED, STALE, INTERRUPTED };

struct totals {
	u64 cases, run, skipped, vectors[32];
};

/* ------------------------------------------------------------------------
 * Memory
 */

static void note_write(struct machine *m, u64 la, unsigned int len)
{
	if (nr_dirty == MAX_DIRTY)
		return;
	/* String instructions write on where they wrote before, up or down. */
	if (nr_dirty && dirty[nr_dirty - 1].la + dirty[nr_dirty - 1].len == la) {
		dirty[nr_dirty - 1].len += len;
	} else if (nr_dirty && dirty[nr_dirty - 1].la == la + len) {
		dirty[nr_dirty - 1].la = la;
		dirty[nr_dirty - 1].len += len;
	} else {
		dirty[nr_dirty].la = la;
		dirty[nr_dirty++].len = len;
	}
}

static void note_access(struct machine *m, u64 la, unsigned int len)
{
	if (layout_foreign(la, len))
		touched_foreign = true;
}

/* Linux has its detection of split locks put the process to sleep, for each. */
static void note_locked(struct machine *m, u64 la, unsigned int len)
{
	if (!emul_amd(&m->c) && (la & 63) + len > 64)
		split_lock = true;
}

/* The same bytes into native memory and into the copy. */
static void write_both(u64 la, const u8 *bytes, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < len; i++) {
		struct area *a = layout_area(la + i);
		u64 offset = a ? la + i - a->base : 0;

		if (!a || !(a->writable & (1 << offset / 4096)))
			continue;
		a->copy[offset] = bytes[i];
		*(volatile u8 *)(la + i) = bytes[i];
	}
	note_write(&machine, la, len);
}

#define TRAPS	16	/* INT3 bytes behind the instruction */

/* Code areas are writable natively, so that cases can be put there; see layout.c. */
static void put_code(const struct test_case *t)
{
	u8 bytes[CASE_CODE + TRAPS];

	memset(bytes, 0xcc, sizeof(bytes));
	memcpy(bytes, t->code, t->len);
	write_both(t->code_la, bytes, t->len + TRAPS);
}

/* Has the instruction written to itself?  When that takes effect is a matter of luck. */
static bool code_written(const struct test_case *t, unsigned int from)
{
	for (; from < nr_dirty; from++)
		if (dirty[from].la < t->code_la + t->len + TRAPS &&
		    dirty[from].la + dirty[from].len > t->code_la)
			return true;
	return false;
}

static void restore_range(u64 la, u32 len)
{
	while (len--) {
		struct area *a = layout_area(la);
		u64 offset = a ? la - a->base : 0;

		if (a && (a->writable & (1 << offset / 4096))) {
			a->copy[offset] = a->pattern[offset];
			*(volatile u8 *)la = a->pattern[offset];
		}
		la++;
	}
}

static void restore_memory(void)
{
	while (nr_dirty) {
		nr_dirty--;
		restore_range(dirty[nr_dirty].la, dirty[nr_dirty].len);
	}
}

static void restore_all_memory(void)
{
	unsigned int i;

	for (i = 0; i < nr_areas; i++)
		if (areas[i].mapped)
			restore_range(areas[i].base, areas[i].pages * 4096);
	nr_dirty = 0;
}

/* The address of the first difference in [la, la + len), which is not 0, or 0. */
static u64 compare_range(u64 la, u64 len)
{
	u64 from, to, at;
	unsigned int i;

	for (i = 0; i < nr_areas; i++) {
		const struct area *a = &areas[i];

		from = la > a->base ? la : a->base;
		to = la + len < a->base + a->pages * 4096 ? la + len : a->base + a->pages * 4096;
		if (!a->mapped || from >= to ||
		    !memcmp((void *)from, a->copy + (from - a->base), to - from))
			continue;
		for (at = from; a->copy[at - a->base] == *(volatile u8 *)at; at++)
			;
		return at ? at : 1;
	}
	return 0;
}

static u64 compare_memory(bool all)
{
	unsigned int i;
	u64 at = 0;

	for (i = 0; i < nr_dirty && !at; i++)
		at = compare_range(dirty[i].la < 32 ? 0 : dirty[i].la - 32, dirty[i].len + 64);
	for (i = 0; i < nr_areas && all && !at; i++)
		at = compare_range(areas[i].base, areas[i].pages * 4096);
	return at;
}

/* ------------------------------------------------------------------------
 * The two runs
 */

static bool has_error_code(unsigned int vector)
{
	return vector == EXC_DF || (vector >= EXC_TS && vector <= EXC_PF) || vector == EXC_AC;
}

static void load_machine(struct machine *m, const struct test_case *t)
{
	struct x86_emulate_ctxt *c = &m->c;

	memcpy(c->regs, t->regs, sizeof(c->regs));
	c->rip = t->rip;
	c->rflags = t->rflags;
	m->seg[X86_CS] = layout_segment(t->cs);
	m->seg[X86_SS] = layout_segment(t->ss);
	m->seg[X86_DS] = layout_segment(t->ds);
	m->seg[X86_ES] = layout_segment(t->es);
	m->seg[X86_FS] = layout_segment(t->fs);
	m->seg[X86_GS] = layout_segment(t->gs);
	if (t->fs <= 3)
		m->seg[X86_FS].base = t->fs_base;
	if (t->gs <= 3)
		m->seg[X86_GS].base = t->gs_base;
	case_vectors(t->vectors, m->fx, m->ymm_high);
	m->nr_log = 0;
	m->answer_io = true;
	x86_emulate_set_mode(c);
}

/*
 * The emulator has entered the handler of an exception: what it left on the kernel's
 * stack is what the kernel, and then the signal frame, would have got.
 */
static enum verdict store_outcome(struct machine *m, struct native_state *out)
{
	struct x86_emulate_ctxt *c = &m->c;
	u64 *frame;

	out->vector = (int)(c->rip - HANDLER_LA) / 16;
	out->error = 0;
	frame = (u64 *)machine_memory(m, c->regs[X86_RSP], 40);
	if (!frame || out->vector > 255)
		return SKIPPED;
	if (has_error_code(out->vector))
		out->error = *frame++;
	out->rip = frame[0];
	out->cs = frame[1];
	out->rflags = frame[2];
	memcpy(out->regs, c->regs, sizeof(out->regs));
	out->regs[X86_RSP] = frame[3];
	out->ss = frame[4];
	out->ds = m->seg[X86_DS].selector;
	out->es = m->seg[X86_ES].selector;
	out->fs = m->seg[X86_FS].selector;
	out->gs = m->seg[X86_GS].selector;
	out->fs_base = m->seg[X86_FS].base;
	out->gs_base = m->seg[X86_GS].base;
	memcpy(out->fx, m->fx, sizeof(out->fx));
	memcpy(out->ymm_high, m->ymm_high, sizeof(out->ymm_high));
	return SAME;
}

/* Deliver an exception that the emulator has reported. */
static enum verdict deliver(struct machine *m, struct native_state *out, u8 vector,
			    bool has_error, u32 error)
{
	struct x86_event event = {
		.vector = vector, .type = X86_EVENT_EXCEPTION,
		.has_error = has_error, .error = error,
	};

	out->cr2 = m->c.fault.address;
	if (has_error != has_error_code(vector) ||
	    x86_deliver_event(&m->c, &event) != X86_OK)
		return SKIPPED;
	return store_outcome(m, out);
}

/*
 * Encodings that differ natively without telling of the emulator, by a look at the bytes:
 * - 8F with another ModRM.reg than 0 is XOP on AMD, and C4 and C5 may be VEX.  If they
 *   encode nothing they are #UD, but fetched to another length before, which shows near
 *   the end of a page or segment.
 * - Instructions that UMIP makes fault are emulated by Linux after any #GP.
 * - An AMD processor (family 1Ah) takes VERW with a LOCK prefix, against the manual.
 */
static bool is_odd(const struct test_case *t)
{
	u8 b[CASE_CODE + 2];
	unsigned int i;

	memset(b, 0xcc, sizeof(b));
	memcpy(b, t->code, t->len);
	if (!emul_amd(&machine.c) && undefined_intel_code(b, sizeof(b)))
		return true;
	for (i = 0; i < t->len; i++) {
		unsigned int reg = b[i + 2] >> 3 & 7;

		if (b[i] == 0x8f && (b[i + 1] & 0x38))
			return true;
		if ((b[i] == 0xc4 || b[i] == 0xc5) &&
		    (machine.c.fetched < X86_INSN_MAX || (i && (b[i - 1] & 0xf0) == 0x40)))
			return true;
		if (b[i] == 0x0f && b[i + 1] <= 1 && (reg < 2 || reg == 4))
			return true;
		if (b[i] == 0x0f && b[i + 1] == 0 && reg == 5)
			return true;
	}
	return false;
}

/*
 * A taken branch that ends its segment exactly: an AMD processor (family 1Ah) was seen to
 * raise #GP for the address behind it, or not, depending on what it had predicted.
 */
static bool branch_at_limit(struct x86_emulate_ctxt *c, const struct x86_insn *insn)
{
	return !emul_long64(c) && (insn->row->flags & F64) &&
	       c->rip + insn->len > machine.seg[X86_CS].limit;
}

/* Emulate on, beyond the instruction as the processor would, until an exception. */
static enum verdict emulate_case(struct machine *m, const struct test_case *t,
				 struct native_state *out, struct x86_insn *insn)
{
	struct x86_emulate_ctxt *c = &m->c;
	unsigned int steps;
	int r;

	insn->row = &emul_row_ud;
	r = x86_emulate_decode(c, NULL, 0);
	if (r == X86_UNHANDLED || (r != X86_OK && is_odd(t)))
		return SKIPPED;
	if (r == X86_OK) {
		*insn = *c->insn;
		if (unsafe_natively(insn) || branch_at_limit(c, insn) || undefined_wrap(insn, c))
			return SKIPPED;
		if (!emul_amd(c) && undefined_intel_case(insn, c))
			return SKIPPED;
	}
	for (steps = 0; steps < 3000; steps++) {
		r = x86_emulate(c, NULL, 0);
		if (r == X86_FAULT)
			return deliver(m, out, c->fault.vector, c->fault.has_error,
				       c->fault.error);
		if (r != X86_OK && r != X86_RETRY)
			return SKIPPED;
		if (c->cpl == 0)
			return store_outcome(m, out);
		if (c->trap_db)
			return deliver(m, out, EXC_DB, false, 0);
	}
	return SKIPPED;
}

static void native_case(const struct test_case *t, struct native_state *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->regs, t->regs, sizeof(out->regs));
	out->rip = t->rip;
	out->rflags = t->rflags;
	out->cs = t->cs;
	out->ss = t->ss;
	out->ds = t->ds;
	out->es = t->es;
	out->fs = t->fs;
	out->gs = t->gs;
	out->fs_base = t->fs_base;
	out->gs_base = t->gs_base;
	case_vectors(t->vectors, out->fx, out->ymm_high);
	native_run(out);
}

/* ------------------------------------------------------------------------
 * Comparison
 */

struct report {
	char text[2048];
	unsigned int len;
};

__attribute__((format(printf, 2, 3)))
static void say(struct report *report, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (report->len < sizeof(report->text))
		report->len += vsnprintf(report->text + report->len,
					 sizeof(report->text) - report->len, format, args);
	va_end(args);
}

static void compare_u64(struct report *report, const char *what, u64 emulated, u64 native,
			u64 ignore)
{
	if ((emulated ^ native) & ~ignore)
		say(report, "  %s: emulated %llx, native %llx\n", what,
		    (unsigned long long)emulated, (unsigned long long)native);
}

/* The kernel's way back to user code makes null selectors 0. */
static void compare_selector(struct report *report, const char *what, u64 emulated,
			     u64 native)
{
	if (emulated > 3 || native > 3)
		compare_u64(report, what, emulated, native, 0);
}

static void compare_fault(struct report *report, const struct native_state *e,
			  const struct native_state *n)
{
	u64 ignore = 0;

	if (e->vector != n->vector) {
		say(report, "  vector: emulated %d (%llx, %llx), native %d (%llx, %llx)\n",
		    e->vector, (unsigned long long)e->error, (unsigned long long)e->cr2,
		    n->vector, (unsigned long long)n->error, (unsigned long long)n->cr2);
		return;
	}
	/* Linux says "present" of all kernel addresses. */
	if (e->vector == EXC_PF && e->cr2 >= 0x7ffffffff000ull)
		ignore = 1;
	compare_u64(report, "error code", e->error, n->error, ignore);
	if (e->vector == EXC_PF)
		compare_u64(report, "fault address", e->cr2, n->cr2, 0);
}

static void compare_x87(struct report *report, const struct native_state *e,
			const struct native_state *n)
{
	unsigned int i;

	/* CW, SW, abridged TW; the instruction and data pointers are not emulated. */
	for (i = 0; i < 5; i++)
		compare_u64(report, i < 2 ? "x87 cw" : i < 4 ? "x87 sw" : "x87 tw", e->fx[i],
			    n->fx[i], 0);
	/* XSAVE does not keep what is in registers all tagged empty. */
	for (i = 0; i < 8 && n->fx[4]; i++)
		if (memcmp(e->fx + 32 + 16 * i, n->fx + 32 + 16 * i, 10))
			say(report, "  st%u differs\n", i);
}

static void compare_vectors(struct report *report, const struct native_state *e,
			    const struct native_state *n)
{
	char name[16];
	unsigned int i;

	for (i = 0; i < 16; i++) {
		if (memcmp(e->fx + 160 + 16 * i, n->fx + 160 + 16 * i, 16) ||
		    memcmp(e->ymm_high[i], n->ymm_high[i], 16)) {
			snprintf(name, sizeof(name), "ymm%u", i);
			say(report, "  %s differs\n", name);
		}
	}
	if (memcmp(e->fx + 24, n->fx + 24, 4))
		say(report, "  mxcsr differs\n");
}

static u64 ignored_bits(const struct native_state *n, const struct undefined *u,
			unsigned int reg)
{
	if (u->regs & (1u << reg))
		return ~0ull;
	/*
	 * On a 16-bit stack Linux returns by way of an ESP of its own (espfix), whose upper
	 * half stays behind.
	 */
	if ((u->high & (1u << reg)) || (reg == X86_RSP && n->cs != CS_64))
		return ~0xffffffffull;
	return 0;
}

static void compare_outcomes(struct report *report, const struct native_state *e,
			     const struct native_state *n, const struct undefined *u)
{
	static const char *const names[16] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
	};
	unsigned int i;

	if (!u->fault)
		compare_fault(report, e, n);
	for (i = 0; i < 16; i++)
		compare_u64(report, names[i], e->regs[i], n->regs[i], ignored_bits(n, u, i));
	compare_u64(report, "rip", e->rip, n->rip, 0);
	compare_u64(report, "rflags", e->rflags, n->rflags, u->rflags);
	compare_u64(report, "cs", e->cs, n->cs, 0);
	compare_u64(report, "ss", e->ss, n->ss, 0);
	compare_selector(report, "ds", e->ds, n->ds);
	compare_selector(report, "es", e->es, n->es);
	compare_selector(report, "fs", e->fs, n->fs);
	compare_selector(report, "gs", e->gs, n->gs);
	compare_u64(report, "fs base", e->fs_base, n->fs_base, 0);
	compare_u64(report, "gs base", e->gs_base, n->gs_base, 0);
	compare_vectors(report, e, n);
	if (!u->x87)
		compare_x87(report, e, n);
}

/*
 * Linux returns from page faults of 32-bit code above 4 GiB as if there had been none (K8
 * erratum 100), for ever.  A far call to 64-bit code can have them: it pushes as that does.
 */
static bool ignored_by_linux(const struct native_state *outcome)
{
	return outcome->vector == EXC_PF && outcome->cs != CS_64 && outcome->cr2 >> 32;
}

/*
 * Of an instruction that faults, make *@emulated what became of it if the processor looks
 * at its second memory operand first; false if there is none.
 */
static bool second_operand_first(const struct test_case *t, const struct x86_insn *insn,
				 struct native_state *emulated)
{
	u8 opcode = undefined_order(insn);
	struct test_case s = *t;
	struct x86_insn unused;

	if (!opcode || emulated->rip != t->rip)
		return false;
	s.code[insn->len - 1] = opcode;
	memcpy(s.regs, emulated->regs, sizeof(s.regs));
	s.rflags = emulated->rflags & ~(u64)X86_EFLAGS_RF;
	put_code(&s);
	load_machine(&machine, &s);
	return emulate_case(&machine, &s, emulated, &unused) == SAME;
}

static enum verdict run_once(const struct test_case *t, bool all_memory,
			     struct report *report, int *vector)
{
	struct native_state emulated, native;
	struct undefined u;
	struct x86_insn insn;
	enum verdict v;
	u8 bytes[PATCH_BYTES];
	unsigned int i, written;
	bool faulted;
	u64 at;

	report->len = 0;
	for (i = 0; i < CASE_PATCHES; i++) {
		if (!t->patch[i].la)
			continue;
		patch_bytes(&t->patch[i], bytes);
		write_both(t->patch[i].la, bytes, PATCH_BYTES);
	}
	put_code(t);
	/* An entry that nothing adjoins: what follows is the instruction's doing. */
	note_write(&machine, 0, 0);
	written = nr_dirty;
	touched_foreign = split_lock = false;
	load_machine(&machine, t);
	v = emulate_case(&machine, t, &emulated, &insn);
	if (v == SAME && (touched_foreign || split_lock || nr_dirty == MAX_DIRTY ||
			  code_written(t, written) || ignored_by_linux(&emulated)))
		v = SKIPPED;
	if (v == SAME && !emul_amd(&machine.c) &&
	    undefined_intel_outcome(&insn, &emulated))
		v = SKIPPED;
	if (v == SAME) {
		native_case(t, &native);
		if (native.vector == NATIVE_INTERRUPTED)
			v = INTERRUPTED;
	}
	if (v == SAME) {
		*vector = native.vector;
		faulted = native.rip == t->rip;
		u = undefined_results(&insn, t, faulted);
		if (!emul_amd(&machine.c)) {
			undefined_intel_results(&u, &insn, faulted);
			u.fault = faulted && undefined_intel_fault(&insn, t, &emulated, &native);
		}
		compare_outcomes(report, &emulated, &native, &u);
		if (report->len && second_operand_first(t, &insn, &emulated)) {
			report->len = 0;
			compare_outcomes(report, &emulated, &native, &u);
		}
		at = u.memory ? 0 : compare_memory(all_memory);
		if (at)
			say(report, "  memory at %llx differs\n", (unsigned long long)at);
		if (report->len)
			v = DIFFERENT;
	}
	if (v == DIFFERENT || v == INTERRUPTED || nr_dirty == MAX_DIRTY ||
	    (v == SAME && u.memory))
		restore_all_memory();
	else
		restore_memory();
	return v;
}

/* The watchdog may hit a case by accident, but hardly thrice. */
static enum verdict run_case(const struct test_case *t, bool all_memory,
			     struct report *report, int *vector)
{
	unsigned int tries;
	enum verdict v;

	for (tries = 0; tries < 3; tries++) {
		v = run_once(t, all_memory, report, vector);
		if (v != INTERRUPTED)
			return v;
	}
	say(report, "  native: does not end\n");
	return DIFFERENT;
}

/* ------------------------------------------------------------------------
 * Reduction: make a failing case simpler while it still fails
 */

/* The row that a case executes, NULL if there is more than one instruction to it. */
static const struct x86_opcode *case_row(const struct test_case *t)
{
	struct x86_emulate_ctxt *c = &machine.c;
	const struct x86_opcode *row = NULL;

	load_machine(&machine, t);
	if (x86_emulate_decode(c, t->code, t->len) == X86_OK && c->insn->len >= t->len)
		row = c->insn->row;
	return row;
}

static bool still_differs(const struct test_case *t)
{
	struct report report;
	int vector;

	return run_case(t, true, &report, &vector) == DIFFERENT;
}

static void try_case(struct test_case *t, struct test_case *simpler)
{
	limit_registers(simpler);
	if (still_differs(simpler))
		*t = *simpler;
}

static void reduce_code(struct test_case *t)
{
	struct test_case s;
	unsigned int i;

	for (i = 0; i < t->len; i++) {
		s = *t;
		memmove(s.code + i, s.code + i + 1, s.len - i - 1);
		s.len--;
		if (s.len && case_row(&s) == case_row(t))
			try_case(t, &s);
	}
}

static void reduce(struct test_case *t)
{
	u16 *sels[] = { &t->ds, &t->es, &t->fs, &t->gs, &t->ss };
	struct test_case s;
	unsigned int i, bit;

	for (i = 0; i < CASE_PATCHES; i++) {
		s = *t;
		memset(&s.patch[i], 0, sizeof(s.patch[i]));
		try_case(t, &s);
	}
	for (i = 0; i < 16; i++) {
		s = *t;
		s.regs[i] = 0;
		try_case(t, &s);
	}
	for (bit = 0; bit < 22; bit++) {
		s = *t;
		s.rflags &= ~(1ull << bit) | X86_EFLAGS_FIXED | X86_EFLAGS_IF | X86_EFLAGS_TF;
		try_case(t, &s);
	}
	for (i = 0; i < 5; i++) {
		s = *t;
		*(u16 *)((u8 *)&s + ((u8 *)sels[i] - (u8 *)t)) = DS_FLAT;
		try_case(t, &s);
	}
	s = *t;
	s.vectors = 0;
	try_case(t, &s);
	s = *t;
	s.fs_base = s.gs_base = 0;
	try_case(t, &s);
	reduce_code(t);
}

static void print_difference(struct test_case *t, u64 seed, u64 index)
{
	struct report report;
	char line[1024];
	int vector;

	reduce(t);
	case_print(t, line, sizeof(line));
	run_case(t, true, &report, &vector);
	printf("DIFFERENT: seed %llu case %llu\n%s", (unsigned long long)seed,
	       (unsigned long long)index, report.text);
	printf("  replay: ./diff --replay '%s'\n", line);
	fflush(stdout);
}

/* ------------------------------------------------------------------------
 * Runs
 */

static u64 current;	/* case in work, for a debugger */
static u32 *row_counts;
static unsigned int failures, unstable, max_failures = 10;

/*
 * Nothing but RF: a hypervisor below us that has to inject an exception anew, as it was
 * interrupted meanwhile, loses it.  The busier the machine, the oftener.
 */
static bool lost_rf(const struct report *report)
{
	unsigned long long emulated, native;
	int len = 0;

	return sscanf(report->text, "  rflags: emulated %llx, native %llx\n%n", &emulated,
		      &native, &len) == 2 && len && !report->text[len] &&
	       (emulated ^ native) == X86_EFLAGS_RF;
}

static enum verdict run_index(u64 seed, u64 index, bool all_memory, struct totals *totals)
{
	struct rng rng = { seed * 0x9e3779b97f4a7c15ull + index * 0xd1342543de82ef95ull };
	struct report report, again;
	struct test_case t;
	int vector = 31;
	enum verdict v;
	const struct x86_opcode *row = generate(&rng, &t);

	current = index;
	v = run_case(&t, all_memory, &report, &vector);
	if (v == DIFFERENT && lost_rf(&report) &&
	    run_case(&t, true, &again, &vector) == SAME)
		v = SAME;
	totals->cases++;
	/* Once more on fresh memory: an earlier case may have left something behind. */
	if (v == DIFFERENT && run_case(&t, true, &again, &vector) != DIFFERENT) {
		printf("once: case %llu of seed %llu\n%s", (unsigned long long)index,
		       (unsigned long long)seed, report.text);
		return STALE;
	}
	if (v == SKIPPED) {
		totals->skipped++;
		return v;
	}
	totals->run++;
	totals->vectors[vector & 31]++;
	if (row)
		row_counts[generate_row_index()]++;
	if (v == DIFFERENT) {
		failures++;
		print_difference(&t, seed, index);
	}
	return v;
}

/*
 * A case differed, but not when run again, or memory differs where no case of the last
 * batch is known to have written: find the one that does it from fresh memory.  There may
 * be none: a hypervisor below us that has to inject an exception anew loses its RF.
 */
static void rerun_batch(u64 seed, u64 from, u64 to)
{
	struct totals unused = { 0 };
	u64 i;

	restore_all_memory();
	for (i = from; i < to; i++)
		if (run_index(seed, i, true, &unused) == DIFFERENT)
			return;
	/* Nothing that happens again; but that must stay rare. */
	printf("unstable: cases %llu to %llu of seed %llu\n", (unsigned long long)from,
	       (unsigned long long)to, (unsigned long long)seed);
	if (++unstable > 2 + to / 1000000)
		failures++;
}

static void run_cases(u64 seed, u64 from, u64 cases, unsigned int seconds,
		      struct totals *totals)
{
	time_t end = seconds ? time(NULL) + seconds : 0;
	u64 index, start = from;
	enum verdict v;

	for (index = from; index < from + cases && failures < max_failures; index++) {
		v = run_index(seed, index, false, totals);
		if (v != STALE && index - start != BATCH - 1)
			continue;
		if (v == STALE || compare_memory(true))
			rerun_batch(seed, start, index + 1);
		start = index + 1;
		if (end && time(NULL) >= end)
			break;
	}
}

static int replay(const char *line)
{
	struct report report;
	struct test_case t;
	int vector = 0;
	enum verdict v;

	if (!case_parse(&t, line)) {
		fprintf(stderr, "diff: not a case: %s\n", line);
		return 2;
	}
	v = run_case(&t, true, &report, &vector);
	printf("%s\n%.*s", v == SAME ? "same" : v == SKIPPED ? "skipped" : "DIFFERENT",
	       report.len, report.text);
	if (v == SAME)
		printf("vector %d\n", vector);
	return v == DIFFERENT;
}

static void print_rows(void)
{
	char name[64];
	unsigned int i;

	for (i = 0; i < generate_nr_rows(); i++) {
		generate_row_name(i, name, sizeof(name));
		printf("%8u %s\n", row_counts[i], name);
	}
}

static bool choose_row(const char *wanted)
{
	char name[64];
	unsigned int i;

	for (i = 0; i < generate_nr_rows(); i++) {
		generate_row_name(i, name, sizeof(name));
		if (!strcmp(name, wanted)) {
			generate_only(i);
			return true;
		}
	}
	fprintf(stderr, "diff: no row '%s' (see --rows)\n", wanted);
	return false;
}

static unsigned int rows_run(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < generate_nr_rows(); i++)
		n += !!row_counts[i];
	return n;
}

static void summary(u64 seed, const struct totals *t, double seconds)
{
	unsigned int i;

	printf("diff: seed %llu: %llu cases run natively, %llu skipped, %u of %u rows, %.1f s",
	       (unsigned long long)seed, (unsigned long long)t->run,
	       (unsigned long long)t->skipped, rows_run(), generate_nr_rows(), seconds);
	printf("; ended by");
	for (i = 0; i < 32; i++)
		if (t->vectors[i])
			printf(" #%u:%llu", i, (unsigned long long)t->vectors[i]);
	printf("; %u differences\n", failures);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* CPUID tells CPUs apart: stay on one. */
static void stay_here(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", 1, NULL, 's' }, { "cases", 1, NULL, 'c' },
		{ "seconds", 1, NULL, 't' }, { "from", 1, NULL, 'f' },
		{ "replay", 1, NULL, 'r' }, { "rows", 0, NULL, 'l' },
		{ "failures", 1, NULL, 'x' },
		{ "row", 1, NULL, 'o' }, { 0 },
	};
	u64 seed = time(NULL), cases = ~0ull >> 1, from = 0;
	unsigned int seconds = 10;
	const char *line = NULL, *row = NULL;
	struct totals totals = { 0 };
	bool rows = false;
	double start;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 's': seed = strtoull(optarg, NULL, 0); break;
		case 'c': cases = strtoull(optarg, NULL, 0); seconds = 0; break;
		case 't': seconds = strtoul(optarg, NULL, 0); break;
		case 'f': from = strtoull(optarg, NULL, 0); break;
		case 'r': line = optarg; break;
		case 'l': rows = true; break;
		case 'o': row = optarg; break;
		case 'x': max_failures = strtoul(optarg, NULL, 0); break;
		default: return 2;
		}
	}
	stay_here();
	native_init();
	machine_init(&machine);
	layout_init(&machine);
	machine_set_msr(&machine, EMUL_MSR_TSC_AUX, 0);
	machine.on_write = note_write;
	machine.on_access = note_access;
	machine.on_locked = note_locked;
	generate_init();
	row_counts = calloc(generate_nr_rows(), sizeof(*row_counts));
	if (line)
		return replay(line);
	if (row && !choose_row(row))
		return 2;

	start = now();
	run_cases(seed, from, cases, seconds, &totals);
	if (rows)
		print_rows();
	summary(seed, &totals, now() - start);
	return failures != 0;
}
