// SPDX-License-Identifier: GPL-2.0
/*
 * Any file, started in real mode where it was placed: boot sectors and the
 * tests' own small guests.  Below 64 KiB the code segment is 0, as a boot
 * sector expects; above, it is the address's paragraph.
 */
#include "launch.h"

void boot_flat(struct vm *vm)
{
	const struct placed_file *flat = &vm->options->flat;
	struct image image = image_read(flat->path);

	if (flat->address >= HIGH_RAM)
		die(STATUS_USAGE, "--flat: %#llx cannot be reached in real mode, give an address below 1M",
		    (unsigned long long)flat->address);
	copy_image(vm, &image, flat->address);
	if (flat->address < 0x10000)
		start_real(vm, 0, flat->address);
	else
		start_real(vm, flat->address >> 4, flat->address & 15);
}
