/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vm.h - small machines for the ABI tests: one slot of memory, one vCPU, a
 * few instructions of guest code, and what it takes to see how far they got.
 *
 * Guests are assembled into the test by GUEST().  They say "done" with OUT to
 * PORT_DONE and leave results in DATA.  In 64-bit mode there is an IDT: what
 * arrives is counted and recorded in struct guest_ctl (guest.S).
 */
#ifndef ABI_VM_H
#define ABI_VM_H

#include "abi.h"

/* Guest-physical layout; memory is identity-mapped in 64-bit mode. */
#define CODE		0x1000
#define CTL		0x8000		/* struct guest_ctl */
#define DATA		0xa000		/* to 0xffff: the test's */
#define PAGE_TABLES	0x10000		/* PML4, PDPT, four PDs: 4 GiB */
#define GDT		0x16000
#define IDT		0x17000
#define TSS		0x18000
#define STUBS		0x19000		/* two pages */
#define STACK		0x30000		/* top */
#define FREE		0x40000		/* to the end: the test's */
#define MEM_SIZE	0x400000
#define MMIO		0xd0000000	/* no memory there */

#define PORT_DONE	0xf1
#define PORT_EXC	0xf2		/* an exception nobody expected */
#define PORT_STEP	0xf3		/* on the way */

#define STR_(x)		#x
#define STR(x)		STR_(x)

