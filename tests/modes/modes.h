/* SPDX-License-Identifier: GPL-2.0 */
/*
 * modes.h - one instruction in a guest, once by the processor and once by the emulator.
 *
 * A case (struct mode_case) is a processor state, an instruction and some patches of
 * memory; the rest of memory is the scene: tables, segments and stacks of every kind, the
 * same for all cases.  The instruction is stepped over, or by its own TF ends in a handler;
 * all that is no table is filled with HLT, which ends a run in the handlers of the system.
 *
 * scene.c   memory, descriptors, page tables
 * choose.c  random cases
 * sweep.c   every selector, gate and vector of the scene, in every mode
 * state.c   a case's state for /dev/kvm
 * vm.c      running a case, and what came of it
 * compare.c what differs, and which differences are known (excuses.c)
 */
#ifndef TESTS_MODES_H
#define TESTS_MODES_H

#include <linux/kvm.h>
#include "../emulator/case.h"

/* ------------------------------------------------------------------------
 * Modes
 */

/* What CR0, CR4.PAE and EFER say ... */
enum world { REAL, FLAT, PAGED, PAE, LONG, NR_WORLDS };
/* ... and what CS and EFLAGS.VM do.  UNREAL: real mode with limits of 4 GiB. */
enum kind { KIND_REAL, KIND_UNREAL, KIND_VM86, KIND_16, KIND_32, KIND_64, NR_KINDS };

struct mode_case {
	struct test_case t;
	u8 world, kind, cpl;
	u8 idt;			/* which IDT: 0 plain, 1 of all kinds, 2 a short one */
	u8 tss16;		/* TR names the 16-bit TSS */
	u64 cr0, cr4, efer;
	u64 dr7;
};

/* Derived: how the emulator names it. */
unsigned int case_mode(const struct mode_case *c);

/* ------------------------------------------------------------------------
 * scene.c
 */

#define PAGE		4096u
#define FILLER		0xf4		/* HLT */
#define SCENE_PAGES	32u
#define SCENE_BYTES	(SCENE_PAGES * PAGE)
#define TABLES_GPA	0x40000000u	/* page tables: nothing else comes near */
#define TABLES_BYTES	(17 * PAGE)

#define HANDLERS_0	0x01000u	/* of vector v: 8 * v further; supervisor's */
#define GDT		0x02000u
#define LDT		0x03000u
#define IDT		0x04000u
#define IDT_MIXED	0x04800u
#define IDT_LONG	0x05000u
#define TSS_32		0x06000u
#define TSS_16		0x06200u
#define TSS_64		0x06400u
#define TSS_NEXT_32	0x06800u
#define TSS_NEXT_16	0x06900u
#define TSS_NEXT_VM86	0x06a00u
#define CODE_U		0x08000u
#define HANDLERS_U	0x09000u	/* user's; those of vm86 and real mode, too */
#define CODE_S		0x0a000u	/* two pages, then a hole */
#define DATA_U		0x0d000u	/* two pages, then a read-only one */
#define DATA_RO		0x0f000u
#define DATA_U2		0x10000u	/* beyond 64 KiB */
#define DATA_S		0x11000u
#define DATA_S_RO	0x12000u
#define STACK_0		0x14000u	/* two pages between holes */
#define STACK_3		0x17000u	/* two pages */
#define STACK_1		0x19000u
#define STACK_2		0x1a000u
#define DATA_NX		0x1b000u
#define RESERVED	0x1c000u	/* its entry has a reserved bit set */
#define MMIO_PAGE	0x1d000u	/* mapped to where no memory is */
#define TOP_PAGE	0x1e000u	/* also the last page of the (lower) address space */
#define HIGH_PAGE	0x1f000u	/* also at HIGH */
#define HIGH		0xffff800000000000ull
#define MMIO_GPA	0xd0000000u

/* Entries of the GDT, and of the LDT up to NR_SEGMENTS, by DPL and kind. */
enum segment {
	C32, C16, C64, C32_CONF, C64_CONF, C32_EXEC, C32_SHORT, C32_ABSENT, C16_BASED, C_LD,
	D32, D16, D32_RO, D32_SHORT, D32_ODD, D_DOWN, D_DOWN16, D_ABSENT, D_WRAP, D_FRESH,
	NR_SEGMENTS,
};
#define FIRST_SEGMENT		8
#define SELECTOR(dpl, segment)	((FIRST_SEGMENT + (dpl) * NR_SEGMENTS + (segment)) * 8 | (dpl))
#define LDT_SEL(selector)	((selector) | 4)

/* System descriptors of 8 bytes, from FIRST_SYSTEM on, and of 16. */
enum {
	S_TSS32, S_TSS16, S_NEXT32_0, S_NEXT32, S_NEXT16, S_BUSY32, S_BUSY16, S_TSS_SHORT,
	S_TSS_ABSENT, S_NEXT_VM86, S_LDT, S_LDT_ABSENT, S_GATES,
};
#define FIRST_SYSTEM	88
#define FIRST_LONG	160
#define GDT_ENTRIES	256
#define NR_CALL_GATES	14
#define NR_TASK_GATES	6
#define SYSTEM_SEL(n)	((FIRST_SYSTEM + (n)) * 8)
#define LONG_SEL(n)	((FIRST_LONG + 2 * (n)) * 8)
enum { L_TSS, L_NEXT, L_TSS_ABSENT, L_TSS_FAR, L_LDT, L_LDT_FAR, L_GATES, NR_LONG = 20 };

