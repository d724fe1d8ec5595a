#!/bin/sh
# Starts a node as this process, which is then told by signals when to stop. What nobody else is to know comes in files:
# of a process's arguments and environment, more is seen than one thinks.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ -n "${QUORATE_SECRET_FILE:-}" ]; then
	QUORATE_SECRET=$(cat "$QUORATE_SECRET_FILE")
	export QUORATE_SECRET
fi
if [ -n "${QUORATE_HTTP_TOKEN_FILE:-}" ]; then
	QUORATE_HTTP_TOKEN=$(cat "$QUORATE_HTTP_TOKEN_FILE")
	export QUORATE_HTTP_TOKEN
fi
# All that the broker's bounds let in, which every node has in memory: 1.5 GiB were measured, and half as much again to work with.
# With less, a broker that fills up would end on all nodes at once, and again whenever they start.
exec node --max-old-space-size=3072 "$here/../src/node/node-main.ts" "$@"