/* GUEST(16 | 32 | 64, name, "instructions\n"): START16/64(vm, name) runs it. */
#define GUEST(bits, name, ...)						\
	asm(".pushsection .rodata\n.balign 64\n.code" #bits "\n"	\
	    #name ":\n"							\
	    __VA_ARGS__ #name "_end:\n.code64\n.popsection\n");		\
	extern const u8 name[], name##_end[]
#define START16(vm, name)	vm_start16(vm, name, name##_end - name)
#define START64(vm, name)	vm_start64(vm, name, name##_end - name)
#define DONE		"out %al, $" STR(PORT_DONE) "\n"
#define STEP		"out %al, $" STR(PORT_STEP) "\n"
/*
 * Begins a loop with interrupts off that ends by a signal or another thread's
 * doing.  Bochs 2.7 looks at the "external-interrupt exiting" control when a guest
 * writes IF, but not at VM entry: without CLI, nothing would interrupt a guest
 * that was entered with IF clear, and the host would stand still.
 */
#define SPIN		"cli\n pause\n"

/* Shared with guest.S. */
struct guest_ctl {
	u64 skip;		/* exceptions return so many bytes further on */
	u64 eoi;		/* after interrupts: EOI_* */
	u64 exceptions;		/* so many, the last being: */
	u64 vector, error, rip, rflags, rsp, cr2;
	u64 pad[119];
	u32 count[256];		/* of each vector, exceptions too */
};

enum { EOI_NONE, EOI_XAPIC, EOI_X2APIC, EOI_PIC };

struct vm {
	int fd;
	int vcpu;
	struct kvm_run *run;
	u8 *mem;
};

enum {
	VM_IRQCHIP	= 1,
	VM_PIT		= 2,
	VM_NO_VCPU	= 4,
	VM_NO_CPUID	= 8,
	VM_NO_MEMORY	= 16,
};

/* /dev/kvm, opened once. */
int kvm_dev(void);
size_t run_size(void);

/* All end the test if something fails. */
struct vm vm_create(unsigned int flags);
void vm_close(struct vm *vm);
int vm_add_vcpu(const struct vm *vm, unsigned int id);
struct kvm_run *vcpu_map(int vcpu);
void vcpu_set_cpuid(int vcpu);
void *memory(size_t size);

/* The offered CPUID, for a change: free() it. */
struct kvm_cpuid2 *supported_cpuid(void);
struct kvm_cpuid_entry2 *cpuid_entry(struct kvm_cpuid2 *cpuid, u32 function,
				     u32 index);

int set_slot(const struct vm *vm, u32 slot, u32 flags, u64 gpa, u64 size,
	     void *host);

/* Load code at CODE and point the vCPU to it, in a fresh state. */
void vm_start16(const struct vm *vm, const u8 *code, size_t size);
void vm_start64(const struct vm *vm, const u8 *code, size_t size);
void vcpu_enter16(int vcpu, u64 rip);
void vcpu_enter64(int vcpu, u64 rip);
void settle(const struct vm *vm);
void set_gate(const struct vm *vm, unsigned int vector, u64 handler);

static inline struct guest_ctl *ctl(const struct vm *vm)
{
	return (struct guest_ctl *)(vm->mem + CTL);
}

static inline volatile u64 *data(const struct vm *vm)
{
	return (volatile u64 *)(vm->mem + DATA);
}

/* ------------------------------------------------------------------------
 * Running.  run() is the bare ioctl; the others check how it ends.
 */

int run(const struct vm *vm);
/* The same, but a signal ends it after so many milliseconds. */
int run_ms(const struct vm *vm, unsigned int ms);
const char *exit_name(u32 reason);
bool run_to_at(const char *file, int line, const struct vm *vm, u32 reason);
bool run_to_out_at(const char *file, int line, const struct vm *vm, u16 port);

#define run_to(vm, reason)	run_to_at(__FILE__, __LINE__, vm, reason)

/*
 * After an interrupt was put into a guest that has IF clear: true if that ends
 * it (SDM, "Checks on VM-Entry Control Fields"; deviations.h).
 */
static inline bool fails_without_if(const struct vm *vm)
{
	if (!intel || differs(DEV_interrupt_if))
		return false;
	run_to(vm, KVM_EXIT_FAIL_ENTRY);
	return true;
}

/* An OUT of one item to that port. */
#define run_to_out(vm, port)	run_to_out_at(__FILE__, __LINE__, vm, port)
#define run_done(vm)		run_to_out(vm, PORT_DONE)
#define run_step(vm)		run_to_out(vm, PORT_STEP)

static inline void *io_data(const struct vm *vm)
{
	return (u8 *)vm->run + vm->run->io.data_offset;
}

/* ------------------------------------------------------------------------
 * A 64-bit guest that does one thing at a time: order() tells it what, run()
 * or run_step() makes it do so, answer() is what it found.
 */

enum {
	READ8, WRITE8,		/* bytes: 8 */
	READ1, WRITE1,
	XADD8,
	CALL,			/* the code there; it ends with RET */
	INVLPG,
	CR3,			/* load it with the address */
	READ4, WRITE4, READ2, WRITE2,
	RDMSR, WRMSR,		/* the address is the index */
};

void start_servant(const struct vm *vm);
void order(const struct vm *vm, int op, u64 address, u64 value);

static inline u64 answer(const struct vm *vm)
{
	return data(vm)[3];
}

/* Order, run, expect it done. */
bool done_at(const char *file, int line, const struct vm *vm, int op,
	     u64 address, u64 value);
#define DO(vm, op, address, value) \
	done_at(__FILE__, __LINE__, vm, op, address, value)
#define PEEK(vm, address)	(DO(vm, READ8, address, 0), answer(vm))
#define POKE(vm, address, val)	DO(vm, WRITE8, address, val)

/* ------------------------------------------------------------------------
 * A 64-bit guest that waits for interrupts, its local APIC switched on
 */

void start_waiter(const struct vm *vm);
/* Until @vector has come @n times in all; false after some seconds. */
bool wait_at(const char *file, int line, const struct vm *vm, u8 vector,
	     u32 n);
#define WAIT(vm, vector, n)	wait_at(__FILE__, __LINE__, vm, vector, n)
/* Let it run, to see that nothing comes. */
void idle(const struct vm *vm, unsigned int ms);
/* The software enable bit, by KVM_SET_LAPIC. */
void lapic_on(int vcpu);
int send_msi(const struct vm *vm, u8 dest, u32 data);
int irq_line(const struct vm *vm, u32 gsi, u32 level);

/* ------------------------------------------------------------------------
 * State
 */

struct kvm_regs get_regs(const struct vm *vm);
void set_regs(const struct vm *vm, const struct kvm_regs *regs);
struct kvm_sregs get_sregs(const struct vm *vm);
void set_sregs(const struct vm *vm, const struct kvm_sregs *sregs);
struct kvm_vcpu_events get_events(const struct vm *vm);

/* All that the ioctls tell of a vCPU, to see that nothing has changed. */
struct snapshot {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;
	struct kvm_fpu fpu;
	struct kvm_xsave xsave;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_mp_state mp_state;
	struct kvm_lapic_state lapic;
};

struct snapshot *take_snapshot(const struct vm *vm);
/* Takes another, compares, frees both. */
#define CHECK_UNCHANGED(vm, before, what)				\
	check_unchanged(__FILE__, __LINE__, vm, before, what)
bool check_unchanged(const char *file, int line, const struct vm *vm,
		     struct snapshot *before, const char *what);

/* One MSR: 1 if done, 0 if refused. */
int get_msr(int vcpu, u32 index, u64 *value);
int set_msr(int vcpu, u32 index, u64 value);

#endif
