#!/usr/bin/env bash
# Fetches the servers that benchmarks and tests run beside, without root and without installing anything:
#   tools/get-servers.sh [DIR]     etcd 3.5 into DIR (.servers unless given)
# They come from Debian's archive through apt, which checks their signatures. What is there is kept. On another
# system put etcd on the PATH, or name its folder in QUORATE_ETCD.
set -euo pipefail
SUITE=trixie # the first release with etcd 3.5
KEYS=/usr/share/keyrings/debian-archive-keyring.gpg

target=${1:-$(dirname "$0")/../.servers}
mkdir -p "$target"
target=$(cd "$target" && pwd)
work=$(mktemp -d "$target/fetching-XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() { # MESSAGE
	echo "get-servers: $1" >&2
	[ ! -s "$work/log" ] || tail -n 5 "$work/log" >&2
	exit 1
}

# The mirror that this machine is set up with, be it in the old form of apt's lists or in the new one.
mirror() {
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null |
		awk '$1 == "URIs:" { print $2; exit } $1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print $i; exit } }'
}

# An apt of our own: its lists, cache and state are below $work, the machine's are neither read nor changed.
prepare_apt() {
	local uri
	command -v apt-get >/dev/null && [ -r "$KEYS" ] || fail "this needs Debian's apt-get and archive keys"
	uri=$(mirror || true)
	[ -n "$uri" ] || fail "this machine's apt knows no mirror"
	mkdir -p "$work"/lists/partial "$work"/cache/archives/partial "$work"/packages
	: >"$work/status"
	echo "deb [signed-by=$KEYS] $uri $SUITE main" >"$work/sources.list"
	cat >"$work/apt.conf" <<-CONF
		Dir::Etc::sourcelist "$work/sources.list";
		Dir::Etc::sourceparts "-";
		Dir::Etc::preferences "-";
		Dir::Etc::preferencesparts "-";
		Dir::State::lists "$work/lists";
		Dir::State::status "$work/status";
		Dir::Cache "$work/cache";
		APT::Sandbox::User "$(id -un)";
		Acquire::Languages "none";
		Acquire::Retries "3";
	CONF
	export APT_CONFIG=$work/apt.conf
	apt-get -qq update >"$work/log" 2>&1 || fail "cannot read the package lists of $SUITE"
}

fetch() { # PROGRAM PACKAGE
	[ ! -x "$target/$1" ] || return 0
	[ -n "${APT_CONFIG:-}" ] && [ "${APT_CONFIG#"$work"}" != "$APT_CONFIG" ] || prepare_apt
	echo "get-servers: fetching $1" >&2
	(cd "$work/packages" && apt-get -qq download "$2") >>"$work/log" 2>&1 || fail "cannot fetch $2 from $SUITE"
	dpkg-deb --extract "$work/packages/$2"_*.deb "$work/$2" || fail "cannot unpack $2"
	mv "$work/$2/usr/bin/$1" "$target/$1"
}

fetch etcd etcd-server
"$target/etcd" --version | head -n 1
