// SPDX-License-Identifier: GPL-2.0
/*
 * barriers.c - statement 25 and its neighbours.  No emulator models what a
 * processor predicts, so what can be shown is the code that the running kernel
 * made of ours, after it patched in what its mitigations ask for, and that the
 * barrier is executed when another vCPU comes to a CPU, and only then.
 *
 * The text is read from /proc/kcore, the barrier is counted by a kprobe; what
 * there must be is asked from the kernel's own report of vulnerabilities.
 */
#include <elf.h>
#include <fcntl.h>
#include <sched.h>
#include "contract.h"

#define TRACING		"/sys/kernel/tracing/"

/* ------------------------------------------------------------------------
 * What the host says and has
 */

static bool host_says(const char *vulnerability, const char *words)
{
	char path[100], text[500] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/vulnerabilities/%s",
		 vulnerability);
	f = fopen(path, "r");
	if (f) {
		(void)!fgets(text, sizeof(text), f);
		fclose(f);
	}
	return strstr(text, words);
}

/* One of the "bugs" of /proc/cpuinfo. */
static bool host_has_bug(const char *name)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	bool found = false;
	char line[2000], *word;

	while (f && !found && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "bugs", 4))
			continue;
		for (word = strtok(line, " \t\n:"); word; word = strtok(NULL, " \t\n:"))
			found |= !strcmp(word, name);
	}
	if (f)
		fclose(f);
	return found;
}

/* All that is asked for; reading the kernel's list of symbols takes a second. */
static struct {
	const char *name;
	u64 address;
} symbols[] = {
	{ "svm_vcpu_load" }, { "svm_vmenter" }, { "vmx_vcpu_load" },
	{ "vmx_vmenter" }, { "vmx_vmexit" }, { "entry_ibpb" },
	{ "clear_bhb_loop" }, { "entry_untrain_ret" }, { "zen_untrain_ret" },
	{ "retbleed_untrain_ret" }, { "srso_untrain_ret" },
	{ "srso_alias_untrain_ret" },
};

static void read_symbols(void)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[300], *name;
	unsigned int i;

	REQUIRE(f);
	while (fgets(line, sizeof(line), f)) {
		name = line + 19;	/* address, space, type, space */
		name[strcspn(name, "\t\n")] = 0;
		for (i = 0; i < ARRAY_SIZE(symbols); i++)
			if (!strcmp(name, symbols[i].name))
				symbols[i].address = strtoull(line, NULL, 16);
	}
	fclose(f);
}

/* 0: there is none. */
static u64 symbol(const char *name)
{
	static bool known;
	unsigned int i;

	if (!known)
		read_symbols();
	known = true;
	for (i = 0; i < ARRAY_SIZE(symbols); i++)
		if (!strcmp(name, symbols[i].name))
			return symbols[i].address;
	REQUIRE(!"a name that is in the table");
	return 0;
}

/* @size bytes of the running kernel's text. */
static void kernel_text(u64 address, u8 *text, size_t size)
{
	int fd = open("/proc/kcore", O_RDONLY), i;
	Elf64_Ehdr head;
	Elf64_Phdr part;

	if (fd < 0 && errno == ENOENT)
		skip("this kernel shows nobody its text (CONFIG_PROC_KCORE)");
	REQUIRE(fd >= 0);
	REQUIRE(pread(fd, &head, sizeof(head), 0) == sizeof(head));
	for (i = 0; i < head.e_phnum; i++) {
		REQUIRE(pread(fd, &part, sizeof(part), head.e_phoff +
			      i * sizeof(part)) == sizeof(part));
		if (part.p_type == PT_LOAD && address >= part.p_vaddr &&
		    address + size <= part.p_vaddr + part.p_memsz)
			break;
	}
	REQUIRE(i < head.e_phnum);
	REQUIRE(pread(fd, text, size, part.p_offset + address - part.p_vaddr) ==
		(ssize_t)size);
	close(fd);
}

static const u8 *find(const u8 *text, const u8 *end, const char *bytes, size_t n)
{
	return text && text < end ? memmem(text, end - text, bytes, n) : NULL;
}

#define FIND(text, end, bytes)	find(text, end, bytes, sizeof(bytes) - 1)

/* ------------------------------------------------------------------------
 * 25: IBPB when another vCPU comes
 */

static bool write_file(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | flags);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

static void probe_at(u64 address)
{
	char text[100];

	snprintf(text, sizeof(text), "p:barrier 0x%lx\n", address);
	REQUIRE(write_file(TRACING "kprobe_events", text, O_APPEND));
	REQUIRE(write_file(TRACING "events/kprobes/barrier/enable", "1", 0));
}

static void probe_off(void)
{
	write_file(TRACING "events/kprobes/barrier/enable", "0", 0);
	write_file(TRACING "kprobe_events", "-:barrier\n", O_APPEND);
}

