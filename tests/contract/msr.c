// SPDX-License-Identifier: GPL-2.0
/*
 * msr.c - statement 9: a guest reads and writes the MSRs that are on a list,
 * and no others; an address in one is canonical.
 */
#include <cpuid.h>
#include "contract.h"

#define BITMAP		0x100000	/* in: skip; out: did not fault */
#define IA32_EFER	0xc0000080

/*
 * From DATA[0] up to DATA[1]: RDMSR, or with DATA[2] WRMSR of DATA[3], of
 * those that BITMAP does not name; those that did not fault are named then.
 */
GUEST(64, scan,
	"1:" STEP
	"mov 0xa000, %ecx\n mov 0xa008, %r8d\n"
	"2: mov %ecx, %ebx\n sub 0xa000, %ebx\n"
	"btq %rbx, 0x100000\n jc 4f\n"
	"mov 0x8010, %r9\n"		/* guest_ctl.exceptions */
	"mov 0xa018, %eax\n mov 0xa01c, %edx\n"
	"cmpq $0, 0xa010\n jne 3f\n rdmsr\n jmp 5f\n 3: wrmsr\n"
	"5: cmp %r9, 0x8010\n jne 4f\n btsq %rbx, 0x100000\n"
	"4: inc %ecx\n cmp %r8d, %ecx\n jne 2b\n jmp 1b\n");

static const struct range {
	u32 first, end;
} ranges[] = {
	{ 0, 0x2000 }, { 0x40000000, 0x40000200 }, { 0x4b564d00, 0x4b564e00 },
	{ 0xc0000000, 0xc0002000 }, { 0xc0010000, 0xc0012000 },
};

/* What there is besides KVM_GET_MSR_INDEX_LIST. */
static const struct range others[] = {
	{ 0x17, 0x18 }, { 0x1b, 0x1c }, { 0x2a, 0x2b }, { 0x79, 0x7a }, { 0x8b, 0x8c },
	{ 0xce, 0xcf }, { 0xfe, 0xff }, { 0x179, 0x17b }, { 0x198, 0x199 },
	{ 0x1d9, 0x1da }, { 0x1db, 0x1df }, { 0x400, 0x428 },
	{ IA32_EFER, IA32_EFER + 1 }, { 0xc0000100, 0xc0000102 },
	{ 0x6e0, 0x6e1 },
	{ 0xc0010010, 0xc0010011 }, { 0xc0010015, 0xc0010016 },
	{ 0xc001001a, 0xc001001b }, { 0xc001001d, 0xc001001e },
	{ 0xc001001f, 0xc0010020 }, { 0xc0010020, 0xc0010021 },
	{ 0xc0010055, 0xc0010056 }, { 0xc0010058, 0xc0010059 },
	{ 0xc0010112, 0xc0010113 }, { 0xc0011022, 0xc0011023 },
	{ 0xc0011029, 0xc001102b }, { 0xc001102c, 0xc001102d },
};

static bool listed(const struct kvm_msr_list *list, u32 index)
{
	unsigned int i;

	for (i = 0; i < list->nmsrs; i++)
		if (list->indices[i] == index)
			return true;
	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (index >= others[i].first && index < others[i].end)
			return true;
	return false;
}

static struct kvm_msr_list *index_list(void)
{
	static union {
		struct kvm_msr_list list;
		u32 room[1 + 512];
	} u;

	u.list.nmsrs = 512;
	REQUIRE_OK(ioctl(kvm_dev(), KVM_GET_MSR_INDEX_LIST, &u.list));
	return &u.list;
}

static bool bit(const struct vm *vm, u32 n)
{
	return vm->mem[BITMAP + n / 8] >> n % 8 & 1;
}

