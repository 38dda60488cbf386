// SPDX-License-Identifier: GPL-2.0
/*
 * msr.c - MSR policy: one table row per MSR or range of MSRs.
 *
 * An MSR that has no row does not exist for the guest (#GP).  Rows that are
 * only stored name a field of struct kvm_vcpu and the values they take; the
 * others have functions.  What the table lists (ROW_LIST) user space saves
 * and restores, so every such row can be set by ioctl to what it read.
 *
 * Read next: cpuid.c; irqchip/lapic.c for the x2APIC range.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/kvm_para.h>
#include <asm/msr-index.h>
#include "irqchip.h"
#include "kvm.h"

#define MAX_IOCTL_MSRS	256
#define MCE_BANKS	10

struct msr_row {
	u32 first, last;
	u16 flags;
	u16 offset;		/* in struct kvm_vcpu, where stored */
	u64 valid;		/* bits that may be set, 0: any */
	int (*get)(struct kvm_vcpu *vcpu, u32 index, u64 *val);
	int (*set)(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host);
};

enum {
	ROW_LIST	= BIT(0),	/* in KVM_GET_MSR_INDEX_LIST */
	ROW_CANONICAL	= BIT(1),	/* the value is a linear address */
	ROW_SWAPPED	= BIT(2),	/* in group VG_MSR */
	ROW_IGNORE	= BIT(3),	/* reads 0, writes go nowhere */
	ROW_INTEL	= BIT(4),	/* only for guests that are not AMD's */
};

#define OFF(field)	offsetof(struct kvm_vcpu, field)

/* ------------------------------------------------------------------------
 * Rows with functions
 */

static int get_tsc(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	*val = clock_guest_tsc(vcpu);
	return 0;
}

static int set_tsc(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	clock_set_tsc(vcpu, val, host);
	return 0;
}

/* Moving TSC_ADJUST moves the TSC, unless user space restores it. */
static int set_tsc_adjust(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	if (!host)
		clock_set_offset(vcpu, vcpu->tsc_offset + val -
				 vcpu->tsc_adjust);
	vcpu->tsc_adjust = val;
	return 0;
}

static int get_apic_base(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	*val = vcpu->apic_base;
	return 0;
}

static int set_apic_base(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	return lapic_set_base(vcpu, val, host);
}

static int get_efer(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	*val = vcpu->s.efer;
	return 0;
}

static int set_efer(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	return vcpu_set_efer(vcpu, val, host);
}

static int seg_of(u32 index)
{
	return index == MSR_FS_BASE ? VCPU_FS : VCPU_GS;
}

static int get_seg_base(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	vcpu_need(vcpu, VG_SEG);
	*val = vcpu->s.seg[seg_of(index)].base;
	return 0;
}

static int set_seg_base(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	vcpu_need(vcpu, VG_SEG);
	vcpu->s.seg[seg_of(index)].base = val;
	vcpu_touch(vcpu, VG_SEG);
	return 0;
}

static bool memory_type_valid(u8 type)
{
	return type < 8 && (BIT(type) & 0x73);	/* 0, 1, 4, 5, 6 */
}

/* SDM vol. 3, "IA32_PAT MSR": eight types below 8, none of them 2 or 3. */
static int set_pat(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	const u64 bit = 0x0101010101010101;

	if ((val & bit * 0xf8) || (val & ~(val >> 1) & bit * 2))
		return 1;
	vcpu_need(vcpu, VG_MSR);
	vcpu->s.pat = val;
	vcpu_touch(vcpu, VG_MSR);
	return 0;
}

/* MTRRs are stored for the guest; memory is always write-back. */
static u64 *mtrr_fixed(struct kvm_vcpu *vcpu, u32 index)
{
	unsigned int n;

	if (index == MSR_MTRRfix64K_00000)
		n = 0;
	else if (index <= MSR_MTRRfix16K_A0000)
		n = 1 + index - MSR_MTRRfix16K_80000;
	else
		n = 3 + index - MSR_MTRRfix4K_C0000;
	return &vcpu->mtrr.fixed[array_index_nospec(n, 11)];
}

