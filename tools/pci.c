// SPDX-License-Identifier: GPL-2.0
/*
 * PCI configuration ports that answer "nothing": the address does not read
 * back, so a guest finds no PCI at all.  With --floppy there is one function,
 * the host bridge of an i440FX with QEMU's subsystem numbers, by which SeaBIOS
 * knows that it may ask for files (fwcfg.c); its registers just keep what is
 * written.  Port 0xcf9, in their midst, is the chipset's reset control.
 */
#include <string.h>

#include "launch.h"

#define RESET_CONTROL	1		/* offset */
#define RESET_NOW	0x04
#define DATA		4		/* offset of the data ports */
#define ENABLE		0x80000000	/* in the address */

static uint32_t address;
static uint8_t bridge[256] = {
	0x86, 0x80, 0x37, 0x12,		/* Intel 82441FX */
	[0x0a] = 0x00, 0x06,		/* class: host bridge */
	[0x2c] = 0xf4, 0x1a, 0x00, 0x11, /* subsystem: QEMU's */
};

/* The byte of the bridge that data port @offset reaches, or NULL. */
static uint8_t *config(const struct vm *vm, uint16_t offset, unsigned int size)
{
	unsigned int at = (address & 0xfc) + (offset - DATA);

	if (!vm->options->floppy || offset < DATA || (address & ~0xfcu) != ENABLE ||
	    offset + size > DATA + 4)
		return NULL;
	return bridge + at;
}

static uint32_t pci_in(struct vm *vm, uint16_t offset, unsigned int size)
{
	const uint8_t *from = config(vm, offset, size);
	uint32_t value = 0xffffffff;

	if (vm->options->floppy && !offset && size == 4)
		return address;
	if (from)
		memcpy(&value, from, size);
	return value;
}

static void pci_out(struct vm *vm, uint16_t offset, unsigned int size, uint32_t value)
{
	uint8_t *to = config(vm, offset, size);

	if (offset == RESET_CONTROL && size == 1 && (value & RESET_NOW))
		vm_end(vm, STATUS_RESET);
	else if (!offset && size == 4)
		address = value;
	else if (to && to - bridge >= 0x40)
		memcpy(to, &value, size);
}

DEVICE(pci) = {
	.port = 0xcf8,
	.ports = 8,
	.in = pci_in,
	.out = pci_out,
};
