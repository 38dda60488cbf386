// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - episodes, one after the other.
 */
#include <getopt.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>
#include "streams.h"

#define STREAMS_PER_EPISODE	40

static u64 mutations, instructions, streams;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static u64 fresh_seed(void)
{
	int fd = open("/dev/urandom", O_RDONLY);
	u32 seed = 1;

	if (fd < 0 || read(fd, &seed, sizeof(seed)) != sizeof(seed))
		printf("streams: no random seed\n");
	close(fd);
	return seed;
}

static void print_stream(const struct stream *s)
{
	unsigned int i;

	printf("  %s, %s, CPL %u; code", world_name(s->c.world), kind_name(s->c.kind), s->c.cpl);
	for (i = 0; i < s->len; i++)
		printf(" %02x", s->code[i]);
	printf("\n");
}

/* All of it follows from the seed and the episode's number. */
static bool episode(u64 seed, u64 number, double end)
{
	struct rng rng = { seed + number * 0xd1342543de82ef95ull };
	static struct stream s;
	unsigned int i;
	bool right = true;

	rnd(&rng);
	guest_open(&rng);
	for (i = 0; i < STREAMS_PER_EPISODE && right && now() < end; i++) {
		choose_stream(&rng, &s);
		if (verbose) {
			printf("stream %u\n", i);
			print_stream(&s);
		}
		right = guest_run(&rng, &s);
		streams++;
		instructions += s.nr_entries;
		mutations += s.mutations;
	}
	guest_close();
	if (right)
		return true;
	if (!verbose)
		print_stream(&s);
	printf("  again: ./streams --seed %llu --episode %llu --verbose\n",
	       (unsigned long long)seed, (unsigned long long)number);
	return false;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", 1, NULL, 's' }, { "seconds", 1, NULL, 't' }, { "episode", 1, NULL, 'e' },
		{ "episodes", 1, NULL, 'n' }, { "verbose", 0, NULL, 'v' }, { 0 },
	};
	u64 seed = fresh_seed(), from = 0, number, episodes = ~0ull;
	double seconds = 20, start;
	bool right = true;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 's': seed = strtoull(optarg, NULL, 0); break;
		case 't': seconds = strtod(optarg, NULL); break;
		case 'e': from = strtoull(optarg, NULL, 0); episodes = 1; seconds = 1e9; break;
		case 'n': episodes = strtoull(optarg, NULL, 0); seconds = 1e9; break;
		case 'v': verbose = true; break;
		default:
			printf("usage: streams [--seed N] [--verbose] [--seconds N |"
			       " --episodes N | --episode NUMBER]\n");
			return 2;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("seed %llu\n", (unsigned long long)seed);
	guest_init();
	generate_init();
	start = now();
	for (number = from; number - from < episodes && right && now() - start < seconds; number++)
		right = episode(seed, number, start + seconds);
	printf("%llu mutations, seed %llu, %s: %llu instructions in %llu streams, %.0f s\n",
	       (unsigned long long)mutations, (unsigned long long)seed, right ? "ok" : "FAILED",
	       (unsigned long long)instructions, (unsigned long long)streams, now() - start);
	guest_print_totals();
	return !right;
}
