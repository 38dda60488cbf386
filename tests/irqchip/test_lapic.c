// SPDX-License-Identifier: GPL-2.0
/* test_lapic.c - the local APIC's registers and modes, after the SDM. */
#include "vm.h"
#include "../../irqchip/lapic.h"

#define MASKED		0x10000u
#define BASE		0xfee00000ull
#define ENABLE		0x800ull
#define EXTD		0x400ull
#define BSP		0x100ull

/* By hardware (IA32_APIC_BASE) and by software (SVR). */
static bool enabled(struct kvm_vcpu *vcpu)
{
	return vcpu->apic->hw_enabled && vcpu->apic->sw_enabled;
}

/* SDM, "Local APIC State After Power-Up or Reset". */
static void reset_values(void)
{
	static const struct {
		u32 offset, value;
	} rows[] = {
		{ 0x020, 1 << 24 }, { 0x030, 0x50014 }, { 0x080, 0 },
		{ 0x090, 0 }, { 0x0a0, 0 }, { 0x0c0, 0 }, { 0x0d0, 0 },
		{ 0x0e0, 0xffffffff }, { 0x0f0, 0xff }, { 0x100, 0 },
		{ 0x170, 0 }, { 0x180, 0 }, { 0x1f0, 0 }, { 0x200, 0 },
		{ 0x270, 0 }, { 0x280, 0 }, { 0x300, 0 }, { 0x310, 0 },
		{ 0x320, MASKED }, { 0x330, MASKED }, { 0x340, MASKED },
		{ 0x350, MASKED }, { 0x360, MASKED }, { 0x370, MASKED },
		{ 0x380, 0 }, { 0x390, 0 }, { 0x3e0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_EQ(apic_read(&cpu[1], rows[i].offset), rows[i].value);
	CHECK_EQ(apic_read(&cpu[0], APIC_LVT0), 0x700);
	CHECK_EQ(cpu[0].apic_base, BASE | ENABLE | BSP);
	CHECK_EQ(cpu[1].apic_base, BASE | ENABLE);
	CHECK(!enabled(&cpu[0]));
	CHECK(lapic_accepts_pic(&cpu[0]));
	CHECK(!lapic_accepts_pic(&cpu[1]));
}

/* What sticks of all ones, and of all zeroes, with the APIC on. */
static void writable_bits(void)
{
	static const struct {
		u32 offset, ones, zeroes;
	} rows[] = {
		{ APIC_ID, 0xff000000, 0 },
		{ APIC_LVR, 0x50014, 0x50014 },
		{ APIC_TASKPRI, 0xff, 0 },
		{ APIC_PROCPRI, 0, 0 },
		{ APIC_LDR, 0xff000000, 0 },
		{ APIC_DFR, 0xffffffff, 0x0fffffff },
		{ APIC_ISR, 0, 0 }, { APIC_TMR, 0, 0 }, { APIC_IRR, 0, 0 },
		{ APIC_ICR2, 0xff000000, 0 },
		{ APIC_LVTT, 0x700ff, 0 },
		{ APIC_LVTTHMR, 0x107ff, 0 },
		{ APIC_LVTPC, 0x107ff, 0 },
		{ APIC_LVT0, 0x1a7ff, 0 },
		{ APIC_LVT1, 0x1a7ff, 0 },
		{ APIC_LVTERR, 0x100ff, 0 },
		{ APIC_TDCR, 0xb, 0 },
	};
	size_t i;

	apic_on(&cpu[0], 1);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		apic_write(&cpu[0], rows[i].offset, ~0u);
		CHECK_EQ(apic_read(&cpu[0], rows[i].offset), rows[i].ones);
		apic_write(&cpu[0], rows[i].offset, 0);
		CHECK_EQ(apic_read(&cpu[0], rows[i].offset), rows[i].zeroes);
	}
	apic_write(&cpu[0], APIC_ICR, 0xfff7f8ff);	/* reserved mode 0 */
	CHECK_EQ(apic_read(&cpu[0], APIC_ICR), 0x4c8ff);
	feature_deadline = false;
	apic_write(&cpu[0], APIC_LVTT, ~0u);
	CHECK_EQ(apic_read(&cpu[0], APIC_LVTT), 0x300ff);
	apic_write(&cpu[0], APIC_SPIV, ~0u);
	CHECK_EQ(apic_read(&cpu[0], APIC_SPIV), 0x3ff);
}

static void odd_accesses(void)
{
	u8 buf[8];
	u32 val;
	u64 wide;
	int len, i;

	apic_on(&cpu[0], 1);
	apic_write(&cpu[0], APIC_TMICT, 0x12345678);
	/* Loads of a part of the register. */
	CHECK_EQ(lapic_mmio_read(&cpu[0], BASE + 0x381, 1, buf), 0);
	CHECK_EQ(buf[0], 0x56);
	CHECK_EQ(lapic_mmio_read(&cpu[0], BASE + 0x382, 2, buf), 0);
	CHECK_EQ(buf[0] | buf[1] << 8, 0x1234);
	/* Beyond it, or too wide: zeroes, all of them. */
	for (i = 1; i < 16; i++)
		for (len = 1; len <= 8; len *= 2) {
			if (i + len <= 4)
				continue;
			memset(buf, 0xee, sizeof(buf));
			CHECK_EQ(lapic_mmio_read(&cpu[0], BASE + 0x380 + i, len,
						 buf), 0);
			CHECK_EQ(buf[0] | buf[len - 1], 0);
		}
	CHECK_EQ(lapic_mmio_read(&cpu[0], BASE + 0x380, 8, &wide), 0);
	CHECK_EQ(wide, 0);
	/* Stores of anything else than the register do nothing. */
	val = ~0u;
	CHECK_EQ(lapic_mmio_write(&cpu[0], BASE + 0x80, 1, &val), 0);
	CHECK_EQ(lapic_mmio_write(&cpu[0], BASE + 0x80, 2, &val), 0);
	CHECK_EQ(lapic_mmio_write(&cpu[0], BASE + 0x84, 4, &val), 0);
	wide = ~0ull;
	CHECK_EQ(lapic_mmio_write(&cpu[0], BASE + 0x80, 8, &wide), 0);
	CHECK_EQ(apic_read(&cpu[0], APIC_TASKPRI), 0);
	/* Not this page. */
	CHECK_EQ(lapic_mmio_read(&cpu[0], BASE - 1, 1, buf), -EOPNOTSUPP);
	CHECK_EQ(lapic_mmio_read(&cpu[0], BASE + 4096, 4, buf), -EOPNOTSUPP);
	CHECK_EQ(lapic_mmio_write(&cpu[0], BASE + 4096, 4, &val), -EOPNOTSUPP);
}

static void priorities(void)
{
	static const struct {
		u8 tpr, isr, ppr;
	} rows[] = {		/* SDM, "Task and Processor Priorities" */
		{ 0x00, 0x00, 0x00 }, { 0x35, 0x00, 0x35 },
		{ 0x35, 0x3f, 0x35 }, { 0x35, 0x41, 0x40 },
		{ 0x4f, 0x41, 0x4f }, { 0x50, 0x41, 0x50 },
	};
	size_t i;

	apic_on(&cpu[0], 1);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		apic_write(&cpu[0], APIC_TASKPRI, 0);
		if (rows[i].isr) {
			send_ipi(&cpu[0], 0, rows[i].isr);
			CHECK_EQ(irq_ack(&cpu[0]), rows[i].isr);
		}
		apic_write(&cpu[0], APIC_TASKPRI, rows[i].tpr);
		CHECK_EQ(apic_read(&cpu[0], APIC_PROCPRI), rows[i].ppr);
		apic_write(&cpu[0], APIC_EOI, 0);
		CHECK_EQ(apic_read(&cpu[0], APIC_PROCPRI), rows[i].tpr);
	}
	/* The class decides; lowering TPR asks for another look. */
	apic_write(&cpu[0], APIC_TASKPRI, 0x60);
	send_ipi(&cpu[0], 0, 0x6f);
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	CHECK_EQ(lapic_highest_irr(&cpu[0]), 0x6f);
	cpu[0].requests = 0;
	apic_write(&cpu[0], APIC_TASKPRI, 0x5f);
	CHECK_EQ(cpu[0].requests, 1);
	CHECK_EQ(take(&cpu[0]), 0x6f);
	CHECK_EQ(lapic_highest_irr(&cpu[0]), -1);
	/* CR8 is TPR's upper half. */
	CHECK_EQ(lapic_get_cr8(&cpu[0]), 5);
	lapic_set_cr8(&cpu[0], 0xf);
	CHECK_EQ(apic_read(&cpu[0], APIC_TASKPRI), 0xf0);
}

