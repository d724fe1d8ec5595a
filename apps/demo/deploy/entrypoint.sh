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
exec node "$here/../src/node/node-main.ts" "$@"
