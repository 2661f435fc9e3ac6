/* SPDX-License-Identifier: MIT */
#ifndef CLI_FAULT_H
#define CLI_FAULT_H

#include "cli/out.h"

/*
 * A mapped core that shrinks while we read it ends the process with SIGBUS.
 * Say so in one line instead, and with JSON also as an error document unless
 * something left through OUT already. OUT must stay valid.
 */
void fault_catch(const struct out *out, bool json);

#endif
