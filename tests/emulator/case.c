// SPDX-License-Identifier: GPL-2.0
/*
 * Test cases as text: one line, every field, in a fixed order.  See case.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "case.h"

static const char *const reg_names[16] = {
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
};

/* The scalar fields of a case, for both directions. */
struct field {
	const char *name;
	size_t offset;
	unsigned int bytes;
};

#define FIELD(f)	{ #f, offsetof(struct test_case, f), sizeof(((struct test_case *)0)->f) }

static const struct field fields[] = {
	FIELD(code_la), FIELD(rip), FIELD(rflags), FIELD(cs), FIELD(ss), FIELD(ds),
	FIELD(es), FIELD(fs), FIELD(gs), FIELD(fs_base), FIELD(gs_base), FIELD(vectors),
};

struct printer {
	char *at, *end;
};

__attribute__((format(printf, 2, 3)))
static void put(struct printer *p, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(p->at, p->end - p->at, format, args);
	va_end(args);
	p->at = p->at + n < p->end ? p->at + n : p->end - 1;
}

static void print_patch(struct printer *p, const struct patch *patch)
{
	unsigned int i;

	if (!patch->la)
		return;
	put(p, " patch=%llx:%llx:%u", (unsigned long long)patch->la,
	    (unsigned long long)patch->seed, patch->word_bytes);
	for (i = 0; i < patch->nr_words; i++)
		put(p, ":%llx", (unsigned long long)patch->word[i]);
}

void case_print(const struct test_case *t, char *line, unsigned int size)
{
	struct printer p = { line, line + size };
	unsigned int i;

	put(&p, "code=");
	for (i = 0; i < t->len; i++)
		put(&p, "%02x", t->code[i]);
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		u64 val = 0;

		memcpy(&val, (const u8 *)t + fields[i].offset, fields[i].bytes);
		if (val)
			put(&p, " %s=%llx", fields[i].name, (unsigned long long)val);
	}
	for (i = 0; i < 16; i++)
		if (t->regs[i])
			put(&p, " %s=%llx", reg_names[i], (unsigned long long)t->regs[i]);
	for (i = 0; i < CASE_PATCHES; i++)
		print_patch(&p, &t->patch[i]);
}

/* ------------------------------------------------------------------------ */

static bool parse_code(struct test_case *t, const char *hex)
{
	unsigned int byte;

	for (t->len = 0; t->len < CASE_CODE && sscanf(hex, "%2x", &byte) == 1; hex += 2) {
		t->code[t->len++] = byte;
		if (!hex[1])
			break;
	}
	return t->len;
}

static bool parse_patch(struct test_case *t, const char *text)
{
	struct patch *p = t->patch;
	char *at;

	while (p->la)
		if (++p == t->patch + CASE_PATCHES)
			return false;
	p->la = strtoull(text, &at, 16);
	p->seed = *at ? strtoull(at + 1, &at, 16) : 0;
	p->word_bytes = *at ? strtoul(at + 1, &at, 16) : 8;
	while (*at && p->nr_words < ARRAY_SIZE(p->word))
		p->word[p->nr_words++] = strtoull(at + 1, &at, 16);
	return true;
}

static bool parse_field(struct test_case *t, const char *name, const char *text)
{
	u64 val = strtoull(text, NULL, 16);
	unsigned int i;

	if (!strcmp(name, "code"))
		return parse_code(t, text);
	if (!strcmp(name, "patch"))
		return parse_patch(t, text);
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!strcmp(name, fields[i].name)) {
			memcpy((u8 *)t + fields[i].offset, &val, fields[i].bytes);
			return true;
		}
	}
	for (i = 0; i < 16; i++) {
		if (!strcmp(name, reg_names[i])) {
			t->regs[i] = val;
			return true;
		}
	}
	return false;
}

bool case_parse(struct test_case *t, const char *line)
{
	char *copy = strdup(line), *save = NULL, *word, *value;
	bool ok = true;

	memset(t, 0, sizeof(*t));
	for (word = strtok_r(copy, " \n", &save); word && ok;
	     word = strtok_r(NULL, " \n", &save)) {
		value = strchr(word, '=');
		if (value)
			*value++ = 0;
		ok = value && parse_field(t, word, value);
	}
	free(copy);
	return ok && t->len;
}

/* ------------------------------------------------------------------------ */

void patch_bytes(const struct patch *p, u8 *bytes)
{
	struct rng rng = { p->seed };
	unsigned int i;

	for (i = 0; i < PATCH_BYTES; i += 8) {
		u64 word = rnd(&rng);

		memcpy(bytes + i, &word, 8);
	}
	for (i = 0; i < p->nr_words; i++)
		memcpy(bytes + i * p->word_bytes, &p->word[i], p->word_bytes);
}

static u32 mxcsr_mask(void)
{
	static u8 image[512] __attribute__((aligned(16)));
	static u32 mask;

	if (!mask) {
		asm volatile("fxsave64 %0" : "=m" (image));
		memcpy(&mask, image + 28, 4);
	}
	return mask;
}

/* Seeds below 16 make a quiet FPU; others one with MMX or x87 contents and exceptions. */
void case_vectors(u64 seed, u8 *fx, u8 (*ymm_high)[16])
{
	struct rng rng = { seed };
	unsigned int i;
	u16 cw = 0x37f, sw = 0;
	u32 mxcsr = 0x1f80, mask = mxcsr_mask();

	memset(fx, 0, 512);
	for (i = 160; i < 416; i++)
		fx[i] = rnd(&rng);
	for (i = 0; i < 256; i++)
		ymm_high[i / 16][i % 16] = rnd(&rng);
	for (i = 0; i < 8; i++) {
		u64 mantissa = rnd(&rng);

		memcpy(fx + 32 + 16 * i, &mantissa, 8);
		fx[32 + 16 * i + 8] = rnd(&rng);
		fx[32 + 16 * i + 9] = rnd(&rng);
	}
	if (seed >= 16) {
		cw = 0x40 | (rnd(&rng) & 0x0f3f);
		sw = rnd(&rng) & 0x7f00;
		if (chance(&rng, 20))
			sw |= rnd(&rng) & 0x7f;
		if (sw & ~cw & 0x3f)
			sw |= 0x8080;
		fx[4] = rnd(&rng);
		mxcsr = rnd(&rng) & 0xffff;
	}
	memcpy(fx, &cw, 2);
	memcpy(fx + 2, &sw, 2);
	memcpy(fx + 24, &mxcsr, 4);
	memcpy(fx + 28, &mask, 4);
}
