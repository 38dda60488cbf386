// SPDX-License-Identifier: GPL-2.0
/*
 * pic.c - the pair of 8259A interrupt controllers, with the edge/level control
 * registers (ELCR) of the PIIX.
 *
 * Owns: struct kvm_pic, whose state is the ABI's (struct kvm_pic_state), and
 * the INTR line, kvm->pic_intr.  Trusts: nothing; states come from user space
 * as they please, so every index taken from one is masked.
 *
 * Lock: pic->lock, raw, interrupts off.  Ack notifiers and wake-ups are what
 * struct pic_todo collects: they happen after the lock is dropped.
 *
 * Manuals: Intel 8259A data sheet; 82371SB (PIIX3), "ELCR".  As the API asks,
 * an edge stays requested when its line falls again before the acknowledge
 * (on the chip this would be a spurious IRQ7).  Read next: routing.c.
 */
#include <linux/bitops.h>
#include <linux/slab.h>
#include "io.h"
#include "irqchip.h"
#include "lapic.h"

#define PIC_CASCADE		2	/* the slave's INT enters here */
#define PIC_SPURIOUS		7

enum { MASTER, SLAVE, NR_PICS };

/* First command word. */
#define ICW1_SELECT		0x10
#define ICW1_SINGLE		0x02
#define ICW1_IC4		0x01
#define ICW4_AUTO_EOI		0x02
#define ICW4_SFNM		0x10
#define OCW3_SELECT		0x08
#define OCW3_POLL		0x04
#define OCW3_READ		0x02
#define OCW3_READ_ISR		0x01
#define OCW3_SMM_ENABLE		0x40
#define OCW3_SMM		0x20

struct kvm_pic {
	raw_spinlock_t lock;
	struct kvm *kvm;
	struct kvm_pic_state s[NR_PICS];
	bool single[NR_PICS];		/* ICW1: no ICW3 follows */
	u8 sources[16];			/* bit per IRQ_SOURCE_* */
	struct kvm_io_device dev;
};

struct pic_todo {
	u16 acked, unmasked;		/* pins 0..15 */
	bool raise;			/* INTR went up */
};

static_assert(sizeof(struct kvm_pic_state) == 16);
static_assert(IRQ_NR_SOURCES <= 8);

/* ------------------------------------------------------------------------
 * Priority
 */

/* Rank of the first of @irqs, 0 = highest priority; 8: none. */
static unsigned int pic_rank(const struct kvm_pic_state *s, u8 irqs)
{
	return irqs ? __ffs(ror8(irqs, s->priority_add & 7)) : 8;
}

static unsigned int pic_by_rank(const struct kvm_pic_state *s,
				unsigned int rank)
{
	return (rank + s->priority_add) & 7;
}

/* The request that this chip signals now, or -1. */
static int pic_request(const struct kvm_pic *pic, int chip)
{
	const struct kvm_pic_state *s = &pic->s[chip];
	unsigned int rank = pic_rank(s, s->irr & ~s->imr);
	u8 in_service = s->isr;
	unsigned int irq, limit;

	if (rank == 8)
		return -1;
	irq = pic_by_rank(s, rank);
	/* In special mask mode a masked level in service holds up no other. */
	if (s->special_mask)
		in_service &= ~s->imr;
	limit = pic_rank(s, in_service);
	/* Fully nested for the slave's sake: IRQ2 may interrupt itself. */
	if (chip == MASTER && s->special_fully_nested_mode &&
	    irq == PIC_CASCADE && rank == limit)
		return irq;
	return rank < limit ? irq : -1;
}

/* Recompute the cascade and INTR after any change of state. */
static void pic_update(struct kvm_pic *pic, struct pic_todo *todo)
{
	bool intr;

	if (pic_request(pic, SLAVE) >= 0)
		pic->s[MASTER].irr |= BIT(PIC_CASCADE);
	intr = pic_request(pic, MASTER) >= 0;
	if (intr && !pic->kvm->pic_intr)
		todo->raise = true;
	WRITE_ONCE(pic->kvm->pic_intr, intr);
}

/* What could not be done under the lock. */
static void pic_finish(struct kvm *kvm, const struct pic_todo *todo)
{
	unsigned long acked = todo->acked, unmasked = todo->unmasked;
	unsigned int pin;

	for_each_set_bit(pin, &unmasked, 16)
		irq_notify_unmask(kvm, pin >> 3, pin & 7);
	for_each_set_bit(pin, &acked, 16)
		irq_notify_ack(kvm, pin >> 3, pin & 7);
	if (todo->raise)
		lapic_lint0_raise(kvm);
}

