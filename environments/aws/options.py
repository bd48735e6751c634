"""What only AWS asks for, with the rules that keep a wrong stack config from costing money or data."""

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from environments.aws import versions
from environments.aws.sizes import SIZES, Size, SizeName

_SUBNET_ID = re.compile(r"subnet-[0-9a-f]{8,17}")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _subnets(text: str) -> str:
    wrong = [word for word in _words(text) if not _SUBNET_ID.fullmatch(word)]
    if wrong:
        raise ValueError(f"not a subnet's id: {', '.join(wrong)}; wanted: subnet-…,subnet-…")
    return text


def _network(text: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as error:
        raise ValueError(f"not a network: {error}; wanted: like 10.60.0.0/16") from None


def _vpc_cidr(text: str) -> str:
    network = _network(text)
    if not network.is_private or not 16 <= network.prefixlen <= 22:
        raise ValueError("must be a private network between /16 and /22")
    return text


def _networks(text: str) -> str:
    for word in _words(text):
        _network(word)
    return text


SubnetIds = Annotated[str, AfterValidator(_subnets)]


class Options(BaseModel):
    """The `aws…` keys; each default costs as little as it can and deletes nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    size: SizeName = Field("small", description="capacity of everything: small, standard or production")
    zones: int = Field(2, ge=2, le=3, description="availability zones of a new VPC")
    zone_names: str = Field(
        "",
        description="names of these zones, comma-separated, where a service is not in each; empty: the first",
    )
    nat: Literal["single", "per-zone"] = Field(
        "single", description="NAT gateways of a new VPC: one (cheap), or one in each zone"
    )
    vpc_id: str = Field(
        "", pattern=r"^(vpc-[0-9a-f]{8,17})?$", description="an existing VPC; empty makes a new one"
    )
    private_subnet_ids: SubnetIds = Field(
        "",
        description="with awsVpcId: its private subnets, one per zone, two or three, with a way out by NAT",
    )
    public_subnet_ids: SubnetIds = Field(
        "", description="with awsVpcId and public dashboards: its public subnets, for the load balancer"
    )
    vpc_cidr: Annotated[str, AfterValidator(_vpc_cidr)] = Field(
        "10.60.0.0/16", description="addresses of a new VPC"
    )
    reserved_cidrs: Annotated[str, AfterValidator(_networks)] = Field(
        "", description="networks that the new VPC will be connected with, and so must not overlap"
    )
    protect: bool = Field(True, description="refuse to delete data: Pulumi's protect and AWS's own")
    teardown: bool = Field(
        False, description="the stack is about to be destroyed: awsProtect may be false in production too"
    )
    empty_buckets: bool = Field(False, description="let a destroy delete the objects in the buckets too")
    certificate_arn: str = Field(
        "",
        pattern=r"^(arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/.+)?$",
        description="ACM certificate of Metabase's address; without it Metabase is internal, by HTTP",
    )
    domain: str = Field(
        "",
        pattern=r"^([a-z0-9-]+(\.[a-z0-9-]+)+)?$",
        description="Metabase's host name, for which the certificate is",
    )
    dashboards_access: Literal["private", "public"] = Field(
        "private",
        description="Metabase's page: within the VPC, or from everywhere, once its first user is made",
    )
    airflow_access: Literal["private", "public"] = Field(
        "private", description="Airflow's page: from within the VPC only, or from everywhere (IAM signs in)"
    )
    admin_email: str = Field(
        "admin@example.com", pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="Metabase's first user"
    )
    alarm_email: str = Field(
        "",
        pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$",
        description="who gets alarms; empty: the SNS topic has no subscriber",
    )
    monthly_budget_usd: int = Field(
        0, ge=0, description="month's cost at which the budget warns; 0 is what the size usually costs"
    )
    owner: str = Field(
        "data-platform", pattern=r"^[\w .@/+=:-]{1,128}$", description="who answers for this stack: a tag"
    )
    postgres_version: versions.PostgresVersion = Field(
        "18", description="major version of RDS for PostgreSQL"
    )
    postgres_changes: Literal["window", "now"] = Field(
        "window",
        description="when RDS does what it restarts for: in Sunday's window, or at the next `pulumi up`",
    )
    postgres_major_upgrade: bool = Field(
        False, description="let a higher awsPostgresVersion upgrade the server, at once: a snapshot first"
    )
    postgres_gb: int = Field(
        0, ge=0, le=32768, description="the warehouse's disk in GB, which only grows; 0 is the size's"
    )
    kafka_version: versions.KafkaVersion = Field("3.9.x.kraft", description="Kafka of MSK; KRaft only")
    broker_gb: int = Field(
        0, ge=0, le=16384, description="disk of each broker in GB, which only grows; 0 is the size's"
    )
    emr_release: str = Field(
        "emr-spark-8.0.0", pattern=versions.EMR_RELEASE, description="EMR Serverless release, Spark 4 only"
    )
    airflow_version: versions.AirflowVersion = Field("3.0.6", description="Airflow of MWAA")
    metabase_image: str = Field(
        versions.METABASE,
        pattern=r"^[a-z0-9][a-z0-9._:/-]*(@sha256:[0-9a-f]{64})?$",
        description="image of Metabase; a mirror of your own is safer and faster",
    )
    artifacts: str = Field(
        "dist/aws",
        min_length=1,
        description="folder that `make aws-artifacts` filled: jars and packed Python",
    )
    passwords_epoch: int = Field(
        1, ge=1, description="raise it to make the warehouse's passwords anew, then run the setup task"
    )
    producer: bool = Field(False, description="also run the producer, for demo traffic")

    @property
    def capacity(self) -> Size:
        """The size's figures."""
        return SIZES[self.size]

    @property
    def dashboards_public(self) -> bool:
        """Whether everybody reaches Metabase's page."""
        return self.dashboards_access == "public"

    @property
    def broker_disk_gb(self) -> int:
        """What each broker has; MSK refuses less than there is, so a smaller size must name that."""
        return self.broker_gb or self.capacity.broker_gb

    @property
    def postgres_disk_gb(self) -> int:
        """What the warehouse begins with; the same holds for RDS."""
        return self.postgres_gb or self.capacity.postgres_gb

    @property
    def postgres_most_gb(self) -> int:
        """How far it may grow by itself, which RDS wants to be above what there is."""
        return max(self.capacity.postgres_most_gb, 2 * self.postgres_disk_gb)

    @property
    def zone_list(self) -> list[str]:
        """The zones of a new VPC, if somebody chose them."""
        return _words(self.zone_names)

    @property
    def private_zones(self) -> int:
        """In how many zones brokers and the warehouse are."""
        return len(set(self.private_subnets)) if self.vpc_id else self.zones

    @property
    def private_subnets(self) -> list[str]:
        """Ids of an existing VPC's private subnets."""
        return _words(self.private_subnet_ids)

    @property
    def public_subnets(self) -> list[str]:
        """Ids of an existing VPC's public subnets."""
        return _words(self.public_subnet_ids)

    @model_validator(mode="after")
    def _subnets_fit_the_vpc(self) -> "Options":
        private, public = self.private_subnets, self.public_subnets
        if not self.vpc_id and (private or public):
            raise ValueError("awsPrivateSubnetIds, awsPublicSubnetIds: only with awsVpcId")
        if self.vpc_id and len(set(private)) not in (2, 3):
            raise ValueError(f"awsPrivateSubnetIds has {len(set(private))}: awsVpcId needs two or three")
        if self.vpc_id and self.dashboards_public and len(set(public)) < 2:
            raise ValueError(
                f"awsPublicSubnetIds has {len(set(public))}: awsDashboardsAccess = public needs at least two"
            )
        return self

    @model_validator(mode="after")
    def _zones_are_the_vpcs(self) -> "Options":
        chosen = self.zone_list
        if chosen and self.vpc_id:
            raise ValueError("awsZoneNames: only without awsVpcId, whose subnets have their zones")
        if chosen and not len(chosen) == len(set(chosen)) == self.zones:
            raise ValueError(
                f"awsZoneNames = {self.zone_names}: awsZones = {self.zones} wants so many different ones"
            )
        return self

    @model_validator(mode="after")
    def _addresses_are_free(self) -> "Options":
        ours = ipaddress.IPv4Network(self.vpc_cidr)
        for word in _words(self.reserved_cidrs) if not self.vpc_id else ():
            if ours.overlaps(ipaddress.IPv4Network(word)):
                raise ValueError(f"awsVpcCidr = {self.vpc_cidr}: overlaps with {word} of awsReservedCidrs")
        return self

    @model_validator(mode="after")
    def _certificate_has_its_name(self) -> "Options":
        if bool(self.certificate_arn) != bool(self.domain):
            raise ValueError("awsCertificateArn, awsDomain: both or neither; a certificate is for a name")
        if self.dashboards_public and not self.certificate_arn:
            raise ValueError("awsDashboardsAccess = public: needs awsCertificateArn and awsDomain")
        return self

    @model_validator(mode="after")
    def _production_is_safe(self) -> "Options":
        if self.teardown and self.protect:
            raise ValueError("awsTeardown = true: only with awsProtect = false")
        if self.size == "production" and not self.teardown:
            needs = {
                "awsProtect = true": self.protect,
                # With two, one broker alone may have what counts as kept.
                "three zones (awsZones, or three awsPrivateSubnetIds)": self.private_zones == 3,
                "awsCertificateArn and awsDomain": bool(self.certificate_arn),
                "awsAlarmEmail": bool(self.alarm_email),
                "awsEmptyBuckets = false": not self.empty_buckets,
            }
            missing = [need for need, met in needs.items() if not met]
            if missing:
                raise ValueError(f"awsSize = production: needs {', '.join(missing)}")
        return self
