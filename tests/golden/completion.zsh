#compdef heapscan
_heapscan()
{
	local -a heapscan_commands options
	local word command=
	heapscan_commands=(
		'summary:what is in this heap, and can the picture be trusted'
		'chunks:every chunk, or those that the filters let through'
		'arenas:arenas, their heaps and what is in them'
		'bins:every list of free chunks that is not empty'
		'threads:threads, their arenas and caches'
		'maps:memory mappings and how much of each was captured'
		'modules:executable and libraries, build ids, debug files'
		'at:what is at these addresses'
		'read:raw bytes of memory, to standard output'
		'check:is the heap damaged, and what did it'
		'graph:references between chunks, as dot'
		'leaks:blocks that nothing leads to'
		'why:who holds this block'
		'owners:who retains how much memory'
		'rss:why the heap is as large as it is'
		'diff:what grew from one capture to the next'
		'search:where in memory something is'
		'info:what a Memory Slice holds'
		'verify:is a Memory Slice as it was written'
		'capture:write a process'\''s memory into a file'
		'convert:core to slice, slice to core, slice to slice'
		'types:blocks by what they are'
		'export:the whole heap for other tools'
		'shell:many questions about one target, kept open'
		'completion:print a completion script for a shell'
		'help:explain heapscan or one of its commands'
	)
	for word in ${words[2,CURRENT-1]}; do
		case $word in
		(summary|chunks|arenas|bins|threads|maps|modules|at|read|check|graph|leaks|why|owners|rss|diff|search|info|verify|capture|convert|types|export|shell|completion|help)
			command=$word
			break ;;
		esac
	done
	case ${command:-summary} in
	(summary)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--summary[with --json\: leave the chunks out]'
			'--dot[references between chunks as dot]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(chunks)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--rules=[what tags and void pointers of a C program stand for]:FILE:_files'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--state=[only chunks in these states]:LIST:(used mmapped tcache fastbin unsorted smallbin largebin top internal unknown in-use free)'
			'--arena=[of this arena\: main, its number or its address]:WHICH:'
			'--tid=[only chunks in this thread'\''s cache]:N:'
			'--min-size=[only chunks of at least SIZE bytes]:SIZE:'
			'--max-size=[only chunks, or mappings, of at most SIZE bytes]:SIZE:'
			'--sort=[by which column; sizes and counts\: largest first]:KEY:(address size state count average name)'
			'--top=[the first N, by size unless --sort is given]:N:'
			'--type=[only blocks of this type; * and ? stand for anything]:NAME:'
			'--jobs=[work with N threads, not with all processors]:N:'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(arenas)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(bins)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(threads)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--frames[show what each thread was doing, call by call]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(maps)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(modules)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(at)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--rules=[what tags and void pointers of a C program stand for]:FILE:_files'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--content[show the text and bytes that memory holds]'
			'--types[name types and fields in heaps of any size]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(read)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(check)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--content[show the text and bytes that memory holds]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(graph)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--rules=[what tags and void pointers of a C program stand for]:FILE:_files'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--dot[references between chunks as dot]'
			'--around=[the neighbourhood of this block]:ADDR:'
			'--depth=[steps from --around, levels of owners (2)]:N:'
			'--by=[fold blocks by type, size or owner]:WHAT:(type size owner)'
			'--max-nodes=[cut the graph at N nodes (200, folded 40)]:N:'
			'--path=[the way from a root to this block]:ADDR:'
			'--leaks[one leak of each shape]'
			'--picture=[draw it\: svg or png]:FORMAT:(dot svg png)'
			'--types[name types and fields in heaps of any size]'
			'--paths=[show N ways, each with another last step (1)]:N:'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(leaks)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--rules=[what tags and void pointers of a C program stand for]:FILE:_files'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--jobs=[work with N threads, not with all processors]:N:'
			'--baseline=[only what leaks more than in this leaks --json]:FILE:_files'
			'--fail-on=[exit 1 from so many blocks, or bytes (B, k, M, G) on]:LIMIT:'
			'--types[name types and fields in heaps of any size]'
			'--at-exit[run the program behind -- and look when it ends]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(why)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--rules=[what tags and void pointers of a C program stand for]:FILE:_files'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--content[show the text and bytes that memory holds]'
			'--jobs=[work with N threads, not with all processors]:N:'
			'--types[name types and fields in heaps of any size]'
			'--paths=[show N ways, each with another last step (1)]:N:'
			'--referrers[everything that points to the block]'
			'--references[everything that the block points to]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(owners)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--rules=[what tags and void pointers of a C program stand for]:FILE:_files'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--top=[the first N, by size unless --sort is given]:N:'
			'--depth=[steps from --around, levels of owners (2)]:N:'
			'--jobs=[work with N threads, not with all processors]:N:'
			'--types[name types and fields in heaps of any size]'
			'--objects[which variable of Python holds how much]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(rss)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--rules=[what tags and void pointers of a C program stand for]:FILE:_files'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--types[name types and fields in heaps of any size]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(diff)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--rules=[what tags and void pointers of a C program stand for]:FILE:_files'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--top=[the first N, by size unless --sort is given]:N:'
			'--by=[fold blocks by type, size or owner]:WHAT:(type size owner)'
			'--jobs=[work with N threads, not with all processors]:N:'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(search)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--rules=[what tags and void pointers of a C program stand for]:FILE:_files'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--jobs=[work with N threads, not with all processors]:N:'
			'--types[name types and fields in heaps of any size]'
			'--as=[what the pattern is (text)]:WHAT:(text hex integer pointer regex)'
			'--everywhere[search all memory, not only the heap]'
			'--why[say of each hit who holds its block]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(info)
		options=(
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--digests[SHA-256 of each region'\''s pages]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(verify)
		options=(
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(capture)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--max-size=[only chunks, or mappings, of at most SIZE bytes]:SIZE:'
			'--output=[the file to write]:FILE:_files'
			'--format=[slice or core of a dump; the others for export]:WHAT:(slice core heapsnapshot pprof sqlite csv ndjson)'
			'--compress=[of a slice (zstd)]:CODEC:(none lz4 zstd)'
			'--hash=[of a slice (blake3)]:NAME:(blake3 sha256 sha512-256)'
			'--encrypt[encrypt the slice with a passphrase]'
			'--new-passphrase-file=[passphrase of the slice that is written]:FILE:_files'
			'--force[replace an existing file]'
			'--only-writable[leave out what the process may not write]'
			'--exclude=[leave out mappings\: paths, patterns, \[stack\], 0xADDR]:LIST:'
			'--shape-only[keep addresses and the allocator'\''s data, no others]'
			'--series=[write N slices, each with what changed meanwhile]:N:'
			'--every=[from one to the next\: seconds, or with m or h (10)]:TIME:'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(convert)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--max-size=[only chunks, or mappings, of at most SIZE bytes]:SIZE:'
			'--format=[slice or core of a dump; the others for export]:WHAT:(slice core heapsnapshot pprof sqlite csv ndjson)'
			'--compress=[of a slice (zstd)]:CODEC:(none lz4 zstd)'
			'--hash=[of a slice (blake3)]:NAME:(blake3 sha256 sha512-256)'
			'--encrypt[encrypt the slice with a passphrase]'
			'--new-passphrase-file=[passphrase of the slice that is written]:FILE:_files'
			'--force[replace an existing file]'
			'--only-writable[leave out what the process may not write]'
			'--exclude=[leave out mappings\: paths, patterns, \[stack\], 0xADDR]:LIST:'
			'--shape-only[keep addresses and the allocator'\''s data, no others]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(types)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--rules=[what tags and void pointers of a C program stand for]:FILE:_files'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--sort=[by which column; sizes and counts\: largest first]:KEY:(address size state count average name)'
			'--top=[the first N, by size unless --sort is given]:N:'
			'--group-by=[one line for each type, source of names or module]:WHAT:(type source module)'
			'--diff=[what changed since this capture]:BEFORE:'
			'--jobs=[work with N threads, not with all processors]:N:'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(export)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--rules=[what tags and void pointers of a C program stand for]:FILE:_files'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--state=[only chunks in these states]:LIST:(used mmapped tcache fastbin unsorted smallbin largebin top internal unknown in-use free)'
			'--arena=[of this arena\: main, its number or its address]:WHICH:'
			'--tid=[only chunks in this thread'\''s cache]:N:'
			'--min-size=[only chunks of at least SIZE bytes]:SIZE:'
			'--max-size=[only chunks, or mappings, of at most SIZE bytes]:SIZE:'
			'--sort=[by which column; sizes and counts\: largest first]:KEY:(address size state count average name)'
			'--top=[the first N, by size unless --sort is given]:N:'
			'--type=[only blocks of this type; * and ? stand for anything]:NAME:'
			'--jobs=[work with N threads, not with all processors]:N:'
			'--output=[the file to write]:FILE:_files'
			'--format=[slice or core of a dump; the others for export]:WHAT:(slice core heapsnapshot pprof sqlite csv ndjson)'
			'--force[replace an existing file]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(shell)
		options=(
			'--pid=[examine the running process N]:N:_pids'
			'--pause=[min\: stop the process only while it forks]:HOW:(copy min)'
			'--exe=[the program'\''s file, where the target names none]:FILE:_files'
			'--sysroot=[look for the target'\''s files below DIR]:DIR:_files -/'
			'--debug-dir=[debug files, in place of /usr/lib/debug]:DIR:_files -/'
			'--passphrase-file=[passphrase or key of an encrypted slice]:FILE:_files'
			'--legacy[read slices in the layout of libmsl]'
			'--no-symbols[use nothing but the structure in memory]'
			'--json[answer in JSON (schema heapscan/1)]'
			'--all[no limit on lines]'
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(completion)
		options=(
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	(help)
		options=(
			'--color=[colour\: auto, always or never]:WHEN:(auto always never)'
			'--help[explain the command]'
			'--version[print the version]'
		) ;;
	esac
	if [[ $command == completion ]]; then
		options+=('*:shell:(bash zsh fish)')
	elif [[ $command == help ]]; then
		options+=('*:command:(summary chunks arenas bins threads maps modules at read check graph leaks why owners rss diff search info verify capture convert types export shell completion help)')
	else
		options+=('*:target:_files')
	fi
	if [[ -z $command && $PREFIX != -* ]]; then
		_describe -t commands command heapscan_commands
	fi
	_arguments $options
}
if [[ $funcstack[1] == _heapscan ]]; then
	_heapscan "$@"
else
	compdef _heapscan heapscan
fi
