// SPDX-License-Identifier: GPL-2.0
/*
 * cpuid.c - CPUID policy: what we can offer, what a guest was given, and what
 * follows from it for control registers.
 *
 * Offered is what the host's kernel uses, the hardware virtualizes and this
 * module handles: one row per leaf in policy[].  What user space sets is its
 * own business (it may even lie); only the limits derived here bind us.
 *
 * Read next: msr.c, the same for MSRs.
 */
#include <linux/kvm_para.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/kvm_para.h>
#include <asm/processor.h>
#include "irqchip.h"
#include "kvm.h"

/* ------------------------------------------------------------------------
 * What is offered
 */

#define F(name)		BIT(X86_FEATURE_##name & 31)
#define NO_WORD		(-1)
#define KEEP		(~0u)

enum { EAX, EBX, ECX, EDX };

/*
 * A row: for each register the bits that may pass, and (word) the word of the
 * kernel's capabilities that it is ANDed with, since the kernel may have
 * switched off what the processor shows.
 */
struct cpuid_policy {
	u32 function;
	u32 index;
	bool indexed;
	u32 mask[4];
	s8 word[4];
};

#define WORDS_NONE	{ NO_WORD, NO_WORD, NO_WORD, NO_WORD }
#define PASS(fn)	{ .function = fn, .word = WORDS_NONE,		\
			  .mask = { KEEP, KEEP, KEEP, KEEP } }
#define ZERO(fn)	{ .function = fn, .word = WORDS_NONE }

static const struct cpuid_policy policy[] = {
	PASS(0),
	{
		.function = 1,
		.word = { NO_WORD, NO_WORD, CPUID_1_ECX, CPUID_1_EDX },
		.mask = {
			[EAX] = KEEP,
			[EBX] = 0x0000ff00,		/* CLFLUSH size */
			[ECX] = F(XMM3) | F(PCLMULQDQ) | F(SSSE3) | F(FMA) |
				F(CX16) | F(XMM4_1) | F(XMM4_2) | F(MOVBE) |
				F(POPCNT) | F(AES) | F(XSAVE) | F(AVX) |
				F(F16C) | F(RDRAND),
			[EDX] = F(FPU) | F(VME) | F(DE) | F(PSE) | F(TSC) |
				F(MSR) | F(PAE) | F(MCE) | F(CX8) | F(APIC) |
				F(SEP) | F(MTRR) | F(PGE) | F(MCA) | F(CMOV) |
				F(PAT) | F(PSE36) | F(CLFLUSH) | F(MMX) |
				F(FXSR) | F(XMM) | F(XMM2),
		},
	},
	ZERO(2),
	{
		.function = 4, .indexed = true, .word = WORDS_NONE,
		.mask = { 0x00003fff, KEEP, KEEP, KEEP },	/* one core */
	},
	ZERO(5),
	ZERO(6),
	{
		.function = 7, .indexed = true,
		.word = { NO_WORD, CPUID_7_0_EBX, CPUID_7_ECX, CPUID_7_EDX },
		.mask = {
			[EBX] = F(FSGSBASE) | F(BMI1) | F(AVX2) | F(SMEP) |
				F(BMI2) | F(ERMS) | F(RDSEED) | F(ADX) |
				F(SMAP) | F(CLFLUSHOPT) | F(CLWB) | F(SHA_NI) |
				F(AVX512F) | F(AVX512DQ) | F(AVX512IFMA) |
				F(AVX512CD) | F(AVX512BW) | F(AVX512VL),
			[ECX] = F(AVX512VBMI) | F(UMIP) | F(AVX512_VBMI2) |
				F(GFNI) | F(VAES) | F(VPCLMULQDQ) |
				F(AVX512_VNNI) | F(AVX512_BITALG) |
				F(AVX512_VPOPCNTDQ) | F(MOVDIRI) |
				F(MOVDIR64B),
			[EDX] = F(FSRM),
		},
	},
	ZERO(0xa),
	{
		.function = 0xb, .indexed = true, .word = WORDS_NONE,
	},
	{
		.function = 0xd, .indexed = true, .word = WORDS_NONE,
		.mask = { KEEP, KEEP, KEEP, KEEP },
	},
	PASS(0x80000000),
	{
		.function = 0x80000001,
		.word = { NO_WORD, NO_WORD, CPUID_8000_0001_ECX,
			  CPUID_8000_0001_EDX },
		.mask = {
			[EAX] = KEEP,
			[ECX] = F(LAHF_LM) | F(CR8_LEGACY) | F(ABM) |
				F(SSE4A) | F(MISALIGNSSE) | F(3DNOWPREFETCH) |
				F(XOP) | F(FMA4) | F(TBM),
			[EDX] = F(SYSCALL) | F(NX) | F(MMXEXT) | F(FXSR_OPT) |
				F(GBPAGES) | F(RDTSCP) | F(LM) | F(3DNOWEXT) |
				F(3DNOW) | 0x0183f3ff,	/* AMD: leaf 1 again */
		},
	},
	PASS(0x80000002),
	PASS(0x80000003),
	PASS(0x80000004),
	PASS(0x80000005),
	PASS(0x80000006),
	{
		.function = 0x80000007, .word = WORDS_NONE,
		.mask = { [EDX] = BIT(8) },		/* invariant TSC */
	},
	{
		.function = 0x80000008,
		.word = { NO_WORD, CPUID_8000_0008_EBX, NO_WORD, NO_WORD },
		.mask = { [EAX] = 0x0000ffff,
			  [EBX] = F(CLZERO) | F(XSAVEERPTR) | F(WBNOINVD) },
	},
	ZERO(0x8000000a),
};

