// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of system registers and instructions.
 *
 * SDM volume 3, "Control Registers", "Debug Registers"; APM volume 2, "System Resources".
 */
#include "unit.h"

/* ------------------------------------------------------------------------
 * Control registers
 */

static void set_rax(u64 val)
{
	m.c.regs[X86_RAX] = val;
}

#define TO_CR0		"\x0f\x22\xc0"
#define TO_CR3		"\x0f\x22\xd8"
#define TO_CR4		"\x0f\x22\xe0"

static void cr0(void)
{
	long_mode(0);
	set_rax(m.cr0 | 1ull << 32);
	fault(TO_CR0, EXC_GP, 0);
	set_rax(m.cr0 & ~(u64)X86_CR0_PE);	/* PG without PE */
	fault(TO_CR0, EXC_GP, 0);
	set_rax(m.cr0 | X86_CR0_NW);		/* NW without CD */
	fault(TO_CR0, EXC_GP, 0);
	set_rax(m.cr0 | X86_CR0_NW | X86_CR0_CD);
	ok(TO_CR0);
	set_rax(m.cr0 & ~(u64)X86_CR0_PG);	/* not in 64-bit mode */
	fault(TO_CR0, EXC_GP, 0);
	compatibility_mode(0);
	m.cr4 |= X86_CR4_PCIDE;
	set_rax(m.cr0 & ~(u64)X86_CR0_PG);
	fault(TO_CR0, EXC_GP, 0);
	m.cr4 &= ~(u64)X86_CR4_PCIDE;
	ok(TO_CR0);				/* long mode ends */
	same(m.efer & EFER_LMA_BIT, 0);
	set_rax(m.cr0 | X86_CR0_PG);
	ok(TO_CR0);				/* and begins again */
	check(m.efer & EFER_LMA_BIT);

	protected_mode(0);
	m.cr0 &= ~(u64)X86_CR0_PG;
	m.efer = EFER_LME_BIT;
	set_rax(m.cr0 | X86_CR0_PG);
	fault(TO_CR0, EXC_GP, 0);		/* LME without PAE */
	m.cr4 |= X86_CR4_PAE;
	m.seg[X86_CS].ar |= X86_AR_L;
	fault(TO_CR0, EXC_GP, 0);		/* CS.L is set */
	m.seg[X86_CS].ar &= ~X86_AR_L;
	ok(TO_CR0);
	set_rax(0x1ff80ull | X86_CR0_PE);	/* reserved bits vanish, ET is fixed */
	m.efer = 0;
	ok(TO_CR0);
	same(m.cr0, X86_CR0_PE | X86_CR0_ET | X86_CR0_WP);
	ok("\x0f\x20\xc1");			/* mov ecx, cr0 */
	same(m.c.regs[X86_RCX], m.cr0);
	m.cr0 |= X86_CR0_TS;
	ok("\x0f\x06");				/* clts */
	check(!(m.cr0 & X86_CR0_TS));
}

static void cr3(void)
{
	long_mode(0);
	machine_set_cpuid(&m, 0x80000008, 40, 0, 0, 0);
	x86_emulate_set_cpuid(&m.c);
	set_rax(1ull << 40);
	fault(TO_CR3, EXC_GP, 0);
	set_rax(1ull << 39 | 0x1000);
	ok(TO_CR3);
	same(m.cr3, 1ull << 39 | 0x1000);
	set_rax(X86_CR3_PCID_NOFLUSH);
	fault(TO_CR3, EXC_GP, 0);
	m.cr4 |= X86_CR4_PCIDE;
	ok(TO_CR3);
	set_rax(0xbad000);			/* refused by the caller */
	fault(TO_CR3, EXC_GP, 0);
	protected_mode(0);
	set_rax(0xfffff018);
	ok(TO_CR3);
	same(m.cr3, 0xfffff018);
}

