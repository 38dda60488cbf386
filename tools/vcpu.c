// SPDX-License-Identifier: GPL-2.0
/*
 * One virtual processor: its creation with CPUID and local APIC as firmware
 * would leave them, its thread, and the loop around KVM_RUN, where every exit
 * reason that the launcher understands is one case.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "launch.h"

#define CPUID_ENTRIES	256

/* Local APIC registers, by offset, as the processor manuals give them. */
#define LAPIC_LVT_LINT0	0x350
#define LAPIC_LVT_LINT1	0x360
#define LVT_NMI		(4 << 8)
#define LVT_EXTINT	(7 << 8)

/* CPUID leaf 1 */
#define ECX_X2APIC	(1u << 21)
#define ECX_TSC_DEADLINE (1u << 24)
#define ECX_HYPERVISOR	(1u << 31)
#define EDX_APIC	(1u << 9)
#define EDX_HTT		(1u << 28)

struct cpuid {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entries[CPUID_ENTRIES];
};

static void adjust_leaf_1(struct vcpu *vcpu, struct kvm_cpuid_entry2 *leaf)
{
	struct vm *vm = vcpu->vm;

	leaf->ebx = (leaf->ebx & 0xffff) | vm->options->cpus << 16 | vcpu->id << 24;
	leaf->ecx |= ECX_HYPERVISOR;
	if (vm->options->cpus > 1)
		leaf->edx |= EDX_HTT;
	if (!vm->options->irqchip) {
		leaf->ecx &= ~(ECX_X2APIC | ECX_TSC_DEADLINE);
		leaf->edx &= ~EDX_APIC;
	} else if (ioctl(vm->system_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0) {
		/* Not among the supported ones, as it hangs on the irqchip. */
		leaf->ecx |= ECX_TSC_DEADLINE;
	}
}

/* The guest sees what KVM supports, with its own number in the right places. */
static void set_cpuid(struct vcpu *vcpu)
{
	static struct cpuid cpuid;
	unsigned int i;

	cpuid.head.nent = CPUID_ENTRIES;
	if (ioctl(vcpu->vm->system_fd, KVM_GET_SUPPORTED_CPUID, &cpuid))
		die(STATUS_HOST, "KVM_GET_SUPPORTED_CPUID: %s", strerror(errno));
	for (i = 0; i < cpuid.head.nent; i++) {
		struct kvm_cpuid_entry2 *leaf = &cpuid.entries[i];

		if (leaf->function == 1)
			adjust_leaf_1(vcpu, leaf);
		else if (leaf->function == 0xb || leaf->function == 0x1f)
			leaf->edx = vcpu->id;
		else if (leaf->function == 0x8000001e)
			leaf->eax = vcpu->id;
	}
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, &cpuid))
		die(STATUS_HOST, "KVM_SET_CPUID2: %s", strerror(errno));
}

/*
 * Virtual wire mode, as firmware leaves it: LINT0 takes the 8259's interrupts,
 * LINT1 is the NMI.
 */
static void set_virtual_wire(struct vcpu *vcpu)
{
	struct kvm_lapic_state lapic;
	const uint32_t lint0 = LVT_EXTINT, lint1 = LVT_NMI;

	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic))
		die(STATUS_HOST, "KVM_GET_LAPIC: %s", strerror(errno));
	memcpy(&lapic.regs[LAPIC_LVT_LINT0], &lint0, sizeof(lint0));
	memcpy(&lapic.regs[LAPIC_LVT_LINT1], &lint1, sizeof(lint1));
	if (ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic))
		die(STATUS_HOST, "KVM_SET_LAPIC: %s", strerror(errno));
}

/* Creates vCPU @id in its reset state; or dies. */
void vcpu_create(struct vm *vm, unsigned int id)
{
	struct vcpu *vcpu = &vm->vcpus[id];
	int size = ioctl(vm->system_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, id);
	if (vcpu->fd < 0)
		die(STATUS_HOST, "KVM_CREATE_VCPU %u: %s", id, strerror(errno));
	if (size < (int)sizeof(*vcpu->run))
		die(STATUS_HOST, "KVM_GET_VCPU_MMAP_SIZE: %d is too small", size);
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		die(STATUS_HOST, "cannot map kvm_run of vCPU %u: %s", id, strerror(errno));
	set_cpuid(vcpu);
	if (vm->options->irqchip && !vm->options->bios)
		set_virtual_wire(vcpu);
}

void vcpu_get(struct vcpu *vcpu, struct kvm_regs *regs, struct kvm_sregs *sregs)
{
	if (ioctl(vcpu->fd, KVM_GET_REGS, regs))
		die(STATUS_HOST, "KVM_GET_REGS: %s", strerror(errno));
	if (ioctl(vcpu->fd, KVM_GET_SREGS, sregs))
		die(STATUS_HOST, "KVM_GET_SREGS: %s", strerror(errno));
}

