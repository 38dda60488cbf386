/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shim.h - as much of the kernel as irqchip/ uses, for a user-space program:
 * atomic operations are real ones, locks check that they are taken in order,
 * hrtimers follow a virtual clock that only advance() moves, allocations can
 * be made to fail.  Included before anything else, it takes the place of the
 * kernel's headers and of include/kvm.h, whose objects appear here reduced to
 * the fields that irqchip/ knows.
 */
#ifndef KVM_TESTS_SHIM_H
#define KVM_TESTS_SHIM_H
#define KVM_KVM_H

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef u64 gpa_t;

/* The kernel's u64 is unsigned long long; the ABI's __u64 is, too. */
#include <linux/kvm.h>

#define __rcu
#define __user
#define static_assert		_Static_assert
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define fallthrough		__attribute__((fallthrough))
#define container_of(p, t, m)	((t *)((char *)(p) - offsetof(t, m)))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define S64_MAX			INT64_MAX
#define min(a, b)		({ typeof(a) a_ = (a); typeof(b) b_ = (b); \
				   a_ < b_ ? a_ : b_; })
#define max(a, b)		({ typeof(a) a_ = (a); typeof(b) b_ = (b); \
				   a_ > b_ ? a_ : b_; })
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define max_t(t, a, b)		max((t)(a), (t)(b))

/* --- memory order --- */

#define READ_ONCE(x)		(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile typeof(x) *)&(x) = (v))
/* A test may act as another CPU at this point. */
extern void (*at_barrier)(void);
#define smp_mb()							\
	do {								\
		__atomic_thread_fence(__ATOMIC_SEQ_CST);		\
		if (at_barrier)						\
			at_barrier();					\
	} while (0)
#define smp_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define xchg(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define cmpxchg(p, o, n)	__sync_val_compare_and_swap(p, o, n)

typedef struct { int counter; } atomic_t;
#define atomic_read(a)		READ_ONCE((a)->counter)
#define atomic_inc(a)		__atomic_fetch_add(&(a)->counter, 1, __ATOMIC_SEQ_CST)

/* --- bits --- */

#define BITS_PER_LONG		64
#define BITS_TO_LONGS(n)	(((n) + 63) / 64)
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define DECLARE_BITMAP(m, n)	unsigned long m[BITS_TO_LONGS(n)]

static inline unsigned int __ffs(unsigned long w) { return __builtin_ctzl(w); }
static inline unsigned int __fls(unsigned long w) { return 63 - __builtin_clzl(w); }
static inline u8 ror8(u8 v, unsigned int n) { return v >> n | v << (-n & 7); }
static inline bool is_power_of_2(unsigned long v) { return v && !(v & (v - 1)); }

static inline bool test_bit(long n, const unsigned long *m)
{
	return READ_ONCE(m[n / 64]) >> (n % 64) & 1;
}

static inline bool test_and_set_bit(long n, unsigned long *m)
{
	return __atomic_fetch_or(&m[n / 64], BIT(n % 64), __ATOMIC_SEQ_CST) >>
	       (n % 64) & 1;
}

static inline bool test_and_clear_bit(long n, unsigned long *m)
{
	return __atomic_fetch_and(&m[n / 64], ~BIT(n % 64), __ATOMIC_SEQ_CST) >>
	       (n % 64) & 1;
}

#define set_bit(n, m)		((void)test_and_set_bit(n, m))
#define clear_bit(n, m)		((void)test_and_clear_bit(n, m))
#define __set_bit(n, m)		((m)[(n) / 64] |= BIT((n) % 64))
#define __clear_bit(n, m)	((m)[(n) / 64] &= ~BIT((n) % 64))
#define bitmap_zero(m, n)	memset(m, 0, BITS_TO_LONGS(n) * 8)

static inline unsigned int find_next_bit(const unsigned long *m, unsigned int n,
					 unsigned int i)
{
	while (i < n && !test_bit(i, m))
		i++;
	return i;
}

#define bitmap_empty(m, n)	(find_next_bit(m, n, 0) >= (n))
#define for_each_set_bit(i, m, n)					\
	for ((i) = find_next_bit(m, n, 0); (i) < (n);			\
	     (i) = find_next_bit(m, n, (i) + 1))

/* The real one yields 0 under misspeculation; here it must be bounded. */
#define array_index_nospec(i, n)					\
	({ typeof(i) i_ = (i); assert((u64)i_ < (u64)(n)); i_; })

/* --- arithmetic --- */

#define bcd2bin(x)		(((x) & 15) + ((x) >> 4) * 10)
#define bin2bcd(x)		((((x) / 10) << 4) + (x) % 10)
#define div_u64(a, b)		((u64)(a) / (u32)(b))
#define div64_u64(a, b)		((u64)(a) / (u64)(b))
#define mul_u64_u32_div(a, m, d) ((u64)((unsigned __int128)(a) * (m) / (d)))

static inline u64 div_u64_rem(u64 a, u32 b, u32 *rest)
{
	*rest = a % b;
	return a / b;
}

/* --- memory --- */

