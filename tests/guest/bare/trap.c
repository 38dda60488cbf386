// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors, exceptions and CPL 3.  A trap goes to its handler if it has
 * one, else it ends the innermost try_call() or user_call(), else the run.
 * Owns the GDT, IDT and TSS; trap.S holds what C cannot say.
 */
#include "bare.h"

#define DESC_TSS	0x89ull		/* available, present */
#define GATE_INTERRUPT	0x8e00u		/* present */
#define TRAP_STACK	0x4000

u64 gdt[GDT_ENTRIES] __attribute__((aligned(8))) = {
	[SEL_DATA / 8] = 0x00cf93000000ffff,
	[SEL_USER_CODE32 / 8] = 0x00cffb000000ffff,
	[SEL_USER_DATA / 8] = 0x00cff3000000ffff,
	[SEL_CODE32 / 8] = 0x00cf9b000000ffff,
	[SEL_CODE16 / 8] = 0x00009b010000ffff,
	[SEL_DATA16 / 8] = 0x000093000000ffff,
	[SEL_CODE64 / 8] = 0x00af9b000000ffff,
#if BITS == 64
	[SEL_CODE / 8] = 0x00af9b000000ffff,
	[SEL_USER_CODE / 8] = 0x00affb000000ffff,
#else
	[SEL_CODE / 8] = 0x00cf9b000000ffff,
	[SEL_USER_CODE / 8] = 0x00cffb000000ffff,
#endif
};

struct gate {
	u16 offset_low, selector;
	u16 flags, offset_high;
#if BITS == 64
	u32 offset_top, reserved;
#endif
};

struct dtable {
	u16 limit;
	uintptr_t base;
} __attribute__((packed));

static struct gate idt[256] __attribute__((aligned(16)));
static u32 tss[26] __attribute__((aligned(128)));	/* within one page */
static u8 trap_stack[TRAP_STACK] __attribute__((aligned(16)));
static u8 fatal_stack[TRAP_STACK] __attribute__((aligned(16)));
static void (*handlers[256])(struct frame *frame);
static struct outcome *guarded;		/* of the innermost call */

extern const u8 trap_stubs[256][16];
extern uintptr_t guard_sp;
uintptr_t guard_call(uintptr_t (*fn)(uintptr_t, uintptr_t), uintptr_t a, uintptr_t b);
uintptr_t guard_user(uintptr_t (*fn)(uintptr_t, uintptr_t), uintptr_t a, uintptr_t b,
		     uintptr_t flags);
void guard_unwind(uintptr_t value) __attribute__((noreturn));
void trap(struct frame *frame);
void bare_main(uintptr_t info) __attribute__((noreturn));

void set_idt_entry(u8 vector, uintptr_t offset, unsigned int dpl)
{
	idt[vector] = (struct gate) {
		.offset_low = offset,
		.offset_high = offset >> 16,
		.selector = SEL_CODE,
		.flags = GATE_INTERRUPT | dpl << 13,
#if BITS == 64
		.offset_top = offset >> 32,
#endif
	};
}

/* The stacks that traps from CPL 3, and in 64-bit programs #DF, switch to. */
static void set_tss(void)
{
	uintptr_t base = (uintptr_t)tss, stack = (uintptr_t)trap_stack + TRAP_STACK;

	tss[1] = stack;
#if BITS == 64
	tss[2] = 0;
	tss[9] = (uintptr_t)fatal_stack + TRAP_STACK;	/* IST 1 */
	idt[8].flags |= 1;
	gdt[SEL_TSS / 8 + 1] = base >> 32;
#else
	tss[2] = SEL_DATA;
	(void)fatal_stack;
#endif
	tss[25] = sizeof(tss) << 16;			/* no I/O permissions */
	gdt[SEL_TSS / 8] = (sizeof(tss) - 1) | (u64)(base & 0xffffff) << 16 |
			   DESC_TSS << 40 | (u64)(base >> 24 & 0xff) << 56;
}

