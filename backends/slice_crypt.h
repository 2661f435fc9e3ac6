/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_CRYPT_H
#define BACKENDS_SLICE_CRYPT_H

#include <heapscan/target.h>

#include "backends/slice_header.h"

/*
 * The content of an encrypted slice. One tag authenticates all of it, so all
 * of it is decrypted before any is shown.
 */

/* Can we open this lock, without asking for its secret? HS_ERR_UNSUPPORTED,
 * HS_ERR_FORMAT, HS_ERR_LIMIT: Argon2 would cost too much. */
HS_MUST_CHECK enum hs_status
hs_slice_lock_check(const struct hs_slice_lock *lock, struct hs_error *err);

/*
 * Decrypt the slice called NAME, BYTES with its header: OUT, which has room
 * for LEN - SLICE_TAG_LEN bytes, gets the header and the blocks in the clear.
 * The secret is asked of OPT. A wrong secret and a file that was tampered with
 * are one HS_ERR_PERMISSION; then OUT is wiped.
 */
HS_MUST_CHECK enum hs_status
hs_slice_decrypt(const struct hs_slice_header *header, const char *name,
		 const uint8_t *bytes, size_t len,
		 const struct hs_open_options *opt, uint8_t *out,
		 struct hs_error *err);

#endif
