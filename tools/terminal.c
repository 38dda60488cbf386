// SPDX-License-Identifier: GPL-2.0
/*
 * Standard input and output as the guest's console.  A terminal is put into
 * raw mode, so that every key reaches the guest; Ctrl-A is the one escape:
 * Ctrl-A x ends the run, Ctrl-A Ctrl-A sends one.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "launch.h"

#define CTRL_A 1

static struct termios saved;
static bool raw;
static struct vm *terminal_vm;
static bool (*terminal_input)(struct vm *vm, uint8_t byte);

/* Gives the terminal back as it was. */
void terminal_restore(void)
{
	if (raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
	raw = false;
}

static void make_raw(void)
{
	struct termios mode;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &saved))
		return;
	mode = saved;
	cfmakeraw(&mode);
	raw = !tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
}

/*
 * A pipe waits until the guest takes its input.  A person does not: what is
 * typed into a stuck guest is lost, or Ctrl-A x would wait behind it.
 */
static void pass_on(uint8_t byte)
{
	while (!terminal_input(terminal_vm, byte) && !raw && !vm_ended(terminal_vm))
		usleep(1000);
}

/* Passes a byte on, or acts on the escape. */
static void typed(uint8_t byte)
{
	static bool escape;

	if (raw && !escape && byte == CTRL_A) {
		escape = true;
		return;
	}
	if (escape && (byte == 'x' || byte == 'X'))
		vm_end(terminal_vm, STATUS_QUIT);
	else
		pass_on(byte);
	escape = false;
}

static void *input_thread(void *unused)
{
	struct pollfd wait = { .fd = STDIN_FILENO, .events = POLLIN };
	uint8_t bytes[64];
	ssize_t i, n;

	for (;;) {
		n = read(STDIN_FILENO, bytes, sizeof(bytes));
		for (i = 0; i < n; i++)
			typed(bytes[i]);
		/* Whoever else has the terminal may have made it non-blocking. */
		if (n < 0 && errno == EAGAIN)
			poll(&wait, 1, -1);
		else if (!n || (n < 0 && errno != EINTR))
			return unused;
	}
}

/* Signals that would end us must give the terminal back first. */
static void *signal_thread(void *set)
{
	int signal;

	sigwait(set, &signal);
	vm_end(terminal_vm, STATUS_QUIT);
	return NULL;
}

/* Starts to pass on what is typed; @input says whether it took the byte. */
void terminal_start(struct vm *vm, bool (*input)(struct vm *vm, uint8_t byte))
{
	static const int signals[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	static sigset_t ending;
	struct sigaction action;
	pthread_t thread;
	unsigned int i;
	int error;

	terminal_vm = vm;
	terminal_input = input;
	sigemptyset(&ending);
	/* But for what nohup, or a shell's background, has us ignore. */
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		if (!sigaction(signals[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(&ending, signals[i]);
	/* Threads made later inherit the mask: the signals go to their thread. */
	pthread_sigmask(SIG_BLOCK, &ending, NULL);
	signal(SIGPIPE, SIG_IGN);
	make_raw();
	error = pthread_create(&thread, NULL, signal_thread, &ending);
	if (!error)
		error = pthread_create(&thread, NULL, input_thread, NULL);
	if (error)
		die(STATUS_HOST, "no threads for the terminal: %s", strerror(error));
}

/* Writes a byte; waits where the other end is slow, but not beyond the VM's end. */
void terminal_put(uint8_t byte)
{
	struct pollfd wait = { .fd = STDOUT_FILENO, .events = POLLOUT };

	while (poll(&wait, 1, 100) <= 0)
		if (vm_ended(terminal_vm))
			return;
	while (write(STDOUT_FILENO, &byte, 1) < 0 && (errno == EINTR || errno == EAGAIN))
		if (vm_ended(terminal_vm))
			return;
}
