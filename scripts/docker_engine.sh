#!/bin/sh
# A Docker Engine for tests where none runs: start, stop or env. Root only; its data lie in the cache.
# `env` prints the DOCKER_HOST of whichever engine answers: the one that was there, or ours.
set -eu

root="${ECOM_DOCKER_ROOT:-/var/cache/ecom/docker}"
socket="$root/run/docker.sock"
pidfile="$root/run/dockerd.pid"
log="$root/dockerd.log"
patience=60

fail() {
    echo "docker_engine: $*" >&2
    exit 1
}

answers() { docker ${1:+--host "$1"} version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# A pid file outlives a power cut, and its number then is anybody's.
ours_runs() { [ -f "$pidfile" ] && [ "$(cat "/proc/$(cat "$pidfile")/comm" 2>/dev/null)" = dockerd ]; }

# Where the docker command goes by itself: DOCKER_HOST, or its current context, which may be anywhere.
chosen() {
    if [ -n "${DOCKER_HOST:-}" ]; then
        echo "$DOCKER_HOST"
    else
        docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || echo unix:///var/run/docker.sock
    fi
}

host() {
    if answers ""; then
        chosen
    elif answers "unix://$socket"; then
        echo "unix://$socket"
    else
        return 1
    fi
}

start() {
    command -v docker >/dev/null || fail "there is no docker on PATH (Debian, Ubuntu: apt-get install docker.io iptables)"
    if host >/dev/null; then
        echo "docker_engine: already running at $(host)" >&2
        return
    fi
    [ "$(id -u)" -eq 0 ] || fail "no Docker Engine answers, and only root can start one"
    command -v dockerd >/dev/null || fail "there is no dockerd on PATH (Debian, Ubuntu: apt-get install docker.io iptables)"
    mkdir -p "$root/run"
    # setsid: a Ctrl-C in the terminal that started it is not meant for it.
    setsid dockerd --data-root "$root/data" --exec-root "$root/run/exec" --pidfile "$pidfile" \
        --host "unix://$socket" --log-level warn >"$log" 2>&1 </dev/null &
    waited=0
    until answers "unix://$socket"; do
        [ "$waited" -lt "$patience" ] || fail "the engine did not answer within $patience s: $(tail -n 1 "$log")"
        [ "$waited" -lt 2 ] || ours_runs || fail "the engine ended: $(tail -n 1 "$log")"
        sleep 1
        waited=$((waited + 1))
    done
    echo "docker_engine: started at unix://$socket, log $log" >&2
}

stop() {
    if ! ours_runs; then
        echo "docker_engine: ours is not running" >&2
        return
    fi
    pid="$(cat "$pidfile")"
    kill "$pid"
    waited=0
    while kill -0 "$pid" 2>/dev/null; do
        [ "$waited" -lt "$patience" ] || fail "process $pid did not end within $patience s"
        sleep 1
        waited=$((waited + 1))
    done
    echo "docker_engine: stopped" >&2
}

case "${1:-}" in
    start) start ;;
    stop) stop ;;
    env)
        # Not inside the echo: its exit code would be the only one that counts.
        found="$(host)" || fail 'no Docker Engine answers; `scripts/docker_engine.sh start` starts one'
        echo "DOCKER_HOST=$found"
        ;;
    *) fail "usage: $0 start|stop|env" ;;
esac
