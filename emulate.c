// SPDX-License-Identifier: GPL-2.0
/*
 * emulate.c - the instruction emulator's view of a vCPU: its twelve callbacks,
 * and the exits to user space that an emulated access can need.
 *
 * Owns: vcpu->emul (the emulator's context and a small software TLB) and
 * vcpu->mmio, the log that lets an instruction be started again after user
 * space has answered a read.  Trusts: the emulator for everything but paging
 * and MMIO; the guest's instruction bytes for nothing (they may have changed
 * since the exit).
 *
 * Read next: include/x86_emulate.h for the contract; io.c for the devices.
 */
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "io.h"
#include "irqchip.h"
#include "kvm.h"
#include "trace.h"
#include "x86_emulate.h"

/*
 * Translations the emulator used last: like the processor's TLB they may be
 * kept until the guest flushes.  Only pages of memory slots are in here.
 */
struct emul_tlb {
	gva_t page;
	u32 tag;		/* access flags, see tlb_tag() */
	u32 flushes;		/* vcpu_emulator.flushes when it was made */
	u64 generation;		/* of the slots */
	gpa_t gpa;
	hva_t hva;
};

#define EMUL_TLB_SIZE	16
#define TAG_VALID	BIT(8)
#define TAG_AC		BIT(9)

struct vcpu_emulator {
	struct x86_emulate_ctxt ctxt;
	struct kvm_vcpu *vcpu;
	gva_t hint_gva;		/* the fault's page, INVALID: none */
	gpa_t hint_gpa;
	u32 hint_acc;		/* the access that faulted */
	bool halted;
	bool delivering;	/* an event, whose answers of user space are awaited */
	bool pt_write;		/* a write to a page table is what trapped */
	bool go_native;		/* the page table that trapped is none any more */
	u32 flushes;		/* of the guest's TLB; entries of others are void */
	struct emul_tlb tlb[EMUL_TLB_SIZE];
};

static struct kvm_vcpu *ctxt_vcpu(struct x86_emulate_ctxt *ctxt)
{
	return container_of(ctxt, struct vcpu_emulator, ctxt)->vcpu;
}

/* ------------------------------------------------------------------------
 * Translation
 */

void vcpu_emulator_flush(struct kvm_vcpu *vcpu)
{
	struct vcpu_emulator *em = vcpu->emul;

	/* Once in a long time an old number comes again. */
	if (unlikely(!++em->flushes))
		memset(em->tlb, 0, sizeof(em->tlb));
}

static u32 tlb_tag(struct x86_emulate_ctxt *ctxt, u32 acc)
{
	return acc | TAG_VALID | (ctxt->rflags & X86_EFLAGS_AC ? TAG_AC : 0);
}

static u32 acc_to_pfec(u32 acc)
{
	return (acc & X86_ACC_WRITE ? PFERR_WRITE : 0) |
	       (acc & X86_ACC_USER ? PFERR_USER : 0) |
	       (acc & X86_ACC_FETCH ? PFERR_FETCH : 0) |
	       (acc & X86_ACC_SYSTEM ? PFERR_IMPLICIT : 0);
}

/* Where one page of an access lies.  hva is INVALID_HVA for MMIO. */
struct emul_page {
	gpa_t gpa;
	hva_t hva;
};

static void tlb_fill(struct emul_tlb *e, struct kvm_vcpu *vcpu, gva_t page,
		     u32 tag, const struct emul_page *p)
{
	e->page = page;
	e->tag = tag;
	e->flushes = vcpu->emul->flushes;
	e->generation = kvm_slots(vcpu->kvm)->generation;
	e->gpa = p->gpa & PAGE_MASK;
	e->hva = p->hva & PAGE_MASK;
}

/* INVALID_HVA: not memory, or (@write) memory that is read-only. */
static hva_t gpa_to_hva(struct kvm_vcpu *vcpu, gpa_t gpa, bool write)
{
	hva_t hva = gfn_to_hva(vcpu->kvm, gpa_to_gfn(gpa), write);

	return hva == INVALID_HVA ? hva : hva + offset_in_page(gpa);
}

static int translate_slow(struct vcpu_emulator *em, u64 la, u32 acc,
			  struct emul_page *p)
{
	struct kvm_vcpu *vcpu = em->vcpu;
	struct x86_fault_info fault;

	if (((la ^ em->hint_gva) & PAGE_MASK) == 0 && em->hint_acc == acc) {
		p->gpa = (em->hint_gpa & PAGE_MASK) | offset_in_page(la);
	} else {
		/* RFLAGS may be newer here than in the cache: SMAP wants AC. */
		p->gpa = mmu_translate(vcpu, la, acc_to_pfec(acc) |
				       (em->ctxt.rflags & X86_EFLAGS_AC ?
					PFERR_AC : 0), &fault);
		if (p->gpa == INVALID_GPA)
			return x86_emulate_page_fault(&em->ctxt, fault.address,
						      fault.error);
	}
	p->hva = gpa_to_hva(vcpu, p->gpa, acc & X86_ACC_WRITE);
	return X86_OK;
}

static int translate(struct x86_emulate_ctxt *ctxt, u64 la, u32 acc,
		     struct emul_page *p)
{
	struct vcpu_emulator *em = container_of(ctxt, struct vcpu_emulator,
						ctxt);
	gva_t page = la & PAGE_MASK;
	u32 tag = tlb_tag(ctxt, acc);
	struct emul_tlb *e = &em->tlb[((la >> PAGE_SHIFT) ^ acc) %
				      EMUL_TLB_SIZE];
	int r;

	if (likely(e->page == page && e->tag == tag &&
		   e->flushes == em->flushes &&
		   e->generation == kvm_slots(em->vcpu->kvm)->generation)) {
		p->gpa = e->gpa | offset_in_page(la);
		p->hva = e->hva | offset_in_page(la);
		return X86_OK;
	}
	r = translate_slow(em, la, acc, p);
	if (r == X86_OK && p->hva != INVALID_HVA)
		tlb_fill(e, em->vcpu, page, tag, p);
	return r;
}

