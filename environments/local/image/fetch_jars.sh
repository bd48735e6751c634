#!/bin/sh
# Put Spark's Kafka connector, of the installed pyspark's version, into a folder: fetch_jars.sh VENV TARGET
# By the Ivy that pyspark ships, so that no other tool is needed.
set -eu

venv="$1"
target="$2"
shipped="$(echo "$venv"/lib/python3.*/site-packages/pyspark/jars)"
version="$("$venv/bin/python" -c 'import importlib.metadata as m; print(m.version("pyspark"))')"

java -cp "$(echo "$shipped"/ivy-*.jar)" org.apache.ivy.Main -warn \
    -dependency org.apache.spark spark-sql-kafka-0-10_2.13 "$version" -confs default \
    -cache "$(mktemp -d)" -retrieve "$target/[artifact]-[revision](-[classifier]).[ext]"
# A second version of what pyspark has already breaks Spark.
for jar in "$target"/*.jar; do
    name="$(basename "$jar" | sed 's/-[0-9][0-9.]*.*\.jar$//')"
    set -- "$shipped/$name"-[0-9]*.jar
    [ ! -e "$1" ] || rm "$jar"
done
ls "$target"/spark-sql-kafka-*.jar "$target"/kafka-clients-*.jar "$target"/spark-token-provider-*.jar >/dev/null
