// SPDX-License-Identifier: GPL-2.0
/*
 * test_fuzz.c - everything that a guest and user space can do, at random: all
 * offsets and sizes, all states.  The sanitizers and the assertions in shim.h
 * (indexes, lock order) watch; invariants() says what must hold at any time.
 */
#include "vm.h"
#include "../../irqchip/lapic.h"

#define NR_CPUS	5
#define ROUNDS	30		/* each with a new machine */
#define STEPS	100000

static struct kvm_vcpu *some_cpu(void)
{
	return &cpu[random32() % NR_CPUS];
}

static int some_len(int max)
{
	int len = 1 << random32() % 4;

	return len <= max ? len : max;
}

/* Values with few bits, all ones, small numbers and noise. */
static u64 some_value(void)
{
	switch (random32() % 5) {
	case 0:
		return random32() % 256;
	case 1:
		return 1ull << random32() % 64;
	case 2:
		return ~0ull;
	case 3:
		return random32() & random32() & random32();
	default:
		return (u64)random32() << 32 | random32();
	}
}

static void invariants(void)
{
	int i;

	for (i = 0; i < NR_CPUS; i++) {
		struct kvm_lapic *apic = cpu[i].apic;
		int v = irq_pending(&cpu[i]);

		CHECK_EQ(apic->isr_top, lapic_top(apic->isr));
		CHECK(apic->irr_pending || lapic_top(apic->irr) < 0);
		CHECK(!(apic->irr[0] & 0xffff));
		CHECK(v >= -1 && v <= 255);
		CHECK(apic->divisor && apic->divisor <= 128);
		CHECK(!apic->x2apic || apic->id == i);
	}
	CHECK_EQ(spinlocks_held, 0);
}

static const struct {
	u16 first;
	u8 n;
} ports[] = { { 0x20, 2 }, { 0xa0, 2 }, { 0x4d0, 2 }, { 0x40, 4 }, { 0x61, 1 } };

static void port_access(void)
{
	int which = random32() % ARRAY_SIZE(ports);
	int offset = random32() % ports[which].n;
	int len = some_len(ports[which].n - offset);
	u64 val = some_value();

	if (len == 3)
		len = 2;
	if (random32() & 1)
		CHECK_EQ(kvm_io_write(some_cpu(), KVM_PIO_BUS,
				      ports[which].first + offset, len, &val), 0);
	else
		CHECK_EQ(kvm_io_read(some_cpu(), KVM_PIO_BUS,
				     ports[which].first + offset, len, &val), 0);
}

static void ioapic_access(void)
{
	u32 offset = random32() & 1 ? (random32() & 1) * 0x10 : random32() % 256;
	int len = some_len(8);
	u64 val = some_value();

	if (offset + len > 256)
		return;
	if (random32() & 1)
		kvm_io_write(some_cpu(), KVM_MMIO_BUS, 0xfec00000 + offset, len,
			     &val);
	else
		kvm_io_read(some_cpu(), KVM_MMIO_BUS, 0xfec00000 + offset, len,
			    &val);
}

static void lapic_access(void)
{
	struct kvm_vcpu *v = some_cpu();
	u32 offset = random32() % 4 ? (random32() % 64) << 4 : random32() % 4096;
	gpa_t gpa = (v->apic_base & PAGE_MASK) + offset;
	int len = random32() % 4 ? 4 : some_len(8);
	u64 val = some_value();

	if (random32() % 3)
		CHECK_EQ(lapic_mmio_write(v, gpa, len, &val), 0);
	else
		CHECK_EQ(lapic_mmio_read(v, gpa, len, &val), 0);
}

static void msr_access(void)
{
	struct kvm_vcpu *v = some_cpu();
	u32 index = random32() % 16 ? 0x800 + random32() % 256 :
				      MSR_IA32_TSC_DEADLINE;
	u64 val = some_value();
	int r;

	if (random32() % 3)
		r = lapic_msr_write(v, index, val);
	else
		r = lapic_msr_read(v, index, &val);
	CHECK(r == 0 || r == 1);
}

static void mode_change(void)
{
	struct kvm_vcpu *v = some_cpu();
	u64 val = 0xfee00000;

	if (random32() & 1)
		val |= MSR_IA32_APICBASE_ENABLE;
	if (random32() & 1)
		val |= X2APIC_ENABLE;
	if (random32() % 8 == 0)
		val = some_value();
	lapic_set_base(v, val, random32() & 1);
	/* Most of the time they shall be on. */
	if (random32() % 4 == 0) {
		lapic_set_base(v, 0xfee00000 | MSR_IA32_APICBASE_ENABLE, true);
		apic_write(v, APIC_SPIV, 0x1ff);
	}
}

static void lines(void)
{
	struct kvm_msi msi = { .address_lo = some_value(), .data = some_value() };

	if (random32() % 4 == 0)
		irq_send_msi(&vm, &msi);
	else
		irq_set(&vm, random32() % IRQ_NR_SOURCES, random32() % 26,
			random32() & 1);
}

/* What a vCPU's thread does. */
static void interrupts(void)
{
	struct kvm_vcpu *v = some_cpu();
	int pending, vector;

	if (lapic_has_events(v))
		lapic_accept_events(v);
	lapic_set_cr8(v, random32() % 16);
	pending = irq_pending(v);
	vector = irq_ack(v);
	CHECK_EQ(pending, vector);
	if (random32() % 4 && v->apic->hw_enabled && !v->apic->x2apic)
		apic_write(v, APIC_EOI, 0);
	v->ev.nmi_queued.counter = 0;
}

