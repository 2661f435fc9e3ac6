/* SPDX-License-Identifier: MIT */
#ifndef HEAPSCAN_TYPES_H
#define HEAPSCAN_TYPES_H

#include <heapscan/confidence.h>
#include <heapscan/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What the live blocks of a heap are: names that language runtimes leave
 * beside their objects, and shapes of well-known data structures. A name is an
 * annotation with a source, a confidence and a reason; a block that nothing
 * speaks for has none. Free chunks never have one.
 */
struct hs_types; /* opaque; borrows target and heap, which must outlive it */

/* Who recognised it. The word is the same in every output. */
/* clang-format off */
#define HS_TYPE_SOURCES(X)                                              \
	X(SWIFT, "swift")         /* metadata of the Swift runtime */   \
	X(CXX, "c++")             /* run-time type information */       \
	X(PYTHON, "python")       /* type objects of CPython */         \
	X(GOBJECT, "gobject")     /* GLib's table of types */           \
	X(GLIBC, "glibc")         /* the C library's own blocks */      \
	X(GLIB, "glib")           /* shapes of its structures */        \
	X(OPENSSL, "openssl")     /* shapes of its containers */        \
	X(PERL, "perl")           /* arenas of its values and operators */ \
	X(NGINX, "nginx")         /* its pools */                       \
	X(LIBTASN1, "libtasn1")   /* trees of GnuTLS */                 \
	X(RUST, "rust")           /* tables of trait objects */         \
	X(LIBCXX, "libc++")       /* shapes of its containers */        \
	X(LIBSTDCXX, "libstdc++") /* shapes of its containers */        \
	X(DWARF, "dwarf")         /* declared types, spread by pointers */ \
	X(TEXT, "text")           /* nothing but characters */          \
	X(SQLITE, "sqlite")       /* pages in its cache */              \
	X(ZLIB, "zlib")           /* states of streams */               \
	X(LUA, "lua")             /* its objects */                     \
	X(LIBXML2, "libxml2")     /* nodes of trees */                  \
	X(REDIS, "redis")         /* dicts, objects and strings */      \
	X(SHAPE, "shape")         /* nothing but pointers, or texts */  \
	X(READLINE, "readline")   /* its maps of keys */               \
	X(POSTGRES, "postgresql") /* memory contexts */                 \
	X(LIBREOFFICE, "libreoffice") /* its strings */                 \
	X(BASH, "bash")           /* variables and functions */         \
	X(CURL, "curl")           /* handles and buffers */
/* clang-format on */

enum hs_type_source {
#define X(id, word) HS_TYPE_##id,
	HS_TYPE_SOURCES(X)
#undef X
		HS_TYPE_SOURCE_COUNT
};
HS_API const char *hs_type_source_name(enum hs_type_source source);

/* struct_size first, the rest zero; grows at the end. */
struct hs_types_options {
	size_t struct_size;
	hs_progress_fn progress; /* may be NULL */
	void *progress_arg;
	unsigned jobs; /* threads; 0: as many as this process may use */
	/* Where debug information is found, for the types of C; NULL: it is
	 * not used. Must outlive the result. */
	struct hs_symbols *symbols;
	/* Rules about C types, one a line, as docs/types.md describes; or NULL.
	 * HS_ERR_INVALID: one is not understood. */
	const char *rules;
	/* Leave out the types of C programs: debug information need not be read
	 * then, and no reference is known better by them. */
	bool without_c;
};

/*
 * Name every live block, in two passes over the heap; OPT may be NULL. What
 * cannot be named is no failure. Free *RET with hs_types_free().
 */
HS_API enum hs_status hs_types_new(struct hs_target *target,
				   const struct hs_heap *heap,
				   const struct hs_types_options *opt,
				   struct hs_types **ret, struct hs_error *err);
HS_API void hs_types_free(struct hs_types *types); /* NULL is fine */

struct hs_type_info {
	const char *name; /* UTF-8; never NULL, borrowed */
	enum hs_type_source source;
	enum hs_confidence confidence;
	const char *evidence;  /* for people: how it is known */
	size_t module;         /* where the type is defined, for
				* hs_target_module(); SIZE_MAX: not known */
	struct hs_total total; /* live blocks that are one */
};
/* In the order in which they were met; a few may have no block. */
HS_API size_t hs_types_count(const struct hs_types *types);
HS_API void hs_types_info(const struct hs_types *types, size_t i,
			  struct hs_type_info *ret);

/* Are there objects whose references may carry a tag in their top byte? */
HS_API bool hs_types_tagged(const struct hs_types *types);

/*
 * Does the program hide references from those who do not know its types, as
 * Swift does (tags in pointers, side tables)? Without names many of its blocks
 * seem to have leaked. Looks at a sample of blocks: quick, whatever the size.
 * False also where there is no memory to find out.
 */
HS_API bool hs_types_hide_references(struct hs_target *target,
				     const struct hs_heap *heap);

/* The type of chunk CHUNK, SIZE_MAX: none. */
HS_API size_t hs_types_of(const struct hs_types *types, size_t chunk);

/* What stayed without a name. */
struct hs_types_summary {
	struct hs_total live, named;
	/* Blocks whose class is known to be there but whose name was not
	 * captured, and a module that would tell; SIZE_MAX: none. */
	uint64_t nameless;
	size_t missing_module;
	/* The program, when symbols were given and there is no debug
	 * information about it: C types are not known. Else SIZE_MAX. */
	size_t without_debug_info;
	/* Files that hold the debug information of one unit each (.dwo) and
	 * were not found, of all modules. */
	uint64_t missing_split_files;
};
HS_API void hs_types_summary(const struct hs_types *types,
			     struct hs_types_summary *ret);

