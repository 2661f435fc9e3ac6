#!/bin/sh
# SPDX-License-Identifier: MIT
# Swift programs that wrote down what refers to what, how often each object is
# counted, and what leaked: heapscan says the same. The cores were made by
# fixtures/swift/make.sh.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
command -v xz >/dev/null || skip "xz is not installed"

# compare FILE [plain]
compare() {
	xz -dc "$SOURCE/fixtures/swift/$1.core.xz" >"$work/core"
	xz -dc "$SOURCE/fixtures/swift/$1.truth.txt.xz" >"$work/truth"
	python3 "$SOURCE/tests/types/swift_truth.py" "$1" "$work/truth" \
		"$HEAPSCAN" "$work/core" ${2:+"$2"} || failures=$((failures + 1))
}
compare sdemo-6.0
compare sdemo-6.0-debug
compare sdemo-6.2
compare sdemo-6.2-plain plain
compare stasks-6.0
compare sleaks-6.2
compare sleaks-6.0

# The same program with many more objects: by as many are names and leaks more.
if [ -x "$BUILD/bench/gen_swift" ]; then
	said=$("$BUILD/bench/gen_swift" "$work/core" "$work/truth" 60000 \
		"$work/grown") || fail "gen_swift: $said"
	# shellcheck disable=SC2086 # seven numbers
	python3 "$SOURCE/tests/types/swift_grown.py" "$HEAPSCAN" "$work/core" \
		"$work/grown" ${said#ready } || failures=$((failures + 1))
fi
finish