/* Emulated, whatever the host has. */
#define ALWAYS_1_ECX	(F(X2APIC) | F(HYPERVISOR))
#define ALWAYS_7_EBX	(F(TSC_ADJUST))

#define MAX_BASIC_LEAF		0xd
#define MAX_EXTENDED_LEAF	0x8000000a
#define XSTATE_SUBLEAVES	63

static struct kvm_cpuid_entry2 supported[80];
static unsigned int nr_supported;
static u64 supported_xcr0;

#define XCR0_POLICY	(XFEATURE_MASK_FP | XFEATURE_MASK_SSE | \
			 XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512)

u64 cpuid_supported_xcr0(void)
{
	return supported_xcr0;
}

static u32 *entry_reg(struct kvm_cpuid_entry2 *e, int reg)
{
	return reg == EAX ? &e->eax : reg == EBX ? &e->ebx :
	       reg == ECX ? &e->ecx : &e->edx;
}

/* One leaf of the host's, cut down to the policy.  Capabilities may lag. */
static struct kvm_cpuid_entry2 *add_leaf(const struct cpuid_policy *p,
					 u32 index)
{
	struct kvm_cpuid_entry2 *e;
	int i;

	if (WARN_ON_ONCE(nr_supported == ARRAY_SIZE(supported)))
		return &supported[nr_supported - 1];
	e = &supported[nr_supported++];
	e->function = p->function;
	e->index = index;
	e->flags = p->indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
	cpuid_count(e->function, index, &e->eax, &e->ebx, &e->ecx, &e->edx);
	for (i = EAX; i <= EDX; i++) {
		*entry_reg(e, i) &= p->mask[i];
		if (p->word[i] != NO_WORD)
			*entry_reg(e, i) &=
				boot_cpu_data.x86_capability[p->word[i]];
	}
	return e;
}

static void add_cache_leaves(const struct cpuid_policy *p)
{
	u32 i = 0;

	while (add_leaf(p, i)->eax & 0x1f && i < 8)
		i++;
}


/* Leaf 0xd: sizes are those of what the guest may enable. */
static void add_xstate_leaves(const struct cpuid_policy *p)
{
	struct kvm_cpuid_entry2 *e = add_leaf(p, 0);
	u32 i;

	e->eax &= supported_xcr0;
	e->edx &= supported_xcr0 >> 32;
	e->ebx = cpuid_xstate_size(supported_xcr0, false);
	e->ecx = e->ebx;
	e = add_leaf(p, 1);
	/* XSAVEOPT, XSAVEC, XGETBV(1); XSAVES would need IA32_XSS. */
	e->eax &= boot_cpu_data.x86_capability[CPUID_D_1_EAX] & 7;
	e->ebx = cpuid_xstate_size(supported_xcr0, true);
	e->ecx = e->edx = 0;
	for (i = 2; i < XSTATE_SUBLEAVES; i++)
		if (supported_xcr0 & BIT_ULL(i))
			add_leaf(p, i)->edx = 0;
}

