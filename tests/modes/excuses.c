// SPDX-License-Identifier: GPL-2.0
/*
 * excuses.c - differences that are not the emulator's fault, each with the manual's word.
 *
 * The processors here are emulated themselves.  QEMU's TCG (the AMD host) leaves out
 * checks that processors make; Bochs (the Intel host) makes nearly all.  Where they and
 * the manual differ, our emulator does what the manual says.  A row looks at a case that
 * came out differently, and says whether that is all there is to it; how often each was
 * needed is part of the summary, so that none hides more than it should.
 */
#include <string.h>
#include "modes.h"
#include "../../emulate/handlers.h"

static bool row_is(const struct comparison *cmp, int (*exec)(struct x86_emulate_ctxt *c))
{
	return cmp->insn->row->exec == exec;
}

static bool ends_in(const struct outcome *o, int vector)
{
	return outcome_vector(o) == vector;
}

/* Nothing differs but @what. */
static bool only(const struct comparison *cmp, unsigned int what)
{
	return !(cmp->what & ~what);
}

/* Do all segments start at 0 and allow everything? */
static bool is_flat(const struct mode_case *c)
{
	unsigned int i;

	if (c->kind <= KIND_VM86)
		return false;
	for (i = X86_ES; i <= X86_GS; i++) {
		struct x86_seg seg = case_segment(c, i);

		if (seg.base || (i != X86_CS && (seg.limit != ~0u || (seg.ar & 0xf) != 3)))
			return false;
	}
	return true;
}

static bool in_task16(const struct outcome *o)
{
	unsigned int selector = o->sregs.tr.selector & ~7;

	return selector == SYSTEM_SEL(S_NEXT16) || selector == SYSTEM_SEL(S_BUSY16);
}

/* The emulated end is a fault of this vector, or what became of it on the way. */
static bool faults_with(const struct comparison *cmp, int vector)
{
	const struct outcome *e = cmp->emulated;

	return ends_in(e, vector) || ends_in(e, EXC_DF) || e->reason == KVM_EXIT_SHUTDOWN ||
	       (cmp->c->idt == 1 && in_task16(e));
}

static bool is_far(const struct comparison *cmp)
{
	return row_is(cmp, emul_call_far) || row_is(cmp, emul_call_far_mem) ||
	       row_is(cmp, emul_jmp_far) || row_is(cmp, emul_jmp_far_mem) ||
	       row_is(cmp, emul_ret_far) || row_is(cmp, emul_iret);
}

/* ------------------------------------------------------------------------
 * TCG
 */

static bool operand_size(const struct comparison *cmp)
{
	return (row_is(cmp, emul_movbe) || row_is(cmp, emul_crc32)) &&
	       (cmp->c->kind < KIND_32 || cmp->insn->op_bytes == 8);
}

static bool modify_faults_as_read(const struct comparison *cmp)
{
	if (only(cmp, D_MEMORY | D_TABLES) && cmp->bytes == 1 && cmp->last_byte == 2)
		return true;
	/* Two pages: the first is read-only, the second not there. */
	return only(cmp, D_MEMORY | D_CONTROL) && cmp->bytes == 1 &&
	       ends_in(cmp->native, EXC_PF) && !(cmp->native->sregs.cr2 % PAGE);
}

static bool syscall_real(const struct comparison *cmp)
{
	return row_is(cmp, emul_syscall) && cmp->c->world == REAL;
}

static bool syscall_flags(const struct comparison *cmp)
{
	return row_is(cmp, emul_syscall) && only(cmp, D_RFLAGS) && !(cmp->flags & ~EMUL_FL_ARITH);
}

static bool sysenter_long(const struct comparison *cmp)
{
	return (row_is(cmp, emul_sysenter) || row_is(cmp, emul_sysexit)) &&
	       cmp->c->world == LONG &&
	       (faults_with(cmp, EXC_UD) || faults_with(cmp, EXC_GP));
}

static bool injected_fault(const struct comparison *cmp)
{
	/* Or a task switch on the way begins anew with what is half done. */
	if (cmp->c->idt == 1 && ends_in(cmp->emulated, EXC_DF))
		return true;
	return (ends_in(cmp->emulated, EXC_DF) && !ends_in(cmp->native, EXC_DF)) ||
	       (cmp->emulated->reason == KVM_EXIT_SHUTDOWN &&
		cmp->native->reason != KVM_EXIT_SHUTDOWN);
}

