// SPDX-License-Identifier: GPL-2.0
/*
 * state.c - a case's state as /dev/kvm takes it.
 */
#include "modes.h"

bool intel;
u64 cr4_allowed;

static u64 allowed(u32 features, unsigned int bit, u64 cr4)
{
	return features & (1u << bit) ? cr4 : 0;
}

static void learn_cr4(const struct kvm_cpuid_entry2 *e)
{
	if (e->function == 1)
		cr4_allowed |= allowed(e->edx, 1, X86_CR4_VME | X86_CR4_PVI) |
			       allowed(e->edx, 2, X86_CR4_DE) |
			       allowed(e->edx, 3, X86_CR4_PSE) |
			       allowed(e->edx, 4, X86_CR4_TSD) |
			       allowed(e->edx, 6, X86_CR4_PAE) |
			       allowed(e->edx, 13, X86_CR4_PGE) |
			       allowed(e->edx, 24, X86_CR4_OSFXSR) |
			       allowed(e->edx, 25, X86_CR4_OSXMMEXCPT);
	if (e->function == 7 && e->index == 0)
		cr4_allowed |= allowed(e->ebx, 0, X86_CR4_FSGSBASE) |
			       allowed(e->ebx, 7, X86_CR4_SMEP) |
			       allowed(e->ebx, 20, X86_CR4_SMAP) |
			       allowed(e->ecx, 2, X86_CR4_UMIP);
}

/* Sets `intel` and `cr4_allowed`; returns a bit that is reserved in page tables, or 0. */
u64 mode_learn_cpuid(const struct kvm_cpuid2 *cpuid)
{
	unsigned int bits = 36, i;

	for (i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		learn_cr4(e);
		if (e->function == 0)
			intel = e->ebx == 0x756e6547;
		if (e->function == 0x80000008)
			bits = e->eax & 0xff;
	}
	return bits < 52 ? 1ull << 51 : 0;
}

/* Tables and handlers stay as they are, but for a TSS's stacks. */
int mode_patch_place(const struct mode_case *c, u64 la)
{
	int page = scene_page(c, la);

	if (page < 0 || (page == 0 && la % PAGE < 0x400) || page == HANDLERS_0 / PAGE ||
	    (page >= (int)(GDT / PAGE) && page < (int)(TSS_32 / PAGE)))
		return -1;
	return page * PAGE + la % PAGE;
}

static struct kvm_segment segment(struct x86_seg s)
{
	return (struct kvm_segment){
		.base = s.base, .limit = s.limit, .selector = s.selector,
		.type = s.ar & X86_AR_TYPE, .s = !!(s.ar & X86_AR_S),
		.dpl = (s.ar & X86_AR_DPL) >> X86_AR_DPL_SHIFT,
		.present = !!(s.ar & X86_AR_P), .avl = !!(s.ar & X86_AR_AVL),
		.l = !!(s.ar & X86_AR_L), .db = !!(s.ar & X86_AR_DB),
		.g = !!(s.ar & X86_AR_G), .unusable = !!(s.ar & X86_AR_UNUSABLE),
	};
}

static struct kvm_dtable idt(const struct mode_case *c)
{
	if (c->world == REAL)
		return (struct kvm_dtable){ 0, c->idt == 2 ? 0x7f : 0x3ff };
	if (c->world == LONG)
		return (struct kvm_dtable){ IDT_LONG, c->idt == 2 ? 0x1ff : 0xfff };
	return (struct kvm_dtable){ c->idt == 1 ? IDT_MIXED : IDT, c->idt == 2 ? 0xff : 0x7ff };
}

void mode_sregs(const struct mode_case *c, const struct kvm_sregs *reset, struct kvm_sregs *s)
{
	*s = *reset;
	s->es = segment(case_segment(c, X86_ES));
	s->cs = segment(case_segment(c, X86_CS));
	s->ss = segment(case_segment(c, X86_SS));
	s->ds = segment(case_segment(c, X86_DS));
	s->fs = segment(case_segment(c, X86_FS));
	s->gs = segment(case_segment(c, X86_GS));
	if (c->world == LONG) {
		s->tr = segment(scene_segment(LONG_SEL(L_TSS)));
		s->ldt = segment(scene_segment(LONG_SEL(L_LDT)));
	} else if (c->world != REAL) {
		s->tr = segment(scene_segment(SYSTEM_SEL(c->tss16 ? S_TSS16 : S_TSS32)));
		s->ldt = segment(scene_segment(SYSTEM_SEL(S_LDT)));
	}
	if (c->world != REAL)
		s->ldt.type = 2;
	/* TCG keeps an available TSS in TR, and aborts on a busy one. */
	if (c->world != REAL && !intel)
		s->tr.type &= ~2;
	s->gdt = (struct kvm_dtable){ GDT, GDT_ENTRIES * 8 - 1 };
	s->idt = idt(c);
	s->cr0 = c->cr0;
	s->cr2 = 0x5a5a5a5a;
	s->cr3 = scene_cr3(c->world);
	s->cr4 = c->cr4;
	s->cr8 = 0;
	s->efer = c->efer;
	memset(s->interrupt_bitmap, 0, sizeof(s->interrupt_bitmap));
}

void mode_regs(const struct mode_case *c, struct kvm_regs *r)
{
	const u64 *regs = c->t.regs;

	*r = (struct kvm_regs){
		.rax = regs[X86_RAX], .rcx = regs[X86_RCX], .rdx = regs[X86_RDX],
		.rbx = regs[X86_RBX], .rsp = regs[X86_RSP], .rbp = regs[X86_RBP],
		.rsi = regs[X86_RSI], .rdi = regs[X86_RDI],
		.r8 = regs[8], .r9 = regs[9], .r10 = regs[10], .r11 = regs[11],
		.r12 = regs[12], .r13 = regs[13], .r14 = regs[14], .r15 = regs[15],
		.rip = c->t.rip, .rflags = c->t.rflags,
	};
}
