// SPDX-License-Identifier: GPL-2.0
/*
 * test_irqchip.c - the interrupt controllers as user space has them: making
 * them in the right order, their state, lines, MSIs, routes, and a guest that
 * counts what arrives.
 */
#include "vm.h"

/* ------------------------------------------------------------------------
 * Order and errors
 */

TEST(irqchip_order, "KVM_CREATE_IRQCHIP, KVM_CREATE_PIT(2): once, in order")
{
	struct vm vm = vm_create(VM_NO_VCPU | VM_NO_MEMORY);
	struct kvm_pit_config pit = {};
	/* 6.1's own makes one, which then has no interrupts. */
	bool needs_chips = ours || kernel >= 612;
	int vcpu;

	if (needs_chips) {
		CHECK_ERRNO(ioctl(vm.fd, KVM_CREATE_PIT2, &pit), ENOENT);
		CHECK_ERRNO(ioctl(vm.fd, KVM_CREATE_PIT, 0), ENOENT);
	}
	CHECK_OK(ioctl(vm.fd, KVM_CREATE_IRQCHIP, 0));
	CHECK_ERRNO(ioctl(vm.fd, KVM_CREATE_IRQCHIP, 0), EEXIST);
	CHECK_OK(ioctl(vm.fd, KVM_CREATE_PIT2, &pit));
	CHECK_ERRNO(ioctl(vm.fd, KVM_CREATE_PIT2, &pit), EEXIST);
	CHECK_ERRNO(ioctl(vm.fd, KVM_CREATE_PIT, 0), EEXIST);
	CHECK_OK(vcpu = ioctl(vm.fd, KVM_CREATE_VCPU, 0));
	CHECK_ERRNO(ioctl(vm.fd, KVM_CREATE_IRQCHIP, 0), EEXIST);

	vm = vm_create(VM_NO_MEMORY);
	CHECK_ERRNO(ioctl(vm.fd, KVM_CREATE_IRQCHIP, 0), EINVAL);
	if (needs_chips)
		CHECK_ERRNO(ioctl(vm.fd, KVM_CREATE_PIT2, &pit), ENOENT);

	/* The timer may come later than the vCPUs. */
	vm = vm_create(VM_IRQCHIP | VM_NO_MEMORY);
	CHECK_OK(ioctl(vm.fd, KVM_CREATE_PIT, 0));
}

TEST(irqchip_absent, "what needs controllers or a timer that are not there")
{
	struct vm vm = vm_create(0), no_pit = vm_create(VM_IRQCHIP);
	void *arg = memory(PAGE);

	CHECK_ERRNO(ioctl(vm.fd, KVM_GET_IRQCHIP, arg), ENXIO);
	CHECK_ERRNO(ioctl(vm.fd, KVM_SET_IRQCHIP, arg), ENXIO);
	CHECK_ERRNO(ioctl(vm.fd, KVM_IRQ_LINE, arg), ENXIO);
	CHECK_ERRNO(ioctl(vm.fd, KVM_IRQ_LINE_STATUS, arg), ENXIO);
	CHECK_ERRNO(ioctl(vm.fd, KVM_SIGNAL_MSI, arg), EINVAL);
	CHECK_ERRNO(ioctl(vm.fd, KVM_SET_GSI_ROUTING, arg), EINVAL);
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_GET_LAPIC, arg), EINVAL);
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_LAPIC, arg), EINVAL);
	CHECK_ERRNO(ioctl(no_pit.fd, KVM_GET_PIT, arg), ENXIO);
	CHECK_ERRNO(ioctl(no_pit.fd, KVM_SET_PIT, arg), ENXIO);
	CHECK_ERRNO(ioctl(no_pit.fd, KVM_GET_PIT2, arg), ENXIO);
	CHECK_ERRNO(ioctl(no_pit.fd, KVM_SET_PIT2, arg), ENXIO);
	CHECK_ERRNO(ioctl(no_pit.fd, KVM_REINJECT_CONTROL, arg), ENXIO);
	CHECK_ERRNO(ioctl(vm.fd, KVM_GET_PIT2, arg), ENXIO);
}