static unsigned int in_page(u64 la, unsigned int len)
{
	return min_t(unsigned int, len, PAGE_SIZE - offset_in_page(la));
}

/* ------------------------------------------------------------------------
 * MMIO
 */

static int device_read(struct kvm_vcpu *vcpu, gpa_t gpa, int len, void *buf)
{
	if (vcpu->apic && !lapic_mmio_read(vcpu, gpa, len, buf))
		return 0;
	return kvm_io_read(vcpu, KVM_MMIO_BUS, gpa, len, buf);
}

static int device_write(struct kvm_vcpu *vcpu, gpa_t gpa, int len,
			const void *buf)
{
	if (vcpu->apic && !lapic_mmio_write(vcpu, gpa, len, buf))
		return 0;
	return kvm_io_write(vcpu, KVM_MMIO_BUS, gpa, len, buf);
}

/* The log holds the reads of one element: a new one has other registers. */
static void mmio_log_check(struct x86_emulate_ctxt *ctxt)
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);

	if (vcpu->mmio.rip == ctxt->rip &&
	    vcpu->mmio.rcx == ctxt->regs[X86_RCX])
		return;
	vcpu->mmio.rip = ctxt->rip;
	vcpu->mmio.rcx = ctxt->regs[X86_RCX];
	vcpu->mmio.nr_read = vcpu->mmio.next_read = 0;
}

/* One piece: from the log, from a device, or to be asked of user space. */
static int mmio_read_piece(struct x86_emulate_ctxt *ctxt, gpa_t gpa, int len,
			   void *buf)
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);
	struct vcpu_mmio_piece *p;

	mmio_log_check(ctxt);
	if (vcpu->mmio.next_read >= VCPU_MMIO_PIECES)
		return X86_UNHANDLED;
	p = &vcpu->mmio.read[vcpu->mmio.next_read];
	if (vcpu->mmio.next_read < vcpu->mmio.nr_read &&
	    p->gpa == gpa && p->len == len) {
		memcpy(buf, p->data, len);
		vcpu->mmio.next_read++;
		return X86_OK;
	}
	vcpu->mmio.nr_read = vcpu->mmio.next_read;
	p->gpa = gpa;
	p->len = len;
	if (device_read(vcpu, gpa, len, p->data)) {
		trace_kvm_mmio(KVM_TRACE_MMIO_ASKED, len, gpa, NULL);
		vcpu->mmio.need = true;
		return X86_IO;
	}
	trace_kvm_mmio(KVM_TRACE_MMIO_READ, len, gpa, p->data);
	memcpy(buf, p->data, len);
	vcpu->mmio.nr_read = ++vcpu->mmio.next_read;
	return X86_OK;
}

static int mmio_read(struct x86_emulate_ctxt *ctxt, gpa_t gpa,
		     unsigned int len, u8 *buf)
{
	ctxt_vcpu(ctxt)->stats.mmio_exits++;
	while (len) {
		unsigned int n = min(len, 8u);
		int r = mmio_read_piece(ctxt, gpa, n, buf);

		if (r != X86_OK)
			return r;
		gpa += n;
		buf += n;
		len -= n;
	}
	return X86_OK;
}

/*
 * Room for @pieces in the log of posted writes: an instruction that wants more
 * cannot be undone, between the elements of a string it only ends the quantum.
 */
static int mmio_write_room(struct x86_emulate_ctxt *ctxt, unsigned int pieces)
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);

	if (!vcpu->mmio.nr_write)
		vcpu->mmio.write_rcx = ctxt->regs[X86_RCX];
	if (pieces <= VCPU_MMIO_PIECES - vcpu->mmio.nr_write)
		return X86_OK;
	return vcpu->mmio.write_rcx == ctxt->regs[X86_RCX] ?
		X86_UNHANDLED : X86_RETRY;
}

/* Posted: user space sees the pieces after the instruction has committed. */
static void mmio_write(struct x86_emulate_ctxt *ctxt, gpa_t gpa,
		       unsigned int len, const u8 *buf)
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);

	vcpu->stats.mmio_exits++;
	while (len) {
		unsigned int n = min(len, 8u);

		trace_kvm_mmio(KVM_TRACE_MMIO_WRITE, n, gpa, buf);
		if (device_write(vcpu, gpa, n, buf)) {
			struct vcpu_mmio_piece *p =
				&vcpu->mmio.write[vcpu->mmio.nr_write++];

			p->gpa = gpa;
			p->len = n;
			memcpy(p->data, buf, n);
		}
		gpa += n;
		buf += n;
		len -= n;
	}
}

/* ------------------------------------------------------------------------
 * Memory callbacks
 */

/* A slot is there, but the process's memory behind it is not. */
static int host_fault(struct x86_emulate_ctxt *ctxt)
{
	ctxt_vcpu(ctxt)->mmio.efault = true;
	return X86_UNHANDLED;
}

static int emul_read(struct x86_emulate_ctxt *ctxt, u64 la, void *buf,
		     unsigned int len, unsigned int acc)
{
	while (len) {
		unsigned int n = in_page(la, len);
		struct emul_page p;
		int r = translate(ctxt, la, acc, &p);

		if (r != X86_OK)
			return r;
		/* What will be written may be read-only: it can be read. */
		if (p.hva == INVALID_HVA && (acc & X86_ACC_WRITE))
			p.hva = gpa_to_hva(ctxt_vcpu(ctxt), p.gpa, false);
		if (unlikely(p.hva == INVALID_HVA))
			r = acc & X86_ACC_FETCH ? X86_UNHANDLED :
			    mmio_read(ctxt, p.gpa, n, buf);
		else if (copy_from_guest(buf, p.hva, n))
			r = host_fault(ctxt);
		if (r != X86_OK)
			return r;
		la += n;
		buf += n;
		len -= n;
	}
	return X86_OK;
}

