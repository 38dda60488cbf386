/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bare.h - a library for guests without an operating system: multiboot
 * kernels that kvm-launch boots, built as 32-bit or 64-bit programs from the
 * same source (bare.mk).
 *
 * A 32-bit program starts without paging and may switch it on in either form;
 * a 64-bit one starts in long mode with the first 4 GiB mapped one to one.
 * main() gets the words of kvm-launch's --append; what it returns ends the
 * run (see finish()).  Everything trusts the guest program; one CPU only.
 *
 * Reading order: this file, start.S, trap.c with trap.S, mode.S, paging.c.
 */
#ifndef BARE_H
#define BARE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;	/* for %llx in both widths */
typedef int32_t s32;
typedef long long s64;

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BIT(n)		(1ul << (n))
#define BIT64(n)	(1ull << (n))
#define PAGE_SIZE	4096ul
#define MIB		(1024 * 1024ul)
#define GIB		(1024 * MIB)

/* ------------------------------------------------------------------------
 * lib.c: output, the end, words, random numbers
 */

int main(int argc, char **argv);

/* %c %s %d %u %x %p, with l or ll, width and zeros.  To the serial port. */
void printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void vprintf(const char *format, va_list args);

/* What a test returns, or gives to finish(). */
enum { PASS = 0, FAIL = 1, SKIP = 38 /* which kvm-launch makes 77 of */ };

/* 0 powers off; else kvm-launch's status is @status << 1 | 1. */
void finish(int status) __attribute__((noreturn));
/* Prints, then finish(FAIL). */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

void *memset(void *to, int byte, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);
int strcmp(const char *a, const char *b);
size_t strlen(const char *s);
/* Decimal, or hexadecimal after 0x; ends at what is no digit. */
u64 parse_number(const char *s);
/* The value of a word NAME=VALUE, or NULL. */
const char *find_word(int argc, char **argv, const char *name);
/* For 32-bit programs have no libgcc: 64 by 32 bits. */
u64 divide(u64 value, u32 by, u32 *rest);

/* A generator with 64 bits of state (splitmix); any seed will do. */
struct rng { u64 state; };
u64 random64(struct rng *rng);
/* 0 to @below - 1. */
u32 random_below(struct rng *rng, u32 below);

/* ------------------------------------------------------------------------
 * Instructions
 */

static inline void outb(u16 port, u8 value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outw(u16 port, u16 value)
{
	asm volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline u8 inb(u16 port)
{
	u8 value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (u64)high << 32 | low;
}

static inline u64 rdmsr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (u64)high << 32 | low;
}

static inline void wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

struct cpuid { u32 eax, ebx, ecx, edx; };

static inline struct cpuid cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid r;

	asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
		     : "0"(leaf), "2"(subleaf));
	return r;
}

