#!/bin/sh
# SPDX-License-Identifier: MIT
# enter.sh ROOT COMMAND...: becomes COMMAND in a root of roots.sh, in its
# /tmp/names, with this machine's /proc.
set -eu
users=
[ "$(id -u)" = 0 ] || users="--user --map-root-user"
# shellcheck disable=SC2016,SC2086
exec unshare $users --mount -- sh -c '
	root=$1
	shift
	mount --rbind /proc "$root/proc"
	exec chroot "$root" /bin/sh -c "cd /tmp/names && exec \"\$@\"" sh "$@"' \
	sh "$@"
