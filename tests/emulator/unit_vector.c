// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of vector and FPU state: what must be enabled, what a mode transfers, and
 * what the differential test cannot reach, devices among it.
 *
 * SDM volume 1, "Programming with SSE", and the instructions in volume 2.
 */
#include "unit.h"

static u64 xmm(unsigned int reg, unsigned int half)
{
	u64 val;

	memcpy(&val, machine_xmm(&m, reg) + 8 * half, 8);
	return val;
}

static void set_xmm(unsigned int reg, u64 low, u64 high)
{
	memcpy(machine_xmm(&m, reg), &low, 8);
	memcpy(machine_xmm(&m, reg) + 8, &high, 8);
}

static u64 ymm_high(unsigned int reg, unsigned int half)
{
	u64 val;

	memcpy(&val, m.ymm_high[reg] + 8 * half, 8);
	return val;
}

static u64 mm(unsigned int reg)
{
	u64 val;

	memcpy(&val, machine_mm(&m, reg), 8);
	return val;
}

static void set_status(u16 sw)
{
	memcpy(m.fx + 2, &sw, 2);
}

/* 64-bit mode with SSE and, if @avx, AVX enabled; RAX points to DATA. */
static void vector_mode(unsigned int cpl, bool avx)
{
	long_mode(cpl);
	machine_feature(&m, 1, 2, 28, avx);
	machine_feature(&m, 7, 1, 5, avx);
	x86_emulate_set_cpuid(&m.c);
	if (avx)
		m.cr4 |= X86_CR4_OSXSAVE;
	m.xcr0 = avx ? 7 : 3;
	m.c.regs[X86_RAX] = DATA;
	store(DATA, 0x1111111122222222, 8);
	store(DATA + 8, 0x3333333344444444, 8);
	store(DATA + 16, 0x5555555566666666, 8);
	store(DATA + 24, 0x7777777788888888, 8);
	set_xmm(1, 0xaaaaaaaabbbbbbbb, 0xccccccccdddddddd);
	set_xmm(2, 0x0123456789abcdef, 0xfedcba9876543210);
	memset(m.ymm_high, 0x5a, sizeof(m.ymm_high));
}

/* Of VMOVD, outside 64-bit mode. */
static void vex_w_is_ignored(void)
{
	vector_mode(3, true);
	selectors(CODE32_USER, DATA32_USER);
	ok("\xc4\xe1\xf9\x7e\x08");		/* vmovd [eax], xmm1 with W */
	same(load(DATA, 8), 0x11111111bbbbbbbb);
	ok("\xc4\xe1\xf9\x6e\x10");		/* vmovd xmm2, [eax] */
	same(xmm(2, 0), 0xbbbbbbbb);
}

static void sse_moves(void)
{
	vector_mode(3, false);
	ok("\x0f\x28\x00");			/* movaps xmm0, [rax] */
	same(xmm(0, 0), 0x1111111122222222);
	same(xmm(0, 1), 0x3333333344444444);
	same(ymm_high(0, 0), 0x5a5a5a5a5a5a5a5a);
	ok("\x0f\x12\x48\x10");			/* movlps xmm1, [rax+16] */
	same(xmm(1, 0), 0x5555555566666666);
	same(xmm(1, 1), 0xccccccccdddddddd);
	ok("\x0f\x16\x08");			/* movhps xmm1, [rax] */
	same(xmm(1, 1), 0x1111111122222222);
	ok("\x0f\x12\xca");			/* movhlps xmm1, xmm2 */
	same(xmm(1, 0), 0xfedcba9876543210);
	ok("\xf3\x0f\x10\x08");			/* movss xmm1, [rax] */
	same(xmm(1, 0), 0x22222222);
	same(xmm(1, 1), 0);
	ok("\xf3\x0f\x10\xca");			/* movss xmm1, xmm2: merges */
	same(xmm(1, 0), 0x89abcdef);
	ok("\x0f\x17\x50\x20");			/* movhps [rax+32], xmm2 */
	same(load(DATA + 32, 8), 0xfedcba9876543210);
	ok("\x66\x0f\xd6\x50\x28");		/* movq [rax+40], xmm2 */
	same(load(DATA + 40, 8), 0x0123456789abcdef);
	same(load(DATA + 48, 8), 0);
	m.c.regs[X86_RAX]++;
	fault("\x0f\x28\x00", EXC_GP, 0);
	fault("\x66\x0f\xe7\x00", EXC_GP, 0);	/* movntdq */
	ok("\x0f\x10\x00");			/* movups */
	same(xmm(0, 0), 0x4411111111222222);
}

