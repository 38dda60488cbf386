// SPDX-License-Identifier: GPL-2.0
/*
 * count.so - a plugin for QEMU's TCG that counts how often each instruction of
 * the emulated host is executed while a guest of its KVM module does what is
 * to be measured.  `profile` makes a table by function of it.
 *
 * Host and guest run on the same emulated processor.  The host executes VMRUN
 * and goes on behind it at #VMEXIT, so what is translated in between belongs
 * to the guest; of that only the sum is kept.  The guest marks beginning and
 * end by a no-operation, 0f 1f 80 and one of two displacements (marker.h).
 *
 * Arguments: out=FILE; boot: begin at the first VMRUN, without a mark.
 * FILE then has lines "WHAT COUNT": entries, guest, or a host address.
 *
 * The declarations stand for a header that Debian does not package; they are
 * as in QEMU's manual, "QEMU TCG Plugins", API version 1.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "marker.h"

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { QEMU_PLUGIN_CB_NO_REGS = 0 };
enum { QEMU_PLUGIN_INLINE_ADD_U64 = 0 };
typedef void (*exec_callback)(unsigned int cpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
					   void (*callback)(uint64_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_callback callback,
					    int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op,
						void *counter, uint64_t add);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*callback)(uint64_t id, void *data),
				    void *data);

EXPORT int qemu_plugin_version = 1;

static const uint8_t vmrun[] = { 0x0f, 0x01, 0xd8 };

/* An instruction of the host; they never move, as translations point to them. */
struct counter {
	struct counter *next;
	uint64_t address;
	uint64_t count;
};

#define BUCKETS (1 << 16)
static struct counter *table[BUCKETS];
static uint64_t guest_instructions, entries;
static uint64_t behind_vmrun;		/* where the host goes on */
static bool in_guest, begun, done, from_boot;
static const char *out_path;

static uint64_t *counter_of(uint64_t address)
{
	struct counter **bucket = &table[(address ^ address >> 16) % BUCKETS], *c;

	for (c = *bucket; c; c = c->next)
		if (c->address == address)
			return &c->count;
	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	c->address = address;
	c->next = *bucket;
	*bucket = c;
	return &c->count;
}

static void begin(void)
{
	struct counter *c;
	size_t i;

	begun = true;
	guest_instructions = entries = 0;
	for (i = 0; i < BUCKETS; i++)
		for (c = table[i]; c; c = c->next)
			c->count = 0;
}

static void end(void)
{
	FILE *out = fopen(out_path, "w");
	struct counter *c;
	size_t i;

	done = true;
	if (!out) {
		perror(out_path);
		return;
	}
	fprintf(out, "entries %" PRIu64 "\nguest %" PRIu64 "\n", entries, guest_instructions);
	for (i = 0; i < BUCKETS; i++)
		for (c = table[i]; c; c = c->next)
			if (c->count)
				fprintf(out, "%016" PRIx64 " %" PRIu64 "\n", c->address, c->count);
	fclose(out);
}

/* The callbacks run before the instruction that they belong to. */

static void at_vmrun(unsigned int cpu, void *data)
{
	(void)cpu, (void)data;
	if (from_boot && !begun)
		begin();
	in_guest = true;
	entries++;
}

static void at_exit_from_guest(unsigned int cpu, void *data)
{
	(void)cpu, (void)data;
	in_guest = false;
}

static void at_begin_marker(unsigned int cpu, void *data)
{
	(void)cpu, (void)data;
	if (!begun)
		begin();
}

static void at_end_marker(unsigned int cpu, void *data)
{
	(void)cpu, (void)data;
	if (begun && !done)
		end();
}

static uint32_t marker(const struct qemu_plugin_insn *insn)
{
	const uint8_t *bytes = qemu_plugin_insn_data(insn);
	uint32_t value;

	if (qemu_plugin_insn_size(insn) != 7 || memcmp(bytes, "\x0f\x1f\x80", 3))
		return 0;
	memcpy(&value, bytes + 3, sizeof(value));
	return value;
}

static void translate_guest(struct qemu_plugin_insn *insn)
{
	uint32_t mark = marker(insn);

	if (mark == MARKER_BEGIN)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, at_begin_marker,
						       QEMU_PLUGIN_CB_NO_REGS, NULL);
	else if (mark == MARKER_END)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, at_end_marker,
						       QEMU_PLUGIN_CB_NO_REGS, NULL);
	qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
						   &guest_instructions, 1);
}

static void translate_host(struct qemu_plugin_insn *insn)
{
	uint64_t address = qemu_plugin_insn_vaddr(insn);

	if (address == behind_vmrun)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, at_exit_from_guest,
						       QEMU_PLUGIN_CB_NO_REGS, NULL);
	if (qemu_plugin_insn_size(insn) == sizeof(vmrun) &&
	    !memcmp(qemu_plugin_insn_data(insn), vmrun, sizeof(vmrun))) {
		behind_vmrun = address + sizeof(vmrun);
		qemu_plugin_register_vcpu_insn_exec_cb(insn, at_vmrun,
						       QEMU_PLUGIN_CB_NO_REGS, NULL);
	}
	qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
						   counter_of(address), 1);
}

/* A block is translated when it is about to be executed. */
static void translate(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t i, nr = qemu_plugin_tb_n_insns(tb);
	bool guest = in_guest &&
		     qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0)) != behind_vmrun;

	(void)id;
	for (i = 0; i < nr; i++) {
		if (guest)
			translate_guest(qemu_plugin_tb_get_insn(tb, i));
		else
			translate_host(qemu_plugin_tb_get_insn(tb, i));
	}
}

static void at_exit(uint64_t id, void *data)
{
	(void)id, (void)data;
	if (begun && !done)
		end();
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			out_path = argv[i] + 4;
		else if (!strcmp(argv[i], "boot=on"))
			from_boot = true;
	}
	if (!out_path) {
		fprintf(stderr, "count.so: give out=FILE\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
