/* SPDX-License-Identifier: GPL-2.0 */
/*
 * guestfuzz.h - a guest that changes its own page tables, control registers,
 * descriptors, devices and MSRs at random, and says beforehand what must come
 * of it.  The model of the processor's paging and the accesses are those of
 * tests/paging; what is added here is time: without a flush, a translation may
 * still be made of what entries held since the last one.
 *
 * Reading order: seen.c, tables.c, probe.c, devices.c, guestfuzz.c.
 */
#ifndef GUESTFUZZ_H
#define GUESTFUZZ_H

#include "paging_test.h"

/* ------------------------------------------------------------------------
 * seen.c: when entries changed and translations were flushed, and what may
 * therefore be seen.  SDM vol. 3, "Caching Translation Information".
 */

#define SLOTS		4	/* entries in use of each table, so that walks get somewhere */
#define MAX_ADDRESSES	256	/* SLOTS to the power of 4 levels */
#define MAX_SEEN	16

/* The addresses that are tried: so many pages, by number. */
unsigned int nr_addresses(void);
u64 address_of(unsigned int number);
/* The first of the SLOTS. */
unsigned int first_slot(void);

/*
 * Entry @slot of @table, which is one of ours, changes from @old; or root and
 * top entries of PAE do.  Call it before the change: it may have to flush.
 */
void seen_change(unsigned int table, unsigned int slot, u64 old);

/* The flushes, and their effect on the model. */
void flush_space(void);				/* CR3 */
void flush_everything(void);			/* CR4.PGE */
void flush_number(unsigned int number);		/* INVLPG */
void load_root(uintptr_t root);
/* The processor forgets what it knew of an address that faulted. */
void seen_fault(unsigned int number);

/* All addresses that an access may reach if it does not fault. */
struct seen {
	unsigned int nr;
	u64 pa[MAX_SEEN];
	bool stale;		/* something but the tables of now had a part in it */
	bool unknown;		/* there is more than that */
};

void seen_by(const struct access *access, unsigned int number, struct seen *seen);

/* ------------------------------------------------------------------------
 * tables.c: pages that may be tables of any level, pages of data, mutations
 */

#define POOL		24
#define FRAMES		8
#define HOLE		0xd0000000u	/* no memory: reads as ones */

void tables_setup(void);
/* Which of the pool lies at @pa, or -1. */
int pool_index(u64 pa);

/* May this be tried: can it do no harm wherever it ends of the places in @seen? */
bool is_harmless(const struct access *access, const struct seen *seen);

void mutate_entry(void);
void mutate_root(void);
void mutate_controls(void);

/* ------------------------------------------------------------------------
 * probe.c: accesses, and whether they went as they may
 */

void probe(unsigned int number);

/* ------------------------------------------------------------------------
 * devices.c: interrupt controllers, timers, MSRs, descriptors; interrupts
 */

void devices_setup(bool interrupts);
void mutate_device(void);
void mutate_msr(void);
void mutate_descriptor(void);
extern unsigned int interrupts;

/* ------------------------------------------------------------------------
 * guestfuzz.c
 */

extern unsigned int mutations, probes;
/* Linux's module: leave out what it does otherwise (tests/paging/deviations.h). */
extern bool stock;
/* Prints what is done, with the word trace=STEP from that step on. */
void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline bool one_in(unsigned int n)
{
	return !random_below(&rng, n);
}

#endif