static void todo_acked(struct pic_todo *todo, int chip, u8 irqs)
{
	todo->acked |= irqs << (chip * 8);
}

/* ------------------------------------------------------------------------
 * Lines and acknowledge
 */

/* 1: new request, 0: it was pending already, -1: masked. */
static int pic_set_line(struct kvm_pic_state *s, u8 bit, bool level)
{
	int r = 1;

	if (s->elcr & bit) {
		if (level) {
			r = !(s->irr & bit);
			s->irr |= bit;
			s->last_irr |= bit;
		} else {
			s->irr &= ~bit;
			s->last_irr &= ~bit;
		}
	} else if (level) {
		if (!(s->last_irr & bit)) {
			r = !(s->irr & bit);
			s->irr |= bit;
		}
		s->last_irr |= bit;
	} else {
		s->last_irr &= ~bit;
	}
	return s->imr & bit ? -1 : r;
}

int pic_set_irq(struct kvm *kvm, int source, unsigned int pin, int level)
{
	struct kvm_pic *pic = kvm->pic;
	struct pic_todo todo = {};
	unsigned long flags;
	int r;

	pin &= 15;
	raw_spin_lock_irqsave(&pic->lock, flags);
	if (level)
		pic->sources[pin] |= BIT(source);
	else
		pic->sources[pin] &= ~BIT(source);
	r = pic_set_line(&pic->s[pin >> 3], BIT(pin & 7), pic->sources[pin]);
	pic_update(pic, &todo);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	pic_finish(pic->kvm, &todo);
	return r;
}

/* One chip's part in an INTA cycle: request -> in service. */
static void pic_intack(struct kvm_pic *pic, int chip, int irq,
		       struct pic_todo *todo)
{
	struct kvm_pic_state *s = &pic->s[chip];
	u8 bit = BIT(irq);

	if (!(s->elcr & bit))
		s->irr &= ~bit;
	if (s->auto_eoi) {
		if (s->rotate_on_auto_eoi)
			s->priority_add = (irq + 1) & 7;
		todo_acked(todo, chip, bit);
	} else {
		s->isr |= bit;
	}
}

/*
 * The vector of an INTA cycle.  A chip whose request has gone answers with
 * its IRQ7, which then is not in service.
 */
static int pic_inta(struct kvm_pic *pic, struct pic_todo *todo, bool ack)
{
	int chip = MASTER, irq = pic_request(pic, MASTER);

	if (irq >= 0 && ack)
		pic_intack(pic, MASTER, irq, todo);
	if (irq == PIC_CASCADE) {
		chip = SLAVE;
		irq = pic_request(pic, SLAVE);
		if (irq >= 0 && ack)
			pic_intack(pic, SLAVE, irq, todo);
	}
	return pic->s[chip].irq_base + (irq < 0 ? PIC_SPURIOUS : irq);
}

int pic_peek_irq(struct kvm *kvm)
{
	struct kvm_pic *pic = kvm->pic;
	unsigned long flags;
	int vector;

	raw_spin_lock_irqsave(&pic->lock, flags);
	vector = pic_inta(pic, NULL, false) & 0xff;
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	return vector;
}

int pic_read_irq(struct kvm *kvm)
{
	struct kvm_pic *pic = kvm->pic;
	struct pic_todo todo = {};
	unsigned long flags;
	int vector;

	raw_spin_lock_irqsave(&pic->lock, flags);
	vector = pic_inta(pic, &todo, true) & 0xff;
	/* INTR falls in the cycle: what is requested after it is an edge. */
	WRITE_ONCE(kvm->pic_intr, false);
	pic_update(pic, &todo);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	pic_finish(pic->kvm, &todo);
	return vector;
}

/* ------------------------------------------------------------------------
 * Command words
 */

static void pic_icw1(struct kvm_pic *pic, int chip, u8 val,
		     struct pic_todo *todo)
{
	struct kvm_pic_state *s = &pic->s[chip];

