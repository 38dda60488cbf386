/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vm.h - the tests' machine: a VM with its controllers and some vCPUs, ways to
 * reach them as a guest would, and the checks.
 */
#ifndef KVM_TESTS_VM_H
#define KVM_TESTS_VM_H

#include "io.h"
#include "irqchip.h"

#define MS	1000000ll
#define US	1000ll

extern struct kvm vm;
extern struct kvm_vcpu cpu[KVM_MAX_VCPUS];	/* cpu[i].id == i */
extern bool feature_x2apic, feature_deadline;	/* CPUID of all of them */
extern int failures;				/* of the running test */
extern u64 seed;

/* A machine with @n vCPUs and all controllers, and its end. */
void vm_start(int n);
void vm_stop(void);

u8 inb(u16 port);
void outb(u16 port, u8 val);
u32 apic_read(struct kvm_vcpu *vcpu, u32 offset);
void apic_write(struct kvm_vcpu *vcpu, u32 offset, u32 val);
u64 rdmsr(struct kvm_vcpu *vcpu, u32 index);		/* must not fault */
void wrmsr(struct kvm_vcpu *vcpu, u32 index, u64 val);
u32 ioapic_reg(u8 index);
void ioapic_set_reg(u8 index, u32 val);
void ioapic_route(int pin, u64 rte);
int gsi_line(u32 gsi, int level);		/* KVM_IRQ_LINE_STATUS */
int gsi_pulse(u32 gsi);				/* the status of the rise */

/* A software-enabled APIC with this logical id, flat model. */
void apic_on(struct kvm_vcpu *vcpu, u8 ldr);
void x2apic_on(struct kvm_vcpu *vcpu);
void send_ipi(struct kvm_vcpu *vcpu, u8 dest, u32 icr);
/* Take the next interrupt and end it. */
int take(struct kvm_vcpu *vcpu);
bool in_irr(struct kvm_vcpu *vcpu, int vector);
bool in_isr(struct kvm_vcpu *vcpu, int vector);
/* The usual initialization of both 8259s: vectors 0x30 and 0x38. */
void pic_init(u8 icw4, u8 master_mask, u8 slave_mask);

u32 random32(void);

#define CHECK_EQ(got, want)						\
	do {								\
		long long got_ = (got), want_ = (want);			\
		if (got_ != want_)					\
			fail(__FILE__, __LINE__, #got, got_, want_);	\
	} while (0)
#define CHECK(cond)	CHECK_EQ(!!(cond), 1)
void fail(const char *file, int line, const char *what, long long got,
	  long long want);

struct test {
	const char *name;
	int vcpus;
	void (*run)(void);
};

extern const struct test pic_tests[], ioapic_tests[], lapic_tests[],
	msg_tests[], timer_tests[], pit_tests[], routing_tests[], fuzz_tests[];

#endif /* KVM_TESTS_VM_H */
