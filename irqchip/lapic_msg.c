// SPDX-License-Identifier: GPL-2.0
/*
 * lapic_msg.c - interrupt messages: which local APICs a destination means, and
 * what an APIC does with a message that it gets.
 *
 * Owns: the destination map of each VM.  Everything but the map's own changes
 * may be called in any context, hard interrupt included, and takes no lock:
 * the map's slots are single pointers, APICs are freed after an RCU grace
 * period, and IRR is changed by atomic bit operations.
 *
 * The map is updated in place, slot by slot, rather than copied and replaced:
 * a guest can change its logical id as fast as it likes, and this way it makes
 * us allocate and free nothing.  A slot that does not change is never written,
 * so messages to other APICs do not notice; those to the APIC that is being
 * renumbered race with that in hardware, too.
 *
 * Trusts: nothing in a message; destinations and vectors come from the guest.
 * Read next: lapic.c.
 */
#include <linux/nospec.h>
#include <linux/slab.h>
#include "lapic.h"

#define APIC_BROADCAST		0xff		/* xAPIC, IOAPIC and MSI */
#define X2APIC_BROADCAST	0xffffffff

/* Slots of the map: physical ids, flat logical ids, cluster logical ids. */
#define SLOT_FLAT		256
#define SLOT_CLUSTER		(SLOT_FLAT + 8)
#define NR_CLUSTERS		15		/* 15 itself is for broadcasts */
#define NR_SLOTS		(SLOT_CLUSTER + NR_CLUSTERS * 4)

/*
 * x2APIC logical ids need no slots: they are a function of the physical id.
 * What slots cannot express (two APICs with one id, logical ids of several
 * bits) makes the map irregular, and lookups walk all APICs.
 */
struct lapic_map {
	struct mutex lock;			/* changes */
	unsigned int nr;			/* of all[], in use */
	unsigned int rotor;			/* who got a lowest-priority last */
	bool irregular;
	struct kvm_lapic *all[KVM_MAX_VCPUS];	/* by vCPU id, enabled or not */
	struct kvm_lapic *slot[NR_SLOTS];
	struct kvm_lapic *scratch[NR_SLOTS];	/* lock */
};

typedef DECLARE_BITMAP(vcpu_set_t, 256);	/* vCPU ids */

static_assert(KVM_MAX_VCPUS <= 256);

/* ------------------------------------------------------------------------
 * The map
 */

int lapic_map_create(struct kvm *kvm)
{
	struct lapic_map *map = kzalloc(sizeof(*map), GFP_KERNEL_ACCOUNT);

	if (!map)
		return -ENOMEM;
	mutex_init(&map->lock);
	kvm->lapic_map = map;
	return 0;
}

/* All sources of messages are silent for good. */
void lapic_map_free(struct kvm *kvm)
{
	kfree(kvm->lapic_map);
	kvm->lapic_map = NULL;
}

static struct kvm_lapic *map_get(const struct lapic_map *map, unsigned int id)
{
	if (id >= KVM_MAX_VCPUS)
		return NULL;
	return READ_ONCE(map->all[array_index_nospec(id, KVM_MAX_VCPUS)]);
}

static bool claim(struct lapic_map *map, unsigned int slot,
		  struct kvm_lapic *apic)
{
	if (map->scratch[slot])
		return false;
	map->scratch[slot] = apic;
	return true;
}

/* False if the logical id of this xAPIC fits no slot. */
static bool claim_logical(struct lapic_map *map, struct kvm_lapic *apic)
{
	u32 ldr = lapic_reg(apic, APIC_LDR) >> 24;
	u32 dfr = lapic_reg(apic, APIC_DFR) >> 28;
	u32 bits = ldr, first = SLOT_FLAT;

	if (dfr == APIC_DFR_CLUSTER >> 28) {
		bits = ldr & 15;
		first = SLOT_CLUSTER + (ldr >> 4) * 4;
		if (bits && ldr >> 4 >= NR_CLUSTERS)
			return false;
	} else if (dfr != APIC_DFR_FLAT >> 28) {
		return true;			/* reserved model: no address */
	}
	if (!bits)
		return true;
	return is_power_of_2(bits) && claim(map, first + __ffs(bits), apic);
}

