// SPDX-License-Identifier: GPL-2.0
/*
 * test_cpuid.c - KVM_GET_SUPPORTED_CPUID, KVM_SET_CPUID(2), KVM_GET_CPUID2 and
 * what CPUID answers in the guest.
 */
#include <cpuid.h>
#include "vm.h"

#define OSXSAVE		BIT(27)		/* leaf 1, ecx */
#define XSAVE		BIT(26)
#define HYPERVISOR	BIT(31)
#define X2APIC		BIT(21)
#define DEADLINE	BIT(24)
#define APIC		BIT(9)		/* leaf 1, edx */
#define CR4_OSXSAVE	BIT(18)

/* ------------------------------------------------------------------------
 * What is offered
 */

TEST(cpuid_protocol, "KVM_GET_SUPPORTED_CPUID: E2BIG until there is room")
{
	struct kvm_cpuid2 *all = supported_cpuid(), *c;
	u32 n = all->nent, tries[] = { 0, 1, n - 1 }, i;

	/* 80 is a bound that clients have compiled in. */
	CHECK(n >= 20 && n <= 80);
	c = calloc(1, sizeof(*c) + 300 * sizeof(c->entries[0]));
	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		c->nent = tries[i];
		CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_SUPPORTED_CPUID, c), E2BIG);
	}
	c->nent = n;
	CHECK_OK(ioctl(kvm_dev(), KVM_GET_SUPPORTED_CPUID, c));
	CHECK_EQ(c->nent, n);
	c->nent = 300;
	CHECK_OK(ioctl(kvm_dev(), KVM_GET_SUPPORTED_CPUID, c));
	CHECK_EQ(c->nent, n);
	CHECK(!memcmp(c->entries, all->entries, n * sizeof(c->entries[0])));
}

TEST(cpuid_emulated, "KVM_GET_EMULATED_CPUID: the same protocol")
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) +
				      256 * sizeof(c->entries[0]));
	u32 n;

	c->nent = 256;
	CHECK_OK(ioctl(kvm_dev(), KVM_GET_EMULATED_CPUID, c));
	n = c->nent;
	CHECK(n < 80);
	if (n) {
		c->nent = n - 1;
		CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_EMULATED_CPUID, c), E2BIG);
	}
}

TEST(cpuid_offered, "what is offered: leaves, signature, flags")
{
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_cpuid_entry2 *e;
	u32 i, j, a, b, cc, d;

	__cpuid(0, a, b, cc, d);
	e = cpuid_entry(c, 0, 0);
	REQUIRE(e);
	CHECK(e->eax >= 0xd && e->ebx == b && e->ecx == cc && e->edx == d);
	e = cpuid_entry(c, 0x40000000, 0);
	REQUIRE(e);
	CHECK(e->ebx == 0x4b4d564b && e->ecx == 0x564b4d56 && e->edx == 0x4d);
	CHECK_EQ(e->eax, 0x40000001);
	e = cpuid_entry(c, 0x40000001, 0);
	REQUIRE(e);
	/* kvmclock by both pairs of MSRs, and that it is stable. */
	CHECK_EQ(e->eax & (BIT(0) | BIT(3) | BIT(24)), BIT(0) | BIT(3) | BIT(24));
	e = cpuid_entry(c, 1, 0);
	REQUIRE(e);
	CHECK(e->ecx & X2APIC);
	CHECK(!(e->ecx & DEADLINE));	/* only by KVM_CAP_TSC_DEADLINE_TIMER */
	CHECK(cpuid_entry(c, 0x80000000, 0) && cpuid_entry(c, 0x80000001, 0));
	CHECK(cpuid_entry(c, 0x80000005, 0) && cpuid_entry(c, 0x80000006, 0));
	e = cpuid_entry(c, 0x80000008, 0);
	REQUIRE(e);
	CHECK((e->eax & 0xff) >= 36 && (e->eax >> 8 & 0xff) == 48);
	/* Each leaf once; padding is nobody's. */
	for (i = 0; i < c->nent; i++) {
		e = &c->entries[i];
		CHECK(!e->padding[0] && !e->padding[1] && !e->padding[2]);
		CHECK(!(e->flags & ~(u32)KVM_CPUID_FLAG_SIGNIFCANT_INDEX));
		for (j = 0; j < i; j++)
			CHECK_MSG(c->entries[j].function != e->function ||
				  c->entries[j].index != e->index,
				  "leaf %#x.%u is there twice", e->function,
				  e->index);
	}
}

