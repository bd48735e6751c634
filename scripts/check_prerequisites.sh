#!/bin/sh
# One clear line when the Java that Spark and Kafka will use is missing or too old.
set -eu

needed=17

fail() {
    echo "prerequisite: $*" >&2
    echo "prerequisite: install Java $needed or newer (Debian, Ubuntu: apt-get install openjdk-17-jre-headless)" >&2
    exit 1
}

# Spark's own rule: JAVA_HOME wins over PATH.
if [ -n "${JAVA_HOME:-}" ]; then
    java="$JAVA_HOME/bin/java"
    [ -x "$java" ] || fail "JAVA_HOME is $JAVA_HOME, but $java is not there"
else
    java="$(command -v java || true)"
    [ -n "$java" ] || fail "there is no java on PATH, and JAVA_HOME is not set"
fi

printed="$("$java" -version 2>&1)" || fail "$java does not run: $(echo "$printed" | head -n 1)"
# 'openjdk version "17.0.15" …' or, up to Java 8, '"1.8.0_402"', whose 1 is too old as well.
major="$(echo "$printed" | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)"
[ -n "$major" ] || fail "$java does not tell its version: $(echo "$printed" | head -n 1)"
[ "$major" -ge "$needed" ] || fail "$java is version $major"
