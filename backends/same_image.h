/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SAME_IMAGE_H
#define BACKENDS_SAME_IMAGE_H

#include "backends/file_overlay.h"

/*
 * Is a file the image that a target ran, where no build id tells? What the
 * target itself has of the image is held against the file: read-only pages byte
 * by byte, and every pointer that the loader wrote against the relocation that
 * made it. A file from another build has its functions and strings elsewhere,
 * and so differs in most of those pointers. What was made read-only afterwards
 * must be right; of the rest a few may have been written to since.
 */
struct hs_same_image {
	uint64_t bytes;         /* that are the same */
	uint64_t read_only;     /* bytes that there are to compare in all */
	uint64_t words;         /* sealed pointers that are what they must be */
	uint64_t open, written; /* others that are, and that are not */
	hs_addr differs;        /* the first that must not; HS_NO_ADDR: none */
};

/* Compare IMAGE in TARGET's memory with FILE; needs TARGET's spans sorted. */
void hs_same_image(const struct hs_target *target,
		   const struct hs_elf_image *image,
		   const struct hs_file_overlay *file,
		   struct hs_same_image *ret);
/* Is that enough to take the file for the image? */
bool hs_same_image_enough(const struct hs_same_image *same);

#endif
