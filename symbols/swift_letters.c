/* SPDX-License-Identifier: MIT */
#include "symbols/swift_letters.h"

#include <stddef.h>

struct letter {
	char letter;
	const char *name;
};

/* clang-format off */
static const struct letter standard_types[] = {
	{ 'A', "AutoreleasingUnsafeMutablePointer" }, { 'a', "Array" },
	{ 'b', "Bool" }, { 'D', "Dictionary" }, { 'd', "Double" },
	{ 'f', "Float" }, { 'h', "Set" }, { 'I', "DefaultIndices" },
	{ 'i', "Int" }, { 'J', "Character" }, { 'N', "ClosedRange" },
	{ 'n', "Range" }, { 'O', "ObjectIdentifier" },
	{ 'P', "UnsafePointer" }, { 'p', "UnsafeMutablePointer" },
	{ 'q', "Optional" }, { 'R', "UnsafeBufferPointer" },
	{ 'r', "UnsafeMutableBufferPointer" }, { 'S', "String" },
	{ 's', "Substring" }, { 'u', "UInt" }, { 'V', "UnsafeRawPointer" },
	{ 'v', "UnsafeMutableRawPointer" },
	{ 'W', "UnsafeRawBufferPointer" },
	{ 'w', "UnsafeMutableRawBufferPointer" },
};
static const struct letter standard_protocols[] = {
	{ 'B', "BinaryFloatingPoint" }, { 'E', "Encodable" },
	{ 'e', "Decodable" }, { 'F', "FloatingPoint" },
	{ 'G', "RandomNumberGenerator" }, { 'H', "Hashable" },
	{ 'j', "Numeric" }, { 'K', "BidirectionalCollection" },
	{ 'k', "RandomAccessCollection" }, { 'L', "Comparable" },
	{ 'l', "Collection" }, { 'M', "MutableCollection" },
	{ 'm', "RangeReplaceableCollection" }, { 'Q', "Equatable" },
	{ 'T', "Sequence" }, { 't', "IteratorProtocol" },
	{ 'U', "UnsignedInteger" }, { 'X', "RangeExpression" },
	{ 'x', "Strideable" }, { 'Y', "RawRepresentable" },
	{ 'y', "StringProtocol" }, { 'Z', "SignedInteger" },
	{ 'z', "BinaryInteger" },
};
static const struct letter concurrency_types[] = {
	{ 'C', "CheckedContinuation" }, { 'c', "UnsafeContinuation" },
	{ 'E', "CancellationError" }, { 'e', "UnownedSerialExecutor" }, { 'G', "TaskGroup" },
	{ 'g', "ThrowingTaskGroup" }, { 'J', "UnownedJob" },
	{ 'M', "MainActor" }, { 'P', "TaskPriority" },
	{ 'S', "AsyncStream" }, { 's', "AsyncThrowingStream" },
	{ 'T', "Task" }, { 't', "UnsafeCurrentTask" },
};
static const struct letter concurrency_protocols[] = {
	{ 'A', "Actor" }, { 'F', "Executor" }, { 'f', "SerialExecutor" },
	{ 'h', "TaskExecutor" }, { 'I', "AsyncIteratorProtocol" },
	{ 'i', "AsyncSequence" },
};
/* clang-format on */
#define LOOK_UP(table, c) look_up(table, sizeof(table) / sizeof(table[0]), c)

static const char *look_up(const struct letter *entry, size_t count,
			   char letter)
{
	for (size_t i = 0; i < count; i++)
		if (entry[i].letter == letter)
			return entry[i].name;
	return NULL;
}

const char *hs_swift_letter(char letter, bool concurrency, bool *protocol)
{
	const char *name = concurrency ? LOOK_UP(concurrency_types, letter)
				       : LOOK_UP(standard_types, letter);
	*protocol = !name;
	if (!name)
		name = concurrency ? LOOK_UP(concurrency_protocols, letter)
				   : LOOK_UP(standard_protocols, letter);
	return name;
}