	/* Whoever waits for an acknowledge would wait for ever. */
	todo_acked(todo, chip, s->isr | (s->irr & ~s->elcr));
	/* The edge sense is cleared: a line that is up must fall first. */
	s->irr &= s->elcr;
	s->imr = 0;
	s->isr = 0;
	s->priority_add = 0;
	s->special_mask = 0;
	s->read_reg_select = 0;
	s->poll = 0;
	s->init4 = val & ICW1_IC4;
	if (!s->init4) {
		s->special_fully_nested_mode = 0;
		s->auto_eoi = 0;
	}
	s->rotate_on_auto_eoi = 0;
	pic->single[chip] = val & ICW1_SINGLE;
	s->init_state = 1;
}

/* OCW2: bits 7..5 rotate, specific, EOI; bits 2..0 the level. */
static void pic_ocw2(struct kvm_pic *pic, int chip, u8 val,
		     struct pic_todo *todo)
{
	struct kvm_pic_state *s = &pic->s[chip];
	bool rotate = val & 0x80, specific = val & 0x40, end = val & 0x20;
	u8 served = s->isr;
	unsigned int irq = val & 7;

	if (!end) {
		if (specific && rotate)		/* set priority: lowest is irq */
			s->priority_add = (irq + 1) & 7;
		else if (!specific)
			s->rotate_on_auto_eoi = rotate;
		return;
	}
	if (!specific) {
		if (s->special_mask)
			served &= ~s->imr;
		if (!served)
			return;
		irq = pic_by_rank(s, pic_rank(s, served));
	}
	if (rotate)
		s->priority_add = (irq + 1) & 7;
	todo_acked(todo, chip, s->isr & BIT(irq));
	s->isr &= ~BIT(irq);
}

static void pic_ocw3(struct kvm_pic_state *s, u8 val)
{
	if (val & OCW3_POLL)
		s->poll = 1;
	if (val & OCW3_READ)
		s->read_reg_select = val & OCW3_READ_ISR;
	if (val & OCW3_SMM_ENABLE)
		s->special_mask = !!(val & OCW3_SMM);
}

/* The odd port: OCW1, or what is left of an initialization. */
static void pic_write_data(struct kvm_pic *pic, int chip, u8 val,
			   struct pic_todo *todo)
{
	struct kvm_pic_state *s = &pic->s[chip];

	switch (s->init_state) {
	case 1:						/* ICW2 */
		s->irq_base = val & 0xf8;
		if (!pic->single[chip])
			s->init_state = 2;
		else
			s->init_state = s->init4 ? 3 : 0;
		break;
	case 2:						/* ICW3: as wired */
		s->init_state = s->init4 ? 3 : 0;
		break;
	case 3:						/* ICW4 */
		s->special_fully_nested_mode = !!(val & ICW4_SFNM);
		s->auto_eoi = !!(val & ICW4_AUTO_EOI);
		s->init_state = 0;
		break;
	default:					/* OCW1 */
		todo->unmasked |= (s->imr & ~val) << (chip * 8);
		s->imr = val;
		break;
	}
}

static void pic_write(struct kvm_pic *pic, int chip, bool odd, u8 val,
		      struct pic_todo *todo)
{
	if (odd)
		pic_write_data(pic, chip, val, todo);
	else if (val & ICW1_SELECT)
		pic_icw1(pic, chip, val, todo);
	else if (val & OCW3_SELECT)
		pic_ocw3(&pic->s[chip], val);
	else
		pic_ocw2(pic, chip, val, todo);
}

/* A poll is an INTA cycle by software; bit 7: there was a request. */
static u8 pic_poll(struct kvm_pic *pic, int chip, struct pic_todo *todo)
{
	int irq = pic_request(pic, chip);

	pic->s[chip].poll = 0;
	if (irq < 0)
		return 0;
	pic_intack(pic, chip, irq, todo);
	/* The slave's INT fell; pic_update() sees if another follows. */
	if (chip == SLAVE)
		pic->s[MASTER].irr &= ~BIT(PIC_CASCADE);
	return 0x80 | irq;
}

static u8 pic_read(struct kvm_pic *pic, int chip, bool odd,
		   struct pic_todo *todo)
{
	const struct kvm_pic_state *s = &pic->s[chip];

	if (s->poll)
		return pic_poll(pic, chip, todo);
	if (odd)
		return s->imr;
	return s->read_reg_select ? s->isr : s->irr;
}

/* ------------------------------------------------------------------------
 * Ports 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1.  Wider accesses are split into
 * bytes, as on the ISA bus.
 */

