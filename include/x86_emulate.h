/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instruction emulator's interface: decode and execute one x86 instruction,
 * deliver one event, or switch one task, through callbacks.
 *
 * The emulator knows nothing of virtual machines, allocates nothing and keeps all
 * its state in struct x86_emulate_ctxt.  It owns every architectural check short of
 * paging; the caller owns translation, MMIO and the meaning of system registers.
 * It trusts the caller's register state to be one that the processor can be in, and
 * trusts nothing about the guest: least of all that the instruction bytes are those
 * that made the hardware exit.
 *
 * Read next: Documentation/emulator.md, then x86_emulate.c and emulate/emulate.h.
 */
#ifndef KVM_X86_EMULATE_H
#define KVM_X86_EMULATE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
#endif

struct x86_emulate_ctxt;
struct x86_opcode;

/*
 * Result codes, of entry points and of callbacks alike.  "State" is what the guest
 * can see: regs, rip and rflags in the context, and everything behind a callback.
 *
 * An instruction commits once, at its end; a repeated string instruction commits
 * after every element (regs are then up to date and rip still names it).  On every
 * result the registers in the context are those the guest should have, so a caller
 * may copy them out unconditionally; ctxt->changed says whether it needs to.
 */
enum x86_result {
	/* State changed: the instruction, delivery or task switch is complete. */
	X86_OK = 0,
	/*
	 * ctxt->fault is to be delivered.  State unchanged, but for committed string
	 * elements, and for a task switch that faulted after its commit point
	 * (X86_CHG_TASK: the fault belongs to the new task).
	 */
	X86_FAULT,
	/*
	 * A callback needs an answer from outside, such as an MMIO or port read that
	 * goes to userspace.  State unchanged since the last commit.  Call the same
	 * entry point again with the same context once the callback can answer; reads
	 * completed before are then asked again, in the same order.
	 */
	X86_IO,
	/*
	 * Nothing wrong, go back into the guest: string quantum over, or memory changed
	 * between a read and its compare-and-exchange.  State unchanged since the last
	 * commit.
	 */
	X86_RETRY,
	/* Not an instruction this emulator executes.  State unchanged. */
	X86_UNHANDLED,
};

/* Registers in the encoding order of ModRM and REX. */
enum x86_gpr {
	X86_RAX, X86_RCX, X86_RDX, X86_RBX, X86_RSP, X86_RBP, X86_RSI, X86_RDI,
	X86_R8, X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15,
};

/* Segments in the encoding order of MOV Sreg, then the two system segments. */
enum x86_sreg {
	X86_ES, X86_CS, X86_SS, X86_DS, X86_FS, X86_GS, X86_LDTR, X86_TR,
};

/*
 * What the code segment and CR0 make of an instruction.  Compatibility mode is
 * PROT16 or PROT32 with EFER.LMA set.
 */
enum x86_mode {
	X86_MODE_REAL,
	X86_MODE_VM86,
	X86_MODE_PROT16,
	X86_MODE_PROT32,
	X86_MODE_LONG64,
};

/* Whose manual to follow where AMD's and Intel's differ. */
enum x86_vendor {
	X86_VENDOR_AMD_LIKE,
	X86_VENDOR_INTEL_LIKE,
};

/*
 * A segment register with its hidden part.  Access rights are laid out as in a VMCS:
 * type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15, unusable 16.  The limit is
 * in bytes whatever G says.
 */
struct x86_seg {
	u64 base;
	u32 limit;
	u16 selector;
	u32 ar;
};

#define X86_AR_TYPE		0x0000000f
#define X86_AR_ACCESSED		0x00000001
#define X86_AR_WRITABLE		0x00000002	/* data */
#define X86_AR_READABLE		0x00000002	/* code */
#define X86_AR_EXPAND_DOWN	0x00000004	/* data */
#define X86_AR_CONFORMING	0x00000004	/* code */
#define X86_AR_CODE		0x00000008
#define X86_AR_S		0x00000010
#define X86_AR_DPL_SHIFT	5
#define X86_AR_DPL		0x00000060
#define X86_AR_P		0x00000080
#define X86_AR_AVL		0x00001000
#define X86_AR_L		0x00002000
#define X86_AR_DB		0x00004000
#define X86_AR_G		0x00008000
#define X86_AR_UNUSABLE		0x00010000

