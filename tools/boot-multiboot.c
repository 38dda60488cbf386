// SPDX-License-Identifier: GPL-2.0
/*
 * Multiboot kernels, version 1 (Multiboot Specification 0.6.96): 32-bit entry,
 * an ELF file of either class loaded by its program headers' physical
 * addresses, or any file whose multiboot header gives its addresses.
 */
#include <elf.h>
#include <string.h>

#include "launch.h"

#define HEADER_MAGIC	0x1badb002u
#define HEADER_SEARCH	8192		/* it must lie within so many bytes */
#define LOADER_MAGIC	0x2badb002u	/* what the kernel finds in eax */

enum header_flag {
	HEADER_VIDEO = 1 << 2,
	HEADER_MANDATORY = 0xffff,	/* what a loader must honour or refuse */
	HEADER_ADDRESSES = 1 << 16,
	/* Page-aligned modules and memory information are always given. */
	HEADER_SUPPORTED = 1 << 0 | 1 << 1,
};

struct multiboot_header {
	uint32_t magic, flags, checksum;
	uint32_t header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr;
};

enum info_flag {
	INFO_MEMORY = 1 << 0,
	INFO_CMDLINE = 1 << 2,
	INFO_MODULES = 1 << 3,
	INFO_MAP = 1 << 6,
	INFO_LOADER = 1 << 9,
};

struct multiboot_info {
	uint32_t flags;
	uint32_t mem_lower, mem_upper;		/* KiB below 1 MiB, KiB above it */
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t mods_count, mods_addr;
	uint32_t syms[4];
	uint32_t mmap_length, mmap_addr;
	uint32_t drives_length, drives_addr;
	uint32_t config_table;
	uint32_t boot_loader_name;
};

struct multiboot_module {
	uint32_t start, end, cmdline, reserved;
};

struct multiboot_map {
	uint32_t size;				/* of what follows */
	uint64_t address, length;
	uint32_t type;
} __attribute__((packed));

/* All that the kernel is told, in one place of guest memory. */
struct boot_data {
	struct multiboot_info info;
	struct multiboot_map map[3];
	struct multiboot_module modules[MODULES_MAX];
	char loader[16];
	char cmdlines[MODULES_MAX][128];
};

#define AT(member) (BOOT_PARAMS + offsetof(struct boot_data, member))
_Static_assert(sizeof(struct boot_data) <= BOOT_TABLES - BOOT_PARAMS, "boot data fits");

static const struct multiboot_header *find_header(const struct image *image, size_t *offset)
{
	for (*offset = 0; *offset + 12 <= image->size && *offset < HEADER_SEARCH; *offset += 4) {
		const struct multiboot_header *header = (const void *)(image->data + *offset);

		if (header->magic == HEADER_MAGIC &&
		    header->magic + header->flags + header->checksum == 0)
			return header;
	}
	return NULL;
}

static bool multiboot_accepts(const struct image *image)
{
	size_t offset;

	return find_header(image, &offset);
}

/* Places @filesz bytes at @offset of the file, zeroed up to @memsz; returns the end. */
static uint64_t load_segment(struct vm *vm, const struct image *image, uint64_t offset,
			     uint64_t filesz, uint64_t address, uint64_t memsz)
{
	uint8_t *memory = guest_memory(vm, address, memsz);

	if (offset > image->size || filesz > image->size - offset || filesz > memsz)
		die(STATUS_USAGE, "%s: a segment lies outside the file", image->path);
	if (!memory || address + memsz > RAM_HOLE_START)
		die(STATUS_USAGE, "%s: a segment at %#llx does not fit the guest's memory (see --mem)",
		    image->path, (unsigned long long)address);
	memcpy(memory, image->data + offset, filesz);
	memset(memory + filesz, 0, memsz - filesz);
	return address + memsz;
}

/* What matters of an ELF header of either class. */
struct elf {
	bool wide;
	uint32_t entry;
	uint64_t phoff;
	unsigned int phnum;
};

static struct elf read_elf(const struct image *image)
{
	const Elf32_Ehdr *elf32 = (const void *)image->data;
	const Elf64_Ehdr *elf64 = (const void *)image->data;

	if (image->size < sizeof(*elf64) || memcmp(image->data, ELFMAG, SELFMAG))
		die(STATUS_USAGE, "%s: neither ELF nor with load addresses", image->path);
	if (image->data[EI_CLASS] == ELFCLASS64)
		return (struct elf) { true, elf64->e_entry, elf64->e_phoff, elf64->e_phnum };
	return (struct elf) { false, elf32->e_entry, elf32->e_phoff, elf32->e_phnum };
}

/* Program header @index, in the wide form. */
static Elf64_Phdr read_phdr(const struct image *image, const struct elf *elf, unsigned int index)
{
	size_t size = elf->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	Elf64_Phdr wide;
	Elf32_Phdr narrow;

	if (elf->phoff > image->size || (index + 1) * size > image->size - elf->phoff)
		die(STATUS_USAGE, "%s: its program headers are cut off", image->path);
	if (elf->wide) {
		memcpy(&wide, image->data + elf->phoff + index * size, size);
		return wide;
	}
	memcpy(&narrow, image->data + elf->phoff + index * size, size);
	return (Elf64_Phdr) {
		.p_type = narrow.p_type,
		.p_offset = narrow.p_offset,
		.p_paddr = narrow.p_paddr,
		.p_filesz = narrow.p_filesz,
		.p_memsz = narrow.p_memsz,
	};
}

