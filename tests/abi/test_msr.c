// SPDX-License-Identifier: GPL-2.0
/*
 * test_msr.c - KVM_GET_MSR_INDEX_LIST, KVM_GET/SET_MSRS and what RDMSR and
 * WRMSR do in the guest: the list can be saved and restored, values that
 * cannot be are refused on both ways, and what has no row does not exist.
 */
#include <asm/kvm_para.h>
#include "vm.h"

#define TSC		0x10
#define APICBASE	0x1b
#define TSC_ADJUST	0x3b
#define UCODE_WRITE	0x79
#define SYSENTER_CS	0x174
#define SYSENTER_ESP	0x175
#define SYSENTER_EIP	0x176
#define MCG_STATUS	0x17a
#define MISC_ENABLE	0x1a0
#define PAT		0x277
#define MTRR_DEF	0x2ff
#define MC0_STATUS	0x401
#define MC1_CTL		0x404
#define TSC_DEADLINE	0x6e0
#define EFER		0xc0000080
#define STAR		0xc0000081
#define LSTAR		0xc0000082
#define CSTAR		0xc0000083
#define FMASK		0xc0000084
#define FS_BASE		0xc0000100
#define GS_BASE		0xc0000101
#define KERNEL_GS	0xc0000102
#define TSC_AUX		0xc0000103
#define HWCR		0xc0010015

/* ------------------------------------------------------------------------
 * The list
 */

static struct kvm_msr_list *index_list(void)
{
	struct kvm_msr_list *list = calloc(1, sizeof(*list) + 1000 * 4);

	list->nmsrs = 1000;
	REQUIRE_OK(ioctl(kvm_dev(), KVM_GET_MSR_INDEX_LIST, list));
	return list;
}

static bool listed(const struct kvm_msr_list *list, u32 index)
{
	u32 i;

	for (i = 0; i < list->nmsrs; i++)
		if (list->indices[i] == index)
			return true;
	return false;
}

TEST(msr_list_protocol, "KVM_GET_MSR_INDEX_LIST: E2BIG tells how many")
{
	struct kvm_msr_list *list = index_list(), *other;
	u32 n = list->nmsrs, tries[] = { 0, 1, n - 1 }, i;

	CHECK(n > 20 && n < 1000);
	other = calloc(1, sizeof(*list) + (n + 1) * 4);
	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		other->nmsrs = tries[i];
		CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_MSR_INDEX_LIST, other),
			    E2BIG);
		CHECK_EQ(other->nmsrs, n);
	}
	other->indices[n] = 0xa5a5a5a5;
	other->nmsrs = n;
	CHECK_OK(ioctl(kvm_dev(), KVM_GET_MSR_INDEX_LIST, other));
	CHECK_EQ(other->nmsrs, n);
	CHECK_EQ(other->indices[n], 0xa5a5a5a5);
	CHECK(!memcmp(other->indices, list->indices, n * 4));
}

TEST(msr_list_content, "the list names what a client has to save, each once")
{
	static const u32 needed[] = {
		TSC, SYSENTER_CS, SYSENTER_ESP, SYSENTER_EIP, PAT, MISC_ENABLE,
		STAR, LSTAR, CSTAR, FMASK, KERNEL_GS, TSC_AUX,
		MSR_KVM_WALL_CLOCK, MSR_KVM_SYSTEM_TIME,
		MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_SYSTEM_TIME_NEW,
		TSC_DEADLINE,		/* KVM_GET_LAPIC does not hold it */
	};
	struct kvm_msr_list *list = index_list();
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(needed); i++)
		CHECK_MSG(listed(list, needed[i]), "%#x is not there",
			  needed[i]);
	for (i = 0; i < list->nmsrs; i++)
		for (j = 0; j < i; j++)
			CHECK_MSG(list->indices[i] != list->indices[j],
				  "%#x is there twice", list->indices[i]);
}

