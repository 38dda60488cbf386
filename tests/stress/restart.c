// SPDX-License-Identifier: GPL-2.0
/*
 * restart.c - what a shell cannot do to restart a kernel.
 *
 * usage: restart mark | marked
 *        restart kexec|crash KERNEL INITRD CMDLINE
 *
 * The mark is a byte of the clock chip's memory, which no reset and no other
 * kernel clears: `marked` succeeds once, behind it.  kexec starts the other
 * kernel, crash leaves it for a panic to start.
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CMOS_INDEX	0x70
#define CMOS_DATA	0x71
#define MARK_AT		0x70	/* neither firmware uses it */
#define MARK		0xa5

static int mark(unsigned char value)
{
	unsigned char old;

	if (ioperm(CMOS_INDEX, 2, 1))
		return perror("ioperm"), -1;
	outb(MARK_AT, CMOS_INDEX);
	old = inb(CMOS_DATA);
	outb(MARK_AT, CMOS_INDEX);
	outb(value, CMOS_DATA);
	return old;
}

static int load(const char *kernel, const char *initrd, const char *cmdline,
		unsigned long flags)
{
	int k = open(kernel, O_RDONLY), i = open(initrd, O_RDONLY);

	if (k < 0 || i < 0)
		return perror("open"), 1;
	if (syscall(SYS_kexec_file_load, k, i, strlen(cmdline) + 1, cmdline,
		    flags))
		return perror("kexec_file_load"), 1;
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "mark"))
		return mark(MARK) < 0;
	if (!strcmp(what, "marked"))
		return mark(0) != MARK;
	if (argc == 5 && !strcmp(what, "crash"))
		return load(argv[2], argv[3], argv[4], KEXEC_FILE_ON_CRASH);
	if (argc == 5 && !strcmp(what, "kexec")) {
		if (load(argv[2], argv[3], argv[4], 0))
			return 1;
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			LINUX_REBOOT_CMD_KEXEC, NULL);
		return perror("reboot"), 1;
	}
	fprintf(stderr, "usage: restart mark | marked | kexec|crash KERNEL INITRD CMDLINE\n");
	return 2;
}