static void fix_leaf(struct kvm_cpuid_entry2 *e)
{
	switch (e->function) {
	case 0:
		e->eax = min_t(u32, e->eax, MAX_BASIC_LEAF);
		break;
	case 1:
		e->ecx |= ALWAYS_1_ECX;
		break;
	case 6:
		e->eax = BIT(2);		/* the APIC timer never stops */
		break;
	case 7:
		e->eax = 0;
		e->ebx |= ALWAYS_7_EBX;
		break;
	case 0x80000000:
		e->eax = clamp_t(u32, e->eax, 0x80000008, MAX_EXTENDED_LEAF);
		break;
	case 0x80000007:
		if (check_tsc_unstable())
			e->edx = 0;
		break;
	case 0x80000008:
		e->eax = boot_cpu_data.x86_phys_bits | 48 << 8;
		break;
	}
}

static void add_kvm_leaves(void)
{
	struct kvm_cpuid_entry2 *e = &supported[nr_supported++];

	e->function = KVM_CPUID_SIGNATURE;
	e->eax = KVM_CPUID_FEATURES;
	memcpy(&e->ebx, "KVMK", 4);
	memcpy(&e->ecx, "VMKV", 4);
	memcpy(&e->edx, "M\0\0\0", 4);
	e = &supported[nr_supported++];
	e->function = KVM_CPUID_FEATURES;
	e->eax = BIT(KVM_FEATURE_CLOCKSOURCE) | BIT(KVM_FEATURE_NOP_IO_DELAY) |
		 BIT(KVM_FEATURE_CLOCKSOURCE2) |
		 BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT);
}

void cpuid_setup(void)
{
	int i;

	supported_xcr0 = XFEATURE_MASK_FP | XFEATURE_MASK_SSE;
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		supported_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK) &
				 XCR0_POLICY;
	nr_supported = 0;
	for (i = 0; i < ARRAY_SIZE(policy); i++) {
		const struct cpuid_policy *p = &policy[i];
		u32 max = cpuid_eax(p->function & 0x80000000);

		if (p->function > max)
			continue;
		if (p->function == 0x80000000)
			add_kvm_leaves();
		if (p->function == 4)
			add_cache_leaves(p);
		else if (p->function == 0xd)
			add_xstate_leaves(p);
		else
			fix_leaf(add_leaf(p, 0));
	}
}

/* Size of the XSAVE area for a set of features (SDM vol. 1, ch. 13). */
u32 cpuid_xstate_size(u64 xcr0, bool compacted)
{
	u32 size = 576, a, b, c, d;
	int i;

	for (i = 2; i < XSTATE_SUBLEAVES; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		cpuid_count(0xd, i, &a, &b, &c, &d);
		if (compacted)
			size = (c & 2 ? ALIGN(size, 64) : size) + a;
		else
			size = max(size, a + b);
	}
	return size;
}

int cpuid_get_supported(struct kvm_cpuid2 __user *arg)
{
	struct kvm_cpuid2 head;

	if (copy_from_user(&head, arg, sizeof(head)))
		return -EFAULT;
	if (head.nent < nr_supported)
		return -E2BIG;
	if (copy_to_user(arg->entries, supported,
			 nr_supported * sizeof(supported[0])) ||
	    put_user(nr_supported, &arg->nent))
		return -EFAULT;
	return 0;
}

/* Features that work though the processor lacks them: none. */
int cpuid_get_emulated(struct kvm_cpuid2 __user *arg)
{
	struct kvm_cpuid2 head;

	if (copy_from_user(&head, arg, sizeof(head)))
		return -EFAULT;
	return put_user(0, &arg->nent);
}

/* ------------------------------------------------------------------------
 * What the guest was given
 */

/* First entry of the leaves that are asked for often; 0xff: look for it. */
static unsigned int leaf_slot(u32 function)
{
	if (function < 32)
		return function;
	if (function - 0x80000000u < 32)
		return 32 + (function - 0x80000000u);
	if (function - 0x40000000u < 16)
		return 64 + (function - 0x40000000u);
	return CPUID_LEAF_SLOTS;
}