static int get_mtrr_fixed(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	*val = *mtrr_fixed(vcpu, index);
	return 0;
}

static int set_mtrr_fixed(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	int i;

	for (i = 0; i < 64; i += 8)
		if (!memory_type_valid(val >> i))
			return 1;
	*mtrr_fixed(vcpu, index) = val;
	return 0;
}

static int get_mtrr_var(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	*val = vcpu->mtrr.var[array_index_nospec(index - 0x200, 16)];
	return 0;
}

static int set_mtrr_var(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	bool mask = index & 1;
	u64 rsvd = ~(BIT_ULL(vcpu->feat.maxphyaddr) - 1) |
		   (mask ? 0x7ff : 0xf00);

	if ((val & rsvd) || (!mask && !memory_type_valid(val)))
		return 1;
	vcpu->mtrr.var[array_index_nospec(index - 0x200, 16)] = val;
	return 0;
}

static int set_mtrr_def(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	if ((val & ~0xcffull) || !memory_type_valid(val))
		return 1;
	vcpu->mtrr.def_type = val;
	return 0;
}

/* Eight variable ranges, fixed ranges, write combining. */
static int get_mtrr_cap(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	*val = 0x508;
	return 0;
}

static int get_kvm_clock(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	*val = vcpu->clock.msr;
	return 0;
}

static int set_kvm_clock(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	return clock_set_system_msr(vcpu, val);
}

static int get_wall_clock(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	*val = vcpu->kvm->wall_msr;
	return 0;
}

static int set_wall_clock(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	return clock_set_wall_msr(vcpu->kvm, val);
}

static int get_mcg(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	*val = index == MSR_IA32_MCG_CAP ? vcpu->mcg_cap : vcpu->mcg_status;
	return 0;
}

static int set_mcg_status(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	if (index == MSR_IA32_MCG_CAP)
		return 1;
	vcpu->mcg_status = val;
	return 0;
}

static u64 *mce_reg(struct kvm_vcpu *vcpu, u32 index)
{
	return &vcpu->mce_banks[array_index_nospec(index - MSR_IA32_MC0_CTL,
						   4 * MCE_BANKS)];
}

static int get_mce(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	*val = *mce_reg(vcpu, index);
	return 0;
}

/*
 * A guest enables all or nothing of a bank, but for what some leave out: bit 10
 * for a defect of the K8, bit 0 (UnixWare).  It clears the status; AMD's may
 * allow itself to set it.
 */
static int set_mce(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	bool may_set = host || (vcpu->feat.amd && (vcpu->hwcr & BIT(18)));
	u32 reg = index & 3;

	if (reg == 1 && val && !may_set)
		return 1;
	if (reg == 0 && val && (val | BIT_ULL(10) | BIT_ULL(0)) != ~0ull)
		return 1;
	*mce_reg(vcpu, index) = val;
	return 0;
}

/* Branch records are not kept; switching them on has no effect. */
static int set_debugctl(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	return val & ~3ull ? 1 : 0;
}

static int get_zero(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	*val = 0;
	return 0;
}

/* HWCR: TSC frequency select; McStatusWrEn and a few harmless bits pass. */
static int get_hwcr(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	*val = vcpu->hwcr | BIT(24);
	return 0;
}

static int set_hwcr(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	val &= ~(u64)(BIT(3) | BIT(6) | BIT(8) | BIT(24));
	if (val & ~(u64)BIT(18))
		return 1;
	vcpu->hwcr = val;
	return 0;
}

/* DE_CFG: LFENCE is serializing here whether the guest asks or not. */
static int get_de_cfg(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	*val = BIT(1);
	return 0;
}

static int set_de_cfg(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	return val & ~(u64)BIT(1) ? 1 : 0;
}

static int get_perf_status(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	*val = 1000;	/* TSC multiplier in bits 47:40 is 0, as on real ones */
	return 0;
}

/* Write-only.  Loaders of microcode do not ask first, and do not mind. */
static int get_ucode_write(struct kvm_vcpu *vcpu, u32 index, u64 *val)
{
	return 1;
}

static int set_ucode_write(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	return 0;
}

static int set_ucode(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	if (host)
		vcpu->ucode_rev = val;
	return 0;
}

