// SPDX-License-Identifier: GPL-2.0
/*
 * A BIOS image: it ends at 4 GiB, its last 128 KiB are also below 1 MiB, and
 * vCPU 0 stays in its reset state, which fetches from 0xfffffff0.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "launch.h"

#define ALIAS_SIZE	(128 * KIB)

void boot_bios(struct vm *vm)
{
	struct image image = image_read(vm->options->bios);
	size_t alias = image.size < ALIAS_SIZE ? image.size : ALIAS_SIZE;

	if (image.size % 4096 || image.size > BIOS_MAX)
		die(STATUS_USAGE, "%s: a BIOS image has up to %llu KiB in steps of 4K", image.path,
		    BIOS_MAX / KIB);
	/* The private mapping of the file serves as the ROM. */
	vm_map(vm, RAM_HOLE_END - image.size, image.data, image.size);
	memcpy(guest_memory(vm, HIGH_RAM - alias, alias), image.data + image.size - alias, alias);
}