TEST(irqchip_boot_cpu, "KVM_SET_BOOT_CPU_ID, KVM_SET_TSS_ADDR, KVM_SET_IDENTITY_MAP_ADDR")
{
	struct vm vm = vm_create(VM_NO_VCPU | VM_IRQCHIP | VM_NO_MEMORY);
	struct kvm_sregs s;
	u64 addr = 0xfffb0000;
	int a, b;

	if (ours || kernel >= 612) {
		CHECK_ERRNO(ioctl(vm.fd, KVM_SET_BOOT_CPU_ID, 1ul << 32), EINVAL);
		CHECK_ERRNO(ioctl(vm.fd, KVM_SET_BOOT_CPU_ID, ~0ul), EINVAL);
	}
	CHECK_OK(ioctl(vm.fd, KVM_SET_BOOT_CPU_ID, 1));
	CHECK_OK(ioctl(vm.fd, KVM_SET_IDENTITY_MAP_ADDR, &addr));
	addr = 0;
	CHECK_OK(ioctl(vm.fd, KVM_SET_IDENTITY_MAP_ADDR, &addr));
	/* vm_create() has called it, on VT-x. */
	CHECK_ERRNO(ioctl(vm.fd, KVM_SET_TSS_ADDR, 0xfffbd000ul),
		    intel && !differs(DEV_tss_addr) ? EEXIST : 0);
	CHECK_ERRNO(ioctl(vm.fd, KVM_SET_TSS_ADDR, 0xfffff000ul), EINVAL);
	CHECK_ERRNO(ioctl(vm.fd, KVM_SET_TSS_ADDR, 0x100000000ul), EINVAL);
	CHECK_ERRNO(ioctl(vm.fd, KVM_SET_TSS_ADDR, ~0ul), EINVAL);
	a = vm_add_vcpu(&vm, 0);
	b = vm_add_vcpu(&vm, 1);
	CHECK_OK(ioctl(a, KVM_GET_SREGS, &s));
	CHECK_EQ(s.apic_base & 0x100, 0);
	CHECK_OK(ioctl(b, KVM_GET_SREGS, &s));
	CHECK_EQ(s.apic_base & 0x100, 0x100);
	CHECK_ERRNO(ioctl(vm.fd, KVM_SET_BOOT_CPU_ID, 0), EBUSY);
	CHECK_ERRNO(ioctl(vm.fd, KVM_SET_IDENTITY_MAP_ADDR, &addr), EINVAL);
}

/* ------------------------------------------------------------------------
 * State of the chips
 */

static struct kvm_irqchip get_chip(const struct vm *vm, u32 id)
{
	struct kvm_irqchip c;

	memset(&c, 0, sizeof(c));
	c.chip_id = id;
	REQUIRE_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &c));
	return c;
}

TEST(irqchip_bad_id, "chip numbers that do not exist")
{
	static const u32 bad[] = { 3, 4, 255, 0x10000, ~0u };
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_irqchip c = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		c.chip_id = bad[i];
		CHECK_ERRNO(ioctl(vm.fd, KVM_GET_IRQCHIP, &c), EINVAL);
		CHECK_ERRNO(ioctl(vm.fd, KVM_SET_IRQCHIP, &c), EINVAL);
	}
}