static bool trap_after_sti(const struct comparison *cmp)
{
	return row_is(cmp, emul_sti);
}

static bool trap_after_pause(const struct comparison *cmp)
{
	return row_is(cmp, emul_pause_xchg);
}

static bool int1(const struct comparison *cmp)
{
	return row_is(cmp, emul_int1);
}

static bool ist_stack(const struct comparison *cmp)
{
	return cmp->c->world == LONG && only(cmp, D_SS) &&
	       cmp->native->sregs.ss.selector <= 3;
}

static bool ud_after_gp(const struct comparison *cmp)
{
	if (row_is(cmp, emul_svm))
		return true;
	return (row_is(cmp, emul_xsetbv) || row_is(cmp, emul_monitor) ||
		row_is(cmp, emul_mwait)) && faults_with(cmp, EXC_UD);
}

static bool iret_vif(const struct comparison *cmp)
{
	return row_is(cmp, emul_iret) && only(cmp, D_RFLAGS | D_MEMORY | D_PARTIAL) &&
	       !(cmp->flags & ~(u64)(X86_EFLAGS_VIF | X86_EFLAGS_VIP | X86_EFLAGS_RF)) &&
	       cmp->bytes <= 1;
}

static bool alignment(const struct comparison *cmp)
{
	return (cmp->c->cr0 & X86_CR0_AM) && cmp->c->cpl == 3 && faults_with(cmp, EXC_AC);
}

static bool x87_pending(const struct comparison *cmp)
{
	return (cmp->insn->row->flags & (X87STATE | MMXSTATE)) && faults_with(cmp, EXC_MF);
}

/* Does the operand, or the stack, begin close below 4 GiB? */
static bool near_wrap(const struct comparison *cmp)
{
	const u64 *regs = cmp->c->t.regs;

	return cmp->c->kind != KIND_64 &&
	       ((u32)case_operand(cmp->c) > 0xffffffe0 ||
		(u32)(regs[X86_RSP] - 0x40) > 0xffffff80 ||
		(u32)(regs[X86_RSI] + 0x40) < 0x80 || (u32)(regs[X86_RDI] + 0x40) < 0x80);
}

static bool segment_checks(const struct comparison *cmp)
{
	bool override = cmp->insn->seg == X86_CS && cmp->c->kind != KIND_64;

	return ((!is_flat(cmp->c) && cmp->c->kind != KIND_64) || override || near_wrap(cmp)) &&
	       (faults_with(cmp, EXC_GP) || faults_with(cmp, EXC_SS));
}

static bool is_flat_code(const struct mode_case *c)
{
	return case_segment(c, X86_CS).limit == ~0u;
}

static bool rip_limit(const struct comparison *cmp)
{
	const struct kvm_sregs *n = &cmp->native->sregs;

	return faults_with(cmp, EXC_GP) &&
	       ((!n->cs.l && cmp->native->regs.rip > n->cs.limit) ||
		((is_far(cmp) || !is_flat_code(cmp->c)) && ends_in(cmp->native, EXC_DB)));
}

static bool task16_flags(const struct comparison *cmp)
{
	return only(cmp, D_RFLAGS | D_MEMORY | D_PARTIAL) && !(u16)cmp->flags &&
	       in_task16(cmp->native);
}

static bool sse_disabled(const struct comparison *cmp)
{
	return (cmp->insn->row->flags & (VECSTATE | MMXSTATE)) && faults_with(cmp, EXC_UD) &&
	       (!(cmp->c->cr4 & X86_CR4_OSFXSR) || (cmp->c->cr0 & X86_CR0_EM));
}

static bool sysret(const struct comparison *cmp)
{
	return row_is(cmp, emul_sysret) &&
	       only(cmp, D_SS | D_RFLAGS | D_MEMORY | D_PARTIAL) &&
	       !(cmp->flags & ~(u64)(X86_EFLAGS_VM | X86_EFLAGS_VIF | X86_EFLAGS_VIP |
				     X86_EFLAGS_RF));
}

