/* SPDX-License-Identifier: GPL-2.0 */
/*
 * paging_test.h - what the paging tests share: a model of the processor's
 * paging, and check(), which makes an access, asks the model how it should go
 * and compares result, error code, CR2, accessed and dirty bits.
 *
 * Reading order: model.c, check.c, then the tests: matrix.c, stale.c,
 * tables.c, shadow.c, random.c, modes.c; main.c names them.
 */
#ifndef PAGING_TEST_H
#define PAGING_TEST_H

#include "paging.h"

/* ------------------------------------------------------------------------
 * model.c: SDM vol. 3, "Paging"; APM vol. 2, "Page Translation and Protection"
 */

#define PF_PRESENT	BIT(0)
#define PF_WRITE	BIT(1)
#define PF_USER		BIT(2)
#define PF_RESERVED	BIT(3)
#define PF_FETCH	BIT(4)

/* What decides how a processor translates. */
struct machine {
	const struct paging *form;
	uintptr_t root;
	bool wp, nxe, smep, smap, pse, pge;
	u64 pdpte[4];			/* PAE: as loaded with CR3 */
};

enum access_kind { READ, WRITE, FETCH, IMPLICIT };

struct access {
	u64 va;
	enum access_kind kind;
	bool user;			/* made at CPL 3 */
	bool ac;			/* RFLAGS.AC, which matters to SMAP at CPL 0 */
};

struct walk_step {
	uintptr_t table;
	unsigned int index;
	u64 entry;
};

struct walk {
	struct walk_step step[5];	/* by level, from the top down to `last` */
	unsigned int top, last;
	bool fault;
	u32 error, unsure;		/* if so; bits that may be either way */
	u64 pa;				/* if not */
};

/* How @access goes on @machine, going by the tables in memory now. */
void model_walk(const struct machine *machine, const struct access *access, struct walk *walk);

/* Whether an entry of @level maps a page, given its PS bit. */
bool model_is_leaf(const struct machine *machine, unsigned int level, u64 entry);

/* The bits of an entry that must be 0, but for NX without EFER.NXE. */
u64 model_reserved(const struct machine *machine, unsigned int level, u64 entry);

/*
 * The pieces of a walk: whether a present entry has a bit that must be 0; where
 * a leaf leads; the rights of all levels taken together, and what they allow.
 */
struct rights { bool write, user, fetch; };
bool model_is_malformed(const struct machine *machine, unsigned int level, u64 entry);
u64 model_address(const struct machine *machine, unsigned int level, u64 entry, u64 va);
void model_and(struct rights *rights, u64 entry);
bool model_allowed(const struct machine *machine, const struct access *access,
		   const struct rights *rights);

/* What the processor has, by CPUID. */
extern struct features {
	bool amd, pse36, pge, nx, gb_pages, smep, smap;
	unsigned int maxphyaddr;
} features;

/* ------------------------------------------------------------------------
 * check.c
 */

/* The machine as it is now.  Change it by the functions below only. */
extern struct machine now;

/* Reads CPUID and switches to paging of @form, in a space of our own. */
void machine_setup(const struct paging *form);
/* Makes CR0.WP, EFER.NXE, CR4.SMEP, SMAP and PGE what @wanted says. */
void machine_controls(const struct machine *wanted);
/* Loads CR3; with PAE, the model's top entries too. */
void machine_root(uintptr_t root);
void flush_all(void);			/* by CR3: all but global pages */
void flush_global(void);		/* by CR4.PGE */

/*
 * Makes the access and compares with the model.  What translations were cached
 * must agree with the tables.  A disagreement is printed, the test fails at
 * its end, and false is returned.  Writes store a value seen nowhere else.
 */
bool check(const struct access *access);
/* The accesses that differ: who, what, with AC or without. */
#define ACCESS_KINDS 9
struct access access_of_kind(unsigned int kind, u64 va);
/* All of them at @va, in a fixed order. */
void check_all(u64 va);

/*
 * The parts of check(), for those who judge by themselves.  All registers but
 * the flags of CPL 3, which have access_flags besides, are as check() has them.
 */
extern uintptr_t access_flags;
struct outcome access_make(const struct access *access, u32 value);
/* Are the entries of @walk, made before the access, as it must have left them? */
bool walk_bits_right(const struct access *access, const struct walk *walk);
/* After fail(): what was done, expected and found. */
void access_explain(const struct access *access, const struct walk *walk,
		    const struct outcome *outcome);

/* Prints how many checks were made and returns PASS or FAIL. */
int report(const char *test);
extern unsigned int failures;
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Frames that tests map: each begins with code that returns its number and
 * goes on with data; from FRAME_DATA on it may be written.
 */
#define FRAME_DATA	64
uintptr_t frame_alloc(void);
void frame_fill(uintptr_t frame);

/* Frames that nothing ever maps: whoever writes to them went astray. */
void canaries_check(void);

/* One of 8 windows of address space, at least 256 MiB, with nothing else in it. */
u64 window(unsigned int index);

extern struct rng rng;
/* The value of word NAME=... of the command line, or @otherwise. */
u64 option(const char *name, u64 otherwise);

/* ------------------------------------------------------------------------
 * The tests; each returns a status for main() to return
 */
int test_matrix(void);
int test_levels(void);
int test_stale(void);
int test_upgrade(void);
int test_roots(void);
int test_writes(void);
int test_shared(void);
int test_replay(void);
int test_reuse(void);
int test_mmio(void);
int test_random(void);
int test_pdpte(void);
int test_pse36(void);
int test_modes(void);
int test_smap(void);
int test_many(void);
int test_places(void);

#endif
