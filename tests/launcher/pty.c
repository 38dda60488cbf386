// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a command on a terminal of its own, types TEXT once PROMPT has appeared,
 * and says whether the terminal was raw meanwhile and given back afterwards.
 * Usage: pty PROMPT TEXT COMMAND...; exits with the command's status.
 */
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

static int is_raw(int fd)
{
	struct termios mode;

	return !tcgetattr(fd, &mode) && !(mode.c_lflag & (ICANON | ECHO | ISIG));
}

int main(int argc, char **argv)
{
	char seen[65536] = "";
	int fd, slave, status, raw_while = 0;
	size_t length = 0;
	pid_t pid;

	if (argc < 4 || openpty(&fd, &slave, NULL, NULL, NULL))
		return 125;
	pid = fork();
	if (!pid) {
		close(fd);
		login_tty(slave);
		execvp(argv[3], argv + 3);
		_exit(127);
	}
	/* We keep the slave open, so its state can be seen after the command. */
	while (length < sizeof(seen) - 1) {
		ssize_t n = read(fd, seen + length, sizeof(seen) - 1 - length);

		if (n <= 0)
			break;
		length += n;
		seen[length] = 0;
		if (!strstr(seen, argv[1]))
			continue;
		raw_while = is_raw(slave);
		if (write(fd, argv[2], strlen(argv[2])) < 0)
			return 125;
		break;
	}
	waitpid(pid, &status, 0);
	printf("raw %d, after %d\n", raw_while, is_raw(slave));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}
