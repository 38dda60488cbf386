// SPDX-License-Identifier: GPL-2.0
/*
 * test_lapic.c - the local APIC: KVM_GET/SET_LAPIC, registers as the guest has
 * them through memory and through MSRs, priorities, timer, messages between
 * processors, and every offset of every size.
 */
#include <pthread.h>
#include <signal.h>
#include "vm.h"

#define BASE		0xfee00000ull
#define ID		0x20
#define VERSION		0x30
#define TPR		0x80
#define PPR		0xa0
#define EOI		0xb0
#define LDR		0xd0
#define DFR		0xe0
#define SPIV		0xf0
#define ISR		0x100
#define TMR		0x180
#define IRR		0x200
#define ESR		0x280
#define ICR		0x300
#define ICR2		0x310
#define LVTT		0x320
#define LVT0		0x350
#define LVT1		0x360
#define TMICT		0x380
#define TMCCT		0x390
#define TDCR		0x3e0
#define MSR_APICBASE	0x1b
#define X2APIC(reg)	(0x800 + (reg) / 16)

static struct kvm_lapic_state get_lapic(int vcpu)
{
	struct kvm_lapic_state s;

	REQUIRE_OK(ioctl(vcpu, KVM_GET_LAPIC, &s));
	return s;
}

static void set_lapic(int vcpu, const struct kvm_lapic_state *s)
{
	REQUIRE_OK(ioctl(vcpu, KVM_SET_LAPIC, s));
}

static u32 *reg(struct kvm_lapic_state *s, unsigned int offset)
{
	return (u32 *)(s->regs + offset);
}

/* ------------------------------------------------------------------------
 * State
 */

TEST(lapic_power_up, "the APIC of a new vCPU")
{
	static const u16 lvts[] = { 0x320, 0x330, 0x340, 0x360, 0x370 };
	struct vm vm = vm_create(VM_IRQCHIP);
	int second = vm_add_vcpu(&vm, 5);
	struct kvm_lapic_state s = get_lapic(vm.vcpu);
	unsigned int i;

	CHECK_EQ(*reg(&s, ID), 0);
	CHECK_EQ(*reg(&s, VERSION) & 0xff, 0x14);
	CHECK(*reg(&s, VERSION) >> 16 >= 4);
	CHECK_EQ(*reg(&s, TPR), 0);
	CHECK_EQ(*reg(&s, LDR), 0);
	CHECK_EQ(*reg(&s, DFR), ~0u);
	CHECK_EQ(*reg(&s, SPIV), 0xff);
	for (i = 0; i < ARRAY_SIZE(lvts); i++)
		CHECK_EQ(*reg(&s, lvts[i]), 0x10000);
	/* For firmware that never heard of APICs the 8259s get through. */
	CHECK_EQ(*reg(&s, LVT0), 0x700);
	CHECK_EQ(*reg(&s, TMICT), 0);
	s = get_lapic(second);
	CHECK_EQ(*reg(&s, ID), 5u << 24);
	CHECK_EQ(*reg(&s, LVT0), 0x10000);
}

TEST(lapic_round_trip, "KVM_SET_LAPIC, KVM_GET_LAPIC")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_lapic_state s = get_lapic(vm.vcpu), got;
	unsigned int i;

	*reg(&s, TPR) = 0x35;
	*reg(&s, LDR) = 0x04000000;
	*reg(&s, SPIV) = 0x1fe;
	*reg(&s, LVTT) = 0x100ec;
	*reg(&s, LVT0) = 0x8700;
	*reg(&s, LVT1) = 0x400;
	*reg(&s, TDCR) = 0xb;
	*reg(&s, ICR2) = 0x05000000;
	for (i = 0; i < 8; i++) {
		*reg(&s, IRR + 16 * i) = i > 1 ? 0x80000000 >> i : 0;
		*reg(&s, ISR + 16 * i) = i > 1 ? 0x00010000 << i : 0;
		*reg(&s, TMR + 16 * i) = i > 1 ? 0x00000100 << i : 0;
	}
	set_lapic(vm.vcpu, &s);
	got = get_lapic(vm.vcpu);
	for (i = 0; i < sizeof(s.regs); i += 16)
		if (i != PPR && i != 0x90)	/* computed */
			CHECK_MSG(*reg(&s, i) == *reg(&got, i),
				  "register %#x: %#x, not %#x", i,
				  *reg(&got, i), *reg(&s, i));
}

