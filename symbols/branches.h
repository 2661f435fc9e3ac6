/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_BRANCHES_H
#define SYMBOLS_BRANCHES_H

#include "core/window.h"

/*
 * Where a call or jump in the code leads, by its instruction: the proof of who
 * called whom. x86-64, i386 and aarch64.
 */
enum hs_branch { HS_BRANCH_CALL, HS_BRANCH_JUMP };

/*
 * Where the branch right before address BEHIND leads, through the linkage table
 * if it goes there. False: there is no such branch, or it goes where a register
 * says.
 */
bool hs_branch_target(struct hs_window *read, hs_addr behind,
		      enum hs_branch kind, hs_addr *ret);

#endif
