#!/bin/sh
# Run tests on the oldest Spark that the pipeline supports: oldest_spark.sh PYTEST_ARGUMENTS…
# Without arguments: only see that it is installed, and print where.
# In a venv of uv.lock's own packages, pyspark apart, in the user's cache; the connector's jars follow pyspark.
set -eu
cd "$(dirname "$0")/.."

version=4.0.0 # the nearest to EMR's 4.0.2 whose Kafka connector is complete on Maven Central
uv="$(scripts/bootstrap_uv.sh)"
python="${UV_PROJECT_ENVIRONMENT:-.venv}/bin/python"
tag="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
# By lock file, so that two clones with different ones do not take packages from each other's running tests.
lock="$(cksum uv.lock | cut -d ' ' -f 1)"
venv="${XDG_CACHE_HOME:-$HOME/.cache}/ecom/venvs/pyspark-$version-python-$tag-$lock"

[ -x "$venv/bin/python" ] || "$uv" venv --quiet --python "$python" "$venv"
"$uv" export --frozen --quiet --all-extras --no-hashes --no-emit-project --no-emit-package pyspark \
    --output-file "$venv/requirements.txt"
echo "pyspark==$version" >>"$venv/requirements.txt"
"$uv" pip sync --quiet --python "$venv/bin/python" "$venv/requirements.txt"

if [ $# -eq 0 ]; then
    echo "$venv"
    exit
fi
echo "Spark $version, in $venv" >&2
# The clone's own code is not installed there.
PYTHONPATH="$PWD" PATH="$venv/bin:$PATH" exec "$venv/bin/python" -m pytest "$@"