static long barriers(void)
{
	char line[200], name[100];
	long hits = -1, n;
	FILE *f = fopen(TRACING "kprobe_profile", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%99s %ld", name, &n) == 2 && !strcmp(name, "barrier"))
			hits = n;
	if (f)
		fclose(f);
	return hits;
}

GUEST(64, steps_only, "1:" STEP "jmp 1b\n");

TEST(s25_switch, "an IBPB whenever another vCPU comes to a CPU, if the host has them")
{
	u64 load = symbol(intel ? "vmx_vcpu_load" : "svm_vcpu_load");
	bool wanted = host_says("spectre_v2", "IBPB") &&
		      !host_says("spectre_v2", "IBPB: disabled");
	struct vm a, b, c;
	const u8 *ecx, *wrmsr;
	u8 text[512];
	cpu_set_t set;
	long before;
	int i;

	if (!ours)
		skip("the names are those of our module");
	REQUIRE(load);
	kernel_text(load, text, sizeof(text));
	ecx = FIND(text, text + sizeof(text), "\xb9\x49\0\0\0");
	REQUIRE(ecx);				/* MSR_IA32_PRED_CMD */
	wrmsr = FIND(ecx, ecx + 24, "\x0f\x30");
	CHECK_EQ(!!wrmsr, wanted);
	if (!wrmsr)
		return;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	a = vm_create(0);
	b = second_vcpu(&a);
	c = vm_create(0);
	START64(&a, steps_only);
	vcpu_enter64(b.vcpu, CODE);
	START64(&c, steps_only);
	run_step(&a);
	probe_at(load + (wrmsr - text));
	for (i = 0; i < 20; i++)
		run_step(&a);
	CHECK_EQ(barriers(), 0);		/* the same one, again and again */
	for (i = 0; i < 20; i++) {
		run_step(&b);			/* another vCPU of the VM */
		run_step(&a);
	}
	CHECK_EQ(barriers(), 40);
	for (i = 0; i < 20; i++) {
		run_step(&c);			/* another VM's */
		run_step(&a);
	}
	CHECK_EQ(barriers(), 80);
	/* Its successor may well lie in the same memory. */
	for (i = 0; i < 5; i++) {
		before = barriers();
		vm_close(&c);
		c = vm_create(0);
		START64(&c, steps_only);
		run_step(&c);
		CHECK(barriers() > before);
		before = barriers();
		run_step(&a);
		CHECK_EQ(barriers(), before + 1);
	}
	probe_off();
}

/* ------------------------------------------------------------------------
 * Before an entry, and after an exit
 */

/* Does this text call a function of that name? */
static bool calls(const u8 *text, const u8 *end, u64 address, const char *name)
{
	u64 target = symbol(name);
	const u8 *p;
	int offset;

	for (p = text; target && p + 5 <= end; p++) {
		memcpy(&offset, p + 1, 4);
		if (*p == 0xe8 && address + (p - text) + 5 + offset == target)
			return true;
	}
	return false;
}

static bool untrains(const u8 *text, const u8 *end, u64 address)
{
	static const char *const names[] = {
		"entry_untrain_ret", "retbleed_untrain_ret", "zen_untrain_ret",
		"srso_untrain_ret", "srso_alias_untrain_ret",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (calls(text, end, address, names[i]))
			return true;
	return false;
}

/* VERW of x86_verw_sel, not jumped over. */
static bool clears_buffers(const u8 *text, const u8 *entry)
{
	const u8 *verw = FIND(text, entry, "\x0f\x00\x2d");

	return verw && !(verw[-2] == 0xeb && verw[-1] == 7);
}

TEST(s25_world_switch, "buffers cleared before an entry, return stack and predictors after an exit, as the host has it")
{
	u64 at = symbol(intel ? "vmx_vmenter" : "svm_vmenter"), exit_at;
	const u8 *end, *entry, *left;
	u8 text[512];

	if (!ours)
		skip("the names are those of our module");
	REQUIRE(at);
	kernel_text(at, text, sizeof(text));
	/* The other vendor's has all of this, too, and comes next. */
	end = text + (intel ? sizeof(text) : symbol("vmx_vmenter") - at);
	REQUIRE(end > text && end <= text + sizeof(text));
	entry = intel ? FIND(text, end, "\x0f\x01\xc3") : FIND(text, end, "\x0f\x01\xd8");
	REQUIRE(entry);
	exit_at = intel ? symbol("vmx_vmexit") : at + (entry - text);
	REQUIRE(exit_at > at && exit_at < at + 256);
	left = text + (exit_at - at);

	CHECK_EQ(clears_buffers(text, entry),
		 intel ? host_says("mds", "lear CPU buffers") ||
			 host_says("reg_file_data_sampling", "Clear") :
			 host_says("tsa", "Clear"));
	/* DIV of EAX by itself */
	CHECK_EQ(!!FIND(text, entry, "\xf7\xf0"), host_has_bug("div0"));
	/* CALL over an INT3: what return stacks are filled with; IBPB does it, too. */
	CHECK_EQ(!!FIND(left, end, "\xe8\1\0\0\0\xcc"),
		 (host_says("spectre_v2", "RSB filling") ||
		  host_says("spectre_v2", "PBRSB-eIBRS: SW sequence")) &&
		 !host_says("retbleed", "IBPB"));
	CHECK_EQ(untrains(left, end, exit_at),
		 host_says("retbleed", "untrained return thunk"));
	CHECK_EQ(calls(left, end, exit_at, "entry_ibpb"),
		 host_says("retbleed", "IBPB") ||
		 host_says("spec_rstack_overflow", "IBPB"));
	CHECK_EQ(calls(left, end, exit_at, "clear_bhb_loop"),
		 host_says("spectre_v2", "BHI: SW loop"));
}

TEST(s25_l1tf, "the host knows that its guests have no page tables of their own")
{
	if (!host_says("l1tf", "Mitigation"))
		skip("this processor does not have L1TF");
	CHECK(host_says("l1tf", "EPT disabled"));
}
