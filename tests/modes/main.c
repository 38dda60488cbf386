// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - the suite's program: sweeps, random cases, one case again.
 *
 * A case that fails prints as one line, for --replay, and as seed and number.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "modes.h"
#include "../../emulate/handlers.h"

static struct outcome native, emulated;
static struct {
	u64 run, skipped, looped, failed, excused[MAX_EXCUSES], reasons[64], vectors[33];
} totals;
static unsigned int max_failures = 10;
static u64 stride = 1, phase, swept;
static const char *only;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static void count(const struct outcome *o)
{
	int vector = outcome_vector(o);

	totals.run++;
	totals.reasons[o->reason < 64 ? o->reason : 63]++;
	if (vector >= 0)
		totals.vectors[vector < 32 ? vector : 32]++;
}

/* The top of the stack, for an end in a handler. */
static void print_stack(const char *name, const struct outcome *o)
{
	u64 at = o->sregs.ss.base + o->regs.rsp;
	unsigned int i;

	printf("  %s stack:", name);
	for (i = 0; i < 10 && at + 4 * i < SCENE_BYTES - 4; i++) {
		u64 word = at + 4 * i;
		u32 val;

		if (!(o->changed & (1u << word / PAGE)))
			continue;
		memcpy(&val, o->page[word / PAGE] + word % PAGE, 4);
		printf(" %x", val);
	}
	printf("\n");
}

static void describe(const struct mode_case *c)
{
	char line[2048];
	unsigned int i;

	print_stack("native", &native);
	print_stack("emulated", &emulated);

	printf("  %s, %s, CPL %u; code", world_name(c->world), kind_name(c->kind), c->cpl);
	for (i = 0; i < c->t.len; i++)
		printf(" %02x", c->t.code[i]);
	printf("; native: exit %u, vector %d, emulated: exit %u, vector %d\n", native.reason,
	       outcome_vector(&native), emulated.reason, outcome_vector(&emulated));
	mode_case_print(c, line, sizeof(line));
	printf("  replay: ./modes --replay '%s'\n", line);
}

/* True if it came out the same, or as it may. */
static bool judge(const struct mode_case *c, const struct x86_insn *insn, const char *name,
		  bool verbose)
{
	int vector = outcome_vector(&native), why;
	bool faulted = vector >= 0 && vector < 32 && vector != EXC_DB;
	struct comparison cmp = {
		.c = c, .insn = insn, .native = &native, .emulated = &emulated, .quiet = true,
		.undefined = undefined_results(insn, &c->t, faulted),
	};

	if (!compare(&cmp) && !verbose)
		return true;
	why = cmp.differences ? excuse(&cmp) : -1;
	if (why >= 0)
		totals.excused[why]++;
	if (why >= 0 && !verbose)
		return true;
	if (why < 0 && cmp.differences && ++totals.failed > max_failures)
		return false;
	printf("%s: %s\n", !cmp.differences ? "SAME" : why >= 0 ? excuse_text(why) : "DIFFERENT",
	       name);
	cmp.quiet = false;
	compare(&cmp);
	describe(c);
	fflush(stdout);
	return !cmp.differences || why >= 0;
}

/* Instructions that neither of the two executes, or that never come out the same. */
static bool unfit(const struct x86_insn *insn)
{
	/* Hypercalls: see vcpu_insn_is_hypercall(), which looks at one page alone. */
	return (insn->row->flags & NI) || insn->row->exec == emul_hypercall;
}

static bool run_case(const struct mode_case *c, const char *name, bool verbose)
{
	const struct x86_insn *insn = case_decode(c);

	if (!insn || unfit(insn)) {
		totals.skipped++;
		return true;
	}
	vm_run(c, false, &native);
	if (native.reason == END_LOOP) {
		totals.looped++;
		return true;
	}
	vm_run(c, true, &emulated);
	count(&native);
	return judge(c, insn, name, verbose);
}

/* ------------------------------------------------------------------------ */

static void run_swept(struct mode_case *c, const char *name)
{
	if (swept++ % stride != phase)
		return;
	if (only && !strstr(name, only))
		return;
	run_case(c, name, false);
}

static void run_random(u64 seed, u64 from, u64 cases, double seconds)
{
	double start = now();
	struct mode_case c;
	char name[64];
	u64 i;

	for (i = from; i < from + cases && (i % 32 || now() - start < seconds); i++) {
		struct rng rng = { seed + i * 0xd1342543de82ef95ull };

		rnd(&rng);
		choose_case(&rng, &c);
		snprintf(name, sizeof(name), "seed %llu case %llu", (unsigned long long)seed,
			 (unsigned long long)i);
		run_case(&c, name, false);
	}
}

static void summary(u64 seed, double seconds)
{
	unsigned int i;

	printf("modes: seed %llu: %llu cases in %.1f s (%.0f/s), %llu of no use, %llu loops; ended by",
	       (unsigned long long)seed, (unsigned long long)totals.run, seconds,
	       totals.run / seconds, (unsigned long long)totals.skipped,
	       (unsigned long long)totals.looped);
	for (i = 0; i < 64; i++)
		if (totals.reasons[i])
			printf(" exit %u:%llu", i, (unsigned long long)totals.reasons[i]);
	for (i = 0; i < 33; i++)
		if (totals.vectors[i])
			printf(" #%u:%llu", i, (unsigned long long)totals.vectors[i]);
	printf("; %llu differences\n", (unsigned long long)totals.failed);
	for (i = 0; i < nr_excuses(); i++)
		if (totals.excused[i])
			printf("excused: %6llu %s\n", (unsigned long long)totals.excused[i],
			       excuse_text(i));
}

static int replay(const char *line)
{
	struct mode_case c;

	if (!mode_case_parse(&c, line)) {
		printf("modes: not a case: %s\n", line);
		return 2;
	}
	return !run_case(&c, "replay", true);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", 1, NULL, 's' }, { "cases", 1, NULL, 'c' }, { "from", 1, NULL, 'f' },
		{ "seconds", 1, NULL, 't' }, { "replay", 1, NULL, 'r' },
		{ "failures", 1, NULL, 'x' }, { "stride", 1, NULL, 'n' },
		{ "only", 1, NULL, 'o' }, { 0 },
	};
	u64 seed = time(NULL), cases = ~0ull >> 1, from = 0;
	const char *line = NULL;
	double seconds = 20, start;
	bool sweeps = true;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 's': seed = strtoull(optarg, NULL, 0); break;
		case 'c': cases = strtoull(optarg, NULL, 0); seconds = 1e9; break;
		case 'f': from = strtoull(optarg, NULL, 0); break;
		case 't': seconds = strtod(optarg, NULL); break;
		case 'r': line = optarg; break;
		case 'x': max_failures = strtoul(optarg, NULL, 0); break;
		case 'n': stride = strtoull(optarg, NULL, 0); break;
		case 'o': only = optarg; break;
		default:
			printf("usage: modes [--seed N] [--cases N | --seconds N] [--from N] [--stride N, 0: no sweep] [--only NAME] [--failures N] [--replay LINE]\n");
			return 2;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	sweeps = stride;
	phase = stride ? seed % stride : 0;
	vm_init();
	generate_init();
	if (line)
		return replay(line);
	start = now();
	if (sweeps)
		sweep(run_swept, seed);
	if (!only)
		run_random(seed, from, cases, seconds);
	summary(seed, now() - start);
	if (vm_tables_changed()) {
		printf("modes: the page tables have changed\n");
		return 1;
	}
	return totals.failed != 0;
}
