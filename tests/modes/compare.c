// SPDX-License-Identifier: GPL-2.0
/*
 * compare.c - what differs between two runs of a case.
 *
 * Everything that user space can see is compared: registers with the hidden parts of
 * segments, control, debug and model-specific registers, FPU, pending events, memory,
 * and all exits on the way with their data.  What the architecture leaves undefined is
 * taken off before (../emulator/undefined.c).
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "modes.h"

/* ------------------------------------------------------------------------
 * A decoder
 */

static struct x86_emulate_ctxt decoder;
static struct x86_seg decoder_cs;

static int no_memory(struct x86_emulate_ctxt *c, u64 la, void *buf, unsigned int len,
		     unsigned int acc)
{
	memset(buf, FILLER, len);
	return X86_OK;
}

static void decoder_seg(struct x86_emulate_ctxt *c, enum x86_sreg sreg, struct x86_seg *seg)
{
	*seg = decoder_cs;
}

static int decoder_reg(struct x86_emulate_ctxt *c, u64 reg, u64 *val)
{
	*val = 0;
	return X86_OK;
}

static void decoder_cpuid(struct x86_emulate_ctxt *c, u32 leaf, u32 subleaf, u32 regs[4])
{
	unsigned int i;

	memset(regs, 0, 16);
	for (i = 0; i < guest_cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &guest_cpuid->entries[i];

		if (e->function != leaf || e->index != subleaf)
			continue;
		regs[0] = e->eax;
		regs[1] = e->ebx;
		regs[2] = e->ecx;
		regs[3] = e->edx;
	}
}

static const struct x86_emulate_ops decoder_ops = {
	.read = no_memory, .get_seg = decoder_seg, .get_reg = decoder_reg,
	.cpuid = decoder_cpuid,
};

const struct x86_insn *case_decode(const struct mode_case *c)
{
	u8 bytes[X86_INSN_MAX];

	memset(bytes, FILLER, sizeof(bytes));
	memcpy(bytes, c->t.code, c->t.len < sizeof(bytes) ? c->t.len : sizeof(bytes));
	decoder.ops = &decoder_ops;
	decoder_cs = (struct x86_seg){ .limit = ~0u };
	decoder.mode = case_mode(c);
	decoder.cpl = c->cpl;
	decoder.rip = c->t.rip;
	memcpy(decoder.regs, c->t.regs, sizeof(decoder.regs));
	if (x86_emulate_decode(&decoder, bytes, sizeof(bytes)) != X86_OK)
		return NULL;
	return decoder.insn;
}

u64 case_operand(const struct mode_case *c)
{
	return emul_effective_address(&decoder);
}

/* ------------------------------------------------------------------------
 * Differences
 */