static void avx_moves(void)
{
	vector_mode(3, true);
	ok("\xc5\xfc\x28\x00");			/* vmovaps ymm0, [rax] */
	same(xmm(0, 1), 0x3333333344444444);
	same(ymm_high(0, 0), 0x5555555566666666);
	same(ymm_high(0, 1), 0x7777777788888888);
	ok("\xc5\xf8\x28\x08");			/* vmovaps xmm1, [rax]: the rest is zeroed */
	same(ymm_high(1, 0), 0);
	same(ymm_high(1, 1), 0);
	ok("\xc5\xfc\x29\x40\x20");		/* vmovaps [rax+32], ymm0 */
	same(load(DATA + 56, 8), 0x7777777788888888);
	ok("\xc5\xe8\x16\x18");			/* vmovhps xmm3, xmm2, [rax] */
	same(xmm(3, 0), 0x0123456789abcdef);
	same(xmm(3, 1), 0x1111111122222222);
	m.c.regs[X86_RAX] += 16;
	fault("\xc5\xfc\x28\x00", EXC_GP, 0);
	fault("\xc5\xfc\x16\x18", EXC_UD, NO_ERROR);	/* VEX.L must be 0 */
	fault("\x66\xc5\xfc\x28\x00", EXC_UD, NO_ERROR);
	fault("\xf0\xc5\xfc\x28\x00", EXC_UD, NO_ERROR);
	fault("\x48\xc5\xfc\x28\x00", EXC_UD, NO_ERROR);
	fault("\xc5\xec\x28\x00", EXC_UD, NO_ERROR);	/* vvvv must be 1111 */
	fault("\xc4\xe4\x78\x28\x00", EXC_UD, NO_ERROR);	/* no such map */
	fault("\xc5\xf8\xa2", EXC_UD, NO_ERROR);	/* no VEX form */
	same(step("\xc4\xe3\x79\x0f\xc0\x00"), X86_UNHANDLED);	/* vpalignr */
	compatibility_mode(3);
	m.cr4 |= X86_CR4_OSXSAVE;
	m.xcr0 = 7;
	m.c.regs[X86_RAX] = DATA;
	store(DATA, 0x1234, 8);
	ok("\xc5\xf8\x28\x00");
	same(xmm(0, 0), 0x1234);
	/* C5 with memory is LDS here. */
	store(DATA, 0x1122334455667788, 8);
	fault("\xc5\x00", EXC_GP, 0x3344);
}

