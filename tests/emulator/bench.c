// SPDX-License-Identifier: GPL-2.0
/*
 * What the emulator costs in host instructions, counted by callgrind: see ./bench.
 *
 * The callbacks are as short as can be, so that what is counted is the emulator.  Each
 * row runs its instruction over and over; callgrind collects what x86_emulate() does.
 *
 * usage: bench ROW	print what the row is and how often it is run
 *	  bench		list the rows
 */
#include <stdio.h>
#include <stdlib.h>
#include "../../emulate/emulate.h"

#define RUNS	1000
#define CODE	0x1000
#define DEVICE	0xfee00000u

static u8 code[16];
static u64 device, answer;
static bool answered;
static struct x86_emulate_ctxt c;

static int bench_read(struct x86_emulate_ctxt *ctxt, u64 la, void *buf, unsigned int len,
		      unsigned int acc)
{
	if (acc & X86_ACC_FETCH) {
		memcpy(buf, code, 15);
		return X86_OK;
	}
	if (!answered)
		return X86_IO;
	memcpy(buf, &answer, 4);
	return X86_OK;
}

static int bench_write(struct x86_emulate_ctxt *ctxt, u64 la, const void *buf,
		       unsigned int len, unsigned int acc)
{
	memcpy(&device, buf, 4);
	return X86_OK;
}

static int bench_cmpxchg(struct x86_emulate_ctxt *ctxt, u64 la, const void *old,
			 const void *new, unsigned int len, unsigned int acc)
{
	return bench_write(ctxt, la, new, len, acc);
}

static int bench_probe(struct x86_emulate_ctxt *ctxt, u64 la, unsigned int len,
		       unsigned int acc)
{
	return X86_OK;
}

static void bench_get_seg(struct x86_emulate_ctxt *ctxt, enum x86_sreg sreg,
			  struct x86_seg *seg)
{
	*seg = (struct x86_seg){ .limit = ~0u, .ar = sreg == X86_CS ? 0xa09b : 0xc093 };
}

static void bench_set_seg(struct x86_emulate_ctxt *ctxt, enum x86_sreg sreg,
			  const struct x86_seg *seg)
{
}

static int bench_get_reg(struct x86_emulate_ctxt *ctxt, u64 reg, u64 *val)
{
	*val = reg == X86_REG_CR0 ? X86_CR0_PE | X86_CR0_PG :
	       reg == X86_REG_CR4 ? X86_CR4_PAE | X86_CR4_OSFXSR :
	       reg == X86_REG_EFER ? EFER_LMA_BIT | EFER_LME_BIT : 0;
	return X86_OK;
}

static int bench_set_reg(struct x86_emulate_ctxt *ctxt, u64 reg, u64 val)
{
	return X86_OK;
}

static int bench_io(struct x86_emulate_ctxt *ctxt, bool in, u16 port, unsigned int size,
		    void *buf, unsigned int *count)
{
	return X86_OK;
}

static void bench_cpuid(struct x86_emulate_ctxt *ctxt, u32 leaf, u32 subleaf, u32 regs[4])
{
	memset(regs, 0xff, 16);
}

static int bench_system(struct x86_emulate_ctxt *ctxt, enum x86_system_op op, u64 *arg)
{
	return X86_OK;
}

static int bench_fpu(struct x86_emulate_ctxt *ctxt, enum x86_fpu_op op, unsigned int reg,
		     void *buf)
{
	if (op == X86_FPU_READ_VEC)
		memset(buf, 0, 32);
	return X86_OK;
}

static const struct x86_emulate_ops ops = {
	.read = bench_read, .write = bench_write, .cmpxchg = bench_cmpxchg,
	.probe = bench_probe, .get_seg = bench_get_seg, .set_seg = bench_set_seg,
	.get_reg = bench_get_reg, .set_reg = bench_set_reg, .io = bench_io,
	.cpuid = bench_cpuid, .system = bench_system, .fpu = bench_fpu,
};

/* ------------------------------------------------------------------------ */

static const struct row {
	const char *name, *code, *what;
	unsigned int elements;	/* of a repeated instruction */
	bool anew;		/* decoded each time, not taken from the cache */
	bool reads;		/* the device answers after X86_IO */
	bool given;		/* the caller has the bytes from the hardware */
} rows[] = {
	{ "mov-store-given", "\x89\x43\x10", "MOV to a device, bytes from the hardware", 1, true,
	  .given = true },
	{ "mov-store", "\x89\x43\x10", "MOV to a device, bytes to be fetched", 1, true },
	{ "mov-store-cached", "\x89\x43\x10", "the same, decoded before", 1 },
	{ "mov-load", "\x8b\x43\x10", "MOV from a device, X86_IO and again", 1, true, true },
	{ "mov-sib", "\x48\x89\x84\x8b\x00\x01\x00\x00", "MOV to a device, SIB, disp32", 1, true },
	{ "lock-or", "\xf0\x09\x03", "LOCK OR on a device, X86_IO and again", 1, true, true },
	{ "movups", "\x0f\x11\x03", "MOVUPS to a device", 1, true },
	{ "rep-stos", "\xf3\xab", "REP STOS to a device, each of 100", 100, true },
};

static void emulate(const struct row *row)
{
	int r;

	r = x86_emulate(&c, code, row->given ? X86_INSN_MAX : 0);
	if (r == X86_IO) {
		answered = true;
		r = x86_emulate(&c, NULL, 0);
	}
	if (r != X86_OK)
		abort();
}

int main(int argc, char **argv)
{
	const struct row *row = rows;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows) && argc < 2; i++)
		printf("%s\n", rows[i].name);
	if (argc < 2)
		return 0;
	while (strcmp(row->name, argv[1]))
		if (++row == rows + ARRAY_SIZE(rows))
			return 2;
	c.ops = &ops;
	c.rflags = X86_EFLAGS_FIXED;
	x86_emulate_set_mode(&c);
	memcpy(code, row->code, strlen(row->code) < 8 ? 8 : strlen(row->code));
	for (i = 0; i < RUNS; i++) {
		/* The cache knows it by its address. */
		c.rip = CODE + (row->anew ? i : 0);
		c.regs[X86_RBX] = c.regs[X86_RDI] = DEVICE;
		c.regs[X86_RCX] = row->elements > 1 ? row->elements : 0;
		answered = !row->reads;
		emulate(row);
	}
	printf("%u %s\n", RUNS * row->elements, row->what);
	return 0;
}