static void nesting(void)
{
	apic_on(&cpu[0], 1);
	send_ipi(&cpu[0], 0, 0x31);
	send_ipi(&cpu[0], 0, 0x52);
	send_ipi(&cpu[0], 0, 0x51);
	CHECK(in_irr(&cpu[0], 0x51));
	CHECK_EQ(irq_pending(&cpu[0]), 0x52);
	CHECK_EQ(irq_ack(&cpu[0]), 0x52);
	CHECK(!in_irr(&cpu[0], 0x52));
	CHECK(in_isr(&cpu[0], 0x52));
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	send_ipi(&cpu[0], 0, 0xff);
	CHECK_EQ(irq_ack(&cpu[0]), 0xff);
	apic_write(&cpu[0], APIC_EOI, 0);
	CHECK(in_isr(&cpu[0], 0x52));
	cpu[0].requests = 0;
	apic_write(&cpu[0], APIC_EOI, 0);
	CHECK_EQ(cpu[0].requests, 1);
	CHECK_EQ(take(&cpu[0]), 0x51);
	CHECK_EQ(take(&cpu[0]), 0x31);
	apic_write(&cpu[0], APIC_EOI, 0);		/* without an interrupt */
	CHECK_EQ(take(&cpu[0]), -1);
}

/* SDM, "Error Handling". */
static void errors(void)
{
	struct lapic_msg msg = { .vector = 15, .assert = true };

	apic_on(&cpu[0], 1);
	apic_write(&cpu[0], APIC_LVTERR, 0xfe);
	apic_write(&cpu[0], APIC_ICR, 0x4000f);		/* self, vector 15 */
	CHECK_EQ(apic_read(&cpu[0], APIC_ESR), 0);	/* until it is written */
	apic_write(&cpu[0], APIC_ESR, 0);
	CHECK_EQ(apic_read(&cpu[0], APIC_ESR), APIC_ESR_SENDILL);
	CHECK_EQ(take(&cpu[0]), 0xfe);
	CHECK(!in_irr(&cpu[0], 15));
	CHECK_EQ(lapic_deliver(&vm, NULL, &msg), 0);
	apic_read(&cpu[0], 0x040);
	apic_write(&cpu[0], APIC_ESR, 0);
	CHECK_EQ(apic_read(&cpu[0], APIC_ESR),
		 APIC_ESR_RECVILL | APIC_ESR_ILLREGA);
	CHECK_EQ(take(&cpu[0]), 0xfe);
	apic_write(&cpu[0], APIC_ESR, 0);
	CHECK_EQ(apic_read(&cpu[0], APIC_ESR), 0);
	/* Registers of one way only are no error. */
	apic_read(&cpu[0], APIC_EOI);
	apic_write(&cpu[0], APIC_LVR, 0);
	apic_write(&cpu[0], APIC_ESR, 0);
	CHECK_EQ(apic_read(&cpu[0], APIC_ESR), 0);
	/* x2APIC's own, and what lies beyond. */
	apic_write(&cpu[0], APIC_SELF_IPI, 0x40);
	apic_write(&cpu[0], APIC_ESR, 0);
	CHECK_EQ(apic_read(&cpu[0], APIC_ESR), APIC_ESR_ILLREGA);
	apic_read(&cpu[0], 0x400);
	apic_write(&cpu[0], APIC_ESR, 0);
	CHECK_EQ(apic_read(&cpu[0], APIC_ESR), APIC_ESR_ILLREGA);
	while (take(&cpu[0]) >= 0)
		;
	/* An illegal error vector does not recurse. */
	apic_write(&cpu[0], APIC_LVTERR, 0x05);
	apic_read(&cpu[0], 0x040);
	apic_write(&cpu[0], APIC_ESR, 0);
	CHECK_EQ(apic_read(&cpu[0], APIC_ESR),
		 APIC_ESR_RECVILL | APIC_ESR_ILLREGA);
	CHECK_EQ(take(&cpu[0]), -1);
}

