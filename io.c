// SPDX-License-Identifier: GPL-2.0
/*
 * io.c - port and memory I/O: in-kernel devices first, else user space.
 *
 * Owns: the two buses of each VM (arrays sorted by address, replaced as a
 * whole under SRCU), the coalesced ring, and the single-item port exit.
 * Trusts: nothing in the coalesced ring or the port data page but what it
 * bounds itself, since user space can rewrite both at any time.
 *
 * Read next: irqchip/ for the devices, emulate.c for memory-mapped and string
 * I/O.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "io.h"
#include "trace.h"

#define BUS_MAX_RANGES	1000

struct bus_range {
	gpa_t addr;
	u32 len;
	struct kvm_io_device *dev;
};

struct kvm_io_bus {
	unsigned int nr;
	struct bus_range range[];
};

/* ------------------------------------------------------------------------
 * Buses
 */

int kvm_io_init(struct kvm *kvm)
{
	int i;

	for (i = 0; i < KVM_NR_BUSES; i++) {
		struct kvm_io_bus *bus = kzalloc(sizeof(*bus),
						 GFP_KERNEL_ACCOUNT);

		if (!bus) {
			kvm_io_free(kvm);
			return -ENOMEM;
		}
		rcu_assign_pointer(kvm->buses[i], bus);
	}
	return 0;
}

/* Is the device among the first @n ranges? */
static bool bus_has(const struct kvm_io_bus *bus,
		    const struct kvm_io_device *dev, unsigned int n)
{
	while (n--)
		if (bus->range[n].dev == dev)
			return true;
	return false;
}

void kvm_io_free(struct kvm *kvm)
{
	unsigned int i, j;

	for (i = 0; i < KVM_NR_BUSES; i++) {
		struct kvm_io_bus *bus =
			rcu_dereference_protected(kvm->buses[i], 1);

		for (j = 0; bus && j < bus->nr; j++) {
			struct kvm_io_device *dev = bus->range[j].dev;

			/* A device may sit at several ranges: free it once. */
			if (!bus_has(bus, dev, j) && dev->ops->free)
				dev->ops->free(dev);
		}
		kfree(bus);
		rcu_assign_pointer(kvm->buses[i], NULL);
	}
}

static struct kvm_io_bus *bus_locked(struct kvm *kvm, int bus)
{
	return rcu_dereference_protected(kvm->buses[bus],
					 lockdep_is_held(&kvm->slots_lock));
}

int kvm_io_register(struct kvm *kvm, int nr, gpa_t addr, u32 len,
		    struct kvm_io_device *dev)
{
	struct kvm_io_bus *old = bus_locked(kvm, nr), *bus;
	unsigned int i = 0;

	if (old->nr >= BUS_MAX_RANGES)
		return -ENOSPC;
	bus = kmalloc(struct_size(bus, range, old->nr + 1), GFP_KERNEL_ACCOUNT);
	if (!bus)
		return -ENOMEM;
	while (i < old->nr && old->range[i].addr <= addr)
		i++;
	bus->nr = old->nr + 1;
	memcpy(bus->range, old->range, i * sizeof(*bus->range));
	bus->range[i] = (struct bus_range){ addr, len, dev };
	memcpy(bus->range + i + 1, old->range + i,
	       (old->nr - i) * sizeof(*bus->range));
	rcu_assign_pointer(kvm->buses[nr], bus);
	kvm_synchronize(kvm);
	kfree(old);
	return 0;
}

