"""Metabase on Fargate behind a load balancer: in the VPC only, unless it is opened; HTTPS with a certificate.

Whoever comes first to a new Metabase owns it, so it is opened after `dashboards` has made the first user.

Its own database is on the warehouse's server, under a role that can connect to nothing else; it reads the
warehouse as `bi_readonly`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws.ecs as ecs
import pulumi_aws.lb as lb

from environments.aws.firewall import HTTP, HTTPS, METABASE
from environments.aws.options import Options
from environments.aws.setup import METABASE as METABASE_DATABASE
from environments.aws.tasks import TaskArgs, Tasks
from infra.platform import DashboardsEndpoint, MetabaseEndpoint

# Metabase migrates its own database at a first start, which takes minutes.
_PATIENCE_S = 900
_TLS = "ELBSecurityPolicy-TLS13-1-2-2021-06"
# Metabase's image has RDS's certificates here, AWS's global bundle; another image must have them too.
CERTIFICATES = "/app/certs/rds-combined-ca-bundle.pem"


@dataclass(frozen=True)
class DashboardsArgs:
    """Place, size and image; secrets by ARN."""

    options: Options
    tasks: Tasks
    vpc_id: pulumi.Input[str]
    private_subnets: Sequence[pulumi.Input[str]]
    public_subnets: Sequence[pulumi.Input[str]]
    groups: Mapping[str, pulumi.Input[str]]
    postgres_host: pulumi.Input[str]
    log_bucket: pulumi.Input[str]
    log_bucket_ready: Sequence[pulumi.Resource]
    password: pulumi.Input[str]
    key: pulumi.Input[str]

    def __post_init__(self) -> None:
        """Refuse a load balancer without a place."""
        if len(self.balancer_subnets) < 2:
            raise ValueError(
                f"subnets: {len(self.balancer_subnets)}; a load balancer wants two zones at least"
            )

    @property
    def balancer_subnets(self) -> Sequence[pulumi.Input[str]]:
        """Where the load balancer stands."""
        return self.public_subnets if self.options.dashboards_public else self.private_subnets


class Dashboards(pulumi.ComponentResource):
    """`url` where people open Metabase, `domain` of it, if any, and the names by which alarms find it."""

    def __init__(self, name: str, args: DashboardsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Dashboards", name, {}, opts)
        self._name, self._args = name, args
        self._inner = pulumi.ResourceOptions(parent=self)
        self.balancer = self._balancer()
        self.target = self._target()
        listener = self._listener()
        self.url = url(args.options, self.balancer.dns_name)
        self.domain = args.options.domain
        self.service = self._service(listener)
        self.register_outputs({"url": self.url})

    def _balancer(self) -> lb.LoadBalancer:
        args = self._args
        return lb.LoadBalancer(
            f"{self._name}-bi",
            name=f"{self._name}-bi",
            internal=not args.options.dashboards_public,
            load_balancer_type="application",
            security_groups=[args.groups["balancer"]],
            subnets=args.balancer_subnets,
            drop_invalid_header_fields=True,
            access_logs=lb.LoadBalancerAccessLogsArgs(
                bucket=args.log_bucket, prefix="balancer", enabled=True
            ),
            # Opening or closing it is another load balancer, which neither protection would let go; a target
            # group is for one at a time, and so is the name.
            opts=pulumi.ResourceOptions(
                parent=self, delete_before_replace=True, depends_on=list(args.log_bucket_ready)
            ),
        )

    def _target(self) -> lb.TargetGroup:
        return lb.TargetGroup(
            f"{self._name}-bi",
            name=f"{self._name}-bi",
            port=METABASE,
            protocol="HTTP",
            target_type="ip",
            vpc_id=self._args.vpc_id,
            deregistration_delay=30,
            health_check=lb.TargetGroupHealthCheckArgs(
                path="/api/health", matcher="200", interval=15, timeout=10, healthy_threshold=2
            ),
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )

    def _listener(self) -> lb.Listener:
        certificate = self._args.options.certificate_arn
        return lb.Listener(
            f"{self._name}-bi",
            load_balancer_arn=self.balancer.arn,
            port=HTTPS if certificate else HTTP,
            protocol="HTTPS" if certificate else "HTTP",
            certificate_arn=certificate or None,
            ssl_policy=_TLS if certificate else None,
            default_actions=[lb.ListenerDefaultActionArgs(type="forward", target_group_arn=self.target.arn)],
            opts=self._inner,
        )

    def _service(self, listener: lb.Listener) -> ecs.Service:
        args, size = self._args, self._args.options.capacity
        definition = args.tasks.task("metabase", self._task())
        return ecs.Service(
            f"{self._name}-metabase",
            name="metabase",
            cluster=args.tasks.cluster.arn,
            task_definition=definition.arn,
            desired_count=size.metabase_tasks,
            launch_type="FARGATE",
            network_configuration=ecs.ServiceNetworkConfigurationArgs(
                subnets=args.private_subnets,
                security_groups=[args.groups["metabase"]],
                assign_public_ip=False,
            ),
            load_balancers=[
                ecs.ServiceLoadBalancerArgs(
                    container_name="metabase", container_port=METABASE, target_group_arn=self.target.arn
                )
            ],
            health_check_grace_period_seconds=_PATIENCE_S,
            deployment_circuit_breaker=ecs.ServiceDeploymentCircuitBreakerArgs(enable=True, rollback=True),
            # Its database is made by the setup task, which runs after the stack is up.
            wait_for_steady_state=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[listener]),
        )

    def _task(self) -> TaskArgs:
        args, size = self._args, self._args.options.capacity
        return TaskArgs(
            image=args.options.metabase_image,
            repository_arn=None,
            cpu=size.metabase_cpu,
            memory_mb=size.metabase_mb,
            env=pulumi.Output.all(host=args.postgres_host, url=self.url).apply(
                lambda known: variables(known["host"], known["url"])
            ),
            secrets={"MB_DB_PASS": args.password, "MB_ENCRYPTION_SECRET_KEY": args.key},
            port=METABASE,
            # The official image unpacks its drivers beside itself.
            read_only=False,
        )


def variables(host: str, site: str) -> dict[str, str]:
    """Return Metabase's settings; it verifies the server of its own database as everybody here does."""
    verified = f"sslmode=verify-full&sslrootcert={CERTIFICATES}"
    return {
        "MB_DB_TYPE": "postgres",
        "MB_DB_CONNECTION_URI": f"jdbc:postgresql://{host}:5432/{METABASE_DATABASE}?{verified}",
        "MB_DB_USER": METABASE_DATABASE,
        "MB_SITE_URL": site,
        "MB_LOAD_SAMPLE_CONTENT": "false",
        "MB_ANON_TRACKING_ENABLED": "false",
        "MB_CHECK_FOR_UPDATES": "false",
        "MB_ENABLE_EMBEDDING": "false",
        "JAVA_TIMEZONE": "UTC",
    }


def url(options: Options, dns_name: pulumi.Input[str]) -> pulumi.Output[str]:
    """Return where people look: the certificate's name, or the load balancer's own within the VPC."""
    if options.certificate_arn:
        return pulumi.Output.from_input(f"https://{options.domain}")
    # The scheme is written small in URLs, and so are host names; AWS's own may hold capitals.
    return pulumi.Output.from_input(dns_name).apply(lambda host: f"http://{host.lower()}")


def endpoint(address: str) -> DashboardsEndpoint:
    """Return where people look."""
    return DashboardsEndpoint(url=address)


def metabase_endpoint(options: Options, address: str, password: str, postgres_host: str) -> MetabaseEndpoint:
    """Return the Metabase that dashboards are put into: where people look at them."""
    return MetabaseEndpoint(
        url=address,
        admin_email=options.admin_email,
        admin_password=password,
        postgres_host=postgres_host,
        postgres_port=5432,
        postgres_sslrootcert=CERTIFICATES,
    )