TEST(lapic_mmio, "the guest reads what KVM_GET_LAPIC tells, and the other way round")
{
	static const struct { u16 offset; u32 value; } writes[] = {
		{ TPR, 0x40 }, { LDR, 0x02000000 }, { DFR, 0x0fffffff },
		{ SPIV, 0x1f0 }, { LVTT, 0x30055 }, { LVT1, 0x400 },
		{ TDCR, 0xa }, { ICR2, 0x07000000 }, { 0x370, 0xfe },
	};
	static const u16 readable[] = {
		ID, VERSION, TPR, LDR, DFR, SPIV, ISR, ISR + 0x70, TMR,
		TMR + 0x70, IRR, ICR, ICR2, LVTT, 0x330, 0x340, LVT0, LVT1,
		0x370, TMICT, TMCCT, TDCR,
	};
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_lapic_state s;
	unsigned int i;

	start_servant(&vm);
	for (i = 0; i < ARRAY_SIZE(writes); i++) {
		DO(&vm, WRITE4, BASE + writes[i].offset, writes[i].value);
		DO(&vm, READ4, BASE + writes[i].offset, 0);
		CHECK_EQ(answer(&vm), writes[i].value);
		s = get_lapic(vm.vcpu);
		CHECK_MSG(*reg(&s, writes[i].offset) == writes[i].value,
			  "register %#x: %#x", writes[i].offset,
			  *reg(&s, writes[i].offset));
	}
	for (i = 0; i < ARRAY_SIZE(readable); i++) {
		DO(&vm, READ4, BASE + readable[i], 0);
		CHECK_MSG((u32)answer(&vm) == *reg(&s, readable[i]),
			  "register %#x: the guest %#x, the ioctl %#x",
			  readable[i], (u32)answer(&vm), *reg(&s, readable[i]));
	}
}

/* A quirk of the API that is on unless it is switched off. */
TEST(lapic_off, "with the APIC off its page reads all ones")
{
	struct vm vm = vm_create(VM_IRQCHIP);

	start_servant(&vm);
	CHECK_EQ(set_msr(vm.vcpu, MSR_APICBASE, 0xfee00100), 1);
	DO(&vm, READ4, BASE + ID, 0);
	CHECK_EQ((u32)answer(&vm), ~0u);
	DO(&vm, WRITE4, BASE + TPR, 0x50);
	CHECK_EQ(set_msr(vm.vcpu, MSR_APICBASE, 0xfee00900), 1);
	DO(&vm, READ4, BASE + VERSION, 0);
	CHECK_EQ(answer(&vm) & 0xff, 0x14);
	DO(&vm, READ4, BASE + TPR, 0);
	CHECK_EQ((u32)answer(&vm), 0);
}

/* ------------------------------------------------------------------------
 * Priorities
 */

TEST(lapic_irr, "an interrupt that KVM_SET_LAPIC puts into IRR is delivered")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_lapic_state s;

	start_waiter(&vm);
	s = get_lapic(vm.vcpu);
	*reg(&s, IRR + 0x20) |= BIT(9);		/* 0x49 */
	*reg(&s, IRR + 0x70) |= BIT(31);	/* 0xff */
	set_lapic(vm.vcpu, &s);
	WAIT(&vm, 0x49, 1);
	CHECK_EQ(ctl(&vm)->count[0xff], 1);
	s = get_lapic(vm.vcpu);
	CHECK_EQ(*reg(&s, IRR + 0x20) | *reg(&s, ISR + 0x20), 0);
}

TEST(lapic_isr, "what is in service holds back its class and lower ones, until EOI")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_lapic_state s;

	start_waiter(&vm);
	s = get_lapic(vm.vcpu);
	*reg(&s, ISR + 0x40) |= BIT(0);		/* 0x80 */
	set_lapic(vm.vcpu, &s);
	CHECK_EQ(send_msi(&vm, 0, 0x8f), 1);
	CHECK_EQ(send_msi(&vm, 0, 0x40), 1);
	idle(&vm, 20);
	CHECK_EQ(ctl(&vm)->count[0x8f] + ctl(&vm)->count[0x40], 0);
	s = get_lapic(vm.vcpu);
	CHECK_EQ(*reg(&s, PPR), 0x80);
	/* A higher class gets through; its own EOI ends itself only. */
	CHECK_EQ(send_msi(&vm, 0, 0x90), 1);
	WAIT(&vm, 0x90, 1);
	CHECK_EQ(ctl(&vm)->count[0x8f], 0);
	settle(&vm);
	s = get_lapic(vm.vcpu);
	*reg(&s, ISR + 0x40) = 0;
	set_lapic(vm.vcpu, &s);
	WAIT(&vm, 0x8f, 1);
	WAIT(&vm, 0x40, 1);
}

