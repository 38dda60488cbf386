/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A test case of the differential test: an instruction and all state it starts from.
 *
 * A case says everything: run twice it does the same twice, and it can be written as one
 * line and read back (case_print, case_parse).  Memory starts from a fixed pattern, with
 * up to CASE_PATCHES patches of 64 bytes each.
 */
#ifndef TESTS_EMULATOR_CASE_H
#define TESTS_EMULATOR_CASE_H

#include "machine.h"
#include "native.h"

/* ------------------------------------------------------------------------
 * Random numbers: splitmix64
 */
struct rng {
	u64 state;
};

static inline u64 rnd(struct rng *rng)
{
	u64 z = rng->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static inline u64 below(struct rng *rng, u64 n)
{
	return rnd(rng) % n;
}

static inline bool chance(struct rng *rng, unsigned int percent)
{
	return below(rng, 100) < percent;
}

/* ------------------------------------------------------------------------
 * Memory: the same areas natively and, as copies, in the machine
 */
struct area {
	const char *name;
	u64 base;
	unsigned int pages;
	u8 writable, executable;	/* one bit per page */
	bool optional;			/* may be refused by the system */
	bool mapped;
	u8 *copy;			/* the machine's */
	u8 *pattern;			/* what both start from */
};

extern struct area areas[];
extern const unsigned int nr_areas;

/* Segments of the LDT, by entry number; selector = 8 * entry + 7. */
struct ldt_segment {
	u32 base, limit;	/* limit as in the descriptor */
	u8 contents;		/* modify_ldt: 0 data, 1 expand-down, 2 code */
	bool bits32, read_only, pages, absent;
};

extern const struct ldt_segment ldt_segments[];
extern const unsigned int nr_ldt_segments;

#define LDT_SELECTOR(n)	((n) * 8 + 7)
#define CS_64		0x33
#define CS_32		0x23
#define DS_FLAT		0x2b

/* The machine's handler of vector v lies 16 * v further, at CPL 0. */
#define HANDLER_LA	0xffffffff81000000ull

void layout_init(struct machine *m);
/* The descriptor that the machine's tables hold for @selector, 0 if none. */
u64 layout_descriptor(u16 selector);
/* The hidden part of a segment register loaded with @selector. */
struct x86_seg layout_segment(u16 selector);
/* Is @la mapped natively by something that is no area: this program itself? */
bool layout_foreign(u64 la, unsigned int len);
struct area *layout_area(u64 la);

/* ------------------------------------------------------------------------
 * Cases
 */
#define CASE_CODE	20
#define CASE_PATCHES	4
#define PATCH_BYTES	64

struct patch {
	u64 la;
	u64 seed;		/* of the bytes from 8 * nr_words on */
	u64 word[6];		/* the first ones */
	u8 nr_words, word_bytes;
};

struct test_case {
	u8 code[CASE_CODE];
	unsigned int len;	/* of code, INT3s behind it */
	u64 code_la;
	u64 regs[16];
	u64 rip, rflags;
	u16 cs, ss, ds, es, fs, gs;
	u64 fs_base, gs_base;
	u64 vectors;		/* seed of FPU and vector registers */
	struct patch patch[CASE_PATCHES];
};

void case_print(const struct test_case *t, char *line, unsigned int size);
bool case_parse(struct test_case *t, const char *line);
/* The vector and FPU state that the seed stands for. */
void case_vectors(u64 seed, u8 *fx, u8 (*ymm_high)[16]);
void patch_bytes(const struct patch *p, u8 *bytes);

/* ------------------------------------------------------------------------
 * encode.c: instructions
 */

/* A row of the opcode tables, and what leads to it. */
struct leaf {
	const struct x86_opcode *row;
	u8 map, opcode;
	s8 pfx, reg, mod, rm, only64;	/* -1: any */
};

struct encoder;

/* How values that name something are chosen, and what addresses mean. */
struct surroundings {
	u16 (*selector)(struct rng *rng);	/* any */
	u16 (*code_selector)(struct rng *rng);	/* one that may be fit */
	u16 (*stack_selector)(struct rng *rng);
	u64 (*code_offset)(struct rng *rng);
	u64 (*stack_offset)(struct rng *rng);
	/* An offset in @sreg that is of interest to the operand. */
	u64 (*target_offset)(const struct encoder *e, unsigned int sreg);
	/* The linear address of an offset in @sreg, if there were no checks. */
	u64 (*linear)(const struct encoder *e, unsigned int sreg, u64 ea);
};

/* How a row is encoded into t->code; the first group is the caller's. */
struct encoder {
	struct rng *rng;
	struct test_case *t;
	const struct leaf *leaf;
	const struct surroundings *around;
	unsigned int mode;	/* enum x86_mode: PROT16 for all of 16 bits */
	u64 moffs, far_offset;	/* for the rows that have such an immediate */
	u16 far_selector;

	bool vex;
	u8 rex, vvvv;
	bool vex_l;
	bool opsize, addrsize;
	u8 addr_bytes;
	u8 seg;			/* override of the memory operand's segment */
	u8 mod, reg, rm;
	bool has_modrm, has_memory;
	u8 base, index, scale;	/* EMUL_NONE: absent */
	s64 disp;
};

void generate_init(void);
unsigned int generate_nr_rows(void);
const struct leaf *generate_row(unsigned int i);
/* Name a row, for reports. */
void generate_row_name(unsigned int i, char *name, unsigned int size);
u64 random_number(struct rng *rng);
void encode(struct encoder *e);
bool is_string(const struct x86_opcode *row);
unsigned int encoded_op_bytes(const struct encoder *e);
/* The memory operand's segment and offset; and let its registers make that @ea. */
unsigned int encoded_seg(const struct encoder *e);
u64 encoded_ea(const struct encoder *e);
void encoded_aim(struct encoder *e, u64 ea);

/* ------------------------------------------------------------------------
 * operands.c: the instruction's operands, once its registers have been chosen
 */

void prepare_operands(struct encoder *e);
/* A patch over @la, beginning with @words. */
void add_patch(struct rng *rng, struct test_case *t, u64 la, const u64 *words,
	       unsigned int nr_words, unsigned int word_bytes);

/* ------------------------------------------------------------------------
 * generate.c: cases for a process
 */
/* A random case; the row that it was made for, or NULL for random bytes. */
const struct x86_opcode *generate(struct rng *rng, struct test_case *t);
unsigned int generate_row_index(void);
/* From now on, cases of one row alone. */
void generate_only(unsigned int i);
/* Make registers such that a process can have them. */
void limit_registers(struct test_case *t);
/* Must these bytes not run natively?  They would leave the process, or hang it. */
bool unsafe_natively(const struct x86_insn *insn);

/* ------------------------------------------------------------------------
 * undefined.c
 */
/* What of the outcome of @insn is not defined by architecture, or not predictable. */
struct undefined {
	u64 rflags;
	u32 regs;		/* bit per register */
	u32 high;		/* the same for upper halves */
	bool memory, x87;	/* all of it */
	bool fault;		/* which one */
};

/* Does an operand run beyond what its addresses can name, and who knows where to? */
bool undefined_wrap(const struct x86_insn *insn, const struct x86_emulate_ctxt *c);
/*
 * An instruction that reads memory twice may fault for either: the one that reads the
 * second operand alone, 0 if there is no such pair.
 */
u8 undefined_order(const struct x86_insn *insn);

struct undefined undefined_results(const struct x86_insn *insn, const struct test_case *t,
				   bool faulted);

/*
 * More of it on Intel's processors: what is refused by decoding, cases that tell nothing,
 * before and after the emulator has run, which of two faults, and results of a fault.
 */
bool undefined_intel_code(const u8 *code, unsigned int len);
bool undefined_intel_case(const struct x86_insn *insn, struct x86_emulate_ctxt *c);
bool undefined_intel_outcome(const struct x86_insn *insn,
			     const struct native_state *emulated);
bool undefined_intel_fault(const struct x86_insn *insn, const struct test_case *t,
			   const struct native_state *emulated,
			   const struct native_state *native);
void undefined_intel_results(struct undefined *u, const struct x86_insn *insn, bool faulted);

#endif