static void masked_moves(void)
{
	vector_mode(3, true);
	set_xmm(2, 0x8000000000000000, 0x0000000080000000);
	memset(m.ymm_high[2], 0, 16);
	ok("\xc4\xe2\x6d\x2c\x18");		/* vmaskmovps ymm3, ymm2, [rax] */
	same(xmm(3, 0), 0x1111111100000000);
	same(xmm(3, 1), 0x0000000044444444);
	same(ymm_high(3, 0), 0);
	ok("\xc4\xe2\x6d\x2e\x48\x40");		/* vmaskmovps [rax+64], ymm2, ymm1 */
	same(load(DATA + 64, 8), 0xaaaaaaaa00000000);
	same(load(DATA + 72, 8), 0x00000000dddddddd);
	ok("\xc4\xe2\xe9\x8c\x18");		/* vpmaskmovq xmm3, xmm2, [rax] */
	same(xmm(3, 0), 0x1111111122222222);
	same(xmm(3, 1), 0);
	ok("\xc4\xe2\x69\x2f\x48\x60");		/* vmaskmovpd [rax+96], xmm2, xmm1 */
	same(load(DATA + 96, 8), 0xaaaaaaaabbbbbbbb);
	same(load(DATA + 104, 8), 0);
	/* Elements that are not selected are not touched: nothing faults. */
	m.c.regs[X86_RAX] = SUPERVISOR - 12;
	set_xmm(2, 0x80000000, 0);
	ok("\xc4\xe2\x69\x2c\x18");
	/* One that is beyond the page faults, before any is written. */
	m.c.regs[X86_RAX] = sizeof(memory) - 8;
	set_xmm(2, ~0ull, ~0ull);
	fault("\xc4\xe2\x69\x2e\x08", EXC_PF, 6);
	fault("\xc4\xe2\x69\x2c\x08", EXC_PF, 4);

	set_xmm(2, 0x80ff00000000ff80, 0);
	m.c.regs[X86_RDI] = DATA + 0x80;
	ok("\x66\x0f\xf7\xca");			/* maskmovdqu xmm1, xmm2 */
	same(load(DATA + 0x80, 8), 0xaaaa00000000bbbb);
	same(load(DATA + 0x88, 8), 0);
	m.c.regs[X86_RDI] = READ_ONLY;
	fault("\x66\x0f\xf7\xca", EXC_PF, 7);
	m.c.regs[X86_RDI] = 0x800000000000;
	fault("\x66\x0f\xf7\xca", EXC_GP, 0);
	m.c.regs[X86_RDI] = DATA + 0x90;
	m.seg[X86_FS].base = 0x10;
	ok("\x64\x66\x0f\xf7\xca");
	same(load(DATA + 0xa0, 8), 0xaaaa00000000bbbb);
	m.c.regs[X86_RDI] = DATA + 0xc0;
	memset(machine_mm(&m, 0), 0x77, 8);
	memset(machine_mm(&m, 1), 0x80, 8);
	ok("\x0f\xf7\xc1");			/* maskmovq mm0, mm1 */
	same(load(DATA + 0xc0, 8), 0x7777777777777777);
	/* Offsets wrap. */
	protected_mode(3);
	set_xmm(1, 0x0807060504030201, 0);
	set_xmm(2, 0x8000000000000000, 0);
	m.c.regs[X86_RDI] = 0xfffc;
	ok("\x67\x66\x0f\xf7\xca");
	same(load(3, 1), 8);
}

/* What the instruction needs, in the order in which it is missed. */
static void enabled(void)
{
	vector_mode(0, true);
	m.cr0 |= X86_CR0_TS;
	fault("\x0f\x28\x00", EXC_NM, NO_ERROR);
	fault("\xc5\xf8\x28\x00", EXC_NM, NO_ERROR);
	fault("\x0f\x6f\x00", EXC_NM, NO_ERROR);
	fault("\x0f\xae\x00", EXC_NM, NO_ERROR);
	fault("\xdb\xe3", EXC_NM, NO_ERROR);
	m.cr0 |= X86_CR0_EM;
	fault("\x0f\x28\x00", EXC_UD, NO_ERROR);
	fault("\x0f\x6f\x00", EXC_UD, NO_ERROR);
	fault("\xdb\xe3", EXC_NM, NO_ERROR);
	fault("\xc5\xf8\x28\x00", EXC_NM, NO_ERROR);	/* EM is nothing to VEX */
	m.cr0 &= ~(u64)(X86_CR0_TS | X86_CR0_EM);
	m.cr4 &= ~(u64)X86_CR4_OSFXSR;
	fault("\x0f\x28\x00", EXC_UD, NO_ERROR);
	ok("\xc5\xf8\x28\x00");
	m.xcr0 = 3;
	fault("\xc5\xf8\x28\x00", EXC_UD, NO_ERROR);
	m.xcr0 = 7;
	m.cr4 &= ~(u64)X86_CR4_OSXSAVE;
	fault("\xc5\xf8\x28\x00", EXC_UD, NO_ERROR);
	vector_mode(0, false);
	m.cr4 |= X86_CR4_OSXSAVE;
	m.xcr0 = 7;
	fault("\xc5\xf8\x28\x00", EXC_UD, NO_ERROR);	/* no AVX */
	fault("\xc4\xe2\x69\x2c\x18", EXC_UD, NO_ERROR);
	fault("\x66\x0f\x38\x2c\x18", EXC_UD, NO_ERROR);	/* VEX only */
}