/*
 * One numbering for system registers, for get_reg and set_reg.  An MSR is
 * X86_REG_MSR | index; EFER, FS.base and GS.base are MSRs too, and a caller must
 * treat both of their names alike (bases are also visible through get_seg).
 */
enum x86_sysreg {
	X86_REG_CR0, X86_REG_CR2 = 2, X86_REG_CR3, X86_REG_CR4, X86_REG_CR8 = 8,
	X86_REG_DR0 = 16, X86_REG_DR1, X86_REG_DR2, X86_REG_DR3,
	X86_REG_DR6 = 22, X86_REG_DR7,
	X86_REG_XCR0 = 32, X86_REG_EFER,
	X86_REG_GDTR_BASE, X86_REG_GDTR_LIMIT, X86_REG_IDTR_BASE, X86_REG_IDTR_LIMIT,
};
#define X86_REG_MSR		(1ull << 32)

/* How memory is accessed: the flags of read, write, cmpxchg and probe. */
#define X86_ACC_WRITE		0x01	/* a write, or a read whose result is written back */
#define X86_ACC_FETCH		0x02	/* instruction fetch */
#define X86_ACC_USER		0x04	/* with the rights of CPL 3 */
#define X86_ACC_SYSTEM		0x08	/* implicit supervisor access: GDT, LDT, IDT, TSS */
#define X86_ACC_BATCH		0x10	/* probe only: is it memory, or MMIO item by item? */

/* Operations of the system callback, and what its argument is. */
enum x86_system_op {
	X86_SYS_HLT,		/* - */
	X86_SYS_PAUSE,		/* - */
	X86_SYS_INVLPG,		/* in: linear address, unchecked */
	X86_SYS_INVPCID,	/* in: [0] type, [1] PCID, [2] linear address; all checked */
	X86_SYS_WBINVD,		/* - */
	X86_SYS_INVD,		/* - */
	X86_SYS_MONITOR,	/* in: linear address; hints in RCX and RDX */
	X86_SYS_MWAIT,		/* hints in RAX and RCX */
	X86_SYS_HYPERCALL,	/* VMCALL, VMMCALL: the callback may change regs[] */
	X86_SYS_RDTSC,		/* out: the guest's TSC */
	X86_SYS_RDPMC,		/* in: counter index, out: value; X86_FAULT: no such counter */
	X86_SYS_RDRAND,		/* out: 64 random bits; X86_RETRY: none now */
	X86_SYS_RDSEED,		/* the same */
	X86_SYS_NMI_UNMASK,	/* IRET completes: NMIs are no longer blocked */
};

/* Operations of the fpu callback on the guest's FPU and vector state. */
enum x86_fpu_op {
	X86_FPU_READ_VEC,	/* buf: 32 bytes, YMM reg (the low half is the XMM) */
	X86_FPU_WRITE_XMM,	/* buf: 16 bytes, the register above them unchanged */
	X86_FPU_WRITE_YMM,	/* buf: 32 bytes, the register above them zeroed */
	X86_FPU_READ_MM,	/* buf: 8 bytes */
	X86_FPU_WRITE_MM,	/* buf: 8 bytes; bits 79:64 become ones */
	X86_FPU_ENTER_MMX,	/* TOP = 0 and all tags valid, as any MMX instruction does */
	X86_FPU_FNINIT,
	X86_FPU_FNCLEX,
	X86_FPU_GET_CW,		/* buf: u16 */
	X86_FPU_SET_CW,		/* buf: u16; recompute SW.ES and SW.B */
	X86_FPU_GET_SW,		/* buf: u16 */
	X86_FPU_GET_MXCSR,	/* buf: u32 */
	X86_FPU_SET_MXCSR,	/* buf: u32, reserved bits already checked */
	X86_FPU_GET_MXCSR_MASK,	/* buf: u32, the bits of MXCSR that can be set */
	X86_FPU_FXSAVE,		/* buf: 512 bytes, 64-bit format; the emulator trims it */
	X86_FPU_FXRSTOR,	/* buf: 512 bytes, 64-bit format, already checked */
};