TEST(irqchip_power_up, "the controllers as they are made")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_irqchip c = get_chip(&vm, KVM_IRQCHIP_IOAPIC);
	int i;

	CHECK_EQ(c.chip.ioapic.base_address, 0xfec00000);
	CHECK_EQ(c.chip.ioapic.id, 0);
	CHECK_EQ(c.chip.ioapic.irr, 0);
	for (i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		CHECK_EQ(c.chip.ioapic.redirtbl[i].bits & 0x1ffff, 0x10000);
	c = get_chip(&vm, KVM_IRQCHIP_PIC_MASTER);
	CHECK_EQ(c.chip.pic.irr | c.chip.pic.isr | c.chip.pic.init_state, 0);
	CHECK_EQ(c.chip.pic.elcr_mask, 0xf8);
	c = get_chip(&vm, KVM_IRQCHIP_PIC_SLAVE);
	CHECK_EQ(c.chip.pic.elcr_mask, 0xde);
}

TEST(irqchip_round_trip, "KVM_SET_IRQCHIP, KVM_GET_IRQCHIP")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_irqchip c, got;
	int i;

	for (i = 0; i < 2; i++) {
		c = get_chip(&vm, i);
		c.chip.pic.imr = 0xfb;
		c.chip.pic.irq_base = 0x20 + 8 * i;
		c.chip.pic.irr = 0x10;
		c.chip.pic.last_irr = 0x10;
		c.chip.pic.auto_eoi = 0;
		c.chip.pic.elcr = i ? 0x0c : 0x20;
		CHECK_OK(ioctl(vm.fd, KVM_SET_IRQCHIP, &c));
		got = get_chip(&vm, i);
		CHECK(!memcmp(&c.chip.pic, &got.chip.pic, sizeof(c.chip.pic)));
	}
	c = get_chip(&vm, KVM_IRQCHIP_IOAPIC);
	c.chip.ioapic.id = 3;
	c.chip.ioapic.ioregsel = 0x12;
	for (i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		c.chip.ioapic.redirtbl[i].bits = (0x30 + i) | 0x10000ull |
						 (u64)i << 56;
	CHECK_OK(ioctl(vm.fd, KVM_SET_IRQCHIP, &c));
	got = get_chip(&vm, KVM_IRQCHIP_IOAPIC);
	CHECK(!memcmp(&c.chip.ioapic, &got.chip.ioapic, sizeof(c.chip.ioapic)));
}

/* Whatever is put in: nothing indexes beyond a table, and the rest works. */
TEST(irqchip_garbage, "random state in the controllers")
{
	struct vm vm = vm_create(VM_PIT);
	struct kvm_irqchip saved[3], c;
	struct kvm_lapic_state lapic, l;
	unsigned int round, i;

	start_waiter(&vm);
	for (i = 0; i < 3; i++)
		saved[i] = get_chip(&vm, i);
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_LAPIC, &lapic));
	for (round = 0; round < 300; round++) {
		for (i = 0; i < sizeof(c); i++)
			((u8 *)&c)[i] = random64();
		c.chip_id = round % 3;
		/* No pin shall send an INIT, which would stay. */
		for (i = 0; c.chip_id == 2 && i < KVM_IOAPIC_NUM_PINS; i++)
			c.chip.ioapic.redirtbl[i].bits &= ~0x700ull;
		(void)!ioctl(vm.fd, KVM_SET_IRQCHIP, &c);
		for (i = 0; i < sizeof(l); i++)
			((u8 *)&l)[i] = random64();
		/* No timer of a nanosecond, and no INIT to itself. */
		*(u32 *)(l.regs + 0x380) = 0;
		*(u32 *)(l.regs + 0x20) = 0;
		*(u32 *)(l.regs + 0x350) &= ~0x700;
		*(u32 *)(l.regs + 0x360) &= ~0x700;
		(void)!ioctl(vm.vcpu, KVM_SET_LAPIC, &l);
		irq_line(&vm, round % 24, 1);
		irq_line(&vm, round % 24, 0);
		CHECK_OK(ioctl(vm.vcpu, KVM_GET_LAPIC, &l));
		get_chip(&vm, round % 3);
	}
	/* The slave before the master, or that latches a last request of it. */
	for (i = 3; i--;)
		CHECK_OK(ioctl(vm.fd, KVM_SET_IRQCHIP, &saved[i]));
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_LAPIC, &lapic));
	start_waiter(&vm);
	CHECK_EQ(send_msi(&vm, 0, 0x51), 1);
	WAIT(&vm, 0x51, 1);
}

