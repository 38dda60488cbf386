/* SPDX-License-Identifier: GPL-2.0 */
/*
 * trace.h - tracepoints: /sys/kernel/tracing/events/kvm/, for trace-cmd, perf
 * and whoever reads the files there.
 *
 * Events and their principal fields bear the names that these tools know from
 * Linux's own module, so that their filters and scripts work here.  A
 * tracepoint that is off is a NOP in the code; all that an event looks at is
 * looked at here, when it is on.
 *
 * Included by who traces, and by trace.c, which defines them.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvm

#if !defined(KVM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KVM_TRACE_H

#include <linux/tracepoint.h>
#include <uapi/asm/svm.h>
#include <uapi/asm/vmx.h>
#include "kvm.h"

struct x86_emulate_ctxt;

#ifndef KVM_TRACE_ONCE
#define KVM_TRACE_ONCE

/* How the processor is to read an instruction. */
#define KVM_TRACE_CR0_PE	1
#define KVM_TRACE_EFL_VM	2
#define KVM_TRACE_CS_D		4
#define KVM_TRACE_CS_L		8

enum {
	KVM_TRACE_MMIO_ASKED,		/* a read that user space is asked for */
	KVM_TRACE_MMIO_READ,
	KVM_TRACE_MMIO_WRITE,
};

/* The first bytes of a value, as a number. */
static inline u64 kvm_trace_value(const void *data, unsigned int len)
{
	u64 val = 0;

	memcpy(&val, data, min_t(unsigned int, len, sizeof(val)));
	return val;
}

#endif /* KVM_TRACE_ONCE */

TRACE_EVENT(kvm_entry,
	TP_PROTO(struct kvm_vcpu *vcpu),
	TP_ARGS(vcpu),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(unsigned long, rip)
	),
	TP_fast_assign(
		__entry->vcpu_id = vcpu->id;
		__entry->rip = vcpu_rip(vcpu);
	),
	TP_printk("vcpu %u, rip 0x%lx", __entry->vcpu_id, __entry->rip)
);

/* Bits above a VMX reason's number are flags; SVM's reasons have none. */
TRACE_EVENT(kvm_exit,
	TP_PROTO(struct kvm_vcpu *vcpu),
	TP_ARGS(vcpu),
	TP_STRUCT__entry(
		__field(unsigned int, exit_reason)
		__field(unsigned long, guest_rip)
		__field(u32, isa)
		__field(u64, info1)
		__field(u64, info2)
		__field(unsigned int, vcpu_id)
	),
	TP_fast_assign(
		__entry->exit_reason = vcpu->exit.reason;
		__entry->guest_rip = vcpu->exit.rip;
		__entry->isa = kvm_ops->isa;
		__entry->info1 = vcpu->exit.info1;
		__entry->info2 = vcpu->exit.info2;
		__entry->vcpu_id = vcpu->id;
	),
	TP_printk("vcpu %u reason %s%s rip 0x%lx info1 0x%016llx info2 0x%016llx",
		__entry->vcpu_id,
		__entry->isa == KVM_TRACE_ISA_VMX ?
		__print_symbolic(__entry->exit_reason & 0xffff,
				 VMX_EXIT_REASONS) :
		__print_symbolic(__entry->exit_reason, SVM_EXIT_REASONS),
		__entry->isa == KVM_TRACE_ISA_VMX &&
		__entry->exit_reason & VMX_EXIT_REASONS_FAILED_VMENTRY ?
		" FAILED_VMENTRY" : "",
		__entry->guest_rip, __entry->info1, __entry->info2)
);

/* reinjected: its delivery was begun before, and met an exit. */
TRACE_EVENT(kvm_inj_virq,
	TP_PROTO(unsigned int vector, bool soft, bool reinjected),
	TP_ARGS(vector, soft, reinjected),
	TP_STRUCT__entry(
		__field(unsigned int, vector)
		__field(bool, soft)
		__field(bool, reinjected)
	),
	TP_fast_assign(
		__entry->vector = vector;
		__entry->soft = soft;
		__entry->reinjected = reinjected;
	),
	TP_printk("%s 0x%x%s", __entry->soft ? "Soft/INTn" : "IRQ",
		__entry->vector, __entry->reinjected ? " [reinjected]" : "")
);

TRACE_EVENT(kvm_inj_nmi,
	TP_PROTO(unsigned int vcpu_id, bool reinjected),
	TP_ARGS(vcpu_id, reinjected),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(bool, reinjected)
	),
	TP_fast_assign(
		__entry->vcpu_id = vcpu_id;
		__entry->reinjected = reinjected;
	),
	TP_printk("vcpu %u%s", __entry->vcpu_id,
		__entry->reinjected ? " [reinjected]" : "")
);

