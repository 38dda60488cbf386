// SPDX-License-Identifier: GPL-2.0
/*
 * vm.c - small machines for the ABI tests; see vm.h.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include "vm.h"

extern const u8 guest_stubs[], guest_stubs_end[];

#define CR0_PE		BIT(0)
#define CR0_ET		BIT(4)
#define CR0_NE		BIT(5)
#define CR0_WP		BIT(16)
#define CR0_PG		BIT(31)
#define CR4_PAE		BIT(5)
#define CR4_OSFXSR	BIT(9)
#define CR4_OSXMMEXCPT	BIT(10)
#define EFER_SCE	BIT(0)
#define EFER_LME	BIT(8)
#define EFER_LMA	BIT(10)

int kvm_dev(void)
{
	static int fd = -1;

	if (fd < 0) {
		fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
		REQUIRE(fd >= 0);
	}
	return fd;
}

size_t run_size(void)
{
	int size = ioctl(kvm_dev(), KVM_GET_VCPU_MMAP_SIZE, 0);

	REQUIRE(size >= (int)sizeof(struct kvm_run));
	return size;
}

/* ------------------------------------------------------------------------
 * Life
 */

void *memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	return p;
}

int set_slot(const struct vm *vm, u32 slot, u32 flags, u64 gpa, u64 size,
	     void *host)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot, .flags = flags, .guest_phys_addr = gpa,
		.memory_size = size, .userspace_addr = (u64)host,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r);
}

struct kvm_run *vcpu_map(int vcpu)
{
	void *p = mmap(NULL, run_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
		       vcpu, 0);

	REQUIRE(p != MAP_FAILED);
	return p;
}

struct kvm_cpuid2 *supported_cpuid(void)
{
	unsigned int n = 200;
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) +
				      n * sizeof(c->entries[0]));

	c->nent = n;
	REQUIRE_OK(ioctl(kvm_dev(), KVM_GET_SUPPORTED_CPUID, c));
	return c;
}

struct kvm_cpuid_entry2 *cpuid_entry(struct kvm_cpuid2 *cpuid, u32 function,
				     u32 index)
{
	unsigned int i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == function &&
		    cpuid->entries[i].index == index)
			return &cpuid->entries[i];
	return NULL;
}

void vcpu_set_cpuid(int vcpu)
{
	struct kvm_cpuid2 *c = supported_cpuid();

	REQUIRE_OK(ioctl(vcpu, KVM_SET_CPUID2, c));
	free(c);
}

int vm_add_vcpu(const struct vm *vm, unsigned int id)
{
	int vcpu = ioctl(vm->fd, KVM_CREATE_VCPU, id);

	REQUIRE_OK(vcpu);
	return vcpu;
}

struct vm vm_create(unsigned int flags)
{
	struct kvm_pit_config pit = {};
	struct vm vm = { .vcpu = -1 };

	do {	/* the timer of another thread may strike */
		vm.fd = ioctl(kvm_dev(), KVM_CREATE_VM, 0);
	} while (vm.fd < 0 && errno == EINTR);
	REQUIRE_OK(vm.fd);
	if (intel)
		REQUIRE_OK(ioctl(vm.fd, KVM_SET_TSS_ADDR, 0xfffbd000));
	if (flags & (VM_IRQCHIP | VM_PIT))
		REQUIRE_OK(ioctl(vm.fd, KVM_CREATE_IRQCHIP, 0));
	if (flags & VM_PIT)
		REQUIRE_OK(ioctl(vm.fd, KVM_CREATE_PIT2, &pit));
	if (!(flags & VM_NO_MEMORY)) {
		vm.mem = memory(MEM_SIZE);
		REQUIRE_OK(set_slot(&vm, 0, 0, 0, MEM_SIZE, vm.mem));
	}
	if (!(flags & VM_NO_VCPU)) {
		vm.vcpu = vm_add_vcpu(&vm, 0);
		vm.run = vcpu_map(vm.vcpu);
		if (!(flags & VM_NO_CPUID))
			vcpu_set_cpuid(vm.vcpu);
	}
	return vm;
}

