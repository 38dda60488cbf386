// SPDX-License-Identifier: GPL-2.0
/*
 * Linux bzImages by the x86 boot protocol (Documentation/arch/x86/boot.rst of
 * the kernel): the protected-mode part is placed in memory and entered at its
 * 32-bit or its 64-bit entry point, skipping the real-mode part.
 */
#include <asm/bootparam.h>
#include <string.h>

#include "launch.h"

#define HEADER_OFFSET	0x1f1		/* of setup_header in file and zero page */
#define SETUP_SECTORS_DEFAULT 4
#define SECTOR		512
#define ENTRY_64	0x200		/* from the start of the protected-mode part */
#define LOADER_UNDEFINED 0xff
#define PROTOCOL_MIN	0x020a		/* init_size, pref_address: since 2.6.31 */
#define PAGE		4096ULL

static bool linux_accepts(const struct image *image)
{
	return image->size > HEADER_OFFSET + sizeof(struct setup_header) &&
	       !memcmp(image->data + 0x202, "HdrS", 4);
}

static void add_e820(struct boot_params *params, uint64_t start, uint64_t end, uint32_t type)
{
	if (start < end)
		params->e820_table[params->e820_entries++] = (struct boot_e820_entry) {
			.addr = start,
			.size = end - start,
			.type = type,
		};
}

static void set_memory_map(struct vm *vm, struct boot_params *params)
{
	enum { RAM = 1, RESERVED = 2 };
	uint64_t low = low_memory_end(vm);

	add_e820(params, 0, BASE_RAM_END, RAM);
	add_e820(params, BASE_RAM_END, 0xa0000, RESERVED);
	add_e820(params, ACPI_TABLES, HIGH_RAM, RESERVED);
	add_e820(params, HIGH_RAM, low, RAM);
	add_e820(params, RAM_HOLE_END, RAM_HOLE_END + vm->memory_size - low, RAM);
}

/* The initrd goes as high as the kernel can reach, out of its way. */
static void load_initrd(struct vm *vm, struct boot_params *params, uint64_t kernel_end)
{
	struct image image = image_read(vm->options->initrd);
	uint64_t end = low_memory_end(vm), address;

	if (end > params->hdr.initrd_addr_max + 1ULL)
		end = params->hdr.initrd_addr_max + 1ULL;
	if (image.size > end || (address = (end - image.size) & -PAGE) < kernel_end)
		die(STATUS_USAGE, "%s: no room for %zu bytes beside the kernel (see --mem)",
		    image.path, image.size);
	params->hdr.ramdisk_image = address;
	params->hdr.ramdisk_size = copy_image(vm, &image, address);
}

static bool choose_64bit(struct vm *vm, const struct setup_header *header, const char *path)
{
	bool capable = header->xloadflags & XLF_KERNEL_64;

	if (vm->options->protocol == 64 && !capable)
		die(STATUS_USAGE, "%s: has no 64-bit entry point (use --protocol 32)", path);
	return capable && vm->options->protocol != 32;
}

static struct boot_params *copy_header(struct vm *vm, const struct image *image)
{
	struct boot_params *params = guest_memory(vm, BOOT_PARAMS, sizeof(*params));
	size_t size = image->data[0x201] + 0x202 - HEADER_OFFSET;

	memset(params, 0, sizeof(*params));
	if (size > sizeof(params->hdr))
		size = sizeof(params->hdr);
	memcpy(&params->hdr, image->data + HEADER_OFFSET, size);
	if (params->hdr.version < PROTOCOL_MIN || !(params->hdr.loadflags & LOADED_HIGH))
		die(STATUS_USAGE, "%s: its boot protocol %x.%02x is too old", image->path,
		    params->hdr.version >> 8, params->hdr.version & 0xff);
	return params;
}

static void linux_load(struct vm *vm, const struct image *image)
{
	struct boot_params *params = copy_header(vm, image);
	struct setup_header *header = &params->hdr;
	unsigned int sectors = header->setup_sects ?: SETUP_SECTORS_DEFAULT;
	size_t setup = (sectors + 1) * SECTOR;
	uint64_t address = header->relocatable_kernel ? header->pref_address : header->code32_start;
	struct kvm_regs regs = { .rsi = BOOT_PARAMS };
	struct image kernel = *image;

	if (vm->options->nr_modules)
		die(STATUS_USAGE, "--module: %s is a Linux kernel, use --initrd", image->path);
	if (setup >= image->size)
		die(STATUS_USAGE, "%s: cut off within its setup part", image->path);
	kernel.data += setup;
	kernel.size -= setup;
	if (!guest_memory(vm, address, header->init_size))
		die(STATUS_USAGE, "%s: needs more memory to unpack itself (see --mem)", image->path);
	copy_image(vm, &kernel, address);

	header->type_of_loader = LOADER_UNDEFINED;
	header->code32_start = address;
	header->cmd_line_ptr = BOOT_CMDLINE;
	set_cmdline(vm, header->cmdline_size);
	set_memory_map(vm, params);
	params->acpi_rsdp_addr = acpi_write_tables(vm);
	if (vm->options->initrd)
		load_initrd(vm, params, address + header->init_size);

	if (choose_64bit(vm, header, image->path))
		start_long(vm, address + ENTRY_64, &regs);
	else
		start_flat32(vm, address, &regs);
}

BOOT_PROTOCOL(linux_protocol) = {
	.accepts = linux_accepts,
	.load = linux_load,
};