GUEST(64, tpr_guest,
	"mov $0xfee00080, %esi\n movl $0x60, (%rsi)\n sti\n" STEP
	"mov %cr8, %rax\n mov %rax, 0xa000\n" STEP
	"mov $5, %eax\n mov %rax, %cr8\n nop\n nop\n movl (%rsi), %eax\n"
	"mov %rax, 0xa008\n" STEP "1: jmp 1b\n");

TEST(lapic_tpr, "TPR and CR8 are one, and hold interrupts back")
{
	struct vm vm = vm_create(VM_IRQCHIP);

	START64(&vm, tpr_guest);
	lapic_on(vm.vcpu);
	ctl(&vm)->eoi = EOI_XAPIC;
	run_step(&vm);
	CHECK_EQ(vm.run->cr8, 6);
	CHECK_EQ(send_msi(&vm, 0, 0x6f), 1);
	run_step(&vm);
	CHECK_EQ(data(&vm)[0], 6);
	CHECK_EQ(ctl(&vm)->count[0x6f], 0);
	run_step(&vm);
	CHECK_EQ(ctl(&vm)->count[0x6f], 1);
	CHECK_EQ(data(&vm)[1], 0x50);
}

/* ------------------------------------------------------------------------
 * Timer
 */

static void lapic_write(const struct vm *vm, u16 offset, u32 value)
{
	struct kvm_lapic_state s = get_lapic(vm->vcpu);

	*reg(&s, offset) = value;
	set_lapic(vm->vcpu, &s);
}

/* Starts the timer as the guest does, then waits for interrupts. */
GUEST(64, timer_guest,
	"mov $0xfee00000, %esi\n movl $0xb, 0x3e0(%rsi)\n mov 0xa020, %eax\n"
	"mov %eax, 0x320(%rsi)\n mov 0xa028, %eax\n mov %eax, 0x380(%rsi)\n"
	"1:" STEP "sti\n"
	"2: mov 0xa000, %rax\n mov (%rax), %ecx\n pause\n"
	"cmp 0xa008, %ecx\n jb 2b\n cli\n jmp 1b\n");

static struct vm timer_machine(u32 lvt, u32 count)
{
	struct vm vm = vm_create(VM_IRQCHIP);

	START64(&vm, timer_guest);
	lapic_on(vm.vcpu);
	ctl(&vm)->eoi = EOI_XAPIC;
	data(&vm)[4] = lvt;
	data(&vm)[5] = count;
	run_step(&vm);
	return vm;
}

TEST(lapic_one_shot, "a one-shot timer strikes once")
{
	struct vm vm = timer_machine(0x51, 1000000);
	struct kvm_lapic_state s;

	WAIT(&vm, 0x51, 1);
	idle(&vm, 50);
	CHECK_EQ(ctl(&vm)->count[0x51], 1);
	s = get_lapic(vm.vcpu);
	CHECK_EQ(*reg(&s, TMICT), 1000000);
	CHECK_EQ(*reg(&s, TMCCT), 0);
}

TEST(lapic_periodic, "a periodic timer strikes again and again, at its rate")
{
	struct vm vm = timer_machine(0x20052, 2000000);	/* 2 ms */
	double start, due;
	u32 n;

	WAIT(&vm, 0x52, 5);
	/* Late ones are lost on a busy machine, but not all the time. */
	do {
		start = now();
		n = ctl(&vm)->count[0x52];
		WAIT(&vm, 0x52, n + 10);
		n = ctl(&vm)->count[0x52] - n;
		due = (now() - start) / 0.002;
		CHECK_MSG(n < due + 2, "%u strikes, not %.0f", n, due);
	} while (due > 20);
	lapic_write(&vm, LVTT, 0x30052);
	/* Of a lower class: what still pends comes before it. */
	CHECK_EQ(send_msi(&vm, 0, 0x31), 1);
	WAIT(&vm, 0x31, 1);
	n = ctl(&vm)->count[0x52];
	idle(&vm, 30);
	CHECK_EQ(ctl(&vm)->count[0x52], n);
}

