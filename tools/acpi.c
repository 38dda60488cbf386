// SPDX-License-Identifier: GPL-2.0
/*
 * The least of ACPI (specification 6.4) that lets an operating system find its
 * processors and interrupt controllers and switch the machine off: RSDP, RSDT,
 * FADT, FACS, MADT, and a DSDT with \_S5 alone.  The power-management block at
 * port 0x600 is always in ACPI mode, and of its sleep states knows S5.
 */
#include <string.h>

#include "launch.h"

#define PM1_EVENT	0x600		/* status and enable, 2 bytes each */
#define PM1_CONTROL	0x604
#define PM1_PORTS	6
#define SCI_IRQ		9

#define CONTROL_SCI_ENABLE (1 << 0)
#define CONTROL_SLEEP_TYPE(value) ((value) >> 10 & 7)
#define CONTROL_SLEEP	(1 << 13)
#define SLEEP_TYPE_OFF	5

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
} __attribute__((packed));

struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], table[8];
	uint32_t oem_revision;
	char creator[4];
	uint32_t creator_revision;
} __attribute__((packed));

struct fadt {
	struct header header;
	uint32_t facs, dsdt;
	uint8_t reserved1, profile;
	uint16_t sci_irq;
	uint32_t smi_command;
	uint8_t acpi_enable, acpi_disable, s4bios, pstate;
	uint32_t pm1a_event, pm1b_event, pm1a_control, pm1b_control;
	uint32_t pm2_control, pm_timer, gpe0, gpe1;
	uint8_t pm1_event_length, pm1_control_length;
	uint8_t rest1[19];
	uint16_t boot_flags;		/* none set: no 8042, no VGA promised */
	uint8_t reserved2;
	uint32_t flags;
	uint8_t rest2[128];		/* zero: use the 32-bit addresses above */
} __attribute__((packed));
_Static_assert(sizeof(struct fadt) == 244, "FADT of revision 3");

#define FADT_WBINVD	(1 << 0)
#define FADT_NO_POWER_BUTTON (1 << 4)
#define FADT_NO_SLEEP_BUTTON (1 << 5)

struct facs {
	char signature[4];
	uint32_t length;
	uint8_t rest[56];
} __attribute__((packed));

struct madt {
	struct header header;
	uint32_t lapic, flags;
} __attribute__((packed));

struct madt_lapic {
	uint8_t type, length, processor, apic;
	uint32_t flags;
} __attribute__((packed));

struct madt_ioapic {
	uint8_t type, length, id, reserved;
	uint32_t address, gsi_base;
} __attribute__((packed));

struct madt_override {
	uint8_t type, length, bus, irq;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));

struct madt_nmi {
	uint8_t type, length, processor;
	uint16_t flags;
	uint8_t lint;
} __attribute__((packed));

#define MADT_PCAT	1		/* there is an 8259 pair */
#define ACTIVE_HIGH_LEVEL 0xd

/* Name (\_S5, Package () { 5, 5, 0, 0 }) */
static const uint8_t dsdt_code[] = {
	0x08, '_', 'S', '5', '_', 0x12, 0x08, 0x04,
	0x0a, SLEEP_TYPE_OFF, 0x0a, SLEEP_TYPE_OFF, 0x00, 0x00,
};

static uint8_t checksum(const void *data, size_t size)
{
	const uint8_t *byte = data;
	uint8_t sum = 0;

	while (size--)
		sum -= *byte++;
	return sum;
}

/* Where the next table goes; all of them fit the area with room to spare. */
static uint8_t *area;
static uint32_t used;

static void *append(const void *data, size_t size)
{
	void *place = area + used;

	memcpy(place, data, size);
	used += size;
	return place;
}

static uint32_t begin(const char *signature, uint8_t revision)
{
	struct header header = {
		.revision = revision,
		.oem = "KVM   ",
		.table = "LAUNCH ",
		.creator = "KVM ",
	};
	uint32_t start;

	used = (used + 63) & ~63u;
	start = used;
	memcpy(header.signature, signature, 4);
	append(&header, sizeof(header));
	return start;
}

/* Closes the table that begins at offset @start; returns its address. */
static uint32_t finish(uint32_t start)
{
	struct header *header = (void *)(area + start);

	header->length = used - start;
	header->checksum = checksum(header, header->length);
	return ACPI_TABLES + start;
}