static void index_leaves(struct kvm_vcpu *vcpu)
{
	int i;

	memset(vcpu->cpuid_slot, 0xff, sizeof(vcpu->cpuid_slot));
	for (i = vcpu->cpuid_nent - 1; i >= 0; i--) {
		unsigned int slot = leaf_slot(vcpu->cpuid[i].function);

		if (slot < CPUID_LEAF_SLOTS && i < 0xff)
			vcpu->cpuid_slot[slot] = i;
	}
}

static const struct kvm_cpuid_entry2 *
find_from(const struct kvm_cpuid_entry2 *e, int n, u32 function, u32 index)
{
	for (; n > 0; e++, n--)
		if (e->function == function && (e->index == index ||
		    !(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX)))
			return e;
	return NULL;
}

const struct kvm_cpuid_entry2 *cpuid_find(struct kvm_vcpu *vcpu, u32 function,
					  u32 index)
{
	unsigned int slot = leaf_slot(function);
	int i = 0;

	if (slot < CPUID_LEAF_SLOTS)
		i = vcpu->cpuid_slot[array_index_nospec(slot,
							CPUID_LEAF_SLOTS)];
	return find_from(vcpu->cpuid + i, vcpu->cpuid_nent - i, function,
			 index);
}

/*
 * What the processor answers for leaves that do not exist: AMD's zeroes,
 * Intel's the highest basic leaf.
 */
static const struct kvm_cpuid_entry2 *
out_of_range(struct kvm_vcpu *vcpu, u32 function, u32 index)
{
	const struct kvm_cpuid_entry2 *base;

	if (vcpu->feat.amd)
		return NULL;
	base = cpuid_find(vcpu, function & 0xc0000000 ? function & 0xffff0000 :
			  0, 0);
	if (base && function <= base->eax)
		return NULL;
	base = cpuid_find(vcpu, 0, 0);
	return base ? cpuid_find(vcpu, base->eax, index) : NULL;
}

void cpuid_query(struct kvm_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	u32 function = *eax, index = *ecx;
	const struct kvm_cpuid_entry2 *e = cpuid_find(vcpu, function, index);

	if (!e)
		e = out_of_range(vcpu, function, index);
	if (e) {
		*eax = e->eax;
		*ebx = e->ebx;
		*ecx = e->ecx;
		*edx = e->edx;
		return;
	}
	*eax = *ebx = *ecx = *edx = 0;
	/* The topology leaves echo their index and the APIC id even then. */
	if ((function == 0xb || function == 0x1f) &&
	    cpuid_find(vcpu, function, 1)) {
		*ecx = index & 0xff;
		*edx = cpuid_find(vcpu, function, 1)->edx;
	}
}

void cpuid_of_host(u32 function, u32 index, u32 regs[4])
{
	const struct kvm_cpuid_entry2 *e = find_from(supported, nr_supported,
						     function, index);

	regs[EAX] = e ? e->eax : 0;
	regs[EBX] = e ? e->ebx : 0;
	regs[ECX] = e ? e->ecx : 0;
	regs[EDX] = e ? e->edx : 0;
}

/* Which register of which leaf a word of the kernel's feature bits is. */
static const struct {
	u32 function;
	u8 reg;
} word_leaf[] = {
	[CPUID_1_EDX]		= { 1, EDX },
	[CPUID_1_ECX]		= { 1, ECX },
	[CPUID_7_0_EBX]		= { 7, EBX },
	[CPUID_7_ECX]		= { 7, ECX },
	[CPUID_7_EDX]		= { 7, EDX },
	[CPUID_8000_0001_EDX]	= { 0x80000001, EDX },
	[CPUID_8000_0001_ECX]	= { 0x80000001, ECX },
	[CPUID_8000_0008_EBX]	= { 0x80000008, EBX },
};

bool guest_has(struct kvm_vcpu *vcpu, unsigned int feature)
{
	unsigned int word = feature / 32;
	const struct kvm_cpuid_entry2 *e;

	e = cpuid_find(vcpu, word_leaf[word].function, 0);
	if (!e)
		return false;
	return *entry_reg((struct kvm_cpuid_entry2 *)e, word_leaf[word].reg) &
	       BIT(feature & 31);
}