void scene_build(u8 *scene, u8 *page_tables, u64 reserved_bits);
u64 scene_cr3(unsigned int world);
u64 scene_descriptor(u16 selector);
/* A segment register loaded with @selector: a null one is unusable. */
struct x86_seg scene_segment(u16 selector);
struct x86_seg case_segment(const struct mode_case *c, unsigned int sreg);
/* The page of the scene that @la lies in, or -1. */
int scene_page(const struct mode_case *c, u64 la);

/* ------------------------------------------------------------------------
 * choose.c, sweep.c
 */

void choose_case(struct rng *rng, struct mode_case *c);
/* Another instruction for the mode of @c: so many bytes.  Its operands are as they come. */
unsigned int choose_bytes(struct rng *rng, const struct mode_case *c, u8 bytes[CASE_CODE]);
/* The state that all cases of a mode start from, before its registers are chosen. */
void mode_defaults(struct rng *rng, struct mode_case *c, unsigned int world,
		   unsigned int kind, unsigned int cpl);
bool mode_exists(unsigned int world, unsigned int kind, unsigned int cpl);
const char *world_name(unsigned int world);
const char *kind_name(unsigned int kind);
/* What of CR4 the guest's CPUID allows. */
extern u64 cr4_allowed;
/* The linear address of an offset, if there were no checks. */
u64 case_linear(const struct mode_case *c, unsigned int sreg, u64 ea);
/* Call @run for each case. */
void sweep(void (*run)(struct mode_case *c, const char *name), u64 seed);

void mode_case_print(const struct mode_case *c, char *line, unsigned int size);
bool mode_case_parse(struct mode_case *c, const char *line);

/* ------------------------------------------------------------------------
 * state.c
 */

u64 mode_learn_cpuid(const struct kvm_cpuid2 *cpuid);
/* All but what the case says is as at @reset. */
void mode_sregs(const struct mode_case *c, const struct kvm_sregs *reset, struct kvm_sregs *s);
void mode_regs(const struct mode_case *c, struct kvm_regs *r);
/* Where in the scene a case's patch may change the byte at @la, or -1. */
int mode_patch_place(const struct mode_case *c, u64 la);
extern bool intel;

/* ------------------------------------------------------------------------
 * vm.c
 */

#define MAX_TRACE	24
#define NR_MSRS		10

struct trace {
	u32 reason;
	u64 a, b, data;
};

/* Why a run ended: a KVM_EXIT_*, or: */
#define END_LOOP	1000	/* it did not, in the time it was given */
#define END_TRACE	1001	/* too many exits */
#define END_REFUSED	1002	/* KVM_RUN refused the state */

struct outcome {
	u32 reason, sub;
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;
	struct kvm_debugregs debug;
	struct kvm_fpu fpu;
	u64 msr[NR_MSRS];
	struct trace trace[MAX_TRACE];
	unsigned int nr_trace;
	u32 changed;			/* pages of the scene that are not as built */
	u8 page[SCENE_PAGES][PAGE];	/* those */
};

extern const u32 case_msrs[NR_MSRS];
extern struct kvm_cpuid2 *guest_cpuid;

void vm_init(void);
/* A byte of the scene as the case begins. */
u8 vm_initial(const struct mode_case *c, unsigned int at);
/* Have the page tables changed? */
bool vm_tables_changed(void);
void vm_run(const struct mode_case *c, bool emulated, struct outcome *o);
/* The vector whose handler the run ended in, or -1. */
int outcome_vector(const struct outcome *o);

/* ------------------------------------------------------------------------
 * compare.c, excuses.c
 */

/* What differs. */
enum {
	D_END = 1, D_TRACE = 2, D_GPRS = 4, D_RIP = 8, D_RFLAGS = 16, D_SS = 32, D_SEGMENTS = 64,
	D_LDTR = 128, D_CONTROL = 256, D_FPU = 512, D_OTHER = 1024,
	D_MEMORY = 2048,
	D_TABLES = 4096,	/* GDT or LDT, ... */
	D_ACCESSED = 8192,	/* ... but only accessed bits */
	D_PARTIAL = 16384,	/* memory that emulation did not write */
};

struct comparison {
	const struct mode_case *c;
	const struct x86_insn *insn;
	const struct outcome *native, *emulated;
	struct undefined undefined;
	unsigned int differences, what;
	unsigned int bytes;	/* of memory, and the last of these */
	u8 last_byte;
	u64 flags;		/* those of rflags */
	bool quiet;
};

/* Decode the case's instruction: NULL if it is none, or not all there. */
const struct x86_insn *case_decode(const struct mode_case *c);
/* The offset of the operand of what case_decode() decoded last. */
u64 case_operand(const struct mode_case *c);
/* The number of differences; they are printed unless quiet. */
unsigned int compare(struct comparison *cmp);
/* The known reason for a difference, by its number, or -1. */
int excuse(const struct comparison *cmp);
const char *excuse_text(unsigned int i);
unsigned int nr_excuses(void);
#define MAX_EXCUSES	128

#endif