static uint32_t write_madt(struct vm *vm)
{
	const struct madt_ioapic ioapic = {
		.type = 1, .length = sizeof(ioapic), .id = vm->options->cpus,
		.address = IOAPIC_ADDRESS,
	};
	const struct madt_override timer = {
		.type = 2, .length = sizeof(timer), .irq = 0, .gsi = 2,
	};
	const struct madt_override sci = {
		.type = 2, .length = sizeof(sci), .irq = SCI_IRQ, .gsi = SCI_IRQ,
		.flags = ACTIVE_HIGH_LEVEL,
	};
	const struct madt_nmi nmi = {
		.type = 4, .length = sizeof(nmi), .processor = 0xff, .lint = 1,
	};
	const uint32_t body[2] = { LAPIC_ADDRESS, MADT_PCAT };
	uint32_t start = begin("APIC", 3);
	unsigned int i;

	append(body, sizeof(body));
	for (i = 0; i < vm->options->cpus; i++) {
		struct madt_lapic lapic = {
			.length = sizeof(lapic), .processor = i, .apic = i, .flags = 1,
		};

		append(&lapic, sizeof(lapic));
	}
	append(&ioapic, sizeof(ioapic));
	append(&timer, sizeof(timer));
	append(&sci, sizeof(sci));
	append(&nmi, sizeof(nmi));
	return finish(start);
}

static uint32_t write_fadt(void)
{
	const struct facs facs = { .signature = "FACS", .length = sizeof(facs) };
	struct fadt fadt = {
		.sci_irq = SCI_IRQ,
		.pm1a_event = PM1_EVENT,
		.pm1a_control = PM1_CONTROL,
		.pm1_event_length = 4,
		.pm1_control_length = 2,
		.flags = FADT_WBINVD | FADT_NO_POWER_BUTTON | FADT_NO_SLEEP_BUTTON,
	};
	uint32_t start;

	used = (used + 63) & ~63u;
	fadt.facs = ACPI_TABLES + used;
	append(&facs, sizeof(facs));
	start = begin("DSDT", 2);
	append(dsdt_code, sizeof(dsdt_code));
	fadt.dsdt = finish(start);
	start = begin("FACP", 3);
	append((uint8_t *)&fadt + sizeof(fadt.header), sizeof(fadt) - sizeof(fadt.header));
	return finish(start);
}

/* Writes all tables at ACPI_TABLES; returns the address of the RSDP. */
uint64_t acpi_write_tables(struct vm *vm)
{
	struct rsdp rsdp = { .oem = "KVM   " };
	uint32_t tables[2], start;

	area = guest_memory(vm, ACPI_TABLES, HIGH_RAM - ACPI_TABLES);
	used = sizeof(rsdp);
	tables[0] = write_fadt();
	tables[1] = write_madt(vm);
	start = begin("RSDT", 1);
	append(tables, sizeof(tables));
	rsdp.rsdt = finish(start);
	memcpy(rsdp.signature, "RSD PTR ", sizeof(rsdp.signature));
	rsdp.checksum = checksum(&rsdp, sizeof(rsdp));
	memcpy(area, &rsdp, sizeof(rsdp));
	return ACPI_TABLES;
}

static uint16_t event_enable;

static uint32_t pm_in(struct vm *vm, uint16_t offset, unsigned int size)
{
	(void)vm, (void)size;
	switch (PM1_EVENT + offset) {
	case PM1_EVENT + 2:
		return event_enable;
	case PM1_CONTROL:
		return CONTROL_SCI_ENABLE;
	default:
		return 0;
	}
}

static void pm_out(struct vm *vm, uint16_t offset, unsigned int size, uint32_t value)
{
	(void)size;
	switch (PM1_EVENT + offset) {
	case PM1_EVENT + 2:
		event_enable = value;
		break;
	case PM1_CONTROL:
		if ((value & CONTROL_SLEEP) && CONTROL_SLEEP_TYPE(value) == SLEEP_TYPE_OFF)
			vm_end(vm, STATUS_POWER_OFF);
		break;
	}
}

DEVICE(power) = {
	.port = PM1_EVENT,
	.ports = PM1_PORTS,
	.in = pm_in,
	.out = pm_out,
};