/* Both pages are known good before the first byte changes. */
static int emul_write(struct x86_emulate_ctxt *ctxt, u64 la, const void *buf,
		      unsigned int len, unsigned int acc)
{
	struct vcpu_emulator *em = container_of(ctxt, struct vcpu_emulator,
						ctxt);
	struct kvm_vcpu *vcpu = em->vcpu;
	unsigned int i = 0, n = in_page(la, len), posted = vcpu->mmio.nr_write;
	unsigned int pieces = 0;
	struct emul_page p[2];
	int r;

	/*
	 * The rest of a string, such as the clearing of a freed table.  What
	 * writes twice without a commit between goes on here.
	 */
	if (em->pt_write && em->go_native && ctxt->changed)
		return X86_RETRY;
	acc |= X86_ACC_WRITE;
	r = translate(ctxt, la, acc, &p[0]);
	if (r == X86_OK && n < len)
		r = translate(ctxt, PAGE_ALIGN(la + 1), acc, &p[1]);
	if (r == X86_OK && p[0].hva == INVALID_HVA)
		pieces = DIV_ROUND_UP(n, 8);
	if (r == X86_OK && n < len && p[1].hva == INVALID_HVA)
		pieces += DIV_ROUND_UP(len - n, 8);
	if (pieces)
		r = mmio_write_room(ctxt, pieces);
	if (r != X86_OK)
		return r;

	for (; len; i++, la += n, buf += n, len -= n) {
		n = in_page(la, len);
		if (p[i].hva == INVALID_HVA) {
			mmio_write(ctxt, p[i].gpa, n, buf);
			continue;
		}
		if (copy_to_guest(p[i].hva, buf, n)) {
			vcpu->mmio.nr_write = posted;
			return host_fault(ctxt);
		}
		mark_page_dirty(vcpu->kvm, gpa_to_gfn(p[i].gpa));
		em->go_native = !mmu_guest_written(vcpu->kvm, p[i].gpa, n);
	}
	return X86_OK;
}

/*
 * A host that lets no lock be split over cache lines takes one of its own for
 * a bug, and dies of it.
 */
static bool splits_lock(u64 la, unsigned int len)
{
	return (la & 63) + len > 64 &&
	       boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT);
}

/* MMIO, and operands across two pages, are not compared: one write. */
static int emul_cmpxchg(struct x86_emulate_ctxt *ctxt, u64 la, const void *old,
			const void *new, unsigned int len, unsigned int acc)
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);
	struct emul_page p;
	int r;

	acc |= X86_ACC_WRITE;
	r = translate(ctxt, la, acc, &p);
	if (r != X86_OK)
		return r;
	if (p.hva == INVALID_HVA || in_page(la, len) < len ||
	    splits_lock(la, len))
		return emul_write(ctxt, la, new, len, acc);
	r = user_cmpxchg(p.hva, old, new, len);
	if (r == -EFAULT)
		return host_fault(ctxt);
	if (r)
		return X86_RETRY;
	mark_page_dirty(vcpu->kvm, gpa_to_gfn(p.gpa));
	mmu_guest_written(vcpu->kvm, p.gpa, len);
	return X86_OK;
}

static int emul_probe(struct x86_emulate_ctxt *ctxt, u64 la, unsigned int len,
		      unsigned int acc)
{
	bool batch = acc & X86_ACC_BATCH;
	struct emul_page p;
	int r;

	acc &= ~X86_ACC_BATCH;
	r = translate(ctxt, la, acc, &p);
	if (r == X86_OK && in_page(la, len) < len)
		r = translate(ctxt, PAGE_ALIGN(la + 1), acc, &p);
	return r == X86_OK && batch && p.hva == INVALID_HVA ? X86_UNHANDLED : r;
}

/* ------------------------------------------------------------------------
 * Registers
 */

static_assert((int)X86_RSP == (int)VCPU_RSP && (int)X86_R15 == (int)VCPU_R15);
static_assert((int)X86_ES == (int)VCPU_ES && (int)X86_TR == (int)VCPU_TR);
static_assert(X86_SHADOW_MOV_SS == KVM_X86_SHADOW_INT_MOV_SS &&
	      X86_SHADOW_STI == KVM_X86_SHADOW_INT_STI);

static u32 seg_group(enum x86_sreg sreg)
{
	return sreg == X86_CS || sreg == X86_SS ? VG_CS : VG_SEG;
}

static void emul_get_seg(struct x86_emulate_ctxt *ctxt, enum x86_sreg sreg,
			 struct x86_seg *seg)
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);
	const struct vcpu_segment *s = &vcpu->s.seg[sreg];

	vcpu_need(vcpu, seg_group(sreg));
	seg->base = s->base;
	seg->limit = s->limit;
	seg->selector = s->selector;
	seg->ar = s->ar;
}

static void emul_set_seg(struct x86_emulate_ctxt *ctxt, enum x86_sreg sreg,
			 const struct x86_seg *seg)
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);

	vcpu_need(vcpu, seg_group(sreg));
	vcpu->s.seg[sreg] = (struct vcpu_segment){
		.base = seg->base, .limit = seg->limit,
		.selector = seg->selector, .ar = seg->ar,
	};
	vcpu_touch(vcpu, seg_group(sreg));
}

static u32 table_group(u64 reg)
{
	return reg >= X86_REG_GDTR_BASE && reg <= X86_REG_IDTR_LIMIT ? VG_DT : 0;
}

/* RDMSR and WRMSR, and not an instruction that looks at what is an MSR. */
static void trace_msr(struct x86_emulate_ctxt *ctxt, bool write, u32 index,
		      u64 val, bool bad)
{
	if (ctxt->insn && ctxt->insn->opcode == (write ? 0x30 : 0x32) &&
	    index == (u32)ctxt->regs[X86_RCX])
		trace_kvm_msr(write, index, val, bad);
}