static void map_rebuild(struct lapic_map *map)
{
	bool irregular = false;
	unsigned int i;

	lockdep_assert_held(&map->lock);
	memset(map->scratch, 0, sizeof(map->scratch));
	for (i = 0; i < map->nr; i++) {
		struct kvm_lapic *apic = map->all[i];

		if (!apic || !apic->hw_enabled)
			continue;
		if (!claim(map, apic->id & 0xff, apic))
			irregular = true;
		if (!apic->x2apic && !claim_logical(map, apic))
			irregular = true;
	}
	/* A reader that sees a regular map must see its slots, too. */
	if (irregular) {
		WRITE_ONCE(map->irregular, true);
		smp_wmb();
	}
	for (i = 0; i < NR_SLOTS; i++)
		if (map->slot[i] != map->scratch[i])
			smp_store_release(&map->slot[i], map->scratch[i]);
	if (!irregular)
		smp_store_release(&map->irregular, false);
}

void lapic_map_update(struct kvm *kvm)
{
	struct lapic_map *map = kvm->lapic_map;

	mutex_lock(&map->lock);
	map_rebuild(map);
	mutex_unlock(&map->lock);
}

void lapic_map_add(struct kvm_lapic *apic)
{
	struct lapic_map *map = apic->vcpu->kvm->lapic_map;
	unsigned int id = apic->vcpu->id;

	mutex_lock(&map->lock);
	smp_store_release(&map->all[id], apic);
	if (id >= map->nr)
		smp_store_release(&map->nr, id + 1);
	map_rebuild(map);
	mutex_unlock(&map->lock);
}

void lapic_map_remove(struct kvm_lapic *apic)
{
	struct lapic_map *map = apic->vcpu->kvm->lapic_map;

	/* With the map, all sources have gone: nobody can be looking. */
	if (!map)
		return;
	mutex_lock(&map->lock);
	WRITE_ONCE(map->all[apic->vcpu->id], NULL);
	map_rebuild(map);
	mutex_unlock(&map->lock);
	synchronize_rcu();
}

/* ------------------------------------------------------------------------
 * Acceptance by one APIC
 */

static void wake(struct kvm_lapic *apic)
{
	vcpu_request(apic->vcpu, KVM_REQ_EVENT);
	vcpu_kick(apic->vcpu);
}

/* SDM, "Error Handling": an illegal LVT error vector must not recurse. */
void lapic_error(struct kvm_lapic *apic, u32 esr_bit)
{
	u32 lvt = lapic_reg(apic, APIC_LVTERR);

	set_bit(__ffs(esr_bit), &apic->esr_pending);
	if (lvt & APIC_LVT_MASKED)
		return;
	if ((lvt & APIC_VECTOR_MASK) < 16)
		set_bit(__ffs(APIC_ESR_RECVILL), &apic->esr_pending);
	else
		lapic_local_deliver(apic, APIC_LVTERR);
}

/*
 * Into IRR.  Vectors below 16 never get there (SDM, "Error Handling").  The
 * order (bit first, then irr_pending) pairs with ack_vector() in lapic.c.
 */
static bool accept_vector(struct kvm_lapic *apic, u8 vector, bool level,
			  bool *merged)
{
	if (vector < 16) {
		lapic_error(apic, APIC_ESR_RECVILL);
		return false;
	}
	if (test_bit(vector, apic->tmr) != level) {
		if (level)
			set_bit(vector, apic->tmr);
		else
			clear_bit(vector, apic->tmr);
	}
	*merged = test_and_set_bit(vector, apic->irr);
	if (!READ_ONCE(apic->irr_pending))
		WRITE_ONCE(apic->irr_pending, true);
	if (!*merged)
		wake(apic);
	return true;
}