static void software_disable(void)
{
	apic_on(&cpu[0], 1);
	apic_write(&cpu[0], APIC_LVT1, 0x400);
	send_ipi(&cpu[0], 0, 0x40);
	apic_write(&cpu[0], APIC_SPIV, 0xff);
	CHECK(!enabled(&cpu[0]));
	CHECK_EQ(apic_read(&cpu[0], APIC_LVT1), MASKED | 0x400);
	apic_write(&cpu[0], APIC_LVT1, 0x400);
	CHECK_EQ(apic_read(&cpu[0], APIC_LVT1), MASKED | 0x400);
	CHECK_EQ(take(&cpu[0]), 0x40);		/* pending ones are kept */
	send_ipi(&cpu[0], 0, 0x41);
	CHECK_EQ(take(&cpu[0]), -1);		/* new ones are refused */
	send_ipi(&cpu[0], 0, 0x400);
	CHECK_EQ(cpu[0].ev.nmi_queued.counter, 1);	/* but NMI, INIT, SIPI */
	apic_write(&cpu[0], APIC_SPIV, 0x1ff);
	CHECK_EQ(apic_read(&cpu[0], APIC_LVT1), MASKED | 0x400);
}

/* IA32_APICBASE: by the guest (host = false) and by ioctl. */
static void base_transitions(void)
{
	static const struct {
		u64 from, to;
		bool host;
		int result;
	} rows[] = {
		{ BASE | ENABLE, BASE | ENABLE | EXTD, false, 0 },
		{ BASE | ENABLE, BASE, false, 0 },
		{ BASE | ENABLE, BASE | EXTD, false, 1 },
		{ BASE | ENABLE | EXTD, BASE | ENABLE, false, 1 },
		{ BASE | ENABLE | EXTD, BASE | ENABLE, true, 0 },
		{ BASE | ENABLE | EXTD, BASE, false, 0 },
		{ BASE | ENABLE | EXTD, BASE | EXTD, true, 1 },
		{ BASE, BASE | ENABLE, false, 0 },
		{ BASE, BASE | ENABLE | EXTD, false, 1 },
		{ BASE, BASE | ENABLE | EXTD, true, 0 },
		{ BASE, BASE | 0x200, true, 1 },	/* reserved bits */
		{ BASE, BASE | 1, true, 1 },
		{ BASE, 1ull << 40, true, 1 },		/* beyond MAXPHYADDR */
		{ BASE, (1ull << 40) - 4096, true, 0 },
		{ BASE, BASE | BSP, false, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_EQ(lapic_set_base(&cpu[0], BASE, true), 0);
		CHECK_EQ(lapic_set_base(&cpu[0], rows[i].from, true), 0);
		CHECK_EQ(lapic_set_base(&cpu[0], rows[i].to, rows[i].host),
			 rows[i].result);
		CHECK_EQ(cpu[0].apic_base,
			 rows[i].result ? rows[i].from : rows[i].to);
	}
	feature_x2apic = false;
	CHECK_EQ(lapic_set_base(&cpu[0], BASE | ENABLE | EXTD, true), 1);
	/* Before KVM_SET_CPUID2: 36 bits. */
	cpu[0].feat.maxphyaddr = 0;
	CHECK_EQ(lapic_set_base(&cpu[0], 1ull << 36, true), 1);
	CHECK_EQ(lapic_set_base(&cpu[0], 1ull << 35, true), 0);
}

static void base_effects(void)
{
	u32 val = 0;
	u64 msr;

	apic_on(&cpu[1], 2);
	apic_write(&cpu[1], APIC_ID, 9u << 24);
	apic_write(&cpu[1], APIC_LVT1, 0x21);
	/* Moved: the page answers there, and there alone. */
	CHECK_EQ(lapic_set_base(&cpu[1], 0xe0000000 | ENABLE, false), 0);
	CHECK_EQ(lapic_mmio_read(&cpu[1], BASE + 0x20, 4, &val), -EOPNOTSUPP);
	CHECK_EQ(apic_read(&cpu[1], APIC_ID), 9u << 24);
	CHECK_EQ(cpu[1].cpuid_updates, 0);
	/* x2APIC: id and logical id by the vCPU; the rest is kept. */
	CHECK_EQ(lapic_set_base(&cpu[1], BASE | ENABLE | EXTD, false), 0);
	CHECK_EQ(rdmsr(&cpu[1], 0x802), 1);
	CHECK_EQ(rdmsr(&cpu[1], 0x80d), 2);
	CHECK_EQ(rdmsr(&cpu[1], 0x836), 0x21);
	/* The page is a hole that reads ones. */
	CHECK_EQ(lapic_mmio_read(&cpu[1], BASE + 0x20, 4, &val), 0);
	CHECK_EQ(val, 0xffffffff);
	/* Disabled: no MSRs, no messages; enabled again: as after reset. */
	CHECK_EQ(lapic_set_base(&cpu[1], BASE, false), 0);
	CHECK_EQ(cpu[1].cpuid_updates, 1);
	CHECK_EQ(lapic_msr_read(&cpu[1], 0x802, &msr), 1);
	send_ipi(&cpu[0], 1, 0x400);
	CHECK_EQ(cpu[1].ev.nmi_queued.counter, 0);
	CHECK_EQ(irq_pending(&cpu[1]), -1);
	CHECK_EQ(lapic_set_base(&cpu[1], BASE | ENABLE, false), 0);
	CHECK_EQ(apic_read(&cpu[1], APIC_LVT1), MASKED);
	CHECK_EQ(apic_read(&cpu[1], APIC_ID), 1u << 24);
	CHECK(!enabled(&cpu[1]));
	/* By ioctl nothing is lost: the order of ioctls is the caller's. */
	apic_on(&cpu[1], 2);
	CHECK_EQ(lapic_set_base(&cpu[1], BASE, true), 0);
	CHECK_EQ(lapic_set_base(&cpu[1], BASE | ENABLE, true), 0);
	CHECK(enabled(&cpu[1]));
}

/* SDM, "x2APIC Register Address Space": every MSR of the range. */
static void x2apic_access(void)
{
	static const struct {
		u32 first, last;
		const char *access;
	} rows[] = {
		{ 0x802, 0x803, "r" }, { 0x808, 0x808, "rw" },
		{ 0x80a, 0x80a, "r" }, { 0x80b, 0x80b, "w" },
		{ 0x80d, 0x80d, "r" }, { 0x80f, 0x80f, "rw" },
		{ 0x810, 0x827, "r" }, { 0x828, 0x828, "rw" },
		{ 0x830, 0x830, "rw" }, { 0x832, 0x838, "rw" },
		{ 0x839, 0x839, "r" }, { 0x83e, 0x83e, "rw" },
		{ 0x83f, 0x83f, "w" },
	};
	u32 index;
	u64 val;
	size_t i;

	CHECK_EQ(lapic_msr_read(&cpu[0], 0x802, &val), 1);	/* xAPIC mode */
	x2apic_on(&cpu[0]);
	for (index = 0x800; index <= 0x8ff; index++) {
		const char *access = "";

		for (i = 0; i < ARRAY_SIZE(rows); i++)
			if (index >= rows[i].first && index <= rows[i].last)
				access = rows[i].access;
		CHECK_EQ(lapic_msr_read(&cpu[0], index, &val),
			 !strchr(access, 'r'));
		val = index == 0x83f ? 0x20 : index == 0x830 ? 0x40 : 0;
		CHECK_EQ(lapic_msr_write(&cpu[0], index, val),
			 !strchr(access, 'w'));
	}
}

static void x2apic_reserved(void)
{
	static const struct {
		u32 index;
		u64 value;
		int fault;
	} rows[] = {
		{ 0x808, 0xff, 0 }, { 0x808, 0x100, 1 }, { 0x808, 1ull << 32, 1 },
		{ 0x80b, 1, 1 }, { 0x80b, 0, 0 }, { 0x80b, 1ull << 40, 1 },
		{ 0x80f, 0x3ff, 0 }, { 0x80f, 0x400, 1 }, { 0x80f, 0x1000, 1 },
		{ 0x828, 0, 0 }, { 0x828, 1, 1 },
		{ 0x830, 0x1000040, 1 }, { 0x830, 0x100040, 1 },
		{ 0x830, 0x30040, 1 }, { 0x830, 0x2040, 1 },
		{ 0x830, 0x1040, 0 },		/* delivery status: ignored */
		{ 0x830, 0x12345678000ccf40ull, 0 },
		{ 0x832, 0x700ff, 0 }, { 0x832, 0x80000, 1 }, { 0x832, 0x100, 1 },
		{ 0x832, 0x1000, 0 },
		{ 0x833, 0x107ff, 0 }, { 0x833, 0x2000, 1 },
		{ 0x835, 0x1f7ff, 0 }, { 0x835, 0x20000, 1 },
		{ 0x837, 0x100, 1 }, { 0x837, 0x110ff, 0 },
		{ 0x838, 0xffffffff, 0 }, { 0x838, 1ull << 32, 1 },
		{ 0x83e, 0xb, 0 }, { 0x83e, 4, 1 }, { 0x83e, 0x10, 1 },
		{ 0x83f, 0xff, 0 }, { 0x83f, 0x100, 1 },
	};
	size_t i;
	u64 before, after;

	x2apic_on(&cpu[0]);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		before = after = 0;
		lapic_msr_read(&cpu[0], rows[i].index, &before);
		CHECK_EQ(lapic_msr_write(&cpu[0], rows[i].index, rows[i].value),
			 rows[i].fault);
		lapic_msr_read(&cpu[0], rows[i].index, &after);
		if (rows[i].fault)
			CHECK_EQ(after, before);
	}
	feature_deadline = false;
	CHECK_EQ(lapic_msr_write(&cpu[0], 0x832, 0x40000), 1);
	/* ICR is one register, with a 32-bit destination. */
	wrmsr(&cpu[0], 0x830, 0xcafecafe0000004cull);
	CHECK_EQ(rdmsr(&cpu[0], 0x830), 0xcafecafe0000004cull);
}

