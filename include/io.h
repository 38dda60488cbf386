/* SPDX-License-Identifier: GPL-2.0 */
/*
 * io.h - in-kernel devices on the port and memory buses, and exits to user
 * space for the rest (io.c).  Read next: irqchip.h for the devices.
 */
#ifndef KVM_IO_H
#define KVM_IO_H

#include "kvm.h"

enum { KVM_MMIO_BUS, KVM_PIO_BUS, KVM_NR_BUSES };

struct kvm_io_device;

/*
 * Called with kvm->srcu held, from the vCPU's thread, with preemption and
 * interrupts enabled; `len` is 1, 2, 4 or 8 (ports: up to 4).  Return 0 if
 * the device took the access, -EOPNOTSUPP if it is not its own after all:
 * the next device in the range, then user space, is asked.
 */
struct kvm_io_ops {
	int (*read)(struct kvm_vcpu *vcpu, struct kvm_io_device *dev,
		    gpa_t addr, int len, void *val);
	int (*write)(struct kvm_vcpu *vcpu, struct kvm_io_device *dev,
		     gpa_t addr, int len, const void *val);
	/* When the VM goes, or after kvm_io_unregister().  May be NULL. */
	void (*free)(struct kvm_io_device *dev);
};

struct kvm_io_device {
	const struct kvm_io_ops *ops;
};

/*
 * Caller holds kvm->slots_lock.  -ENOSPC when the bus has too many ranges.
 * Unregistering waits for a grace period; then calls ops->free.
 */
int kvm_io_register(struct kvm *kvm, int bus, gpa_t addr, u32 len,
		    struct kvm_io_device *dev);
void kvm_io_unregister(struct kvm *kvm, int bus, struct kvm_io_device *dev);
int kvm_io_init(struct kvm *kvm);
void kvm_io_free(struct kvm *kvm);

/* 0, or -EOPNOTSUPP when no in-kernel device answers. */
int kvm_io_read(struct kvm_vcpu *vcpu, int bus, gpa_t addr, int len, void *val);
int kvm_io_write(struct kvm_vcpu *vcpu, int bus, gpa_t addr, int len,
		 const void *val);

/* Leave for user space with @count items; the data is in vcpu->pio_data. */
int kvm_io_exit(struct kvm_vcpu *vcpu, bool in, u16 port, int size, u32 count);
/* IN or OUT of one item at an exit; the string forms are the emulator's. */
int handle_pio(struct kvm_vcpu *vcpu, bool in, u16 port, int size);

/* Coalesced MMIO and PIO zones, the ring in page 2 of the vCPU mapping. */
int kvm_coalesced_register(struct kvm *kvm,
			   const struct kvm_coalesced_mmio_zone *zone);
int kvm_coalesced_unregister(struct kvm *kvm,
			     const struct kvm_coalesced_mmio_zone *zone);
int kvm_coalesced_init(struct kvm *kvm);
void kvm_coalesced_free(struct kvm *kvm);
/* True if the write was put into the ring. */
bool kvm_coalesced_write(struct kvm *kvm, int bus, gpa_t addr, int len,
			 const void *val);

#endif /* KVM_IO_H */
