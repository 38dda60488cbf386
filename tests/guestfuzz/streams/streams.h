/* SPDX-License-Identifier: GPL-2.0 */
/*
 * streams.h - random instructions in random states, on /dev/kvm itself.  What
 * the guest does is of no interest here; what is: that the host survives it,
 * that memory next to the guest's and memory it may only read stay as they are
 * and are not seen, and that the dirty log names each page that changed.
 *
 * An episode is one virtual machine and some streams; it follows from the seed
 * and its number alone (but for when timers tick).  A stream is a mode, a
 * state, and some dozens of instructions, entered one after the other, however
 * the one before ended.  Modes, states, the scene in memory and most of the
 * instructions are those of tests/modes.
 *
 * Reading order: code.c (instructions), vm.c (the machine and its memory),
 * main.c (episodes).
 */
#ifndef STREAMS_H
#define STREAMS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../modes/modes.h"

/* ------------------------------------------------------------------------
 * code.c
 */

#define MAX_CODE	0x600
#define MAX_ENTRIES	32

struct stream {
	struct mode_case c;
	u8 code[MAX_CODE];
	unsigned int len;
	unsigned int entry[MAX_ENTRIES], nr_entries;	/* where instructions begin */
	unsigned int mutations;		/* of tables, registers, devices: so many of them */
};

void choose_stream(struct rng *rng, struct stream *s);

/*
 * Linear pages behind the scene's, in all forms of paging; where each leads.
 * Unpaged code uses the physical addresses.
 */
enum window {
	WIN_TABLES,			/* 17 pages: the page tables themselves */
	WIN_ROM = WIN_TABLES + TABLES_BYTES / PAGE,
	WIN_LAPIC, WIN_IOAPIC, WIN_ALIAS, WIN_HOLE,
	WIN_BEHIND_SCENE, WIN_BEFORE_TABLES, WIN_BEHIND_TABLES, WIN_BEFORE_ROM, WIN_BEHIND_ROM,
	NR_WINDOWS,
};
#define WINDOW_LA(i)	(SCENE_BYTES + (i) * PAGE)
u64 window_gpa(unsigned int i);

/* ------------------------------------------------------------------------
 * vm.c
 */

#define ROM_GPA		0x50000000u
#define ROM_PAGES	4u
#define ALIAS_GPA	0x60000000u	/* the memory of DATA_U, once more */
#define ALIAS_PAGES	2u

void guest_init(void);
/* Another virtual machine, of a random kind. */
void guest_open(struct rng *rng);
void guest_close(void);
/* Runs all entries of the stream, then checks; false if a check failed. */
bool guest_run(struct rng *rng, const struct stream *s);
void guest_print_totals(void);
extern bool verbose;

#endif