TEST(lapic_count, "the current count falls at the bus's frequency: 1 GHz")
{
	struct vm vm = timer_machine(0x10051, 0xffffffff);
	double start = now(), least, most;
	struct kvm_lapic_state s = get_lapic(vm.vcpu);
	u32 counts = *reg(&s, TMCCT);

	least = now();
	usleep(200000);
	least = (now() - least) * 1e9;
	s = get_lapic(vm.vcpu);
	most = (now() - start) * 1e9;
	counts -= *reg(&s, TMCCT);
	CHECK_MSG(counts > least * 0.7 && counts < most * 1.3,
		  "%u counts in %.0f to %.0f ns", counts, least, most);
}

/* A one-shot timer of vector 0x53, by nanoseconds, as if @left were left of @initial. */
static void restore_timer(const struct vm *vm, u32 initial, u32 left)
{
	struct kvm_lapic_state s = get_lapic(vm->vcpu);

	*reg(&s, LVTT) = 0x53;
	*reg(&s, TDCR) = 0xb;
	*reg(&s, TMICT) = initial;
	*reg(&s, TMCCT) = left;
	set_lapic(vm->vcpu, &s);
}

TEST(lapic_restored_timer, "a timer that KVM_SET_LAPIC restores goes on")
{
	struct vm vm = vm_create(VM_IRQCHIP);

	start_waiter(&vm);
	restore_timer(&vm, 0x7fffffff, 3000000);	/* 3 ms are left */
	WAIT(&vm, 0x53, 1);
	idle(&vm, 30);
	CHECK_EQ(ctl(&vm)->count[0x53], 1);
}

/* QEMU keeps no current count: what it restores is due. */
TEST(lapic_restored_due, "a one-shot timer that KVM_SET_LAPIC restores at zero fires")
{
	struct vm vm = vm_create(VM_IRQCHIP);

	start_waiter(&vm);
	restore_timer(&vm, 3000000, 0);
	WAIT(&vm, 0x53, 1);
	idle(&vm, 30);
	CHECK_EQ(ctl(&vm)->count[0x53], 1);
	/* One that was never started is not. */
	restore_timer(&vm, 0, 0);
	idle(&vm, 30);
	CHECK_EQ(ctl(&vm)->count[0x53], 1);
}

GUEST(64, deadline_guest,
	"mov $0xfee00000, %esi\n movl $0x40054, 0x320(%rsi)\n"
	"rdtsc\n shl $32, %rdx\n or %rdx, %rax\n add $3000000, %rax\n"
	"mov %rax, 0xa038\n"
	"mov %rax, %rdx\n shr $32, %rdx\n mov $0x6e0, %ecx\n wrmsr\n"
	"rdmsr\n mov %eax, 0xa020\n mov %edx, 0xa024\n"
	"rdtsc\n mov %eax, 0xa030\n mov %edx, 0xa034\n"
	"sti\n 1: pause\n cmpl $0, 0x8550\n je 1b\n"
	"mov $0x6e0, %ecx\n rdmsr\n or %edx, %eax\n mov %eax, 0xa028\n"
	DONE);

TEST(lapic_deadline, "TSC deadline: strikes once, and the MSR is 0 then")
{
	struct vm vm = vm_create(VM_IRQCHIP | VM_NO_CPUID);
	struct kvm_cpuid2 *c = supported_cpuid();

	cpuid_entry(c, 1, 0)->ecx |= BIT(24);
	REQUIRE_OK(ioctl(vm.vcpu, KVM_SET_CPUID2, c));
	START64(&vm, deadline_guest);
	lapic_on(vm.vcpu);
	ctl(&vm)->eoi = EOI_XAPIC;
	CHECK(!run_ms(&vm, 10000));
	CHECK_EQ(vm.run->io.port, PORT_DONE);
	CHECK_EQ(ctl(&vm)->count[0x54], 1);
	/* On a slow machine it was over before it could be read. */
	CHECK(data(&vm)[4] == data(&vm)[7] ||
	      (!data(&vm)[4] && data(&vm)[6] >= data(&vm)[7]));
	CHECK_EQ(data(&vm)[5], 0);
}

/* ------------------------------------------------------------------------
 * x2APIC
 */