/* ------------------------------------------------------------------------
 * The table, sorted by index
 */

#define ONE(i)		.first = (i), .last = (i)
#define RANGE(a, b)	.first = (a), .last = (b)

static const struct msr_row rows[] = {
	{ ONE(MSR_IA32_TSC), ROW_LIST, .get = get_tsc, .set = set_tsc },
	{ ONE(MSR_KVM_WALL_CLOCK), ROW_LIST,
	  .get = get_wall_clock, .set = set_wall_clock },
	{ ONE(MSR_KVM_SYSTEM_TIME), ROW_LIST,
	  .get = get_kvm_clock, .set = set_kvm_clock },
	{ ONE(MSR_IA32_PLATFORM_ID), ROW_IGNORE | ROW_INTEL },
	{ ONE(MSR_IA32_APICBASE), 0,
	  .get = get_apic_base, .set = set_apic_base },
	{ ONE(MSR_IA32_EBL_CR_POWERON), ROW_IGNORE | ROW_INTEL },
	{ ONE(MSR_IA32_TSC_ADJUST), ROW_LIST,
	  .offset = OFF(tsc_adjust), .set = set_tsc_adjust },
	{ ONE(MSR_IA32_UCODE_WRITE), 0,
	  .get = get_ucode_write, .set = set_ucode_write },
	{ ONE(MSR_IA32_UCODE_REV), 0,
	  .offset = OFF(ucode_rev), .set = set_ucode },
	{ ONE(MSR_PLATFORM_INFO), ROW_IGNORE | ROW_INTEL },
	{ ONE(MSR_MTRRcap), 0, .get = get_mtrr_cap },
	{ ONE(MSR_IA32_SYSENTER_CS), ROW_LIST | ROW_SWAPPED,
	  .offset = OFF(s.sysenter_cs) },
	{ ONE(MSR_IA32_SYSENTER_ESP), ROW_LIST | ROW_SWAPPED | ROW_CANONICAL,
	  .offset = OFF(s.sysenter_esp) },
	{ ONE(MSR_IA32_SYSENTER_EIP), ROW_LIST | ROW_SWAPPED | ROW_CANONICAL,
	  .offset = OFF(s.sysenter_eip) },
	{ RANGE(MSR_IA32_MCG_CAP, MSR_IA32_MCG_STATUS), 0,
	  .get = get_mcg, .set = set_mcg_status },
	{ ONE(MSR_IA32_PERF_STATUS), ROW_INTEL, .get = get_perf_status },
	{ ONE(MSR_IA32_MISC_ENABLE), ROW_LIST, .offset = OFF(misc_enable) },
	{ ONE(MSR_IA32_DEBUGCTLMSR), 0, .get = get_zero, .set = set_debugctl },
	{ RANGE(MSR_IA32_LASTBRANCHFROMIP, MSR_IA32_LASTINTTOIP), ROW_IGNORE },
	{ RANGE(0x200, 0x20f), ROW_LIST,
	  .get = get_mtrr_var, .set = set_mtrr_var },
	{ ONE(MSR_MTRRfix64K_00000), ROW_LIST,
	  .get = get_mtrr_fixed, .set = set_mtrr_fixed },
	{ RANGE(MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000), ROW_LIST,
	  .get = get_mtrr_fixed, .set = set_mtrr_fixed },
	{ RANGE(MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_F8000), ROW_LIST,
	  .get = get_mtrr_fixed, .set = set_mtrr_fixed },
	{ ONE(MSR_IA32_CR_PAT), ROW_LIST | ROW_SWAPPED,
	  .offset = OFF(s.pat), .set = set_pat },
	{ ONE(MSR_MTRRdefType), ROW_LIST,
	  .offset = OFF(mtrr.def_type), .set = set_mtrr_def },
	{ RANGE(MSR_IA32_MC0_CTL, MSR_IA32_MC0_CTL + 4 * MCE_BANKS - 1), 0,
	  .get = get_mce, .set = set_mce },
	/* Listed, as KVM_GET_LAPIC does not hold it; else see in_lapic(). */
	{ ONE(MSR_IA32_TSC_DEADLINE), ROW_LIST },
	{ ONE(MSR_KVM_WALL_CLOCK_NEW), ROW_LIST,
	  .get = get_wall_clock, .set = set_wall_clock },
	{ ONE(MSR_KVM_SYSTEM_TIME_NEW), ROW_LIST,
	  .get = get_kvm_clock, .set = set_kvm_clock },
	{ ONE(MSR_EFER), 0, .get = get_efer, .set = set_efer },
	{ ONE(MSR_STAR), ROW_LIST | ROW_SWAPPED, .offset = OFF(s.star) },
	{ ONE(MSR_LSTAR), ROW_LIST | ROW_SWAPPED | ROW_CANONICAL,
	  .offset = OFF(s.lstar) },
	{ ONE(MSR_CSTAR), ROW_LIST | ROW_SWAPPED | ROW_CANONICAL,
	  .offset = OFF(s.cstar) },
	{ ONE(MSR_SYSCALL_MASK), ROW_LIST | ROW_SWAPPED,
	  .offset = OFF(s.fmask), .valid = 0xffffffff },
	{ RANGE(MSR_FS_BASE, MSR_GS_BASE), ROW_CANONICAL,
	  .get = get_seg_base, .set = set_seg_base },
	{ ONE(MSR_KERNEL_GS_BASE), ROW_LIST | ROW_SWAPPED | ROW_CANONICAL,
	  .offset = OFF(s.kernel_gs_base) },
	{ ONE(MSR_TSC_AUX), ROW_LIST,
	  .offset = OFF(s.tsc_aux), .valid = 0xffffffff },
	{ ONE(MSR_AMD64_SYSCFG), ROW_IGNORE },
	{ ONE(MSR_K7_HWCR), 0, .get = get_hwcr, .set = set_hwcr },
	{ ONE(MSR_K8_TOP_MEM1), ROW_IGNORE },
	{ ONE(MSR_K8_TOP_MEM2), ROW_IGNORE },
	{ ONE(MSR_AMD64_NB_CFG), ROW_IGNORE },
	{ ONE(MSR_AMD64_PATCH_LOADER), ROW_IGNORE },
	{ ONE(MSR_K8_INT_PENDING_MSG), ROW_IGNORE },
	{ ONE(MSR_FAM10H_MMIO_CONF_BASE), ROW_IGNORE },
	{ ONE(MSR_K8_TSEG_ADDR), ROW_IGNORE },
	{ ONE(MSR_AMD64_DC_CFG), ROW_IGNORE },
	{ ONE(MSR_AMD64_DE_CFG), 0, .get = get_de_cfg, .set = set_de_cfg },
	{ ONE(MSR_AMD64_BU_CFG2), ROW_IGNORE },
	{ ONE(0xc001102c), ROW_IGNORE },	/* EX_CFG of family 15h: Windows writes it */
};