/* Feature words: nothing is offered that the host's processor lacks. */
TEST(cpuid_subset, "no feature is offered that the processor does not have")
{
	static const struct {
		u32 leaf, sub;
		int reg;
		u32 emulated;
	} words[] = {
		{ 1, 0, 2, HYPERVISOR | X2APIC | OSXSAVE },
		{ 1, 0, 3, 0 },
		{ 7, 0, 1, BIT(1) },		/* TSC_ADJUST */
		{ 7, 0, 2, BIT(2) },		/* UMIP */
		{ 7, 0, 3, BIT(26) | BIT(27) | BIT(29) | BIT(31) },
		{ 0xd, 0, 0, 0 },
		{ 0xd, 1, 0, 0 },
		{ 0x80000001, 0, 2, 0 },
		{ 0x80000001, 0, 3, 0 },
		{ 0x80000007, 0, 3, 0 },
	};
	struct kvm_cpuid2 *c = supported_cpuid();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		struct kvm_cpuid_entry2 *e = cpuid_entry(c, words[i].leaf,
							 words[i].sub);
		u32 host[4], guest;

		if (!e)
			continue;
		__cpuid_count(words[i].leaf, words[i].sub, host[0], host[1],
			      host[2], host[3]);
		guest = (&e->eax)[words[i].reg];
		CHECK_MSG(!(guest & ~(host[words[i].reg] | words[i].emulated)),
			  "leaf %#x.%u register %d: %#x too much",
			  words[i].leaf, words[i].sub, words[i].reg,
			  guest & ~(host[words[i].reg] | words[i].emulated));
	}
}

/* ------------------------------------------------------------------------
 * Setting and getting
 */

static struct kvm_cpuid2 *get_cpuid(const struct vm *vm)
{
	size_t size = sizeof(struct kvm_cpuid2) +
		      257 * sizeof(struct kvm_cpuid_entry2);
	struct kvm_cpuid2 *c = malloc(size);
	u32 n = 0;

	memset(c, 0xff, size);
	c->nent = 256;
	CHECK_OK(ioctl(vm->vcpu, KVM_GET_CPUID2, c));
	while (c->entries[n].padding[2] != ~0u)
		n++;
	/* 6.1's own module forgets to tell. */
	if (ours || kernel >= 612)
		CHECK_EQ(c->nent, n);
	c->nent = n;
	return c;
}

TEST(cpuid_round_trip, "KVM_SET_CPUID2, KVM_GET_CPUID2")
{
	struct vm vm = vm_create(VM_NO_CPUID);
	struct kvm_cpuid2 *c = supported_cpuid(), *got = get_cpuid(&vm);

	CHECK_EQ(got->nent, 0);
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_CPUID2, c));
	got = get_cpuid(&vm);
	CHECK_EQ(got->nent, c->nent);
	/* Not all is as it was set: sizes and mirrored bits are filled in. */
	cpuid_entry(c, 0xd, 0)->ebx = cpuid_entry(got, 0xd, 0)->ebx;
	cpuid_entry(c, 0xd, 1)->ebx = cpuid_entry(got, 0xd, 1)->ebx;
	CHECK(!memcmp(got->entries, c->entries,
		      c->nent * sizeof(c->entries[0])));
	got->nent = c->nent - 1;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_GET_CPUID2, got), E2BIG);
}

TEST(cpuid_too_many, "KVM_SET_CPUID2: 256 entries and no more")
{
	struct vm vm = vm_create(VM_NO_CPUID);
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) +
				      300 * sizeof(c->entries[0]));
	u32 i;

	for (i = 0; i < 300; i++)
		c->entries[i].function = 0x10000 + i;
	c->nent = 257;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_CPUID2, c), E2BIG);
	c->nent = 256;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_CPUID2, c));
	c->nent = 0;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_CPUID2, c));
	CHECK_EQ(get_cpuid(&vm)->nent, 0);
}

TEST(cpuid_bad_width, "a linear address width that does not exist: EINVAL")
{
	static const u32 widths[] = { 1, 36, 49, 64, 255 };
	struct vm vm = vm_create(VM_NO_CPUID);
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_cpuid_entry2 *e = cpuid_entry(c, 0x80000008, 0);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(widths); i++) {
		e->eax = (e->eax & 0xff) | widths[i] << 8;
		CHECK_MSG(ioctl(vm.vcpu, KVM_SET_CPUID2, c) == -1 &&
			  errno == EINVAL, "width %u is taken", widths[i]);
	}
	e->eax = (e->eax & 0xff) | 48 << 8;
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_CPUID2, c));
}

/* ------------------------------------------------------------------------
 * In the guest.  Asks for the leaf and index in DATA[1] and [2].
 */

GUEST(64, cpuid_servant,
	"1:" STEP
	"mov 0xa008, %eax\n mov 0xa010, %ecx\n mov $0x77777777, %ebx\n"
	"mov %ebx, %edx\n cpuid\n"
	"mov %eax, 0xa020\n mov %ebx, 0xa024\n mov %ecx, 0xa028\n"
	"mov %edx, 0xa02c\n jmp 1b\n");