static void cr4(void)
{
	long_mode(0);
	machine_feature(&m, 1, 2, 17, true);		/* PCID */
	machine_feature(&m, 7, 2, 2, false);		/* no UMIP */
	x86_emulate_set_cpuid(&m.c);
	set_rax(m.cr4 | X86_CR4_UMIP);
	fault(TO_CR4, EXC_GP, 0);
	set_rax(m.cr4 | 1ull << 63);
	fault(TO_CR4, EXC_GP, 0);
	set_rax(m.cr4 & ~(u64)X86_CR4_PAE);
	fault(TO_CR4, EXC_GP, 0);
	set_rax(m.cr4 | X86_CR4_PCIDE);
	m.cr3 = 1;
	fault(TO_CR4, EXC_GP, 0);
	m.cr3 = 0;
	ok(TO_CR4);
	machine_feature(&m, 7, 2, 2, true);
	x86_emulate_set_cpuid(&m.c);
	set_rax(m.cr4 | X86_CR4_UMIP);
	ok(TO_CR4);
	protected_mode(0);
	machine_feature(&m, 1, 2, 17, true);
	x86_emulate_set_cpuid(&m.c);
	set_rax(m.cr4 | X86_CR4_PCIDE);			/* outside long mode */
	fault(TO_CR4, EXC_GP, 0);
	set_rax(X86_CR4_PAE | X86_CR4_PSE);
	ok(TO_CR4);
	ok("\x0f\x20\xe1");
	same(m.c.regs[X86_RCX], X86_CR4_PAE | X86_CR4_PSE);
}

static void other_crs(void)
{
	long_mode(0);
	set_rax(0x800000001234);
	ok("\x0f\x22\xd0");			/* cr2 */
	same(m.cr2, 0x800000001234);
	set_rax(16);
	fault("\x44\x0f\x22\xc0", EXC_GP, 0);	/* cr8 */
	set_rax(15);
	ok("\x44\x0f\x22\xc0");
	same(m.cr8, 15);
	ok("\x44\x0f\x20\xc1");
	same(m.c.regs[X86_RCX], 15);
	fault("\x0f\x20\xc8", EXC_UD, NO_ERROR);
	fault("\x0f\x22\xe8", EXC_UD, NO_ERROR);
	fault("\x44\x0f\x20\xd0", EXC_UD, NO_ERROR);	/* cr10 */
	/* AMD: LOCK MOV CR0 is CR8.  The processor here may be another. */
	protected_mode(0);
	machine_feature(&m, 0x80000001, 2, 4, true);
	x86_emulate_set_cpuid(&m.c);
	m.c.vendor = X86_VENDOR_AMD_LIKE;
	set_rax(5);
	ok("\xf0\x0f\x22\xc0");
	same(m.cr8, 5);
	fault("\xf0\x0f\x22\xd8", EXC_UD, NO_ERROR);
	machine_feature(&m, 0x80000001, 2, 4, false);
	x86_emulate_set_cpuid(&m.c);
	m.c.vendor = X86_VENDOR_AMD_LIKE;
	fault("\xf0\x0f\x20\xc0", EXC_UD, NO_ERROR);
	fault("\xf0\x0f\x22\xc0", EXC_UD, NO_ERROR);
	m.c.vendor = X86_VENDOR_INTEL_LIKE;
	fault("\xf0\x0f\x20\xc0\x90", EXC_UD, NO_ERROR);
}

static void pause_by_vendor(void)
{
	unsigned int vendor;

	for (vendor = 0; vendor < 2; vendor++) {
		bool amd = vendor == X86_VENDOR_AMD_LIKE;

		long_mode(0);
		m.c.vendor = vendor;
		m.c.regs[X86_RAX] = 1;
		m.c.regs[X86_R8] = 2;
		ok("\xf3\x41\x90");
		same(m.c.regs[X86_RAX], amd ? 2 : 1);
		same(m.c.regs[X86_R8], amd ? 1 : 2);
	}
}

static void debug_registers(void)
{
	long_mode(0);
	set_rax(0xffff800000001000);
	ok("\x0f\x23\xc0");
	same(m.dr[0], 0xffff800000001000);
	set_rax(1ull << 32);
	fault("\x0f\x23\xf8", EXC_GP, 0);	/* dr7 */
	fault("\x0f\x23\xf0", EXC_GP, 0);
	set_rax(0xffffdfff);
	ok("\x0f\x23\xf8");
	same(m.dr[7], 0xffff07ff);
	set_rax(0xffffffff);
	ok("\x0f\x23\xf0");
	same(m.dr[6], 0xffffefff);
	ok("\x0f\x21\xf1");
	same(m.c.regs[X86_RCX], m.dr[6]);
	ok("\x0f\x21\xe9");			/* dr5 is dr7 */
	same(m.c.regs[X86_RCX], m.dr[7]);
	ok("\x0f\x23\xe0");			/* dr4 is dr6 */
	m.cr4 |= X86_CR4_DE;
	fault("\x0f\x21\xe9", EXC_UD, NO_ERROR);
	fault("\x0f\x23\xe0", EXC_UD, NO_ERROR);
	fault("\x44\x0f\x21\xc1", EXC_UD, NO_ERROR);
	/* General detect. */
	m.dr[7] |= 1 << 13;
	fault("\x0f\x21\xc0", EXC_DB, NO_ERROR);
	same(m.c.fault.address, 1 << 13);
	fault("\x0f\x23\xc0", EXC_DB, NO_ERROR);
}

