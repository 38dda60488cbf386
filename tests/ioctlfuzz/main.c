// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - the ioctl fuzzer: one machine after the other, each in a process of
 * its own that may well die of what it asks for; the host must not.
 *
 * What it prints is what --replay reads: a line per machine, before it lives,
 * and (guided) one per sequence that reached something new.  The choices are
 * repeated exactly; what only the threads' interleaving brings about is not.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/wait.h>
#include "ioctlfuzz.h"

struct shared *shared;

static struct {
	u64 seed, calls;
	double seconds;
	unsigned int threads, times;
	const char *replay;
	bool verbose, table;
} options = { .seconds = 120, .threads = 3, .times = 20 };

static bool guided;

static void usage(void)
{
	puts("usage: ioctlfuzz [OPTION]...\n"
	     "\n"
	     "  --seed N       the choices; else a new seed, which is printed\n"
	     "  --seconds S    end after so long (120)\n"
	     "  --calls N      end after so many operations\n"
	     "  --threads T    work on each machine (3, at most 8)\n"
	     "  --replay FILE  the last machine in the output of an earlier run\n"
	     "  --times N      replay it so often (20)\n"
	     "  --verbose      print each operation before it is done\n"
	     "  --table        print how often each ioctl was done, and succeeded");
	exit(2);
}

static u64 total_calls(void)
{
	u64 n = 0;

	for (unsigned int i = 0; i < MAX_THREADS; i++)
		n += shared->calls[i];
	return n;
}

/* ------------------------------------------------------------------------
 * One machine
 */

/* False: the time was up. */
static bool reap(pid_t pid, double seconds, int *status)
{
	double end = now() + seconds;

	while (!waitpid(pid, status, WNOHANG)) {
		if (now() > end)
			return false;
		usleep(5000);
	}
	return true;
}

/* Where it hangs in the kernel. */
static void print_stacks(pid_t pid)
{
	char command[200];

	snprintf(command, sizeof(command), "head -n 30 /proc/%d/task/*/stack >&2", pid);
	(void)!system(command);
}

/*
 * A machine may ask for the end of its own signals, and run for ever: it is no
 * fault if it has to be killed, but one if it cannot be.
 */
static bool one_machine(u64 seed, unsigned int threads)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		freopen("/dev/null", "w", stdout);
		machine_live(seed, threads, options.verbose);
	}
	if (reap(pid, 3 * slow, &status))
		return true;
	kill(pid, SIGKILL);
	if (reap(pid, 60 * slow, &status))
		return true;
	printf("it cannot be killed\n");
	fflush(stdout);
	print_stacks(pid);
	return false;
}

/* ------------------------------------------------------------------------
 * Log and replay
 */

static void corpus_add(u64 seed, unsigned int nr)
{
	if (shared->nr_corpus == MAX_CORPUS)
		return;
	sequence_make(&shared->corpus[shared->nr_corpus], seed, shared->corpus, nr);
	shared->nr_corpus++;
}

/* What the last machine found becomes the corpus of the next. */
static void collect(void)
{
	unsigned int i, nr = shared->nr_corpus, n = shared->nr_found;

	for (i = 0; i < n && i < ARRAY_SIZE(shared->found); i++) {
		printf("+ %llx %u\n", (unsigned long long)shared->found[i], nr);
		corpus_add(shared->found[i], nr);
	}
	shared->nr_found = 0;
}

static bool replay(void)
{
	FILE *f = fopen(options.replay, "r");
	unsigned long long seed, last = 0;
	unsigned int nr, threads, i, corpus = 0;
	char line[200];

	if (!f) {
		perror(options.replay);
		exit(2);
	}
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "+ %llx %u", &seed, &nr) == 2)
			corpus_add(seed, nr);
		else if (sscanf(line, "machine %llx %u %u", &seed, &corpus, &threads) == 3)
			last = seed;
	fclose(f);
	if (!last) {
		fprintf(stderr, "%s: no machine in it\n", options.replay);
		exit(2);
	}
	shared->nr_corpus = corpus;
	for (i = 0; i < options.times; i++)
		if (!one_machine(last, threads))
			return false;
	return true;
}

static bool fuzz(void)
{
	double end = now() + options.seconds;
	u64 i, seed;

	for (i = 0; now() < end && (!options.calls || total_calls() < options.calls); i++) {
		seed = derive(options.seed, i, 0);
		printf("machine %llx %u %u\n", (unsigned long long)seed, shared->nr_corpus,
		       options.threads);
		if (!one_machine(seed, options.threads))
			return false;
		collect();
	}
	printf("%llu machines, ", (unsigned long long)i);
	return true;
}

/* ------------------------------------------------------------------------
 * And all is as it was
 */

static void still_works(int users)
{
	struct vm vm = vm_create(VM_PIT);
	double until = now() + 10 * slow;

	start_servant(&vm);
	POKE(&vm, FREE, 5);
	CHECK_EQ(PEEK(&vm, FREE), 5);
	vm_close(&vm);
	while (module_users() > users && now() < until)
		usleep(10000);
	CHECK_MSG(module_users() <= users, "machines are left: %d users of the module, not %d",
		  module_users(), users);
}

static void report(double seconds)
{
	u64 calls = total_calls(), tried = 0, succeeded = 0;
	unsigned int i;

	for (i = 0; i < nr_calls; i++) {
		tried += shared->tried[i];
		succeeded += shared->succeeded[i];
		if (options.table || !shared->succeeded[i])
			printf("%-30s %10llu times, %10llu of them with success\n", call_name(i),
			       (unsigned long long)shared->tried[i],
			       (unsigned long long)shared->succeeded[i]);
	}
	printf("%llu operations in %.0f s (%.0f/s), %llu of them ioctls, of which %llu succeeded",
	       (unsigned long long)calls, seconds, calls / seconds, (unsigned long long)tried,
	       (unsigned long long)succeeded);
	if (guided)
		printf("; %u places in the module reached, %u sequences in the corpus",
		       shared->nr_pcs, shared->nr_corpus);
	printf("\n");
}

static void parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "seed", 1, NULL, 's' }, { "seconds", 1, NULL, 't' }, { "calls", 1, NULL, 'n' },
		{ "threads", 1, NULL, 'T' }, { "replay", 1, NULL, 'r' }, { "times", 1, NULL, 'N' },
		{ "verbose", 0, NULL, 'v' }, { "table", 0, NULL, 'a' }, {}
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (c) {
		case 's': options.seed = strtoull(optarg, NULL, 0); break;
		case 't': options.seconds = atof(optarg); break;
		case 'n': options.calls = strtoull(optarg, NULL, 0); break;
		case 'T': options.threads = atoi(optarg); break;
		case 'r': options.replay = optarg; break;
		case 'N': options.times = atoi(optarg); break;
		case 'v': options.verbose = true; break;
		case 'a': options.table = true; break;
		default: usage();
		}
	if (optind < argc || options.threads < 1 || options.threads > MAX_THREADS)
		usage();
	if (!options.seed)
		options.seed = (u64)time(NULL) << 16 ^ getpid();
}

int main(int argc, char **argv)
{
	double start;
	int users;
	bool ok;

	parse(argc, argv);
	look_around();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	REQUIRE(shared != MAP_FAILED);
	kvm_dev();
	users = module_users();
	guided = kcov_setup();
	printf("seed %llu, %s\n", (unsigned long long)options.seed,
	       guided ? "guided by coverage" : "not guided: the host's kernel has no KCOV");
	start = now();
	ok = options.replay ? replay() : fuzz();
	report(now() - start);
	if (ok)
		still_works(users);
	return ok && !failures ? 0 : 1;
}
