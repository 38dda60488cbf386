// SPDX-License-Identifier: GPL-2.0
/*
 * Files for the BIOS, at ports 0x510 and 0x511, as QEMU offers them: a number
 * written to the first selects an item, the second reads it byte by byte, with
 * zeros behind its end.  With --floppy SeaBIOS takes from it the disk to boot
 * from, and that the serial port is its screen and keyboard.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch.h"

#define SIGNATURE	0x00
#define INTERFACE	0x01
#define DIRECTORY	0x19
#define FIRST_FILE	0x20
#define NAME_SIZE	56

struct item {
	const char *name;		/* of a file */
	const uint8_t *data;
	uint32_t size;
};

static const uint8_t interface[4] = { 1 };	/* ports, no DMA */
static const uint8_t serial_port[8] = { 0xf8, 0x03 };

/* Ordered by name, as SeaBIOS looks for prefixes in the order it finds. */
static struct item files[] = {
	{ "etc/sercon-port", serial_port, sizeof(serial_port) },
	{ "floppyimg/disk", NULL, 0 },
};

static uint8_t directory[4 + ARRAY_SIZE(files) * (8 + NAME_SIZE)];
static uint16_t selected;
static uint32_t next;

static void put_be(uint8_t *to, uint32_t value, unsigned int bytes)
{
	while (bytes--) {
		to[bytes] = value;
		value >>= 8;
	}
}

/* What a 1.44M drive takes; the image may be shorter. */
static void load_floppy(const char *path)
{
	struct image image = image_read(path);
	uint8_t *disk;

	if (image.size > FLOPPY_SIZE)
		die(STATUS_USAGE, "%s: a floppy disk has at most %d bytes", path, FLOPPY_SIZE);
	disk = calloc(1, FLOPPY_SIZE);
	if (!disk)
		die(STATUS_HOST, "no memory for a floppy disk");
	memcpy(disk, image.data, image.size);
	files[ARRAY_SIZE(files) - 1].data = disk;
	files[ARRAY_SIZE(files) - 1].size = FLOPPY_SIZE;
}

static void fwcfg_init(struct vm *vm)
{
	uint8_t *entry = directory + 4;
	unsigned int i;

	if (!vm->options->floppy)
		return;
	load_floppy(vm->options->floppy);
	put_be(directory, ARRAY_SIZE(files), 4);
	for (i = 0; i < ARRAY_SIZE(files); i++, entry += 8 + NAME_SIZE) {
		put_be(entry, files[i].size, 4);
		put_be(entry + 4, FIRST_FILE + i, 2);
		snprintf((char *)entry + 8, NAME_SIZE, "%s", files[i].name);
	}
}

static struct item find_item(void)
{
	unsigned int file = selected - FIRST_FILE;

	switch (selected) {
	case SIGNATURE:
		return (struct item){ .data = (const uint8_t *)"QEMU", .size = 4 };
	case INTERFACE:
		return (struct item){ .data = interface, .size = sizeof(interface) };
	case DIRECTORY:
		return (struct item){ .data = directory, .size = sizeof(directory) };
	}
	return file < ARRAY_SIZE(files) ? files[file] : (struct item){};
}

static uint32_t fwcfg_in(struct vm *vm, uint16_t offset, unsigned int size)
{
	struct item item = find_item();

	if (!vm->options->floppy || offset != 1 || size != 1)
		return 0xffffffff;
	return next < item.size ? item.data[next++] : 0;
}

static void fwcfg_out(struct vm *vm, uint16_t offset, unsigned int size, uint32_t value)
{
	(void)vm;
	if (offset || size != 2)
		return;
	selected = value;
	next = 0;
}

DEVICE(fwcfg) = {
	.port = 0x510,
	.ports = 2,
	.init = fwcfg_init,
	.in = fwcfg_in,
	.out = fwcfg_out,
};
