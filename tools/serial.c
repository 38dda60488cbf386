// SPDX-License-Identifier: GPL-2.0
/*
 * The first serial port, a 16550A at 0x3f8 with interrupt 4 (registers as in
 * National Semiconductor's PC16550D data sheet).  Sending takes no time, so
 * the transmitter is always empty; received bytes wait in a FIFO that is as
 * deep as it needs to be, since no line speed holds our input back.
 */
#include "launch.h"

#define SERIAL_IRQ	4

enum { DATA, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };

#define IER_RECEIVED	0x01
#define IER_EMPTY	0x02
#define IIR_NONE	0x01
#define IIR_EMPTY	0x02
#define IIR_RECEIVED	0x04
#define IIR_FIFO	0xc0
#define FCR_ENABLE	0x01
#define FCR_CLEAR_INPUT	0x02
#define LCR_DLAB	0x80
#define MCR_LOOP	0x10
#define LSR_RECEIVED	0x01
#define LSR_IDLE	0x60		/* holding register and shifter empty */
#define MSR_CONNECTED	0xb0		/* carrier, data set ready, clear to send */

static struct {
	uint8_t ier, lcr, mcr, scr, fcr;
	uint8_t divisor[2];
	bool empty_pending;		/* "transmitter empty" not yet read from IIR */
	bool line;			/* level of the interrupt line */
	uint8_t input[256];
	unsigned int head, tail;	/* free-running; input holds tail - head bytes */
} serial;

static bool input_pending(void)
{
	return serial.head != serial.tail;
}

/* What IIR says now, by falling priority. */
static uint8_t interrupt_cause(void)
{
	if ((serial.ier & IER_RECEIVED) && input_pending())
		return IIR_RECEIVED;
	if ((serial.ier & IER_EMPTY) && serial.empty_pending)
		return IIR_EMPTY;
	return IIR_NONE;
}

static void update_line(struct vm *vm)
{
	bool level = interrupt_cause() != IIR_NONE;

	if (level != serial.line) {
		serial.line = level;
		vm_irq_line(vm, SERIAL_IRQ, level);
	}
}

static bool receive(uint8_t byte)
{
	if (serial.tail - serial.head == sizeof(serial.input))
		return false;
	serial.input[serial.tail++ % sizeof(serial.input)] = byte;
	return true;
}

/* Called by the terminal for each byte typed; false: no room yet. */
static bool serial_input(struct vm *vm, uint8_t byte)
{
	bool taken;

	if (!devices_lock())
		return false;
	taken = receive(byte);
	update_line(vm);
	devices_unlock();
	return taken;
}

static void serial_init(struct vm *vm)
{
	terminal_start(vm, serial_input);
}

static void send(struct vm *vm, uint8_t byte)
{
	/* The transmitter is not empty for a moment: an edge for who waits for one. */
	serial.empty_pending = false;
	update_line(vm);
	if (serial.mcr & MCR_LOOP)
		receive(byte);
	else
		terminal_put(byte);
	serial.empty_pending = true;
}

/* In loop-back the modem outputs come back as the modem inputs. */
static uint8_t modem_status(void)
{
	uint8_t mcr = serial.mcr;

	if (!(mcr & MCR_LOOP))
		return MSR_CONNECTED;
	return (mcr & 0x0c) << 4 | (mcr & 0x01) << 5 | (mcr & 0x02) << 3;
}

static uint8_t read_cause(void)
{
	uint8_t cause = interrupt_cause();

	if (cause == IIR_EMPTY)
		serial.empty_pending = false;
	return cause | (serial.fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static uint32_t serial_in(struct vm *vm, uint16_t offset, unsigned int size)
{
	bool dlab = serial.lcr & LCR_DLAB;
	uint8_t value = 0;

	(void)size;
	switch (offset) {
	case DATA:
		if (dlab)
			value = serial.divisor[0];
		else if (input_pending())
			value = serial.input[serial.head++ % sizeof(serial.input)];
		break;
	case IER:
		value = dlab ? serial.divisor[1] : serial.ier;
		break;
	case IIR_FCR:
		value = read_cause();
		break;
	case LCR:
		value = serial.lcr;
		break;
	case MCR:
		value = serial.mcr;
		break;
	case LSR:
		value = LSR_IDLE | (input_pending() ? LSR_RECEIVED : 0);
		break;
	case MSR:
		value = modem_status();
		break;
	case SCR:
		value = serial.scr;
		break;
	}
	update_line(vm);
	return value;
}

static void serial_out(struct vm *vm, uint16_t offset, unsigned int size, uint32_t value)
{
	bool dlab = serial.lcr & LCR_DLAB;

	(void)size;
	switch (offset) {
	case DATA:
		if (dlab)
			serial.divisor[0] = value;
		else
			send(vm, value);
		break;
	case IER:
		if (dlab) {
			serial.divisor[1] = value;
			break;
		}
		/* Switching it on with an empty transmitter raises it at once. */
		if (~serial.ier & value & IER_EMPTY)
			serial.empty_pending = true;
		serial.ier = value & 0x0f;
		break;
	case IIR_FCR:
		serial.fcr = value;
		if (value & FCR_CLEAR_INPUT)
			serial.head = serial.tail;
		break;
	case LCR:
		serial.lcr = value;
		break;
	case MCR:
		serial.mcr = value & 0x1f;
		break;
	case SCR:
		serial.scr = value;
		break;
	}
	update_line(vm);
}

DEVICE(serial_device) = {
	.port = 0x3f8,
	.ports = 8,
	.init = serial_init,
	.in = serial_in,
	.out = serial_out,
};
