// SPDX-License-Identifier: GPL-2.0
/*
 * Ports for tests and for early code.  A write of V to 0xf4 ends the run with
 * status V << 1 | 1.  Bytes written to 0xe9 or 0x402 go to standard output
 * without any set-up; 0xe9 reads as 0xe9, which tells a guest that it is there
 * (SeaBIOS looks for that at 0x402).
 */
#include "launch.h"

#define PRESENT 0xe9

static void end_out(struct vm *vm, uint16_t offset, unsigned int size, uint32_t value)
{
	(void)offset, (void)size;
	vm_end(vm, (value << 1 | 1) & 0xff);
}

static uint32_t character_in(struct vm *vm, uint16_t offset, unsigned int size)
{
	(void)vm, (void)offset, (void)size;
	return PRESENT;
}

static void character_out(struct vm *vm, uint16_t offset, unsigned int size, uint32_t value)
{
	(void)vm, (void)offset, (void)size;
	terminal_put(value);
}

DEVICE(end_port) = {
	.port = 0xf4,
	.ports = 4,
	.out = end_out,
};

DEVICE(character_port) = {
	.port = 0xe9,
	.ports = 1,
	.in = character_in,
	.out = character_out,
};

DEVICE(bios_character_port) = {
	.port = 0x402,
	.ports = 1,
	.in = character_in,
	.out = character_out,
};
