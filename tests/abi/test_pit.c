// SPDX-License-Identifier: GPL-2.0
/*
 * test_pit.c - the 8254: KVM_GET/SET_PIT(2), its ticks as interrupts, what
 * the guest reads from it, the speaker's port, and all ports in all sizes.
 */
#include "vm.h"

static struct kvm_pit_state2 get_pit(const struct vm *vm)
{
	struct kvm_pit_state2 s;

	memset(&s, 0xa5, sizeof(s));
	REQUIRE_OK(ioctl(vm->fd, KVM_GET_PIT2, &s));
	return s;
}

static void set_ioapic_pin(const struct vm *vm, int pin, u64 entry)
{
	struct kvm_irqchip c = { .chip_id = KVM_IRQCHIP_IOAPIC };

	CHECK_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &c));
	c.chip.ioapic.redirtbl[pin].bits = entry;
	CHECK_OK(ioctl(vm->fd, KVM_SET_IRQCHIP, &c));
}

/* Channel 0, mode 2, this count; interrupts as vector 0x55. */
static struct vm ticking(u32 count)
{
	struct vm vm = vm_create(VM_PIT);
	struct kvm_irqchip pic = { .chip_id = KVM_IRQCHIP_PIC_MASTER };
	struct kvm_pit_state2 s = get_pit(&vm);

	start_waiter(&vm);
	set_ioapic_pin(&vm, 0, 0x55);
	/* It is IRQ 0 of the 8259s too. */
	CHECK_OK(ioctl(vm.fd, KVM_GET_IRQCHIP, &pic));
	pic.chip.pic.imr = 0xff;
	CHECK_OK(ioctl(vm.fd, KVM_SET_IRQCHIP, &pic));
	s.channels[0].mode = 2;
	s.channels[0].count = count;
	s.channels[0].gate = 1;
	s.channels[0].rw_mode = 3;
	CHECK_OK(ioctl(vm.fd, KVM_SET_PIT2, &s));
	return vm;
}

TEST(pit_power_up, "the timer as it is made")
{
	struct vm vm = vm_create(VM_PIT);
	struct kvm_pit_state2 s = get_pit(&vm);
	int i;

	CHECK_EQ(s.flags, 0);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(s.channels[i].count, 0x10000);
		CHECK_EQ(s.channels[i].mode, 0xff);
		CHECK_EQ(s.channels[i].gate, i != 2);
	}
	for (i = 0; i < 9; i++)
		CHECK_EQ(s.reserved[i], 0);
}

TEST(pit_round_trip, "KVM_SET_PIT2, KVM_GET_PIT2; KVM_SET_PIT, KVM_GET_PIT")
{
	struct vm vm = vm_create(VM_PIT);
	struct kvm_pit_state2 s = get_pit(&vm), got;
	struct kvm_pit_state old, old_got;
	int i;

	for (i = 1; i < 3; i++) {
		s.channels[i].mode = i + 1;
		s.channels[i].count = 1000 * i;
		s.channels[i].rw_mode = 3;
		s.channels[i].latched_count = 77;
		s.channels[i].count_latched = 3;
		s.channels[i].status_latched = 1;
		s.channels[i].status = 0x36;
		s.channels[i].read_state = 3;
		s.channels[i].write_state = 3;
		s.channels[i].write_latch = 5;
		s.channels[i].gate = 1;
	}
	s.flags = KVM_PIT_FLAGS_HPET_LEGACY | KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	CHECK_OK(ioctl(vm.fd, KVM_SET_PIT2, &s));
	got = get_pit(&vm);
	for (i = 1; i < 3; i++) {
		/* Which moment the count was loaded is taken anew. */
		got.channels[i].count_load_time = s.channels[i].count_load_time;
		CHECK_MSG(!memcmp(&s.channels[i], &got.channels[i],
				  sizeof(s.channels[i])), "channel %d", i);
	}
	CHECK_OK(ioctl(vm.fd, KVM_GET_PIT, &old));
	CHECK(!memcmp(&old.channels[1].mode, &got.channels[1].mode, 3));
	old.channels[1].count = 3000;
	CHECK_OK(ioctl(vm.fd, KVM_SET_PIT, &old));
	CHECK_OK(ioctl(vm.fd, KVM_GET_PIT, &old_got));
	CHECK_EQ(old_got.channels[1].count, 3000);
	/* The old form has no flags, and leaves them alone. */
	CHECK_EQ(get_pit(&vm).flags, s.flags);
}

TEST(pit_ticks, "channel 0 interrupts at its rate, lost ticks made up for")
{
	const u32 count = 1193 * 5 * slow;	/* 5 ms */
	double start = now(), due;
	struct vm vm = ticking(count);
	u32 n;

	/* What a busy machine delays is made up for, however long that takes. */
	do {
		due = (now() - start) * 1193182 / count;
		idle(&vm, 100 * slow);
		n = ctl(&vm)->count[0x55];
	} while ((n < 90 || n < due * 0.9) && now() < start + 50 * slow);
	CHECK_MSG(n >= due * 0.9, "%u ticks, not %.0f", n, due);
	due = (now() - start) * 1193182 / count;
	CHECK_MSG(n < due + 2, "%u ticks, not %.0f", n, due);
}