/* ------------------------------------------------------------------------
 * IOAPIC pins
 */

#define LEVEL	(1ull << 15)
#define MASKED	(1ull << 16)

static void set_pin(const struct vm *vm, int pin, u64 entry)
{
	struct kvm_irqchip c = get_chip(vm, KVM_IRQCHIP_IOAPIC);

	c.chip.ioapic.redirtbl[pin].bits = entry;
	CHECK_OK(ioctl(vm->fd, KVM_SET_IRQCHIP, &c));
}

TEST(irqchip_edge, "an edge on an IOAPIC pin is one interrupt")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	int i, pin;

	start_waiter(&vm);
	for (pin = 16; pin < 24; pin++) {
		set_pin(&vm, pin, 0x40 + pin);
		for (i = 1; i < 5; i++) {
			CHECK_OK(irq_line(&vm, pin, 1));
			CHECK_OK(irq_line(&vm, pin, 1));
			WAIT(&vm, 0x40 + pin, i);
			CHECK_OK(irq_line(&vm, pin, 0));
		}
		idle(&vm, 10);
		CHECK_EQ(ctl(&vm)->count[0x40 + pin], 4);
	}
}

TEST(irqchip_level, "a level on an IOAPIC pin is interrupts until it falls")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	u32 n;

	start_waiter(&vm);
	set_pin(&vm, 17, 0x61 | LEVEL);
	CHECK_OK(irq_line(&vm, 17, 1));
	WAIT(&vm, 0x61, 10);
	CHECK_OK(irq_line(&vm, 17, 0));
	/* Of a lower class: what still pends comes before it. */
	CHECK_EQ(send_msi(&vm, 0, 0x31), 1);
	WAIT(&vm, 0x31, 1);
	n = ctl(&vm)->count[0x61];
	idle(&vm, 20);
	CHECK_EQ(ctl(&vm)->count[0x61], n);
	CHECK_OK(irq_line(&vm, 17, 1));
	WAIT(&vm, 0x61, n + 1);
}

/* A line that nobody serves must not keep the guest from all else. */
TEST(irqchip_storm, "a guest gets on under a level that never falls")
{
	struct vm vm = vm_create(VM_IRQCHIP);

	start_waiter(&vm);
	set_pin(&vm, 17, 0x61 | LEVEL);
	CHECK_OK(irq_line(&vm, 17, 1));
	WAIT(&vm, 0x61, 10);
}

TEST(irqchip_masked, "a masked pin remembers a level, not an edge")
{
	struct vm vm = vm_create(VM_IRQCHIP);

	start_waiter(&vm);
	set_pin(&vm, 18, 0x62 | LEVEL | MASKED);
	CHECK_OK(irq_line(&vm, 18, 1));
	idle(&vm, 20);
	CHECK_EQ(ctl(&vm)->count[0x62], 0);
	CHECK_OK(irq_line(&vm, 18, 0));
	/* The first of eight lines of a pin is the first GSI's. */
	set_pin(&vm, 18, 0x62);
	CHECK_OK(irq_line(&vm, 18, 1));
	WAIT(&vm, 0x62, 1);
}

