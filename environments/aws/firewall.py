"""Who may talk to whom: security groups that name each other.

Ranges of addresses are in two rules only, by TLS: out to AWS's services, and in from everybody to a public
load balancer.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws.ec2 as ec2
import pulumi_aws.vpc as vpc

KAFKA_IAM, POSTGRES, METABASE, HTTPS, HTTP = 9098, 5432, 3000, 443, 80
# The same thing to each of them: what it is, in words that AWS shows beside it.
GROUPS = {
    "postgres": "the warehouse",
    "kafka": "the brokers",
    "spark": "Spark jobs on EMR Serverless",
    "airflow": "Airflow",
    "tasks": "tasks on Fargate: setup, dashboards, producer",
    "metabase": "Metabase",
    "balancer": "load balancer before Metabase",
    "people": "whoever may open Metabase and Airflow from within the VPC",
}
_EVERY_PROTOCOL = "-1"
_TO_POSTGRES = ("spark", "airflow", "tasks", "metabase")
_TO_KAFKA = ("spark", "airflow", "tasks")
# These call AWS's own services, and Metabase its font and map servers.
_CALLERS = ("spark", "airflow", "tasks", "metabase")


@dataclass(frozen=True)
class FirewallArgs:
    """The VPC; the load balancer listens by `tls` or without, `public` opens its 443 to everybody."""

    vpc_id: pulumi.Input[str]
    tls: bool
    public: bool

    def __post_init__(self) -> None:
        """Refuse passwords in plain across the internet."""
        if self.public and not self.tls:
            raise ValueError("public: only with tls")


class Firewall(pulumi.ComponentResource):
    """`groups`: the ids of the security groups, by name; rules are part of it, so depend on it."""

    def __init__(self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Firewall", name, {}, opts)
        self._name = name
        self._inner = pulumi.ResourceOptions(parent=self)
        self.groups = {label: self._group(label, args) for label in GROUPS}
        entrance = HTTPS if args.tls else HTTP
        for source in _TO_POSTGRES:
            self._flow(source, "postgres", POSTGRES)
        for source in _TO_KAFKA:
            self._flow(source, "kafka", KAFKA_IAM)
        self._flow("balancer", "metabase", METABASE)
        self._flow("tasks", "balancer", entrance)
        self._flow("people", "balancer", entrance)
        self._flow("people", "airflow", HTTPS)
        self._among_themselves("airflow")
        for caller in _CALLERS:
            self._out(caller)
        if args.public:
            self._everybody()
        self.register_outputs({})

    def _group(self, label: str, args: FirewallArgs) -> pulumi.Output[str]:
        # Named anew when it has to be replaced: what uses it moves over before the old one goes.
        made = ec2.SecurityGroup(
            f"{self._name}-{label}", vpc_id=args.vpc_id, description=GROUPS[label], opts=self._inner
        )
        return made.id

    def _flow(self, source: str, target: str, port: int) -> None:
        self._pair(source, target, f"{source} to {target}", "tcp", port)

    def _among_themselves(self, label: str) -> None:
        # MWAA's scheduler, workers and database insist on it.
        self._pair(label, label, f"{label} among its own parts", _EVERY_PROTOCOL)

    def _pair(self, source: str, target: str, why: str, protocol: str, port: int | None = None) -> None:
        """Let `source` out to `target`, and let that in."""
        ends = (
            (vpc.SecurityGroupIngressRule, f"{target}-from-{source}", target, source),
            (vpc.SecurityGroupEgressRule, f"{source}-to-{target}", source, target),
        )
        for rule, label, group, other in ends:
            rule(
                f"{self._name}-{label}",
                security_group_id=self.groups[group],
                referenced_security_group_id=self.groups[other],
                ip_protocol=protocol,
                from_port=port,
                to_port=port,
                description=why,
                opts=self._inner,
            )

    def _out(self, label: str) -> None:
        # AWS's services have public addresses, and no list of them holds for long.
        vpc.SecurityGroupEgressRule(
            f"{self._name}-{label}-to-aws",
            security_group_id=self.groups[label],
            cidr_ipv4="0.0.0.0/0",
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            description="AWS services by TLS",
            opts=self._inner,
        )

    def _everybody(self) -> None:
        vpc.SecurityGroupIngressRule(
            f"{self._name}-balancer-from-everybody",
            security_group_id=self.groups["balancer"],
            cidr_ipv4="0.0.0.0/0",
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            description="whoever has an account in Metabase",
            opts=self._inner,
        )