/*
 * The emulator's whole contact with the world: twelve callbacks, none optional.
 *
 * Memory callbacks take linear addresses that passed segmentation, len 1 to 64,
 * possibly across a page boundary; the callback then checks both pages before it
 * changes either.  On X86_FAULT they have called x86_emulate_fault().  A write is
 * posted: to MMIO it returns X86_OK, and the caller leaves for userspace after the
 * emulator has committed.  No instruction, or element of a string, reads after its
 * first write, so a read that returns X86_IO never follows a write.
 *
 * The register callbacks cannot fail unless said.  The emulator asks for a segment
 * at most once per instruction, and for few registers; no callback may enter the
 * emulator again.
 */
struct x86_emulate_ops {
	/* Read memory; X86_OK, X86_FAULT, X86_IO, X86_RETRY or X86_UNHANDLED. */
	int (*read)(struct x86_emulate_ctxt *ctxt, u64 la, void *buf,
		    unsigned int len, unsigned int acc);
	/* Write memory; as read, but never X86_IO. */
	int (*write)(struct x86_emulate_ctxt *ctxt, u64 la, const void *buf,
		     unsigned int len, unsigned int acc);
	/*
	 * Atomically replace *old by *new, len 1, 2, 4, 8 or 16, any alignment;
	 * X86_RETRY and no change if memory does not hold *old.  On MMIO: a write.
	 * Called as (ops->cmpxchg)(...), as the kernel has a macro of that name.
	 */
	int (*cmpxchg)(struct x86_emulate_ctxt *ctxt, u64 la, const void *old,
		       const void *new, unsigned int len, unsigned int acc);
	/*
	 * Would this access fault?  Changes nothing but accessed and dirty bits.  len
	 * is 1 to 4096, so at most two pages.  X86_OK also for MMIO, but X86_UNHANDLED
	 * there with X86_ACC_BATCH.
	 */
	int (*probe)(struct x86_emulate_ctxt *ctxt, u64 la, unsigned int len,
		     unsigned int acc);
	void (*get_seg)(struct x86_emulate_ctxt *ctxt, enum x86_sreg sreg,
			struct x86_seg *seg);
	/*
	 * Load a segment register as given: every check has been made, the accessed or
	 * busy bit in memory is set.  The CPL, should it change with CS or SS, is in
	 * ctxt->cpl when the entry point returns (X86_CHG_MODE).
	 */
	void (*set_seg)(struct x86_emulate_ctxt *ctxt, enum x86_sreg sreg,
			const struct x86_seg *seg);
	/*
	 * X86_OK, or for an MSR: X86_FAULT (becomes #GP(0), ctxt->fault is not used)
	 * and X86_IO.
	 */
	int (*get_reg)(struct x86_emulate_ctxt *ctxt, u64 reg, u64 *val);
	/*
	 * X86_OK, X86_FAULT (becomes #GP(0); nothing changed), or for an MSR X86_IO.
	 * CR and DR values have passed all checks that need no memory: what is left to
	 * the callback is the PDPTEs of PAE paging, and the MSR policy.  The emulator
	 * sets at most one register that can be refused per instruction, and sets it
	 * before anything else, but for a task switch, which has no way back.
	 */
	int (*set_reg)(struct x86_emulate_ctxt *ctxt, u64 reg, u64 val);
	/*
	 * IN or OUT of *count elements of size 1, 2 or 4 at one port; permission has
	 * been checked.  Returns X86_OK with *count, 1 or more, cut to what was done,
	 * or X86_IO (IN only: OUT is posted) or X86_UNHANDLED with nothing done.
	 */
	int (*io)(struct x86_emulate_ctxt *ctxt, bool in, u16 port, unsigned int size,
		  void *buf, unsigned int *count);
	/* CPUID as the guest sees it: regs is EAX, EBX, ECX, EDX; cannot fail. */
	void (*cpuid)(struct x86_emulate_ctxt *ctxt, u32 leaf, u32 subleaf, u32 regs[4]);
	/* Any result code; privilege and operands have been checked. */
	int (*system)(struct x86_emulate_ctxt *ctxt, enum x86_system_op op, u64 *arg);
	/* X86_OK or X86_UNHANDLED; CR0, CR4 and XCR0 have been checked. */
	int (*fpu)(struct x86_emulate_ctxt *ctxt, enum x86_fpu_op op, unsigned int reg,
		   void *buf);
};