TEST(lapic_x2apic, "the same registers as MSRs")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_lapic_state s;

	start_servant(&vm);
	ctl(&vm)->skip = 2;
	/* Not before the mode is on. */
	DO(&vm, RDMSR, X2APIC(VERSION), 0);
	CHECK_EQ(ctl(&vm)->exceptions, 1);
	DO(&vm, WRMSR, MSR_APICBASE, 0xfee00d00);
	DO(&vm, RDMSR, X2APIC(VERSION), 0);
	CHECK_EQ(answer(&vm) & 0xff, 0x14);
	DO(&vm, RDMSR, X2APIC(ID), 0);
	CHECK_EQ(answer(&vm), 0);
	DO(&vm, WRMSR, X2APIC(TPR), 0x20);
	DO(&vm, RDMSR, X2APIC(TPR), 0);
	CHECK_EQ(answer(&vm), 0x20);
	DO(&vm, WRMSR, X2APIC(SPIV), 0x1ff);
	s = get_lapic(vm.vcpu);
	CHECK_EQ(*reg(&s, SPIV), 0x1ff);
	CHECK_EQ(*reg(&s, TPR), 0x20);
	CHECK_EQ(ctl(&vm)->exceptions, 1);
	/* Read-only registers, none at all. */
	DO(&vm, WRMSR, X2APIC(ID), 1);
	CHECK_EQ(ctl(&vm)->exceptions, 2);
	DO(&vm, WRMSR, X2APIC(VERSION), 1);
	CHECK_EQ(ctl(&vm)->exceptions, 3);
	DO(&vm, RDMSR, X2APIC(DFR), 0);
	CHECK_EQ(ctl(&vm)->exceptions, 4);
	DO(&vm, RDMSR, 0x8ff, 0);
	CHECK_EQ(ctl(&vm)->exceptions, 5);
	/* Reserved bits; on VT-x the stock module minds one of them. */
	DO(&vm, WRMSR, X2APIC(TPR), 0x100);
	DO(&vm, WRMSR, X2APIC(EOI), 1);
	CHECK_EQ(ctl(&vm)->exceptions, differs(DEV_x2apic_reserved) ? 7 : intel ? 6 : 5);
	DO(&vm, WRMSR, X2APIC(TPR), 0);
	/* A self IPI, by its own register. */
	ctl(&vm)->eoi = EOI_X2APIC;
	DO(&vm, WRMSR, 0x83f, 0x61);
	s = get_lapic(vm.vcpu);
	CHECK_EQ(*reg(&s, IRR + 0x30), BIT(1));
}

TEST(lapic_x2apic_id, "KVM_SET_LAPIC: the id of an x2APIC is its vCPU's")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_lapic_state s;

	CHECK_EQ(set_msr(vm.vcpu, MSR_APICBASE, 0xfee00d00), 1);
	s = get_lapic(vm.vcpu);
	set_lapic(vm.vcpu, &s);
	*reg(&s, ID) = 5u << 24;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_LAPIC, &s),
		    differs(DEV_x2apic_id) ? EINVAL : 0);
}

/* ------------------------------------------------------------------------
 * Messages
 */

TEST(lapic_self_ipi, "a processor sends itself an interrupt")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_lapic_state s;

	start_servant(&vm);
	lapic_on(vm.vcpu);
	DO(&vm, WRITE4, BASE + ICR, 0x40000 | 0x62);	/* to itself */
	s = get_lapic(vm.vcpu);
	CHECK_EQ(*reg(&s, IRR + 0x30), BIT(2));
	DO(&vm, WRITE4, BASE + ICR2, 0);
	DO(&vm, WRITE4, BASE + ICR, 0x63);		/* physical, id 0 */
	DO(&vm, WRITE4, BASE + ICR, 0x80000 | 0x64);	/* all */
	DO(&vm, WRITE4, BASE + ICR, 0xc0000 | 0x65);	/* all others */
	s = get_lapic(vm.vcpu);
	CHECK_EQ(*reg(&s, IRR + 0x30), BIT(2) | BIT(3) | BIT(4));
	/* A vector below 16 is none. */
	DO(&vm, WRITE4, BASE + ICR, 0x40000 | 0x05);
	DO(&vm, WRITE4, BASE + ESR, 0);
	DO(&vm, READ4, BASE + ESR, 0);
	s = get_lapic(vm.vcpu);
	CHECK_EQ(*reg(&s, IRR), differs(DEV_illegal_vector) ? 0 : BIT(5));
	CHECK_EQ((u32)answer(&vm), differs(DEV_illegal_vector) ? 0x20 : 0);
}