static int emul_get_msr(struct x86_emulate_ctxt *ctxt, u32 index, u64 *val)
{
	int bad = msr_get(ctxt_vcpu(ctxt), index, val, false);

	if (trace_kvm_msr_enabled())
		trace_msr(ctxt, false, index, bad ? 0 : *val, bad);
	return bad ? X86_FAULT : X86_OK;
}

static int emul_set_msr(struct x86_emulate_ctxt *ctxt, u32 index, u64 val)
{
	int bad = msr_set(ctxt_vcpu(ctxt), index, val, false);

	if (trace_kvm_msr_enabled())
		trace_msr(ctxt, true, index, val, bad);
	return bad ? X86_FAULT : X86_OK;
}

static int emul_get_reg(struct x86_emulate_ctxt *ctxt, u64 reg, u64 *val)
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);
	unsigned long dr;

	if (reg & X86_REG_MSR)
		return emul_get_msr(ctxt, (u32)reg, val);
	if (reg >= X86_REG_DR0 && reg <= X86_REG_DR7) {
		vcpu_get_dr(vcpu, reg - X86_REG_DR0, &dr);
		*val = dr;
		return X86_OK;
	}
	vcpu_need(vcpu, table_group(reg));
	switch (reg) {
	case X86_REG_CR0:
		*val = vcpu_cr0(vcpu);
		break;
	case X86_REG_CR2:
		vcpu_need(vcpu, VG_CR2);
		*val = vcpu->s.cr2;
		break;
	case X86_REG_CR3:
		*val = vcpu->s.cr3;
		break;
	case X86_REG_CR4:
		*val = vcpu->s.cr4;
		break;
	case X86_REG_CR8:
		*val = vcpu_get_cr8(vcpu);
		break;
	case X86_REG_XCR0:
		*val = vcpu->s.xcr0;
		break;
	case X86_REG_EFER:
		*val = vcpu->s.efer;
		break;
	case X86_REG_GDTR_BASE:
		*val = vcpu->s.gdt.base;
		break;
	case X86_REG_GDTR_LIMIT:
		*val = vcpu->s.gdt.limit;
		break;
	case X86_REG_IDTR_BASE:
		*val = vcpu->s.idt.base;
		break;
	case X86_REG_IDTR_LIMIT:
		*val = vcpu->s.idt.limit;
		break;
	default:
		return X86_FAULT;
	}
	return X86_OK;
}

static int set_table(struct kvm_vcpu *vcpu, u64 reg, u64 val)
{
	vcpu_need(vcpu, VG_DT);
	switch (reg) {
	case X86_REG_GDTR_BASE:
		vcpu->s.gdt.base = val;
		break;
	case X86_REG_GDTR_LIMIT:
		vcpu->s.gdt.limit = val;
		break;
	case X86_REG_IDTR_BASE:
		vcpu->s.idt.base = val;
		break;
	default:
		vcpu->s.idt.limit = val;
	}
	vcpu_touch(vcpu, VG_DT);
	return 0;
}

static int emul_set_reg(struct x86_emulate_ctxt *ctxt, u64 reg, u64 val)
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);
	int bad;

	if (reg & X86_REG_MSR)
		return emul_set_msr(ctxt, (u32)reg, val);
	if (reg >= X86_REG_DR0 && reg <= X86_REG_DR7)
		return vcpu_set_dr(vcpu, reg - X86_REG_DR0, val) ?
			X86_FAULT : X86_OK;
	switch (reg) {
	case X86_REG_CR0:
		bad = vcpu_set_cr0(vcpu, val);
		break;
	case X86_REG_CR2:
		vcpu->s.cr2 = val;
		vcpu->s.valid |= VG_CR2;
		vcpu_touch(vcpu, VG_CR2);
		return X86_OK;
	case X86_REG_CR3:
		bad = vcpu_set_cr3(vcpu, val);
		break;
	case X86_REG_CR4:
		bad = vcpu_set_cr4(vcpu, val);
		break;
	case X86_REG_CR8:
		bad = vcpu_set_cr8(vcpu, val);
		break;
	case X86_REG_XCR0:
		bad = vcpu_set_xcr(vcpu, 0, val);
		break;
	case X86_REG_EFER:
		bad = vcpu_set_efer(vcpu, val, false);
		break;
	case X86_REG_GDTR_BASE:
	case X86_REG_GDTR_LIMIT:
	case X86_REG_IDTR_BASE:
	case X86_REG_IDTR_LIMIT:
		bad = set_table(vcpu, reg, val);
		break;
	default:
		bad = 1;
	}
	return bad ? X86_FAULT : X86_OK;
}

/* ------------------------------------------------------------------------
 * Ports, CPUID, and the rest
 */

static int port_in(struct kvm_vcpu *vcpu, u16 port, unsigned int size,
		   u8 *buf, unsigned int *count)
{
	unsigned int i;

	if (vcpu->pio.answered) {
		vcpu->pio.answered = false;
		if (vcpu->pio.port == port && vcpu->pio.size == size) {
			*count = min(*count, vcpu->pio.count);
			memcpy(buf, vcpu->pio_data, *count * size);
			trace_kvm_pio(true, port, size, *count, buf);
			return X86_OK;
		}
	}
	for (i = 0; i < *count; i++)
		if (kvm_io_read(vcpu, KVM_PIO_BUS, port, size, buf + i * size))
			break;
	if (i) {
		*count = i;
		trace_kvm_pio(true, port, size, i, buf);
		return X86_OK;
	}
	vcpu->pio.port = port;
	vcpu->pio.size = size;
	vcpu->pio.count = min_t(unsigned int, *count, PAGE_SIZE / size);
	vcpu->pio.need = true;
	return X86_IO;
}