static const struct msr_row *find_row(struct kvm_vcpu *vcpu, u32 index)
{
	unsigned int lo = 0, hi = ARRAY_SIZE(rows);

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (index < rows[mid].first)
			hi = mid;
		else if (index > rows[mid].last)
			lo = mid + 1;
		else if ((rows[mid].flags & ROW_INTEL) && vcpu->feat.amd)
			return NULL;
		else
			return &rows[mid];
	}
	return NULL;
}

static u64 *row_field(struct kvm_vcpu *vcpu, const struct msr_row *row)
{
	return (u64 *)((char *)vcpu + row->offset);
}

static bool in_lapic(u32 index)
{
	return index - 0x800u < 0x100 || index == MSR_IA32_TSC_DEADLINE;
}

/* 0, or 1: #GP, or user space's list ends here. */
int msr_get(struct kvm_vcpu *vcpu, u32 index, u64 *val, bool host)
{
	const struct msr_row *row;

	if (in_lapic(index))
		return lapic_msr_read(vcpu, index, val);
	row = find_row(vcpu, index);
	if (!row)
		return 1;
	if (row->get)
		return row->get(vcpu, index, val);
	if (row->flags & ROW_IGNORE) {
		*val = 0;
		return 0;
	}
	if (row->flags & ROW_SWAPPED)
		vcpu_need(vcpu, VG_MSR);
	*val = *row_field(vcpu, row);
	return 0;
}

