// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - runs the tests of irqchip/, each in a machine of its own; one line
 * per test.  usage: test-irqchip [--seed N] [NAME...]
 */
#include <time.h>
#include "vm.h"

struct kvm vm;
struct kvm_vcpu cpu[KVM_MAX_VCPUS];
int failures;
u64 seed;
static u64 random_state;

u32 random32(void)
{
	/* splitmix64 */
	u64 z = random_state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z >> 32;
}

void fail(const char *file, int line, const char *what, long long got,
	  long long want)
{
	if (failures++ < 10)
		fprintf(stderr, "%s:%d: %s is %lld (%#llx), not %lld (%#llx)\n",
			file, line, what, got, got, want, want);
}

void vm_start(int n)
{
	int i;

	memset(&vm, 0, sizeof(vm));
	memset(cpu, 0, sizeof(cpu));
	host_ns = 1000000 * MS;
	feature_x2apic = feature_deadline = true;
	mutex_lock(&vm.lock);
	CHECK_EQ(irqchip_create(&vm), 0);
	CHECK_EQ(pit_create(&vm, KVM_PIT_SPEAKER_DUMMY), 0);
	for (i = 0; i < n; i++) {
		cpu[i].kvm = &vm;
		cpu[i].id = i;
		cpu[i].feat.maxphyaddr = 40;
		CHECK_EQ(lapic_create(&cpu[i]), 0);
		vcpu_reset(&cpu[i], false);
		cpu[i].mp_state = i ? KVM_MP_STATE_UNINITIALIZED :
				      KVM_MP_STATE_RUNNABLE;
		vm.vcpus[i] = &cpu[i];
	}
	vm.nr_vcpus = n;
	mutex_unlock(&vm.lock);
}

void vm_stop(void)
{
	int i;

	CHECK_EQ(spinlocks_held, 0);
	irqchip_destroy(&vm);
	for (i = 0; i < KVM_MAX_VCPUS; i++)
		lapic_free(&cpu[i]);
	irq_free_routing(&vm);
	kvm_io_free(&vm);
}

/* ---- access as from a guest ---- */

u8 inb(u16 port)
{
	u8 val = 0xee;

	CHECK_EQ(kvm_io_read(&cpu[0], KVM_PIO_BUS, port, 1, &val), 0);
	return val;
}

void outb(u16 port, u8 val)
{
	CHECK_EQ(kvm_io_write(&cpu[0], KVM_PIO_BUS, port, 1, &val), 0);
}

u32 apic_read(struct kvm_vcpu *vcpu, u32 offset)
{
	u32 val = 0xeeeeeeee;
	gpa_t base = vcpu->apic_base & PAGE_MASK;

	CHECK_EQ(lapic_mmio_read(vcpu, base + offset, 4, &val), 0);
	return val;
}

void apic_write(struct kvm_vcpu *vcpu, u32 offset, u32 val)
{
	gpa_t base = vcpu->apic_base & PAGE_MASK;

	CHECK_EQ(lapic_mmio_write(vcpu, base + offset, 4, &val), 0);
}

u64 rdmsr(struct kvm_vcpu *vcpu, u32 index)
{
	u64 val = 0;

	CHECK_EQ(lapic_msr_read(vcpu, index, &val), 0);
	return val;
}

void wrmsr(struct kvm_vcpu *vcpu, u32 index, u64 val)
{
	CHECK_EQ(lapic_msr_write(vcpu, index, val), 0);
}

static void ioapic_select(u8 index)
{
	u32 val = index;

	CHECK_EQ(kvm_io_write(&cpu[0], KVM_MMIO_BUS, 0xfec00000, 4, &val), 0);
}

u32 ioapic_reg(u8 index)
{
	u32 val = 0;

	ioapic_select(index);
	CHECK_EQ(kvm_io_read(&cpu[0], KVM_MMIO_BUS, 0xfec00010, 4, &val), 0);
	return val;
}