static bool ret_imm(const struct comparison *cmp)
{
	return (row_is(cmp, emul_ret) || row_is(cmp, emul_ret_far)) &&
	       (cmp->insn->imm & 0x8000);
}

/* May be together with what iret_vif() is about. */
static bool accessed_cs(const struct comparison *cmp)
{
	const struct kvm_sregs *n = &cmp->native->sregs, *e = &cmp->emulated->sregs;

	return only(cmp, D_SEGMENTS | D_SS | D_ACCESSED | D_RFLAGS | D_MEMORY) && cmp->bytes <= 3 &&
	       (cmp->what & D_ACCESSED) && (n->cs.type | 1) == e->cs.type &&
	       (n->ss.type | 1) == e->ss.type && (!cmp->flags || row_is(cmp, emul_iret));
}

static bool enter_top(const struct comparison *cmp)
{
	return row_is(cmp, emul_enter);
}

static bool idt_error_code(const struct comparison *cmp)
{
	return cmp->c->world == LONG && row_is(cmp, emul_int) &&
	       only(cmp, D_MEMORY | D_PARTIAL) && cmp->bytes <= 2 &&
	       outcome_vector(cmp->native) == outcome_vector(cmp->emulated);
}

static bool far_as_supervisor(const struct comparison *cmp)
{
	u64 smap = X86_CR4_SMAP;
	/* Handlers that stay at CPL 3 push as users. */
	bool conforming = (cmp->c->idt == 1 || row_is(cmp, emul_int)) &&
			  (ends_in(cmp->native, EXC_DF) || ends_in(cmp->emulated, EXC_DF) ||
			   ends_in(cmp->emulated, EXC_PF));

	/* Frames on inner stacks: the AC of the outer level may count, or not. */
	if (cmp->c->cpl && (cmp->c->cr4 & smap) && (cmp->c->t.rflags & X86_EFLAGS_AC))
		return true;
	return cmp->c->cpl == 3 && (conforming || (is_far(cmp) &&
	       (ends_in(cmp->native, EXC_PF) || ends_in(cmp->emulated, EXC_PF) ||
		(cmp->c->cr4 & smap))));
}

static bool clflush(const struct comparison *cmp)
{
	return row_is(cmp, emul_clflush);
}

static bool table_base(const struct comparison *cmp)
{
	return (row_is(cmp, emul_lgdt) || row_is(cmp, emul_lidt)) && cmp->c->kind == KIND_64 &&
	       faults_with(cmp, EXC_GP);
}

static bool group3(const struct comparison *cmp)
{
	return (cmp->insn->opcode & 0xfe) == 0xf6 && (cmp->insn->reg & 7) == 1;
}

static bool dr7_reserved(const struct comparison *cmp)
{
	return row_is(cmp, emul_mov_to_dr) && only(cmp, D_OTHER);
}

static bool general_detect(const struct comparison *cmp)
{
	return (row_is(cmp, emul_mov_to_dr) || row_is(cmp, emul_mov_from_dr)) &&
	       (cmp->c->dr7 & 0x2000) && faults_with(cmp, EXC_DB);
}

static bool conforming_rpl(const struct comparison *cmp)
{
	return is_far(cmp) && only(cmp, D_SEGMENTS) &&
	       (cmp->native->sregs.cs.selector ^ cmp->emulated->sregs.cs.selector) < 4 &&
	       (cmp->emulated->sregs.cs.type & 12) == 12;
}

static bool lsl_tss16(const struct comparison *cmp)
{
	return (row_is(cmp, emul_lsl) || row_is(cmp, emul_lar)) && cmp->c->world == LONG &&
	       only(cmp, D_GPRS | D_RFLAGS);
}

static bool rdseed(const struct comparison *cmp)
{
	return row_is(cmp, emul_rdseed) && faults_with(cmp, EXC_UD);
}

static bool fs_offset(const struct comparison *cmp)
{
	return cmp->c->kind == KIND_64 && cmp->insn->seg >= X86_FS &&
	       cmp->insn->seg <= X86_GS && faults_with(cmp, EXC_GP);
}