/* ------------------------------------------------------------------------
 * Descriptor tables, MSRs, counters
 */

static void table_registers(void)
{
	long_mode(0);
	store(DATA, 0x1234, 2);
	store(DATA + 2, 0xffff800012345678, 8);
	ok("\x0f\x01\x14\x25\x00\x00\x04\x00");	/* lgdt */
	same(m.gdtr_base, 0xffff800012345678);
	same(m.gdtr_limit, 0x1234);
	ok("\x0f\x01\x1c\x25\x00\x00\x04\x00");	/* lidt */
	same(m.idtr_limit, 0x1234);
	ok("\x0f\x01\x04\x25\x00\x01\x04\x00");	/* sgdt */
	same(load(DATA + 0x102, 8), 0xffff800012345678);
	store(DATA + 2, 0x800000000000, 8);
	fault("\x0f\x01\x14\x25\x00\x00\x04\x00", EXC_GP, 0);
	fault("\x0f\x01\xc0", EXC_UD, NO_ERROR);
	fault("\x0f\x01\x14\x25\x00\x20\x20\x00", EXC_PF, 0);
}

static void msrs(void)
{
	long_mode(0);
	m.c.regs[X86_RCX] = 0xffffffff00000000 | EMUL_MSR_KERNEL_GS_BASE;
	m.c.regs[X86_RAX] = 0xffffffff11111111;
	m.c.regs[X86_RDX] = 0xffffffff22222222;
	ok("\x0f\x30");
	same(machine_msr(&m, EMUL_MSR_KERNEL_GS_BASE), 0x2222222211111111);
	ok("\x0f\x32");
	same(m.c.regs[X86_RAX], 0x11111111);
	same(m.c.regs[X86_RDX], 0x22222222);
	m.c.regs[X86_RCX] = 0x12345;
	fault("\x0f\x30", EXC_GP, 0);
	fault("\x0f\x32", EXC_GP, 0);
}

static void time_stamps(void)
{
	long_mode(3);
	machine_feature(&m, 0x80000001, 3, 27, true);
	x86_emulate_set_cpuid(&m.c);
	ok("\x0f\x31");
	same(m.c.regs[X86_RAX], 0x89abcdef);
	same(m.c.regs[X86_RDX], 0x01234567);
	ok("\x0f\x01\xf9");			/* rdtscp */
	same(m.c.regs[X86_RCX], 7);
	m.cr4 |= X86_CR4_TSD;
	fault("\x0f\x31", EXC_GP, 0);
	fault("\x0f\x01\xf9", EXC_GP, 0);
	m.c.regs[X86_RCX] = 1;
	fault("\x0f\x33", EXC_GP, 0);		/* rdpmc */
	m.cr4 |= X86_CR4_PCE;
	ok("\x0f\x33");
	same(m.c.regs[X86_RAX], 0x3456789b);
	m.c.regs[X86_RCX] = 9;
	fault("\x0f\x33", EXC_GP, 0);
	machine_feature(&m, 7, 2, 22, true);
	x86_emulate_set_cpuid(&m.c);
	ok("\xf3\x0f\xc7\xf8");			/* rdpid rax */
	same(m.c.regs[X86_RAX], 7);
	machine_feature(&m, 7, 2, 22, false);
	x86_emulate_set_cpuid(&m.c);
	fault("\xf3\x0f\xc7\xf8", EXC_UD, NO_ERROR);
}

static void identification(void)
{
	long_mode(3);
	machine_set_cpuid(&m, 0x12345678, 1, 2, 3, 4);
	x86_emulate_set_cpuid(&m.c);
	m.c.regs[X86_RAX] = 0xffffffff12345678;
	ok("\x0f\xa2");
	same(m.c.regs[X86_RAX], 1);
	same(m.c.regs[X86_RBX], 2);
	same(m.c.regs[X86_RCX], 3);
	same(m.c.regs[X86_RDX], 4);
	/* The vendor comes from leaf 0. */
	machine_set_cpuid(&m, 0, 1, 0x756e6547, 0x6c65746e, 0x49656e69);
	x86_emulate_set_cpuid(&m.c);
	same(m.c.vendor, X86_VENDOR_INTEL_LIKE);
	check(!emul_has(&m.c, FEAT_FSGSBASE));	/* no leaf 7 */
	machine_set_cpuid(&m, 0, 1, 0x6f677948, 0, 0);
	x86_emulate_set_cpuid(&m.c);
	same(m.c.vendor, X86_VENDOR_AMD_LIKE);
}

