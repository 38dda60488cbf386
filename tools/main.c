// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-launch: a small launcher for virtual machines of /dev/kvm.  This file
 * reads the command line and turns the guest's end into an exit status.
 * It owns the options; everything else is reached through launch.h.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch.h"

static const char usage_text[] =
"usage: kvm-launch [OPTION]... [KERNEL]\n"
"\n"
"Runs a virtual machine: KERNEL is a Linux bzImage or a multiboot kernel.\n"
"The guest's first serial port is this terminal; Ctrl-A x ends it.\n"
"\n"
"  -m, --mem SIZE         memory (256M); a bare number counts MiB\n"
"  -c, --cpus N           virtual processors, 1 to 64 (1)\n"
"  -i, --initrd FILE      initial RAM disk of a Linux kernel\n"
"  -a, --append WORDS     kernel command line\n"
"      --module 'FILE [WORDS]'\n"
"                         multiboot module and its arguments; repeatable\n"
"      --protocol 32|64   enter a bzImage in this mode (64 if it can)\n"
"      --flat ADDR:FILE   load FILE and start it at ADDR, below 1M, in real mode\n"
"      --bios FILE        load FILE to end at 4G, start at the reset vector\n"
"      --floppy FILE      a 1.44M disk for SeaBIOS to boot from\n"
"      --load ADDR:FILE   also place FILE at ADDR in memory; repeatable\n"
"      --irqchip on|off   in-kernel interrupt controllers and timer (on)\n"
"      --mmu-pages N      limit of KVM's shadow page tables (KVM's own choice; 64 at least)\n"
"      --stats            at the end, print exits by reason and KVM's counters\n"
"  -h, --help             print this\n"
"\n"
"SIZE and ADDR take the suffixes K, M, G, T; ADDR may be hexadecimal (0x7c00).\n"
"\n"
"Exit status:\n"
"  0    the guest powered off\n"
"  odd  the guest wrote V to port 0xf4: V << 1 | 1 (V below 128)\n"
"  2    wrong usage, or a file that cannot be loaded\n"
"  4    the host refused: no /dev/kvm, no memory, a failed ioctl\n"
"  6    the guest crashed (triple fault)\n"
"  8    the guest asked for a reset\n"
"  10   KVM could not go on running the guest\n"
"  12   the guest halted with nothing that could wake it (--irqchip off)\n"
"  14   ended by Ctrl-A x or a signal\n";

static void print_error(const char *format, va_list args)
{
	char line[512];

	vsnprintf(line, sizeof(line), format, args);
	/* The terminal may be raw: a return makes the line start at its left. */
	fprintf(stderr, "\rkvm-launch: %s\r\n", line);
}

/* Prints one line to standard error. */
void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_error(format, args);
	va_end(args);
}

/* Prints one line to standard error and exits with @status. */
void die(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_error(format, args);
	va_end(args);
	terminal_restore();
	exit(status);
}

/*
 * Parses a number with an optional suffix up to @end, where @unit multiplies
 * a number that has none; returns what follows the number.
 */
static const char *parse_number(const char *option, const char *text, uint64_t unit,
				uint64_t *value)
{
	static const char suffixes[] = "kmgt";
	const char *suffix;
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	if (end == text || errno || text[0] == '-')
		die(STATUS_USAGE, "%s %s: not a number (try 512M or 0x7c00)", option, text);
	if (*end && *end != ':') {
		suffix = strchr(suffixes, *end | 0x20);
		if (!suffix)
			die(STATUS_USAGE, "%s %s: unknown suffix '%s', use K, M, G or T",
			    option, text, end);
		unit = KIB << 10 * (suffix - suffixes);
		end++;
	}
	if (__builtin_mul_overflow(*value, unit, value))
		die(STATUS_USAGE, "%s %s: too large", option, text);
	return end;
}

static uint64_t parse_size(const char *option, const char *text, uint64_t unit)
{
	uint64_t value;

	if (*parse_number(option, text, unit, &value))
		die(STATUS_USAGE, "%s %s: trailing characters after the number", option, text);
	return value;
}

static struct placed_file parse_placed(const char *option, const char *text)
{
	struct placed_file file;
	const char *rest = parse_number(option, text, 1, &file.address);

	if (rest[0] != ':' || !rest[1])
		die(STATUS_USAGE, "%s %s: expected ADDR:FILE", option, text);
	file.path = rest + 1;
	return file;
}

static bool parse_on_off(const char *option, const char *text)
{
	if (strcmp(text, "on") && strcmp(text, "off"))
		die(STATUS_USAGE, "%s %s: expected on or off", option, text);
	return !strcmp(text, "on");
}

