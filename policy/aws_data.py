"""Rules about what holds data on AWS: no way in from outside, encrypted, kept, logged."""

from collections.abc import Iterator

from policy.rule import Inputs, Rule, at, both, equals, present

DATABASE, PARAMETERS = "aws:rds/instance:Instance", "aws:rds/parameterGroup:ParameterGroup"
BROKERS, TOPIC = "aws:msk/cluster:Cluster", "aws:msk/topic:Topic"
_LEAST_BACKUP_DAYS = 7
_MODERN_CA = ("rds-ca-rsa", "rds-ca-ecc")


def _tls_only(inputs: Inputs) -> Iterator[str]:
    values = {item["name"]: item["value"] for item in inputs.get("parameters") or ()}
    if values.get("rds.force_ssl") != "1":
        yield "rds.force_ssl is not 1"


def _backups(inputs: Inputs) -> Iterator[str]:
    days = inputs.get("backupRetentionPeriod") or 0
    if days < _LEAST_BACKUP_DAYS:
        yield f"backups are kept for {days:g} days, at least {_LEAST_BACKUP_DAYS} are wanted"
    if inputs.get("skipFinalSnapshot") is not False:
        yield "it leaves no final snapshot"


def _patched(inputs: Inputs) -> Iterator[str]:
    yield from equals(autoMinorVersionUpgrade=True)(inputs)
    if not str(inputs.get("caCertIdentifier") or "").startswith(_MODERN_CA):
        yield "its certificate is of an old authority"


def _watched(inputs: Inputs) -> Iterator[str]:
    yield from present("performanceInsightsEnabled", "performanceInsightsKmsKeyId", "monitoringInterval")(
        inputs
    )
    if "postgresql" not in (inputs.get("enabledCloudwatchLogsExports") or ()):
        yield "its log is not exported"


def _master_password(inputs: Inputs) -> Iterator[str]:
    yield from equals(manageMasterUserPassword=True)(inputs)
    if inputs.get("password"):
        yield "password is set, and so in the state"


def _broker_logs(inputs: Inputs) -> Iterator[str]:
    kinds = ("cloudwatchLogs", "s3", "firehose")
    if not any(at(inputs, f"loggingInfo.brokerLogs.{kind}.enabled") for kind in kinds):
        yield "brokers log nowhere"


def _copies(inputs: Inputs) -> Iterator[str]:
    copies = inputs.get("replicationFactor") or 0
    if copies < 2:
        yield f"it is in {copies:g} broker"


RULES = (
    Rule(
        "database-private",
        DATABASE,
        "whoever can reach it will try",
        equals(publiclyAccessible=False),
        ("CKV_AWS_17", "rds_instance_no_public_access"),
    ),
    Rule(
        "database-encrypted",
        DATABASE,
        "a lost snapshot must be worth nothing",
        both(equals(storageEncrypted=True), present("kmsKeyId")),
        ("CKV_AWS_16", "rds_instance_storage_encrypted"),
    ),
    Rule(
        "database-tls",
        PARAMETERS,
        "passwords and customers cross the network",
        _tls_only,
        ("CKV2_AWS_69", "rds_instance_transport_encrypted"),
    ),
    Rule(
        "database-backups",
        DATABASE,
        "what was deleted by mistake must come back",
        both(_backups, equals(copyTagsToSnapshot=True)),
        ("CKV_AWS_133", "CKV2_AWS_60", "rds_instance_backup_enabled", "rds_instance_copy_tags_to_snapshots"),
    ),
    Rule(
        "database-kept",
        DATABASE,
        "one click must not delete it",
        equals(deletionProtection=True),
        ("CKV_AWS_293", "rds_instance_deletion_protection"),
        advice=True,
    ),
    Rule(
        "database-watched",
        DATABASE,
        "why it was slow is asked afterwards",
        _watched,
        (
            "CKV_AWS_118",
            "CKV_AWS_129",
            "CKV_AWS_353",
            "CKV_AWS_354",
            "rds_instance_enhanced_monitoring_enabled",
            "rds_instance_integration_cloudwatch_logs",
        ),
    ),
    Rule(
        "database-patched",
        DATABASE,
        "known holes are the first that are tried",
        _patched,
        ("CKV_AWS_211", "CKV_AWS_226", "rds_instance_minor_version_upgrade_enabled"),
    ),
    Rule("database-password", DATABASE, "nobody may see the master's password", _master_password),
    Rule(
        "brokers-private",
        BROKERS,
        "whoever can reach them will try",
        equals(brokerNodeGroupInfo__connectivityInfo__publicAccess__type="DISABLED"),
        ("CKV_AWS_291", "kafka_cluster_is_public"),
    ),
    Rule(
        "brokers-encrypted",
        BROKERS,
        "events hold customers",
        both(
            equals(
                encryptionInfo__encryptionInTransit__clientBroker="TLS",
                encryptionInfo__encryptionInTransit__inCluster=True,
            ),
            present("encryptionInfo.encryptionAtRestKmsKeyArn"),
        ),
        (
            "CKV_AWS_81",
            "kafka_cluster_encryption_at_rest_uses_cmk",
            "kafka_cluster_in_transit_encryption_enabled",
        ),
    ),
    Rule(
        "brokers-sign-in",
        BROKERS,
        "who wrote an event must be known",
        equals(clientAuthentication__sasl__iam=True, clientAuthentication__unauthenticated=False),
        ("kafka_cluster_unrestricted_access_disabled",),
    ),
    Rule(
        "brokers-logs",
        BROKERS,
        "why they refused is asked afterwards",
        both(_broker_logs, present("enhancedMonitoring")),
        ("CKV_AWS_80", "kafka_cluster_enhanced_monitoring_enabled"),
    ),
    Rule("topic-copies", TOPIC, "one broker may be lost", _copies),
    Rule(
        "secret-encrypted",
        "aws:secretsmanager/secret:Secret",
        "the stack's key says who may read",
        present("kmsKeyId"),
        ("CKV_AWS_149",),
    ),
    Rule(
        "key-rotates",
        "aws:kms/key:Key",
        "a key that leaked once must not open everything for ever",
        equals(enableKeyRotation=True),
        ("CKV_AWS_7", "kms_cmk_rotation_enabled"),
    ),
    Rule(
        "object-encrypted",
        "aws:s3/bucketObjectv2:BucketObjectv2",
        "uploads are encrypted with the stack's key",
        equals(serverSideEncryption="aws:kms"),
        ("CKV_AWS_186",),
    ),
    Rule(
        "registry-exact",
        "aws:ecr/repository:Repository",
        "what ran yesterday runs tomorrow, and holes in it are told",
        both(
            equals(imageTagMutability="IMMUTABLE", imageScanningConfiguration__scanOnPush=True),
            equals(encryptionConfigurations__0__encryptionType="KMS"),
        ),
        ("CKV_AWS_51", "CKV_AWS_136", "CKV_AWS_163"),
    ),
    Rule(
        "log-ends",
        "aws:cloudwatch/logGroup:LogGroup",
        "a log without an end costs without one",
        present("retentionInDays"),
        ("CKV_AWS_66", "cloudwatch_log_group_retention_policy_specific_days_enabled"),
    ),
    Rule(
        "log-encrypted",
        "aws:cloudwatch/logGroup:LogGroup",
        "logs hold what went wrong, data too",
        present("kmsKeyId"),
        ("CKV_AWS_158", "cloudwatch_log_group_kms_encryption_enabled"),
    ),
)