/* CR4 bits that come with a feature. */
static const struct {
	u64 cr4;
	unsigned int feature;
} cr4_features[] = {
	{ X86_CR4_VME | X86_CR4_PVI, X86_FEATURE_VME },
	{ X86_CR4_TSD, X86_FEATURE_TSC },
	{ X86_CR4_DE, X86_FEATURE_DE },
	{ X86_CR4_PSE, X86_FEATURE_PSE },
	{ X86_CR4_PAE, X86_FEATURE_PAE },
	{ X86_CR4_MCE, X86_FEATURE_MCE },
	{ X86_CR4_PGE, X86_FEATURE_PGE },
	{ X86_CR4_OSFXSR, X86_FEATURE_FXSR },
	{ X86_CR4_OSXMMEXCPT, X86_FEATURE_XMM },
	{ X86_CR4_UMIP, X86_FEATURE_UMIP },
	{ X86_CR4_FSGSBASE, X86_FEATURE_FSGSBASE },
	{ X86_CR4_OSXSAVE, X86_FEATURE_XSAVE },
	{ X86_CR4_SMEP, X86_FEATURE_SMEP },
	{ X86_CR4_SMAP, X86_FEATURE_SMAP },
};

/* Without CPUID (many a small program sets none) the host is the limit. */
static void update_limits(struct kvm_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(vcpu, 0x80000008, 0);
	bool none = !vcpu->cpuid_nent;
	u64 allowed = X86_CR4_PCE;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cr4_features); i++) {
		unsigned int f = cr4_features[i].feature;

		if (boot_cpu_has(f) && (none || guest_has(vcpu, f)))
			allowed |= cr4_features[i].cr4;
	}
	vcpu->feat.cr4_reserved = ~allowed;

	vcpu->feat.efer_allowed = EFER_SCE;
	if (none || guest_has(vcpu, X86_FEATURE_LM))
		vcpu->feat.efer_allowed |= EFER_LME;
	if (none || guest_has(vcpu, X86_FEATURE_NX))
		vcpu->feat.efer_allowed |= EFER_NX;
	if (boot_cpu_has(X86_FEATURE_FXSR_OPT) &&
	    (none || guest_has(vcpu, X86_FEATURE_FXSR_OPT)))
		vcpu->feat.efer_allowed |= EFER_FFXSR;

	vcpu->feat.maxphyaddr = e && (u8)e->eax ?
				clamp_t(u8, e->eax, 32, 52) : 36;
	e = cpuid_find(vcpu, 0xd, 0);
	vcpu->feat.xcr0_allowed = supported_xcr0 &
		(e ? e->eax | (u64)e->edx << 32 : XFEATURE_MASK_FP);
	e = cpuid_find(vcpu, 0, 0);
	if (e)
		vcpu->feat.amd = e->ebx == 0x68747541 ||	/* AuthenticAMD */
				 e->ebx == 0x6f677948;		/* HygonGenuine */
	else
		vcpu->feat.amd = kvm_ops->amd;
}

static void set_bit_if(u32 *reg, u32 bit, bool on)
{
	*reg = on ? *reg | bit : *reg & ~bit;
}

/* Bits and sizes that mirror other registers; then the limits. */
void cpuid_update(struct kvm_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *e;

	e = (void *)cpuid_find(vcpu, 1, 0);
	if (e) {
		set_bit_if(&e->ecx, F(OSXSAVE),
			   vcpu->s.cr4 & X86_CR4_OSXSAVE);
		if (vcpu->apic)
			set_bit_if(&e->edx, F(APIC), vcpu->apic_base &
				   MSR_IA32_APICBASE_ENABLE);
	}
	e = (void *)cpuid_find(vcpu, 0xd, 0);
	if (e)
		e->ebx = cpuid_xstate_size(vcpu->s.xcr0, false);
	e = (void *)cpuid_find(vcpu, 0xd, 1);
	if (e && (e->eax & BIT(1)))
		e->ebx = cpuid_xstate_size(vcpu->s.xcr0, true);
	update_limits(vcpu);
}

/* ------------------------------------------------------------------------
 * KVM_SET_CPUID, KVM_SET_CPUID2, KVM_GET_CPUID2
 */