/* What a client does when it saves and restores; QEMU asserts on it. */
TEST(msr_list_settable, "each MSR of the list can be set to what it was")
{
	struct vm vm = vm_create(VM_IRQCHIP), without = vm_create(0);
	struct kvm_msr_list *list = index_list();
	u32 i, n = 0;
	u64 value;

	for (i = 0; i < list->nmsrs; i++) {
		u32 index = list->indices[i];

		if (get_msr(vm.vcpu, index, &value) != 1) {
			CHECK_MSG(!differs(DEV_msr_list), "%#x cannot be read", index);
			continue;
		}
		n++;
		CHECK_MSG(set_msr(vm.vcpu, index, value) == 1,
			  "%#x cannot be set to %#llx, which it was", index,
			  (long long)value);
	}
	CHECK(n > 20);
	/* Without an APIC there is nothing in it, but it can be told so. */
	CHECK_EQ(get_msr(without.vcpu, TSC_DEADLINE, &value), 1);
	CHECK_EQ(value, 0);
	CHECK_EQ(set_msr(without.vcpu, TSC_DEADLINE, 0), 1);
}

/* ------------------------------------------------------------------------
 * The ioctls
 */

struct msrs {
	struct kvm_msrs head;
	struct kvm_msr_entry e[260];
};

TEST(msr_count, "lists are done until the first that fails; the count says so")
{
	struct vm vm = vm_create(0);
	struct msrs *m = calloc(1, sizeof(*m));
	int i;

	m->head.nmsrs = 0;
	CHECK_EQ(ioctl(vm.vcpu, KVM_GET_MSRS, m), 0);
	CHECK_EQ(ioctl(vm.vcpu, KVM_SET_MSRS, m), 0);

	m->head.nmsrs = 4;
	for (i = 0; i < 4; i++) {
		m->e[i].index = (u32[]){ SYSENTER_CS, LSTAR, 0x12345, STAR }[i];
		m->e[i].data = 0x1000 + i;
	}
	CHECK_EQ(ioctl(vm.vcpu, KVM_SET_MSRS, m), 2);
	for (i = 0; i < 4; i++)
		m->e[i].data = 0x77;
	CHECK_EQ(ioctl(vm.vcpu, KVM_GET_MSRS, m), 2);
	CHECK_EQ(m->e[0].data, 0x1000);
	CHECK_EQ(m->e[1].data, 0x1001);
	CHECK_EQ(m->e[3].data, 0x77);
	m->e[2].index = STAR;
	m->head.nmsrs = 3;
	CHECK_EQ(ioctl(vm.vcpu, KVM_GET_MSRS, m), 3);
	CHECK_EQ(m->e[2].data, 0);

	/* 255 is the most; QEMU sends about 150. */
	for (i = 0; i < 260; i++)
		m->e[i].index = STAR;
	m->head.nmsrs = 255;
	CHECK_EQ(ioctl(vm.vcpu, KVM_GET_MSRS, m), 255);
	m->head.nmsrs = 256;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_GET_MSRS, m), E2BIG);
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_MSRS, m), E2BIG);
}

/* ------------------------------------------------------------------------
 * Values, by ioctl and in the guest.  The guest does as DATA says:
 * 0 RDMSR, 1 WRMSR of the index in DATA[1], the value DATA[2].  A fault is
 * counted and skipped.
 */

GUEST(64, msr_servant,
	"movq $2, 0x8000\n"
	"1:" STEP
	"mov 0xa008, %rcx\n cmpq $0, 0xa000\n jne 2f\n"
	"mov $0x55555555, %eax\n mov %eax, %edx\n rdmsr\n"
	"shl $32, %rdx\n or %rdx, %rax\n mov %rax, 0xa018\n jmp 1b\n"
	"2: mov 0xa010, %rax\n mov %rax, %rdx\n shr $32, %rdx\n wrmsr\n"
	"jmp 1b\n");

static void start_msr_servant(const struct vm *vm)
{
	START64(vm, msr_servant);
	run_step(vm);
}

/* False: it was refused by a #GP(0). */
static bool guest_msr(const struct vm *vm, bool write, u32 index, u64 *value)
{
	u64 before = ctl(vm)->exceptions;

	order(vm, write, index, *value);
	if (!run_step(vm))
		exit(1);
	if (!write)
		*value = answer(vm);
	if (ctl(vm)->exceptions == before)
		return true;
	CHECK_EQ(ctl(vm)->vector, 13);
	CHECK_EQ(ctl(vm)->error, 0);
	return false;
}

