/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_FORMAT_H
#define BACKENDS_SLICE_FORMAT_H

/*
 * The numbers of the Memory Slice format, for whoever reads or writes one.
 * docs/slices.md says what they mean and who writes what.
 */
#define SLICE_MAGIC "MEMSLICE"
#define SLICE_MAGIC_LEN 8u
#define SLICE_BLOCK_MAGIC "MSLC"
#define SLICE_BLOCK_MAGIC_LEN 4u

#define SLICE_HEADER_LEN 64u            /* at least */
#define SLICE_HEADER_LEN_ENCRYPTED 128u /* exactly */
#define SLICE_BLOCK_HEADER_LEN 80u
#define SLICE_UUID_LEN 16u
#define SLICE_HASH_LEN 32u /* of every algorithm */
#define SLICE_VERSION_1_0 0x0100u
#define SLICE_VERSION_1_1 0x0101u
#define SLICE_PAYLOAD_VERSION 1u

enum slice_endian { SLICE_LITTLE_ENDIAN = 1, SLICE_BIG_ENDIAN = 2 };

/* Offsets in the file header. */
enum slice_header_at {
	SLICE_AT_ENDIAN = 0x08,
	SLICE_AT_HEADER_SIZE = 0x09,
	SLICE_AT_VERSION = 0x0a,
	SLICE_AT_FLAGS = 0x0c,
	SLICE_AT_CAPABILITIES = 0x10,
	SLICE_AT_UUID = 0x18,
	SLICE_AT_TIMESTAMP = 0x28,
	SLICE_AT_OS = 0x30,
	SLICE_AT_ARCH = 0x32,
	SLICE_AT_PID = 0x34,
	SLICE_AT_CLOCK = 0x38,
	SLICE_AT_BLOCK_COUNT = 0x39, /* u32, unaligned */
	SLICE_AT_HASH = 0x3d,
	/* with SLICE_ENCRYPTED only */
	SLICE_AT_CIPHER = 0x40,
	SLICE_AT_KDF = 0x41,
	SLICE_AT_ENCAPSULATION = 0x42,
	SLICE_AT_KDF_TIME = 0x44,
	SLICE_AT_KDF_MEMORY = 0x48, /* KiB */
	SLICE_AT_KDF_LANES = 0x4c,
	SLICE_AT_ENCAPSULATION_LEN = 0x4e,
	SLICE_AT_NONCE = 0x50,
	SLICE_AT_SALT = 0x68,
};

/* Flags of the file header. */
#define SLICE_IMPORTED 1u
#define SLICE_INVESTIGATION 2u
#define SLICE_ENCRYPTED 4u
#define SLICE_REDACTED 8u

enum slice_hash_algorithm {
	SLICE_HASH_BLAKE3 = 0,
	SLICE_HASH_SHA256 = 1,
	SLICE_HASH_SHA512_256 = 2,
};

enum slice_arch {
	SLICE_ARCH_X86 = 0,
	SLICE_ARCH_X86_64 = 1,
	SLICE_ARCH_ARM64 = 2,
	SLICE_ARCH_UNKNOWN = 0xffff,
};
#define SLICE_OS_LINUX 1u

#define SLICE_CIPHER_AES_256_GCM 1u
#define SLICE_KDF_RAW 0u
#define SLICE_KDF_ARGON2ID 1u
#define SLICE_KEY_LEN 32u
#define SLICE_NONCE_LEN 12u /* of AES-GCM */
#define SLICE_SALT_LEN 16u
#define SLICE_TAG_LEN 16u

/* Offsets in a block header. */
enum slice_block_at {
	SLICE_AT_BLOCK_TYPE = 0x04,
	SLICE_AT_BLOCK_FLAGS = 0x06,
	SLICE_AT_BLOCK_LENGTH = 0x08,
	SLICE_AT_PAYLOAD_VERSION = 0x0c,
	SLICE_AT_BLOCK_UUID = 0x10,
	SLICE_AT_PARENT_UUID = 0x20,
	SLICE_AT_PREVIOUS_HASH = 0x30,
};

/* Flags of a block. The codec counts only with SLICE_COMPRESSED. */
#define SLICE_COMPRESSED 0x01u
#define SLICE_CODEC(flags) ((unsigned)(flags) >> 1 & 3u)
#define SLICE_CODEC_ZSTD 1u
#define SLICE_CODEC_LZ4 2u
#define SLICE_HAS_KEY_HINTS 0x08u
#define SLICE_HAS_CHILDREN 0x10u
#define SLICE_CONTINUATION 0x20u