static bool stack_fault_as_gp(const struct comparison *cmp)
{
	return cmp->c->kind == KIND_64 && ends_in(cmp->native, EXC_GP) &&
	       faults_with(cmp, EXC_SS);
}

static bool pusha_order(const struct comparison *cmp)
{
	return row_is(cmp, emul_pusha) && only(cmp, D_CONTROL | D_PARTIAL | D_MEMORY) &&
	       ends_in(cmp->native, EXC_PF);
}

static bool mmx_before_fault(const struct comparison *cmp)
{
	return (cmp->insn->row->flags & MMXSTATE) && only(cmp, D_FPU) &&
	       outcome_vector(cmp->native) > 0;
}

static bool gd_stays(const struct comparison *cmp)
{
	return only(cmp, D_OTHER | D_ACCESSED) && (cmp->c->dr7 & 0x2000) &&
	       ends_in(cmp->native, EXC_DB);
}

static bool gate_to_absent(const struct comparison *cmp)
{
	return is_far(cmp) && ends_in(cmp->native, EXC_GP) && faults_with(cmp, EXC_NP);
}

static bool fldcw(const struct comparison *cmp)
{
	return row_is(cmp, emul_fldcw) && only(cmp, D_FPU);
}

static bool task_step(const struct comparison *cmp)
{
	return in_task16(cmp->native) && in_task16(cmp->emulated) &&
	       (cmp->native->reason == KVM_EXIT_DEBUG || ends_in(cmp->native, EXC_DB) ||
		(cmp->c->t.rflags & X86_EFLAGS_TF)) &&
	       cmp->emulated->reason == KVM_EXIT_HLT;
}

static bool trap_after_lss(const struct comparison *cmp)
{
	return row_is(cmp, emul_load_far_pointer) && cmp->insn->opcode == 0xb2;
}

static bool pointer_wrap(const struct comparison *cmp)
{
	return (row_is(cmp, emul_load_far_pointer) || row_is(cmp, emul_jmp_far_mem) ||
		row_is(cmp, emul_call_far_mem) || row_is(cmp, emul_bound)) &&
	       cmp->insn->addr_bytes == 2 && (u16)(case_operand(cmp->c) + 8) < 8;
}

static bool cr_upper(const struct comparison *cmp)
{
	return row_is(cmp, emul_mov_to_cr) && cmp->c->kind == KIND_64 &&
	       cmp->c->t.regs[cmp->insn->rm] >> 32 && faults_with(cmp, EXC_GP);
}

static bool pop_order(const struct comparison *cmp)
{
	return (row_is(cmp, emul_ret_far) || row_is(cmp, emul_iret)) &&
	       ((only(cmp, D_CONTROL) && ends_in(cmp->native, EXC_PF)) || only(cmp, D_TRACE) ||
		(ends_in(cmp->native, EXC_GP) && faults_with(cmp, EXC_PF)) ||
		(only(cmp, D_MEMORY | D_PARTIAL) && cmp->bytes <= 2 &&
		 ends_in(cmp->native, EXC_GP) && ends_in(cmp->emulated, EXC_GP)));
}

static bool mxcsr(const struct comparison *cmp)
{
	return (row_is(cmp, emul_ldmxcsr) || row_is(cmp, emul_fxrstor)) &&
	       faults_with(cmp, EXC_GP);
}

static bool ltr_unchecked(const struct comparison *cmp)
{
	return (row_is(cmp, emul_ltr) || row_is(cmp, emul_lldt)) && faults_with(cmp, EXC_GP) &&
	       (cmp->c->world == LONG || cmp->native->sregs.tr.selector <= 3);
}

static bool gate_offset(const struct comparison *cmp)
{
	return cmp->c->world == LONG && (is_far(cmp) || row_is(cmp, emul_int)) &&
	       faults_with(cmp, EXC_GP) &&
	       (cmp->native->regs.rip >> 47 || ends_in(cmp->native, EXC_GP));
}

static bool code_with_l_and_d(const struct comparison *cmp)
{
	const struct kvm_segment *cs = &cmp->native->sregs.cs;

	return cmp->c->world == LONG && cs->l && cs->db && faults_with(cmp, EXC_GP);
}