#define NONCANON	0x0000800000000000ull
#define HIGH_HALF	0xffff800000001000ull

static const struct {
	const char *name;
	u32 index;
	u64 value;
	bool ok;
} values[] = {
	{ "SYSENTER_CS", SYSENTER_CS, 0x10, true },
	{ "SYSENTER_ESP", SYSENTER_ESP, 0x1000, true },
	{ "SYSENTER_EIP", SYSENTER_EIP, 0x2000, true },
	{ "STAR", STAR, 0x1234567812345678, true },
	{ "LSTAR", LSTAR, HIGH_HALF, true },
	{ "LSTAR", LSTAR, NONCANON, false },
	{ "LSTAR", LSTAR, 0xffff7fffffffffff, false },
	{ "LSTAR", LSTAR, 1ull << 63, false },
	{ "CSTAR", CSTAR, HIGH_HALF, true },
	{ "CSTAR", CSTAR, NONCANON, false },
	{ "FMASK", FMASK, 0x47700, true },
	{ "FS_BASE", FS_BASE, HIGH_HALF, true },
	{ "FS_BASE", FS_BASE, NONCANON, false },
	{ "GS_BASE", GS_BASE, 0x7fffffffffff, true },
	{ "GS_BASE", GS_BASE, NONCANON, false },
	{ "KERNEL_GS_BASE", KERNEL_GS, HIGH_HALF, true },
	{ "KERNEL_GS_BASE", KERNEL_GS, NONCANON, false },
	{ "KERNEL_GS_BASE", KERNEL_GS, ~0ull >> 1, false },
	{ "TSC_AUX", TSC_AUX, 0x12345, true },
	{ "PAT", PAT, 0x0007040600070406, true },
	{ "PAT", PAT, 0x0606060606060606, true },
	{ "PAT, type 2", PAT, 0x0007040600070402, false },
	{ "PAT, type 3", PAT, 0x0307040600070406, false },
	{ "PAT, type 8", PAT, 0x0007040600070408, false },
	{ "PAT, type 0x80", PAT, 0x8007040600070406, false },
	{ "MTRR physbase 0", 0x200, 0x80000006, true },
	{ "MTRR physbase 0, type 2", 0x200, 0x80000002, false },
	{ "MTRR physbase 0, bit 63", 0x200, 1ull << 63, false },
	{ "MTRR physmask 7", 0x20f, 0xf0000800, true },
	{ "MTRR fix64K", 0x250, 0x0606060606060606, true },
	{ "MTRR fix64K, type 3", 0x250, 0x0606060606060603, false },
	{ "MTRR fix16K", 0x259, 0x0000050401000405, true },
	{ "MTRR fix4K", 0x26f, 0x0505050505050505, true },
	{ "MTRR fix4K, type 7", 0x268, 0x0707070707070707, false },
	{ "MTRR default", MTRR_DEF, 0xc06, true },
	{ "MTRR default, type 2", MTRR_DEF, 0xc02, false },
	{ "MTRR default, bit 8", MTRR_DEF, 0x106, false },
	{ "TSC_ADJUST", TSC_ADJUST, 0x1000, true },
	{ "EFER, bit 1", EFER, 0xd03, false },
	{ "EFER, bit 63", EFER, 0x8000000000000d01, false },
	{ "EFER.NXE", EFER, 0xd01, true },
	{ "MCG_STATUS", MCG_STATUS, 0, true },
};

/* The guest writes these without an exit: the processor does the check. */
static bool processor_checks(u32 index)
{
	return index >= LSTAR && index <= KERNEL_GS;
}