#define kvm_trace_exceptions						\
	{ DE_VECTOR, "#DE" }, { DB_VECTOR, "#DB" }, { BP_VECTOR, "#BP" }, \
	{ OF_VECTOR, "#OF" }, { BR_VECTOR, "#BR" }, { UD_VECTOR, "#UD" }, \
	{ NM_VECTOR, "#NM" }, { DF_VECTOR, "#DF" }, { TS_VECTOR, "#TS" }, \
	{ NP_VECTOR, "#NP" }, { SS_VECTOR, "#SS" }, { GP_VECTOR, "#GP" }, \
	{ PF_VECTOR, "#PF" }, { MF_VECTOR, "#MF" }, { AC_VECTOR, "#AC" }, \
	{ MC_VECTOR, "#MC" }

TRACE_EVENT(kvm_inj_exception,
	TP_PROTO(u8 exception, bool has_error, u32 error_code,
		 bool reinjected),
	TP_ARGS(exception, has_error, error_code, reinjected),
	TP_STRUCT__entry(
		__field(u8, exception)
		__field(u8, has_error)
		__field(u32, error_code)
		__field(bool, reinjected)
	),
	TP_fast_assign(
		__entry->exception = exception;
		__entry->has_error = has_error;
		__entry->error_code = error_code;
		__entry->reinjected = reinjected;
	),
	TP_printk("%s (0x%x)%s",
		__print_symbolic(__entry->exception, kvm_trace_exceptions),
		__entry->has_error ? __entry->error_code : 0,
		__entry->reinjected ? " [reinjected]" : "")
);

TRACE_EVENT(kvm_page_fault,
	TP_PROTO(struct kvm_vcpu *vcpu, u64 fault_address, u32 error_code),
	TP_ARGS(vcpu, fault_address, error_code),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(unsigned long, guest_rip)
		__field(u64, fault_address)
		__field(u64, error_code)
	),
	TP_fast_assign(
		__entry->vcpu_id = vcpu->id;
		__entry->guest_rip = vcpu->exit.rip;
		__entry->fault_address = fault_address;
		__entry->error_code = error_code;
	),
	TP_printk("vcpu %u rip 0x%lx address 0x%016llx error_code 0x%llx",
		__entry->vcpu_id, __entry->guest_rip, __entry->fault_address,
		__entry->error_code)
);

/* Before what it did is written back: rip is the instruction's own. */
TRACE_EVENT(kvm_emulate_insn,
	TP_PROTO(struct kvm_vcpu *vcpu, const struct x86_emulate_ctxt *ctxt,
		 bool failed),
	TP_ARGS(vcpu, ctxt, failed),
	TP_STRUCT__entry(
		__field(__u64, rip)
		__field(__u32, csbase)
		__field(__u8, len)
		__array(__u8, insn, 15)
		__field(__u8, flags)
		__field(__u8, failed)
	),
	TP_fast_assign(
		__entry->rip = vcpu->s.rip;
		__entry->csbase = vcpu->s.seg[VCPU_CS].base;
		__entry->len = min_t(u8, ctxt->insn ? ctxt->insn->len : ctxt->fetched,
				     sizeof(__entry->insn));
		memset(__entry->insn, 0, sizeof(__entry->insn));
		memcpy(__entry->insn, ctxt->fetch, __entry->len);
		__entry->flags =
			(vcpu->s.cr0 & X86_CR0_PE ? KVM_TRACE_CR0_PE : 0) |
			(vcpu->s.rflags & X86_EFLAGS_VM ? KVM_TRACE_EFL_VM : 0) |
			(vcpu->s.seg[VCPU_CS].ar & SEG_DB ? KVM_TRACE_CS_D : 0) |
			(vcpu_64bit(vcpu) ? KVM_TRACE_CS_L : 0);
		__entry->failed = failed;
	),
	TP_printk("%x:%llx: %s (%s)%s", __entry->csbase, __entry->rip,
		__print_hex(__entry->insn, __entry->len),
		__print_symbolic(__entry->flags,
			{ 0, "real" },
			{ KVM_TRACE_CR0_PE | KVM_TRACE_EFL_VM, "vm16" },
			{ KVM_TRACE_CR0_PE, "prot16" },
			{ KVM_TRACE_CR0_PE | KVM_TRACE_CS_D, "prot32" },
			{ KVM_TRACE_CR0_PE | KVM_TRACE_CS_L, "prot64" }),
		__entry->failed ? " failed" : "")
);