/*
 * Blocks without a name that are of one size and look alike: their first words
 * are pointers, numbers, text or zero at the same places. What they are, nobody
 * knows.
 */
struct hs_unnamed_group {
	uint64_t usable; /* bytes of each */
	struct hs_total total;
	hs_addr sample;  /* the first one's user pointer */
	char looks[160]; /* for people: "2 pointers, text, zero" */
	/* An image that the same word of nearly all of them leads to, as far
	 * as some of them were looked at; SIZE_MAX: none. What it is of them,
	 * nobody knows either. */
	size_t module;   /* for hs_target_module() */
	bool functions;  /* to its code, not to its data */
	uint64_t offset; /* of the word, bytes */
};
/*
 * Up to MAX groups into RET, *COUNT of them, those with the most bytes first.
 * Takes a look at all such blocks. HS_ERR_NOMEM.
 */
HS_API enum hs_status hs_types_unnamed(struct hs_types *types,
				       struct hs_unnamed_group *ret, size_t max,
				       size_t *count, struct hs_error *err);

/*
 * Memory that a runtime cuts into objects itself. They are no blocks of malloc,
 * and in no sum above: areas lie beside the heap, or within blocks that have
 * been counted as a whole.
 */
/* clang-format off */
#define HS_AREAS(X)                                                     \
	X(PYMALLOC, "pymalloc arenas") /* CPython's; from mmap(2) */    \
	X(GSLICE, "GSlice slabs")      /* GLib's before 2.76; blocks */ \
	X(PERL, "perl value heads")    /* blocks */
/* clang-format on */

enum hs_area {
#define X(id, word) HS_AREA_##id,
	HS_AREAS(X)
#undef X
		HS_AREA_COUNT
};
HS_API const char *hs_area_name(enum hs_area area);

struct hs_area_info {
	uint64_t count, bytes; /* of areas, free parts included; 0: none */
	bool in_blocks;        /* they lie in blocks of malloc */
	/* Parts in use and those with a name; chunk_bytes is 0. Where only the
	 * runtime can tell which parts are in use, the two are the same. */
	bool live_known;
	struct hs_total live, named;
};
HS_API void hs_types_area(const struct hs_types *types, enum hs_area area,
			  struct hs_area_info *ret);
/* Parts of AREA that are of type I. */
HS_API void hs_types_in_area(const struct hs_types *types, enum hs_area area,
			     size_t i, struct hs_total *ret);

struct hs_part_info {
	enum hs_area area;
	hs_addr start;
	uint64_t size; /* bytes */
	bool live;
	size_t type; /* SIZE_MAX: none */
};
/* The part that ADDR lies in; false: none. */
HS_API bool hs_types_part_at(struct hs_types *types, hs_addr addr,
			     struct hs_part_info *ret);

/*
 * What the program's source calls ADDR, which lies in a variable and in no
 * block: "table[3].first". Into BUF of SIZE bytes, not escaped. False: nothing
 * is known of a variable there, or it does not fit.
 */
HS_API bool hs_types_place(struct hs_types *types, hs_addr addr, char *buf,
			   size_t size);

/* What a pointer does for the life of what it points to. */
enum hs_strength {
	HS_STRENGTH_NONE, /* no reference, or not known */
	HS_STRENGTH_STRONG,
	HS_STRENGTH_WEAK,      /* cleared when the object dies */
	HS_STRENGTH_UNOWNED,   /* checked, but does not keep it alive */
	HS_STRENGTH_UNMANAGED, /* a plain address */
	HS_STRENGTH_UNUSED,    /* left over where nobody looks any more; told
				* by hs_types_references() alone */
};
HS_API const char *hs_strength_name(enum hs_strength strength);

struct hs_field_info {
	const char *name;
	const char *type; /* NULL: not known */
	uint64_t offset;  /* bytes from the user pointer */
	enum hs_strength strength;
	/* What it refers to, also where the bits are disguised (a weak
	 * reference's side table, an enum's tag); HS_NO_ADDR: nothing. */
	hs_addr refers_to;
	uint64_t word; /* where the reference is: bytes from the user pointer,
			* within the field */
	/* What is in it, as a debugger writes it ("42", "BLUE", "{1, 2}"), for
	 * numbers and enums that are readable; else NULL. */
	const char *value;
	/* The text in it or that it points to, and what it is worth to people
	 * who must not see it: shown only on request. NULL: none. */
	const char *text;
	unsigned depth; /* of structs around it within the object; NAME is the
			 * whole path ("link.next") */
};
/*
 * The fields of the object in CHUNK that its runtime describes, as they are in
 * memory; INFO is borrowed for the call. False from FN stops.
 */
typedef bool (*hs_field_fn)(void *arg, const struct hs_field_info *info);
HS_API void hs_types_fields(struct hs_types *types, size_t chunk,
			    hs_field_fn fn, void *arg);
/* The same for those who want references alone, of many blocks: values and
 * texts may be left out. */
HS_API void hs_types_references(struct hs_types *types, size_t chunk,
				hs_field_fn fn, void *arg);

/*
 * How often the object in CHUNK was retained, as its runtime counts: the strong
 * references that there should be. False: it is not counted.
 */
HS_API bool hs_types_retains(struct hs_types *types, size_t chunk,
			     uint64_t *ret);

/* What else there is to say: pairs such as "strong references", "2". */
typedef bool (*hs_detail_fn)(void *arg, const char *what, const char *value);
HS_API void hs_types_details(struct hs_types *types, size_t chunk,
			     hs_detail_fn fn, void *arg);

#ifdef __cplusplus
}
#endif
#endif
