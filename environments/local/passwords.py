"""Generated secrets. They are kept with the data: a database outlives its stack only with its password."""

from dataclasses import dataclass

import pulumi
import pulumi_random as random

from environments.local.container import SecretFile

ROLES = ("admin", "ingest", "etl", "bi_readonly")
PASSWORDS = (*ROLES, "airflow_admin", "airflow_database", "metabase_database")
# Metabase refuses a password without a digit.
MIXED = ("metabase_admin",)
KEYS = ("airflow_fernet_key", "airflow_jwt_secret", "airflow_secret_key", "metabase_key")


@dataclass(frozen=True)
class PasswordsArgs:
    """How long a password is, and whether a destroy may take them."""

    length: int
    protect: bool

    def __post_init__(self) -> None:
        """Refuse what could be guessed."""
        if self.length < 16:
            raise ValueError(f"length = {self.length}: a password has at least 16 characters")


class Passwords(pulumi.ComponentResource):
    """All generated secrets, by name; `values` are secret outputs, `cluster_id` is Kafka's and none."""

    def __init__(self, name: str, args: PasswordsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:local:Passwords", name, {}, opts)
        inner = pulumi.ResourceOptions(parent=self, protect=args.protect)
        self.values: dict[str, pulumi.Output[str]] = {}
        for secret in (*PASSWORDS, *MIXED):
            digits = 1 if secret in MIXED else None
            # Letters and digits need no quoting, wherever they end up.
            made = random.RandomPassword(
                f"{name}-{secret}", length=args.length, special=False, min_numeric=digits, opts=inner
            )
            self.values[secret] = pulumi.Output.secret(made.result)
        for secret in KEYS:
            key = random.RandomBytes(f"{name}-{secret}", length=32, opts=inner)
            self.values[secret] = pulumi.Output.secret(key.base64.apply(url_safe))
        # 21 letters and digits and an A are 16 bytes in base 64, with no dash that would read as an option.
        identity = random.RandomString(f"{name}-kafka-cluster", length=21, special=False, opts=inner)
        self.cluster_id = identity.result.apply(lambda text: f"{text}A")
        self.register_outputs({})

    def files(self, *names: str) -> list[SecretFile]:
        """Return these secrets as files for a container."""
        return [SecretFile(name, self.values[name]) for name in names]


def url_safe(base64: str) -> str:
    """Return base 64 in the alphabet that Fernet wants."""
    return base64.replace("+", "-").replace("/", "_")