__attribute__((format(printf, 3, 4)))
static void differ(struct comparison *cmp, unsigned int what, const char *format, ...)
{
	va_list args;

	cmp->what |= what;
	if (++cmp->differences > 24 || cmp->quiet)
		return;
	va_start(args, format);
	printf("  ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

static void check(struct comparison *cmp, unsigned int what, const char *name, u64 native,
		  u64 emulated)
{
	if (native != emulated)
		differ(cmp, what, "%s: native %llx, emulated %llx", name,
		       (unsigned long long)native, (unsigned long long)emulated);
}

static void compare_regs(struct comparison *cmp)
{
	static const struct { const char *name; u8 reg; u16 offset; } regs[] = {
#define R(name, reg)	{ #name, reg, offsetof(struct kvm_regs, name) }
		R(rax, X86_RAX), R(rcx, X86_RCX), R(rdx, X86_RDX), R(rbx, X86_RBX),
		R(rsp, X86_RSP), R(rbp, X86_RBP), R(rsi, X86_RSI), R(rdi, X86_RDI),
		R(r8, 8), R(r9, 9), R(r10, 10), R(r11, 11), R(r12, 12), R(r13, 13), R(r14, 14),
		R(r15, 15),
#undef R
	};
	const struct kvm_regs *n = &cmp->native->regs, *e = &cmp->emulated->regs;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(regs); i++)
		if (!(cmp->undefined.regs & (1u << regs[i].reg)))
			check(cmp, D_GPRS, regs[i].name, *(u64 *)((u8 *)n + regs[i].offset),
			      *(u64 *)((u8 *)e + regs[i].offset));
	check(cmp, D_RIP, "rip", n->rip, e->rip);
	cmp->flags = (n->rflags ^ e->rflags) & ~cmp->undefined.rflags;
	if (cmp->flags)
		check(cmp, D_RFLAGS, "rflags", n->rflags, e->rflags);
}

static u32 rights(const struct kvm_segment *s)
{
	return s->type | s->s << 4 | s->dpl << 5 | s->present << 7 | s->avl << 12 |
	       s->l << 13 | s->db << 14 | s->g << 15;
}

static void compare_segment(struct comparison *cmp, unsigned int what, const char *name,
			    const struct kvm_segment *n, const struct kvm_segment *e)
{
	/* With a null selector there is no hidden part, but for SS's DPL. */
	bool unusable = (n->unusable && e->unusable) || (what == D_LDTR && n->selector <= 3);

	if (n->selector == e->selector && (unusable || (n->base == e->base &&
	    n->limit == e->limit && rights(n) == rights(e) && n->unusable == e->unusable)))
		return;
	differ(cmp, what, "%s: native %x:%llx+%x(%x%s), emulated %x:%llx+%x(%x%s)", name,
	       n->selector, n->base, n->limit, rights(n), n->unusable ? ", unusable" : "",
	       e->selector, e->base, e->limit, rights(e), e->unusable ? ", unusable" : "");
}

static void compare_sregs(struct comparison *cmp)
{
	const struct kvm_sregs *n = &cmp->native->sregs, *e = &cmp->emulated->sregs;
	struct kvm_segment n_tr = n->tr, e_tr = e->tr;

	/* See state.c: the busy bit is of no use there. */
	n_tr.type |= intel ? 0 : 2;
	e_tr.type |= intel ? 0 : 2;
	compare_segment(cmp, D_SEGMENTS, "es", &n->es, &e->es);
	compare_segment(cmp, D_SEGMENTS, "cs", &n->cs, &e->cs);
	compare_segment(cmp, D_SS, "ss", &n->ss, &e->ss);
	compare_segment(cmp, D_SEGMENTS, "ds", &n->ds, &e->ds);
	compare_segment(cmp, D_SEGMENTS, "fs", &n->fs, &e->fs);
	compare_segment(cmp, D_SEGMENTS, "gs", &n->gs, &e->gs);
	compare_segment(cmp, D_LDTR, "ldtr", &n->ldt, &e->ldt);
	compare_segment(cmp, D_SEGMENTS, "tr", &n_tr, &e_tr);
	check(cmp, D_CONTROL, "gdtr.base", n->gdt.base, e->gdt.base);
	check(cmp, D_CONTROL, "gdtr.limit", n->gdt.limit, e->gdt.limit);
	check(cmp, D_CONTROL, "idtr.base", n->idt.base, e->idt.base);
	check(cmp, D_CONTROL, "idtr.limit", n->idt.limit, e->idt.limit);
	check(cmp, D_CONTROL, "cr0", n->cr0, e->cr0);
	check(cmp, D_CONTROL, "cr2", n->cr2, e->cr2);
	check(cmp, D_CONTROL, "cr3", n->cr3, e->cr3);
	check(cmp, D_CONTROL, "cr4", n->cr4, e->cr4);
	check(cmp, D_CONTROL, "cr8", n->cr8, e->cr8);
	check(cmp, D_CONTROL, "efer", n->efer, e->efer);
}

static void compare_fpu(struct comparison *cmp)
{
	const struct kvm_fpu *n = &cmp->native->fpu, *e = &cmp->emulated->fpu;
	char name[16];
	unsigned int i;

	check(cmp, D_FPU, "x87 control", n->fcw, e->fcw);
	check(cmp, D_FPU, "x87 status", n->fsw, e->fsw);
	check(cmp, D_FPU, "x87 tags", n->ftwx, e->ftwx);
	check(cmp, D_FPU, "mxcsr", n->mxcsr, e->mxcsr);
	/* TCG does not make the upper bits ones (SDM volume 1, 9.6.2). */
	for (i = 0; i < 8 && !cmp->undefined.x87; i++) {
		snprintf(name, sizeof(name), "st%u or mm%u", i, i);
		check(cmp, D_FPU, name, memcmp(n->fpr[i], e->fpr[i], intel ? 10 : 8), 0);
	}
	for (i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "xmm%u", i);
		check(cmp, D_FPU, name, memcmp(n->xmm[i], e->xmm[i], 16), 0);
	}
}

static void compare_other(struct comparison *cmp)
{
	const struct outcome *n = cmp->native, *e = cmp->emulated;
	u64 unsure = cmp->c->t.rflags & X86_EFLAGS_TF ? 0 : X86_TRAP_BS;
	char name[16];
	unsigned int i;

	check(cmp, D_OTHER, "exception pending", n->events.exception.injected,
	      e->events.exception.injected);
	check(cmp, D_OTHER, "interrupt shadow", n->events.interrupt.shadow,
	      e->events.interrupt.shadow);
	check(cmp, D_OTHER, "NMI masked", n->events.nmi.masked, e->events.nmi.masked);
	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "dr%u", i);
		check(cmp, D_OTHER, name, n->debug.db[i], e->debug.db[i]);
	}
	/*
	 * A #DB may tell of breakpoints that are off (SDM vol. 3, 17.2.3), and which
	 * there are in the hardware meanwhile is not up to the guest.
	 */
	if (!(cmp->c->dr7 & 0xff) && outcome_vector(n) == EXC_DB)
		unsure |= 0xf;
	check(cmp, D_OTHER, "dr6", n->debug.dr6 & ~unsure, e->debug.dr6 & ~unsure);
	check(cmp, D_OTHER, "dr7", n->debug.dr7, e->debug.dr7);
	for (i = 0; i < NR_MSRS; i++) {
		snprintf(name, sizeof(name), "MSR %x", case_msrs[i]);
		check(cmp, D_OTHER, name, n->msr[i], e->msr[i]);
	}
}

