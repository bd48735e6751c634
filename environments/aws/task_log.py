"""What a task on Fargate said, read from its log once it has ended."""

from collections.abc import Iterator
from typing import Any


def said(logs: Any, group: str, container: str, arn: str) -> Iterator[str]:
    """Yield a task's lines; none if it never came so far as to say something."""
    # `awslogs` calls a stream PREFIX/CONTAINER/TASK, and the prefix is the container's name here.
    stream = f"{container}/{container}/{arn.rpartition('/')[2]}"
    asked = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
    token = ""
    while True:
        try:
            answer = logs.get_log_events(**asked, **({"nextToken": token} if token else {}))
        except logs.exceptions.ResourceNotFoundException:
            return
        yield from (str(event["message"]) for event in answer["events"])
        # The same token again is how it says that this was the last page.
        if answer["nextForwardToken"] == token:
            return
        token = answer["nextForwardToken"]
