// SPDX-License-Identifier: GPL-2.0
/*
 * PCI configuration ports that answer "nothing": the address does not read
 * back, so a guest finds no PCI at all.  Port 0xcf9, in their midst, is the
 * chipset's reset control.
 */
#include "launch.h"

#define RESET_CONTROL	1		/* offset */
#define RESET_NOW	0x04

static void pci_out(struct vm *vm, uint16_t offset, unsigned int size, uint32_t value)
{
	if (offset == RESET_CONTROL && size == 1 && (value & RESET_NOW))
		vm_end(vm, STATUS_RESET);
}

DEVICE(pci) = {
	.name = "PCI configuration",
	.port = 0xcf8,
	.ports = 8,
	.out = pci_out,
};
