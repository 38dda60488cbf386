// SPDX-License-Identifier: GPL-2.0
/*
 * The CMOS clock at ports 0x70 and 0x71 (Motorola MC146818A): the host's time
 * in UTC, read-only, in BCD and 24-hour form, without alarms; and the memory
 * behind it, where a PC's BIOS looks for the size of RAM.
 */
#include <time.h>

#include "launch.h"

enum {
	SECONDS = 0x00,
	MINUTES = 0x02,
	HOURS = 0x04,
	WEEKDAY = 0x06,
	DAY = 0x07,
	MONTH = 0x08,
	YEAR = 0x09,
	STATUS_A = 0x0a,
	STATUS_B = 0x0b,
	STATUS_C = 0x0c,
	STATUS_D = 0x0d,
	BASE_KIB = 0x15,		/* 2 bytes */
	EXTENDED_KIB = 0x17,		/* 2 bytes: above 1 MiB, at most 63 MiB */
	EXTENDED_KIB_COPY = 0x30,	/* 2 bytes: the same */
	CENTURY = 0x32,
	ABOVE_16M = 0x34,		/* 2 bytes, in 64 KiB: above 16 MiB, below 4 GiB */
	ABOVE_4G = 0x5b,		/* 3 bytes, in 64 KiB */
	CPUS_BUT_ONE = 0x5f,
};

#define STATUS_A_DIVIDER 0x26		/* 32.768 kHz, no update under way */
#define STATUS_B_24HOURS 0x02
#define STATUS_D_VALID	0x80

static uint8_t memory[128];
static uint8_t selected;

static uint8_t bcd(int value)
{
	return value / 10 << 4 | value % 10;
}

static void put(unsigned int at, unsigned int bytes, uint64_t value, uint64_t max)
{
	if (value > max)
		value = max;
	for (; bytes; bytes--, value >>= 8)
		memory[at++] = value;
}

static void cmos_init(struct vm *vm)
{
	uint64_t low = low_memory_end(vm);

	memory[STATUS_A] = STATUS_A_DIVIDER;
	memory[STATUS_B] = STATUS_B_24HOURS;
	memory[STATUS_D] = STATUS_D_VALID;
	put(BASE_KIB, 2, 640, 640);
	put(EXTENDED_KIB, 2, (low - MIB) / KIB, 63 * KIB);
	put(EXTENDED_KIB_COPY, 2, (low - MIB) / KIB, 63 * KIB);
	put(ABOVE_16M, 2, low > 16 * MIB ? (low - 16 * MIB) / (64 * KIB) : 0, 0xffff);
	put(ABOVE_4G, 3, (vm->memory_size - low) / (64 * KIB), 0xffffff);
	memory[CPUS_BUT_ONE] = vm->options->cpus - 1;
}

static uint8_t clock_register(uint8_t index)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	switch (index) {
	case SECONDS:
		return bcd(tm.tm_sec);
	case MINUTES:
		return bcd(tm.tm_min);
	case HOURS:
		return bcd(tm.tm_hour);
	case WEEKDAY:
		return bcd(tm.tm_wday + 1);
	case DAY:
		return bcd(tm.tm_mday);
	case MONTH:
		return bcd(tm.tm_mon + 1);
	case YEAR:
		return bcd(tm.tm_year % 100);
	case CENTURY:
		return bcd((tm.tm_year + 1900) / 100);
	default:
		return memory[index];
	}
}

static uint32_t cmos_in(struct vm *vm, uint16_t offset, unsigned int size)
{
	(void)vm, (void)size;
	return offset ? clock_register(selected) : 0xff;
}

static void cmos_out(struct vm *vm, uint16_t offset, unsigned int size, uint32_t value)
{
	(void)vm, (void)size;
	if (!offset)
		selected = value & 0x7f;	/* bit 7 masks NMIs, of which there are none */
	else if (selected != STATUS_C && selected != STATUS_D)
		memory[selected] = value;
}

DEVICE(cmos) = {
	.port = 0x70,
	.ports = 2,
	.init = cmos_init,
	.in = cmos_in,
	.out = cmos_out,
};