#define GFP_KERNEL		0
#define GFP_KERNEL_ACCOUNT	0
#define IS_ERR(p)		((unsigned long)(p) >= -4095UL)
#define PTR_ERR(p)		((long)(p))
#define ERR_PTR(e)		((void *)(long)(e))
#define struct_size(p, m, n)	(sizeof(*(p)) + sizeof(*(p)->m) * (n))
#define PAGE_SIZE		4096ull
#define PAGE_MASK		(~(PAGE_SIZE - 1))

/* The allocation that is to fail, counted down to 0; negative: none. */
extern int fail_allocation;
void *shim_alloc(size_t size);
#define kzalloc(size, gfp)	shim_alloc(size)
#define kvzalloc(size, gfp)	shim_alloc(size)
#define kcalloc(n, size, gfp)	shim_alloc((n) * (size))
#define kfree(p)		free(p)
#define kvfree(p)		free(p)

/* --- RCU: one thread, so a grace period is over at once --- */

struct rcu_head { int unused; };
#define rcu_read_lock()		((void)0)
#define rcu_read_unlock()	((void)0)
#define synchronize_rcu()	((void)0)
#define rcu_dereference(p)	READ_ONCE(p)
#define rcu_dereference_protected(p, c)	(p)
#define RCU_INIT_POINTER(p, v)	WRITE_ONCE(p, v)
#define rcu_replace_pointer(p, v, c)	xchg(&(p), v)
#define kvfree_rcu(p, member)	free(p)

struct hlist_node { struct hlist_node *next, **pprev; };
struct hlist_head { struct hlist_node *first; };

static inline void hlist_add_head_rcu(struct hlist_node *n, struct hlist_head *h)
{
	n->next = h->first;
	if (n->next)
		n->next->pprev = &n->next;
	n->pprev = &h->first;
	h->first = n;
}

static inline void hlist_del_init_rcu(struct hlist_node *n)
{
	if (!n->pprev)
		return;
	*n->pprev = n->next;
	if (n->next)
		n->next->pprev = n->pprev;
	n->pprev = NULL;
}

#define hlist_for_each_entry_rcu(n, h, m)				\
	for (struct hlist_node *p_ = (h)->first;			\
	     p_ && ((n) = container_of(p_, typeof(*(n)), m), true);	\
	     p_ = p_->next)

/* --- locks --- */

struct mutex { bool held; };
typedef struct { bool held; } raw_spinlock_t;
void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);
void shim_spin_lock(raw_spinlock_t *l);
void shim_spin_unlock(raw_spinlock_t *l);
extern int spinlocks_held;
#define mutex_init(m)			((m)->held = false)
#define raw_spin_lock_init(l)		((l)->held = false)
#define raw_spin_lock_irqsave(l, f)	((f) = 0, shim_spin_lock(l))
#define raw_spin_unlock_irqrestore(l, f) ((void)(f), shim_spin_unlock(l))
#define lockdep_assert_held(l)		assert((l)->held)
#define lockdep_is_held(l)		((l)->held)
#define local_irq_save(f)		((f) = 0)
#define local_irq_restore(f)		((void)(f))

/* --- time --- */

#define NSEC_PER_USEC		1000L
#define NSEC_PER_MSEC		1000000L
#define NSEC_PER_SEC		1000000000L
#define PIT_TICK_RATE		1193182ul
#define CLOCK_MONOTONIC		1

typedef s64 ktime_t;
enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
enum hrtimer_mode { HRTIMER_MODE_ABS_HARD, HRTIMER_MODE_REL_HARD };

struct hrtimer {
	enum hrtimer_restart (*function)(struct hrtimer *t);
	struct hrtimer *next;
	s64 expires;
	bool queued, running;
};

extern s64 host_ns;			/* the virtual clock */
extern u64 timer_callbacks;
void advance(s64 ns);			/* runs what expires on the way */
void jump(s64 ns);			/* the host sleeps: timers come late */
#define ktime_get()		(host_ns)
#define ktime_to_ns(k)		(k)
#define ns_to_ktime(n)		(n)
#define hrtimer_set_expires(t, e) ((t)->expires = (e))
void hrtimer_init(struct hrtimer *t, int clock, enum hrtimer_mode mode);
void hrtimer_start(struct hrtimer *t, ktime_t expires, enum hrtimer_mode mode);
int hrtimer_callback_running(struct hrtimer *t);
int hrtimer_try_to_cancel(struct hrtimer *t);
int hrtimer_cancel(struct hrtimer *t);
#define check_tsc_unstable()	false	/* there is one */

/* --- processor definitions --- */

#define MSR_IA32_APICBASE		0x1b
#define MSR_IA32_APICBASE_BSP		BIT(8)
#define MSR_IA32_APICBASE_ENABLE	BIT(11)
#define X2APIC_ENABLE			BIT(10)
#define MSR_IA32_TSC_DEADLINE		0x6e0
#define X86_FEATURE_X2APIC		(4 * 32 + 21)
#define X86_FEATURE_TSC_DEADLINE_TIMER	(4 * 32 + 24)

#define IO_APIC_DEFAULT_PHYS_BASE	0xfec00000
#define APIC_DEFAULT_PHYS_BASE		0xfee00000
#define APIC_BASE_MSR			0x800