static uint32_t load_elf(struct vm *vm, const struct image *image, uint64_t *end)
{
	struct elf elf = read_elf(image);
	unsigned int i;

	for (i = 0; i < elf.phnum; i++) {
		Elf64_Phdr phdr = read_phdr(image, &elf, i);
		uint64_t last;

		if (phdr.p_type != PT_LOAD || !phdr.p_memsz)
			continue;
		last = load_segment(vm, image, phdr.p_offset, phdr.p_filesz, phdr.p_paddr,
				    phdr.p_memsz);
		if (last > *end)
			*end = last;
	}
	return elf.entry;
}

static uint32_t load_by_addresses(struct vm *vm, const struct image *image,
				  const struct multiboot_header *header, size_t offset,
				  uint64_t *end)
{
	uint64_t start, filesz, memsz;

	if (offset + sizeof(*header) > image->size)
		die(STATUS_USAGE, "%s: its multiboot header is cut off", image->path);
	/* Odd addresses make these wrap, and load_segment() refuses them. */
	start = offset - (header->header_addr - header->load_addr);
	filesz = header->load_end_addr ? header->load_end_addr - header->load_addr :
					 image->size - start;
	memsz = header->bss_end_addr ? header->bss_end_addr - header->load_addr : filesz;
	*end = load_segment(vm, image, start, filesz, header->load_addr, memsz);
	return header->entry_addr;
}

static uint32_t load_kernel(struct vm *vm, const struct image *image, uint64_t *end)
{
	const struct multiboot_header *header;
	size_t offset;

	header = find_header(image, &offset);
	if (header->flags & HEADER_MANDATORY & ~HEADER_SUPPORTED)
		die(STATUS_USAGE, "%s: wants what kvm-launch does not give (multiboot flags %#x)",
		    image->path, header->flags);
	if (header->flags & HEADER_ADDRESSES)
		return load_by_addresses(vm, image, header, offset, end);
	return load_elf(vm, image, end);
}

/* Each module starts a page; "FILE WORDS" names it and is its command line. */
static void load_module(struct vm *vm, struct boot_data *data, size_t index, uint64_t *end)
{
	char *text = vm->options->modules[index];
	size_t length = strcspn(text, " ");
	char path[length + 1];
	struct image image;

	if (strlen(text) >= sizeof(data->cmdlines[index]))
		die(STATUS_USAGE, "--module '%s': too long", text);
	memcpy(path, text, length);
	path[length] = 0;
	image = image_read(path);
	*end = (*end + 4095) & -4096ULL;
	data->modules[index].start = *end;
	*end += copy_image(vm, &image, *end);
	data->modules[index].end = *end;
	strcpy(data->cmdlines[index], text);
	data->modules[index].cmdline = AT(cmdlines[0]) + index * sizeof(data->cmdlines[0]);
}

static void set_memory_map(struct vm *vm, struct boot_data *data)
{
	uint64_t low = low_memory_end(vm);
	const uint64_t ranges[3][2] = {
		{ 0, BASE_RAM_END },
		{ HIGH_RAM, low },
		{ RAM_HOLE_END, RAM_HOLE_END + vm->memory_size - low },
	};
	size_t i, nr = vm->memory_size > low ? 3 : 2;

	for (i = 0; i < nr; i++)
		data->map[i] = (struct multiboot_map) {
			.size = sizeof(data->map[i]) - sizeof(data->map[i].size),
			.address = ranges[i][0],
			.length = ranges[i][1] - ranges[i][0],
			.type = 1,
		};
	data->info.mmap_addr = AT(map);
	data->info.mmap_length = nr * sizeof(data->map[0]);
	data->info.mem_lower = BASE_RAM_END / KIB;
	data->info.mem_upper = (low - HIGH_RAM) / KIB;
}

static void multiboot_load(struct vm *vm, const struct image *image)
{
	struct boot_data *data = guest_memory(vm, BOOT_PARAMS, sizeof(*data));
	struct kvm_regs regs = { .rax = LOADER_MAGIC, .rbx = AT(info) };
	uint64_t end = HIGH_RAM;
	uint32_t entry;
	size_t i;

	if (vm->options->initrd)
		die(STATUS_USAGE, "--initrd: %s is a multiboot kernel, use --module", image->path);
	memset(data, 0, sizeof(*data));
	entry = load_kernel(vm, image, &end);
	for (i = 0; i < vm->options->nr_modules; i++)
		load_module(vm, data, i, &end);
	set_memory_map(vm, data);
	set_cmdline(vm, CMDLINE_MAX - 1);
	strcpy(data->loader, "kvm-launch");
	data->info.flags = INFO_MEMORY | INFO_CMDLINE | INFO_MODULES | INFO_MAP | INFO_LOADER;
	data->info.cmdline = BOOT_CMDLINE;
	data->info.mods_count = vm->options->nr_modules;
	data->info.mods_addr = AT(modules);
	data->info.boot_loader_name = AT(loader);
	acpi_write_tables(vm);
	start_flat32(vm, entry, &regs);
}

BOOT_PROTOCOL(multiboot_protocol) = {
	.accepts = multiboot_accepts,
	.load = multiboot_load,
};