static u8 pic_port_read(struct kvm_pic *pic, gpa_t port, struct pic_todo *todo)
{
	if (port >= 0x4d0)
		return pic->s[port & 1].elcr;
	return pic_read(pic, port >= 0xa0 ? SLAVE : MASTER, port & 1, todo);
}

static void pic_port_write(struct kvm_pic *pic, gpa_t port, u8 val,
			   struct pic_todo *todo)
{
	struct kvm_pic_state *s;

	if (port >= 0x4d0) {
		s = &pic->s[port & 1];
		s->elcr = val & s->elcr_mask;
		/* A level input has no memory of edges. */
		s->irr = (s->irr & ~s->elcr) | (s->last_irr & s->elcr);
	} else {
		pic_write(pic, port >= 0xa0 ? SLAVE : MASTER, port & 1, val,
			  todo);
	}
}

static int pic_ioread(struct kvm_vcpu *vcpu, struct kvm_io_device *dev,
		      gpa_t addr, int len, void *val)
{
	struct kvm_pic *pic = container_of(dev, struct kvm_pic, dev);
	struct pic_todo todo = {};
	unsigned long flags;
	u8 *p = val;
	int i;

	raw_spin_lock_irqsave(&pic->lock, flags);
	for (i = 0; i < len; i++)
		p[i] = pic_port_read(pic, addr + i, &todo);
	pic_update(pic, &todo);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	pic_finish(pic->kvm, &todo);
	return 0;
}

static int pic_iowrite(struct kvm_vcpu *vcpu, struct kvm_io_device *dev,
		       gpa_t addr, int len, const void *val)
{
	struct kvm_pic *pic = container_of(dev, struct kvm_pic, dev);
	struct pic_todo todo = {};
	unsigned long flags;
	const u8 *p = val;
	int i;

	raw_spin_lock_irqsave(&pic->lock, flags);
	for (i = 0; i < len; i++)
		pic_port_write(pic, addr + i, p[i], &todo);
	pic_update(pic, &todo);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	pic_finish(pic->kvm, &todo);
	return 0;
}

static void pic_free(struct kvm_io_device *dev)
{
	kfree(container_of(dev, struct kvm_pic, dev));
}

static const struct kvm_io_ops pic_io_ops = {
	.read = pic_ioread,
	.write = pic_iowrite,
	.free = pic_free,
};

/* ------------------------------------------------------------------------
 * State and life
 */

void pic_get_state(struct kvm *kvm, unsigned int chip, struct kvm_pic_state *s)
{
	struct kvm_pic *pic = kvm->pic;
	unsigned long flags;

	raw_spin_lock_irqsave(&pic->lock, flags);
	*s = pic->s[chip & 1];
	raw_spin_unlock_irqrestore(&pic->lock, flags);
}

void pic_set_state(struct kvm *kvm, unsigned int chip,
		   const struct kvm_pic_state *s)
{
	struct kvm_pic *pic = kvm->pic;
	struct pic_todo todo = {};
	unsigned long flags;

	raw_spin_lock_irqsave(&pic->lock, flags);
	pic->s[chip & 1] = *s;
	pic_update(pic, &todo);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	pic_finish(pic->kvm, &todo);
}

int pic_create(struct kvm *kvm)
{
	static const u16 ports[] = { 0x20, 0xa0, 0x4d0 };
	struct kvm_pic *pic = kzalloc(sizeof(*pic), GFP_KERNEL_ACCOUNT);
	int i, r;

	if (!pic)
		return -ENOMEM;
	raw_spin_lock_init(&pic->lock);
	pic->kvm = kvm;
	pic->dev.ops = &pic_io_ops;
	/* IRQ 0, 1, 2, 8 and 13 are edges: system timer, keyboard, ... */
	pic->s[MASTER].elcr_mask = 0xf8;
	pic->s[SLAVE].elcr_mask = 0xde;
	kvm->pic = pic;
	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		r = kvm_io_register(kvm, KVM_PIO_BUS, ports[i], 2, &pic->dev);
		if (r)
			goto fail;
	}
	return 0;

fail:
	kvm->pic = NULL;
	if (i)
		kvm_io_unregister(kvm, KVM_PIO_BUS, &pic->dev);
	else
		kfree(pic);
	return r;
}

void pic_destroy(struct kvm *kvm)
{
	struct kvm_pic *pic = kvm->pic;

	kvm->pic = NULL;
	kvm_io_unregister(kvm, KVM_PIO_BUS, &pic->dev);
}
