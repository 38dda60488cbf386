/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvm-launch: what its files share.  The launcher makes one VM of /dev/kvm,
 * loads a guest, runs one thread per vCPU and gives the guest the few devices
 * that it needs to boot.  It trusts nothing that the guest writes.
 *
 * Reading order: main.c (options), vm.c (VM and memory), boot.c and boot-*.c
 * (loading), vcpu.c (the run loop), device.c and the devices.
 */
#ifndef KVM_LAUNCH_H
#define KVM_LAUNCH_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KIB		1024ULL
#define MIB		(1024 * KIB)
#define GIB		(1024 * MIB)

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * Guest-physical layout.  RAM ends at 3 GiB and goes on at 4 GiB.  What boot
 * protocols and firmware tables need stands below 640 KiB and at 896 KiB.
 */
#define RAM_HOLE_START	(3 * GIB)
#define RAM_HOLE_END	(4 * GIB)
#define BOOT_GDT	0x0500		/* four descriptors */
#define REAL_STACK	0x6000		/* grows down */
#define BOOT_PARAMS	0x7000		/* Linux zero page or multiboot info */
#define BOOT_TABLES	0x9000		/* identity map: 6 pages */
#define BOOT_CMDLINE	0x20000
#define CMDLINE_MAX	4096
#define BASE_RAM_END	0x9fc00		/* as a PC leaves it: 1 KiB for the EBDA */
#define ACPI_TABLES	0xe0000
#define HIGH_RAM	0x100000
#define IDENTITY_PAGE	0xfeffc000	/* VT-x without unrestricted guest: */
#define TSS_PAGES	0xfeffd000	/* one page, and three for a TSS */
#define BIOS_MAX	(16 * MIB - 64 * KIB)	/* what fits above those */

#define FLOPPY_SIZE	(1440 * 1024)

#define IOAPIC_ADDRESS	0xfec00000
#define LAPIC_ADDRESS	0xfee00000

#define CPUS_MAX	64
#define MODULES_MAX	32
#define MMU_PAGES_MIN	64	/* what KVM_SET_NR_MMU_PAGES takes */

/*
 * Exit status.  A guest's write of V to port 0xf4 ends in (V << 1 | 1), always
 * odd, so all that is even is the launcher's own.
 */
enum {
	STATUS_POWER_OFF = 0,
	STATUS_USAGE = 2,
	STATUS_HOST = 4,
	STATUS_CRASH = 6,
	STATUS_RESET = 8,
	STATUS_INTERNAL = 10,
	STATUS_HALTED = 12,
	STATUS_QUIT = 14,
};

/* A file to be placed at a guest-physical address. */
struct placed_file {
	const char *path;
	uint64_t address;
};

struct options {
	const char *kernel;
	const char *initrd;
	const char *cmdline;
	const char *bios;
	const char *floppy;
	struct placed_file flat;
	struct placed_file loads[MODULES_MAX];
	size_t nr_loads;
	char *modules[MODULES_MAX];	/* "FILE" or "FILE ARGUMENTS" */
	size_t nr_modules;
	uint64_t memory;		/* bytes, a multiple of 4 KiB */
	unsigned int cpus;
	int protocol;			/* 0: the kernel's best, or 32, or 64 */
	uint64_t mmu_pages;		/* 0: not set */
	bool irqchip;
	bool stats;
};

struct vcpu {
	struct vm *vm;
	unsigned int id;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	uint64_t exits[64];		/* by KVM_EXIT_*, for --stats */
};

struct vm {
	const struct options *options;
	int system_fd;
	int fd;
	uint8_t *memory;		/* all RAM, the part above the hole too */
	uint64_t memory_size;
	unsigned int nr_slots;
	struct vcpu vcpus[CPUS_MAX];

	pthread_mutex_t lock;		/* ended, status; taken after no other */
	pthread_cond_t end;
	bool ended;
	int status;
};

/* main.c */
void die(int status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* vm.c */
void vm_create(struct vm *vm, const struct options *options);
void vm_map(struct vm *vm, uint64_t address, void *host, uint64_t size);
void *guest_memory(struct vm *vm, uint64_t address, uint64_t size);
uint64_t low_memory_end(const struct vm *vm);
void vm_irq_line(struct vm *vm, unsigned int gsi, bool level);
void vm_end(struct vm *vm, int status);
bool vm_ended(struct vm *vm);
int vm_wait(struct vm *vm);

/* vcpu.c */
void vcpu_create(struct vm *vm, unsigned int id);
void vcpu_start(struct vcpu *vcpu);
void vcpu_stop(struct vcpu *vcpu);
void vcpu_get(struct vcpu *vcpu, struct kvm_regs *regs, struct kvm_sregs *sregs);
void vcpu_set(struct vcpu *vcpu, const struct kvm_regs *regs, const struct kvm_sregs *sregs);

/* boot.c */
struct image {
	const char *path;
	uint8_t *data;
	size_t size;
};

struct boot_protocol {
	bool (*accepts)(const struct image *image);
	void (*load)(struct vm *vm, const struct image *image);
};

/* A boot protocol registers itself by defining one of these. */
#define BOOT_PROTOCOL(name)						\
	static const struct boot_protocol name;				\
	static const struct boot_protocol *const name##_entry		\
	__attribute__((used, section("boot_protocols"))) = &name;	\
	static const struct boot_protocol name

void boot(struct vm *vm);
struct image image_read(const char *path);
size_t copy_image(struct vm *vm, const struct image *image, uint64_t address);
void set_cmdline(struct vm *vm, size_t limit);
void start_real(struct vm *vm, uint16_t cs, uint16_t ip);
void start_flat32(struct vm *vm, uint32_t entry, const struct kvm_regs *regs);
void start_long(struct vm *vm, uint64_t entry, const struct kvm_regs *regs);

/* boot-flat.c, boot-bios.c */
void boot_flat(struct vm *vm);
void boot_bios(struct vm *vm);

/* acpi.c */
uint64_t acpi_write_tables(struct vm *vm);

/* device.c */
struct device {
	uint16_t port;			/* first of its ports */
	uint16_t ports;
	void (*init)(struct vm *vm);	/* may be NULL */
	/* Offset counts from the first port; size is 1, 2 or 4. */
	uint32_t (*in)(struct vm *vm, uint16_t offset, unsigned int size);
	void (*out)(struct vm *vm, uint16_t offset, unsigned int size, uint32_t value);
};

/* A device registers itself by defining one of these. */
#define DEVICE(name)							\
	static const struct device name;				\
	static const struct device *const name##_entry			\
	__attribute__((used, section("devices"))) = &name;		\
	static const struct device name

void devices_init(struct vm *vm);
void devices_io(struct vm *vm, struct kvm_run *run);
bool devices_lock(void);
void devices_unlock(void);

/* terminal.c */
void terminal_start(struct vm *vm, bool (*input)(struct vm *vm, uint8_t byte));
void terminal_put(uint8_t byte);
void terminal_restore(void);

/* stats.c */
void stats_print(struct vm *vm);
const char *exit_name(uint32_t reason);

#endif