static void check_options(const struct options *options)
{
	int guests = !!options->kernel + !!options->flat.path + !!options->bios;

	if (guests != 1)
		die(STATUS_USAGE, "%s: give a KERNEL, --flat or --bios (see --help)",
		    guests ? "more than one guest" : "no guest");
	if (options->memory < MIB || options->memory % 4096 || options->memory > 1024 * GIB)
		die(STATUS_USAGE, "--mem: memory must be 1M to 1024G in steps of 4K");
	if (!options->cpus || options->cpus > CPUS_MAX)
		die(STATUS_USAGE, "--cpus: 1 to %d processors are possible", CPUS_MAX);
	if (options->cpus > 1 && !options->irqchip)
		die(STATUS_USAGE, "--cpus: more than one needs --irqchip on");
	if (options->initrd && !options->kernel)
		die(STATUS_USAGE, "--initrd: goes with a Linux KERNEL only");
	if (options->floppy && !options->bios)
		die(STATUS_USAGE, "--floppy: goes with --bios only");
	if (options->nr_modules && !options->kernel)
		die(STATUS_USAGE, "--module: goes with a multiboot KERNEL only");
	if ((*options->cmdline || options->protocol) && !options->kernel)
		die(STATUS_USAGE, "--append, --protocol: go with a KERNEL only");
}

enum {
	OPT_MODULE = 256,
	OPT_PROTOCOL,
	OPT_FLAT,
	OPT_BIOS,
	OPT_FLOPPY,
	OPT_LOAD,
	OPT_IRQCHIP,
	OPT_MMU_PAGES,
	OPT_STATS,
};

static const struct option long_options[] = {
	{ "mem", required_argument, NULL, 'm' },
	{ "cpus", required_argument, NULL, 'c' },
	{ "initrd", required_argument, NULL, 'i' },
	{ "append", required_argument, NULL, 'a' },
	{ "module", required_argument, NULL, OPT_MODULE },
	{ "protocol", required_argument, NULL, OPT_PROTOCOL },
	{ "flat", required_argument, NULL, OPT_FLAT },
	{ "bios", required_argument, NULL, OPT_BIOS },
	{ "floppy", required_argument, NULL, OPT_FLOPPY },
	{ "load", required_argument, NULL, OPT_LOAD },
	{ "irqchip", required_argument, NULL, OPT_IRQCHIP },
	{ "mmu-pages", required_argument, NULL, OPT_MMU_PAGES },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static void set_option(struct options *options, int option, char *value)
{
	switch (option) {
	case 'm':
		options->memory = parse_size("--mem", value, MIB);
		break;
	case 'c': {
		uint64_t cpus = parse_size("--cpus", value, 1);

		options->cpus = cpus > CPUS_MAX ? CPUS_MAX + 1 : cpus;
		break;
	}
	case 'i':
		options->initrd = value;
		break;
	case 'a':
		options->cmdline = value;
		break;
	case OPT_MODULE:
		if (options->nr_modules == MODULES_MAX)
			die(STATUS_USAGE, "--module: more than %d", MODULES_MAX);
		options->modules[options->nr_modules++] = value;
		break;
	case OPT_PROTOCOL:
		if (strcmp(value, "32") && strcmp(value, "64"))
			die(STATUS_USAGE, "--protocol %s: expected 32 or 64", value);
		options->protocol = atoi(value);
		break;
	case OPT_FLAT:
		options->flat = parse_placed("--flat", value);
		break;
	case OPT_BIOS:
		options->bios = value;
		break;
	case OPT_FLOPPY:
		options->floppy = value;
		break;
	case OPT_LOAD:
		if (options->nr_loads == MODULES_MAX)
			die(STATUS_USAGE, "--load: more than %d", MODULES_MAX);
		options->loads[options->nr_loads++] = parse_placed("--load", value);
		break;
	case OPT_IRQCHIP:
		options->irqchip = parse_on_off("--irqchip", value);
		break;
	case OPT_MMU_PAGES:
		options->mmu_pages = parse_size("--mmu-pages", value, 1);
		if (options->mmu_pages < MMU_PAGES_MIN)
			die(STATUS_USAGE, "--mmu-pages %s: at least %d", value, MMU_PAGES_MIN);
		break;
	case OPT_STATS:
		options->stats = true;
		break;
	case 'h':
		fputs(usage_text, stdout);
		exit(0);
	default:
		/* getopt has said what is wrong. */
		exit(STATUS_USAGE);
	}
}

static void parse_options(struct options *options, int argc, char **argv)
{
	int option;

	/* Messages begin alike however the program was called. */
	argv[0] = (char *)"kvm-launch";
	while ((option = getopt_long(argc, argv, "m:c:i:a:h", long_options, NULL)) != -1)
		set_option(options, option, optarg);
	if (optind < argc)
		options->kernel = argv[optind++];
	if (optind < argc)
		die(STATUS_USAGE, "%s: one KERNEL only (quote the words of --append)", argv[optind]);
	check_options(options);
}

int main(int argc, char **argv)
{
	struct options options = {
		.memory = 256 * MIB,
		.cpus = 1,
		.cmdline = "",
		.irqchip = true,
	};
	static struct vm vm;
	unsigned int i;
	int status;

	parse_options(&options, argc, argv);

	vm_create(&vm, &options);
	for (i = 0; i < options.cpus; i++)
		vcpu_create(&vm, i);
	/* The terminal is ours, and raw, only once there is a guest to type to. */
	boot(&vm);
	devices_init(&vm);

	for (i = 0; i < options.cpus; i++)
		vcpu_start(&vm.vcpus[i]);
	status = vm_wait(&vm);
	for (i = 0; i < options.cpus; i++)
		vcpu_stop(&vm.vcpus[i]);

	terminal_restore();
	if (options.stats)
		stats_print(&vm);
	return status;
}