static void init_reset(void)
{
	x2apic_on(&cpu[1]);
	wrmsr(&cpu[1], 0x808, 0x50);
	send_ipi(&cpu[0], 1, 0x40);
	send_ipi(&cpu[0], 1, 0x4500);
	CHECK(lapic_has_events(&cpu[1]));
	lapic_accept_events(&cpu[1]);
	CHECK(!lapic_has_events(&cpu[1]));
	CHECK_EQ(cpu[1].mp_state, KVM_MP_STATE_INIT_RECEIVED);
	CHECK_EQ(cpu[1].apic_base, BASE | ENABLE | EXTD);
	CHECK_EQ(rdmsr(&cpu[1], 0x808), 0);
	CHECK_EQ(rdmsr(&cpu[1], 0x80f), 0xff);
	CHECK_EQ(rdmsr(&cpu[1], 0x802), 1);
	CHECK_EQ(irq_pending(&cpu[1]), -1);
}

static void state(void)
{
	struct kvm_lapic_state s, t;
	u32 id = 0;

	apic_on(&cpu[0], 1);
	apic_write(&cpu[0], APIC_TASKPRI, 0x11);
	apic_write(&cpu[0], APIC_LVT1, 0x8400);
	apic_write(&cpu[0], APIC_LVTERR, 0xfe);
	apic_read(&cpu[0], 0x040);
	apic_write(&cpu[0], APIC_ESR, 0);
	send_ipi(&cpu[0], 0, 0x31);
	send_ipi(&cpu[0], 0, 0x92);
	CHECK_EQ(irq_ack(&cpu[0]), 0xfe);
	CHECK_EQ(lapic_get_state(&cpu[0], &s), 0);
	CHECK(in_irr(&cpu[0], 0x92));
	vm_stop();
	vm_start(1);
	CHECK_EQ(lapic_set_state(&cpu[0], &s), 0);
	memset(&t, 0xee, sizeof(t));
	CHECK_EQ(lapic_get_state(&cpu[0], &t), 0);
	CHECK(!memcmp(&s, &t, sizeof(s)));
	CHECK(enabled(&cpu[0]));
	CHECK_EQ(irq_pending(&cpu[0]), -1);
	apic_write(&cpu[0], APIC_EOI, 0);
	CHECK_EQ(take(&cpu[0]), 0x92);
	CHECK_EQ(take(&cpu[0]), 0x31);
	/* The id is in xAPIC format in x2APIC mode, too; and fixed there. */
	x2apic_on(&cpu[0]);
	CHECK_EQ(lapic_get_state(&cpu[0], &s), 0);
	memcpy(&id, s.regs + 0x20, 4);
	CHECK_EQ(id, 0);
	id = 1 << 24;
	memcpy(s.regs + 0x20, &id, 4);
	CHECK_EQ(lapic_set_state(&cpu[0], &s), -EINVAL);
	CHECK_EQ(lapic_set_base(&cpu[0], BASE | ENABLE, true), 0);
	CHECK_EQ(lapic_set_state(&cpu[0], &s), 0);
	CHECK_EQ(apic_read(&cpu[0], APIC_ID), 1u << 24);
}