void vm_close(struct vm *vm)
{
	if (vm->run)
		munmap(vm->run, run_size());
	if (vm->vcpu >= 0)
		close(vm->vcpu);
	close(vm->fd);
	if (vm->mem)
		munmap(vm->mem, MEM_SIZE);
	vm->mem = NULL;
	vm->run = NULL;
}

/* ------------------------------------------------------------------------
 * State
 */

struct kvm_regs get_regs(const struct vm *vm)
{
	struct kvm_regs r = {};

	REQUIRE_OK(ioctl(vm->vcpu, KVM_GET_REGS, &r));
	return r;
}

void set_regs(const struct vm *vm, const struct kvm_regs *r)
{
	REQUIRE_OK(ioctl(vm->vcpu, KVM_SET_REGS, r));
}

struct kvm_sregs get_sregs(const struct vm *vm)
{
	struct kvm_sregs s = {};

	REQUIRE_OK(ioctl(vm->vcpu, KVM_GET_SREGS, &s));
	return s;
}

void set_sregs(const struct vm *vm, const struct kvm_sregs *s)
{
	REQUIRE_OK(ioctl(vm->vcpu, KVM_SET_SREGS, s));
}

struct kvm_vcpu_events get_events(const struct vm *vm)
{
	struct kvm_vcpu_events e = {};

	REQUIRE_OK(ioctl(vm->vcpu, KVM_GET_VCPU_EVENTS, &e));
	return e;
}

struct snapshot *take_snapshot(const struct vm *vm)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	REQUIRE(s);
	s->regs = get_regs(vm);
	s->sregs = get_sregs(vm);
	s->events = get_events(vm);
	REQUIRE_OK(ioctl(vm->vcpu, KVM_GET_FPU, &s->fpu));
	REQUIRE_OK(ioctl(vm->vcpu, KVM_GET_XSAVE, &s->xsave));
	REQUIRE_OK(ioctl(vm->vcpu, KVM_GET_XCRS, &s->xcrs));
	REQUIRE_OK(ioctl(vm->vcpu, KVM_GET_DEBUGREGS, &s->debugregs));
	REQUIRE_OK(ioctl(vm->vcpu, KVM_GET_MP_STATE, &s->mp_state));
	/* Fails without interrupt controllers. */
	(void)!ioctl(vm->vcpu, KVM_GET_LAPIC, &s->lapic);
	return s;
}

