/* SPDX-License-Identifier: MIT */
#include <heapscan/capture.h>

#include <string.h>

#include "backends/core_write.h"
#include "backends/slice_series.h"
#include "backends/slice_write.h"
#include "core/cleanup.h"

const char *hs_capture_lost_name(unsigned bit)
{
	switch (bit) {
	case HS_LOST_FP_REGISTERS:
		return "floating point registers";
	case HS_LOST_SIGNAL:
		return "the signal that ended the process";
	case HS_LOST_FILE_NAMES:
		return "names of mapped files that are no modules";
	case HS_LOST_TABLES:
		return "blocks about the system, keys and the like";
	case HS_LOST_BYTES:
		return "pages that are there in part only";
	default:
		return "unknown";
	}
}

static enum hs_status check(const struct hs_capture_options *opt,
			    struct hs_error *err)
{
	if (opt->format > HS_CAPTURE_CORE ||
	    opt->codec > HS_CAPTURE_SAME_CODEC ||
	    opt->hash > HS_CAPTURE_SAME_HASH)
		return hs_fail(err, HS_ERR_INVALID,
			       "no such format, codec or hash");
	if (opt->format == HS_CAPTURE_CORE && opt->encrypt)
		return hs_fail(err, HS_ERR_INVALID,
			       "an ELF core cannot be encrypted: write a "
			       "slice");
	if (opt->format == HS_CAPTURE_CORE && opt->series)
		return hs_fail(err, HS_ERR_INVALID,
			       "an ELF core cannot refer to others: a series "
			       "consists of slices");
	return HS_OK;
}

/* A caller built with an older header knows fewer members. */
static void take_options(struct hs_capture_options *to,
			 const struct hs_capture_options *from)
{
	size_t size = from->struct_size;
	*to = (struct hs_capture_options){ 0 };
	memcpy(to, from, size < sizeof(*to) ? size : sizeof(*to));
}

enum hs_status hs_capture_write(const struct hs_target *target,
				const char *path,
				const struct hs_capture_options *options,
				struct hs_capture_result *ret,
				struct hs_error *err)
{
	struct hs_capture_options opt;
	HS_CLEANUP(hs_out_file_release)
	struct hs_out_file out = HS_OUT_FILE_NONE;
	struct hs_capture_result result = { 0 };
	take_options(&opt, options);
	enum hs_status st = check(&opt, err);
	if (!st)
		st = hs_out_file_create(&out, path, opt.replace, err);
	if (!st && opt.format == HS_CAPTURE_SLICE)
		st = hs_slice_write(target, &opt, path, &out, &result, err);
	else if (!st)
		st = hs_core_write(target, &opt, &out, &result, err);
	if (!st)
		st = hs_out_file_commit(&out, err);
	if (opt.series && st)
		hs_series_abort(opt.series);
	else if (opt.series)
		hs_series_commit(opt.series);
	if (st)
		return st;
	result.file_size = out.at;
	if (ret)
		*ret = result;
	return HS_OK;
}

enum hs_status hs_slice_rewrite(const struct hs_slice *slice, const char *path,
				const struct hs_capture_options *options,
				struct hs_capture_result *ret,
				struct hs_error *err)
{
	struct hs_capture_options opt;
	HS_CLEANUP(hs_out_file_release)
	struct hs_out_file out = HS_OUT_FILE_NONE;
	struct hs_capture_result result = { 0 };
	take_options(&opt, options);
	opt.format = HS_CAPTURE_SLICE;
	enum hs_status st = check(&opt, err);
	if (!st)
		st = hs_out_file_create(&out, path, opt.replace, err);
	if (!st)
		st = hs_slice_write_again(slice, &opt, path, &out, &result,
					  err);
	if (!st)
		st = hs_out_file_commit(&out, err);
	if (st)
		return st;
	result.file_size = out.at;
	if (ret)
		*ret = result;
	return HS_OK;
}