static void mmx(void)
{
	vector_mode(3, false);
	set_status(3 << 11);
	m.fx[4] = 0;
	ok("\x0f\x6f\x00");			/* movq mm0, [rax] */
	same(mm(0), 0x1111111122222222);
	same(machine_mm(&m, 0)[8], 0xff);
	same(m.fx[4], 0xff);			/* TOP 0, all valid */
	same(m.fx[3] & 0x38, 0);
	ok("\x0f\x6e\x48\x08");			/* movd mm1, [rax+8] */
	same(mm(1), 0x44444444);
	ok("\x48\x0f\x6e\xd0");			/* movq mm2, rax */
	same(mm(2), DATA);
	ok("\x0f\xe7\x40\x20");			/* movntq [rax+32], mm0 */
	same(load(DATA + 32, 8), 0x1111111122222222);
	ok("\xf3\x0f\xd6\xe0");			/* movq2dq xmm4, mm0 */
	same(xmm(4, 0), 0x1111111122222222);
	same(xmm(4, 1), 0);
	ok("\xf2\x0f\xd6\xda");			/* movdq2q mm3, xmm2 */
	same(mm(3), 0x0123456789abcdef);
	set_status(0x8081);
	fault("\x0f\x6f\x00", EXC_MF, NO_ERROR);
}

static void fxsave(void)
{
	u32 mxcsr = 0x1234;

	vector_mode(3, false);
	memset(m.fx + 160, 0x77, 256);
	m.fx[12] = m.fx[20] = 0x99;
	ok("\x0f\xae\x00");			/* fxsave [rax] */
	same(load(DATA, 2), 0x37f);
	same(load(DATA + 160, 8), 0x7777777777777777);
	same(load(DATA + 408, 8), 0x7777777777777777);
	same(load(DATA + 416, 8), 0);
	same(load(DATA + 12, 1), 0);		/* selectors:offsets of 32 bits */
	ok("\x48\x0f\xae\x00");
	same(load(DATA + 12, 1), 0x99);
	store(DATA + 24, mxcsr, 4);
	memset(memory + DATA + 160, 0x33, 256);
	ok("\x48\x0f\xae\x08");			/* fxrstor64 */
	same(xmm(15, 1), 0x3333333333333333);
	same(m.fx[24], 0x34);
	store(DATA + 24, 0x10000, 4);		/* reserved in MXCSR */
	fault("\x0f\xae\x08", EXC_GP, 0);
	m.c.regs[X86_RAX] = DATA + 8;
	fault("\x0f\xae\x00", EXC_GP, 0);
	m.c.regs[X86_RAX] = READ_ONLY;
	fault("\x0f\xae\x00", EXC_PF, 7);
	m.c.regs[X86_RAX] = ABSENT - 256;	/* the second half does not exist */
	fault("\x0f\xae\x08", EXC_PF, 4);

	/* 32-bit code transfers eight registers, fast FXSAVE none. */
	protected_mode(0);
	m.c.regs[X86_RAX] = DATA;
	memset(m.fx + 160, 0x77, 256);
	ok("\x0f\xae\x00");
	same(load(DATA + 280, 8), 0x7777777777777777);
	same(load(DATA + 288, 8), 0);
	memset(memory + DATA + 160, 0x33, 256);
	ok("\x0f\xae\x08");
	same(xmm(7, 1), 0x3333333333333333);
	same(xmm(8, 0), 0x7777777777777777);
	vector_mode(0, false);
	m.efer |= EFER_FFXSR_BIT;
	memset(m.fx + 160, 0x77, 256);
	memset(memory + DATA, 0, 512);
	ok("\x0f\xae\x00");
	same(load(DATA + 160, 8), 0);
	same(load(DATA, 2), 0x37f);
}