/* Block types: number, word for people and documents. */
/* clang-format off */
#define SLICE_BLOCK_TYPES(X)                                   \
	X(REGION, 0x0001, "memory-region")                     \
	X(MODULE, 0x0002, "module-entry")                      \
	X(MODULE_LIST, 0x0010, "module-list")                  \
	X(THREAD, 0x0011, "thread-context")                    \
	X(DESCRIPTORS, 0x0012, "file-descriptor")              \
	X(NETWORK, 0x0013, "network-connection")               \
	X(ENVIRONMENT, 0x0014, "environment")                  \
	X(TOKEN, 0x0015, "security-token")                     \
	X(KEY_HINT, 0x0020, "key-hint")                        \
	X(PROVENANCE, 0x0030, "import-provenance")             \
	X(PROCESS, 0x0040, "process-identity")                 \
	X(RELATED, 0x0041, "related-dump")                     \
	X(SYSTEM, 0x0050, "system-context")                    \
	X(PROCESS_TABLE, 0x0051, "process-table")              \
	X(CONNECTION_TABLE, 0x0052, "connection-table")        \
	X(HANDLE_TABLE, 0x0053, "handle-table")                \
	X(CONNECTIVITY, 0x0054, "connectivity-table")          \
	X(KERNEL_SYMBOLS, 0x0055, "kernel-symbol-bundle")      \
	X(PERSISTENCE, 0x0056, "persistence-manifest")         \
	X(KERNEL_MODULES, 0x0057, "kernel-module-list")        \
	X(INTROSPECTION, 0x0058, "target-introspection")       \
	X(PHYSICAL_MAP, 0x0059, "physical-memory-map")         \
	X(BUILD_IDS, 0x005a, "build-id-manifest")              \
	X(END, 0x0fff, "end-of-capture")                       \
	X(VAS_MAP, 0x1001, "vas-map")                          \
	X(POINTER_GRAPH, 0x1003, "pointer-graph")              \
	X(PAGE_REFERENCES, 0x4853, "page-references")
/* clang-format on */

enum slice_block_type {
#define X(id, number, word) SLICE_BLOCK_##id = number,
	SLICE_BLOCK_TYPES(X)
#undef X
};

/* A region's payload: fixed part, page states, pages. */
#define SLICE_REGION_LEN 32u
enum slice_page_state {
	SLICE_PAGE_CAPTURED = 0,
	SLICE_PAGE_FAILED = 1,
	SLICE_PAGE_UNMAPPED = 2,
	SLICE_PAGE_RESERVED = 3, /* read as failed */
};
#define SLICE_PAGE_SHIFT_MIN 10u
#define SLICE_PAGE_SHIFT_MAX 40u

#define SLICE_PROT_READ 1u
#define SLICE_PROT_WRITE 2u
#define SLICE_PROT_EXEC 4u

enum slice_region_type {
	SLICE_REGION_UNKNOWN = 0,
	SLICE_REGION_HEAP = 1,
	SLICE_REGION_STACK = 2,
	SLICE_REGION_IMAGE = 3,
	SLICE_REGION_FILE = 4,
	SLICE_REGION_ANON = 5,
	SLICE_REGION_SHARED = 6,
	SLICE_REGION_OTHER = 0xff,
};

/*
 * References to pages that another slice holds: ours ("HS"), behind the region
 * that has them as failed and as its child. Numbers of bases and of runs (u32),
 * bases (UUID, length of the name, name), runs (first page, count, base), then
 * the hash of every page.
 */
#define SLICE_REFS_LEN 8u
#define SLICE_REFS_BASE_LEN 24u
#define SLICE_REFS_RUN_LEN 24u

/* Bits of the file header's map of what is in the file. */
enum slice_capability {
	SLICE_CAP_REGIONS = 0,
	SLICE_CAP_MODULES = 1,
	SLICE_CAP_THREADS = 2,
	SLICE_CAP_DESCRIPTORS = 3,
	SLICE_CAP_NETWORK = 4,
	SLICE_CAP_ENVIRONMENT = 5,
	SLICE_CAP_SHARED = 6,
	SLICE_CAP_TOKEN = 7,
	SLICE_CAP_IDENTITY = 8,
	SLICE_CAP_RELATED = 9,
	SLICE_CAP_KEY_HINTS = 10,
	SLICE_CAP_SYSTEM = 11,
	SLICE_CAP_PROCESSES = 12,
	SLICE_CAP_CONNECTIONS = 13,
	SLICE_CAP_HANDLES = 14,
};

/* Thread contexts. */
#define SLICE_THREAD_CURRENT 1u
#define SLICE_THREAD_STOPPED 3u
#define SLICE_REGISTER_PC 1u
#define SLICE_REGISTER_SP 2u

#define SLICE_PAD8(n) (((n) + 7u) & ~(uint64_t)7)

#endif