TRACE_EVENT(kvm_mmio,
	TP_PROTO(int type, int len, u64 gpa, const void *data),
	TP_ARGS(type, len, gpa, data),
	TP_STRUCT__entry(
		__field(u32, type)
		__field(u32, len)
		__field(u64, gpa)
		__field(u64, val)
	),
	TP_fast_assign(
		__entry->type = type;
		__entry->len = len;
		__entry->gpa = gpa;
		__entry->val = data ? kvm_trace_value(data, len) : 0;
	),
	TP_printk("mmio %s len %u gpa 0x%llx val 0x%llx",
		__print_symbolic(__entry->type,
			{ 0, "unsatisfied-read" }, { 1, "read" }, { 2, "write" }),
		__entry->len, __entry->gpa, __entry->val)
);

/* Of several items the first is shown. */
TRACE_EVENT(kvm_pio,
	TP_PROTO(bool in, u16 port, unsigned int size, unsigned int count,
		 const void *data),
	TP_ARGS(in, port, size, count, data),
	TP_STRUCT__entry(
		__field(unsigned int, rw)
		__field(unsigned int, port)
		__field(unsigned int, size)
		__field(unsigned int, count)
		__field(unsigned int, val)
	),
	TP_fast_assign(
		__entry->rw = !in;
		__entry->port = port;
		__entry->size = size;
		__entry->count = count;
		__entry->val = kvm_trace_value(data, size);
	),
	TP_printk("pio_%s at 0x%x size %u count %u val 0x%x%s",
		__entry->rw ? "write" : "read", __entry->port, __entry->size,
		__entry->count, __entry->val,
		__entry->count > 1 ? " (...)" : "")
);

TRACE_EVENT(kvm_msr,
	TP_PROTO(bool write, u32 ecx, u64 data, bool exception),
	TP_ARGS(write, ecx, data, exception),
	TP_STRUCT__entry(
		__field(unsigned int, write)
		__field(u32, ecx)
		__field(u64, data)
		__field(u8, exception)
	),
	TP_fast_assign(
		__entry->write = write;
		__entry->ecx = ecx;
		__entry->data = data;
		__entry->exception = exception;
	),
	TP_printk("msr_%s %x = 0x%llx%s", __entry->write ? "write" : "read",
		__entry->ecx, __entry->data,
		__entry->exception ? " (#GP)" : "")
);

TRACE_EVENT(kvm_cpuid,
	TP_PROTO(struct kvm_vcpu *vcpu, u32 function, u32 index, u32 rax,
		 u32 rbx, u32 rcx, u32 rdx),
	TP_ARGS(vcpu, function, index, rax, rbx, rcx, rdx),
	TP_STRUCT__entry(
		__field(unsigned int, function)
		__field(unsigned int, index)
		__field(unsigned long, rax)
		__field(unsigned long, rbx)
		__field(unsigned long, rcx)
		__field(unsigned long, rdx)
		__field(bool, found)
	),
	TP_fast_assign(
		__entry->function = function;
		__entry->index = index;
		__entry->rax = rax;
		__entry->rbx = rbx;
		__entry->rcx = rcx;
		__entry->rdx = rdx;
		__entry->found = cpuid_find(vcpu, function, index);
	),
	TP_printk("func %x idx %x rax %lx rbx %lx rcx %lx rdx %lx, cpuid entry %s",
		__entry->function, __entry->index, __entry->rax,
		__entry->rbx, __entry->rcx, __entry->rdx,
		__entry->found ? "found" : "not found")
);

TRACE_EVENT(kvm_hypercall,
	TP_PROTO(const unsigned long *regs),
	TP_ARGS(regs),
	TP_STRUCT__entry(
		__field(unsigned long, nr)
		__field(unsigned long, a0)
		__field(unsigned long, a1)
		__field(unsigned long, a2)
		__field(unsigned long, a3)
	),
	TP_fast_assign(
		__entry->nr = regs[VCPU_RAX];
		__entry->a0 = regs[VCPU_RBX];
		__entry->a1 = regs[VCPU_RCX];
		__entry->a2 = regs[VCPU_RDX];
		__entry->a3 = regs[VCPU_RSI];
	),
	TP_printk("nr 0x%lx a0 0x%lx a1 0x%lx a2 0x%lx a3 0x%lx",
		__entry->nr, __entry->a0, __entry->a1, __entry->a2,
		__entry->a3)
);

#endif /* KVM_TRACE_H */

/* This directory is in the compiler's path: see Kbuild. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

/* This part must be outside protection */
#include <trace/define_trace.h>
