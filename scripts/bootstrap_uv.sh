#!/bin/sh
# Print the path of a uv that works, getting one first if this machine has none.
# In order: PATH; ~/.local/bin; the user's cache; a venv or `pip --target` in that cache; the official installer.
set -eu

cache="${XDG_CACHE_HOME:-$HOME/.cache}/ecom/uv"

note() { echo "bootstrap_uv: $*" >&2; }

# A file that exists is not enough: a pyenv shim answers "command not found" for another Python's uv.
use_if_works() {
    if [ -n "$1" ] && "$1" --version >/dev/null 2>&1; then
        echo "$1"
        exit 0
    fi
}

use_if_works "$(command -v uv 2>/dev/null || true)"
use_if_works "$HOME/.local/bin/uv"
use_if_works "$cache/bin/uv"

with_venv() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null || return 1 # Debian's python3 lacks ensurepip without python3-venv
    "$1" -m venv --clear "$cache" && "$cache/bin/python" -m pip install --quiet uv
}

# --target needs neither a venv nor the right to write into the system's site-packages.
with_pip_target() {
    "$1" -m pip --version >/dev/null 2>&1 && "$1" -m pip install --quiet --upgrade --target "$cache" uv
}

mkdir -p "$cache"
# The last one is for a PATH whose python3 is a uv-made venv, which has no pip.
for python in python3.13 python3.12 python3.11 python3 /usr/bin/python3; do
    command -v "$python" >/dev/null 2>&1 || continue
    for way in with_venv with_pip_target; do
        note "uv is not installed; getting it into $cache ($way, $python)"
        # stdout is the answer, so whatever pip says goes to stderr.
        if "$way" "$python" >&2; then
            use_if_works "$cache/bin/uv"
        fi
    done
done

if command -v curl >/dev/null 2>&1; then
    note "trying the official installer"
    script="$cache/install.sh"
    if curl -fsSL --max-time 60 https://astral.sh/uv/install.sh -o "$script"; then
        UV_UNMANAGED_INSTALL="$cache/bin" sh "$script" >&2 || true
        use_if_works "$cache/bin/uv"
    fi
fi

note "could not get uv: install it (https://docs.astral.sh/uv/), or python3-venv or python3-pip, and try again"
exit 1