/* One batch at a time: what follows waits until user space has seen it. */
static int port_out(struct kvm_vcpu *vcpu, u16 port, unsigned int size,
		    const u8 *buf, unsigned int *count)
{
	unsigned int i;

	if (vcpu->pio.posted)
		return X86_RETRY;
	for (i = 0; i < *count; i++)
		if (kvm_io_write(vcpu, KVM_PIO_BUS, port, size, buf + i * size))
			break;
	if (i) {
		*count = i;
		trace_kvm_pio(false, port, size, i, buf);
		return X86_OK;
	}
	*count = min_t(unsigned int, *count, PAGE_SIZE / size);
	trace_kvm_pio(false, port, size, *count, buf);
	memcpy(vcpu->pio_data, buf, *count * size);
	vcpu->pio.port = port;
	vcpu->pio.size = size;
	vcpu->pio.count = *count;
	vcpu->pio.posted = true;
	return X86_OK;
}

static int emul_io(struct x86_emulate_ctxt *ctxt, bool in, u16 port,
		   unsigned int size, void *buf, unsigned int *count)
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);

	return in ? port_in(vcpu, port, size, buf, count) :
		    port_out(vcpu, port, size, buf, count);
}

static void emul_cpuid(struct x86_emulate_ctxt *ctxt, u32 leaf, u32 subleaf,
		       u32 regs[4])
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);

	regs[0] = leaf;
	regs[2] = subleaf;
	/* The first that asks is after features: without CPUID, the host's. */
	if (!ctxt->cpuid_valid && !vcpu->cpuid_nent)
		cpuid_of_host(leaf, subleaf, regs);
	else
		cpuid_query(vcpu, &regs[0], &regs[1], &regs[2], &regs[3]);
	trace_kvm_cpuid(vcpu, leaf, subleaf, regs[0], regs[1], regs[2], regs[3]);
}

static int emul_system(struct x86_emulate_ctxt *ctxt, enum x86_system_op op,
		       u64 *arg)
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);

	switch (op) {
	case X86_SYS_HLT:
		vcpu->emul->halted = true;
		break;
	case X86_SYS_INVLPG:
		mmu_invlpg(vcpu, *arg);
		break;
	case X86_SYS_HYPERCALL:
		trace_kvm_hypercall(vcpu->s.regs);
		ctxt->regs[X86_RAX] = hypercall_result(vcpu);
		break;
	case X86_SYS_RDTSC:
		*arg = clock_guest_tsc(vcpu);
		break;
	case X86_SYS_RDPMC:
		return X86_FAULT;
	case X86_SYS_RDRAND:
	case X86_SYS_RDSEED:
		get_random_bytes(arg, sizeof(*arg));
		break;
	case X86_SYS_NMI_UNMASK:
		vcpu_need(vcpu, VG_INT);
		vcpu->s.nmi_masked = false;
		vcpu_touch(vcpu, VG_INT);
		vcpu_request(vcpu, KVM_REQ_EVENT);
		break;
	case X86_SYS_INVPCID:
		return X86_UNHANDLED;	/* not in the guest's CPUID */
	case X86_SYS_PAUSE:
	case X86_SYS_WBINVD:
	case X86_SYS_INVD:
	case X86_SYS_MONITOR:
	case X86_SYS_MWAIT:
		break;
	}
	return X86_OK;
}

static int emul_fpu(struct x86_emulate_ctxt *ctxt, enum x86_fpu_op op,
		    unsigned int reg, void *buf)
{
	return guest_fpu_op(op, reg, buf) ? X86_UNHANDLED : X86_OK;
}

static const struct x86_emulate_ops emul_ops = {
	.read = emul_read,
	.write = emul_write,
	.cmpxchg = emul_cmpxchg,
	.probe = emul_probe,
	.get_seg = emul_get_seg,
	.set_seg = emul_set_seg,
	.get_reg = emul_get_reg,
	.set_reg = emul_set_reg,
	.io = emul_io,
	.cpuid = emul_cpuid,
	.system = emul_system,
	.fpu = emul_fpu,
};

/* ------------------------------------------------------------------------
 * Exits to user space on behalf of an instruction
 */

static int deliver_event(struct kvm_vcpu *vcpu);

static int emulate_again(struct kvm_vcpu *vcpu)
{
	if (vcpu->emul->delivering)
		return deliver_event(vcpu);
	return vcpu_emulate(vcpu, 0, INVALID_GPA, EMUL_RESUME);
}

static void fill_mmio(struct kvm_vcpu *vcpu, const struct vcpu_mmio_piece *p,
		      bool write)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = p->gpa;
	run->mmio.len = p->len;
	run->mmio.is_write = write;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	if (write)
		memcpy(run->mmio.data, p->data, p->len);
}

/* The next posted write, or 1 when all have been seen. */
static int next_mmio_write(struct kvm_vcpu *vcpu)
{
	if (vcpu->mmio.next_write == vcpu->mmio.nr_write) {
		vcpu->mmio.next_write = vcpu->mmio.nr_write = 0;
		return vcpu->mmio.then_halt ? vcpu_halt(vcpu) : 1;
	}
	fill_mmio(vcpu, &vcpu->mmio.write[vcpu->mmio.next_write++], true);
	vcpu->complete = next_mmio_write;
	return 0;
}

static int complete_mmio_read(struct kvm_vcpu *vcpu)
{
	struct vcpu_mmio_piece *p = &vcpu->mmio.read[vcpu->mmio.nr_read++];

	if (vcpu_was_moved(vcpu))
		return 1;
	memcpy(p->data, vcpu->run->mmio.data, p->len);
	trace_kvm_mmio(KVM_TRACE_MMIO_READ, p->len, p->gpa, p->data);
	return emulate_again(vcpu);
}

static int complete_port_in(struct kvm_vcpu *vcpu)
{
	if (vcpu_was_moved(vcpu))
		return 1;
	vcpu->pio.answered = true;
	return emulate_again(vcpu);
}

static int exit_for_read(struct kvm_vcpu *vcpu)
{
	if (vcpu->pio.need) {
		vcpu->pio.need = false;
		vcpu_ask(vcpu, complete_port_in);
		return kvm_io_exit(vcpu, true, vcpu->pio.port, vcpu->pio.size,
				   vcpu->pio.count);
	}
	vcpu->mmio.need = false;
	fill_mmio(vcpu, &vcpu->mmio.read[vcpu->mmio.nr_read], false);
	vcpu_ask(vcpu, complete_mmio_read);
	return 0;
}