TEST(irqchip_line_status, "KVM_IRQ_LINE_STATUS: delivered, coalesced, ignored")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_irq_level l;

	start_waiter(&vm);
	set_pin(&vm, 19, 0x63);
	l = (struct kvm_irq_level){ .irq = 19, .level = 1 };
	CHECK_OK(ioctl(vm.fd, KVM_IRQ_LINE_STATUS, &l));
	CHECK_EQ(l.status, 1);
	/* Again before the guest has taken it: one interrupt for two edges. */
	CHECK_OK(irq_line(&vm, 19, 0));
	l = (struct kvm_irq_level){ .irq = 19, .level = 1 };
	CHECK_OK(ioctl(vm.fd, KVM_IRQ_LINE_STATUS, &l));
	CHECK(l.status == 0 || l.status == 1);
	WAIT(&vm, 0x63, 1);
	idle(&vm, 10);
	CHECK_EQ(ctl(&vm)->count[0x63], 1);
	CHECK_OK(irq_line(&vm, 19, 0));
	/* Nothing is routed there. */
	l = (struct kvm_irq_level){ .irq = 1000, .level = 1 };
	CHECK_OK(ioctl(vm.fd, KVM_IRQ_LINE_STATUS, &l));
	CHECK_EQ(l.status, -1);
	l = (struct kvm_irq_level){ .irq = ~0u, .level = 1 };
	CHECK_OK(ioctl(vm.fd, KVM_IRQ_LINE_STATUS, &l));
	CHECK_EQ(l.status, -1);
}

/* ------------------------------------------------------------------------
 * The pair of 8259s
 */

#define OUTB(port, value)	"mov $" #value ", %al\n out %al, $" #port "\n"

GUEST(64, pic_waiter,
	OUTB(0x20, 0x11) OUTB(0x21, 0x20) OUTB(0x21, 4) OUTB(0x21, 1)
	OUTB(0xa0, 0x11) OUTB(0xa1, 0x28) OUTB(0xa1, 2) OUTB(0xa1, 1)
	OUTB(0x21, 0) OUTB(0xa1, 0)
	"1:" STEP "sti\n"
	"2: mov 0xa000, %rax\n mov (%rax), %ecx\n pause\n"
	"cmp 0xa008, %ecx\n jb 2b\n cli\n jmp 1b\n");

TEST(irqchip_pic, "lines of the 8259 pair, programmed by the guest")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_irqchip c;
	int irq;

	START64(&vm, pic_waiter);
	ctl(&vm)->eoi = EOI_PIC;
	run_step(&vm);
	c = get_chip(&vm, KVM_IRQCHIP_PIC_MASTER);
	CHECK_EQ(c.chip.pic.irq_base, 0x20);
	CHECK_EQ(c.chip.pic.imr, 0);
	c = get_chip(&vm, KVM_IRQCHIP_PIC_SLAVE);
	CHECK_EQ(c.chip.pic.irq_base, 0x28);
	for (irq = 0; irq < 16; irq++) {
		if (irq == 2)
			continue;
		CHECK_OK(irq_line(&vm, irq, 1));
		CHECK_OK(irq_line(&vm, irq, 0));
		WAIT(&vm, 0x20 + irq, 1);
	}
	idle(&vm, 10);
	for (irq = 0; irq < 16; irq++)
		CHECK_EQ(ctl(&vm)->count[0x20 + irq], irq != 2);
}

/* ------------------------------------------------------------------------
 * Messages
 */

TEST(irqchip_msi, "KVM_SIGNAL_MSI: every vector that a message may have")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	int v;

	start_waiter(&vm);
	for (v = 32; v < 256; v++) {
		CHECK_EQ(send_msi(&vm, 0, v), 1);
		WAIT(&vm, v, 1);
	}
}

TEST(irqchip_msi_bad, "KVM_SIGNAL_MSI: flags, nobody there, an APIC that is off")
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x40 };
	struct vm vm = vm_create(VM_IRQCHIP);

	start_waiter(&vm);
	msi.flags = 2;
	CHECK_ERRNO(ioctl(vm.fd, KVM_SIGNAL_MSI, &msi), EINVAL);
	msi.flags = ~0u;
	CHECK_ERRNO(ioctl(vm.fd, KVM_SIGNAL_MSI, &msi), EINVAL);
	CHECK_EQ(send_msi(&vm, 77, 0x40), 0);
	CHECK_EQ(send_msi(&vm, 0, 0x40), 1);
	/* Pending already: whether that counts is a matter of taste. */
	CHECK(send_msi(&vm, 0, 0x40) >= 0);
	WAIT(&vm, 0x40, 1);
	CHECK_EQ(send_msi(&vm, 0, 0x40), 1);
	WAIT(&vm, 0x40, 2);
}

