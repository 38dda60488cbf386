/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unit tests of what a process cannot execute natively: a small machine in any mode, one
 * instruction at a time, expectations from the manuals.
 *
 * unit.c has the runner, unit_machine.c the machine, the other unit_*.c the tests, each a
 * function in a table.
 */
#ifndef TESTS_EMULATOR_UNIT_H
#define TESTS_EMULATOR_UNIT_H

#include "machine.h"

struct test {
	const char *name;
	void (*run)(void);
};

extern const struct test real_tests[], vm86_tests[], protected_tests[], far_tests[],
			 event_tests[], task_tests[], system_tests[], api_tests[],
			 vector_tests[];

extern struct machine m;
extern u8 memory[1 << 20];	/* linear 0 to 1 MiB, all rights */

/* Where things are. */
#define GDT		0x1000u
#define IDT		0x2000u
#define TSS_NOW		0x3000u		/* of the running task, 32-bit or 64-bit */
#define TSS_NEW		0x3400u		/* 32-bit */
#define TSS16_NEW	0x3800u
#define LDT		0x3c00u
#define CODE		0x8000u
#define STACK_TOP	0x10000u	/* of the current level */
#define INNER_STACK	0x20000u	/* for CPL 0, in the TSS */
#define DATA		0x40000u
#define READ_ONLY	0x200000u	/* pages beyond the first MiB: unit_machine.c */
#define SUPERVISOR	0x201000u
#define ABSENT		0x202000u
#define MMIO		0x203000u

/* Selectors of the GDT. */
enum {
	CODE32 = 0x08, DATA32 = 0x10, CODE32_USER = 0x1b, DATA32_USER = 0x23,
	TSS_SEL = 0x28, TSS_NEW_SEL = 0x38, LDT_SEL = 0x48, GATE32 = 0x58,
	CONFORMING = 0x68, CODE16 = 0x70, DATA16 = 0x78, CODE_ABSENT = 0x80,
	DATA_ABSENT = 0x88, DATA_RO = 0x90, CODE_XO = 0x98, CODE64 = 0xa0,
	CODE64_USER = 0xab, TSS16_SEL = 0xb0, TASK_GATE = 0xb8, GATE16 = 0xc0,
	GATE64 = 0xc8, CODE16_USER = 0xdb, DATA16_USER = 0xe3, EXPAND_DOWN = 0xe8,
	SMALL_CODE = 0xf0, BEYOND = 0x100,
};

void set_descriptor(unsigned int selector, u64 low, u64 high);
u64 segment_descriptor(u32 base, u32 limit, u32 type, unsigned int dpl);
u64 gate_descriptor(u16 selector, u32 offset, unsigned int type, unsigned int dpl);
void set_idt(unsigned int vector, u64 low, u64 high);

/* The machine in a mode, everything else as it then would be. */
void real_mode(void);
void vm86_mode(unsigned int iopl);
void protected_mode(unsigned int cpl);		/* 32-bit */
void protected16_mode(unsigned int cpl);
void long_mode(unsigned int cpl);		/* 64-bit */
void compatibility_mode(unsigned int cpl);

/* Put @code at CS:RIP and run one instruction. */
int step_bytes(const char *code, unsigned int len);
#define step(code)	step_bytes(code, sizeof(code) - 1)
/* The same with a check that memory, registers and segments are unchanged if it failed. */
void expect_ok_bytes(const char *file, int line, const char *code, unsigned int len);
void expect_fault_bytes(const char *file, int line, const char *code, unsigned int len,
			int vector, int error);
void expect_result(const char *file, int line, int result, int expected);
#define ok(code)	expect_ok_bytes(__FILE__, __LINE__, code, sizeof(code) - 1)
#define NO_ERROR	(-1)
#define fault(code, vector, error)	\
	expect_fault_bytes(__FILE__, __LINE__, code, sizeof(code) - 1, vector, error)
/* Whatever is being checked failed with this fault. */
void expect_faulted(const char *file, int line, int result, int vector, int error);
#define faulted(result, vector, error)	\
	expect_faulted(__FILE__, __LINE__, result, vector, error)

void expect(const char *file, int line, const char *what, u64 got, u64 wanted);
#define same(got, wanted)	expect(__FILE__, __LINE__, #got, got, wanted)
#define check(condition)	expect(__FILE__, __LINE__, #condition, !!(condition), 1)

static inline u64 load(u64 la, unsigned int bytes)
{
	u64 val = 0;

	memcpy(&val, memory + la, bytes);
	return val;
}

static inline void store(u64 la, u64 val, unsigned int bytes)
{
	memcpy(memory + la, &val, bytes);
}

void selectors(u16 cs, u16 ss);

#endif