bool check_unchanged(const char *file, int line, const struct vm *vm,
		     struct snapshot *before, const char *what)
{
	struct snapshot *after = take_snapshot(vm);
	bool same = true;

#define PART(name)							\
	if (memcmp(&before->name, &after->name, sizeof(before->name))) { \
		check_failed(file, line, "%s changed " #name, what);	\
		same = false;						\
	}
	PART(regs)
	PART(sregs)
	PART(events)
	PART(fpu)
	PART(xsave)
	PART(xcrs)
	PART(debugregs)
	PART(mp_state)
	PART(lapic)
#undef PART
	free(before);
	free(after);
	return same;
}

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

int get_msr(int vcpu, u32 index, u64 *value)
{
	struct one_msr m = { .head.nmsrs = 1, .entry.index = index };
	int r = ioctl(vcpu, KVM_GET_MSRS, &m);

	*value = m.entry.data;
	return r;
}

int set_msr(int vcpu, u32 index, u64 value)
{
	struct one_msr m = {
		.head.nmsrs = 1,
		.entry = { .index = index, .data = value },
	};

	return ioctl(vcpu, KVM_SET_MSRS, &m);
}

/* ------------------------------------------------------------------------
 * Starting points
 */

static void enter(int vcpu, const struct kvm_sregs *s, u64 rip, u64 rsp)
{
	struct kvm_regs r = { .rip = rip, .rsp = rsp, .rflags = 2 };

	REQUIRE_OK(ioctl(vcpu, KVM_SET_SREGS, s));
	REQUIRE_OK(ioctl(vcpu, KVM_SET_REGS, &r));
}

void vcpu_enter16(int vcpu, u64 rip)
{
	const struct kvm_segment data = {
		.limit = 0xffff, .type = 3, .present = 1, .s = 1,
	};
	struct kvm_sregs s;

	REQUIRE_OK(ioctl(vcpu, KVM_GET_SREGS, &s));
	s.cs = s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.cs.type = 11;
	s.tr = s.ldt = (struct kvm_segment){ .limit = 0xffff, .present = 1 };
	s.tr.type = 11;
	s.ldt.type = 2;
	s.gdt = s.idt = (struct kvm_dtable){ .limit = 0xffff };
	s.cr0 = 0x60000010;
	s.cr3 = s.cr4 = s.efer = 0;
	enter(vcpu, &s, rip, 0x7000);
}

/* What the last exit began is complete only when KVM_RUN was called again. */
void settle(const struct vm *vm)
{
	if (vm->run->exit_reason == KVM_EXIT_UNKNOWN)
		return;		/* it never ran */
	vm->run->immediate_exit = 1;
	CHECK_ERRNO(run(vm), EINTR);
	vm->run->immediate_exit = 0;
}

void vm_start16(const struct vm *vm, const u8 *code, size_t size)
{
	settle(vm);
	memcpy(vm->mem + CODE, code, size);
	vcpu_enter16(vm->vcpu, CODE);
}

/* Present, writable, and (PDs) 2 MiB; accessed and dirty already. */
static void build_page_tables(const struct vm *vm)
{
	u64 *pml4 = (u64 *)(vm->mem + PAGE_TABLES), *pdpt = pml4 + 512;
	u64 *pd = pdpt + 512;
	int i;

	pml4[0] = (PAGE_TABLES + 0x1000) | 0x63;
	for (i = 0; i < 4; i++)
		pdpt[i] = (PAGE_TABLES + 0x2000 + i * PAGE) | 0x63;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = (u64)i << 21 | 0xe3;
}

void set_gate(const struct vm *vm, unsigned int vector, u64 handler)
{
	u64 *gate = (u64 *)(vm->mem + IDT) + 2 * vector;

	gate[0] = (handler & 0xffff) | 8 << 16 | 0x8e00ull << 32 |
		  (handler >> 16 & 0xffff) << 48;
	gate[1] = handler >> 32;
}

static void build_tables(const struct vm *vm)
{
	u64 *gdt = (u64 *)(vm->mem + GDT);
	int i;

	build_page_tables(vm);
	gdt[1] = 0x00af9b000000ffffull;		/* 8: 64-bit code */
	gdt[2] = 0x00cf93000000ffffull;		/* 16: data */
	gdt[3] = 0x00008b0000000067ull | (u64)TSS << 16;
	gdt[5] = 0x00cf9b000000ffffull;		/* 40: 32-bit code */
	memcpy(vm->mem + STUBS, guest_stubs, guest_stubs_end - guest_stubs);
	for (i = 0; i < 256; i++)
		set_gate(vm, i, STUBS + i * 16);
}

void vcpu_enter64(int vcpu, u64 rip)
{
	struct kvm_segment data = {
		.limit = 0xffffffff, .selector = 16, .type = 3, .present = 1,
		.db = 1, .s = 1, .g = 1,
	};
	struct kvm_sregs s;

	REQUIRE_OK(ioctl(vcpu, KVM_GET_SREGS, &s));
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.cs = (struct kvm_segment){
		.limit = 0xffffffff, .selector = 8, .type = 11, .present = 1,
		.s = 1, .l = 1, .g = 1,
	};
	s.tr = (struct kvm_segment){
		.base = TSS, .limit = 0x67, .selector = 24, .type = 11,
		.present = 1,
	};
	s.ldt = (struct kvm_segment){ .type = 2, .unusable = 1 };
	s.gdt.base = GDT;
	s.gdt.limit = 47;
	s.idt.base = IDT;
	s.idt.limit = 0xfff;
	s.cr0 = CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_PE;
	s.cr3 = PAGE_TABLES;
	s.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	s.efer = EFER_LMA | EFER_LME | EFER_SCE;
	enter(vcpu, &s, rip, STACK);
}

void vm_start64(const struct vm *vm, const u8 *code, size_t size)
{
	settle(vm);
	build_tables(vm);
	memset(ctl(vm), 0, sizeof(*ctl(vm)));
	memcpy(vm->mem + CODE, code, size);
	vcpu_enter64(vm->vcpu, CODE);
}

/* ------------------------------------------------------------------------
 * Running
 */

int run(const struct vm *vm)
{
	return ioctl(vm->vcpu, KVM_RUN, 0);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* The timer repeats, lest it strikes before KVM_RUN has begun. */
int run_ms(const struct vm *vm, unsigned int ms)
{
	struct itimerval on = {
		.it_value = { ms / 1000, ms % 1000 * 1000 },
		.it_interval.tv_usec = 10000,
	}, off = {};
	int r, error;

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &on, NULL);
	r = run(vm);
	error = errno;
	setitimer(ITIMER_REAL, &off, NULL);
	errno = error;
	return r;
}

const char *exit_name(u32 reason)
{
	static const char *const names[] = {
		"UNKNOWN", "EXCEPTION", "IO", "HYPERCALL", "DEBUG", "HLT",
		"MMIO", "IRQ_WINDOW_OPEN", "SHUTDOWN", "FAIL_ENTRY", "INTR",
		"SET_TPR", "TPR_ACCESS", "S390_SIEIC", "S390_RESET", "DCR",
		"NMI", "INTERNAL_ERROR",
	};

	return reason < ARRAY_SIZE(names) ? names[reason] : "?";
}

static const char *describe(const struct vm *vm)
{
	static char text[200];
	const struct kvm_run *r = vm->run;
	const struct guest_ctl *c = vm->mem ? ctl(vm) : NULL;

	switch (r->exit_reason) {
	case KVM_EXIT_IO:
		if (c && r->io.port == PORT_EXC)
			snprintf(text, sizeof(text), ", exception %d error %#llx rip %#llx cr2 %#llx",
				 (int)c->vector, (long long)c->error,
				 (long long)c->rip, (long long)c->cr2);
		else
			snprintf(text, sizeof(text), " port %#x %s size %u count %u",
				 r->io.port, r->io.direction ? "out" : "in",
				 r->io.size, r->io.count);
		break;
	case KVM_EXIT_MMIO:
		snprintf(text, sizeof(text), " %#llx %s len %u",
			 (long long)r->mmio.phys_addr,
			 r->mmio.is_write ? "write" : "read", r->mmio.len);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		snprintf(text, sizeof(text), " suberror %u",
			 r->internal.suberror);
		break;
	default:
		text[0] = 0;
	}
	return text;
}

bool run_to_at(const char *file, int line, const struct vm *vm, u32 reason)
{
	struct kvm_regs regs = {};
	int r = run(vm), error = errno;

	if (!r && vm->run->exit_reason == reason)
		return true;
	ioctl(vm->vcpu, KVM_GET_REGS, &regs);
	check_failed(file, line, "KVM_RUN: %s, exit %s%s, rip %#llx; expected %s",
		     errno_name(r ? error : 0), exit_name(vm->run->exit_reason),
		     describe(vm), (long long)regs.rip, exit_name(reason));
	return false;
}

bool run_to_out_at(const char *file, int line, const struct vm *vm, u16 port)
{
	const struct kvm_run *r = vm->run;

	if (!run_to_at(file, line, vm, KVM_EXIT_IO))
		return false;
	if (r->io.direction == KVM_EXIT_IO_OUT && r->io.port == port)
		return true;
	check_failed(file, line, "KVM_RUN: exit IO%s; expected an OUT to port %#x",
		     describe(vm), port);
	return false;
}

/* ------------------------------------------------------------------------
 * The servant
 */

#define CASE(op, next)	"cmp $" #op ", %rax\njne " next "f\n"

GUEST(64, servant,
	"1:" STEP
	"mov 0xa000, %rax\n mov 0xa008, %rsi\n mov 0xa010, %rdx\n"
	CASE(0, "2") "mov (%rsi), %rdx\n jmp 9f\n"
	"2:" CASE(1, "2") "mov %rdx, (%rsi)\n jmp 1b\n"
	"2:" CASE(2, "2") "movzbl (%rsi), %edx\n jmp 9f\n"
	"2:" CASE(3, "2") "mov %dl, (%rsi)\n jmp 1b\n"
	"2:" CASE(4, "2") "lock xadd %rdx, (%rsi)\n jmp 9f\n"
	"2:" CASE(5, "2") "call *%rsi\n jmp 1b\n"
	"2:" CASE(6, "2") "invlpg (%rsi)\n jmp 1b\n"
	"2:" CASE(7, "2") "mov %rsi, %cr3\n jmp 1b\n"
	"2:" CASE(8, "2") "movl (%rsi), %edx\n jmp 9f\n"
	"2:" CASE(9, "2") "movl %edx, (%rsi)\n jmp 1b\n"
	"2:" CASE(10, "2") "movzwl (%rsi), %edx\n jmp 9f\n"
	"2:" CASE(11, "2") "movw %dx, (%rsi)\n jmp 1b\n"
	"2:" CASE(12, "2") "mov %esi, %ecx\n rdmsr\n shl $32, %rdx\n"
		"or %rax, %rdx\n jmp 9f\n"
	"2:" CASE(13, "2") "mov %esi, %ecx\n mov %edx, %eax\n"
		"shr $32, %rdx\n wrmsr\n jmp 1b\n"
	"2: ud2\n"
	"9: mov %rdx, 0xa018\n jmp 1b\n");

void start_servant(const struct vm *vm)
{
	START64(vm, servant);
	run_step(vm);
}

void order(const struct vm *vm, int op, u64 address, u64 value)
{
	data(vm)[0] = op;
	data(vm)[1] = address;
	data(vm)[2] = value;
	data(vm)[3] = 0xdeaddeaddeaddeadull;
}

bool done_at(const char *file, int line, const struct vm *vm, int op,
	     u64 address, u64 value)
{
	order(vm, op, address, value);
	return run_to_out_at(file, line, vm, PORT_STEP);
}

/* ------------------------------------------------------------------------
 * The waiter
 */

GUEST(64, waiter,
	"1:" STEP
	"sti\n"
	"2: mov 0xa000, %rax\n mov (%rax), %ecx\n pause\n"
	"cmp 0xa008, %ecx\n jb 2b\n"
	"cli\n jmp 1b\n");

void lapic_on(int vcpu)
{
	struct kvm_lapic_state s;

	REQUIRE_OK(ioctl(vcpu, KVM_GET_LAPIC, &s));
	*(u32 *)(s.regs + 0xf0) |= 0x100;
	REQUIRE_OK(ioctl(vcpu, KVM_SET_LAPIC, &s));
}

void start_waiter(const struct vm *vm)
{
	START64(vm, waiter);
	lapic_on(vm->vcpu);
	ctl(vm)->eoi = EOI_XAPIC;
	run_step(vm);
}

static void set_goal(const struct vm *vm, u8 vector, u32 n)
{
	data(vm)[0] = CTL + offsetof(struct guest_ctl, count) + 4 * vector;
	data(vm)[1] = n;
}

bool wait_at(const char *file, int line, const struct vm *vm, u8 vector, u32 n)
{
	set_goal(vm, vector, n);
	if (!run_ms(vm, 10000 * slow) && vm->run->exit_reason == KVM_EXIT_IO &&
	    vm->run->io.port == PORT_STEP)
		return true;
	check_failed(file, line, "vector %#x came %u times, not %u: %s%s", vector,
		     ctl(vm)->count[vector], n, exit_name(vm->run->exit_reason),
		     describe(vm));
	return false;
}

void idle(const struct vm *vm, unsigned int ms)
{
	set_goal(vm, 0, ~0u);
	CHECK_ERRNO(run_ms(vm, ms), EINTR);
}

int send_msi(const struct vm *vm, u8 dest, u32 data)
{
	struct kvm_msi msi = {
		.address_lo = 0xfee00000 | dest << 12, .data = data,
	};

	return ioctl(vm->fd, KVM_SIGNAL_MSI, &msi);
}

int irq_line(const struct vm *vm, u32 gsi, u32 level)
{
	struct kvm_irq_level l = { .irq = gsi, .level = level };

	return ioctl(vm->fd, KVM_IRQ_LINE, &l);
}