TEST(pit_stop, "a count of another mode stops the ticks")
{
	struct vm vm = ticking(1193 * 2 * slow);
	struct kvm_pit_state2 s;
	u32 n;

	WAIT(&vm, 0x55, 5);
	s = get_pit(&vm);
	s.channels[0].mode = 0;
	CHECK_OK(ioctl(vm.fd, KVM_SET_PIT2, &s));
	idle(&vm, 50);
	n = ctl(&vm)->count[0x55];
	idle(&vm, 50);
	CHECK(ctl(&vm)->count[0x55] <= n + 1);
}

TEST(pit_reinject, "KVM_REINJECT_CONTROL switches both ways")
{
	struct vm vm = ticking(1193 * 2 * slow);
	struct kvm_reinject_control c = { .pit_reinject = 0 };

	CHECK_OK(ioctl(vm.fd, KVM_REINJECT_CONTROL, &c));
	WAIT(&vm, 0x55, 5);
	c.pit_reinject = 1;
	CHECK_OK(ioctl(vm.fd, KVM_REINJECT_CONTROL, &c));
	WAIT(&vm, 0x55, ctl(&vm)->count[0x55] + 5);
}

/* Channel 2, mode 0, through its ports, watched at port 0x61. */
GUEST(64, read_back,
	"mov $1, %al\n out %al, $0x61\n"
	"mov $0xb0, %al\n out %al, $0x43\n"
	"mov $0x00, %al\n out %al, $0x42\n mov $0x80, %al\n out %al, $0x42\n"
	"mov $0x80, %al\n out %al, $0x43\n"		/* latch */
	"in $0x42, %al\n mov %al, 0xa000\n in $0x42, %al\n mov %al, 0xa001\n"
	"mov $0xe8, %al\n out %al, $0x43\n"		/* read back: status */
	"in $0x42, %al\n mov %al, 0xa008\n"
	"1: in $0x61, %al\n test $0x20, %al\n jz 1b\n"	/* OUT rises */
	"mov %al, 0xa010\n" DONE);

TEST(pit_guest, "the guest programs channel 2 and reads it")
{
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };
	struct vm vm = vm_create(VM_IRQCHIP);
	u16 count;

	CHECK_OK(ioctl(vm.fd, KVM_CREATE_PIT2, &config));
	START64(&vm, read_back);
	CHECK(!run_ms(&vm, 10000));
	CHECK_EQ(vm.run->io.port, PORT_DONE);
	count = data(&vm)[0];
	/* Unless it was over before the status was read. */
	CHECK_MSG((count && count <= 0x8000) || vm.mem[DATA + 8] & 0x80,
		  "count %#x", count);
	CHECK_EQ(vm.mem[DATA + 8] & 0x3f, 0x30);
	CHECK_EQ(vm.mem[DATA + 16] & 0x23, 0x21);
	CHECK_EQ(get_pit(&vm).channels[2].count, 0x8000);
}

/* Every port from 0x40 to 0x43 and 0x61, in and out, in three sizes. */
GUEST(64, all_ports,
	"mov $0x40, %edx\n"
	"1: in %dx, %al\n in %dx, %ax\n in %dx, %eax\n"
	"out %al, %dx\n out %ax, %dx\n out %eax, %dx\n"
	"inc %edx\n cmp $0x44, %edx\n jne 1b\n" DONE);

TEST(pit_all_ports, "all ports in all sizes, with random values")
{
	struct vm vm = vm_create(VM_PIT);
	struct kvm_regs r;
	int i;

	for (i = 0; i < 200; i++) {
		START64(&vm, all_ports);
		r = get_regs(&vm);
		r.rax = random64();
		set_regs(&vm, &r);
		while (!run(&vm) && vm.run->exit_reason == KVM_EXIT_IO &&
		       vm.run->io.port != PORT_DONE)
			*(u32 *)io_data(&vm) = random64();
		if (!CHECK_EQ(vm.run->io.port, PORT_DONE))
			break;
		get_pit(&vm);
	}
}

TEST(pit_garbage, "random state in the timer")
{
	struct vm vm = vm_create(VM_PIT);
	struct kvm_pit_state2 s;
	unsigned int i, j;

	start_waiter(&vm);
	for (i = 0; i < 300; i++) {
		for (j = 0; j < sizeof(s); j++)
			((u8 *)&s)[j] = random64();
		/* So fast no guest gets anywhere. */
		s.channels[0].count |= 0x8000;
		(void)!ioctl(vm.fd, KVM_SET_PIT2, &s);
		get_pit(&vm);
		if (i % 30 == 0)
			idle(&vm, 5);
	}
}