/*
 * Who set what is still pending has woken the vCPU, or is about to: a message
 * that changes nothing costs no wake-up, however often a timer repeats it.
 */
static void accept_nmi(struct kvm_lapic *apic)
{
	atomic_t *queued = &apic->vcpu->ev.nmi_queued;

	/* More than two are never told apart. */
	if (atomic_read(queued) >= 2)
		return;
	atomic_inc(queued);
	wake(apic);
}

static void accept_init(struct kvm_lapic *apic)
{
	/* A SIPI that came before the INIT is lost. */
	if (xchg(&apic->events, BIT(LAPIC_EVENT_INIT)) != BIT(LAPIC_EVENT_INIT))
		wake(apic);
}

static void accept_sipi(struct kvm_lapic *apic, u8 vector)
{
	WRITE_ONCE(apic->sipi_vector, vector);
	smp_wmb();		/* vector before event; lapic_accept_events() */
	if (!test_and_set_bit(LAPIC_EVENT_SIPI, &apic->events))
		wake(apic);
}

static void accept_extint(struct kvm_lapic *apic)
{
	if (!xchg(&apic->extint, true))
		wake(apic);
}

/* True if the APIC took it; *merged if the vector had been pending before. */
static bool accept_msg(struct kvm_lapic *apic, const struct lapic_msg *msg,
		       bool *merged)
{
	*merged = false;
	if (!READ_ONCE(apic->hw_enabled))
		return false;

	switch ((u32)msg->delivery_mode << 8) {
	case APIC_DM_FIXED:
	case APIC_DM_LOWEST:
		if ((msg->level && !msg->assert) ||
		    !READ_ONCE(apic->sw_enabled))
			return false;
		return accept_vector(apic, msg->vector, msg->level, merged);
	case APIC_DM_NMI:
		accept_nmi(apic);
		return true;
	case APIC_DM_INIT:
		/* A level de-assert is for arbitration ids, long gone. */
		if (msg->level && !msg->assert)
			return false;
		accept_init(apic);
		return true;
	case APIC_DM_STARTUP:
		accept_sipi(apic, msg->vector);
		return true;
	case APIC_DM_EXTINT:
		accept_extint(apic);
		return true;
	default:
		return false;		/* SMI: there is no SMM; reserved */
	}
}

void lapic_local_deliver(struct kvm_lapic *apic, unsigned int lvt)
{
	u32 entry = lapic_reg(apic, lvt);
	struct lapic_msg msg = {
		.vector = entry & APIC_VECTOR_MASK,
		.delivery_mode = GET_APIC_DELIVERY_MODE(entry),
		.assert = true,
	};
	bool merged;

	/* ExtINT on LINT0 is not latched: lapic_accepts_pic() is asked. */
	if (!(entry & APIC_LVT_MASKED) &&
	    (entry & APIC_MODE_MASK) != APIC_DM_EXTINT &&
	    (entry & APIC_MODE_MASK) != APIC_DM_STARTUP)
		accept_msg(apic, &msg, &merged);
}

void lapic_lint0_raise(struct kvm *kvm)
{
	struct lapic_map *map = kvm->lapic_map;
	unsigned int i;

	if (!map)
		return;
	smp_mb();	/* INTR is written, LVT0 is read; write_lvt() vice versa */
	rcu_read_lock();
	for (i = 0; i < READ_ONCE(map->nr); i++) {
		struct kvm_lapic *apic = map_get(map, i);

		if (!apic)
			continue;
		if (lapic_accepts_pic(apic->vcpu))
			wake(apic);
		lapic_local_deliver(apic, APIC_LVT0);
	}
	rcu_read_unlock();
}

/* ------------------------------------------------------------------------
 * Destinations
 */

