"""Draw the AWS environment into docs/aws.md, out of what the program registers under Pulumi's mocks.

python -m scripts.aws_diagram [--check]

Nodes are security groups with what stands in them, arrows are the rules between them, and what roles may do
with buckets; so nothing is drawn that is not built, and a new flow is drawn when it is allowed.
"""

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from environments.aws.firewall import GROUPS
from scripts import generated_page
from tests.unit.aws_mocks import ACCOUNT, NAME, REGION, AwsRecorder, config, made

PAGE = Path(__file__).resolve().parents[1] / "docs" / "aws.md"
_BEGIN, _END = "<!-- drawn: python -m scripts.aws_diagram -->", "<!-- drawn until here -->"
_WORDS = {
    "Instance": "RDS",
    "Cluster": "MSK",
    "Application": "EMR Serverless",
    "Environment": "MWAA",
    "Service": "Fargate",
    "LoadBalancer": "load balancer",
}
# Whose role it is, by the group that it works in; others touch no bucket.
_ROLES = {"spark-jobs": "spark", "airflow-run": "airflow"}
_PUBLIC = {
    "certificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/abc",
    "domain": "bi.example.com",
    "dashboardsAccess": "public",
}


def drawing() -> str:
    """Return the diagram of a stack with everything that can be switched on."""
    with tempfile.TemporaryDirectory() as folder:
        stack = made(config(Path(folder), producer="true", alarmEmail="ops@example.com", **_PUBLIC))
    lines = ["```mermaid", "flowchart LR", *_nodes(stack), *sorted(_flows(stack)), *sorted(_buckets(stack))]
    alarms = len(stack.of("MetricAlarm"))
    lines += [f'    alarms["CloudWatch: {alarms} alarms, budget"] --> topic[SNS] --> mail[e-mail]', "```"]
    return "\n".join([_BEGIN, *lines, _END])


def _nodes(stack: AwsRecorder) -> Iterator[str]:
    yield '    subgraph vpc ["VPC: two or three zones"]'
    for label, says in GROUPS.items():
        inside = _inside(stack, f"{NAME}-sg-{label}-id")
        yield f'        {label}["{says}{f": {inside}" if inside else ""}"]'
    yield "    end"


def _inside(stack: AwsRecorder, group: str) -> str:
    kinds = Counter(_kind(one) for one in stack.every if _kind(one) in _WORDS and group in _text(one.inputs))
    return ", ".join(
        f"{count} x {_WORDS[kind]}" if count > 1 else _WORDS[kind] for kind, count in kinds.items()
    )


def _kind(one: Any) -> str:
    return str(one.typ.rpartition(":")[2])


def _text(inputs: Any) -> str:
    return json.dumps(inputs, default=str)


def _flows(stack: AwsRecorder) -> Iterator[str]:
    for rule in stack.of("SecurityGroupIngressRule").values():
        target = _group(rule["securityGroupId"])
        source = (
            _group(rule["referencedSecurityGroupId"]) if "referencedSecurityGroupId" in rule else "internet"
        )
        if source != target:
            yield f"    {source} -->|{rule['fromPort']:g}| {target}"
    for rule in stack.of("SecurityGroupEgressRule").values():
        if rule.get("cidrIpv4"):
            yield f"    {_group(rule['securityGroupId'])} -.->|{rule['fromPort']:g}| services[AWS services]"


def _group(identity: str) -> str:
    return identity.removeprefix(f"{NAME}-sg-").removesuffix("-id")


def _buckets(stack: AwsRecorder) -> Iterator[str]:
    for name, inputs in stack.of("RolePolicy").items():
        who = _ROLES.get(name.removeprefix(f"{NAME}-").removesuffix("-policy"))
        for statement in json.loads(inputs["policy"])["Statement"] if who else ():
            for bucket in ("artifacts", "data"):
                if any(f":::{NAME}-{bucket}/" in resource for resource in statement["Resource"]):
                    verb = "writes" if "s3:PutObject" in statement["Action"] else "reads"
                    yield f"    {who} -->|{verb}| {bucket}[(S3: {bucket})]"


def with_drawing(text: str) -> str:
    """Return a page with its diagram made anew."""
    before, _, rest = text.partition(_BEGIN)
    return before + drawing() + rest.partition(_END)[2]


def main(arguments: list[str] | None = None) -> int:
    """Draw, or tell whether the page is what it should be; return the exit code."""
    return generated_page.run("aws_diagram", __doc__, PAGE, with_drawing, arguments)


if __name__ == "__main__":
    sys.exit(main())