int msr_set(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host)
{
	const struct msr_row *row;

	if (in_lapic(index))
		return lapic_msr_write(vcpu, index, val);
	row = find_row(vcpu, index);
	if (!row)
		return 1;
	/* As for the guest's own WRMSR: LA57 is the processor's, not its mode's. */
	if ((row->flags & ROW_CANONICAL) &&
	    !__is_canonical_address(val, boot_cpu_data.x86_virt_bits))
		return 1;
	if (row->valid && (val & ~row->valid))
		return 1;
	if (row->set)
		return row->set(vcpu, index, val, host);
	if (row->flags & ROW_IGNORE)
		return 0;
	if (!row->offset)
		return 1;		/* read-only */
	if (row->flags & ROW_SWAPPED) {
		vcpu_need(vcpu, VG_MSR);
		vcpu_touch(vcpu, VG_MSR);
	}
	*row_field(vcpu, row) = val;
	return 0;
}

/* ------------------------------------------------------------------------
 * Life cycle
 */

int msr_vcpu_init(struct kvm_vcpu *vcpu)
{
	int i;

	vcpu->mce_banks = kcalloc(4 * MCE_BANKS, sizeof(u64),
				  GFP_KERNEL_ACCOUNT);
	if (!vcpu->mce_banks)
		return -ENOMEM;
	for (i = 0; i < MCE_BANKS; i++)
		vcpu->mce_banks[4 * i] = ~0ull;
	vcpu->mcg_cap = MCE_BANKS;
	vcpu->ucode_rev = kvm_ops->ucode_rev;
	return 0;
}

void msr_reset(struct kvm_vcpu *vcpu)
{
	vcpu->misc_enable = 1;		/* fast strings */
	vcpu->mcg_status = 0;
	vcpu->hwcr = 0;
	vcpu->tsc_adjust = 0;
	memset(&vcpu->mtrr, 0, sizeof(vcpu->mtrr));
	vcpu->clock.msr = 0;
	vcpu->clock.gpa = INVALID_GPA;
}

/* ------------------------------------------------------------------------
 * ioctls
 */

static unsigned int list_msrs(u32 *indices, unsigned int max)
{
	unsigned int n = 0, i;
	u32 index;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!(rows[i].flags & ROW_LIST))
			continue;
		for (index = rows[i].first; index <= rows[i].last; index++) {
			if (n < max)
				indices[n] = index;
			n++;
		}
	}
	return n;
}

long msr_index_list(struct kvm_msr_list __user *arg)
{
	u32 indices[128], nr, room;

	if (copy_from_user(&room, &arg->nmsrs, sizeof(room)))
		return -EFAULT;
	nr = list_msrs(indices, ARRAY_SIZE(indices));
	if (put_user(nr, &arg->nmsrs))
		return -EFAULT;
	if (room < nr)
		return -E2BIG;
	return copy_to_user(arg->indices, indices, nr * sizeof(u32)) ?
		-EFAULT : 0;
}

/* Returns how many entries were done; the first that fails ends it. */
long msr_ioctl(struct kvm_vcpu *vcpu, struct kvm_msrs __user *arg, bool write)
{
	struct kvm_msr_entry *e;
	struct kvm_msrs head;
	unsigned int i;
	int bad = 0;

	if (copy_from_user(&head, arg, sizeof(head)))
		return -EFAULT;
	if (head.nmsrs >= MAX_IOCTL_MSRS)
		return -E2BIG;
	e = memdup_user(arg->entries, array_size(sizeof(*e), head.nmsrs));
	if (IS_ERR(e))
		return PTR_ERR(e);
	for (i = 0; i < head.nmsrs && !bad; i++)
		bad = write ? msr_set(vcpu, e[i].index, e[i].data, true) :
			      msr_get(vcpu, e[i].index, &e[i].data, true);
	i -= !!bad;
	if (!write && copy_to_user(arg->entries, e, i * sizeof(*e))) {
		kfree(e);
		return -EFAULT;
	}
	kfree(e);
	return i;
}