void vcpu_set(struct vcpu *vcpu, const struct kvm_regs *regs, const struct kvm_sregs *sregs)
{
	if (ioctl(vcpu->fd, KVM_SET_SREGS, sregs))
		die(STATUS_HOST, "KVM_SET_SREGS: %s", strerror(errno));
	if (ioctl(vcpu->fd, KVM_SET_REGS, regs))
		die(STATUS_HOST, "KVM_SET_REGS: %s", strerror(errno));
}

/* What a person needs first to find out why a guest died. */
static void dump(struct vcpu *vcpu)
{
	struct kvm_sregs s;
	struct kvm_regs r;

	vcpu_get(vcpu, &r, &s);
	complain("vCPU %u: rip %llx rsp %llx rflags %llx cs %x base %llx", vcpu->id,
		 r.rip, r.rsp, r.rflags, s.cs.selector, s.cs.base);
	complain("  rax %llx rbx %llx rcx %llx rdx %llx rsi %llx rdi %llx rbp %llx",
		 r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.rbp);
	complain("  r8 %llx r9 %llx r10 %llx r11 %llx r12 %llx r13 %llx r14 %llx r15 %llx",
		 r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15);
	complain("  cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx idt %llx gdt %llx",
		 s.cr0, s.cr2, s.cr3, s.cr4, s.efer, s.idt.base, s.gdt.base);
}

static void report_internal_error(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	unsigned int i;

	complain("KVM internal error %u on vCPU %u", run->internal.suberror, vcpu->id);
	for (i = 0; i < run->internal.ndata && i < ARRAY_SIZE(run->internal.data); i++)
		complain("  data[%u] = %#llx", i, run->internal.data[i]);
}

/* Nothing is mapped there: reads give ones, writes are lost, as on a PC. */
static void mmio_to_nothing(struct kvm_run *run)
{
	if (!run->mmio.is_write)
		memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
}

static void system_event(struct vcpu *vcpu)
{
	uint32_t type = vcpu->run->system_event.type;

	if (type != KVM_SYSTEM_EVENT_SHUTDOWN && type != KVM_SYSTEM_EVENT_RESET)
		complain("the guest says that it crashed (system event %u)", type);
	vm_end(vcpu->vm, type == KVM_SYSTEM_EVENT_SHUTDOWN ? STATUS_POWER_OFF :
			 type == KVM_SYSTEM_EVENT_RESET ? STATUS_RESET : STATUS_CRASH);
}

/* Serves the exit that KVM_RUN came back with. */
static void handle_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		devices_io(vcpu->vm, run);
		break;
	case KVM_EXIT_MMIO:
		mmio_to_nothing(run);
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
	case KVM_EXIT_SET_TPR:
		break;
	case KVM_EXIT_HLT:
		complain("vCPU %u halted and nothing can wake it", vcpu->id);
		vm_end(vcpu->vm, STATUS_HALTED);
		break;
	case KVM_EXIT_SHUTDOWN:
		complain("vCPU %u shut down: triple fault", vcpu->id);
		dump(vcpu);
		vm_end(vcpu->vm, STATUS_CRASH);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		system_event(vcpu);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		complain("vCPU %u cannot be entered: hardware reason %#llx", vcpu->id,
			 run->fail_entry.hardware_entry_failure_reason);
		dump(vcpu);
		vm_end(vcpu->vm, STATUS_INTERNAL);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		report_internal_error(vcpu);
		dump(vcpu);
		vm_end(vcpu->vm, STATUS_INTERNAL);
		break;
	default:
		complain("unexpected exit %u (%s) on vCPU %u", run->exit_reason,
			 exit_name(run->exit_reason), vcpu->id);
		dump(vcpu);
		vm_end(vcpu->vm, STATUS_INTERNAL);
	}
}

static void *vcpu_thread(void *data)
{
	struct vcpu *vcpu = data;
	struct kvm_run *run = vcpu->run;

	while (!vm_ended(vcpu->vm)) {
		if (ioctl(vcpu->fd, KVM_RUN, 0)) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			complain("KVM_RUN on vCPU %u: %s", vcpu->id, strerror(errno));
			dump(vcpu);
			vm_end(vcpu->vm, STATUS_HOST);
			break;
		}
		if (run->exit_reason < ARRAY_SIZE(vcpu->exits))
			vcpu->exits[run->exit_reason]++;
		handle_exit(vcpu);
	}
	return NULL;
}

static void wake_up(int signal)
{
	(void)signal;
}

/* Starts the vCPU's thread. */
void vcpu_start(struct vcpu *vcpu)
{
	struct sigaction action = { .sa_handler = wake_up };
	int error;

	/* Without SA_RESTART, so that KVM_RUN and reads come back. */
	sigaction(SIGUSR1, &action, NULL);
	error = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
	if (error)
		die(STATUS_HOST, "no thread for vCPU %u: %s", vcpu->id, strerror(error));
}

/*
 * Stops the vCPU and waits for its thread.  immediate_exit, once set, ends the
 * next KVM_RUN too, so a signal that comes too early is not lost.
 */
void vcpu_stop(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_RELAXED);
	pthread_kill(vcpu->thread, SIGUSR1);
	pthread_join(vcpu->thread, NULL);
}