static void mxcsr(void)
{
	vector_mode(3, false);
	store(DATA, 0x1fbf, 4);
	ok("\x0f\xae\x10");			/* ldmxcsr */
	ok("\x0f\xae\x58\x10");			/* stmxcsr [rax+16] */
	same(load(DATA + 16, 4), 0x1fbf);
	store(DATA, 0x10000, 4);
	fault("\x0f\xae\x10", EXC_GP, 0);
}

static void x87(void)
{
	vector_mode(3, false);
	store(DATA, 0xffff, 2);
	ok("\xd9\x28");				/* fldcw [rax] */
	ok("\xd9\x78\x10");			/* fnstcw [rax+16] */
	same(load(DATA + 16, 2), 0x1f7f);
	set_status(0x4501);
	ok("\xdf\xe0");				/* fnstsw ax */
	same(m.c.regs[X86_RAX], DATA | 0x4501);
	m.c.regs[X86_RAX] = DATA;
	ok("\xdd\x78\x20");			/* fnstsw [rax+32] */
	same(load(DATA + 32, 2), 0x4501);
	store(DATA, 0x37e, 2);			/* unmasks what is pending */
	ok("\xd9\x28");
	fault("\x9b", EXC_MF, NO_ERROR);	/* fwait */
	fault("\xd9\x28", EXC_MF, NO_ERROR);
	ok("\xd9\x78\x10");
	ok("\xdb\xe2");				/* fnclex */
	ok("\x9b");
	ok("\xdb\xe3");				/* fninit */
	same(m.fx[0], 0x7f);
	m.cr0 |= X86_CR0_TS;
	ok("\x9b");				/* needs MP as well */
	m.cr0 |= X86_CR0_MP;
	fault("\x9b", EXC_NM, NO_ERROR);
	m.cr0 &= ~(u64)X86_CR0_TS;
	m.c.regs[X86_RAX] = ABSENT;
	fault("\xd9\x28", EXC_PF, 4);
}

/* Vectors to and from a device. */
static void devices(void)
{
	vector_mode(0, true);
	m.c.regs[X86_RAX] = MMIO;
	ok("\x0f\x28\x00");
	same(xmm(0, 0), 0x11);
	ok("\xc5\xfd\x7f\x08");			/* vmovdqa [rax], ymm1 */
	same(m.log[m.nr_log - 1].what, LOG_MMIO_WRITE);
	same(m.log[m.nr_log - 1].size, 32);
	same(m.log[m.nr_log - 1].value, 0xaaaaaaaabbbbbbbb);
	ok("\x0f\x11\x08");
	same(m.log[m.nr_log - 1].size, 16);
}

/* Defined, but with arithmetic: the caller must find another way. */
static void unhandled(void)
{
	vector_mode(0, true);
	same(step("\x0f\x58\xc1"), X86_UNHANDLED);		/* addps */
	same(step("\xd8\xc1"), X86_UNHANDLED);			/* fadd */
	same(step("\xd9\x00"), X86_UNHANDLED);			/* fld */
	same(step("\x0f\xae\x20"), X86_UNHANDLED);		/* xsave */
	same(step("\x0f\x3a\x0f\xc1\x00"), X86_UNHANDLED);	/* palignr */
	same(step("\x62\xf1\x7c\x48\x28\x00"), X86_UNHANDLED);	/* EVEX */
	same(m.c.rip, CODE);
	same(m.c.changed, 0);
}

const struct test vector_tests[] = {
	{ "SSE moves", sse_moves },
	{ "AVX moves", avx_moves },
	{ "VEX.W outside 64-bit mode", vex_w_is_ignored },
	{ "masked moves", masked_moves },
	{ "what must be enabled", enabled },
	{ "MMX moves", mmx },
	{ "FXSAVE, FXRSTOR", fxsave },
	{ "LDMXCSR, STMXCSR", mxcsr },
	{ "x87 control", x87 },
	{ "devices", devices },
	{ "what is left to the caller", unhandled },
	{ NULL, NULL },
};