void ioapic_set_reg(u8 index, u32 val)
{
	ioapic_select(index);
	CHECK_EQ(kvm_io_write(&cpu[0], KVM_MMIO_BUS, 0xfec00010, 4, &val), 0);
}

void ioapic_route(int pin, u64 rte)
{
	ioapic_set_reg(0x11 + 2 * pin, rte >> 32);
	ioapic_set_reg(0x10 + 2 * pin, rte);
}

int gsi_line(u32 gsi, int level)
{
	return irq_set(&vm, IRQ_SOURCE_USER, gsi, level);
}

int gsi_pulse(u32 gsi)
{
	int r = gsi_line(gsi, 1);

	gsi_line(gsi, 0);
	return r;
}

void apic_on(struct kvm_vcpu *vcpu, u8 ldr)
{
	apic_write(vcpu, APIC_LDR, (u32)ldr << 24);
	apic_write(vcpu, APIC_SPIV, 0x1ff);
}

void x2apic_on(struct kvm_vcpu *vcpu)
{
	CHECK_EQ(lapic_set_base(vcpu, vcpu->apic_base | X2APIC_ENABLE, false), 0);
	wrmsr(vcpu, 0x80f, 0x1ff);
}

void send_ipi(struct kvm_vcpu *vcpu, u8 dest, u32 icr)
{
	apic_write(vcpu, APIC_ICR2, (u32)dest << 24);
	apic_write(vcpu, APIC_ICR, icr);
}

bool in_irr(struct kvm_vcpu *vcpu, int vector)
{
	struct kvm_lapic_state s;

	lapic_get_state(vcpu, &s);
	return s.regs[APIC_IRR + (vector >> 5) * 16 + (vector >> 3 & 3)] >>
	       (vector & 7) & 1;
}

bool in_isr(struct kvm_vcpu *vcpu, int vector)
{
	return apic_read(vcpu, APIC_ISR + (vector >> 5) * 16) >> (vector & 31) & 1;
}

int take(struct kvm_vcpu *vcpu)
{
	int vector = irq_ack(vcpu);

	if (vector >= 0)
		apic_write(vcpu, APIC_EOI, 0);
	return vector;
}

void pic_init(u8 icw4, u8 master_mask, u8 slave_mask)
{
	outb(0x20, 0x11);
	outb(0x21, 0x30);
	outb(0x21, 0x04);
	outb(0x21, icw4);
	outb(0xa0, 0x11);
	outb(0xa1, 0x38);
	outb(0xa1, 0x02);
	outb(0xa1, icw4 & ~0x10);
	outb(0x21, master_mask);
	outb(0xa1, slave_mask);
}

/* ---- the table of tables ---- */

static const struct test *const suites[] = {
	pic_tests, ioapic_tests, lapic_tests, msg_tests, timer_tests,
	pit_tests, routing_tests, fuzz_tests,
};

static bool chosen(const char *name, char **names, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (!strcmp(name, names[i]))
			return true;
	return !n;
}

static bool run(const struct test *t)
{
	failures = 0;
	random_state = seed;
	vm_start(t->vcpus);
	t->run();
	vm_stop();
	printf("%s %s\n", failures ? "FAIL" : "ok  ", t->name);
	fflush(stdout);
	return !failures;
}

int main(int argc, char **argv)
{
	int passed = 0, failed = 0;
	const struct test *t;
	struct timespec now;
	size_t i;

	clock_gettime(CLOCK_MONOTONIC, &now);
	seed = now.tv_sec * 1000003ull + now.tv_nsec;
	if (argc > 2 && !strcmp(argv[1], "--seed")) {
		seed = strtoull(argv[2], NULL, 0);
		argc -= 2;
		argv += 2;
	}
	printf("seed %llu\n", (unsigned long long)seed);
	for (i = 0; i < ARRAY_SIZE(suites); i++)
		for (t = suites[i]; t->name; t++) {
			if (!chosen(t->name, argv + 1, argc - 1))
				continue;
			if (run(t))
				passed++;
			else
				failed++;
		}
	printf("irqchip: %d passed, %d failed\n", passed, failed);
	return failed || !passed;
}
