// SPDX-License-Identifier: GPL-2.0
/*
 * The keyboard controller's two uses that outlived keyboards: pulsing the
 * reset line by command 0xfe at port 0x64, and the fast A20 gate and reset at
 * port 0x92.  A20 is always open.  There is no keyboard, so nothing to read.
 */
#include "launch.h"

#define COMMAND_PULSE	0xf0		/* low bits: lines to pulse, active low */
#define LINE_RESET	0x01
#define FAST_RESET	0x01
#define FAST_A20	0x02

static uint32_t keyboard_in(struct vm *vm, uint16_t offset, unsigned int size)
{
	(void)vm, (void)offset, (void)size;
	return 0;
}

static void command_out(struct vm *vm, uint16_t offset, unsigned int size, uint32_t value)
{
	(void)offset, (void)size;
	if ((value & COMMAND_PULSE) == COMMAND_PULSE && !(value & LINE_RESET))
		vm_end(vm, STATUS_RESET);
}

static uint32_t fast_in(struct vm *vm, uint16_t offset, unsigned int size)
{
	(void)vm, (void)offset, (void)size;
	return FAST_A20;
}

static void fast_out(struct vm *vm, uint16_t offset, unsigned int size, uint32_t value)
{
	(void)offset, (void)size;
	if (value & FAST_RESET)
		vm_end(vm, STATUS_RESET);
}

DEVICE(keyboard_data) = {
	.port = 0x60,
	.ports = 1,
	.in = keyboard_in,
};

DEVICE(keyboard_command) = {
	.port = 0x64,
	.ports = 1,
	.in = keyboard_in,
	.out = command_out,
};

DEVICE(fast_gate) = {
	.port = 0x92,
	.ports = 1,
	.in = fast_in,
	.out = fast_out,
};