static bool arpl(const struct comparison *cmp)
{
	return row_is(cmp, emul_arpl) && (cmp->emulated->reason == KVM_EXIT_DEBUG ||
					  ends_in(cmp->native, EXC_PF));
}

static bool call_to_64(const struct comparison *cmp)
{
	return is_far(cmp) && cmp->c->world == LONG && cmp->c->kind != KIND_64 &&
	       cmp->emulated->sregs.cs.l;
}

static bool rotate_before_fault(const struct comparison *cmp)
{
	/* Or before the host's own fault, and again after it. */
	if ((row_is(cmp, emul_rcl) || row_is(cmp, emul_rcr)) &&
	    only(cmp, D_RFLAGS | D_MEMORY | D_PARTIAL))
		return true;
	return only(cmp, D_RFLAGS | D_MEMORY) && cmp->bytes <= 2 &&
	       !(cmp->flags & ~EMUL_FL_ARITH) && ends_in(cmp->native, EXC_PF);
}

static bool fxsave_address(const struct comparison *cmp)
{
	bool fpu = !(cmp->c->cr4 & X86_CR4_OSFXSR) || ends_in(cmp->native, EXC_PF);

	return (row_is(cmp, emul_fxsave) || row_is(cmp, emul_fxrstor)) &&
	       only(cmp, D_CONTROL | D_MEMORY | D_TABLES | D_ACCESSED | (fpu ? D_FPU : 0));
}

static bool rip_immediate(const struct comparison *cmp)
{
	return (row_is(cmp, emul_shld) || row_is(cmp, emul_shrd)) &&
	       cmp->insn->base == EMUL_RIP;
}

static bool null_stack(const struct comparison *cmp)
{
	return cmp->c->kind == KIND_64 && (cmp->native->sregs.ss.selector & ~3) == 0 &&
	       (row_is(cmp, emul_mov_to_sreg) || row_is(cmp, emul_load_far_pointer) ||
		is_far(cmp)) && faults_with(cmp, EXC_GP);
}

/* An instruction that changes itself, and is done once more. */
static bool self_modifying(const struct comparison *cmp)
{
	u64 la = case_linear(cmp->c, cmp->insn->seg, case_operand(cmp->c));

	return la - cmp->c->t.code_la + 16 < 48;
}

static bool vector_ts(const struct comparison *cmp)
{
	return (cmp->insn->row->flags & (VECSTATE | MMXSTATE)) && (cmp->c->cr0 & X86_CR0_TS) &&
	       faults_with(cmp, EXC_NM);
}

static bool stack_wrap16(const struct comparison *cmp)
{
	return cmp->c->kind != KIND_64 && !(case_segment(cmp->c, X86_SS).ar & X86_AR_DB) &&
	       (u16)(cmp->c->t.regs[X86_RSP] + 0x20) < 0x40;
}

static bool string_rf(const struct comparison *cmp)
{
	return is_string(cmp->insn->row) && only(cmp, D_RFLAGS) && cmp->flags == X86_EFLAGS_RF;
}

static bool leaves_protection(const struct comparison *cmp)
{
	return (row_is(cmp, emul_mov_to_cr) || row_is(cmp, emul_lmsw)) &&
	       cmp->c->world != REAL && !(cmp->emulated->sregs.cr0 & X86_CR0_PE);
}

static bool iret_vm(const struct comparison *cmp)
{
	return row_is(cmp, emul_iret) && cmp->c->cpl && (cmp->native->regs.rflags & X86_EFLAGS_VM);
}

static bool loop_repeat(const struct comparison *cmp)
{
	return row_is(cmp, emul_loop) && (cmp->insn->prefixes & PFX_REP);
}

static bool masked_move(const struct comparison *cmp)
{
	return (row_is(cmp, emul_maskmovq) || row_is(cmp, emul_maskmovdqu)) &&
	       only(cmp, D_CONTROL | D_FPU);
}

static bool cmps_order(const struct comparison *cmp)
{
	return row_is(cmp, emul_cmps) && (only(cmp, D_TRACE | D_CONTROL) ||
	       (outcome_vector(cmp->native) > 0 && outcome_vector(cmp->emulated) > 0));
}

