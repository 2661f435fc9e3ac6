/* SPDX-License-Identifier: MIT */
#include "backends/unpacked_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zstd.h>

#include "core/cleanup.h"
#include "core/limits.h"

#define BUFFER ((size_t)1 << 20)
#define PAGE ((size_t)4096) /* what holes are made of */
/* How many bytes are written before the disk is asked again what is left. */
#define ASK_AGAIN ((uint64_t)64 << 20)

static const struct {
	uint8_t magic[4];
	const char *name;
} packings[] = {
	[HS_PACKING_ZSTD] = { { 0x28, 0xb5, 0x2f, 0xfd }, "zstd" },
	[HS_PACKING_LZ4] = { { 0x04, 0x22, 0x4d, 0x18 }, "lz4" },
};

enum hs_packing hs_packing_of(const uint8_t *head, size_t len)
{
	for (int p = HS_PACKING_ZSTD; p <= HS_PACKING_LZ4; p++)
		if (len >= 4 && memcmp(head, packings[p].magic, 4) == 0)
			return (enum hs_packing)p;
	return HS_PACKING_NONE;
}

const char *hs_packing_name(enum hs_packing packing)
{
	return packing == HS_PACKING_NONE ? "no" : packings[packing].name;
}

struct unpacking {
	const char *name;
	const struct hs_open_options *opt;
	enum hs_packing packing;
	int in, out;
	uint64_t in_len, in_done;
	uint64_t len;               /* that came out */
	uint64_t written, asked_at; /* without holes */
	bool no_core;               /* what comes out begins otherwise */
	uint8_t *in_bytes, *out_bytes;
	ZSTD_DStream *zstd;
	LZ4F_dctx *lz4;
};

static void unpacking_release(struct unpacking *u)
{
	if (u->out >= 0)
		(void)close(u->out);
	free(u->in_bytes);
	free(u->out_bytes);
	(void)ZSTD_freeDStream(u->zstd);
	if (u->lz4)
		(void)LZ4F_freeDecompressionContext(u->lz4);
}