void kvm_io_unregister(struct kvm *kvm, int nr, struct kvm_io_device *dev)
{
	struct kvm_io_bus *old = bus_locked(kvm, nr), *bus;
	unsigned int i, n = 0;

	bus = kmalloc(struct_size(bus, range, old->nr),
		      GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	for (i = 0; i < old->nr; i++)
		if (old->range[i].dev != dev)
			bus->range[n++] = old->range[i];
	bus->nr = n;
	rcu_assign_pointer(kvm->buses[nr], bus);
	kvm_synchronize(kvm);
	kfree(old);
	if (dev->ops->free)
		dev->ops->free(dev);
}

/* Index of the first range that could hold the access. */
static unsigned int bus_search(const struct kvm_io_bus *bus, gpa_t addr)
{
	unsigned int lo = 0, hi = bus->nr;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (bus->range[mid].addr + bus->range[mid].len <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool range_holds(const struct bus_range *r, gpa_t addr, int len)
{
	return addr >= r->addr && addr + len <= r->addr + r->len;
}

int kvm_io_read(struct kvm_vcpu *vcpu, int nr, gpa_t addr, int len, void *val)
{
	struct kvm_io_bus *bus = srcu_dereference(vcpu->kvm->buses[nr],
						  &vcpu->kvm->srcu);
	unsigned int i;

	for (i = bus_search(bus, addr); i < bus->nr; i++) {
		struct bus_range *r = &bus->range[i];

		if (addr < r->addr)
			break;
		if (range_holds(r, addr, len) &&
		    !r->dev->ops->read(vcpu, r->dev, addr, len, val))
			return 0;
	}
	return -EOPNOTSUPP;
}

int kvm_io_write(struct kvm_vcpu *vcpu, int nr, gpa_t addr, int len,
		 const void *val)
{
	struct kvm_io_bus *bus = srcu_dereference(vcpu->kvm->buses[nr],
						  &vcpu->kvm->srcu);
	unsigned int i;

	for (i = bus_search(bus, addr); i < bus->nr; i++) {
		struct bus_range *r = &bus->range[i];

		if (addr < r->addr)
			break;
		if (range_holds(r, addr, len) &&
		    !r->dev->ops->write(vcpu, r->dev, addr, len, val))
			return 0;
	}
	/* Nothing overtakes what this emulation has posted to user space. */
	if (nr == KVM_MMIO_BUS && vcpu->mmio.nr_write)
		return -EOPNOTSUPP;
	return kvm_coalesced_write(vcpu->kvm, nr, addr, len, val) ?
		0 : -EOPNOTSUPP;
}

/* ------------------------------------------------------------------------
 * Coalesced writes: gathered in a ring, seen by user space at its next exit
 */

#define RING_ENTRIES \
	((PAGE_SIZE - sizeof(struct kvm_coalesced_mmio_ring)) / \
	 sizeof(struct kvm_coalesced_mmio))

int kvm_coalesced_init(struct kvm *kvm)
{
	kvm->coalesced_ring = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!kvm->coalesced_ring)
		return -ENOMEM;
	spin_lock_init(&kvm->ring_lock);
	INIT_LIST_HEAD(&kvm->coalesced_zones);
	return 0;
}

void kvm_coalesced_free(struct kvm *kvm)
{
	struct kvm_coalesced_zone *zone, *next;

	list_for_each_entry_safe(zone, next, &kvm->coalesced_zones, link)
		kfree(zone);
	free_page((unsigned long)kvm->coalesced_ring);
}

/* Wholly.  Both may wrap: what user space asks for, and what the guest does. */
static bool zone_holds(const struct kvm_coalesced_zone *zone, gpa_t addr,
		       u32 len)
{
	return addr >= zone->addr && addr - zone->addr <= zone->size &&
	       len <= zone->size - (addr - zone->addr);
}

/* May one more be added?  Every write to a device looks at all of them. */
static bool zone_fits(struct kvm *kvm, u32 pio)
{
	const struct kvm_coalesced_zone *zone;
	unsigned int n;

	n = bus_locked(kvm, pio ? KVM_PIO_BUS : KVM_MMIO_BUS)->nr;
	list_for_each_entry(zone, &kvm->coalesced_zones, link)
		n += zone->pio == pio;
	return n < BUS_MAX_RANGES;
}

int kvm_coalesced_register(struct kvm *kvm,
			   const struct kvm_coalesced_mmio_zone *z)
{
	struct kvm_coalesced_zone *zone;
	bool fits;

	if (z->pio != 0 && z->pio != 1)
		return -EINVAL;
	zone = kzalloc(sizeof(*zone), GFP_KERNEL_ACCOUNT);
	if (!zone)
		return -ENOMEM;
	zone->addr = z->addr;
	zone->size = z->size;
	zone->pio = z->pio;
	mutex_lock(&kvm->slots_lock);
	fits = zone_fits(kvm, z->pio);
	if (fits)
		list_add_tail_rcu(&zone->link, &kvm->coalesced_zones);
	mutex_unlock(&kvm->slots_lock);
	if (fits)
		return 0;
	kfree(zone);
	return -ENOSPC;
}

/* The zones that hold the one that is named. */
int kvm_coalesced_unregister(struct kvm *kvm,
			     const struct kvm_coalesced_mmio_zone *z)
{
	struct kvm_coalesced_zone *zone, *next;
	LIST_HEAD(gone);

	if (z->pio != 0 && z->pio != 1)
		return -EINVAL;
	mutex_lock(&kvm->slots_lock);
	list_for_each_entry_safe(zone, next, &kvm->coalesced_zones, link)
		if (zone->pio == z->pio && zone_holds(zone, z->addr, z->size)) {
			list_del_rcu(&zone->link);
			list_add_tail(&zone->gone, &gone);
		}
	if (!list_empty(&gone))
		kvm_synchronize(kvm);
	mutex_unlock(&kvm->slots_lock);
	list_for_each_entry_safe(zone, next, &gone, gone)
		kfree(zone);
	return 0;
}

static bool coalesced_zone(struct kvm *kvm, int bus, gpa_t addr, int len)
{
	struct kvm_coalesced_zone *zone;

	list_for_each_entry_srcu(zone, &kvm->coalesced_zones, link,
				 srcu_read_lock_held(&kvm->srcu))
		if (zone->pio == (bus == KVM_PIO_BUS) &&
		    zone_holds(zone, addr, len))
			return true;
	return false;
}

/* first is user space's to advance, last ours; both may be garbage. */
bool kvm_coalesced_write(struct kvm *kvm, int bus, gpa_t addr, int len,
			 const void *val)
{
	struct kvm_coalesced_mmio_ring *ring = kvm->coalesced_ring;
	struct kvm_coalesced_mmio *entry;
	u32 last, next;
	bool ok = false;

	if (!coalesced_zone(kvm, bus, addr, len))
		return false;
	spin_lock(&kvm->ring_lock);
	last = READ_ONCE(ring->last);
	next = (last + 1) % RING_ENTRIES;
	if (last < RING_ENTRIES && next != READ_ONCE(ring->first)) {
		entry = &ring->coalesced_mmio[array_index_nospec(last,
							RING_ENTRIES)];
		entry->phys_addr = addr;
		entry->len = len;
		memcpy(entry->data, val, len);
		entry->pio = bus == KVM_PIO_BUS;
		smp_store_release(&ring->last, next);
		ok = true;
	}
	spin_unlock(&kvm->ring_lock);
	return ok;
}

/* ------------------------------------------------------------------------
 * Ports
 */

static u32 port_mask(int size)
{
	return size == 4 ? ~0u : (1u << (size * 8)) - 1;
}

/* IN leaves the upper half of RAX alone, except that EAX clears it. */
static void port_result(struct kvm_vcpu *vcpu, int size, u32 val)
{
	unsigned long *rax = &vcpu->s.regs[VCPU_RAX];

	if (size == 4)
		*rax = val;
	else
		*rax = (*rax & ~(unsigned long)port_mask(size)) |
		       (val & port_mask(size));
}

static int complete_port_in(struct kvm_vcpu *vcpu)
{
	u32 val = 0;

	if (vcpu_was_moved(vcpu))
		return 1;
	memcpy(&val, vcpu->pio_data, vcpu->pio.size);
	trace_kvm_pio(true, vcpu->pio.port, vcpu->pio.size, 1, &val);
	port_result(vcpu, vcpu->pio.size, val);
	return vcpu_skip_insn(vcpu);
}

/*
 * Leave for user space with @count items in the data page.  On IN it fills
 * the page; what then becomes of it is vcpu->complete's matter.
 */
int kvm_io_exit(struct kvm_vcpu *vcpu, bool in, u16 port, int size, u32 count)
{
	struct kvm_run *run = vcpu->run;

	vcpu->stats.io_exits++;
	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = count;
	run->io.data_offset = KVM_PIO_PAGE_OFFSET * PAGE_SIZE;
	return 0;
}

int handle_pio(struct kvm_vcpu *vcpu, bool in, u16 port, int size)
{
	u32 val;
	int r;

	if (in) {
		if (!kvm_io_read(vcpu, KVM_PIO_BUS, port, size, &val)) {
			trace_kvm_pio(true, port, size, 1, &val);
			port_result(vcpu, size, val);
			return vcpu_skip_insn(vcpu);
		}
		vcpu->pio.port = port;
		vcpu->pio.size = size;
		vcpu_ask(vcpu, complete_port_in);
		return kvm_io_exit(vcpu, true, port, size, 1);
	}

	val = vcpu->s.regs[VCPU_RAX];
	trace_kvm_pio(false, port, size, 1, &val);
	r = kvm_io_write(vcpu, KVM_PIO_BUS, port, size, &val);
	if (r)
		memcpy(vcpu->pio_data, &val, size);
	/* OUT is done with: user space may look at RIP behind it. */
	if (!r)
		return vcpu_skip_insn(vcpu);
	r = vcpu_skip_insn(vcpu);
	if (r < 0)
		return r;
	if (unlikely(!r))
		vcpu_request(vcpu, KVM_REQ_STEPPED);
	return kvm_io_exit(vcpu, false, port, size, 1);
}