static void random_numbers(void)
{
	long_mode(3);
	machine_feature(&m, 1, 2, 30, true);
	machine_feature(&m, 7, 1, 18, true);
	x86_emulate_set_cpuid(&m.c);
	m.random = 0x1122334455667788;
	m.c.rflags |= X86_EFLAGS_ZF | X86_EFLAGS_OF;
	ok("\x0f\xc7\xf0");			/* rdrand eax */
	same(m.c.regs[X86_RAX], 0x55667788);
	same(m.c.rflags, X86_EFLAGS_FIXED | X86_EFLAGS_CF);
	ok("\x48\x0f\xc7\xf8");			/* rdseed rax */
	same(m.c.regs[X86_RAX], 0x1122334455667788);
	m.no_random = true;
	ok("\x48\x0f\xc7\xf8");
	same(m.c.regs[X86_RAX], 0);
	same(m.c.rflags, X86_EFLAGS_FIXED);
}

/* ------------------------------------------------------------------------
 * The rest
 */

static void bases(void)
{
	long_mode(0);
	m.seg[X86_GS].base = 0x1000;
	ok("\x0f\x01\xf8");			/* swapgs */
	same(m.seg[X86_GS].base, 0x12345000);
	same(machine_msr(&m, EMUL_MSR_KERNEL_GS_BASE), 0x1000);
	long_mode(3);
	machine_feature(&m, 7, 1, 0, true);
	x86_emulate_set_cpuid(&m.c);
	fault("\xf3\x48\x0f\xae\xc0", EXC_UD, NO_ERROR);	/* rdfsbase rax */
	fault("\xf3\x48\x0f\xae\xd8", EXC_UD, NO_ERROR);
	m.cr4 |= X86_CR4_FSGSBASE;
	m.c.regs[X86_RAX] = 0xffff800000000000;
	ok("\xf3\x48\x0f\xae\xd8");		/* wrgsbase rax */
	same(m.seg[X86_GS].base, 0xffff800000000000);
	ok("\xf3\x48\x0f\xae\xc9");		/* rdgsbase rcx */
	same(m.c.regs[X86_RCX], 0xffff800000000000);
	m.c.regs[X86_RAX] = 0x800000000000;
	fault("\xf3\x48\x0f\xae\xd0", EXC_GP, 0);
	ok("\xf3\x0f\xae\xd0");			/* 32 bits are always canonical */
	compatibility_mode(3);
	m.cr4 |= X86_CR4_FSGSBASE;
	fault("\xf3\x0f\xae\xd0", EXC_UD, NO_ERROR);
}

static void five_level_paging(void)
{
	long_mode(0);
	m.c.regs[X86_RAX] = 0x00ff000000000000;
	fault("\x8b\x00", EXC_GP, 0);
	m.cr4 |= X86_CR4_LA57;
	fault("\x8b\x00", EXC_PF, 0);
	m.c.regs[X86_RAX] = 0x0100000000000000;
	fault("\x8b\x00", EXC_GP, 0);
	m.c.regs[X86_RBP] = 0x0100000000000000;
	fault("\x8b\x45\x00", EXC_SS, 0);
}

