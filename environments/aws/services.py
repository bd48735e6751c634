"""The stack's services on Fargate: started anew, and waited for until they are well."""

import time
from collections.abc import Mapping
from typing import Any

from environments.aws.one_off import PATIENCE_S, PAUSE_S, Pause, TaskFailed


def restart_services(ecs: Any, where: Mapping[str, Any]) -> dict[str, str]:
    """Start the stack's services anew; return each one's deployment."""
    cluster, started = where["cluster"], {}
    for service in where["services"]:
        answer = ecs.update_service(cluster=cluster, service=service, forceNewDeployment=True)
        started[service] = _newest(answer["service"])
    return started


def deployments(ecs: Any, where: Mapping[str, Any]) -> dict[str, str]:
    """Return the deployment that each of the stack's services is at, or on its way to."""
    found = ecs.describe_services(cluster=where["cluster"], services=where["services"])["services"]
    return {str(service["serviceName"]): _newest(service) for service in found}


def wait_for_services(
    ecs: Any, where: Mapping[str, Any], wanted: Mapping[str, str], pause: Pause = time.sleep
) -> None:
    """Wait until these deployments are complete, which is when they are well; raise TaskFailed."""
    for _ in range(int(PATIENCE_S / PAUSE_S)):
        found = ecs.describe_services(cluster=where["cluster"], services=[*wanted])["services"]
        if all([_complete(service, wanted[service["serviceName"]]) for service in found]):
            return
        pause(PAUSE_S)
    raise TaskFailed(f"{', '.join(wanted)}: not well within {PATIENCE_S:.0f} s; see the service's events")


def _newest(service: Mapping[str, Any]) -> str:
    return next(str(one["id"]) for one in service["deployments"] if one["status"] == "PRIMARY")


def _complete(service: Mapping[str, Any], wanted: str) -> bool:
    states = {one["id"]: one["rolloutState"] for one in service["deployments"]}
    # A deployment that failed goes, and the circuit breaker's own, back to the one before, is not the same.
    if states.get(wanted, "FAILED") == "FAILED":
        raise TaskFailed(f"{service['serviceName']} did not start; see the service's events, and run setup")
    return bool(states[wanted] == "COMPLETED")