static const u32 *guest_cpuid(const struct vm *vm, u32 leaf, u32 index)
{
	order(vm, 0, leaf, index);
	if (!run_step(vm))
		exit(1);
	return (const u32 *)(vm->mem + DATA + 0x20);
}

static void expect(const struct vm *vm, u32 leaf, u32 index, u32 a, u32 b,
		   u32 c, u32 d)
{
	const u32 *r = guest_cpuid(vm, leaf, index);

	CHECK_MSG(r[0] == a && r[1] == b && r[2] == c && r[3] == d,
		  "leaf %#x.%#x: %#x %#x %#x %#x, not %#x %#x %#x %#x", leaf,
		  index, r[0], r[1], r[2], r[3], a, b, c, d);
}

static void add(struct kvm_cpuid2 *c, u32 function, u32 index, u32 flags,
		u32 a, u32 b, u32 cc, u32 d)
{
	c->entries[c->nent++] = (struct kvm_cpuid_entry2){
		.function = function, .index = index, .flags = flags,
		.eax = a, .ebx = b, .ecx = cc, .edx = d,
	};
}

TEST(cpuid_guest, "CPUID in the guest is what was set, lies included")
{
	u32 indexed = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	struct vm vm = vm_create(VM_NO_CPUID);
	struct kvm_cpuid2 *c = supported_cpuid();
	u32 max = cpuid_entry(c, 0, 0)->eax;

	cpuid_entry(c, 0x80000002, 0)->eax = 0x6c6c6548;	/* "Hell" */
	add(c, 0x40000123, 0, 0, 1, 2, 3, 4);
	add(c, 0x40000124, 3, indexed, 5, 6, 7, 8);
	add(c, 0x40000124, 9, indexed, 9, 10, 11, 12);
	REQUIRE_OK(ioctl(vm.vcpu, KVM_SET_CPUID2, c));
	START64(&vm, cpuid_servant);
	run_step(&vm);
	CHECK_EQ(guest_cpuid(&vm, 0x80000002, 0)[0], 0x6c6c6548);
	CHECK_EQ(guest_cpuid(&vm, 0, 0)[0], max);
	expect(&vm, 0x40000123, 0, 1, 2, 3, 4);
	expect(&vm, 0x40000123, 55, 1, 2, 3, 4);
	expect(&vm, 0x40000124, 3, 5, 6, 7, 8);
	expect(&vm, 0x40000124, 9, 9, 10, 11, 12);
	if (intel)
		return;
	/* AMD's answer to what does not exist. */
	expect(&vm, 0x40000124, 4, 0, 0, 0, 0);
	expect(&vm, 0x1000, 0, 0, 0, 0, 0);
	expect(&vm, 0x80001000, 0, 0, 0, 0, 0);
	expect(&vm, 0xffffffff, ~0u, 0, 0, 0, 0);
}

TEST(cpuid_all, "every leaf that was set, seen by the guest")
{
	struct vm vm = vm_create(0);
	struct kvm_cpuid2 *c = get_cpuid(&vm);
	u32 i;

	START64(&vm, cpuid_servant);
	run_step(&vm);
	for (i = 0; i < c->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &c->entries[i];

		expect(&vm, e->function, e->index, e->eax, e->ebx, e->ecx,
		       e->edx);
	}
}

TEST(cpuid_old, "KVM_SET_CPUID, the old form")
{
	struct vm vm = vm_create(VM_NO_CPUID);
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_cpuid *old = calloc(1, sizeof(*old) +
				       100 * sizeof(old->entries[0]));
	u32 i;

	for (i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->index)
			continue;
		old->entries[old->nent++] = (struct kvm_cpuid_entry){
			.function = e->function, .eax = e->eax,
			.ebx = e->ebx, .ecx = e->ecx, .edx = e->edx,
		};
	}
	old->entries[old->nent++] = (struct kvm_cpuid_entry){
		.function = 0x40000123, .eax = 1, .ebx = 2, .ecx = 3, .edx = 4,
	};
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_CPUID, old));
	CHECK_EQ(get_cpuid(&vm)->nent, old->nent);
	START64(&vm, cpuid_servant);
	run_step(&vm);
	expect(&vm, 0x40000123, 9, 1, 2, 3, 4);
	old->nent = 257;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_CPUID, old), E2BIG);
}

/* ------------------------------------------------------------------------
 * Bits and sizes that mirror other registers
 */