enum {	/* SDM, "Local APIC Register Address Map" */
	APIC_ID = 0x20, APIC_LVR = 0x30, APIC_TASKPRI = 0x80,
	APIC_ARBPRI = 0x90, APIC_PROCPRI = 0xa0, APIC_EOI = 0xb0,
	APIC_RRR = 0xc0, APIC_LDR = 0xd0, APIC_DFR = 0xe0, APIC_SPIV = 0xf0,
	APIC_ISR = 0x100, APIC_TMR = 0x180, APIC_IRR = 0x200, APIC_ESR = 0x280,
	APIC_ICR = 0x300, APIC_ICR2 = 0x310, APIC_LVTT = 0x320,
	APIC_LVTTHMR = 0x330, APIC_LVTPC = 0x340, APIC_LVT0 = 0x350,
	APIC_LVT1 = 0x360, APIC_LVTERR = 0x370, APIC_TMICT = 0x380,
	APIC_TMCCT = 0x390, APIC_TDCR = 0x3e0, APIC_SELF_IPI = 0x3f0,
};
#define APIC_TPRI_MASK		0xffu
#define APIC_LDR_MASK		0xff000000u
#define APIC_DFR_CLUSTER	0x0fffffffu
#define APIC_DFR_FLAT		0xffffffffu
#define APIC_SPIV_APIC_ENABLED	BIT(8)
#define APIC_ESR_SENDILL	0x20
#define APIC_ESR_RECVILL	0x40
#define APIC_ESR_ILLREGA	0x80
#define APIC_INT_LEVELTRIG	0x8000
#define APIC_INT_ASSERT		0x4000
#define APIC_ICR_BUSY		0x1000
#define APIC_DEST_LOGICAL	0x800
#define APIC_DM_FIXED		0x000
#define APIC_DM_LOWEST		0x100
#define APIC_DM_NMI		0x400
#define APIC_DM_INIT		0x500
#define APIC_DM_STARTUP		0x600
#define APIC_DM_EXTINT		0x700
#define APIC_VECTOR_MASK	0xff
#define APIC_MODE_MASK		0x700
#define APIC_LVT_MASKED		BIT(16)
#define APIC_LVT_LEVEL_TRIGGER	BIT(15)
#define APIC_LVT_REMOTE_IRR	BIT(14)
#define APIC_INPUT_POLARITY	BIT(13)
#define APIC_SEND_PENDING	BIT(12)
#define APIC_LVT_TIMER_PERIODIC	BIT(17)
#define APIC_LVT_TIMER_TSCDEADLINE BIT(18)
#define GET_APIC_DELIVERY_MODE(x) (((x) >> 8) & 7)

/* --- include/kvm.h, reduced --- */

#define KVM_MAX_VCPUS		255
#define KVM_MAX_IRQ_ROUTES	4096
enum { KVM_REQ_EVENT };
enum { VCPU_CS, VCPU_NR_SEGS };
enum { VG_RIP = 1, VG_CS = 2 };

struct lapic_map;
struct kvm_irq_routing_table;

struct kvm_vcpu {
	struct {
		u64 rip;
		struct { u16 selector; u64 base; } seg[VCPU_NR_SEGS];
		u32 dirty;
	} s;
	struct { atomic_t nmi_queued; } ev;
	struct { u8 maxphyaddr; } feat;
	struct kvm *kvm;
	int id;
	unsigned long requests;
	struct kvm_lapic *apic;
	u32 mp_state;
	u64 apic_base;

	/* the shim's own */
	int kicks, resets, cpuid_updates;
	u64 tsc_offset;
};

struct kvm {
	struct mutex lock, slots_lock, irq_lock;
	int nr_vcpus;
	struct kvm_vcpu *vcpus[KVM_MAX_VCPUS];
	bool irqchip;
	struct kvm_pic *pic;
	struct kvm_ioapic *ioapic;
	struct kvm_pit *pit;
	bool pic_intr;
	struct lapic_map *lapic_map;
	struct kvm_irq_routing_table *routing;
	struct hlist_head irq_acks;
	u32 bsp_id;
};

static inline void vcpu_request(struct kvm_vcpu *vcpu, int req)
{
	smp_wmb();
	set_bit(req, &vcpu->requests);
}

static inline bool kvm_irqchip_in_kernel(struct kvm *kvm)
{
	return smp_load_acquire(&kvm->irqchip);
}

void vcpu_kick(struct kvm_vcpu *vcpu);
void vcpu_reset(struct kvm_vcpu *vcpu, bool init);
void cpuid_update(struct kvm_vcpu *vcpu);
bool guest_has(struct kvm_vcpu *vcpu, unsigned int feature);
u64 clock_guest_tsc(struct kvm_vcpu *vcpu);
u64 clock_tsc_to_ns(struct kvm_vcpu *vcpu, u64 cycles);
#define vcpu_need(vcpu, groups)	((void)(groups))
#define vcpu_touch(vcpu, groups) ((vcpu)->s.dirty |= (groups))

#endif /* KVM_TESTS_SHIM_H */
