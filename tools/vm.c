// SPDX-License-Identifier: GPL-2.0
/*
 * The VM as a whole: /dev/kvm, memory slots, interrupt wiring, and its end.
 * Guest memory is one anonymous mapping; guest_memory() is the only way to it
 * and checks every range, since addresses may come from a file or a guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "launch.h"

static void open_kvm(struct vm *vm)
{
	int version;

	vm->system_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->system_fd < 0)
		die(STATUS_HOST, "/dev/kvm: %s (%s)", strerror(errno),
		    errno == EACCES ? "join group kvm" : "is a KVM module loaded?");
	version = ioctl(vm->system_fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION)
		die(STATUS_HOST, "/dev/kvm: API version %d, need %d", version, KVM_API_VERSION);
	do {	/* with some modules, a host that goes to sleep interrupts it */
		vm->fd = ioctl(vm->system_fd, KVM_CREATE_VM, 0);
	} while (vm->fd < 0 && errno == EINTR);
	if (vm->fd < 0)
		die(STATUS_HOST, "KVM_CREATE_VM: %s", strerror(errno));
}

/* Gives the guest @size bytes of our memory at @host as its @address. */
void vm_map(struct vm *vm, uint64_t address, void *host, uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = vm->nr_slots++,
		.guest_phys_addr = address,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		die(STATUS_HOST, "KVM_SET_USER_MEMORY_REGION at %#llx: %s",
		    (unsigned long long)address, strerror(errno));
}

/* Where RAM below the hole ends. */
uint64_t low_memory_end(const struct vm *vm)
{
	return vm->memory_size < RAM_HOLE_START ? vm->memory_size : RAM_HOLE_START;
}

#define HUGE_PAGE	(2 * MIB)

/*
 * Aligned as the guest will see it, so that huge pages of the host are the
 * guest's, too.  Whether the host makes them, and whether it looks for equal
 * pages, is its own decision; here it is only allowed to.
 */
static void create_memory(struct vm *vm)
{
	uint64_t low;
	uint8_t *memory;

	vm->memory_size = vm->options->memory;
	memory = mmap(NULL, vm->memory_size + HUGE_PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		die(STATUS_HOST, "no memory for a guest of %llu MiB: %s",
		    (unsigned long long)(vm->memory_size / MIB), strerror(errno));
	vm->memory = memory + (-(uintptr_t)memory & (HUGE_PAGE - 1));
	madvise(vm->memory, vm->memory_size, MADV_HUGEPAGE);
	madvise(vm->memory, vm->memory_size, MADV_MERGEABLE);
	low = low_memory_end(vm);
	vm_map(vm, 0, vm->memory, low);
	if (vm->memory_size > low)
		vm_map(vm, RAM_HOLE_END, vm->memory + low, vm->memory_size - low);
}

/* Guest-physical @address as a pointer; NULL unless all of the range is RAM. */
void *guest_memory(struct vm *vm, uint64_t address, uint64_t size)
{
	uint64_t low = low_memory_end(vm), offset = address, end;

	if (__builtin_add_overflow(address, size, &end))
		return NULL;
	if (address >= RAM_HOLE_END) {
		offset = address - RAM_HOLE_END + low;
		end = offset + size;
		low = vm->memory_size;
	}
	return end <= low ? vm->memory + offset : NULL;
}

/*
 * The wiring of a PC: ISA interrupt n goes to the 8259 pair and to IOAPIC pin
 * n, but the timer's to pin 2, where the cascade would be.
 */
static void wire_interrupts(struct vm *vm)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entries[2 * 24];
	} routing = { };
	struct kvm_irq_routing_entry *entry = routing.entries;
	unsigned int gsi;

	for (gsi = 0; gsi < 24; gsi++) {
		if (gsi == 2)
			continue;
		if (gsi < 16)
			*entry++ = (struct kvm_irq_routing_entry) {
				.gsi = gsi,
				.type = KVM_IRQ_ROUTING_IRQCHIP,
				.u.irqchip.irqchip = gsi < 8 ? KVM_IRQCHIP_PIC_MASTER :
							       KVM_IRQCHIP_PIC_SLAVE,
				.u.irqchip.pin = gsi % 8,
			};
		*entry++ = (struct kvm_irq_routing_entry) {
			.gsi = gsi,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC,
			.u.irqchip.pin = gsi ? gsi : 2,
		};
	}
	routing.head.nr = entry - routing.entries;
	if (ioctl(vm->fd, KVM_SET_GSI_ROUTING, &routing))
		die(STATUS_HOST, "KVM_SET_GSI_ROUTING: %s", strerror(errno));
}

static void create_irqchip(struct vm *vm)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		die(STATUS_HOST, "KVM_CREATE_IRQCHIP: %s", strerror(errno));
	wire_interrupts(vm);
	if (ioctl(vm->fd, KVM_CREATE_PIT2, &pit))
		die(STATUS_HOST, "KVM_CREATE_PIT2: %s", strerror(errno));
}

/* Creates the VM with memory and, if wanted, interrupt controllers; or dies. */
void vm_create(struct vm *vm, const struct options *options)
{
	uint64_t identity = IDENTITY_PAGE;

	vm->options = options;
	pthread_mutex_init(&vm->lock, NULL);
	pthread_cond_init(&vm->end, NULL);
	open_kvm(vm);
	/* Needed on some VT-x processors, harmless elsewhere. */
	if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity))
		die(STATUS_HOST, "KVM_SET_IDENTITY_MAP_ADDR: %s", strerror(errno));
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_PAGES))
		die(STATUS_HOST, "KVM_SET_TSS_ADDR: %s", strerror(errno));
	create_memory(vm);
	if (options->mmu_pages && ioctl(vm->fd, KVM_SET_NR_MMU_PAGES, options->mmu_pages))
		die(STATUS_HOST, "--mmu-pages: KVM_SET_NR_MMU_PAGES: %s", strerror(errno));
	if (options->irqchip)
		create_irqchip(vm);
}

/* Sets an interrupt line; without interrupt controllers there are none. */
void vm_irq_line(struct vm *vm, unsigned int gsi, bool level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	if (vm->options->irqchip && ioctl(vm->fd, KVM_IRQ_LINE, &line))
		complain("KVM_IRQ_LINE %u: %s", gsi, strerror(errno));
}

/* Ends the run with @status, from any thread; the first one to say so wins. */
void vm_end(struct vm *vm, int status)
{
	pthread_mutex_lock(&vm->lock);
	if (!vm->ended) {
		vm->ended = true;
		vm->status = status;
		pthread_cond_broadcast(&vm->end);
	}
	pthread_mutex_unlock(&vm->lock);
}

bool vm_ended(struct vm *vm)
{
	bool ended;

	pthread_mutex_lock(&vm->lock);
	ended = vm->ended;
	pthread_mutex_unlock(&vm->lock);
	return ended;
}

/* Waits for the end and returns the status. */
int vm_wait(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	while (!vm->ended)
		pthread_cond_wait(&vm->end, &vm->lock);
	pthread_mutex_unlock(&vm->lock);
	return vm->status;
}