/* ------------------------------------------------------------------------
 * Entry points
 */

/* What x86_emulate_set_mode() finds out through callbacks, but faster. */
static void set_mode(struct kvm_vcpu *vcpu, struct x86_emulate_ctxt *ctxt)
{
	u32 cs;

	vcpu_need(vcpu, VG_CS | VG_CR);
	cs = vcpu->s.seg[VCPU_CS].ar;
	ctxt->cpl = vcpu_cpl(vcpu);
	if (!(vcpu->s.cr0 & X86_CR0_PE)) {
		ctxt->mode = X86_MODE_REAL;
		ctxt->cpl = 0;
	} else if (ctxt->rflags & X86_EFLAGS_VM) {
		ctxt->mode = X86_MODE_VM86;
	} else if (vcpu_long_mode(vcpu) && (cs & SEG_L)) {
		ctxt->mode = X86_MODE_LONG64;
	} else {
		ctxt->mode = cs & SEG_DB ? X86_MODE_PROT32 : X86_MODE_PROT16;
	}
}

static struct x86_emulate_ctxt *load_ctxt(struct kvm_vcpu *vcpu)
{
	struct x86_emulate_ctxt *ctxt = &vcpu->emul->ctxt;

	static_assert(sizeof(ctxt->regs) == sizeof(vcpu->s.regs));
	vcpu_need(vcpu, VG_RIP);
	memcpy(ctxt->regs, vcpu->s.regs, sizeof(ctxt->regs));
	ctxt->rip = vcpu->s.rip;
	ctxt->rflags = vcpu->s.rflags;
	if (unlikely(vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP))
		ctxt->rflags |= X86_EFLAGS_TF;
	set_mode(vcpu, ctxt);
	return ctxt;
}

static void store_ctxt(struct kvm_vcpu *vcpu, struct x86_emulate_ctxt *ctxt)
{
	if (!(ctxt->changed & (X86_CHG_REGS | X86_CHG_TASK)))
		return;
	memcpy(vcpu->s.regs, ctxt->regs, sizeof(ctxt->regs));
	vcpu->s.rip = ctxt->rip;
	vcpu->s.rflags = ctxt->rflags;
	if (unlikely(vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP))
		vcpu->s.rflags &= ~X86_EFLAGS_TF;
	vcpu_touch(vcpu, VG_RIP);
}

static void inject_fault(struct kvm_vcpu *vcpu, const struct x86_fault *f)
{
	if (f->vector == PF_VECTOR) {
		/* A fault ends what is known of the address, as INVLPG does. */
		mmu_invlpg(vcpu, f->address);
		vcpu_inject_pf(vcpu, f->address, f->error);
	} else if (f->vector == DB_VECTOR) {
		vcpu_inject_db(vcpu, f->address);
	} else if (f->has_error) {
		vcpu_inject_error(vcpu, f->vector, f->error);
	} else {
		vcpu_inject(vcpu, f->vector);
	}
}

/* Outside what the emulator can do: tell user space the bytes. */
static int emulation_failed(struct kvm_vcpu *vcpu)
{
	const struct x86_emulate_ctxt *ctxt = &vcpu->emul->ctxt;
	u8 n = min_t(u8, ctxt->fetched, X86_INSN_MAX);
	struct kvm_run *run = vcpu->run;

	vcpu->stats.insn_emulation_fail++;
	if (vcpu_cpl(vcpu)) {
		/* A process must not be able to end its guest. */
		vcpu_inject(vcpu, UD_VECTOR);
		return 1;
	}
	handle_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION);
	if (n) {
		run->emulation_failure.ndata = 3;
		run->emulation_failure.flags =
			KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
		run->emulation_failure.insn_size = n;
		memcpy(run->emulation_failure.insn_bytes, ctxt->fetch, n);
	}
	return 0;
}

/* An instruction or event has committed, at least in part. */
static int after_commit(struct kvm_vcpu *vcpu, struct x86_emulate_ctxt *ctxt,
			int result)
{
	bool halted = vcpu->emul->halted && result == X86_OK;

	if (ctxt->changed) {
		vcpu_need(vcpu, VG_INT);
		vcpu->s.int_shadow = ctxt->int_shadow;
		vcpu_touch(vcpu, VG_INT);
		vcpu_request(vcpu, KVM_REQ_EVENT);
	}
	/* Of a repeated string instruction each element is a step. */
	if ((result == X86_OK || result == X86_RETRY) && ctxt->trap_db) {
		if (!(ctxt->trap_db & DR6_BS) ||
		    !(vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP))
			vcpu_inject_db(vcpu, ctxt->trap_db);
		else if (vcpu->pio.posted || vcpu->mmio.nr_write)
			vcpu_request(vcpu, KVM_REQ_STEPPED);
		else
			return (!halted || vcpu_halt(vcpu)) &&
			       handle_debug_exit(vcpu, DB_VECTOR,
						 ctxt->trap_db);
	}
	/* The trap wakes it. */
	halted = halted && !vcpu->ev.exception.pending;
	if (vcpu->pio.posted) {
		vcpu->pio.posted = false;
		return kvm_io_exit(vcpu, false, vcpu->pio.port, vcpu->pio.size,
				   vcpu->pio.count);
	}
	vcpu->mmio.then_halt = halted;
	if (vcpu->mmio.nr_write) {
		vcpu->mmio.next_write = 0;
		return next_mmio_write(vcpu);
	}
	return halted ? vcpu_halt(vcpu) : 1;
}

