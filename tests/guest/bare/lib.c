// SPDX-License-Identifier: GPL-2.0
/*
 * What every program needs and no operating system gives: output, the end of
 * the run, memory and string functions, numbers.
 */
#include "bare.h"

#define PORT_SERIAL	0x3f8
#define PORT_END	0xf4		/* kvm-launch(1), "PORTS" */
#define PORT_POWER	0x604
#define POWER_OFF	(5 << 10 | 1 << 13)

/* ------------------------------------------------------------------------
 * The end
 */

void finish(int status)
{
	if (!status)
		outw(PORT_POWER, POWER_OFF);
	else
		outb(PORT_END, status);
	for (;;)
		asm volatile("cli; hlt");
}

/* ------------------------------------------------------------------------
 * Output
 */

static void put(char c)
{
	/* The transmitter of a virtual port is always empty. */
	outb(PORT_SERIAL, c);
}

/* 64 by 32 bits, in two divisions that cannot overflow. */
u64 divide(u64 value, u32 by, u32 *rest)
{
	u32 high = value >> 32, low = value, remainder = high % by;

	high /= by;
	asm("divl %2" : "+a"(low), "+d"(remainder) : "rm"(by));
	*rest = remainder;
	return (u64)high << 32 | low;
}

static void put_number(u64 value, unsigned int base, bool negative, int width, char fill)
{
	char digits[24];
	int nr = 0;
	u32 digit;

	do {
		value = divide(value, base, &digit);
		digits[nr++] = "0123456789abcdef"[digit];
	} while (value);
	if (negative)
		digits[nr++] = '-';
	while (width-- > nr)
		put(fill);
	while (nr)
		put(digits[--nr]);
}

static void put_string(const char *s, int width)
{
	int length = strlen(s);

	while (*s)
		put(*s++);
	while (width-- > length)
		put(' ');
}

/* One conversion of a number; @size counts the letters l before it. */
static void put_argument(char conversion, int size, int width, char fill, va_list *args)
{
	u64 value;

	if (size >= 2)
		value = va_arg(*args, u64);
	else if (size == 1)
		value = va_arg(*args, unsigned long);
	else
		value = va_arg(*args, unsigned int);
	if (conversion != 'd') {
		put_number(value, conversion == 'u' ? 10 : 16, false, width, fill);
		return;
	}
	if (size < 2 && (size == 0 || sizeof(long) == 4))
		value = (s32)value;
	put_number((s64)value < 0 ? -value : value, 10, (s64)value < 0, width, fill);
}

void vprintf(const char *format, va_list list)
{
	va_list args;

	va_copy(args, list);
	for (; *format; format++) {
		int width = 0, size = 0;
		char fill = ' ';

		if (*format != '%') {
			put(*format);
			continue;
		}
		if (*++format == '0')
			fill = '0';
		for (; *format >= '0' && *format <= '9'; format++)
			width = width * 10 + *format - '0';
		for (; *format == 'l'; format++)
			size++;
		if (*format == 's')
			put_string(va_arg(args, const char *), width);
		else if (*format == 'c')
			put(va_arg(args, int));
		else if (*format == '%')
			put('%');
		else
			put_argument(*format == 'p' ? 'x' : *format,
				     *format == 'p' ? 1 : size, width, fill, &args);
	}
	va_end(args);
}

void printf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
}

void die(const char *format, ...)
{
	va_list args;

	printf("FAILED: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	finish(FAIL);
}

/* ------------------------------------------------------------------------
 * Memory and strings
 */

void *memset(void *to, int byte, size_t size)
{
	void *at = to;

	asm volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(byte) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
	void *at = to;

	asm volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size) : : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const u8 *x = a, *y = b;

	for (; size; size--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (u8)*a - (u8)*b;
}

size_t strlen(const char *s)
{
	size_t length = 0;

	while (s[length])
		length++;
	return length;
}

u64 parse_number(const char *s)
{
	unsigned int base = 10, digit;
	u64 value = 0;

	if (s[0] == '0' && (s[1] | 0x20) == 'x') {
		base = 16;
		s += 2;
	}
	for (;; s++) {
		if (*s >= '0' && *s <= '9')
			digit = *s - '0';
		else if (base == 16 && (*s | 0x20) >= 'a' && (*s | 0x20) <= 'f')
			digit = (*s | 0x20) - 'a' + 10;
		else
			return value;
		value = value * base + digit;
	}
}

const char *find_word(int argc, char **argv, const char *name)
{
	size_t length = strlen(name);
	int i;

	for (i = 0; i < argc; i++)
		if (strlen(argv[i]) > length && !memcmp(argv[i], name, length) &&
		    argv[i][length] == '=')
			return argv[i] + length + 1;
	return NULL;
}

/* ------------------------------------------------------------------------
 * Random numbers: a counter, well mixed
 */

u64 random64(struct rng *rng)
{
	u64 x = rng->state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

u32 random_below(struct rng *rng, u32 below)
{
	return (random64(rng) >> 32) * below >> 32;
}
