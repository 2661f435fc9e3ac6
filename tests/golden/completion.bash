# bash completion for heapscan
_heapscan()
{
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD-1]}
	local command= word words i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		summary|chunks|arenas|bins|threads|maps|modules|at|read|check|graph|leaks|why|owners|rss|diff|search|info|verify|capture|convert|types|export|shell|completion|help)
			command=$word
			break ;;
		esac
	done
	case $prev in
	--pid|-p)
		COMPREPLY=($(compgen -W "$(cd /proc && echo [0-9]*)" -- "$cur"))
		return ;;
	--pause)
		COMPREPLY=($(compgen -W 'copy min' -- "$cur"))
		return ;;
	--exe)
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	--sysroot)
		COMPREPLY=($(compgen -d -- "$cur"))
		return ;;
	--debug-dir)
		COMPREPLY=($(compgen -d -- "$cur"))
		return ;;
	--rules)
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	--passphrase-file)
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	--state)
		COMPREPLY=($(compgen -W 'used mmapped tcache fastbin unsorted smallbin largebin top internal unknown in-use free' -- "$cur"))
		return ;;
	--arena)
		return ;;
	--tid)
		return ;;
	--min-size)
		return ;;
	--max-size)
		return ;;
	--sort)
		COMPREPLY=($(compgen -W 'address size state count average name' -- "$cur"))
		return ;;
	--top)
		return ;;
	--type)
		return ;;
	--group-by)
		COMPREPLY=($(compgen -W 'type source module' -- "$cur"))
		return ;;
	--diff)
		return ;;
	--around)
		return ;;
	--depth)
		return ;;
	--by)
		COMPREPLY=($(compgen -W 'type size owner' -- "$cur"))
		return ;;
	--max-nodes)
		return ;;
	--path)
		return ;;
	--picture|-T)
		COMPREPLY=($(compgen -W 'dot svg png' -- "$cur"))
		return ;;
	--jobs)
		return ;;
	--baseline)
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	--fail-on)
		return ;;
	--paths)
		return ;;
	--as)
		COMPREPLY=($(compgen -W 'text hex integer pointer regex' -- "$cur"))
		return ;;
	--output|-o)
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	--format)
		COMPREPLY=($(compgen -W 'slice core heapsnapshot pprof sqlite csv ndjson' -- "$cur"))
		return ;;
	--compress)
		COMPREPLY=($(compgen -W 'none lz4 zstd' -- "$cur"))
		return ;;
	--hash)
		COMPREPLY=($(compgen -W 'blake3 sha256 sha512-256' -- "$cur"))
		return ;;
	--new-passphrase-file)
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	--exclude)
		return ;;
	--series)
		return ;;
	--every)
		return ;;
	--color)
		COMPREPLY=($(compgen -W 'auto always never' -- "$cur"))
		return ;;
	completion)
		COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur"))
		return ;;
	help)
		COMPREPLY=($(compgen -W 'summary chunks arenas bins threads maps modules at read check graph leaks why owners rss diff search info verify capture convert types export shell completion help' -- "$cur"))
		return ;;
	esac
	if [[ $cur == -* ]]; then
		case ${command:-summary} in
		summary) words='--pid --pause --exe --sysroot --debug-dir --passphrase-file --legacy --no-symbols --json --all --summary --dot --color --help --version' ;;
		chunks) words='--pid --pause --exe --sysroot --debug-dir --rules --passphrase-file --legacy --no-symbols --json --all --state --arena --tid --min-size --max-size --sort --top --type --jobs --color --help --version' ;;
		arenas) words='--pid --pause --exe --sysroot --debug-dir --passphrase-file --legacy --no-symbols --json --all --color --help --version' ;;
		bins) words='--pid --pause --exe --sysroot --debug-dir --passphrase-file --legacy --no-symbols --json --all --color --help --version' ;;
		threads) words='--pid --pause --exe --sysroot --debug-dir --passphrase-file --legacy --no-symbols --json --all --frames --color --help --version' ;;
		maps) words='--pid --pause --exe --sysroot --debug-dir --passphrase-file --legacy --no-symbols --json --all --color --help --version' ;;
		modules) words='--pid --pause --exe --sysroot --debug-dir --passphrase-file --legacy --no-symbols --json --all --color --help --version' ;;
		at) words='--pid --pause --exe --sysroot --debug-dir --rules --passphrase-file --legacy --no-symbols --json --all --content --types --color --help --version' ;;
		read) words='--pid --pause --exe --sysroot --debug-dir --passphrase-file --legacy --no-symbols --json --all --color --help --version' ;;
		check) words='--pid --pause --exe --sysroot --debug-dir --passphrase-file --legacy --no-symbols --json --all --content --color --help --version' ;;
		graph) words='--pid --pause --exe --sysroot --debug-dir --rules --passphrase-file --legacy --no-symbols --json --all --dot --around --depth --by --max-nodes --path --leaks --picture --types --paths --color --help --version' ;;
		leaks) words='--pid --pause --exe --sysroot --debug-dir --rules --passphrase-file --legacy --no-symbols --json --all --jobs --baseline --fail-on --types --at-exit --color --help --version' ;;
		why) words='--pid --pause --exe --sysroot --debug-dir --rules --passphrase-file --legacy --no-symbols --json --all --content --jobs --types --paths --referrers --references --color --help --version' ;;
		owners) words='--pid --pause --exe --sysroot --debug-dir --rules --passphrase-file --legacy --no-symbols --json --all --top --depth --jobs --types --objects --color --help --version' ;;
		rss) words='--pid --pause --exe --sysroot --debug-dir --rules --passphrase-file --legacy --no-symbols --json --all --types --color --help --version' ;;
		diff) words='--pid --pause --exe --sysroot --debug-dir --rules --passphrase-file --legacy --no-symbols --json --all --top --by --jobs --color --help --version' ;;
		search) words='--pid --pause --exe --sysroot --debug-dir --rules --passphrase-file --legacy --no-symbols --json --all --jobs --types --as --everywhere --why --color --help --version' ;;
		info) words='--passphrase-file --legacy --json --all --digests --color --help --version' ;;
		verify) words='--passphrase-file --legacy --json --all --color --help --version' ;;
		capture) words='--pid --pause --exe --sysroot --debug-dir --passphrase-file --legacy --no-symbols --json --all --max-size --output --format --compress --hash --encrypt --new-passphrase-file --force --only-writable --exclude --shape-only --series --every --color --help --version' ;;
		convert) words='--pid --pause --exe --sysroot --debug-dir --passphrase-file --legacy --no-symbols --json --all --max-size --format --compress --hash --encrypt --new-passphrase-file --force --only-writable --exclude --shape-only --color --help --version' ;;
		types) words='--pid --pause --exe --sysroot --debug-dir --rules --passphrase-file --legacy --no-symbols --json --all --sort --top --group-by --diff --jobs --color --help --version' ;;
		export) words='--pid --pause --exe --sysroot --debug-dir --rules --passphrase-file --legacy --no-symbols --state --arena --tid --min-size --max-size --sort --top --type --jobs --output --format --force --color --help --version' ;;
		shell) words='--pid --pause --exe --sysroot --debug-dir --passphrase-file --legacy --no-symbols --json --all --color --help --version' ;;
		completion) words='--color --help --version' ;;
		help) words='--color --help --version' ;;
		esac
		COMPREPLY=($(compgen -W "$words" -- "$cur"))
		return
	fi
	COMPREPLY=($(compgen -f -- "$cur"))
	if [[ -z $command ]]; then
		COMPREPLY+=($(compgen -W 'summary chunks arenas bins threads maps modules at read check graph leaks why owners rss diff search info verify capture convert types export shell completion help' -- "$cur"))
	fi
}
complete -o filenames -F _heapscan heapscan