/* A fault to be delivered to the guest. */
struct x86_fault {
	u8 vector;
	bool has_error;		/* never in real mode */
	u32 error;
	u64 address;		/* #PF: for CR2.  #DB: bits to set in DR6. */
};

/* ctxt->changed: what the last call changed. */
#define X86_CHG_REGS		0x01	/* regs, rip or rflags in the context */
#define X86_CHG_MODE		0x02	/* mode or cpl in the context */
#define X86_CHG_TASK		0x04	/* a task switch passed its commit point */

/* ctxt->int_shadow: interrupts are held off for one more instruction. */
#define X86_SHADOW_MOV_SS	0x01
#define X86_SHADOW_STI		0x02

/* ctxt->trap_db, where the bits lie in DR6. */
#define X86_TRAP_BS		0x4000		/* single step */
#define X86_TRAP_BT		0x8000		/* task switch to a TSS with T set */

#define X86_INSN_MAX		15
#define X86_FETCH_BYTES		16
#define X86_DECODE_CACHE	8
#define X86_BUFFER_BYTES	512
#define X86_FEATURE_WORDS	7

/* One decoded instruction: a function of its bytes and the mode alone. */
struct x86_insn {
	const struct x86_opcode *row;
	u64 linear;		/* cache key, with mode */
	u64 imm;		/* first immediate, sign-extended where it is signed */
	s64 disp;		/* displacement, or a MOV's whole offset */
	u8 bytes[X86_FETCH_BYTES];
	u8 mode;
	u8 len;			/* 0: the cache entry is empty */
	u16 imm2;		/* selector of a far pointer, level of ENTER */
	u8 opcode;
	u8 op_bytes;		/* 2, 4, 8 */
	u8 addr_bytes;		/* 2, 4, 8 */
	u8 rex;			/* REX, or the same bits out of a VEX prefix */
	u8 prefixes;
	u8 seg_override;	/* enum x86_sreg, or 0xff */
	u8 mod, reg, rm;	/* reg and rm with their REX bits */
	u8 base, index, scale;	/* 0xff where absent */
	u8 seg;			/* segment of the memory operand */
	u8 vex_reg;		/* VEX.vvvv */
	u8 vex_len;		/* vector length in bytes, 0 without VEX */
};

/* An operand of the instruction in execution. */
struct x86_operand {
	union {
		u64 val;
		u64 vec[4];
	};
	u64 ea;			/* offset in its segment */
	u64 la;			/* linear address, valid once accessed */
	u8 kind;
	u8 bytes;
	u8 reg;
	u8 seg;
};

/*
 * The emulator's context: part of a vCPU, zeroed once.  One thread at a time.
 * The caller fills in the first group before a call and reads the second after it.
 */
struct x86_emulate_ctxt {
	/* in and out */
	const struct x86_emulate_ops *ops;
	u64 regs[16];
	u64 rip;
	u64 rflags;
	u8 mode;		/* enum x86_mode; x86_emulate_set_mode() finds it */
	u8 cpl;			/* 0 in real mode, 3 in vm86 */
	u8 vendor;		/* enum x86_vendor; x86_emulate_set_cpuid() finds it */

	/* out */
	u8 changed;
	u8 int_shadow;
	u16 trap_db;		/* DR6 bits of a #DB trap that is due after this, or 0 */
	struct x86_fault fault;

	/* private to the emulator from here on */
	bool no_trap;		/* this instruction's end is no single-step trap */
	bool ext;		/* the EXT bit of error codes while delivering an event */
	bool keep_rf;		/* RF is what the instruction loaded */
	u8 segs_valid;		/* which of segs[] were asked for */
	u8 fetched;		/* valid bytes in fetch[] */
	u8 fetch[X86_FETCH_BYTES + 32];	/* decoding may look beyond the valid ones */
	u64 next_rip, next_rflags;	/* what the commit will make rip and rflags */
	u64 dst_old;		/* what dst held when it was read */
	const struct x86_insn *insn;
	struct x86_operand dst, src, src2;
	struct x86_seg segs[8];
	bool cpuid_valid;
	u32 features[X86_FEATURE_WORDS];
	struct x86_insn cache[X86_DECODE_CACHE];
	u8 buffer[X86_BUFFER_BYTES];	/* string I/O, FXSAVE, TSS */
};