TEST(irqchip_msi_nmi, "a message may be an NMI")
{
	struct vm vm = vm_create(VM_IRQCHIP);

	start_waiter(&vm);
	CHECK_EQ(send_msi(&vm, 0, 4 << 8), 1);
	WAIT(&vm, 2, 1);
}

/* ------------------------------------------------------------------------
 * Routes
 */

struct routing {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry e[40];
};

static struct kvm_irq_routing_entry to_chip(u32 gsi, u32 chip, u32 pin)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

static struct kvm_irq_routing_entry to_msi(u32 gsi, u32 vector)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000, .data = vector },
	};
}

TEST(irqchip_routing, "KVM_SET_GSI_ROUTING: lines lead where it says")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct routing r = { .head.nr = 3 };

	start_waiter(&vm);
	set_pin(&vm, 20, 0x70);
	set_pin(&vm, 5, 0x75);
	r.e[0] = to_chip(5, KVM_IRQCHIP_IOAPIC, 20);
	r.e[1] = to_msi(100, 0x71);
	r.e[2] = to_msi(1023, 0x72);
	CHECK_OK(ioctl(vm.fd, KVM_SET_GSI_ROUTING, &r));
	irq_line(&vm, 5, 1);
	irq_line(&vm, 5, 0);
	WAIT(&vm, 0x70, 1);
	irq_line(&vm, 100, 1);
	WAIT(&vm, 0x71, 1);
	irq_line(&vm, 100, 0);
	irq_line(&vm, 1023, 1);
	WAIT(&vm, 0x72, 1);
	/* What is not in the table leads nowhere. */
	irq_line(&vm, 20, 1);
	irq_line(&vm, 20, 0);
	idle(&vm, 20);
	CHECK_EQ(ctl(&vm)->count[0x70], 1);
	CHECK_EQ(ctl(&vm)->count[0x75], 0);
	/* No routes at all, and the old ones again. */
	r.head.nr = 0;
	CHECK_OK(ioctl(vm.fd, KVM_SET_GSI_ROUTING, &r));
	irq_line(&vm, 5, 1);
	irq_line(&vm, 5, 0);
	idle(&vm, 20);
	CHECK_EQ(ctl(&vm)->count[0x70], 1);
	r.head.nr = 3;
	CHECK_OK(ioctl(vm.fd, KVM_SET_GSI_ROUTING, &r));
	irq_line(&vm, 5, 1);
	irq_line(&vm, 5, 0);
	WAIT(&vm, 0x70, 2);
}