/* As same_byte() in compare.c, where the stack is a device. */
static bool frame_in_device(const struct comparison *cmp)
{
	return only(cmp, D_TRACE) && cmp->native->nr_trace == cmp->emulated->nr_trace &&
	       outcome_vector(cmp->native) >= 0;
}

static bool override64(const struct comparison *cmp)
{
	unsigned int i;

	for (i = 0; i < cmp->c->t.len && cmp->c->kind == KIND_64; i++)
		if ((cmp->c->t.code[i] & 0xe7) == 0x26)
			return true;
	return false;
}

/* A TSS named in the LDT: the error code has TI. */
static bool tss_in_ldt(const struct comparison *cmp)
{
	return (is_far(cmp) || row_is(cmp, emul_int)) && faults_with(cmp, EXC_GP) &&
	       (ends_in(cmp->native, EXC_NP) || ends_in(cmp->native, EXC_TS) ||
		(cmp->native->sregs.tr.selector & 4));
}

static bool far_pointer64(const struct comparison *cmp)
{
	return cmp->insn->op_bytes == 8 && (row_is(cmp, emul_jmp_far_mem) ||
	       row_is(cmp, emul_call_far_mem) || row_is(cmp, emul_load_far_pointer));
}

static bool msr_width(const struct comparison *cmp)
{
	return row_is(cmp, emul_wrmsr) || row_is(cmp, emul_wrbase);
}

static bool lar_limit(const struct comparison *cmp)
{
	return row_is(cmp, emul_lar) && only(cmp, D_GPRS);
}

static bool stack64(const struct comparison *cmp)
{
	struct x86_seg ss = case_segment(cmp->c, X86_SS);

	return cmp->c->kind == KIND_64 && is_far(cmp) &&
	       (ss.base || !(ss.ar & X86_AR_DB) || (ss.ar & X86_AR_UNUSABLE));
}

/* The code goes on into a page that cannot be fetched. */
static bool fetch_order(const struct comparison *cmp)
{
	return ends_in(cmp->emulated, EXC_PF) && cmp->emulated->sregs.cr2 % PAGE == 0 &&
	       cmp->emulated->sregs.cr2 - cmp->c->t.code_la < X86_INSN_MAX;
}

static bool prefetch_register(const struct comparison *cmp)
{
	return cmp->insn->opcode == 0x18 && cmp->insn->mod == 3;
}

static bool adox(const struct comparison *cmp)
{
	return (row_is(cmp, emul_adox) || row_is(cmp, emul_adcx)) && only(cmp, D_RFLAGS);
}

/* ------------------------------------------------------------------------
 * Both
 */

static bool bswap16(const struct comparison *cmp)
{
	return row_is(cmp, emul_bswap) && cmp->insn->op_bytes == 2 && only(cmp, D_GPRS | D_OTHER);
}

static bool accessed_bits(const struct comparison *cmp)
{
	return only(cmp, D_ACCESSED);
}

static bool partial_frame(const struct comparison *cmp)
{
	return only(cmp, D_PARTIAL) && (ends_in(cmp->native, EXC_PF) ||
	       ends_in(cmp->native, EXC_DF) || ends_in(cmp->native, EXC_GP) ||
	       ends_in(cmp->native, EXC_SS));
}