/* The rules, for one APIC; used where slots do not suffice. */
static bool matches(const struct kvm_lapic *apic, u32 dest, bool logical)
{
	u32 ldr = lapic_reg(apic, APIC_LDR) >> 24;

	if (!READ_ONCE(apic->hw_enabled))
		return false;
	if (!logical)
		return READ_ONCE(apic->id) == dest;
	if (READ_ONCE(apic->x2apic)) {
		ldr = lapic_x2apic_ldr(apic->vcpu->id);
		return ldr >> 16 == dest >> 16 && (ldr & dest & 0xffff);
	}
	if (dest > 0xff)
		return false;
	switch (lapic_reg(apic, APIC_DFR) >> 28) {
	case APIC_DFR_FLAT >> 28:
		return ldr & dest;
	case APIC_DFR_CLUSTER >> 28:
		return ldr >> 4 == dest >> 4 && (ldr & dest & 15);
	}
	return false;
}

static void add_matching(const struct lapic_map *map, vcpu_set_t set, u32 dest,
			 bool logical)
{
	unsigned int i;

	for (i = 0; i < READ_ONCE(map->nr); i++) {
		struct kvm_lapic *apic = map_get(map, i);

		if (apic && matches(apic, dest, logical))
			__set_bit(i, set);
	}
}

static void add_all(const struct lapic_map *map, vcpu_set_t set)
{
	unsigned int i;

	for (i = 0; i < READ_ONCE(map->nr); i++) {
		struct kvm_lapic *apic = map_get(map, i);

		if (apic && READ_ONCE(apic->hw_enabled))
			__set_bit(i, set);
	}
}

static void add_slots(const struct lapic_map *map, vcpu_set_t set,
		      unsigned int first, unsigned long bits)
{
	unsigned int bit;

	for_each_set_bit(bit, &bits, 8) {
		struct kvm_lapic *apic;

		apic = READ_ONCE(map->slot[array_index_nospec(first + bit,
							      NR_SLOTS)]);
		if (apic)
			__set_bit(apic->vcpu->id, set);
	}
}

static void add_logical(const struct lapic_map *map, vcpu_set_t set, u32 dest)
{
	unsigned long x2apic_bits = dest & 0xffff;
	unsigned int bit;

	if (dest <= 0xff) {
		add_slots(map, set, SLOT_FLAT, dest);
		if (dest >> 4 < NR_CLUSTERS)
			add_slots(map, set, SLOT_CLUSTER + (dest >> 4) * 4,
				  dest & 15);
	}
	for_each_set_bit(bit, &x2apic_bits, 16) {
		struct kvm_lapic *apic = map_get(map, (dest >> 16 << 4) + bit);

		if (apic && READ_ONCE(apic->hw_enabled) &&
		    READ_ONCE(apic->x2apic))
			__set_bit(apic->vcpu->id, set);
	}
}

/*
 * The vCPUs that a message means.  As the API document says of MSIs, 0xff is
 * a broadcast for APICs in x2APIC mode too, unless an x2APIC sends it.
 */
static void find_targets(const struct lapic_map *map, struct kvm_vcpu *src,
			 const struct lapic_msg *msg, vcpu_set_t set)
{
	bool x2apic = src && READ_ONCE(src->apic->x2apic);

	bitmap_zero(set, 256);
	if (msg->shorthand) {
		add_all(map, set);
		if (msg->shorthand == 3 && src)
			__clear_bit(src->id, set);
	} else if (msg->dest == (x2apic ? X2APIC_BROADCAST : APIC_BROADCAST)) {
		add_all(map, set);
	} else if (smp_load_acquire(&map->irregular)) {
		add_matching(map, set, msg->dest, msg->logical);
	} else if (msg->logical) {
		add_logical(map, set, msg->dest);
	} else if (msg->dest < SLOT_FLAT) {
		add_slots(map, set, msg->dest, 1);
	}
}

/*
 * SDM, "Lowest Priority Delivery Mode": to one of the APICs addressed, the one
 * with the lowest processor priority; turns are taken among equals.
 */