/* How an event came about: decides privilege checks, RF and the EXT bit. */
enum x86_event_type {
	X86_EVENT_INTR,		/* external interrupt */
	X86_EVENT_NMI,
	X86_EVENT_EXCEPTION,	/* by the processor */
	X86_EVENT_ICEBP,	/* INT1: an exception that passes no DPL check */
	X86_EVENT_SOFT_INT,	/* INT n: rip is already behind it */
	X86_EVENT_SOFT_EXC,	/* INT3, INTO: the same */
};

struct x86_event {
	u8 vector;
	u8 type;		/* enum x86_event_type */
	bool has_error;
	u32 error;
};

/* Why a task is switched to. */
enum x86_task_reason {
	X86_TASK_CALL,
	X86_TASK_IRET,
	X86_TASK_JMP,
	X86_TASK_GATE,		/* exception or interrupt through a task gate */
};

/* x86_emulate.c */

/*
 * Decode the instruction at rip.  @bytes are its first @n bytes (0 to 15) if the
 * caller has them from the hardware's decode assists, else NULL and 0; what is
 * missing is read with X86_ACC_FETCH, a second page only if needed.
 * X86_OK: ctxt->insn is valid until the next decode.  Never changes state.
 */
int x86_emulate_decode(struct x86_emulate_ctxt *ctxt, const u8 *bytes, unsigned int n);

/* Execute what x86_emulate_decode() decoded, the registers being unchanged since. */
int x86_emulate_execute(struct x86_emulate_ctxt *ctxt);

/* Both.  The usual entry; after X86_IO call it again. */
int x86_emulate(struct x86_emulate_ctxt *ctxt, const u8 *bytes, unsigned int n);

/*
 * The length of the instruction at rip, 1 to 15, or 0 if it cannot be fetched or
 * decoded: to step over an instruction that the hardware intercepted without saying
 * where it ends.  Arguments as for x86_emulate_decode(); changes no state, though
 * ctxt->fault may be written.
 */
unsigned int x86_insn_length(struct x86_emulate_ctxt *ctxt, const u8 *bytes,
			     unsigned int n);

/* Let a callback raise @vector; returns X86_FAULT. */
int x86_emulate_fault(struct x86_emulate_ctxt *ctxt, u8 vector);
int x86_emulate_fault_error(struct x86_emulate_ctxt *ctxt, u8 vector, u32 error);
/* Let a memory callback raise #PF for @la with @error; returns X86_FAULT. */
int x86_emulate_page_fault(struct x86_emulate_ctxt *ctxt, u64 la, u32 error);

/*
 * Derive mode and cpl from CR0, EFER, CS, SS and ctxt->rflags.  The emulator keeps
 * them up to date itself; a caller needs this after it changed them.
 */
void x86_emulate_set_mode(struct x86_emulate_ctxt *ctxt);

/* The guest's CPUID changed: forget what was learnt from it, set vendor by it. */
void x86_emulate_set_cpuid(struct x86_emulate_ctxt *ctxt);

/* emulate/event.c */

/*
 * Deliver an event through the IVT, the IDT or a task gate.  For a software event
 * rip is that behind the instruction; for all others that to return to.  A page
 * fault's CR2 and a debug exception's DR6 and DR7 are the caller's.
 * X86_FAULT: a fault during delivery, to be combined with the event (double fault,
 * shutdown) by the caller.  Otherwise as x86_emulate().
 */
int x86_deliver_event(struct x86_emulate_ctxt *ctxt, const struct x86_event *event);

/* emulate/task.c */

/*
 * Switch to the task of @selector, for the hardware's task-switch exits.  rip is the
 * one to save in the old task: behind the instruction, except for an exception.
 * For X86_TASK_GATE, @event is what came through the gate; its error code is pushed
 * on the new stack.  Otherwise NULL.
 */
int x86_task_switch(struct x86_emulate_ctxt *ctxt, u16 selector,
		    enum x86_task_reason reason, const struct x86_event *event);

#endif
