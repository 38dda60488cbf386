// SPDX-License-Identifier: GPL-2.0
/*
 * --stats: how often KVM_RUN came back and why, which is counted in vcpu.c, and
 * the module's own counters, where it offers them through KVM_GET_STATS_FD
 * (layout: "KVM_GET_STATS_FD" in the kernel's KVM API document).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "launch.h"

static const char *const exit_names[] = {
	[KVM_EXIT_UNKNOWN] = "unknown",
	[KVM_EXIT_EXCEPTION] = "exception",
	[KVM_EXIT_IO] = "io",
	[KVM_EXIT_HYPERCALL] = "hypercall",
	[KVM_EXIT_DEBUG] = "debug",
	[KVM_EXIT_HLT] = "hlt",
	[KVM_EXIT_MMIO] = "mmio",
	[KVM_EXIT_IRQ_WINDOW_OPEN] = "irq-window-open",
	[KVM_EXIT_SHUTDOWN] = "shutdown",
	[KVM_EXIT_FAIL_ENTRY] = "fail-entry",
	[KVM_EXIT_INTR] = "intr",
	[KVM_EXIT_SET_TPR] = "set-tpr",
	[KVM_EXIT_TPR_ACCESS] = "tpr-access",
	[KVM_EXIT_NMI] = "nmi",
	[KVM_EXIT_INTERNAL_ERROR] = "internal-error",
	[KVM_EXIT_SYSTEM_EVENT] = "system-event",
	[KVM_EXIT_IOAPIC_EOI] = "ioapic-eoi",
	[KVM_EXIT_X86_RDMSR] = "rdmsr",
	[KVM_EXIT_X86_WRMSR] = "wrmsr",
};

const char *exit_name(uint32_t reason)
{
	const char *name = reason < ARRAY_SIZE(exit_names) ? exit_names[reason] : NULL;

	return name ?: "no name";
}

static void print_counter(const char *prefix, int fd, const struct kvm_stats_header *header,
			  const struct kvm_stats_desc *desc)
{
	uint64_t value;
	int i;

	/* A histogram has several values, of which all but zeros are printed. */
	for (i = 0; i < desc->size; i++) {
		off_t at = header->data_offset + desc->offset + i * sizeof(value);

		if (pread(fd, &value, sizeof(value), at) != sizeof(value) || !value)
			continue;
		if (desc->size > 1)
			fprintf(stderr, "%s %s[%d] %llu\n", prefix, desc->name, i,
				(unsigned long long)value);
		else
			fprintf(stderr, "%s %s %llu\n", prefix, desc->name,
				(unsigned long long)value);
	}
}

/* Prints all counters but zeros of the VM or vCPU @object, if it has any. */
static void print_counters(const char *prefix, int object)
{
	int fd = ioctl(object, KVM_GET_STATS_FD, NULL);
	struct kvm_stats_header header;
	struct kvm_stats_desc *desc;
	size_t size;
	uint32_t i;

	if (fd < 0)
		return;
	if (pread(fd, &header, sizeof(header), 0) == sizeof(header)) {
		size = sizeof(*desc) + header.name_size;
		desc = calloc(1, size + 1);
		for (i = 0; desc && i < header.num_desc; i++) {
			off_t at = header.desc_offset + (off_t)i * size;

			if (pread(fd, desc, size, at) == (ssize_t)size)
				print_counter(prefix, fd, &header, desc);
		}
		free(desc);
	}
	close(fd);
}

/* Prints "vcpu N exits REASON COUNT" and KVM's counters to standard error. */
void stats_print(struct vm *vm)
{
	char prefix[32];
	unsigned int id;
	size_t i;

	for (id = 0; id < vm->options->cpus; id++) {
		struct vcpu *vcpu = &vm->vcpus[id];

		snprintf(prefix, sizeof(prefix), "vcpu %u", id);
		for (i = 0; i < ARRAY_SIZE(vcpu->exits); i++)
			if (vcpu->exits[i])
				fprintf(stderr, "%s exits %s %llu\n", prefix, exit_name(i),
					(unsigned long long)vcpu->exits[i]);
		print_counters(prefix, vcpu->fd);
	}
	print_counters("vm", vm->fd);
}
