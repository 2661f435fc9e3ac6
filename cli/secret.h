/* SPDX-License-Identifier: MIT */
#ifndef CLI_SECRET_H
#define CLI_SECRET_H

#include <heapscan/target.h>

/*
 * hs_secret_fn; ARG is the const char * of --passphrase-file, or NULL. From
 * that file, else from HEAPSCAN_PASSPHRASE, else from the terminal. A raw key
 * is 32 bytes in a file, or 64 hexadecimal digits anywhere.
 */
bool secret_ask(void *arg, const char *what, enum hs_secret_kind kind,
		uint8_t *buf, size_t size, size_t *len);

#endif