static int finish(struct kvm_vcpu *vcpu, struct x86_emulate_ctxt *ctxt,
		  int result, int flags)
{
	gfn_t gfn = gpa_to_gfn(vcpu->emul->hint_gpa);

	store_ctxt(vcpu, ctxt);
	/* What a string's elements wrote goes out first; the next fails again. */
	if (result == X86_UNHANDLED &&
	    (ctxt->changed & (X86_CHG_REGS | X86_CHG_TASK)) == X86_CHG_REGS &&
	    (vcpu->mmio.nr_write || vcpu->pio.posted)) {
		vcpu->mmio.efault = false;
		result = X86_RETRY;
	}
	if (vcpu->mmio.efault) {
		vcpu->mmio.efault = false;
		return -EFAULT;
	}
	switch (result) {
	case X86_FAULT:
		inject_fault(vcpu, &ctxt->fault);
		break;
	case X86_IO:
		/* Writes of earlier elements come first; then we come back. */
		if (!vcpu->mmio.nr_write && !vcpu->pio.posted)
			return exit_for_read(vcpu);
		vcpu->mmio.need = vcpu->pio.need = false;
		break;
	case X86_UNHANDLED:
		vcpu->mmio.nr_write = 0;
		vcpu->pio.posted = false;
		if ((flags & EMUL_PT_WRITE) && mmu_unprotect(vcpu->kvm, gfn))
			return 1;
		if (!(flags & EMUL_GP))
			return emulation_failed(vcpu);
		vcpu_inject_error(vcpu, GP_VECTOR, 0);
	}
	return after_commit(vcpu, ctxt, result);
}

/* Nothing is known of user space's answers yet, nor of the access. */
static void begin(struct kvm_vcpu *vcpu)
{
	vcpu->mmio.nr_read = vcpu->mmio.next_read = vcpu->mmio.nr_write = 0;
	vcpu->pio.answered = false;
	vcpu->emul->halted = vcpu->emul->pt_write = false;
	vcpu->emul->delivering = false;
	vcpu->emul->hint_acc = ~0u;
}

/*
 * @cr2, @gpa: the access that faulted, already translated, or INVALID_GPA.
 * EMUL_RESUME: an answer of user space lies in the log.
 */
int vcpu_emulate(struct kvm_vcpu *vcpu, gva_t cr2, gpa_t gpa, int flags)
{
	struct vcpu_emulator *em = vcpu->emul;
	struct x86_emulate_ctxt *ctxt;
	int r;

	/* What faulted was an event on its way: its stack, say, is a device. */
	if (unlikely(vcpu_event_ready(vcpu)) && !(flags & EMUL_RESUME))
		return vcpu_emulate_event(vcpu);
	vcpu->stats.insn_emulation++;
	if (!(flags & EMUL_RESUME))
		begin(vcpu);
	vcpu->mmio.next_read = 0;
	vcpu->mmio.nr_write = 0;
	em->halted = em->go_native = false;
	em->pt_write = flags & EMUL_PT_WRITE;
	em->hint_gva = cr2;
	em->hint_gpa = gpa;
	em->hint_acc = gpa == INVALID_GPA ? ~0u : flags >> EMUL_ACC_SHIFT;

	ctxt = load_ctxt(vcpu);
	r = x86_emulate(ctxt, vcpu->exit.bytes, vcpu->exit.nr_bytes);
	trace_kvm_emulate_insn(vcpu, ctxt, r == X86_UNHANDLED);
	return finish(vcpu, ctxt, r, flags);
}

/* ------------------------------------------------------------------------
 * A look at the instruction, without the whole decoder
 */

/* Its first bytes behind the prefixes. */
struct insn_peek {
	u8 bytes[16] __aligned(8);
	u8 op;			/* index of the opcode */
	u8 len;			/* valid bytes */
	u8 rex;
};

static bool is_prefix(u8 byte)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:
	case 0x64 ... 0x67:
	case 0xf0: case 0xf2: case 0xf3:
		return true;
	}
	return false;
}

/* Sixteen bytes if the page has them: two loads. */
static bool peek_bytes(struct insn_peek *p, hva_t hva)
{
	u64 __user *from = (u64 __user *)hva;
	u64 *to = (u64 *)p->bytes;

	static_assert(sizeof(p->bytes) == 2 * sizeof(u64));
	p->len = in_page(hva, sizeof(p->bytes));
	if (likely(p->len == sizeof(p->bytes)))
		return !__get_user(to[0], from) && !__get_user(to[1], from + 1);
	return !copy_from_guest(p->bytes, hva, p->len);
}

/* Only what is in the page of RIP; false if that cannot be read. */
static bool peek(struct kvm_vcpu *vcpu, struct insn_peek *p)
{
	struct x86_emulate_ctxt *ctxt = &vcpu->emul->ctxt;
	struct emul_page page;
	u64 la;

	vcpu_need(vcpu, VG_RIP | VG_CS);
	la = vcpu->s.rip;
	if (!vcpu_64bit(vcpu))
		la = (u32)(la + vcpu->s.seg[VCPU_CS].base);
	ctxt->rflags = vcpu->s.rflags;
	vcpu->emul->hint_acc = ~0u;
	if (translate(ctxt, la, X86_ACC_FETCH |
		      (vcpu_cpl(vcpu) == 3 ? X86_ACC_USER : 0), &page) !=
	    X86_OK || page.hva == INVALID_HVA || !peek_bytes(p, page.hva))
		return false;
	p->op = 0;
	p->rex = 0;
	if (likely(p->bytes[0] == 0x0f))
		return p->len >= 3;
	while (p->op < p->len && is_prefix(p->bytes[p->op]))
		p->op++;
	if (vcpu_64bit(vcpu) && p->op < p->len &&
	    (p->bytes[p->op] & 0xf0) == 0x40)
		p->rex = p->bytes[p->op++];
	return p->op + 3 <= p->len;
}

/* Lengths of what is intercepted often and has no operand in memory. */
static int peek_length(struct kvm_vcpu *vcpu)
{
	struct insn_peek p;
	const u8 *op;

	if (!peek(vcpu, &p))
		return 0;
	op = p.bytes + p.op;
	if (op[0] == 0xf4)				/* HLT */
		return p.op + 1;
	if (op[0] != 0x0f)
		return 0;
	switch (op[1]) {
	case 0xa2:					/* CPUID */
	case 0x30: case 0x32: case 0x33:		/* WRMSR RDMSR RDPMC */
	case 0x08: case 0x09:				/* INVD WBINVD */
		return p.op + 2;
	case 0x20: case 0x22:				/* MOV CR */
		return p.op + 3;
	case 0x01:					/* VMMCALL XSETBV ... */
		return op[2] >= 0xc0 ? p.op + 3 : 0;
	}
	return 0;
}