/* Ours has nothing but what is listed; the stock module's list is shorter. */
static void scan_all(bool write, u64 value)
{
	const struct kvm_msr_list *list = index_list();
	struct vm vm = vm_create(VM_IRQCHIP);
	unsigned int i, found = 0;
	u32 n;

	START64(&vm, scan);
	ctl(&vm)->skip = 2;
	run_step(&vm);
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		const struct range *r = &ranges[i];

		memset(vm.mem + BITMAP, 0, 0x2000 / 8);
		for (n = r->first; write && n < r->end; n++)
			if (listed(list, n))
				vm.mem[BITMAP + (n - r->first) / 8] |=
					1 << (n - r->first) % 8;
		data(&vm)[0] = r->first;
		data(&vm)[1] = r->end;
		data(&vm)[2] = write;
		data(&vm)[3] = value;
		if (!run_step(&vm))
			return;
		for (n = r->first; n < r->end; n++) {
			if (!bit(&vm, n - r->first) || (write && listed(list, n)))
				continue;
			found++;
			CHECK_MSG(!ours || listed(list, n),
				  "MSR %#x is not listed, and can be %s", n,
				  write ? "written" : "read");
		}
	}
	printf("  %u answered\n", found);
	CHECK(write || found > 20);
	CHECK(ctl(&vm)->count[13] > 10000);
}

TEST(s09_every_read, "every MSR of the ranges that there are: listed, or #GP")
{
	scan_all(false, 0);
}

/* The stock module's host complains of some that it does not know. */
TEST(s09_every_write, "what is not listed cannot be written, with 0 or with ones")
{
	if (!ours)
		skip("the stock module takes writes to MSRs that it does not list");
	scan_all(true, 0);
	scan_all(true, ~0ull);
}

TEST(s09_random, "numbers from anywhere are #GP")
{
	struct vm vm = vm_create(0);
	unsigned int i, ok = 0;

	start_servant(&vm);
	ctl(&vm)->skip = 2;
	for (i = 0; i < 500; i++) {
		u32 index = random64() | 0x10000;
		u64 before = ctl(&vm)->exceptions;

		if (index >> 16 == 0xc001 || index >> 16 == 0x4b56)
			continue;
		DO(&vm, i & 1 ? RDMSR : WRMSR, index, random64());
		CHECK_MSG(ctl(&vm)->exceptions == before + 1 && ctl(&vm)->vector == 13,
			  "MSR %#x is there", index);
		ok++;
	}
	CHECK(ok > 400);
}

/* By the processor's width, in whatever mode. */
static bool canonical(u64 a)
{
	unsigned int eax = 0, ebx, ecx, edx, unused;

	REQUIRE(__get_cpuid(0x80000008, &eax, &ebx, &ecx, &edx));
	unused = 64 - (eax >> 8 & 0xff);
	return (u64)((s64)(a << unused) >> unused) == a;
}

/*
 * Most of them are written without an exit: the processor does the check,
 * which QEMU leaves out, unless all is emulated.
 */
static bool checked(void)
{
	char all = 'N';
	FILE *f = fopen("/sys/module/kvm/parameters/force_emulation", "r");

	if (f) {
		(void)!fread(&all, 1, 1, f);
		fclose(f);
	}
	return !qemu || all == 'Y';
}

TEST(s09_canonical, "no address that is not canonical gets into an MSR")
{
	static const u32 addresses[] = {
		0xc0000100, 0xc0000101, 0xc0000102, 0xc0000082, 0xc0000083,
		0x175, 0x176,
	};
	struct vm vm = vm_create(0);
	unsigned int i, n;
	u64 v, after;

	start_servant(&vm);
	ctl(&vm)->skip = 2;
	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		u32 msr = addresses[i];

		/* SYSENTER's are made canonical there instead: msr_sysenter. */
		if (msr < 0x200 && !ours)
			continue;
		for (n = 0; n < 40; n++) {
			u64 before = ctl(&vm)->exceptions;

			CHECK_EQ(set_msr(vm.vcpu, msr, 0x1000 * n), 1);
			v = n < 17 ? 1ull << (47 + n % 17) : random64() >> n % 24;
			if (n & 1)
				v = ~v;
			CHECK_EQ(set_msr(vm.vcpu, msr, v), canonical(v));
			CHECK_EQ(set_msr(vm.vcpu, msr, 0x1000 * n), 1);
			if (!checked())
				continue;
			DO(&vm, WRMSR, msr, v);
			CHECK_EQ(get_msr(vm.vcpu, msr, &after), 1);
			CHECK_MSG(canonical(after), "MSR %#x is %#llx", msr,
				  (long long)after);
			CHECK_EQ(ctl(&vm)->exceptions - before, !canonical(v));
			CHECK_EQ(after, canonical(v) ? v : 0x1000 * n);
		}
	}
}
