// SPDX-License-Identifier: GPL-2.0
/*
 * The interrupt controllers and timers of a PC, as far as tests need them:
 * local APIC, 8259 pair, 8254.
 */
#include "bare.h"

#define PIC1		0x20
#define PIC2		0xa0
#define ICW1_INIT	0x11		/* cascaded, edge, ICW4 follows */
#define ICW4_8086	0x01
#define OCW2_SPECIFIC_EOI 0x60
#define PIT_CHANNEL0	0x40
#define PIT_CONTROL	0x43
#define PIT_RATE	0x34		/* channel 0, both bytes, mode 2 */
#define SPURIOUS_ENABLE	0x100

u32 apic_read(u32 reg)
{
	return *(volatile u32 *)(APIC_DEFAULT + reg);
}

void apic_write(u32 reg, u32 value)
{
	*(volatile u32 *)(APIC_DEFAULT + reg) = value;
}

void apic_setup(void)
{
	pic_setup(0x20, 0);
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BIT(11));
	apic_write(APIC_SPURIOUS, SPURIOUS_ENABLE | 0xff);
	apic_write(APIC_TPR, 0);
}

void pic_setup(u8 base, u16 unmasked)
{
	outb(PIC1, ICW1_INIT);
	outb(PIC1 + 1, base);
	outb(PIC1 + 1, 1 << 2);		/* the second one is at input 2 */
	outb(PIC1 + 1, ICW4_8086);
	outb(PIC2, ICW1_INIT);
	outb(PIC2 + 1, base + 8);
	outb(PIC2 + 1, 2);
	outb(PIC2 + 1, ICW4_8086);
	if (unmasked >> 8)
		unmasked |= 1 << 2;
	outb(PIC1 + 1, ~unmasked);
	outb(PIC2 + 1, ~unmasked >> 8);
}

void pic_eoi(unsigned int irq)
{
	if (irq >= 8) {
		outb(PIC2, OCW2_SPECIFIC_EOI | (irq - 8));
		irq = 2;
	}
	outb(PIC1, OCW2_SPECIFIC_EOI | irq);
}

void pit_setup(u16 ticks)
{
	outb(PIT_CONTROL, PIT_RATE);
	outb(PIT_CHANNEL0, ticks);
	outb(PIT_CHANNEL0, ticks >> 8);
}