int vcpu_decode_mov_cr(struct kvm_vcpu *vcpu, int cr, bool write)
{
	struct insn_peek p;
	const u8 *op;

	if (!peek(vcpu, &p))
		return -1;
	op = p.bytes + p.op;
	if (op[0] != 0x0f || op[1] != (write ? 0x22 : 0x20) ||
	    (((op[2] >> 3) & 7) | (p.rex & 4) << 1) != cr)
		return -1;
	vcpu->exit.insn_len = p.op + 3;
	return (op[2] & 7) | (p.rex & 1) << 3;
}

bool vcpu_insn_is_hypercall(struct kvm_vcpu *vcpu)
{
	struct insn_peek p;

	if (!peek(vcpu, &p) || p.bytes[p.op] != 0x0f ||
	    p.bytes[p.op + 1] != 0x01 ||
	    (p.bytes[p.op + 2] != 0xc1 && p.bytes[p.op + 2] != 0xd9))
		return false;
	/* For an exception no hardware says it. */
	vcpu->exit.insn_len = p.op + 3;
	return true;
}

/* The length, 0 if there is nothing to be fetched: a fault is queued. */
int vcpu_insn_length(struct kvm_vcpu *vcpu)
{
	struct x86_emulate_ctxt *ctxt;
	int r = peek_length(vcpu);

	if (likely(r))
		return r;
	ctxt = load_ctxt(vcpu);
	r = x86_emulate_decode(ctxt, NULL, 0);

	if (r == X86_OK)
		return ctxt->insn->len;
	if (r == X86_FAULT) {
		inject_fault(vcpu, &ctxt->fault);
		return 0;
	}
	if (!vcpu->mmio.efault)
		return 0;
	vcpu->mmio.efault = false;
	return -EFAULT;
}

static struct x86_event emulators_event(const struct vcpu_event *e)
{
	static const u8 type[] = {
		[VCPU_EVENT_EXCEPTION]	= X86_EVENT_EXCEPTION,
		[VCPU_EVENT_NMI]	= X86_EVENT_NMI,
		[VCPU_EVENT_IRQ]	= X86_EVENT_INTR,
		[VCPU_EVENT_SOFT]	= X86_EVENT_SOFT_INT,
	};

	return (struct x86_event){
		.vector = e->vector, .type = type[e->type],
		.has_error = e->has_error, .error = e->error,
	};
}

/* Also once more, with user space's answers, unless it took the event away. */
static int deliver_event(struct kvm_vcpu *vcpu)
{
	struct x86_emulate_ctxt *ctxt;
	struct x86_event event;
	struct vcpu_event e;
	int result;

	vcpu->emul->delivering = false;
	if (!vcpu_event_ready(vcpu))
		return 1;
	vcpu->mmio.next_read = vcpu->mmio.nr_write = 0;
	ctxt = load_ctxt(vcpu);
	vcpu_event_commit(vcpu, &e);
	event = emulators_event(&e);
	/* As the hardware would inject them; RIP is at the instruction. */
	if (event_is_soft_exception(&e)) {
		event.type = X86_EVENT_SOFT_EXC;
		ctxt->rip++;
	}
	result = x86_deliver_event(ctxt, &event);
	vcpu->emul->delivering = result == X86_IO;
	/* A fault in the task that it switched to is no fault of its delivery. */
	if (result == X86_OK || (ctxt->changed & X86_CHG_TASK))
		vcpu_event_after_exit(vcpu, NULL);
	else
		vcpu->ev.committed = VCPU_EVENT_NONE;	/* it is still to come */
	return finish(vcpu, ctxt, result, 0);
}

/*
 * The hardware cannot deliver the event in this state.  A fault on the way is
 * combined with it as if the hardware had been at it.
 */
int vcpu_emulate_event(struct kvm_vcpu *vcpu)
{
	begin(vcpu);
	return deliver_event(vcpu);
}

/* @len: of the instruction, or 0.  A fault in the old task is one of that. */
int vcpu_emulate_task_switch(struct kvm_vcpu *vcpu, u16 selector, int reason,
			     const struct vcpu_event *ev, int len)
{
	struct x86_emulate_ctxt *ctxt = load_ctxt(vcpu);
	struct x86_event event;
	int result;

	begin(vcpu);
	if (ev)
		event = emulators_event(ev);
	ctxt->rip = (u32)(ctxt->rip + len);
	if (len)
		ctxt->rflags &= ~(u64)X86_EFLAGS_RF;
	result = x86_task_switch(ctxt, selector, reason, ev ? &event : NULL);
	if (ev && (ctxt->changed & X86_CHG_TASK)) {
		vcpu->ev.exception.injected = vcpu->ev.irq.injected = false;
		vcpu->ev.nmi.injected = false;
	}
	return finish(vcpu, ctxt, result, 0);
}

/* ------------------------------------------------------------------------
 * Life cycle
 */

int vcpu_emulator_create(struct kvm_vcpu *vcpu)
{
	vcpu->emul = kzalloc(sizeof(*vcpu->emul), GFP_KERNEL_ACCOUNT);
	if (!vcpu->emul)
		return -ENOMEM;
	vcpu->emul->vcpu = vcpu;
	vcpu->emul->ctxt.ops = &emul_ops;
	return 0;
}

void vcpu_emulator_free(struct kvm_vcpu *vcpu)
{
	kfree(vcpu->emul);
}

void vcpu_emulator_cpuid_changed(struct kvm_vcpu *vcpu)
{
	vcpu->emul->ctxt.cpuid_valid = false;
}
