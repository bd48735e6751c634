#!/bin/bash
# What the official start script promises one who is not root: all addresses unless one is named, MB_DB_PASS_FILE.
set -euo pipefail

export MB_JETTY_HOST="${MB_JETTY_HOST:-0.0.0.0}"
if [ -n "${MB_DB_PASS_FILE:-}" ]; then
    [ -z "${MB_DB_PASS:-}" ] || { echo "error: both MB_DB_PASS and MB_DB_PASS_FILE are set" >&2; exit 1; }
    MB_DB_PASS="$(cat "$MB_DB_PASS_FILE")"
    export MB_DB_PASS
fi
cd /app
exec /opt/venv/bin/python -m tests.metabase_server --version-tag v0.63.17.2