static const struct {
	const char *text;
	bool (*is)(const struct comparison *cmp);
	bool on_amd, on_intel;
} table[] = {
	{ "MOVBE and CRC32 have the operand size of 32-bit code, and 66 before REX.W (APM vol. 3)",
	  operand_size, true },
	{ "read-modify-write faults as a read: no W in the error code (APM vol. 2, 8.4.2)",
	  modify_faults_as_read, true },
	{ "SYSCALL in real mode, of which APM vol. 3 says nothing", syscall_real, true },
	{ "SYSCALL clears arithmetic flags (APM vol. 3, SYSCALL)", syscall_flags, true },
	{ "SYSENTER and SYSEXIT in long mode (APM vol. 3: #UD; #GP at CPL 3 seen on AMD)",
	  sysenter_long, true },
	{ "a fault in the delivery of an injected fault makes no #DF (APM vol. 2, 8.2.9)",
	  injected_fault, true },
	{ "STI holds off single steps (SDM vol. 2, STI)", trap_after_sti, true },
	{ "no single step after PAUSE (SDM vol. 3, 18.3.1.4)", trap_after_pause, true },
	{ "INT1 (SDM vol. 2, INT1)", int1, true },
	{ "SS becomes null with an IST, too, at the same level (SDM vol. 2, INT n)", ist_stack,
	  true },
	{ "CPL is looked at before what makes #UD (SDM vol. 2, XSETBV)", ud_after_gp, true },
	{ "IRET leaves VIF and VIP (SDM vol. 2, IRET)", iret_vif, true },
	{ "no alignment checks (SDM vol. 3, 6.15, #AC)", alignment, true },
	{ "pending x87 exceptions (SDM vol. 3, 6.15, #MF)", x87_pending, true },
	{ "no checks of segments' limits and rights by accesses (SDM vol. 3, 5.3)",
	  segment_checks, true },
	{ "no check of RIP against the new CS's limit (SDM vol. 2, IRET)", rip_limit, true },
	{ "a 16-bit TSS keeps the upper half of EFLAGS (SDM vol. 3, 8.6)", task16_flags, true },
	{ "CR4.OSFXSR clear and MMX operands (SDM vol. 3, 2.5)", sse_disabled, true },
	{ "SYSRET loads SS's hidden part, VM, and not VIF, VIP (APM vol. 3, SYSRET)", sysret,
	  true },
	{ "RET's immediate is signed (SDM vol. 2, RET)", ret_imm, true },
	{ "a far transfer does not set the accessed bit of CS (SDM vol. 3, 3.4.5.1)", accessed_cs,
	  true },
	{ "ENTER does not check the new top of the stack (SDM vol. 2, ENTER)", enter_top, true },
	{ "error codes of 16-byte gates count 16 (SDM vol. 3, 6.13)", idt_error_code, true },
	{ "far transfers use the stack with a supervisor's rights (SDM vol. 3, 4.6.1)",
	  far_as_supervisor, true },
	{ "CLFLUSH does not fault (SDM vol. 2, CLFLUSH)", clflush, true },
	{ "LGDT and LIDT take any base (SDM vol. 2, LGDT)", table_base, true },
	{ "group 3, /1: an alias of TEST (APM vol. 3, A.2)", group3, true },
	{ "reserved bits of DR7 (SDM vol. 3, 18.2.4)", dr7_reserved, true },
	{ "no general detection by DR7.GD (SDM vol. 3, 18.2.4)", general_detect, true },
	{ "CS.RPL behind a gate to conforming code (SDM vol. 2, CALL)", conforming_rpl, true },
	{ "LSL and LAR of 16-bit TSSs in long mode (SDM vol. 2, LSL)", lsl_tss16, true },
	{ "RDSEED where CPUID has none (SDM vol. 2, RDSEED)", rdseed, true },
	{ "FS and GS: the offset may be anything (APM vol. 2, 4.5.3; seen on AMD)", fs_offset,
	  true },
	{ "#GP instead of #SS for stacks that are not canonical (SDM vol. 3, 6.15)",
	  stack_fault_as_gp, true },
	{ "PUSHA's first fault (SDM vol. 2, PUSHA)", pusha_order, true },
	{ "MMX state changes before a fault (SDM vol. 3, 6.5)", mmx_before_fault, true },
	{ "#DB leaves DR7.GD (SDM vol. 3, 18.2.4)", gd_stays, true },
	{ "JMP through a gate to absent code (SDM vol. 2, JMP: #NP)", gate_to_absent, true },
	{ "reserved bits of the x87 control word (SDM vol. 1, 8.1.5)", fldcw, true },
	{ "a single step after a task switch (SDM vol. 3, 18.3.1.4)", task_step, true },
	{ "LSS holds off single steps (SDM vol. 3, 6.8.3: MOV and POP alone)", trap_after_lss,
	  true },
	{ "pairs of operands that wrap at 64 KiB (SDM vol. 3, 5.3; seen on AMD)", pointer_wrap,
	  true },
	{ "upper half of control registers (SDM vol. 2, MOV CR)", cr_upper, true },
	{ "which check of a far return comes first (SDM vol. 3, 6.9; seen on AMD)", pop_order,
	  true },
	{ "reserved bits of MXCSR (SDM vol. 1, 10.2.3)", mxcsr, true },
	{ "LTR of a null selector, LTR and LLDT of any base, second halves (SDM vol. 3, 3.5.2)",
	  ltr_unchecked, true },
	{ "gates to where no code can be (SDM vol. 2, CALL; vol. 3, 6.14.1)", gate_offset, true },
	{ "code segments with both L and D (SDM vol. 3, 5.2.1)", code_with_l_and_d, true },
	{ "ARPL writes what does not change (SDM vol. 2, ARPL; seen on AMD)", arpl, true },
	{ "the stack of a call from compatibility to 64-bit mode (seen on AMD)", call_to_64, true },
	{ "rotates change flags before a fault (SDM vol. 3, 6.5)", rotate_before_fault, true },
	{ "FXSAVE's fault, reserved bytes; XMM without CR4.OSFXSR (SDM vol. 2: not said)",
	  fxsave_address, true },
	{ "ES, CS, SS and DS prefixes in 64-bit mode (SDM vol. 1, 3.3.7.1)", override64, true },
	{ "a TSS may be in the LDT (SDM vol. 2, JMP)", tss_in_ldt, true },
	{ "far pointers of 64 bits (APM vol. 3, JMP far: none)", far_pointer64, true },
	{ "MSRs and bases take any value; SYSENTER_CS has 16 bits (SDM vol. 2, WRMSR)", msr_width,
	  true },
	{ "LAR's bits 19:16 (SDM vol. 2, LAR: undefined)", lar_limit, true, true },
	{ "far returns in 64-bit mode by SS's base and size (SDM vol. 3, 6.14.2)", stack64, true },
	{ "#UD or #GP before all of the code is fetched (SDM vol. 3, 6.9)", fetch_order, true },
	{ "PREFETCH of a register (seen on AMD: nothing)", prefetch_register, true },
	{ "flags of ADCX and ADOX (SDM vol. 2, ADOX)", adox, true },
	{ "SHLD and SHRD by an immediate with RIP-relative operands (SDM vol. 2, 2.2.1.6)",
	  rip_immediate, true },
	{ "an operand that is the code itself (SDM vol. 3, 8.1.3)", self_modifying, true },
	{ "real mode with 32-bit segments (SDM vol. 3, 9.9.2: not said)", leaves_protection, true },
	{ "CR0.TS and MMX operands (SDM vol. 3, 2.5)", vector_ts, true },
	{ "stacks that wrap at 64 KiB (SDM vol. 1, 6.2.3)", stack_wrap16, true },
	{ "RF between the elements of a string (SDM vol. 3, 17.3.1.1)", string_rf, true },
	{ "null SS with another RPL than CPL (SDM vol. 2, MOV)", null_stack, true },
	{ "IRET to vm86 mode from any level (SDM vol. 2, IRET)", iret_vm, true },
	{ "LOOPE and LOOPNE with a repeat prefix (seen on AMD)", loop_repeat, true },
	{ "MASKMOVQ's first fault (SDM vol. 2, MASKMOVQ: not said)", masked_move, true },
	{ "the order in which CMPS reads (SDM vol. 2, CMPS: not said)", cmps_order, true },
	{ "RF in a frame that is a device's (SDM vol. 3, 17.3.1.1)", frame_in_device, true },
	{ "BSWAP of 16 bits (SDM vol. 2, BSWAP: undefined)", bswap16, true, true },
	{ "accessed bits of descriptors set before a fault (SDM vol. 3, 5.2: not said)",
	  accessed_bits, true, true },
	{ "a frame pushed in part before a fault (SDM vol. 3, 6.6: not said)", partial_frame,
	  true, true },
};

int excuse(const struct comparison *cmp)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if ((intel ? table[i].on_intel : table[i].on_amd) && table[i].is(cmp))
			return i;
	return -1;
}

const char *excuse_text(unsigned int i)
{
	return table[i].text;
}

unsigned int nr_excuses(void)
{
	_Static_assert(ARRAY_SIZE(table) <= MAX_EXCUSES, "");
	return ARRAY_SIZE(table);
}