TEST(msr_values, "values that may and that may not be, by ioctl and by WRMSR")
{
	struct vm by_ioctl = vm_create(VM_IRQCHIP);
	struct vm by_guest = vm_create(VM_IRQCHIP);
	u64 value, before, got;
	unsigned int i;

	start_msr_servant(&by_ioctl);
	start_msr_servant(&by_guest);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		const char *name = values[i].name;
		bool ok = values[i].ok;
		u32 index = values[i].index;

		/* EFER's owner is the mode it is in, not the ioctl. */
		get_msr(by_ioctl.vcpu, index, &before);
		CHECK_MSG(set_msr(by_ioctl.vcpu, index, values[i].value) == ok,
			  "%s: the ioctl %ss %#llx", name,
			  ok ? "refuse" : "take", (long long)values[i].value);
		get_msr(by_ioctl.vcpu, index, &value);
		CHECK_MSG(value == (ok ? values[i].value : before),
			  "%s: reads %#llx", name, (long long)value);
		got = 0;
		CHECK_MSG(guest_msr(&by_ioctl, false, index, &got) &&
			  got == value, "%s: the guest reads %#llx", name,
			  (long long)got);

		if (!ok && processor_checks(index) && qemu)
			continue;	/* which it does not */
		get_msr(by_guest.vcpu, index, &before);
		value = values[i].value;
		CHECK_MSG(guest_msr(&by_guest, true, index, &value) == ok,
			  "%s: WRMSR of %#llx %s", name, (long long)value,
			  ok ? "faults" : "does not fault");
		get_msr(by_guest.vcpu, index, &got);
		CHECK_MSG(got == (ok ? value : before),
			  "%s: reads %#llx after WRMSR", name, (long long)got);
	}
}

/* A loader of microcode does not ask whether there is a hypervisor. */
TEST(msr_microcode, "WRMSR of IA32_BIOS_UPDT_TRIG does nothing; it cannot be read")
{
	struct vm vm = vm_create(0);
	u64 value = FREE;

	start_msr_servant(&vm);
	CHECK(guest_msr(&vm, true, UCODE_WRITE, &value));
	CHECK(!guest_msr(&vm, false, UCODE_WRITE, &value));
}

TEST(msr_mce_banks, "machine-check banks: what a guest may enable, and put into a status")
{
	static const struct { u64 value; bool ok; } controls[] = {
		{ 0, true }, { ~0ull, true }, { ~BIT(10), true }, { ~BIT(0), true },
		{ ~BIT(5), false }, { 1, false },
	};
	struct vm vm = vm_create(0);
	u64 value;
	unsigned int i;

	start_msr_servant(&vm);
	for (i = 0; i < ARRAY_SIZE(controls); i++) {
		value = controls[i].value;
		CHECK_MSG(guest_msr(&vm, true, MC1_CTL, &value) == controls[i].ok,
			  "control %#llx", (long long)value);
	}
	value = 0;
	CHECK(guest_msr(&vm, true, MC0_STATUS, &value));
	value = 1;
	CHECK(!guest_msr(&vm, true, MC0_STATUS, &value));
	if (intel)
		return;
	value = BIT(18);		/* McStatusWrEn */
	CHECK(guest_msr(&vm, true, HWCR, &value));
	value = 1;
	CHECK(guest_msr(&vm, true, MC0_STATUS, &value));
}

/* A non-canonical SYSENTER address is an error on Intel, cut on AMD. */
TEST(msr_sysenter, "SYSENTER addresses are canonical whatever is written")
{
	static const u32 msrs[] = { SYSENTER_ESP, SYSENTER_EIP };
	struct vm vm = vm_create(0);
	unsigned int i;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		set_msr(vm.vcpu, msrs[i], NONCANON | 0x1234);
		CHECK_EQ(get_msr(vm.vcpu, msrs[i], &value), 1);
		CHECK_EQ((s64)(value << 16) >> 16, value);
		CHECK_EQ(set_msr(vm.vcpu, msrs[i], HIGH_HALF), 1);
		CHECK_EQ(get_msr(vm.vcpu, msrs[i], &value), 1);
		CHECK_EQ(value, intel || differs(DEV_sysenter) ? HIGH_HALF :
			 (u32)HIGH_HALF);
	}
}