static void xcr0(void)
{
	long_mode(0);
	machine_set_cpuid(&m, 0xd, 0xe7, 0, 0, 0);
	m.c.regs[X86_RCX] = 0;
	fault("\x0f\x01\xd0", EXC_UD, NO_ERROR);
	fault("\x0f\x01\xd1", EXC_UD, NO_ERROR);
	m.cr4 |= X86_CR4_OSXSAVE;
	x86_emulate_set_cpuid(&m.c);
	m.xcr0 = 7;
	ok("\x0f\x01\xd0");
	same(m.c.regs[X86_RAX], 7);
	m.c.regs[X86_RCX] = 2;
	fault("\x0f\x01\xd0", EXC_GP, 0);
	m.c.regs[X86_RCX] = 1;
	same(step("\x0f\x01\xd0"), X86_UNHANDLED);
	fault("\x0f\x01\xd1", EXC_GP, 0);
	m.c.regs[X86_RCX] = 0;
	m.c.regs[X86_RDX] = 0;
	static const u8 bad[] = { 0, 6, 5, 0x27, 0xe3, 0xf, 0x1f };
	unsigned int i;

	for (i = 0; i < sizeof(bad); i++) {
		m.c.regs[X86_RAX] = bad[i];
		fault("\x0f\x01\xd1", EXC_GP, 0);
	}
	m.c.regs[X86_RAX] = 0xe7;
	ok("\x0f\x01\xd1");
	same(m.xcr0, 0xe7);
	m.seg[X86_CS].ar |= X86_AR_DPL;
	long_mode(3);
	m.cr4 |= X86_CR4_OSXSAVE;
	m.c.regs[X86_RCX] = 0;
	m.c.regs[X86_RAX] = 1;
	fault("\x0f\x01\xd1", EXC_GP, 0);
}

static u64 last_op(void)
{
	const struct log_entry *e = &m.log[m.nr_log - 1];

	return e->what == LOG_SYSTEM ? e->where : ~0ull;
}

static void caches_and_tlbs(void)
{
	long_mode(0);
	m.seg[X86_GS].base = 0x100000;
	ok("\x65\x0f\x01\x3c\x25\x00\x10\x00\x00");	/* invlpg gs:[1000] */
	same(last_op(), X86_SYS_INVLPG);
	same(m.log[m.nr_log - 1].value, 0x101000);
	ok("\x0f\x01\x38");
	protected_mode(0);
	m.seg[X86_DS].base = 0xfffff000;
	ok("\x0f\x01\x3d\x00\x20\x00\x00");
	same(m.log[m.nr_log - 1].value, 0x1000);
	ok("\x0f\x08");
	same(last_op(), X86_SYS_INVD);
	ok("\x0f\x09");
	same(last_op(), X86_SYS_WBINVD);
	ok("\xf3\x90");
	same(last_op(), X86_SYS_PAUSE);
	ok("\x0f\x01\xc1");
	same(last_op(), X86_SYS_HYPERCALL);
	same(m.c.regs[X86_RAX], ~0x1000ull);
	ok("\x0f\x01\xd9");
}

static void invpcid(void)
{
	long_mode(0);
	machine_feature(&m, 7, 1, 10, true);
	x86_emulate_set_cpuid(&m.c);
	m.c.regs[X86_RCX] = DATA;
	m.c.regs[X86_RAX] = 1;
	store(DATA, 5, 8);
	fault("\x66\x0f\x38\x82\x01", EXC_GP, 0);	/* a PCID without CR4.PCIDE */
	m.cr4 |= X86_CR4_PCIDE;
	ok("\x66\x0f\x38\x82\x01");
	same(last_op(), X86_SYS_INVPCID);
	m.c.regs[X86_RAX] = 4;
	fault("\x66\x0f\x38\x82\x01", EXC_GP, 0);
	m.c.regs[X86_RAX] = 0;
	store(DATA + 8, 0x800000000000, 8);
	fault("\x66\x0f\x38\x82\x01", EXC_GP, 0);
	m.c.regs[X86_RAX] = 2;
	ok("\x66\x0f\x38\x82\x01");
	store(DATA, 0x1000, 8);
	fault("\x66\x0f\x38\x82\x01", EXC_GP, 0);
	fault("\x66\x0f\x38\x82\xc1", EXC_UD, NO_ERROR);
}

static void monitor_and_mwait(void)
{
	long_mode(0);
	m.c.regs[X86_RCX] = 0;
	ok("\x0f\x01\xc8");
	same(last_op(), X86_SYS_MONITOR);
	same(m.log[m.nr_log - 1].value, 0x1000);
	m.seg[X86_FS].base = 0x2000;
	ok("\x64\x0f\x01\xc8");
	same(m.log[m.nr_log - 1].value, 0x3000);
	ok("\x0f\x01\xc9");
	same(last_op(), X86_SYS_MWAIT);
	m.c.regs[X86_RCX] = 1;
	fault("\x0f\x01\xc8", EXC_GP, 0);
	ok("\x0f\x01\xc9");
	m.c.regs[X86_RCX] = 2;
	fault("\x0f\x01\xc9", EXC_GP, 0);
	m.c.regs[X86_RAX] = ABSENT;
	m.c.regs[X86_RCX] = 0;
	fault("\x0f\x01\xc8", EXC_PF, 0);
	long_mode(3);
	fault("\x0f\x01\xc8", EXC_UD, NO_ERROR);
	fault("\x0f\x01\xc9", EXC_UD, NO_ERROR);
}

