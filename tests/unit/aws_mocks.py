"""AWS under Pulumi's mocks: what the provider would make up, and an account with one VPC in it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi.runtime import mocks

from environments.aws.config import AwsConfig, parse
from environments.aws.stack import Aws, outputs
from tests.unit.pulumi_mocks import Recorder, run

ACCOUNT, REGION, NAME = "123456789012", "eu-central-1", "ecom-test"
VPC = "vpc-0123456789abcdef0"
ZONES = {f"subnet-{number}{number:07x}": f"{REGION}{zone}" for number, zone in enumerate("abc", start=1)}
CERTIFICATE = {
    "certificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/abc",
    "domain": "bi.example.com",
}
SAFE = {**CERTIFICATE, "alarmEmail": "ops@example.com"}
_INVOKED: dict[str, dict[str, Any]] = {
    "getCallerIdentity": {"accountId": ACCOUNT, "arn": "", "userId": ""},
    "getRegion": {"region": REGION, "description": "", "endpoint": ""},
    "getPartition": {"partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"},
    "getAvailabilityZones": {
        "names": [f"{REGION}c", f"{REGION}a", f"{REGION}b"],
        "groupNames": [],
        "zoneIds": [],
    },
}
_MADE_UP: dict[str, dict[str, Any]] = {
    "Repository": {"repositoryUrl": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{NAME}"},
    "LoadBalancer": {
        "dnsName": "Internal-bi.elb.amazonaws.com",
        "zoneId": "Z1",
        "arnSuffix": "app/bi/1",
    },
    "TargetGroup": {"arnSuffix": "targetgroup/bi/1"},
    "Environment": {"webserverUrl": "airflow.example.com"},
    "Configuration": {"latestRevision": 1},
    "BucketObjectv2": {"versionId": "version-1"},
}


_EMR = f"arn:aws:emr-serverless:{REGION}:{ACCOUNT}"
# How AWS writes the ARNs of what policies name; `{}` is the name.
_ARNS = {
    "aws:cloudwatch/logGroup:LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}",
    "aws:emrserverless/application:Application": f"{_EMR}:/applications/{{}}",
    "aws:ecr/repository:Repository": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{{}}",
    "aws:iam/role:Role": f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    "aws:s3/bucket:Bucket": "arn:aws:s3:::{}",
    "aws:sns/topic:Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{{}}",
}


def _arn(args: mocks.MockResourceArgs) -> str:
    service, kind = args.typ.partition("/")[0].removeprefix("aws:"), args.typ.rpartition(":")[2].lower()
    return _ARNS.get(args.typ, f"arn:aws:{service}:{REGION}:{ACCOUNT}:{kind}/{{}}").format(args.name)


@dataclass
class AwsRecorder(Recorder):
    """Answers like the AWS provider; several resources share a name here, so there is a list of all."""

    every: list[mocks.MockResourceArgs] = field(default_factory=list)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.every.append(args)
        identity, answer = super().new_resource(args)
        kind = args.typ.rpartition(":")[2]
        if args.typ.startswith("aws:"):
            answer.setdefault("name", args.name)
            answer |= {"arn": _arn(args), "keyId": f"{args.name}-key"} | _MADE_UP.get(kind, {})
        if args.typ.startswith("aws:msk/cluster:"):
            answer["arn"] = f"arn:aws:kafka:{REGION}:{ACCOUNT}:cluster/{args.name}/uuid-1"
            answer["bootstrapBrokersSaslIam"] = "b-1.example.com:9098,b-2.example.com:9098"
        if args.typ.startswith("aws:secretsmanager/"):
            secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{args.name}-AbCdEf"
            return secret, answer | {"arn": secret, "secretId": secret}
        if args.typ.startswith("aws:rds/instance:"):
            secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!db-AbCdEf"
            answer |= {"address": "warehouse.example.com", "masterUserSecrets": [{"secretArn": secret}]}
        return identity, answer

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        return {args.name: args.inputs for args in self.every if args.typ.endswith(f"{kind}") and args.custom}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        kind = args.token.rpartition(":")[2]
        if kind == "getSubnet":
            found = {"vpcId": VPC, "availabilityZone": ZONES[args.args["id"]]}
            return {**args.args, **found}, []
        return {"id": REGION, **_INVOKED[kind]}, []


def artifacts(folder: Path) -> str:
    """Make what `make aws-artifacts` makes, as far as the program looks at it; return the folder's name."""
    (folder / "jars").mkdir(parents=True, exist_ok=True)
    for name in ("environment.tar.gz", "rds-ca.pem", "jars/msk.jar", "jars/kafka.jar"):
        (folder / name).write_text(name, encoding="utf-8")
    return str(folder)


def config(folder: Path, **options: str) -> AwsConfig:
    """Return a configuration of `aws…` keys, given without their `aws`."""
    named = {f"ecom:aws{key[0].upper()}{key[1:]}": value for key, value in options.items()}
    return parse({"ecom:awsArtifacts": artifacts(folder), **named}, "the test")


def made(wanted: AwsConfig) -> AwsRecorder:
    """Run the stack to its end and return what it registered; exports are in `exported`."""
    recorder = AwsRecorder()
    run(lambda: outputs(Aws(NAME, wanted)), recorder)
    return recorder


def one(recorder: AwsRecorder, kind: str) -> dict[str, Any]:
    found = recorder.of(kind)
    assert len(found) == 1, sorted(found)
    return next(iter(found.values()))


def policies(recorder: AwsRecorder) -> dict[str, list[dict[str, Any]]]:
    return {
        name.removeprefix(f"{NAME}-").removesuffix("-policy"): json.loads(inputs["policy"])["Statement"]
        for name, inputs in recorder.of("RolePolicy").items()
    }