GUEST(64, syscall_rpl,
	"mov $0xc0000080, %ecx\n rdmsr\n or $1, %eax\n wrmsr\n"
	"mov $0xc0000082, %ecx\n lea 1f(%rip), %rax\n mov %rax, %rdx\n"
	"shr $32, %rdx\n wrmsr\n"
	"mov $0xc0000081, %ecx\n xor %eax, %eax\n mov $0x2b, %edx\n wrmsr\n"
	"rdmsr\n mov %edx, " STR(DATA) "\n"
	"syscall\n"
	"1: xor %eax, %eax\n cpuid\n mov %cs, %eax\n mov %eax, " STR(DATA) " + 4\n"
	DONE);

/* CS loses the RPL, SS may keep it; VT-x does not enter such a state. */
TEST(msr_star_rpl, "SYSCALL with an RPL in STAR, and exits behind it")
{
	struct vm vm = vm_create(0);

	START64(&vm, syscall_rpl);
	run_done(&vm);
	CHECK_EQ(*(u32 *)(vm.mem + DATA), 0x2b);
	CHECK_EQ(*(u32 *)(vm.mem + DATA + 4), 0x28);
}

TEST(msr_apicbase, "IA32_APICBASE: reserved bits and modes")
{
	static const u64 bad[] = {
		0xfee00901, 0xfee00a00, 1ull << 63, 1ull << 52, 0xfee00500,
	};
	struct vm vm = vm_create(VM_IRQCHIP);
	unsigned int i;
	u64 value;

	start_msr_servant(&vm);
	get_msr(vm.vcpu, APICBASE, &value);
	CHECK_EQ(value, 0xfee00900);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_MSG(set_msr(vm.vcpu, APICBASE, bad[i]) == 0,
			  "the ioctl takes %#llx", (long long)bad[i]);
		value = bad[i];
		CHECK_MSG(!guest_msr(&vm, true, APICBASE, &value),
			  "WRMSR takes %#llx", (long long)bad[i]);
	}
	/* xAPIC, x2APIC, off; x2APIC to xAPIC is not allowed. */
	value = 0xfee00d00;
	CHECK(guest_msr(&vm, true, APICBASE, &value));
	value = 0xfee00900;
	CHECK(!guest_msr(&vm, true, APICBASE, &value));
	value = 0xfee00100;
	CHECK(guest_msr(&vm, true, APICBASE, &value));
	value = 0xfee00d00;
	CHECK(!guest_msr(&vm, true, APICBASE, &value));
	value = 0xfee00900;
	CHECK(guest_msr(&vm, true, APICBASE, &value));
	/* User space restores in one go. */
	CHECK_EQ(set_msr(vm.vcpu, APICBASE, 0xfee00d00), 1);
	CHECK_EQ(set_msr(vm.vcpu, APICBASE, 0xfee00900), 1);
}

/* ------------------------------------------------------------------------
 * What does not exist
 */

static const struct { u32 first, last; } ranges[] = {
	{ 0, 0x1fff }, { 0x40000000, 0x400001ff }, { 0x4b564d00, 0x4b564dff },
	{ 0xc0000000, 0xc0001fff }, { 0xc0010000, 0xc0011fff },
	{ 0x80000000, 0x800000ff }, { 0xffffff00, 0xffffffff },
};

/* Never for a guest: the host's virtualization, power and debugging. */
static const u32 never[] = {
	0x1234, 0x48f, 0x570, 0x610, 0x1fff, 0x2000, 0xc0000000, 0xc0000105,
	0xc0001fff, 0xc0010062, 0xc0010063, 0xc0010118, 0xc0011fff,
	0x4b564dff, 0x80000000, 0xdeadbeef, 0xffffffff,
};

TEST(msr_unlisted, "MSRs that do not exist are #GP in the guest, and unknown to ioctls")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	unsigned int i;
	u64 value;

	start_msr_servant(&vm);
	for (i = 0; i < ARRAY_SIZE(never); i++) {
		value = 0;
		CHECK_MSG(!guest_msr(&vm, false, never[i], &value),
			  "RDMSR %#x works", never[i]);
		value = 0;
		CHECK_MSG(!guest_msr(&vm, true, never[i], &value),
			  "WRMSR %#x works", never[i]);
		CHECK_MSG(get_msr(vm.vcpu, never[i], &value) == 0,
			  "KVM_GET_MSRS %#x works", never[i]);
		CHECK_MSG(set_msr(vm.vcpu, never[i], 0) == 0,
			  "KVM_SET_MSRS %#x works", never[i]);
	}
}

