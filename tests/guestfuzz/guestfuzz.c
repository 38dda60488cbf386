// SPDX-License-Identifier: GPL-2.0
/*
 * The loop.  The words of the command line:
 *
 *	seed=N		of all choices; printed, and by default the clock's
 *	form=32|pae|long  the form of paging, where the program has a choice
 *	steps=N		how many; a step is one to eight mutations, perhaps a
 *			flush, and a few accesses
 *	irqs=0		no interrupts meanwhile, so that a run repeats exactly
 *	stock=1		without what Linux's module does otherwise
 *	trace=STEP	print what is done from that step on
 *
 * A failure ends the run and names its step: the same seed with steps=STEP
 * leads there again.
 */
#include "guestfuzz.h"

#define CANARY_STEPS	1024

unsigned int mutations, probes;
bool stock;

static unsigned int step, trace_from;
static char **words;
static int nr_words;

u64 option(const char *name, u64 otherwise)
{
	const char *value = find_word(nr_words, words, name);

	return value ? parse_number(value) : otherwise;
}

void trace(const char *format, ...)
{
	va_list args;

	if (step < trace_from)
		return;
	printf("%u: ", step);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

static void mutate(void)
{
	u32 which = random_below(&rng, 100);

	mutations++;
	if (which < 70)
		mutate_entry();
	else if (which < 80)
		mutate_root();
	else if (which < 84)
		mutate_controls();
	else if (which < 91)
		mutate_device();
	else if (which < 95)
		mutate_msr();
	else
		mutate_descriptor();
}

static void flush(void)
{
	switch (random_below(&rng, 8)) {
	case 0:
	case 1:
		trace("flush");
		flush_space();
		break;
	case 2:
		trace("flush everything");
		flush_everything();
		break;
	}
}

static void one_step(void)
{
	unsigned int i;

	for (i = random_below(&rng, 8) + 1; i && !failures; i--)
		mutate();
	flush();
	for (i = random_below(&rng, 5) + 2; i && !failures; i--) {
		unsigned int number = random_below(&rng, nr_addresses());

		if (one_in(4)) {
			trace("INVLPG %llx", address_of(number));
			flush_number(number);
		}
		probe(number);
	}
	if (step % CANARY_STEPS == 0)
		canaries_check();
}

int main(int argc, char **argv)
{
	const char *form;
	unsigned int steps;
	u64 seed;

	words = argv;
	nr_words = argc;
	form = find_word(argc, argv, "form");
	seed = option("seed", rdtsc() & 0xffffffff);
	steps = option("steps", 5000);
	stock = option("stock", 0);
	trace_from = option("trace", ~0u);
	rng.state = seed;
	machine_setup(BITS == 64 ? &paging_long : form && !strcmp(form, "pae") ? &paging_pae :
		      &paging_32);
	devices_setup(option("irqs", 1));
	tables_setup();
	for (step = 1; step <= steps && !failures; step++)
		one_step();
	irq_disable();
	canaries_check();
	if (failures)
		printf("FAILED at step %u: seed=%llu steps=%u\n", step - 1, seed, step - 1);
	printf("%u mutations, seed %llu, %s: %s paging, %u steps, %u accesses, %u interrupts\n",
	       mutations, seed, failures ? "FAILED" : "ok", now.form->name, step - 1, probes,
	       interrupts);
	return failures ? FAIL : PASS;
}