static void load_tables(void)
{
	const struct dtable gdtr = { sizeof(gdt) - 1, (uintptr_t)gdt };
	const struct dtable idtr = { sizeof(idt) - 1, (uintptr_t)idt };

	asm volatile("lgdt %0; lidt %1" : : "m"(gdtr), "m"(idtr));
	/* Far return: the one form of a far jump that both widths have. */
	asm volatile(
#if BITS == 64
		     "push %0; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:"
#else
		     "push %0; push $1f; lret; 1:"
#endif
		     : : "i"(SEL_CODE) : "eax", "memory");
	asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss; mov %1, %%fs; mov %1, %%gs"
		     : : "r"(SEL_DATA), "r"(0) : "memory");
	asm volatile("ltr %w0" : : "r"(SEL_TSS));
}

static void trap_setup(void)
{
	unsigned int i;

	for (i = 0; i < 256; i++)
		set_idt_entry(i, (uintptr_t)trap_stubs[i],
			      i == 3 || i == 4 || i == VECTOR_USER_RETURN ? 3 : 0);
	set_tss();
	load_tables();
}

void set_handler(u8 vector, void (*handler)(struct frame *frame))
{
	handlers[vector] = handler;
}

static void __attribute__((noreturn)) fatal(const struct frame *frame)
{
	printf("FAILED: exception %d, error %x, at %lx (cs %x, flags %lx), cr2 %lx\n",
	       (int)frame->vector, (u32)frame->error, (unsigned long)frame->ip, (u32)frame->cs,
	       (unsigned long)frame->flags, (unsigned long)read_cr2());
	printf("  ax %lx bx %lx cx %lx dx %lx si %lx di %lx bp %lx\n",
	       (unsigned long)frame->ax, (unsigned long)frame->bx, (unsigned long)frame->cx,
	       (unsigned long)frame->dx, (unsigned long)frame->si, (unsigned long)frame->di,
	       (unsigned long)frame->bp);
	finish(FAIL);
}

/* Called by every entry stub. */
void trap(struct frame *frame)
{
	u8 vector = frame->vector;

	if (handlers[vector]) {
		handlers[vector](frame);
		return;
	}
	if (!guard_sp)
		fatal(frame);
	if (vector == VECTOR_USER_RETURN)
		guard_unwind(frame->ax);
	guarded->vector = vector;
	guarded->error = frame->error;
	guarded->ip = frame->ip;
	guarded->cr2 = vector == 14 ? read_cr2() : 0;
	guard_unwind(0);
}

struct outcome try_call(uintptr_t (*fn)(uintptr_t a, uintptr_t b), uintptr_t a, uintptr_t b)
{
	struct outcome outcome = { .vector = NO_FAULT }, *outer = guarded;

	guarded = &outcome;
	outcome.value = guard_call(fn, a, b);
	guarded = outer;
	return outcome;
}

struct outcome user_call(uintptr_t (*fn)(uintptr_t a, uintptr_t b), uintptr_t a, uintptr_t b,
			 uintptr_t flags)
{
	struct outcome outcome = { .vector = NO_FAULT }, *outer = guarded;

	guarded = &outcome;
	outcome.value = guard_user(fn, a, b, flags);
	guarded = outer;
	return outcome;
}

/* Splits the command line at spaces; what is quoted is not known here. */
static int split_words(char *line, char **words, int max)
{
	int nr = 0;

	while (nr < max - 1) {
		while (*line == ' ')
			line++;
		if (!*line)
			break;
		words[nr++] = line;
		while (*line && *line != ' ')
			line++;
		if (*line)
			*line++ = 0;
	}
	words[nr] = NULL;
	return nr;
}

/* @info is the multiboot information; its word 4 is the command line. */
void bare_main(uintptr_t info)
{
	char *words[32];
	int nr = split_words((char *)(uintptr_t)((u32 *)info)[4], words, ARRAY_SIZE(words));

	trap_setup();
	finish(main(nr, words));
}