static void time_passes(void)
{
	if (random32() % 8)
		advance(random32() % 100000);
	else
		jump(random32() % (20 * MS));
	CHECK(host_ns > 0);
}

static void fill(void *p, size_t size)
{
	u8 *b = p;

	while (size--)
		*b++ = random32() % 4 ? 0 : some_value();
}

static void get_all(void)
{
	struct kvm_irqchip chip;
	struct kvm_pit_state2 pit;
	struct kvm_lapic_state lapic;

	for (chip.chip_id = 0; chip.chip_id < 3; chip.chip_id++)
		CHECK_EQ(irqchip_get(&vm, &chip), 0);
	pit_get_state(&vm, &pit);
	lapic_get_state(some_cpu(), &lapic);
}

static void set_some(void)
{
	struct kvm_irqchip chip;
	struct kvm_pit_state2 pit;
	struct kvm_lapic_state lapic;
	struct kvm_vcpu *v = some_cpu();

	switch (random32() % 3) {
	case 0:
		fill(&chip, sizeof(chip));
		chip.chip_id = random32() % 3;
		if (chip.chip_id == 2)
			chip.chip.ioapic.base_address = 0xfec00000;
		CHECK_EQ(irqchip_set(&vm, &chip), 0);
		break;
	case 1:
		fill(&pit, sizeof(pit));
		pit_set_state(&vm, &pit, true);
		break;
	default:
		fill(&lapic, sizeof(lapic));
		/* User space may set what a guest cannot: not vectors < 16. */
		memset(lapic.regs + APIC_IRR, 0, 2);
		lapic_set_state(v, &lapic);
		break;
	}
}

static void routes(void)
{
	struct kvm_irq_routing_entry e[8];
	unsigned int n = random32() % 9, i;

	memset(e, 0, sizeof(e));
	for (i = 0; i < n; i++) {
		e[i].gsi = random32() % 26;
		e[i].type = 1 + random32() % 2;
		e[i].u.irqchip.irqchip = random32() % 3;
		e[i].u.irqchip.pin = random32() % 25;
	}
	irq_set_routing(&vm, e, n, 0);
	pit_set_reinject(&vm, random32() & 1);
	if (random32() & 1)
		irq_set_default_routing(&vm);
}

static void step(void)
{
	static void (*const actions[])(void) = {
		port_access, port_access, port_access, ioapic_access,
		ioapic_access, lapic_access, lapic_access, lapic_access,
		msr_access, mode_change, lines, lines, interrupts, interrupts,
		time_passes, get_all,
	};

	if (random32() % 512 == 0)
		set_some();
	else if (random32() % 256 == 0)
		routes();
	else
		actions[random32() % ARRAY_SIZE(actions)]();
	if (random32() % 16 == 0)
		invariants();
}

static void everything(void)
{
	int round, i;

	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < STEPS && !failures; i++)
			step();
		vm_stop();
		vm_start(NR_CPUS);
	}
}

/* Not at random: every offset with every size, both ways, three patterns. */
static void all_offsets(void)
{
	static const u64 patterns[] = { 0, ~0ull, 0x5a5a5a5a5a5a5a5aull };
	u64 val, base;
	u32 offset;
	size_t p;
	int len, mode;

	for (mode = 0; mode < 3; mode++) {
		base = 0xfee00000 | (mode ? MSR_IA32_APICBASE_ENABLE : 0) |
		       (mode == 2 ? X2APIC_ENABLE : 0);
		for (p = 0; p < ARRAY_SIZE(patterns); p++)
			for (offset = 0; offset < 4096; offset++)
				for (len = 1; len <= 8; len *= 2) {
					lapic_set_base(&cpu[1], base, true);
					val = patterns[p];
					CHECK_EQ(lapic_mmio_write(&cpu[1], 0xfee00000 + offset,
								  len, &val), 0);
					CHECK_EQ(lapic_mmio_read(&cpu[1], 0xfee00000 + offset,
								 len, &val), 0);
					if (lapic_has_events(&cpu[1]))
						lapic_accept_events(&cpu[1]);
				}
	}
	for (p = 0; p < ARRAY_SIZE(patterns); p++)
		for (offset = 0; offset < 256; offset++) {
			val = patterns[p];
			lapic_msr_write(&cpu[1], 0x800 + offset, val);
			lapic_msr_read(&cpu[1], 0x800 + offset, &val);
			for (len = 1; len <= 8 && offset + len <= 256; len *= 2) {
				kvm_io_write(&cpu[0], KVM_MMIO_BUS,
					     0xfec00000 + offset, len, &patterns[p]);
				kvm_io_read(&cpu[0], KVM_MMIO_BUS,
					    0xfec00000 + offset, len, &val);
			}
			ioapic_set_reg(offset, patterns[p]);
			ioapic_reg(offset);
		}
	advance(1000 * MS);
	invariants();
}

const struct test fuzz_tests[] = {
	{ "fuzz-all-offsets", NR_CPUS, all_offsets },
	{ "fuzz-everything", NR_CPUS, everything },
	{}
};
