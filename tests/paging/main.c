// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of paging.  The words of the command line: the test's name, and
 *
 *	form=32|pae|long	the form of paging, where the program has a choice
 *	seed=N			of the random choices, which are printed
 *	others			as the tests say
 */
#include "paging_test.h"

static int print_deviations(void)
{
#define DEVIATION(name, ours, stock, consequence)	\
	printf("%s\n  here: %s\n  Linux: %s\n  so: %s\n", #name, ours, stock, consequence);
#include "deviations.h"
	return PASS;
}

static const struct test {
	const char *name;
	int (*run)(void);
} tests[] = {
	{ "matrix", test_matrix },
	{ "levels", test_levels },
	{ "stale", test_stale },
	{ "upgrade", test_upgrade },
	{ "roots", test_roots },
	{ "writes", test_writes },
	{ "shared", test_shared },
	{ "replay", test_replay },
	{ "reuse", test_reuse },
	{ "smap", test_smap },
	{ "many", test_many },
	{ "places", test_places },
	{ "mmio", test_mmio },
	{ "random", test_random },
	{ "pdpte", test_pdpte },
	{ "pse36", test_pse36 },
	{ "modes", test_modes },
	{ "deviations", print_deviations },
};

static char **words;
static int nr_words;

u64 option(const char *name, u64 otherwise)
{
	const char *value = find_word(nr_words, words, name);

	return value ? parse_number(value) : otherwise;
}

static const struct paging *choose_form(void)
{
	const char *form = find_word(nr_words, words, "form");

	if (BITS == 64)
		return &paging_long;
	return form && !strcmp(form, "pae") ? &paging_pae : &paging_32;
}

int main(int argc, char **argv)
{
	const struct test *test;

	words = argv;
	nr_words = argc;
	rng.state = option("seed", 0);
	if (!rng.state)
		rng.state = rdtsc() & 0xffffffff;
	printf("seed=%llu\n", rng.state);
	for (test = tests; test < tests + ARRAY_SIZE(tests); test++) {
		if (argc && !strcmp(test->name, argv[0])) {
			machine_setup(choose_form());
			return test->run();
		}
	}
	die("no test %s", argc ? argv[0] : "named");
}
