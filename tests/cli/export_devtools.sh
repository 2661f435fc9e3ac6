#!/bin/sh
# SPDX-License-Identifier: MIT
# DevTools' own loader reads a heap snapshot without complaint, and its retained
# sizes are ours. It comes from npm once and is kept in the build folder.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
command -v node >/dev/null || skip "node is not installed"
command -v npm >/dev/null || skip "npm is not installed"
# The last ones that are plain scripts, which need no bundler.
version=1.0.672485
kept=$BUILD/devtools-$version
if [ ! -d "$kept/package/front_end" ]; then
	(
		cd "$work" && timeout 60 npm pack --silent --fetch-retries=0 \
			"chrome-devtools-frontend@$version" >packed 2>/dev/null &&
			mkdir unpacked && tar -xzf ./*.tgz -C unpacked
	) || skip "npm does not give chrome-devtools-frontend"
	rm -rf "$kept"
	mv "$work/unpacked" "$kept" 2>/dev/null || [ -d "$kept" ] ||
		skip "the build folder cannot be written"
fi
start held
run export --format heapsnapshot --pid "$program"
node "$SOURCE/tests/exports/devtools.js" "$kept/package/front_end" \
	"$work/out" >"$work/devtools" || fail "DevTools does not load it"
python3 -B "$SOURCE/tests/exports/heapsnapshot.py" "$work/out" \
	"$work/run/ledger" "$work/devtools" || fail "DevTools sees it otherwise"
finish
