/* SPDX-License-Identifier: MIT */
#include "backends/slice_header.h"

#include <string.h>

#include "core/cursor.h"

static void parse_lock(struct hs_cursor *c, struct hs_slice_lock *ret)
{
	struct hs_slice_lock lock = { 0 };
	lock.cipher = (uint8_t)hs_cursor_uint(c, 1);
	lock.kdf = (uint8_t)hs_cursor_uint(c, 1);
	lock.encapsulation = (uint8_t)hs_cursor_uint(c, 1);
	(void)hs_cursor_uint(c, 1);
	lock.time = hs_cursor_u32(c);
	lock.memory = hs_cursor_u32(c);
	lock.lanes = (uint8_t)hs_cursor_uint(c, 1);
	(void)hs_cursor_uint(c, 1);
	lock.encapsulation_len = hs_cursor_u16(c);
	const uint8_t *nonce = hs_cursor_bytes(c, SLICE_NONCE_LEN);
	(void)hs_cursor_bytes(c,
			      SLICE_AT_SALT - SLICE_AT_NONCE - SLICE_NONCE_LEN);
	const uint8_t *salt = hs_cursor_bytes(c, SLICE_SALT_LEN);
	if (!salt)
		return; /* the cursor knows */
	memcpy(lock.nonce, nonce, sizeof(lock.nonce));
	memcpy(lock.salt, salt, sizeof(lock.salt));
	*ret = lock;
}

/*
 * Byte order. A known writer can be told to call its file big-endian and
 * writes it little-endian all the same: the version shows it.
 */
static enum hs_status parse_order(const uint8_t *bytes,
				  struct hs_slice_header *h,
				  struct hs_error *err)
{
	const uint8_t *version = bytes + SLICE_AT_VERSION;
	switch (bytes[SLICE_AT_ENDIAN]) {
	case SLICE_LITTLE_ENDIAN:
		break;
	case SLICE_BIG_ENDIAN:
		h->big_endian = version[0] != 0;
		h->mislabelled = !h->big_endian;
		break;
	default:
		return hs_fail(err, HS_ERR_FORMAT,
			       "the slice's byte order is %u, which is neither "
			       "little (1) nor big endian (2)",
			       bytes[SLICE_AT_ENDIAN]);
	}
	unsigned high = version[h->big_endian ? 0 : 1];
	unsigned low = version[h->big_endian ? 1 : 0];
	h->version = (uint16_t)(high << 8 | low);
	/* One writer puts major and minor the other way round. */
	h->legacy = version[0] == 1 && version[1] <= 1 && !h->big_endian &&
		    h->version != SLICE_VERSION_1_1;
	if (h->version >> 8 != 1 && !h->legacy)
		return hs_fail(err, HS_ERR_UNSUPPORTED,
			       "the slice is of version %u.%u; 1.x is "
			       "understood",
			       h->version >> 8, h->version & 0xffu);
	return HS_OK;
}

enum hs_status hs_slice_header_parse(const uint8_t *bytes, size_t len,
				     struct hs_slice_header *ret,
				     struct hs_error *err)
{
	struct hs_slice_header h = { 0 };
	if (len < SLICE_MAGIC_LEN ||
	    memcmp(bytes, SLICE_MAGIC, SLICE_MAGIC_LEN) != 0)
		return hs_fail(err, HS_ERR_FORMAT, "no Memory Slice");
	if (len < SLICE_HEADER_LEN)
		return hs_fail(err, HS_ERR_FORMAT,
			       "the slice is cut within its header, after %zu "
			       "bytes",
			       len);
	enum hs_status st = parse_order(bytes, &h, err);
	if (st)
		return st;
	struct hs_cursor c = { .pos = bytes + SLICE_AT_HEADER_SIZE,
			       .end = bytes + len,
			       .big_endian = h.big_endian };
	h.size = (uint8_t)hs_cursor_uint(&c, 1);
	(void)hs_cursor_u16(&c); /* version */
	h.flags = hs_cursor_u32(&c);
	h.capabilities = hs_cursor_u64(&c);
	memcpy(h.uuid, hs_cursor_bytes(&c, SLICE_UUID_LEN), SLICE_UUID_LEN);
	h.timestamp = hs_cursor_u64(&c);
	h.os = hs_cursor_u16(&c);
	h.arch = hs_cursor_u16(&c);
	h.pid = hs_cursor_u32(&c);
	h.clock = (uint8_t)hs_cursor_uint(&c, 1);
	h.block_count = hs_cursor_u32(&c);
	h.hash = (uint8_t)hs_cursor_uint(&c, 1);
	(void)hs_cursor_u16(&c); /* reserved */
	bool encrypted = h.flags & SLICE_ENCRYPTED;
	if (h.size < SLICE_HEADER_LEN ||
	    (encrypted && h.size != SLICE_HEADER_LEN_ENCRYPTED))
		return hs_fail(err, HS_ERR_FORMAT,
			       "the slice's header claims %u bytes; %s", h.size,
			       encrypted ? "an encrypted one has 128"
					 : "there must be 64 at least");
	if (encrypted)
		parse_lock(&c, &h.lock);
	if (h.size > len || c.overrun)
		return hs_fail(err, HS_ERR_FORMAT,
			       "the slice is cut within its header of %u "
			       "bytes, after %zu",
			       h.size, len);
	*ret = h;
	return HS_OK;
}