/* A file without a name, on disk rather than in memory: cores are large. */
static int temporary_file(void)
{
	static const char *const folders[] = { "/var/tmp", "/tmp" };
	for (size_t i = 0; i < 2; i++) {
		int fd = open(folders[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (fd >= 0)
			return fd;
		/* File systems that cannot do that. */
		char name[] = "/var/tmp/heapscan-XXXXXX";
		char *template = i == 0 ? name : name + strlen("/var");
		fd = mkostemp(template, O_CLOEXEC);
		if (fd >= 0) {
			(void)unlink(template);
			return fd;
		}
	}
	return -1;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	return len == 0 ||
	       (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

static enum hs_status no_room(const struct unpacking *u, struct hs_error *err)
{
	return hs_fail(err, HS_ERR_LIMIT,
		       "'%s' is %s data, and unpacked it does not fit into "
		       "/var/tmp: unpack it where there is room",
		       u->name, hs_packing_name(u->packing));
}

/* A twentieth of the disk, 256 MiB at least, stays free: others live here. */
static bool room_left(struct unpacking *u)
{
	struct statvfs disk;
	if (u->written < u->asked_at || fstatvfs(u->out, &disk) != 0)
		return true;
	u->asked_at = u->written + ASK_AGAIN;
	uint64_t margin = (uint64_t)disk.f_blocks / 20 * disk.f_frsize;
	uint64_t least = (uint64_t)256 << 20;
	return (uint64_t)disk.f_bavail * disk.f_frsize >
	       (margin > least ? margin : least) + ASK_AGAIN;
}

static enum hs_status write_out(struct unpacking *u, const uint8_t *bytes,
				size_t len, struct hs_error *err)
{
	if (len > HS_LIMIT_UNPACKED - u->len)
		return hs_fail(err, HS_ERR_LIMIT,
			       "'%s' is %s data of more than %" PRIu64
			       " bytes: no core is as large",
			       u->name, hs_packing_name(u->packing),
			       HS_LIMIT_UNPACKED);
	if (u->len == 0 && len > 0)
		u->no_core =
			len < SELFMAG || memcmp(bytes, ELFMAG, SELFMAG) != 0;
	for (size_t done = 0; done < len;) {
		size_t n = PAGE - (size_t)(u->len % PAGE);
		if (n > len - done)
			n = len - done;
		if (is_zero(bytes + done, n)) {
			done += n;
			u->len += n;
			continue;
		}
		/* On to the next page of zeroes in one go. */
		while (len - done - n >= PAGE &&
		       !is_zero(bytes + done + n, PAGE))
			n += PAGE;
		if (!room_left(u))
			return no_room(u, err);
		ssize_t put = pwrite(u->out, bytes + done, n, (off_t)u->len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 &&
		    (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
			return no_room(u, err);
		if (put <= 0)
			return hs_fail_errno(err, errno,
					     "cannot unpack '%s' into a "
					     "temporary file: %s",
					     u->name, strerror(errno));
		done += (size_t)put;
		u->len += (uint64_t)put;
		u->written += (uint64_t)put;
	}
	return HS_OK;
}

/* Bytes that came in, unpacked and written. *ENDS: these are all that could
 * be: the rest is damaged. */
static enum hs_status unpack_zstd(struct unpacking *u, size_t len, bool *ends,
				  bool *open, struct hs_error *err)
{
	ZSTD_inBuffer in = { u->in_bytes, len, 0 };
	for (;;) {
		ZSTD_outBuffer out = { u->out_bytes, BUFFER, 0 };
		size_t before = in.pos;
		size_t left = ZSTD_decompressStream(u->zstd, &out, &in);
		enum hs_status st = write_out(u, u->out_bytes, out.pos, err);
		if (st)
			return st;
		if (ZSTD_isError(left) || u->no_core) {
			*ends = true;
			return HS_OK;
		}
		*open = left != 0;
		/* Asked again behind a frame's end, it waits for another. */
		if (in.pos == in.size && (left == 0 || out.pos < out.size))
			return HS_OK;
		if (in.pos == before && out.pos == 0) {
			*ends = true;
			return HS_OK;
		}
	}
}

static enum hs_status unpack_lz4(struct unpacking *u, size_t len, bool *ends,
				 bool *open, struct hs_error *err)
{
	for (size_t at = 0;;) {
		size_t in = len - at, out = BUFFER;
		size_t left = LZ4F_decompress(u->lz4, u->out_bytes, &out,
					      u->in_bytes + at, &in, NULL);
		bool bad = LZ4F_isError(left) != 0;
		enum hs_status st =
			bad ? HS_OK : write_out(u, u->out_bytes, out, err);
		if (st)
			return st;
		if (bad || u->no_core || (in == 0 && out == 0 && at < len)) {
			*ends = true;
			return HS_OK;
		}
		*open = left != 0;
		at += in;
		if (at == len && (left == 0 || out < BUFFER))
			return HS_OK;
	}
}

static enum hs_status read_all(struct unpacking *u, bool *cut,
			       struct hs_error *err)
{
	bool ends = false, open = true;
	while (!ends && !u->no_core) {
		ssize_t got =
			pread(u->in, u->in_bytes, BUFFER, (off_t)u->in_done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return hs_fail_errno(err, errno, "cannot read '%s': %s",
					     u->name, strerror(errno));
		if (got == 0)
			break;
		u->in_done += (uint64_t)got;
		enum hs_status st =
			u->packing == HS_PACKING_ZSTD
				? unpack_zstd(u, (size_t)got, &ends, &open, err)
				: unpack_lz4(u, (size_t)got, &ends, &open, err);
		if (st)
			return st;
		if (u->opt->progress &&
		    !u->opt->progress(u->opt->progress_arg, "unpacking",
				      u->in_done, u->in_len))
			return hs_fail(err, HS_ERR_CANCELLED,
				       "stopped while unpacking");
	}
	*cut = ends || open || u->no_core;
	return HS_OK;
}

enum hs_status hs_file_unpack(int fd, enum hs_packing packing, const char *name,
			      const struct hs_open_options *opt,
			      struct hs_unpacked *ret, struct hs_error *err)
{
	struct stat info;
	HS_CLEANUP(unpacking_release)
	struct unpacking u = {
		.name = name,
		.opt = opt,
		.packing = packing,
		.in = fd,
		.out = -1,
		.in_bytes = malloc(BUFFER),
		.out_bytes = malloc(BUFFER),
	};
	if (packing == HS_PACKING_ZSTD)
		u.zstd = ZSTD_createDStream();
	else if (LZ4F_isError(
			 LZ4F_createDecompressionContext(&u.lz4, LZ4F_VERSION)))
		u.lz4 = NULL;
	if (!u.in_bytes || !u.out_bytes || (!u.zstd && !u.lz4))
		return hs_fail(err, HS_ERR_NOMEM, "no memory to unpack '%s'",
			       name);
	if (fstat(fd, &info) == 0)
		u.in_len = (uint64_t)info.st_size;
	u.out = temporary_file();
	if (u.out < 0)
		return hs_fail_errno(err, errno,
				     "no temporary file in /var/tmp or /tmp "
				     "to unpack '%s' into: %s",
				     name, strerror(errno));
	bool cut = false;
	enum hs_status st = read_all(&u, &cut, err);
	if (st)
		return st;
	if (u.len == 0)
		return hs_fail(err, HS_ERR_FORMAT,
			       "'%s' begins like %s data, but nothing can be "
			       "unpacked from it",
			       name, hs_packing_name(packing));
	if (ftruncate(u.out, (off_t)u.len) != 0)
		return hs_fail_errno(err, errno,
				     "cannot unpack '%s' into a temporary "
				     "file: %s",
				     name, strerror(errno));
	*ret = (struct hs_unpacked){ .fd = u.out, .len = u.len, .cut = cut };
	u.out = -1;
	return HS_OK;
}