/* The first processor sends INIT and SIPI, vector 2, and waits for a sign. */
GUEST(64, boot_other,
	"mov $0xfee00000, %esi\n"
	"movl $0x01000000, 0x310(%rsi)\n movl $0x4500, 0x300(%rsi)\n"
	"movl $0x01000000, 0x310(%rsi)\n movl $0x4602, 0x300(%rsi)\n"
	"1:" SPIN "cmpl $0x600d, 0xa000\n jne 1b\n"
	"movl $0x01000000, 0x310(%rsi)\n movl $0x4500, 0x300(%rsi)\n" DONE);
GUEST(16, other, "mov %cs, %ax\n mov %ax, %ds\n movl $0x600d, 0x8000\n"
	"cli\n 1: hlt\n jmp 1b\n");

static void nothing(int sig)
{
	(void)sig;
}

static void *other_thread(void *arg)
{
	const struct vm *vm = arg;

	while (run(vm) < 0 && errno == EAGAIN)
		;
	return (void *)(long)errno;
}

TEST(lapic_sipi, "INIT and SIPI start the second processor")
{
	struct sigaction sa = { .sa_handler = nothing };
	struct vm vm = vm_create(VM_IRQCHIP), ap = vm;
	struct kvm_mp_state mp;
	pthread_t thread;
	void *ret;

	sigaction(SIGUSR1, &sa, NULL);
	ap.vcpu = vm_add_vcpu(&vm, 1);
	ap.run = vcpu_map(ap.vcpu);
	vcpu_set_cpuid(ap.vcpu);
	START64(&vm, boot_other);
	lapic_on(vm.vcpu);
	memcpy(vm.mem + 0x2000, other, other_end - other);
	REQUIRE(!pthread_create(&thread, NULL, other_thread, &ap));
	CHECK(!run_ms(&vm, 10000));
	CHECK_EQ(vm.run->exit_reason, KVM_EXIT_IO);
	CHECK_EQ(*(u32 *)(vm.mem + DATA), 0x600d);
	do {
		usleep(50000);
		pthread_kill(thread, SIGUSR1);
	} while (pthread_tryjoin_np(thread, &ret));
	CHECK_EQ((long)ret, EINTR);
	/* INIT again: back to waiting. */
	CHECK_OK(ioctl(ap.vcpu, KVM_GET_MP_STATE, &mp));
	CHECK_EQ(mp.mp_state, KVM_MP_STATE_INIT_RECEIVED);
}

/* ------------------------------------------------------------------------
 * Every offset of every size
 */

static bool wanted(const struct vm *vm, int op, u64 address, u64 value)
{
	order(vm, op, address, value);
	while (!run(vm))
		switch (vm->run->exit_reason) {
		case KVM_EXIT_IO:
			return vm->run->io.port == PORT_STEP;
		case KVM_EXIT_MMIO:
			break;
		default:
			return false;
		}
	return false;
}

static void sweep(u64 base, const char *what)
{
	static const struct { int read, write, size; } ops[] = {
		{ READ1, WRITE1, 1 }, { READ2, WRITE2, 2 },
		{ READ4, WRITE4, 4 }, { READ8, WRITE8, 8 },
	};
	struct vm vm = vm_create(VM_PIT);
	unsigned int i, offset;

	start_servant(&vm);
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		for (offset = 0; offset < PAGE; offset++) {
			/* All offsets near registers, some between. */
			if (offset % 16 > 8 && offset % 7)
				continue;
			if (!CHECK_MSG(wanted(&vm, ops[i].read, base + offset, 0),
				       "%s: %d bytes at %#x cannot be read: %s",
				       what, ops[i].size, offset,
				       exit_name(vm.run->exit_reason)))
				return;
			/* Not the command that would reset us. */
			if (offset / 16 == ICR / 16 || offset / 16 == TMICT / 16 ||
			    (base != BASE && offset / 16 == 1))
				continue;
			if (!CHECK_MSG(wanted(&vm, ops[i].write, base + offset,
					      random64() & ~0x700ull),
				       "%s: %d bytes at %#x cannot be written",
				       what, ops[i].size, offset))
				return;
		}
}

TEST(lapic_sweep, "every offset of the APIC's page, in every size")
{
	sweep(BASE, "local APIC");
}

TEST(lapic_sweep_ioapic, "every offset of the IOAPIC's page, in every size")
{
	sweep(0xfec00000, "IOAPIC");
}
