"""Rules about ways in and out on AWS: nothing is open but a public load balancer's 443."""

from collections.abc import Iterator, Sequence

from policy.resource import Resource
from policy.rule import Inputs, Rule, StackRule, both, equals, of, present

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
GROUP, DEFAULT_GROUP = (
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
)
BALANCER, LISTENER = "aws:lb/loadBalancer:LoadBalancer", "aws:lb/listener:Listener"
_TLS = 443
_EVERYBODY = ("0.0.0.0/0", "::/0")


def _range(inputs: Inputs) -> str:
    return str(inputs.get("cidrIpv4") or inputs.get("cidrIpv6") or "")


def _tls_only(inputs: Inputs) -> bool:
    return inputs.get("fromPort") == _TLS == inputs.get("toPort")


def _ingress(inputs: Inputs) -> Iterator[str]:
    who = _range(inputs)
    if who in _EVERYBODY and not _tls_only(inputs):
        yield f"everybody reaches {inputs.get('fromPort')} to {inputs.get('toPort')}"
    elif who and who not in _EVERYBODY:
        yield f"{who} is a range of addresses, not a security group"


def _egress(inputs: Inputs) -> Iterator[str]:
    if _range(inputs) and not _tls_only(inputs):
        yield f"it reaches {_range(inputs)} on more than {_TLS}"


def _inline(inputs: Inputs) -> Iterator[str]:
    if inputs.get("ingress") or inputs.get("egress"):
        yield "it has rules of its own, which stand beside the list of flows"


def _balancers_only(resources: Sequence[Resource]) -> Iterator[tuple[str, str]]:
    public = [one.inputs for one in of(resources, BALANCER) if one.inputs.get("internal") is not True]
    groups = {group for inputs in public for group in inputs.get("securityGroups") or ()}
    for rule in of(resources, INGRESS):
        if _range(rule.inputs) in _EVERYBODY and rule.inputs.get("securityGroupId") not in groups:
            yield rule.name, "everybody reaches what is no public load balancer"


def _flow_logs(resources: Sequence[Resource]) -> Iterator[tuple[str, str]]:
    logged = len(of(resources, "aws:ec2/flowLog:FlowLog"))
    yield from (
        (one.name, "its flows are logged nowhere") for one in of(resources, "aws:ec2/vpc:Vpc")[logged:]
    )


def _public_plain(resources: Sequence[Resource]) -> Iterator[tuple[str, str]]:
    if any(one.inputs.get("internal") is not True for one in of(resources, BALANCER)):
        for listener in of(resources, LISTENER):
            if listener.inputs.get("protocol") != "HTTPS":
                yield listener.name, "a public load balancer listens without TLS"


def _modern(inputs: Inputs) -> Iterator[str]:
    if inputs.get("protocol") == "HTTPS" and "TLS13" not in str(inputs.get("sslPolicy")):
        yield f"sslPolicy {inputs.get('sslPolicy')} takes old TLS"


RULES = (
    Rule(
        "closed-ingress",
        INGRESS,
        "flows are between groups that are named",
        _ingress,
        (
            "CKV_AWS_24",
            "CKV_AWS_25",
            "CKV_AWS_260",
            "CKV_AWS_277",
            "ec2_securitygroup_allow_ingress_from_internet_to_any_port",
        ),
    ),
    Rule("closed-egress", EGRESS, "what breaks in must not call home", _egress, ("CKV_AWS_382",)),
    Rule(
        "described-flows", INGRESS, "who reads it in a year asks why", present("description"), ("CKV_AWS_23",)
    ),
    Rule("no-inline-flows", GROUP, "one list says who talks to whom", _inline, ("CKV_AWS_277",)),
    Rule(
        "closed-default-group",
        DEFAULT_GROUP,
        "who forgets to name a group gets one that lets nothing through",
        _inline,
        ("CKV2_AWS_12", "ec2_securitygroup_default_restrict_traffic"),
    ),
    Rule(
        "no-public-addresses",
        "aws:ec2/subnet:Subnet",
        "an address is given on purpose",
        equals(mapPublicIpOnLaunch=False),
        ("CKV_AWS_130", "vpc_subnet_no_public_ip_by_default"),
    ),
    Rule(
        "balancer-logs",
        BALANCER,
        "who was there is asked afterwards",
        both(equals(accessLogs__enabled=True), equals(dropInvalidHeaderFields=True)),
        ("CKV_AWS_91", "CKV_AWS_131", "elbv2_logging_enabled"),
    ),
    Rule("modern-tls", LISTENER, "old TLS is broken", _modern, ("CKV_AWS_103", "elbv2_insecure_ssl_ciphers")),
)
STACK_RULES = (
    StackRule(
        "only-balancers-are-open",
        "everything else is for the VPC",
        _balancers_only,
        ("elbv2_internet_facing",),
    ),
    StackRule(
        "flow-logs",
        "who talked to whom is asked afterwards",
        _flow_logs,
        ("CKV2_AWS_11", "vpc_flow_logs_enabled"),
    ),
    StackRule("public-by-tls", "passwords are typed there", _public_plain, ("CKV_AWS_2", "CKV2_AWS_20")),
)
