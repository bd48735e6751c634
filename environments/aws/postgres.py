"""PostgreSQL on RDS: private, encrypted, TLS only, with backups, and a master password that nobody sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.iam as iam
import pulumi_aws.rds as rds
import pulumi_random as random

from environments.aws.options import Options
from environments.aws.place import Place
from environments.aws.policies import trust
from infra.config import PostgresConfig
from infra.platform import PostgresEndpoint

ADMIN = "ecom_admin"
PORT = 5432
_LOGS = ("postgresql", "upgrade")


@dataclass(frozen=True)
class PostgresArgs:
    """The server's place, size and key."""

    options: Options
    place: Place
    config: PostgresConfig
    subnets: Sequence[pulumi.Input[str]]
    security_group: pulumi.Input[str]
    key_arn: pulumi.Input[str]

    def __post_init__(self) -> None:
        """Refuse what RDS would refuse in the middle of an update."""
        if len(self.subnets) < 2:
            raise ValueError(f"subnets: {len(self.subnets)}; RDS wants two zones at least")


class Postgres(pulumi.ComponentResource):
    """`host`, `admin_secret` (the ARN of the master's), `identifier`, and `instance` to wait for."""

    def __init__(self, name: str, args: PostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Postgres", name, {}, opts)
        self._name, self._args = name, args
        self._inner = pulumi.ResourceOptions(parent=self)
        self.identifier = name
        logs = [self._log_group(kind) for kind in _LOGS]
        self.instance = self._instance(logs)
        self.host = self.instance.address
        self.admin_secret = self.instance.master_user_secrets.apply(
            lambda secrets: str(secrets[0].secret_arn) if secrets else ""
        )
        self.register_outputs({"host": self.host})

    def _log_group(self, kind: str) -> cloudwatch.LogGroup:
        # Made by us, or RDS would make it without an end and without our key.
        return cloudwatch.LogGroup(
            f"{self._name}-{kind}-log",
            name=f"/aws/rds/instance/{self._name}/{kind}",
            retention_in_days=self._args.options.capacity.log_days,
            kms_key_id=self._args.key_arn,
            opts=self._inner,
        )

    def _instance(self, logs: Sequence[pulumi.Resource]) -> rds.Instance:
        options, size = self._args.options, self._args.options.capacity
        return rds.Instance(
            self._name,
            identifier=self._name,
            engine="postgres",
            engine_version=options.postgres_version,
            instance_class=size.postgres_class,
            storage_type="gp3",
            allocated_storage=options.postgres_disk_gb,
            max_allocated_storage=options.postgres_most_gb,
            storage_encrypted=True,
            kms_key_id=self._args.key_arn,
            db_name=self._args.config.database,
            port=PORT,
            username=ADMIN,
            manage_master_user_password=True,
            master_user_secret_kms_key_id=self._args.key_arn,
            ca_cert_identifier="rds-ca-rsa2048-g1",
            db_subnet_group_name=self._subnet_group().name,
            vpc_security_group_ids=[self._args.security_group],
            publicly_accessible=False,
            multi_az=size.postgres_standby,
            parameter_group_name=self._parameters().name,
            backup_retention_period=size.backup_days,
            backup_window="02:00-03:00",
            maintenance_window="sun:03:30-sun:04:30",
            auto_minor_version_upgrade=True,
            allow_major_version_upgrade=options.postgres_major_upgrade,
            # With a major version comes a new parameter group, and the old one can't go while it is in use.
            apply_immediately=options.postgres_changes == "now" or options.postgres_major_upgrade,
            copy_tags_to_snapshot=True,
            performance_insights_enabled=True,
            performance_insights_kms_key_id=self._args.key_arn,
            performance_insights_retention_period=size.insights_days,
            monitoring_interval=60,
            monitoring_role_arn=self._monitoring_role(),
            enabled_cloudwatch_logs_exports=list(_LOGS),
            deletion_protection=options.protect,
            skip_final_snapshot=False,
            final_snapshot_identifier=self._snapshot_name(),
            # Automated backups outlive the instance, until their days are over.
            delete_automated_backups=False,
            opts=pulumi.ResourceOptions(parent=self, protect=options.protect, depends_on=list(logs)),
        )

    def _snapshot_name(self) -> pulumi.Output[str]:
        # Made anew with each stack: a second destroy of the same stack must not find the name taken.
        suffix = random.RandomString(
            f"{self._name}-snapshot", length=8, special=False, upper=False, opts=self._inner
        )
        return suffix.result.apply(lambda text: f"{self._name}-final-{text}")

    def _subnet_group(self) -> rds.SubnetGroup:
        return rds.SubnetGroup(
            f"{self._name}-subnets",
            description="Private subnets of the warehouse",
            subnet_ids=self._args.subnets,
            opts=self._inner,
        )

    def _parameters(self) -> rds.ParameterGroup:
        return rds.ParameterGroup(
            f"{self._name}-parameters",
            family=f"postgres{self._args.options.postgres_version}",
            description="TLS only, slow statements in the log, memory for the batch",
            parameters=[
                rds.ParameterGroupParameterArgs(name=key, value=value)
                for key, value in sorted(_parameters().items())
            ],
            opts=self._inner,
        )

    def _monitoring_role(self) -> pulumi.Output[str]:
        place = self._args.place
        role = iam.Role(
            f"{self._name}-monitoring",
            assume_role_policy=trust(["monitoring.rds.amazonaws.com"], place.account),
            opts=self._inner,
        )
        policy = f"arn:{place.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
        attached = iam.RolePolicyAttachment(
            f"{self._name}-monitoring", role=role.name, policy_arn=policy, opts=self._inner
        )
        return pulumi.Output.all(role.arn, attached.id).apply(lambda both: str(both[0]))


def _parameters() -> dict[str, str]:
    """Return what differs from RDS's defaults; sizes of memory follow the instance class there."""
    return {
        "rds.force_ssl": "1",
        "log_min_duration_statement": "1000",
        "log_statement": "ddl",
        "work_mem": "65536",
        "temp_buffers": "8192",
        "jit": "0",
    }


def endpoint(
    config: PostgresConfig, host: str, secrets: Mapping[str, str], certificates: str
) -> PostgresEndpoint:
    """Return the endpoint; `certificates` is where RDS's own are for whoever reads this."""
    return PostgresEndpoint(
        host=host,
        port=PORT,
        database=config.database,
        sslmode="verify-full",
        sslrootcert=certificates,
        admin_user=ADMIN,
        admin_password=secrets["admin"],
        ingest_password=secrets["ingest"],
        etl_password=secrets["etl"],
        bi_readonly_password=secrets["bi_readonly"],
    )
