# SPDX-License-Identifier: GPL-2.0
# What the scripts that run tests share; sourced.

trim() { local s=$1; s=${s#"${s%%[![:space:]]*}"}; echo "${s%"${s##*[![:space:]]}"}"; }

# Ends process $1 and what it has started, hosts included.
end_tree() {
	local child
	for child in $(cat "/proc/$1/task/"*/children 2> /dev/null); do end_tree "$child"; done
	kill "$1" 2> /dev/null || true
}