TEST(cpuid_mirrors, "OSXSAVE follows CR4, the APIC bit its base, sizes XCR0")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs[0].value = 1 };
	struct kvm_sregs s;
	u32 size;

	START64(&vm, cpuid_servant);
	run_step(&vm);
	CHECK(!(guest_cpuid(&vm, 1, 0)[2] & OSXSAVE));
	CHECK(guest_cpuid(&vm, 1, 0)[3] & APIC);
	settle(&vm);
	s = get_sregs(&vm);
	s.cr4 |= CR4_OSXSAVE;
	s.apic_base &= ~BIT(11);
	set_sregs(&vm, &s);
	CHECK(guest_cpuid(&vm, 1, 0)[2] & OSXSAVE);
	CHECK(!(guest_cpuid(&vm, 1, 0)[3] & APIC));

	CHECK_OK(ioctl(vm.vcpu, KVM_SET_XCRS, &xcrs));
	CHECK_EQ(guest_cpuid(&vm, 0xd, 0)[1], 576);
	size = guest_cpuid(&vm, 0xd, 0)[2];
	xcrs.xcrs[0].value = guest_cpuid(&vm, 0xd, 0)[0];
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_XCRS, &xcrs));
	CHECK_EQ(guest_cpuid(&vm, 0xd, 0)[1], size);
}

/*
 * Another model after KVM_RUN cannot work: what the guest has found out, and
 * what was derived from it, stays.
 */
TEST(cpuid_after_run, "CPUID cannot be changed once the guest has run")
{
	struct vm vm = vm_create(0);
	struct kvm_cpuid2 *c = supported_cpuid();

	START64(&vm, cpuid_servant);
	run_step(&vm);
	/* The same again is no change: hot-plug by some clients does it. */
	CHECK_OK(ioctl(vm.vcpu, KVM_SET_CPUID2, c));
	cpuid_entry(c, 0x80000002, 0)->eax = 0x6c6c6548;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_CPUID2, c), EINVAL);
	c->nent--;
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_CPUID2, c), EINVAL);
	CHECK(guest_cpuid(&vm, 0x80000002, 0)[0] != 0x6c6c6548);
}

/* ------------------------------------------------------------------------
 * What follows from CPUID
 */

GUEST(64, try_cr4,
	"movq $3, 0x8000\n mov %cr4, %rax\n or 0xa000, %rax\n mov %rax, %cr4\n"
	DONE);

TEST(cpuid_limits, "control register bits exist only with their feature")
{
	static const struct { u32 leaf; int reg; u64 bit, cr4; } features[] = {
		{ 1, 2, XSAVE, CR4_OSXSAVE },
		{ 7, 1, BIT(7), BIT(20) },	/* SMEP */
		{ 7, 1, BIT(20), BIT(21) },	/* SMAP */
		{ 7, 1, BIT(0), BIT(16) },	/* FSGSBASE */
	};
	unsigned int i, with;

	for (i = 0; i < ARRAY_SIZE(features); i++)
		for (with = 0; with < 2; with++) {
			struct vm vm = vm_create(VM_NO_CPUID);
			struct kvm_cpuid2 *c = supported_cpuid();
			u32 *word = &cpuid_entry(c, features[i].leaf, 0)->eax +
				    features[i].reg;
			struct kvm_sregs s;

			if (!(*word & features[i].bit))
				continue;
			if (!with)
				*word &= ~features[i].bit;
			REQUIRE_OK(ioctl(vm.vcpu, KVM_SET_CPUID2, c));
			START64(&vm, try_cr4);
			s = get_sregs(&vm);
			s.cr4 |= features[i].cr4;
			CHECK_MSG((ioctl(vm.vcpu, KVM_SET_SREGS, &s) == 0) == with,
				  "CR4 %#llx, %s: KVM_SET_SREGS", (long long)
				  features[i].cr4, with ? "offered" : "not offered");
			START64(&vm, try_cr4);
			data(&vm)[0] = features[i].cr4;
			run_done(&vm);
			CHECK_MSG(ctl(&vm)->exceptions == !with,
				  "CR4 %#llx, %s: MOV", (long long)
				  features[i].cr4, with ? "offered" : "not offered");
			vm_close(&vm);
		}
}

GUEST(64, just_done, "nop\n" DONE);

/* Of CR4, five-level paging and a bit that no processor has. */
TEST(cpuid_none, "without CPUID the host is the limit, from the first ioctl on")
{
	static const u64 bad[] = { BIT(12), BIT(31), BIT(40) };
	struct vm vm = vm_create(VM_NO_CPUID);
	struct kvm_sregs sregs = get_sregs(&vm);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		sregs.cr4 = BIT(5) | bad[i];
		CHECK_ERRNO(ioctl(vm.vcpu, KVM_SET_SREGS, &sregs), EINVAL);
	}
	START64(&vm, just_done);
	run_done(&vm);
}
