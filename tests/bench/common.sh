# SPDX-License-Identifier: GPL-2.0
# What run and profile share.  Sets top and out; sourced.

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$top/build/tests/bench
. "$top/tests/common.sh"

build_guests() {
	"$top/tests/host/debian" need gcc cpio linux-libc-dev make
	make -s -C "$top" tools
	make -s -C "$here" > /dev/null
}

# Prints the rows as name|guest|thp|bar|text, without blanks around the bars.
read_rows() {
	sed 's/^#.*//; /^$/d; s/ *| */|/g' "$here/rows"
}

# Prints name:guest:thp of row $1, as `inside` wants it.
row_spec() {
	local spec
	spec=$(read_rows | awk -F'|' -v name="$1" '$1 == name { print $1 ":" $2 ":" $3 }')
	[ -n "$spec" ] || { echo "no row '$1': see tests/bench/rows" >&2; exit 125; }
	echo "$spec"
}

# Runs rows (specs) $2... in a host with module $1; host_options may hold more.
run_inside() {
	local module=$1
	shift
	"$top/tests/host/run" --module "$module" "${host_options[@]}" \
		--file "$top/tools/kvm-launch" --file "$here/inside" --file "$out/guest.64" \
		--file "$out/kernel" --file "$out/initrd" -- sh -c "$inside_command" sh "$@"
}
inside_command='sh ./inside "$@"'
host_options=(--icount)