#define CONTROL_REGISTER(nr)						\
static inline uintptr_t read_cr##nr(void)				\
{									\
	uintptr_t value;						\
									\
	asm volatile("mov %%cr" #nr ", %0" : "=r"(value) : : "memory");	\
	return value;							\
}									\
									\
static inline void write_cr##nr(uintptr_t value)			\
{									\
	asm volatile("mov %0, %%cr" #nr : : "r"(value) : "memory");	\
}
CONTROL_REGISTER(0)
CONTROL_REGISTER(2)
CONTROL_REGISTER(3)
CONTROL_REGISTER(4)

static inline void invlpg(uintptr_t address)
{
	asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline void irq_enable(void)
{
	asm volatile("sti" : : : "memory");
}

static inline void irq_disable(void)
{
	asm volatile("cli" : : : "memory");
}

/* Waits for one interrupt; interrupts are off again afterwards. */
static inline void wait_for_interrupt(void)
{
	asm volatile("sti; hlt; cli" : : : "memory");
}

#define CR0_PE		BIT(0)
#define CR0_TS		BIT(3)
#define CR0_WP		BIT(16)
#define CR0_CD		BIT(30)
#define CR0_PG		BIT(31)
#define CR4_PSE		BIT(4)
#define CR4_PAE		BIT(5)
#define CR4_PGE		BIT(7)
#define CR4_OSFXSR	BIT(9)
#define CR4_SMEP	BIT(20)
#define CR4_SMAP	BIT(21)
#define MSR_APIC_BASE	0x1b
#define MSR_PAT		0x277
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_EFER	0xc0000080
#define EFER_SCE	BIT(0)
#define EFER_LME	BIT(8)
#define EFER_LMA	BIT(10)
#define EFER_NXE	BIT(11)
#define RFLAGS_IF	BIT(9)
#define RFLAGS_AC	BIT(18)

/* ------------------------------------------------------------------------
 * trap.c: descriptors, exceptions, CPL 3
 */

/* Registers as a trap found them; 32-bit programs have the first eight. */
struct frame {
	uintptr_t ax, cx, dx, bx, bp, si, di;
#if BITS == 64
	uintptr_t r8, r9, r10, r11, r12, r13, r14, r15;
#endif
	uintptr_t vector, error;
	uintptr_t ip, cs, flags;
	uintptr_t sp, ss;	/* 32-bit: only if the trap came from CPL 3 */
};

/* Called for @vector with interrupts off; returning resumes at frame->ip. */
void set_handler(u8 vector, void (*handler)(struct frame *frame));

#define NO_FAULT	(-1)

/* How a call went that an exception may have ended. */
struct outcome {
	int vector;		/* or NO_FAULT */
	u32 error;
	uintptr_t cr2;		/* of a page fault */
	uintptr_t ip;		/* where it happened */
	uintptr_t value;	/* what the function returned, if no fault */
};

/*
 * Calls fn(a, b).  An exception that has no handler ends it, and execution
 * goes on here; all that fn had on the stack is forgotten.  Calls may nest.
 */
struct outcome try_call(uintptr_t (*fn)(uintptr_t a, uintptr_t b), uintptr_t a, uintptr_t b);

/*
 * The same at CPL 3, with interrupts off and RFLAGS.@flags set besides.  @fn,
 * and what it calls, must be USER functions; its stack is 4 KiB of user
 * memory.  What it changes of segment registers is undone.
 */
struct outcome user_call(uintptr_t (*fn)(uintptr_t a, uintptr_t b), uintptr_t a, uintptr_t b,
			 uintptr_t flags);

/* Code and data that CPL 3 may reach (and CPL 0 not execute with SMEP). */
#define USER		__attribute__((section(".user"), noinline, noclone))

extern u64 gdt[];
void set_idt_entry(u8 vector, uintptr_t offset, unsigned int dpl);

/* ------------------------------------------------------------------------
 * mode.c: excursions into other modes
 */

/* Control registers of a mode; EFER.LME makes it 64-bit, else it is 32-bit. */
struct machine_mode {
	u32 cr0, cr3, cr4, efer;
};

/*
 * Runs @fn at CPL 0 in @mode, with interrupts off, and returns its result.  @fn
 * is machine code for that mode (.code32: @arg and the result in eax; .code64:
 * edi and rax); all paging must map the low MiB, code and stack one to one.  An
 * exception there is fatal unless the width stays the same.
 */
u64 mode_call(const struct machine_mode *mode, const void *fn, u32 arg);

/*
 * Runs @fn, which is .code16 in section .low and ends with a near ret, in real
 * mode with CS and SS at LOW_BASE and all other segments 0; @arg and the
 * result are in eax.  Exceptions end it as in try_call().  Uses the interrupt
 * table at 0, whose vectors from 32 up are free.
 */
struct outcome real_call(const void *fn, u32 arg);

/* ------------------------------------------------------------------------
 * apic.c: interrupt controllers and timers
 */

#define APIC_DEFAULT	0xfee00000ul
#define APIC_ID		0x20
#define APIC_VERSION	0x30
#define APIC_TPR	0x80
#define APIC_EOI	0xb0
#define APIC_SPURIOUS	0xf0
#define APIC_LVT_TIMER	0x320
#define APIC_TIMER_INIT	0x380
#define APIC_TIMER_DIV	0x3e0
#define LVT_MASKED	BIT(16)
#define LVT_PERIODIC	BIT(17)
#define LVT_DEADLINE	BIT(18)

u32 apic_read(u32 reg);
void apic_write(u32 reg, u32 value);
/* Enables the local APIC at its usual address, all 8259 inputs masked. */
void apic_setup(void);
/* 8259 pair at vectors @base to @base + 15, inputs of @unmasked open. */
void pic_setup(u8 base, u16 unmasked);
void pic_eoi(unsigned int irq);
/* 8254 channel 0, in mode 2 (rate generator), every @ticks of 1.193182 MHz. */
void pit_setup(u16 ticks);

#endif