static struct kvm_lapic *pick_lowest(struct lapic_map *map, vcpu_set_t set)
{
	unsigned int start = READ_ONCE(map->rotor) + 1, id, rank;
	struct kvm_lapic *apic, *best = NULL;
	unsigned int best_rank = UINT_MAX;

	for_each_set_bit(id, set, 256) {
		apic = map_get(map, id);
		if (!apic || !READ_ONCE(apic->sw_enabled))
			continue;
		rank = READ_ONCE(apic->ppr) >> 4 << 8 | ((id - start) & 0xff);
		if (rank < best_rank) {
			best = apic;
			best_rank = rank;
		}
	}
	if (best)
		WRITE_ONCE(map->rotor, best->vcpu->id);
	return best;
}

/* Count one APIC into what lapic_deliver() returns. */
static void deliver_one(struct kvm_lapic *apic, struct lapic_msg *msg, int *n)
{
	bool merged;

	if (accept_msg(apic, msg, &merged)) {
		++*n;
		msg->merged += merged;
	}
}

static int deliver(struct lapic_map *map, struct kvm_vcpu *src,
		   struct lapic_msg *msg)
{
	struct kvm_lapic *apic;
	vcpu_set_t set;
	unsigned int id;
	int n = 0;

	if (msg->shorthand == 1 && src) {
		deliver_one(src->apic, msg, &n);
		return n;
	}
	find_targets(map, src, msg, set);
	if (bitmap_empty(set, 256))
		return -1;
	if ((u32)msg->delivery_mode << 8 == APIC_DM_LOWEST) {
		apic = pick_lowest(map, set);
		if (apic)
			deliver_one(apic, msg, &n);
		return n;
	}
	for_each_set_bit(id, set, 256) {
		apic = map_get(map, id);
		if (apic)
			deliver_one(apic, msg, &n);
	}
	return n;
}

int lapic_deliver(struct kvm *kvm, struct kvm_vcpu *src, struct lapic_msg *msg)
{
	struct lapic_map *map = kvm->lapic_map;
	int n;

	msg->merged = 0;
	if (!map)
		return -1;
	rcu_read_lock();
	n = deliver(map, src, msg);
	rcu_read_unlock();
	return n;
}

/* ------------------------------------------------------------------------
 * INIT and SIPI, in the vCPU's own thread
 */

bool lapic_has_events(struct kvm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->apic->events);
}

void lapic_set_sipi_vector(struct kvm_vcpu *vcpu, u8 vector)
{
	WRITE_ONCE(vcpu->apic->sipi_vector, vector);
}

void lapic_set_sipi_pending(struct kvm_vcpu *vcpu)
{
	accept_sipi(vcpu->apic, vcpu->apic->sipi_vector);
}

/* SDM, "MP Initialization Protocol": start at page @vector, in real mode. */
static void start_up(struct kvm_vcpu *vcpu, u8 vector)
{
	vcpu_need(vcpu, VG_CS | VG_RIP);
	vcpu->s.seg[VCPU_CS].selector = vector << 8;
	vcpu->s.seg[VCPU_CS].base = vector << 12;
	vcpu->s.rip = 0;
	vcpu_touch(vcpu, VG_CS | VG_RIP);
}

void lapic_accept_events(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->apic;
	/* An INIT that comes meanwhile keeps the SIPI that follows it. */
	unsigned long events = xchg(&apic->events, 0);

	if (events & BIT(LAPIC_EVENT_INIT)) {
		vcpu_reset(vcpu, true);
		WRITE_ONCE(vcpu->mp_state,
			   vcpu->apic_base & MSR_IA32_APICBASE_BSP ?
			   KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_INIT_RECEIVED);
	}
	/* A SIPI means nothing to a processor that does not wait for it. */
	if ((events & BIT(LAPIC_EVENT_SIPI)) &&
	    vcpu->mp_state == KVM_MP_STATE_INIT_RECEIVED) {
		start_up(vcpu, READ_ONCE(apic->sipi_vector));
		WRITE_ONCE(vcpu->mp_state, KVM_MP_STATE_RUNNABLE);
	}
}