static void access_flag(void)
{
	long_mode(0);
	machine_feature(&m, 7, 1, 20, true);
	x86_emulate_set_cpuid(&m.c);
	ok("\x0f\x01\xcb");			/* stac */
	check(m.c.rflags & X86_EFLAGS_AC);
	ok("\x0f\x01\xca");
	check(!(m.c.rflags & X86_EFLAGS_AC));
	long_mode(3);
	machine_feature(&m, 7, 1, 20, true);
	x86_emulate_set_cpuid(&m.c);
	fault("\x0f\x01\xcb", EXC_UD, NO_ERROR);
	fault("\x0f\x01\xca", EXC_UD, NO_ERROR);
}

static void undefined(void)
{
	long_mode(0);
	fault("\x0f\x0b", EXC_UD, NO_ERROR);
	fault("\x0f\xb9\xc0", EXC_UD, NO_ERROR);
	fault("\x0f\xff\xc0", EXC_UD, NO_ERROR);
	fault("\x0f\xaa", EXC_UD, NO_ERROR);		/* rsm */
	fault("\x0f\x01\xd8", EXC_UD, NO_ERROR);	/* vmrun */
	fault("\x0f\x01\xc2", EXC_UD, NO_ERROR);	/* vmlaunch */
	long_mode(3);
	fault("\x0f\x01\xd8", EXC_GP, 0);		/* AMD looks at the CPL first */
	m.c.vendor = X86_VENDOR_INTEL_LIKE;
	fault("\x0f\x01\xd8\x90", EXC_UD, NO_ERROR);
}

/* Instructions that a CPU without the feature does not have, and those that change. */
static void features(void)
{
	long_mode(0);
	machine_feature(&m, 1, 2, 22, false);
	machine_feature(&m, 1, 2, 23, false);
	machine_feature(&m, 7, 1, 3, false);
	machine_feature(&m, 0x80000001, 2, 5, false);
	machine_feature(&m, 0x80000001, 2, 0, false);
	machine_feature(&m, 1, 3, 8, false);
	x86_emulate_set_cpuid(&m.c);
	fault("\x0f\x38\xf0\x00", EXC_UD, NO_ERROR);		/* movbe */
	fault("\xf3\x0f\xb8\xc1", EXC_UD, NO_ERROR);		/* popcnt */
	m.c.regs[X86_RCX] = 0;
	ok("\xf3\x0f\xbc\xc1");				/* tzcnt is bsf */
	check(m.c.rflags & X86_EFLAGS_ZF);
	same(m.c.regs[X86_RAX], 0x1000);
	m.c.regs[X86_RCX] = 0x100;
	ok("\xf3\x0f\xbd\xc1");				/* lzcnt is bsr */
	same(m.c.regs[X86_RAX], 8);
	fault("\x9e", EXC_UD, NO_ERROR);		/* sahf, lahf in 64-bit mode */
	fault("\x9f", EXC_UD, NO_ERROR);
	fault("\x0f\xc7\x08", EXC_UD, NO_ERROR);	/* cmpxchg8b */
}

const struct test system_tests[] = {
	{ "CR0", cr0 },
	{ "CR3", cr3 },
	{ "CR4", cr4 },
	{ "PAUSE with REX.B", pause_by_vendor },
	{ "CR2, CR8", other_crs },
	{ "debug registers", debug_registers },
	{ "LGDT, LIDT, SGDT", table_registers },
	{ "RDMSR, WRMSR", msrs },
	{ "RDTSC, RDTSCP, RDPMC, RDPID", time_stamps },
	{ "CPUID", identification },
	{ "RDRAND, RDSEED", random_numbers },
	{ "SWAPGS and FSGSBASE", bases },
	{ "canonical form with LA57", five_level_paging },
	{ "XGETBV, XSETBV", xcr0 },
	{ "INVLPG, INVD, WBINVD, PAUSE, hypercalls", caches_and_tlbs },
	{ "INVPCID", invpcid },
	{ "MONITOR, MWAIT", monitor_and_mwait },
	{ "CLAC, STAC", access_flag },
	{ "undefined instructions", undefined },
	{ "features", features },
	{ NULL, NULL },
};
