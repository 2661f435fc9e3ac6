/* SPDX-License-Identifier: MIT */
#include "cli/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/out_text.h"

#define KEY_LEN 32u

/* As much of FD as there is, SIZE bytes at most; -1: an error or too much. */
static ssize_t read_all(int fd, uint8_t *buf, size_t size)
{
	size_t used = 0;
	for (;;) {
		uint8_t more;
		ssize_t n = used < size ? read(fd, buf + used, size - used)
					: read(fd, &more, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (n > 0 && used == size))
			return -1;
		if (n == 0)
			return (ssize_t)used;
		used += (size_t)n;
	}
}

static bool from_file(const char *path, uint8_t *buf, size_t size, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read_all(fd, buf, size);
	int why = errno;
	if (fd >= 0)
		(void)close(fd);
	if (n < 0) {
		cli_note("cannot read the passphrase from '%s': %s", path,
			 fd < 0 ? strerror(why) : "it is too long, or broken");
		return false;
	}
	*len = (size_t)n;
	return true;
}

static bool from_text(const char *text, uint8_t *buf, size_t size, size_t *len)
{
	*len = strlen(text);
	if (*len > size)
		return false;
	memcpy(buf, text, *len);
	return true;
}

/* A line of the terminal, without showing it. */
static bool from_terminal(const char *what, enum hs_secret_kind kind,
			  uint8_t *buf, size_t size, size_t *len)
{
	struct termios before, quiet;
	char shown[512];
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty < 0)
		return false;
	if (!isatty(STDERR_FILENO) || tcgetattr(tty, &before) != 0) {
		(void)close(tty); /* nobody would see the question */
		return false;
	}
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_lflag |= ECHONL | ICANON;
	text_escape(shown, sizeof(shown), what);
	(void)fprintf(stderr, "%s of '%s': ",
		      kind == HS_SECRET_KEY ? "key (hexadecimal)"
					    : "passphrase",
		      shown);
	bool done = tcsetattr(tty, TCSAFLUSH, &quiet) == 0;
	ssize_t n = done ? read(tty, buf, size) : -1;
	(void)tcsetattr(tty, TCSAFLUSH, &before);
	(void)close(tty);
	*len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static void strip_newline(const uint8_t *buf, size_t *len)
{
	if (*len > 0 && buf[*len - 1] == '\n')
		(*len)--;
	if (*len > 0 && buf[*len - 1] == '\r')
		(*len)--;
}

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 64 digits become 32 bytes, in place. */
static void decode_key(uint8_t *buf, size_t *len)
{
	size_t digits = *len;
	if (digits == KEY_LEN)
		return;
	strip_newline(buf, &digits);
	if (digits != 2 * KEY_LEN)
		return;
	for (size_t i = 0; i < digits; i++)
		if (digit(buf[i]) < 0)
			return;
	for (size_t i = 0; i < KEY_LEN; i++)
		buf[i] = (uint8_t)(digit(buf[2 * i]) << 4 |
				   digit(buf[2 * i + 1]));
	*len = KEY_LEN;
}

bool secret_ask(void *arg, const char *what, enum hs_secret_kind kind,
		uint8_t *buf, size_t size, size_t *len)
{
	const char *path = arg;
	const char *text = getenv("HEAPSCAN_PASSPHRASE");
	bool have = path   ? from_file(path, buf, size, len)
		    : text ? from_text(text, buf, size, len)
			   : from_terminal(what, kind, buf, size, len);
	if (!have)
		return false;
	if (kind == HS_SECRET_KEY)
		decode_key(buf, len);
	else if (path || !text)
		strip_newline(buf, len);
	return true;
}