static void compare_trace(struct comparison *cmp)
{
	const struct outcome *n = cmp->native, *e = cmp->emulated;
	unsigned int i;

	check(cmp, D_TRACE, "exits", n->nr_trace, e->nr_trace);
	for (i = 0; i < n->nr_trace && i < e->nr_trace; i++) {
		const struct trace *a = &n->trace[i], *b = &e->trace[i];

		if (!memcmp(a, b, sizeof(*a)))
			continue;
		differ(cmp, D_TRACE,
		       "exit %u: native %u (%llx, %llx, %llx), emulated %u (%llx, %llx, %llx)",
		       i, a->reason, (unsigned long long)a->a, (unsigned long long)a->b,
		       (unsigned long long)a->data, b->reason, (unsigned long long)b->a,
		       (unsigned long long)b->b, (unsigned long long)b->data);
	}
}

/* ------------------------------------------------------------------------
 * Memory
 */

static bool is_table(unsigned int at)
{
	return at / PAGE == GDT / PAGE || at / PAGE == LDT / PAGE;
}

/*
 * Frames hold flags: undefined ones, TF of a debugger's step, and RF, which TCG does not
 * set for a fault (SDM volume 3, "Resume Flag").  TSSs hold them, too; other tables do not.
 */
static bool same_byte(const struct comparison *cmp, unsigned int at, u8 n, u8 e)
{
	u64 stack = cmp->emulated->sregs.ss.base + cmp->emulated->regs.rsp;
	u8 may = (u8)cmp->undefined.rflags | (u8)(cmp->undefined.rflags >> 8) | 1;

	return n == e || ((!is_table(at) || at - stack < 64) && !((n ^ e) & ~may));
}

static unsigned int kind_of_byte(const struct comparison *cmp, unsigned int at, u8 n, u8 e)
{
	if (is_table(at))
		return at % 8 == 5 && (n ^ e) == 1 ? D_ACCESSED : D_TABLES;
	return e == vm_initial(cmp->c, at) ? D_PARTIAL : D_MEMORY;
}

/* The page's contents after a run that may not have touched it. */
static u8 byte_after(const struct comparison *cmp, const struct outcome *o, unsigned int at)
{
	if (o->changed & (1u << at / PAGE))
		return o->page[at / PAGE][at % PAGE];
	return vm_initial(cmp->c, at);
}

static void compare_page(struct comparison *cmp, unsigned int page)
{
	unsigned int at;

	for (at = page * PAGE; at < (page + 1) * PAGE; at++) {
		u8 n = byte_after(cmp, cmp->native, at);
		u8 e = byte_after(cmp, cmp->emulated, at);

		if (same_byte(cmp, at, n, e))
			continue;
		cmp->bytes++;
		cmp->last_byte = n ^ e;
		differ(cmp, kind_of_byte(cmp, at, n, e),
		       "memory at %x: native %02x, emulated %02x", at, n, e);
	}
}

static void compare_memory(struct comparison *cmp)
{
	const struct outcome *n = cmp->native, *e = cmp->emulated;
	unsigned int i;

	if (cmp->undefined.memory)
		return;
	for (i = 0; i < SCENE_PAGES; i++) {
		u32 page = 1u << i;

		if (!((n->changed | e->changed) & page) ||
		    ((n->changed & e->changed & page) && !memcmp(n->page[i], e->page[i], PAGE)))
			continue;
		compare_page(cmp, i);
	}
}

/* ------------------------------------------------------------------------ */

/* What came in the end: the handler of a fault, for one. */
static void compare_end(struct comparison *cmp)
{
	const struct outcome *n = cmp->native, *e = cmp->emulated;
	int vn = outcome_vector(n), ve = outcome_vector(e);

	check(cmp, D_END, "exit reason", n->reason, e->reason);
	check(cmp, D_END, "its detail", n->sub, e->sub);
	if (vn != ve)
		differ(cmp, D_END, "ended in the handler of: native %d, emulated %d", vn, ve);
}

unsigned int compare(struct comparison *cmp)
{
	cmp->differences = cmp->what = cmp->bytes = 0;
	compare_end(cmp);
	/* The state of a processor that has shut down is undefined. */
	if (cmp->native->reason == KVM_EXIT_SHUTDOWN && cmp->emulated->reason == KVM_EXIT_SHUTDOWN)
		return cmp->differences;
	compare_trace(cmp);
	compare_regs(cmp);
	compare_sregs(cmp);
	compare_fpu(cmp);
	compare_other(cmp);
	compare_memory(cmp);
	return cmp->differences;
}