/* A linear address has 48 bits, or 57 with five-level paging. */
static bool widths_valid(const struct kvm_cpuid_entry2 *e, u32 nent)
{
	for (; nent; e++, nent--) {
		u8 width = e->eax >> 8;

		if (e->function == 0x80000008 && width && width != 48 &&
		    width != 57)
			return false;
	}
	return true;
}

static void use(struct kvm_vcpu *vcpu, struct kvm_cpuid_entry2 *entries,
		u32 nent)
{
	vcpu->cpuid = entries;
	vcpu->cpuid_nent = nent;
	index_leaves(vcpu);
	cpuid_update(vcpu);
}

/*
 * Takes over @entries.  Not after the guest has begun to run on others; the
 * same once more is no change.
 */
static long install(struct kvm_vcpu *vcpu, struct kvm_cpuid_entry2 *entries,
		    u32 nent)
{
	struct kvm_cpuid_entry2 *old = vcpu->cpuid;
	u32 old_nent = vcpu->cpuid_nent;

	if (!widths_valid(entries, nent))
		goto refuse;
	use(vcpu, entries, nent);
	if (vcpu->stats.exits && (nent != old_nent ||
	    memcmp(entries, old, nent * sizeof(*old)))) {
		use(vcpu, old, old_nent);
		goto refuse;
	}
	kvfree(old);
	vcpu_emulator_cpuid_changed(vcpu);
	kvm_ops->update_intercepts(vcpu);
	/* Reserved bits of guest page tables follow from CPUID. */
	mmu_zap_all(vcpu->kvm);
	mmu_reset(vcpu);
	return 0;

refuse:
	kvfree(entries);
	return -EINVAL;
}

long cpuid_set(struct kvm_vcpu *vcpu, struct kvm_cpuid2 __user *arg)
{
	struct kvm_cpuid_entry2 *entries = NULL;
	struct kvm_cpuid2 head;

	if (copy_from_user(&head, arg, sizeof(head)))
		return -EFAULT;
	if (head.nent > KVM_MAX_CPUID)
		return -E2BIG;
	if (head.nent) {
		entries = vmemdup_user(arg->entries,
				       array_size(sizeof(*entries), head.nent));
		if (IS_ERR(entries))
			return PTR_ERR(entries);
	}
	return install(vcpu, entries, head.nent);
}

long cpuid_set_old(struct kvm_vcpu *vcpu, struct kvm_cpuid __user *arg)
{
	struct kvm_cpuid_entry2 *entries = NULL;
	struct kvm_cpuid_entry *old = NULL;
	struct kvm_cpuid head;
	u32 i;

	if (copy_from_user(&head, arg, sizeof(head)))
		return -EFAULT;
	if (head.nent > KVM_MAX_CPUID)
		return -E2BIG;
	if (head.nent) {
		old = vmemdup_user(arg->entries,
				   array_size(sizeof(*old), head.nent));
		if (IS_ERR(old))
			return PTR_ERR(old);
		entries = kvcalloc(head.nent, sizeof(*entries),
				   GFP_KERNEL_ACCOUNT);
		if (!entries) {
			kvfree(old);
			return -ENOMEM;
		}
	}
	for (i = 0; i < head.nent; i++)
		entries[i] = (struct kvm_cpuid_entry2){
			.function = old[i].function,
			.eax = old[i].eax, .ebx = old[i].ebx,
			.ecx = old[i].ecx, .edx = old[i].edx,
		};
	kvfree(old);
	return install(vcpu, entries, head.nent);
}

long cpuid_get(struct kvm_vcpu *vcpu, struct kvm_cpuid2 __user *arg)
{
	struct kvm_cpuid2 head;

	if (copy_from_user(&head, arg, sizeof(head)))
		return -EFAULT;
	if (head.nent < vcpu->cpuid_nent)
		return -E2BIG;
	head.nent = vcpu->cpuid_nent;
	if (copy_to_user(arg->entries, vcpu->cpuid,
			 vcpu->cpuid_nent * sizeof(*vcpu->cpuid)) ||
	    copy_to_user(arg, &head, sizeof(head)))
		return -EFAULT;
	return 0;
}
