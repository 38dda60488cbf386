// SPDX-License-Identifier: GPL-2.0
/*
 * devices.c - statement 14: every port of the devices in the kernel in every
 * size, and every x2APIC register.  Their pages of MMIO are swept by
 * lapic_sweep and lapic_sweep_ioapic (../abi/test_lapic.c); what lies beside
 * their registers in the kernel's memory, tests/irqchip and the sanitised host
 * would tell.
 */
#include "contract.h"

/* DATA[0]: the port, DATA[1]: what to do, DATA[2]: the value. */
GUEST(64, ports,
	"1:" STEP
	"mov 0xa000, %edx\n mov 0xa008, %ebx\n mov 0xa010, %eax\n"
	"mov $0x40000, %esi\n mov $0x40000, %edi\n mov $3, %ecx\n"
	"cmp $0, %ebx\n jne 2f\n in %dx, %al\n"
	"2: cmp $1, %ebx\n jne 2f\n in %dx, %ax\n"
	"2: cmp $2, %ebx\n jne 2f\n in %dx, %eax\n"
	"2: cmp $3, %ebx\n jne 2f\n out %al, %dx\n"
	"2: cmp $4, %ebx\n jne 2f\n out %ax, %dx\n"
	"2: cmp $5, %ebx\n jne 2f\n out %eax, %dx\n"
	"2: cmp $6, %ebx\n jne 2f\n rep insb\n"
	"2: cmp $7, %ebx\n jne 2f\n rep insl\n"
	"2: cmp $8, %ebx\n jne 2f\n rep outsw\n"
	"2: cmp $9, %ebx\n jne 2f\n rep outsb\n"
	"2: mov %eax, 0xa018\n jmp 1b\n");

/* Ports that are not in the kernel come to us; all end at the next STEP. */
static bool touch(const struct vm *vm, unsigned int port, unsigned int what,
		  u32 value)
{
	unsigned int i;

	data(vm)[0] = port;
	data(vm)[1] = what;
	data(vm)[2] = value;
	for (i = 0; i < 16; i++) {
		if (run(vm) || vm->run->exit_reason != KVM_EXIT_IO)
			break;
		if (vm->run->io.port == PORT_STEP)
			return true;
	}
	return CHECK_MSG(0, "port %#x, case %u: exit %s", port, what,
			 exit_name(vm->run->exit_reason));
}

TEST(s14_ports, "ports of PIC, PIT, speaker and edge registers, and beside them, in every size")
{
	static const u16 near[] = {
		0x1f, 0x20, 0x21, 0x22, 0x3d, 0x3e, 0x3f, 0x40, 0x41, 0x42,
		0x43, 0x44, 0x5e, 0x5f, 0x60, 0x61, 0x62, 0x9f, 0xa0, 0xa1,
		0xa2, 0x4cf, 0x4d0, 0x4d1, 0x4d2,
	};
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_PIC_SLAVE };
	struct vm vm = vm_create(VM_PIT);
	struct kvm_pit_state2 pit;
	unsigned int i, what, round;

	START64(&vm, ports);
	run_step(&vm);
	for (round = 0; round < 4; round++)
		for (i = 0; i < ARRAY_SIZE(near); i++)
			for (what = 0; what < 10; what++)
				if (!touch(&vm, near[i], what, random64()))
					return;
	/* Edge or level is not for the timer, the keyboard and the cascade. */
	CHECK_OK(ioctl(vm.fd, KVM_GET_IRQCHIP, &chip));
	CHECK_EQ(chip.chip.pic.elcr & 0x21, 0);
	chip.chip_id = KVM_IRQCHIP_PIC_MASTER;
	CHECK_OK(ioctl(vm.fd, KVM_GET_IRQCHIP, &chip));
	CHECK_EQ(chip.chip.pic.elcr & 7, 0);
	CHECK_OK(ioctl(vm.fd, KVM_GET_PIT2, &pit));
	for (i = 0; i < 3; i++) {
		/* 0xff: one that nobody has programmed */
		CHECK(pit.channels[i].mode < 8 || pit.channels[i].mode == 0xff);
		CHECK(pit.channels[i].rw_mode < 4);
		CHECK(pit.channels[i].read_state < 5);
		CHECK(pit.channels[i].write_state < 5);
	}
	CHECK_EQ(ctl(&vm)->exceptions, 0);
}

TEST(s14_x2apic, "every x2APIC register: there, or #GP")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	unsigned int i, there = 0;
	u64 base;

	start_servant(&vm);
	ctl(&vm)->skip = 2;
	CHECK_EQ(get_msr(vm.vcpu, 0x1b, &base), 1);
	CHECK_EQ(set_msr(vm.vcpu, 0x1b, base | 0xc00), 1);
	for (i = 0x800; i < 0x900; i++) {
		u64 before = ctl(&vm)->exceptions;

		DO(&vm, RDMSR, i, 0);
		there += ctl(&vm)->exceptions == before;
		/* But the commands that stop this very processor. */
		if (i != 0x830 && i != 0x83f)
			DO(&vm, WRMSR, i, random64());
	}
	CHECK_MSG(there > 20 && there < 60, "%u registers can be read", there);
	/* The APIC still is what it was: its id is the vCPU's. */
	DO(&vm, RDMSR, 0x802, 0);
	CHECK_EQ(answer(&vm), 0);
}
