#!/usr/bin/env bash
# Fetches the servers that benchmarks and tests run beside, without root and without installing anything:
#   tools/get-servers.sh [DIR [PROGRAM…]]     into DIR (.servers unless given); all of them unless named:
#                                             etcd etcdctl (3.5) consul (1.8.7) knotd dnsmasq redis-server
#                                             and, where they are named, nats-server, and chromium, in which the demo's dashboard is tested
# They come from Debian's archive through apt, which checks their signatures. What is there is kept. Shared libraries
# that a program needs and the system lacks are put beside it, for it alone. On another system put the programs on the
# PATH, or name their folder in QUORATE_SERVERS.
set -euo pipefail
SUITE=trixie # the first release with etcd 3.5
CONSUL_SUITE=bullseye # the last release with Consul
OWN_SUITE=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-$SUITE}" || echo $SUITE) # for what needs this system's libraries
KEYS=/usr/share/keyrings/debian-archive-keyring.gpg

target=${1:-$(dirname "$0")/../.servers}
shift || true
[ $# -gt 0 ] || set -- etcd etcdctl consul knotd dnsmasq redis-server
mkdir -p "$target"
target=$(cd "$target" && pwd)
# One at a time: who waits finds it there. What was replaced while it runs would be gone from under it.
exec 9>"$target/.lock"
! command -v flock >/dev/null || flock 9
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

download() { # SUITE PACKAGE…
	local suite=$1 package
	shift
	[ -n "${APT_CONFIG:-}" ] && [ "${APT_CONFIG#"$work"}" != "$APT_CONFIG" ] || prepare_apt
	(cd "$work/packages" && apt-get -qq download "${@/%//$suite}") >>"$work/log" 2>&1 || fail "cannot fetch $* from $suite"
	for package; do
		dpkg-deb --extract "$work/packages/${package}"_*.deb "$work/unpacked" || fail "cannot unpack $package"
	done
}

fetch() { # PROGRAM PACKAGE SUITE [FILE], where the package calls it otherwise
	[ ! -x "$target/$1" ] || return 0
	echo "get-servers: fetching $1" >&2
	rm -rf "$work/unpacked"
	download "$3" "$2"
	local program
	program=$(find "$work/unpacked" -path "*bin/${4:-$1}" -type f)
	[ -z "$(missing "$program")" ] || add_libraries "$program" "$2" "$3"
	if [ ! -d "$work/lib" ]; then
		mv "$program" "$target/$1"
		return 0
	fi
	mkdir -p "$target/with-libraries"
	rm -rf "$target/with-libraries/$1"
	mv "$work/lib" "$target/with-libraries/$1"
	mv "$program" "$target/with-libraries/$1/$1"
	start_with_libraries "$1"
}

start_with_libraries() { # PROGRAM
	cat >"$work/$1" <<-'SCRIPT'
		#!/bin/sh
		program=$(basename "$0")
		folder=$(cd "$(dirname "$0")" && pwd)/with-libraries/$program
		LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$folder/$program" "$@"
	SCRIPT
	chmod +x "$work/$1"
	mv "$work/$1" "$target/$1"
}

# A program that goes with a folder of its own, which is kept whole, beside the libraries that it needs.
fetch_folder() { # PROGRAM PACKAGES SUITE FOLDER
	local packages
	[ ! -x "$target/$1" ] || return 0
	echo "get-servers: fetching $1" >&2
	rm -rf "$work/unpacked"
	read -ra packages <<<"$2"
	download "$3" "${packages[@]}"
	mkdir -p "$target/with-libraries"
	rm -rf "$target/with-libraries/$1"
	mv "$work/unpacked$4" "$work/folder"
	add_libraries "$work/folder/$1" "${packages[0]}" "$3"
	mv "$work/folder" "$target/with-libraries/$1"
	cp -a "$work/lib/." "$target/with-libraries/$1/"
	start_with_libraries "$1"
}

# The shared libraries that a program needs, and that neither the system nor $work/lib has.
missing() { # FILE
	LD_LIBRARY_PATH=$work/lib ldd "$1" 2>/dev/null | awk '/not found/ { print $1 }' || true
}

# Adds libraries that its package depends on, and those that they depend on, until nothing is missing.
add_libraries() { # FILE PACKAGE SUITE
	local level=("$2") next package library seen=" libc6 libgcc-s1 "
	mkdir -p "$work/lib"
	while [ -n "$(missing "$1")" ]; do
		next=()
		for package in "${level[@]}"; do
			for library in $(dpkg-deb --field "$work/packages/${package}"_*.deb Depends Pre-Depends | dependencies); do
				case $seen in *" $library "*) continue ;; esac
				seen+="$library "
				next+=("$library")
			done
		done
		[ ${#next[@]} -gt 0 ] || fail "cannot find what $(basename "$1") needs: $(missing "$1" | tr '\n' ' ')"
		download "$3" "${next[@]}"
		find "$work/unpacked" -name '*.so*' ! -type d -exec cp -a {} "$work/lib/" \;
		level=("${next[@]}")
	done
}

# The libraries among the dependencies on standard input, without versions and alternatives.
dependencies() {
	sed 's/^[A-Z][A-Za-z-]*: //' | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/:.*//; s/ //g' | grep '^lib' || true
}

for program; do
	case $program in
	etcd) fetch etcd etcd-server $SUITE ;;
	etcdctl) fetch etcdctl etcd-client $SUITE ;;
	consul) fetch consul consul $CONSUL_SUITE ;;
	knotd) fetch knotd knot "$OWN_SUITE" ;;
	dnsmasq) fetch dnsmasq dnsmasq-base "$OWN_SUITE" ;;
	chromium) fetch_folder chromium "chromium chromium-common" "$OWN_SUITE" /usr/lib/chromium ;;
	nats-server) fetch nats-server nats-server $SUITE ;;
	redis-server) fetch redis-server redis-tools "$OWN_SUITE" redis-check-rdb ;; # one program, which goes by its name
	*) fail "no server $program" ;;
	esac
done