/* Not listed, since they need no saving, or are saved by other ioctls. */
static bool known_besides(u32 index)
{
	static const struct { u32 first, last; } besides[] = {
		{ 0x17, 0x17 },			/* platform id (Intel) */
		{ 0x1b, 0x1b },			/* APICBASE: SREGS */
		{ 0x2a, 0x2a },			/* power-on configuration (Intel) */
		{ 0x8b, 0x8b },			/* microcode revision */
		{ 0xce, 0xce },			/* platform info (Intel) */
		{ 0xfe, 0xfe },			/* MTRRcap */
		{ 0x179, 0x17a },		/* MCG_CAP, MCG_STATUS */
		{ 0x198, 0x198 },
		{ 0x1d9, 0x1de },		/* DEBUGCTL, last branch */
		{ 0x400, 0x427 },		/* machine check banks */
		{ 0x800, 0x8ff },		/* x2APIC */
		{ 0xc0000080, 0xc0000080 },	/* EFER: SREGS */
		{ 0xc0000100, 0xc0000101 },	/* FS, GS: SREGS */
		{ 0xc0010010, 0xc0010010 },	/* SYSCFG */
		{ 0xc0010015, 0xc0010015 },	/* HWCR */
		{ 0xc001001a, 0xc001001a },	/* TOP_MEM */
		{ 0xc001001d, 0xc001001d },	/* TOP_MEM2 */
		{ 0xc001001f, 0xc001001f },	/* NB_CFG */
		{ 0xc0010020, 0xc0010020 },	/* patch loader */
		{ 0xc0010055, 0xc0010055 },	/* interrupt pending message */
		{ 0xc0010058, 0xc0010058 },	/* MMIO configuration base */
		{ 0xc0010112, 0xc0010112 },	/* TSEG */
		{ 0xc0011022, 0xc0011022 },	/* DC_CFG */
		{ 0xc0011029, 0xc0011029 },	/* DE_CFG */
		{ 0xc001102a, 0xc001102a },	/* BU_CFG2 */
		{ 0xc001102c, 0xc001102c },	/* EX_CFG */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(besides); i++)
		if (index >= besides[i].first && index <= besides[i].last)
			return true;
	return false;
}

TEST(msr_sweep, "RDMSR of 33,000 indices: what answers is known, the host's never")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_msr_list *list = index_list();
	unsigned int i, found = 0;
	u64 value;
	u32 index;

	start_msr_servant(&vm);
	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		for (index = ranges[i].first;; index++) {
			value = 0;
			if (guest_msr(&vm, false, index, &value)) {
				found++;
				CHECK_MSG(!differs(DEV_msr_list) ||
					  listed(list, index) ||
					  known_besides(index),
					  "%#x is neither listed nor known: %#llx",
					  index, (long long)value);
			}
			if (index == ranges[i].last)
				break;
		}
	CHECK(found > 50);
	printf("  %u MSRs can be read\n", found);
}

TEST(msr_other_mode, "the guest's MSRs are the guest's: the host's are still its own")
{
	static const u32 msrs[] = {
		STAR, LSTAR, CSTAR, FMASK, KERNEL_GS, SYSENTER_CS,
		SYSENTER_ESP, SYSENTER_EIP, TSC_AUX, FS_BASE, GS_BASE,
	};
	struct vm vm = vm_create(0);
	unsigned int i;
	u64 value;

	start_msr_servant(&vm);
	/* Not what the host has there now. */
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		value = 1;
		CHECK(guest_msr(&vm, false, msrs[i], &value));
		CHECK_MSG(value == 0, "%#x is %#llx", msrs[i],
			  (long long)value);
	}
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		value = 0x1000 + i;
		CHECK(guest_msr(&vm, true, msrs[i], &value));
		/* System calls of ours, by the host's LSTAR and STAR. */
		CHECK(getpid() > 0);
	}
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		CHECK(guest_msr(&vm, false, msrs[i], &value));
		CHECK_EQ(value, 0x1000 + i);
	}
}