/* There is no EOI register in the IOAPIC, so no directed EOI. */
static void no_directed_eoi(void)
{
	apic_write(&cpu[0], APIC_SPIV, 0x11ff);
	CHECK_EQ(apic_read(&cpu[0], APIC_SPIV), 0x1ff);
	CHECK_EQ(apic_read(&cpu[0], APIC_LVR), 0x50014);
}

/* No APIC at all: everything is refused, nothing crashes. */
static void none(void)
{
	static struct kvm bare;
	static struct kvm_vcpu v;
	u64 val = 5;

	v.kvm = &bare;
	v.feat.maxphyaddr = 40;
	CHECK_EQ(lapic_create(&v), -EINVAL);
	CHECK_EQ(irq_pending(&v), -1);
	CHECK_EQ(irq_ack(&v), -1);
	CHECK_EQ(lapic_highest_irr(&v), -1);
	CHECK(!v.apic);
	CHECK_EQ(lapic_mmio_read(&v, BASE, 4, &val), -EOPNOTSUPP);
	CHECK_EQ(lapic_mmio_write(&v, BASE, 4, &val), -EOPNOTSUPP);
	CHECK_EQ(lapic_msr_read(&v, 0x802, &val), 1);
	CHECK_EQ(lapic_msr_write(&v, 0x808, 0), 1);
	CHECK_EQ(lapic_msr_write(&v, MSR_IA32_TSC_DEADLINE, 5), 0);
	CHECK_EQ(lapic_msr_read(&v, MSR_IA32_TSC_DEADLINE, &val), 0);
	CHECK_EQ(val, 0);
	CHECK_EQ(lapic_set_base(&v, BASE | ENABLE, true), 0);
	CHECK_EQ(v.apic_base, BASE | ENABLE);
	lapic_tsc_changed(&v);
	CHECK_EQ(irq_set(&bare, IRQ_SOURCE_USER, 1, 1), -1);
	lapic_free(&v);
	irqchip_destroy(&bare);
	irq_free_routing(&bare);
}

const struct test lapic_tests[] = {
	{ "lapic-reset", 2, reset_values },
	{ "lapic-writable-bits", 1, writable_bits },
	{ "lapic-odd-accesses", 1, odd_accesses },
	{ "lapic-priorities", 1, priorities },
	{ "lapic-nesting", 1, nesting },
	{ "lapic-errors", 1, errors },
	{ "lapic-software-disable", 1, software_disable },
	{ "lapic-base-transitions", 1, base_transitions },
	{ "lapic-base-effects", 2, base_effects },
	{ "lapic-x2apic-access", 1, x2apic_access },
	{ "lapic-x2apic-reserved", 1, x2apic_reserved },
	{ "lapic-init", 2, init_reset },
	{ "lapic-state", 1, state },
	{ "lapic-directed-eoi", 1, no_directed_eoi },
	{ "lapic-none", 0, none },
	{}
};
