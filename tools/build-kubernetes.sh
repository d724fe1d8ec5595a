#!/usr/bin/env bash
# Builds the Kubernetes API server that tests run beside, without root and without installing anything:
#   tools/build-kubernetes.sh [DIR]     kube-apiserver, and kube-elect, a Go program that stands for leadership, into
#                                       DIR: $QUORATE_KUBERNETES unless given, and failing that quorate/kubernetes in
#                                       the user's cache folder
# What is there from the same recipe is kept, and then this takes no time; building takes some minutes on two cores and
# 3 GB below DIR meanwhile. Where there is an API server already, name its folder in KUBEBUILDER_ASSETS or
# QUORATE_SERVERS instead.
#
# Kubernetes 1.20 is the last release whose source Debian carries, and Go 1.19 builds it. That release serves
# EndpointSlices as v1beta1 only: kubernetes/discovery_v1.go adds the version that has been served since 1.21.
set -euo pipefail
SUITE=bookworm # has the source, and a Go for it
TYPES_SUITE=trixie # has the types of discovery.k8s.io/v1
KEYS=/usr/share/keyrings/debian-archive-keyring.gpg
here=$(cd "$(dirname "$0")" && pwd)
target=${1:-${QUORATE_KUBERNETES:-${XDG_CACHE_HOME:-$HOME/.cache}/quorate/kubernetes}}
recipe=$(cat "$here/build-kubernetes.sh" "$here"/kubernetes/*.go | sha256sum | cut -c1-16)

mkdir -p "$target"
target=$(cd "$target" && pwd)
exec 9>"$target/lock"
flock 9
if [ -x "$target/kube-apiserver" ] && [ "$(cat "$target/recipe" 2>/dev/null)" = "$recipe" ]; then exit 0; fi
find "$target" -maxdepth 1 -name 'building-*' -exec rm -rf {} + # of a build that was ended
work=$(mktemp -d "$target/building-XXXXXX")
trap 'rm -rf "$work"' EXIT
log=$work/log

say() { echo "build-kubernetes: $1 (${SECONDS} s)" >&2; }
fail() { # MESSAGE
	say "$1"
	[ ! -s "$log" ] || tail -n 10 "$log" >&2
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
	printf '%s [signed-by=%s] %s %s main\n' deb "$KEYS" "$uri" $SUITE deb-src "$KEYS" "$uri" $SUITE deb "$KEYS" "$uri" $TYPES_SUITE >"$work/sources.list"
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
	apt-get -qq update >"$log" 2>&1 || fail "cannot read the package lists of $SUITE and $TYPES_SUITE"
}

unpack() { # PACKAGE SUITE FOLDER
	(cd "$work/packages" && apt-get -qq download "$1/$2") >>"$log" 2>&1 || fail "cannot fetch $1 from $2"
	dpkg-deb --extract "$work/packages/${1}"_*.deb "$3" || fail "cannot unpack $1"
}

fetch() {
	say "fetching Go and the source"
	prepare_apt
	unpack golang-1.19-go $SUITE "$work/go"
	unpack golang-1.19-src $SUITE "$work/go"
	unpack golang-github-modern-go-reflect2-dev $SUITE "$work/libraries"
	unpack golang-k8s-api-dev $TYPES_SUITE "$work/libraries"
	(cd "$work/packages" && apt-get -qq source --download-only "kubernetes/$SUITE") >>"$log" 2>&1 || fail "cannot fetch the source"
	mkdir -p "$source"
	tar -xzf "$work"/packages/kubernetes_*.orig.tar.gz -C "$source" --strip-components=1 || fail "cannot unpack the source"
}

edit() { # FILE MARK SED-SCRIPT…: what must be in the file afterwards, and how it gets there
	sed -i "${@:3}" "$source/$1"
	grep -q "$2" "$source/$1" || fail "$1 is not as expected: is this still Kubernetes 1.20?"
}

# Each list of the server's that names its API versions gets one more.
add_discovery_v1() {
	local libraries=$work/libraries/usr/share/gocode/src
	mkdir -p "$source/staging/src/k8s.io/api/discovery/v1" "$source/pkg/apis/discovery/v1"
	cp "$libraries"/k8s.io/api/discovery/v1/*.go "$source/staging/src/k8s.io/api/discovery/v1/"
	cp "$here/kubernetes/discovery_v1.go" "$source/pkg/apis/discovery/v1/"
	# v1beta1 stays first, and so what is written to etcd.
	edit pkg/apis/discovery/install/install.go 'Version, discoveryv1' \
		-e '/^\t"k8s.io\/kubernetes\/pkg\/apis\/discovery\/v1alpha1"/i\	discoveryv1 "k8s.io/kubernetes/pkg/apis/discovery/v1"' \
		-e '/^\tutilruntime.Must(v1alpha1.AddToScheme(scheme))/i\	utilruntime.Must(discoveryv1.AddToScheme(scheme))' \
		-e 's/SetVersionPriority(v1beta1.SchemeGroupVersion, /&discoveryv1.SchemeGroupVersion, /'
	edit pkg/registry/discovery/rest/storage_discovery.go 'Map\[discoveryv1.SchemeGroupVersion' \
		-e '/^\tdiscoveryv1alpha1 "k8s.io\/api/i\	discoveryv1 "k8s.io/api/discovery/v1"' \
		-e '/^\tif apiResourceConfigSource.VersionEnabled(discoveryv1beta1.SchemeGroupVersion) {/i\	if apiResourceConfigSource.VersionEnabled(discoveryv1.SchemeGroupVersion) {\n\t\tstorage, err := p.v1beta1Storage(apiResourceConfigSource, restOptionsGetter)\n\t\tif err != nil {\n\t\t\treturn genericapiserver.APIGroupInfo{}, false, err\n\t\t}\n\t\tapiGroupInfo.VersionedResourcesStorageMap[discoveryv1.SchemeGroupVersion.Version] = storage\n\t}\n'
	edit pkg/controlplane/instance.go '^		discoveryv1.SchemeGroupVersion' \
		-e '/^\tdiscoveryv1beta1 "k8s.io\/api/i\	discoveryv1 "k8s.io/api/discovery/v1"' \
		-e '/^\t\tdiscoveryv1beta1.SchemeGroupVersion,/i\		discoveryv1.SchemeGroupVersion,'
	edit cmd/kube-apiserver/app/aggregator.go 'discovery.k8s.io", Version: "v1"}' \
		-e '/^\t{Group: "discovery.k8s.io", Version: "v1beta1"}: /i\	{Group: "discovery.k8s.io", Version: "v1"}: {group: 16200, version: 15},'
	# The vendored reflect2 panics when Go 1.18 or later decodes an object into a map.
	rm -f "$source"/vendor/github.com/modern-go/reflect2/*.{go,s}
	cp "$libraries"/github.com/modern-go/reflect2/*.{go,s} "$source/vendor/github.com/modern-go/reflect2/"
}

# The one generated file that the source doesn't come with.
generate_openapi() {
	local inputs
	[ ! -e pkg/generated/openapi/zz_generated.openapi.go ] || return 0
	nice go build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
	inputs=$(grep -rl --include='*.go' '+k8s:openapi-gen=' staging/src/k8s.io pkg | xargs -n1 dirname | sort -u |
		sed -e 's,^staging/src/,vendor/,' -e '/vendor\/k8s.io\/\(code-generator\|sample-apiserver\)\(\/\|$\)/d' -e 's,^,k8s.io/kubernetes/,' | paste -sd,)
	nice "$work/openapi-gen" --logtostderr -i "$inputs" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
		-h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$work/openapi-report"
}

build() {
	local stamp='-s -w' package
	for package in component-base/version client-go/pkg/version; do
		package=k8s.io/kubernetes/vendor/k8s.io/$package
		stamp+=" -X $package.gitVersion=v1.20.2 -X $package.gitMajor=1 -X $package.gitMinor=20 -X $package.gitTreeState=clean"
	done
	export GOROOT=$work/go/usr/lib/go-1.19 GOPATH=$work/gopath GOCACHE=$work/gocache HOME=$work
	export PATH=$GOROOT/bin:$PATH GO111MODULE=off GOPROXY=off GOSUMDB=off GOFLAGS='' CGO_ENABLED=0
	cd "$source"
	generate_openapi >>"$log" 2>&1 || fail "cannot generate what describes the API"
	nice go build -trimpath -ldflags "$stamp" -o "$work/kube-apiserver" ./cmd/kube-apiserver >>"$log" 2>&1 || fail "it doesn't build"
	# What a Go program stands for leadership with, from the same source: most of it has just been compiled.
	mkdir cmd/elect
	cp "$here/kubernetes/elect.go" cmd/elect/main.go
	nice go build -trimpath -ldflags "$stamp" -o "$work/kube-elect" ./cmd/elect >>"$log" 2>&1 || fail "kube-elect doesn't build"
	cd "$target"
	mv "$work/kube-apiserver" "$work/kube-elect" "$target/"
	echo "$recipe" >"$target/recipe"
}

source=$work/gopath/src/k8s.io/kubernetes
fetch
add_discovery_v1
say "building kube-apiserver"
build
say "built $target/kube-apiserver and kube-elect"
