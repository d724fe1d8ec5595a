#!/usr/bin/env bash
# Fetches the servers that benchmarks and tests run beside, without root and without installing anything:
#   tools/get-servers.sh [DIR [PROGRAM…]]     into DIR (.servers unless given); all of them unless named:
#                                             etcd etcdctl (3.5) consul (1.8.7) knotd dnsmasq
# They come from Debian's archive through apt, which checks their signatures. What is there is kept. On another
# system put them on the PATH, or name their folder in QUORATE_SERVERS.
set -euo pipefail
SUITE=trixie # the first release with etcd 3.5
CONSUL_SUITE=bullseye # the last release with Consul
OWN_SUITE=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-$SUITE}" || echo $SUITE) # for what needs this system's libraries
KEYS=/usr/share/keyrings/debian-archive-keyring.gpg

target=${1:-$(dirname "$0")/../.servers}
shift || true
[ $# -gt 0 ] || set -- etcd etcdctl consul knotd dnsmasq
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
	local suite
	for suite in $(printf '%s\n' "$SUITE" "$CONSUL_SUITE" "$OWN_SUITE" | sort -u); do echo "deb [signed-by=$KEYS] $uri $suite main"; done >"$work/sources.list"
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
	apt-get -qq update >"$work/log" 2>&1 || fail "cannot read the package lists of $SUITE and $CONSUL_SUITE"
}

download() { # PACKAGE SUITE
	[ -n "${APT_CONFIG:-}" ] && [ "${APT_CONFIG#"$work"}" != "$APT_CONFIG" ] || prepare_apt
	(cd "$work/packages" && apt-get -qq download "$1/$2") >>"$work/log" 2>&1 || fail "cannot fetch $1 from $2"
	dpkg-deb --extract "$work/packages/${1}"_*.deb "$work/unpacked" || fail "cannot unpack $1"
}

fetch() { # PROGRAM PACKAGE SUITE [LIBRARY…]
	[ ! -x "$target/$1" ] || return 0
	echo "get-servers: fetching $1" >&2
	rm -rf "$work/unpacked"
	download "$2" "$3"
	local library
	for library in "${@:4}"; do download "$library" "$3"; done
	find "$work/unpacked" -name '*.so.*' -exec mkdir -p "$target/lib" \; -exec cp -a {} "$target/lib/" \;
	mv "$(find "$work/unpacked" -path "*bin/$1" -type f)" "$target/$1"
}

for program; do
	case $program in
	etcd) fetch etcd etcd-server $SUITE ;;
	etcdctl) fetch etcdctl etcd-client $SUITE ;;
	consul) fetch consul consul $CONSUL_SUITE ;;
	knotd) fetch knotd knot "$OWN_SUITE" ;;
	dnsmasq) fetch dnsmasq dnsmasq-base "$OWN_SUITE" ;;
	*) fail "no server $program" ;;
	esac
done
