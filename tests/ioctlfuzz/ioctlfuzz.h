/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ioctlfuzz.h - the parts of the ioctl fuzzer and what they tell each other.
 *
 *   main.c      one machine after the other, each in a process; log and replay
 *   machine.c   such a process: descriptors, memory, threads
 *   sequence.c  what a thread does, made of chance or of sequences that paid
 *   calls.c     the ioctls and their arguments
 *   acts.c      all else: closing, forking, unmapping, signals, rewriting
 *   kcov.c      which of the module's instructions were reached
 *
 * A sequence is a function of a number and of the corpus up to some length, a
 * machine one of its number and that length.  So a line per machine and a line
 * per corpus entry are enough to do all again: that is what the log is.
 */
#ifndef IOCTLFUZZ_H
#define IOCTLFUZZ_H

#include <setjmp.h>
#include <stdatomic.h>
#include <time.h>
#include "../abi/vm.h"

#define MAX_THREADS	8
#define MAX_OPS		24
#define MAX_EDITS	4
#define MAX_CORPUS	4096

/* ------------------------------------------------------------------------
 * Chance
 */

struct rng {
	u64 state;
};

static inline u64 rnd(struct rng *r)
{
	/* splitmix64: any seed is as good as another */
	u64 z = r->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static inline u32 below(struct rng *r, u32 limit)
{
	return (rnd(r) >> 32) * limit >> 32;
}

/* A number of its own for each (@seed, @a, @b). */
static inline u64 derive(u64 seed, u64 a, u64 b)
{
	struct rng r = { seed ^ a * 0x9e3779b97f4a7c15ull ^ b << 40 };

	rnd(&r);
	return rnd(&r);
}

/* Numbers that sit on edges more often than others. */
u64 interesting(struct rng *r);

/* ------------------------------------------------------------------------
 * Sequences
 */

/* What an argument is before it is edited, and where it lies. */
enum from { FROM_GOOD, FROM_GOT, FROM_ZERO, FROM_NOISE, NR_FROM };
enum place {
	PLACE_PLAIN, PLACE_ODD, PLACE_GUEST, PLACE_RUN, PLACE_END, PLACE_READONLY, PLACE_GONE,
	PLACE_WILD, NR_PLACES
};

struct edit {
	u16 at;
	u8 size;		/* 1, 2, 4 or 8 bytes, which become: */
	u64 value;
};

struct op {
	u16 what;		/* a row of calls[], or beyond it of acts[] */
	u8 on;			/* which descriptor */
	u8 from, place;
	u8 nr_edits;
	u32 seed;		/* of all that is not said here */
	u64 value;		/* the argument, if it is a number */
	struct edit edit[MAX_EDITS];
};

struct sequence {
	unsigned int nr;
	struct op op[MAX_OPS];
};

/* The sequence that is @seed's, given the first @nr of the corpus. */
void sequence_make(struct sequence *s, u64 seed, const struct sequence *corpus,
		   unsigned int nr);
void op_print(const struct op *op);

/* ------------------------------------------------------------------------
 * A machine's process.  Descriptors lie in fd[] and may be anything, or
 * closed, by the time they are used.
 */

enum { DEV, VM, VCPU };

#define FD_DEV		0
#define FD_VM		1
#define NR_VMS		2
#define FD_VCPU		(FD_VM + NR_VMS)
#define NR_VCPUS	5
#define FD_OTHER	(FD_VCPU + NR_VCPUS)
#define NR_FDS		(FD_OTHER + 4)

/* Where things lie, the same in each process. */
#define ARENA		0x200000000ul	/* guest memory, one half from a file */
#define ARENA_PAGES	256ul
#define ARGS		0x300000000ul	/* arguments, for each thread: */
#define ARG_PAGES	16ul
#define RUNS		0x400000000ul	/* vCPUs' mappings, 16 pages apart */

struct world {
	_Atomic int fd[NR_FDS];
	struct vm vm;			/* the first machine */
	struct kvm_sregs sregs;		/* from which the guest starts */
	struct kvm_regs regs;
	u8 *image;			/* of its memory */
	int memfd;
	bool quiet;			/* do not print what is done */
};

struct thread {
	struct world *world;
	struct rng rng;			/* of the operation */
	sigjmp_buf escape;		/* from memory that is not there */
	volatile bool guarded;
	timer_t timer;
	int nr, tid;
	u8 *scratch;			/* where arguments are made */
	struct sequence sequence;
};

extern _Thread_local struct thread *me;
extern _Atomic int thread_ids[MAX_THREADS];
extern atomic_bool stop;

#define NR_CALLS_MAX	128

/* What outlives a process, and what they tell the one that started them. */
struct shared {
	_Atomic u64 calls[MAX_THREADS];
	_Atomic u64 tried[NR_CALLS_MAX], succeeded[NR_CALLS_MAX];
	_Atomic u32 nr_pcs;
	_Atomic u32 nr_found;		/* seeds of sequences that reached more */
	u64 found[512];
	unsigned int nr_corpus;
	struct sequence corpus[MAX_CORPUS];
};

extern struct shared *shared;

/* Lives in the process it is called in, and ends it. */
void machine_live(u64 seed, unsigned int threads, bool verbose) __attribute__((noreturn));
/* Puts a vCPU where it can run. */
void guest_restart(struct world *w, int vcpu);
/* A new machine takes the place of number @nr. */
void machine_replace(struct world *w, unsigned int nr, u64 flags);
void map_arena(struct world *w);
void map_args(unsigned int thread);
/* Copies, or returns false if one of the two is not there. */
bool try_copy(void *to, const void *from, size_t size);
/* KVM_RUN that ends soon. */
int run_briefly(int vcpu, unsigned long arg);

/* ------------------------------------------------------------------------
 * Operations
 */

extern const unsigned int nr_calls, nr_acts;
const char *call_name(unsigned int i);
const char *act_name(unsigned int i);
void call_do(const struct op *op);
void act_do(unsigned int i, const struct op *op);
/* The descriptor of the kind, or (rarely) another. */
int pick_fd(int where, u8 on);
/* An operation on the row that runs guests. */
unsigned int run_row(void);
bool call_is_known(unsigned long nr);

/* ------------------------------------------------------------------------
 * Coverage.  Without KCOV in the kernel, kcov_setup() returns false.
 */

bool kcov_setup(void);
void kcov_thread(void);		/* of the calling thread, from now on */
void kcov_begin(void);
/* How many places nobody had been at before. */
unsigned int kcov_end(void);

#endif