/* One bad entry: nothing of the table takes effect. */
TEST(irqchip_routing_bad, "KVM_SET_GSI_ROUTING: what cannot be a route")
{
	int max = ioctl(kvm_dev(), KVM_CHECK_EXTENSION, KVM_CAP_IRQ_ROUTING);
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_irq_routing_entry good = to_msi(50, 0x71), bad[12];
	struct routing r = { .head.nr = 1, .e[0] = good };
	unsigned int i, n = 0;

	start_waiter(&vm);
	CHECK_OK(ioctl(vm.fd, KVM_SET_GSI_ROUTING, &r));
	bad[n++] = to_chip(51, 3, 0);
	bad[n++] = to_chip(51, ~0u, 0);
	bad[n++] = to_chip(51, KVM_IRQCHIP_IOAPIC, 24);
	bad[n++] = to_chip(51, KVM_IRQCHIP_IOAPIC, ~0u);
	bad[n++] = to_chip(51, KVM_IRQCHIP_PIC_MASTER, 8);
	bad[n++] = to_chip(51, KVM_IRQCHIP_PIC_SLAVE, 8);
	bad[n++] = to_chip(max, KVM_IRQCHIP_IOAPIC, 1);
	bad[n++] = to_msi(~0u, 0x71);
	bad[n] = good;
	bad[n++].type = 0;
	bad[n] = good;
	bad[n++].type = 77;
	bad[n] = good;
	bad[n++].flags = 2;
	bad[n] = to_chip(51, KVM_IRQCHIP_IOAPIC, 1);
	bad[n++].flags = 1;
	for (i = 0; i < n; i++) {
		r.head.nr = 2;
		r.e[0] = to_msi(60, 0x79);
		r.e[1] = bad[i];
		CHECK_MSG(ioctl(vm.fd, KVM_SET_GSI_ROUTING, &r) == -1 &&
			  errno == EINVAL, "entry %u is taken", i);
	}
	r.head.flags = 1;
	r.head.nr = 1;
	CHECK_ERRNO(ioctl(vm.fd, KVM_SET_GSI_ROUTING, &r), EINVAL);
	r.head.flags = 0;
	r.head.nr = max + 1;
	CHECK_ERRNO(ioctl(vm.fd, KVM_SET_GSI_ROUTING, &r), EINVAL);
	irq_line(&vm, 60, 1);
	irq_line(&vm, 50, 1);
	WAIT(&vm, 0x71, 1);
	CHECK_EQ(ctl(&vm)->count[0x79], 0);
}

TEST(irqchip_routing_many, "as many routes as announced")
{
	int max = ioctl(kvm_dev(), KVM_CHECK_EXTENSION, KVM_CAP_IRQ_ROUTING);
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_irq_routing *r = calloc(1, sizeof(*r) +
					   max * sizeof(r->entries[0]));
	int i;

	start_waiter(&vm);
	r->nr = max;
	for (i = 0; i < max; i++)
		r->entries[i] = to_msi(i, 0x40 + i % 64);
	CHECK_OK(ioctl(vm.fd, KVM_SET_GSI_ROUTING, r));
	irq_line(&vm, max - 1, 1);
	WAIT(&vm, 0x40 + (max - 1) % 64, 1);
}

/* ------------------------------------------------------------------------
 * A guest that sleeps
 */

GUEST(64, sleeper, STEP "sti\n 1: hlt\n cmpl $3, 0x8540\n jb 1b\n" DONE);

/* Slices of its time, until it is there. */
static void run_to_halt(const struct vm *vm)
{
	struct kvm_mp_state mp = {};

	while (mp.mp_state != KVM_MP_STATE_HALTED &&
	       CHECK_ERRNO(run_ms(vm, 50), EINTR))
		CHECK_OK(ioctl(vm->vcpu, KVM_GET_MP_STATE, &mp));
}

TEST(irqchip_hlt, "HLT stays in the kernel until an interrupt comes")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_mp_state mp;
	u32 n;

	START64(&vm, sleeper);
	lapic_on(vm.vcpu);
	ctl(&vm)->eoi = EOI_XAPIC;
	run_step(&vm);
	run_to_halt(&vm);
	for (n = 1; n < 3; n++) {
		CHECK_EQ(send_msi(&vm, 0, 0x50), 1);
		while (CHECK_ERRNO(run_ms(&vm, 50), EINTR) &&
		       ctl(&vm)->count[0x50] < n)
			;
		CHECK_EQ(ctl(&vm)->count[0x50], n);
	}
	CHECK_EQ(send_msi(&vm, 0, 0x50), 1);
	run_done(&vm);
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_MP_STATE, &mp));
	CHECK_EQ(mp.mp_state, KVM_MP_STATE_RUNNABLE);
}

GUEST(64, sleep_once, STEP "hlt\n" DONE);

