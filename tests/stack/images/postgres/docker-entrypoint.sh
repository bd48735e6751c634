#!/bin/bash
# What the official image's entry point promises, as far as its documentation goes: POSTGRES_USER, _PASSWORD,
# _PASSWORD_FILE, _DB, _INITDB_ARGS, _HOST_AUTH_METHOD, PGDATA and /docker-entrypoint-initdb.d.
set -Eeuo pipefail

fail() {
    echo "error: $*" >&2
    exit 1
}

# NAME or NAME_FILE, not both.
value_of() {
    local name="$1" file="$1_FILE"
    [[ -z "${!name:-}" || -z "${!file:-}" ]] || fail "both $name and $file are set"
    if [[ -n "${!file:-}" ]]; then
        cat "${!file}"
    else
        echo -n "${!name:-${2:-}}"
    fi
}

initialise() {
    local user password database authentication
    user="$(value_of POSTGRES_USER postgres)"
    password="$(value_of POSTGRES_PASSWORD)"
    database="$(value_of POSTGRES_DB "$user")"
    authentication="${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}"
    [[ -n "$password" || "$authentication" == trust ]] ||
        fail "Database is uninitialized and superuser password is not specified."
    # shellcheck disable=SC2086 # words on purpose
    initdb --username="$user" --pwfile=<(echo "$password") --encoding=UTF8 ${POSTGRES_INITDB_ARGS:-} -D "$PGDATA"
    printf '\nhost all all all %s\n' "$authentication" >>"$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
    # Reachable by nobody else until it is complete.
    pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -c unix_socket_directories=/var/run/postgresql" -w start
    export PGPASSWORD="$password" PGHOST=/var/run/postgresql
    [[ "$database" == postgres ]] ||
        psql -v ON_ERROR_STOP=1 --username "$user" --dbname postgres --set db="$database" <<<'CREATE DATABASE :"db";'
    for file in /docker-entrypoint-initdb.d/*; do
        case "$file" in
            *.sh) if [[ -x "$file" ]]; then "$file"; else . "$file"; fi ;;
            *.sql) psql -v ON_ERROR_STOP=1 --username "$user" --dbname "$database" -f "$file" ;;
        esac
    done
    pg_ctl -D "$PGDATA" -m fast -w stop
    unset PGPASSWORD PGHOST
}

[[ "${1:-}" != -* ]] || set -- postgres "$@"
if [[ "${1:-}" == postgres ]]; then
    if [[ "$(id -u)" == 0 ]]; then
        mkdir -p "$PGDATA" && chown -R postgres: "$PGDATA" && chmod 700 "$PGDATA"
        exec setpriv --reuid=postgres --regid=postgres --init-groups "${BASH_SOURCE[0]}" "$@"
    fi
    mkdir -p "$PGDATA" && chmod 700 "$PGDATA"
    [[ -s "$PGDATA/PG_VERSION" ]] || initialise
    set -- "$@" -c unix_socket_directories=/var/run/postgresql
fi
exec "$@"
