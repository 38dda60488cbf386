// SPDX-License-Identifier: GPL-2.0
/*
 * What all boot protocols share: reading and placing files, and the three
 * states that a processor can start in.  Each protocol is a boot-*.c file; the
 * first one that accepts the KERNEL loads it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch.h"

extern const struct boot_protocol *const __start_boot_protocols[];
extern const struct boot_protocol *const __stop_boot_protocols[];

#define CR0_PE		(1ULL << 0)
#define CR0_ET		(1ULL << 4)
#define CR0_PG		(1ULL << 31)
#define CR4_PAE		(1ULL << 5)
#define EFER_LME	(1ULL << 8)
#define EFER_LMA	(1ULL << 10)
#define RFLAGS_FIXED	(1ULL << 1)

#define PTE_PRESENT_WRITABLE 3ULL
#define PTE_LARGE	(1ULL << 7)

/* Reads a whole file; an empty or unreadable one is a usage error. */
struct image image_read(const char *path)
{
	struct image image = { .path = path };
	/* A FIFO shall not wait for a writer, only to be refused. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		die(STATUS_USAGE, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || !st.st_size)
		die(STATUS_USAGE, "%s: not a file with anything in it", path);
	image.size = st.st_size;
	image.data = mmap(NULL, image.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (image.data == MAP_FAILED)
		die(STATUS_USAGE, "%s: %s", path, strerror(errno));
	close(fd);
	return image;
}

/* Copies a file into guest memory; returns its size. */
size_t copy_image(struct vm *vm, const struct image *image, uint64_t address)
{
	void *memory = guest_memory(vm, address, image->size);

	if (!memory)
		die(STATUS_USAGE, "%s: %zu bytes at %#llx do not fit the guest's memory (see --mem)",
		    image->path, image->size, (unsigned long long)address);
	memcpy(memory, image->data, image->size);
	return image->size;
}

/* Puts the command line, with room for @limit characters, at BOOT_CMDLINE. */
void set_cmdline(struct vm *vm, size_t limit)
{
	size_t length = strlen(vm->options->cmdline);

	if (limit > CMDLINE_MAX - 1)
		limit = CMDLINE_MAX - 1;
	if (length > limit)
		die(STATUS_USAGE, "--append: %zu characters, but this kernel takes %zu",
		    length, limit);
	strcpy(guest_memory(vm, BOOT_CMDLINE, CMDLINE_MAX), vm->options->cmdline);
}

/* Real mode at @cs:@ip, other segments zero, a small stack. */
void start_real(struct vm *vm, uint16_t cs, uint16_t ip)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	vcpu_get(&vm->vcpus[0], &regs, &sregs);
	sregs.cs.selector = cs;
	sregs.cs.base = cs << 4;
	memset(&regs, 0, sizeof(regs));
	regs.rflags = RFLAGS_FIXED;
	regs.rip = ip;
	regs.rsp = REAL_STACK;
	vcpu_set(&vm->vcpus[0], &regs, &sregs);
}

static struct kvm_segment flat_segment(uint16_t selector, bool code, bool long_mode)
{
	return (struct kvm_segment) {
		.selector = selector,
		.limit = 0xffffffff,
		.type = code ? 0xb : 0x3,	/* execute/read or read/write, accessed */
		.s = 1,
		.present = 1,
		.g = 1,
		.db = !long_mode,
		.l = long_mode,
	};
}

/*
 * Flat segments: code 0x10 and data 0x18, as Linux' boot protocol wants them,
 * which does for multiboot too.  The same descriptors stand in a GDT.
 */
static void set_flat_segments(struct vm *vm, struct kvm_sregs *sregs, bool long_mode)
{
	const uint64_t gdt[4] = {
		[2] = long_mode ? 0x00af9b000000ffff : 0x00cf9b000000ffff,
		[3] = 0x00cf93000000ffff,
	};

	memcpy(guest_memory(vm, BOOT_GDT, sizeof(gdt)), gdt, sizeof(gdt));
	sregs->gdt.base = BOOT_GDT;
	sregs->gdt.limit = sizeof(gdt) - 1;
	sregs->cs = flat_segment(0x10, true, long_mode);
	sregs->ds = flat_segment(0x18, false, false);
	sregs->es = sregs->fs = sregs->gs = sregs->ss = sregs->ds;
	sregs->cr0 = CR0_PE | CR0_ET;
}

/* 32-bit protected mode without paging at @entry, registers as in @regs. */
void start_flat32(struct vm *vm, uint32_t entry, const struct kvm_regs *regs)
{
	struct kvm_regs start = *regs, old;
	struct kvm_sregs sregs;

	vcpu_get(&vm->vcpus[0], &old, &sregs);
	set_flat_segments(vm, &sregs, false);
	start.rip = entry;
	start.rflags = RFLAGS_FIXED;
	vcpu_set(&vm->vcpus[0], &start, &sregs);
}

/* An identity map of the first 4 GiB in 2 MiB pages; returns its root. */
static uint64_t write_identity_map(struct vm *vm)
{
	uint64_t *table = guest_memory(vm, BOOT_TABLES, 6 * 4096);
	uint64_t *directory = table + 2 * 512;
	unsigned int i;

	memset(table, 0, 2 * 4096);
	table[0] = (BOOT_TABLES + 4096) | PTE_PRESENT_WRITABLE;
	for (i = 0; i < 4; i++)
		table[512 + i] = (BOOT_TABLES + (2 + i) * 4096) | PTE_PRESENT_WRITABLE;
	for (i = 0; i < 4 * 512; i++)
		directory[i] = i * 2 * MIB | PTE_LARGE | PTE_PRESENT_WRITABLE;
	return BOOT_TABLES;
}

/* 64-bit mode with the first 4 GiB mapped to themselves, at @entry. */
void start_long(struct vm *vm, uint64_t entry, const struct kvm_regs *regs)
{
	struct kvm_regs start = *regs, old;
	struct kvm_sregs sregs;

	vcpu_get(&vm->vcpus[0], &old, &sregs);
	set_flat_segments(vm, &sregs, true);
	sregs.cr3 = write_identity_map(vm);
	sregs.cr4 |= CR4_PAE;
	sregs.cr0 |= CR0_PG;
	sregs.efer |= EFER_LME | EFER_LMA;
	start.rip = entry;
	start.rflags = RFLAGS_FIXED;
	vcpu_set(&vm->vcpus[0], &start, &sregs);
}

static void boot_kernel(struct vm *vm)
{
	struct image image = image_read(vm->options->kernel);
	const struct boot_protocol *const *protocol;

	for (protocol = __start_boot_protocols; protocol < __stop_boot_protocols; protocol++) {
		if ((*protocol)->accepts(&image)) {
			(*protocol)->load(vm, &image);
			return;
		}
	}
	die(STATUS_USAGE, "%s: neither a bzImage nor a multiboot kernel (--flat takes any file)",
	    image.path);
}

/* Loads what the options name and sets vCPU 0 to its start. */
void boot(struct vm *vm)
{
	const struct options *options = vm->options;
	size_t i;

	if (options->kernel)
		boot_kernel(vm);
	else if (options->bios)
		boot_bios(vm);
	else
		boot_flat(vm);
	for (i = 0; i < options->nr_loads; i++) {
		struct image image = image_read(options->loads[i].path);

		copy_image(vm, &image, options->loads[i].address);
	}
}