TEST(irqchip_hlt_nmi, "an NMI that is blocked does not end HLT")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_vcpu_events e;

	START64(&vm, sleep_once);
	run_step(&vm);
	settle(&vm);
	e = get_events(&vm);
	e.nmi.masked = 1;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	CHECK_OK(ioctl(vm.vcpu, KVM_NMI));
	run_to_halt(&vm);
	e = get_events(&vm);
	CHECK_EQ(e.nmi.pending, 1);
	e.nmi.masked = 0;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	run_done(&vm);
	CHECK_EQ(ctl(&vm)->count[2], 1);
}

TEST(irqchip_hlt_sipi, "a SIPI does not end HLT")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_msi sipi = { .address_lo = 0xfee00000, .data = 0x600 | 0x10 };

	START64(&vm, sleep_once);
	lapic_on(vm.vcpu);
	run_step(&vm);
	run_to_halt(&vm);
	CHECK(ioctl(vm.fd, KVM_SIGNAL_MSI, &sipi) >= 0);
	if (!differs(DEV_hlt_sipi))
		return;
	CHECK_ERRNO(run_ms(&vm, 50), EINTR);
	CHECK_OK(ioctl(vm.vcpu, KVM_NMI));
	run_done(&vm);
}

TEST(irqchip_mp_state, "KVM_GET/SET_MP_STATE")
{
	struct vm plain = vm_create(0), vm = vm_create(VM_IRQCHIP);
	struct kvm_mp_state mp;
	int second = vm_add_vcpu(&vm, 1);
	u32 i;

	CHECK_OK(ioctl(plain.vcpu, KVM_GET_MP_STATE, &mp));
	CHECK_EQ(mp.mp_state, KVM_MP_STATE_RUNNABLE);
	CHECK_OK(ioctl(plain.vcpu, KVM_SET_MP_STATE, &mp));
	for (i = 1; i < 9; i++) {
		mp.mp_state = i;
		CHECK_ERRNO(ioctl(plain.vcpu, KVM_SET_MP_STATE, &mp), EINVAL);
	}
	CHECK_OK(ioctl(vm.vcpu, KVM_GET_MP_STATE, &mp));
	CHECK_EQ(mp.mp_state, KVM_MP_STATE_RUNNABLE);
	CHECK_OK(ioctl(second, KVM_GET_MP_STATE, &mp));
	CHECK_EQ(mp.mp_state, KVM_MP_STATE_UNINITIALIZED);
	for (i = 5; i < 9; i++) {	/* 9 is for encrypted guests */
		mp.mp_state = i;
		CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_MP_STATE, &mp), EINVAL);
	}
	mp.mp_state = ~0u;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_MP_STATE, &mp), EINVAL);
	for (i = KVM_MP_STATE_RUNNABLE; i <= KVM_MP_STATE_HALTED; i++) {
		mp.mp_state = i;
		CHECK_OK(ioctl(second, KVM_SET_MP_STATE, &mp));
		CHECK_OK(ioctl(second, KVM_GET_MP_STATE, &mp));
		CHECK_EQ(mp.mp_state, i);
	}
}

TEST(irqchip_set_halted, "a vCPU that is set to halted sleeps, until it is set to run")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_mp_state mp = { .mp_state = KVM_MP_STATE_HALTED };

	START64(&vm, sleeper);
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_MP_STATE, &mp));
	CHECK_ERRNO(run_ms(&vm, 50), EINTR);
	CHECK_EQ(get_regs(&vm).rip, CODE);
	mp.mp_state = KVM_MP_STATE_RUNNABLE;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_MP_STATE, &mp));
	run_step(&vm);
}

TEST(irqchip_uninitialized, "KVM_RUN of a processor that waits for INIT")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct vm ap = { .fd = vm.fd, .vcpu = vm_add_vcpu(&vm, 1) };

	ap.run = vcpu_map(ap.vcpu);
	CHECK_ERRNO(run_ms(&ap, 50), EINTR);
	ap.run->immediate_exit = 1;
	CHECK_ERRNO(run(&ap), EINTR);
}
