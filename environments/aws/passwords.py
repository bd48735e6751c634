"""Generated passwords, kept in Secrets Manager; everybody else gets a secret's ARN and never its value."""

from collections.abc import Iterable
from dataclasses import dataclass

import pulumi
import pulumi_aws.secretsmanager as secretsmanager
import pulumi_random as random

# Roles of the warehouse, Metabase's own database, its first user, and the key it encrypts connections with.
NAMES = ("ingest", "etl", "bi_readonly", "metabase_database", "metabase_admin", "metabase_key")
# A new epoch makes these anew, and the setup and dashboards tasks tell their owners. Not Metabase's key,
# without which it can't read what it has, nor its first user's password, which that user changes.
ROTATED = ("ingest", "etl", "bi_readonly", "metabase_database")
_LENGTH = 40
_RECOVERY_DAYS = 30


@dataclass(frozen=True)
class PasswordsArgs:
    """The key, and whether a destroy may take what opens the data; `epoch` makes passwords anew."""

    key_arn: pulumi.Input[str]
    protect: bool
    epoch: int = 1


class Passwords(pulumi.ComponentResource):
    """`arns` of the secrets, by name, once each has its value."""

    def __init__(self, name: str, args: PasswordsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Passwords", name, {}, opts)
        self.arns = {label: self._secret(f"{name}-{label}", label, args) for label in NAMES}
        self.register_outputs({})

    def _secret(self, name: str, label: str, args: PasswordsArgs) -> pulumi.Output[str]:
        inner = pulumi.ResourceOptions(parent=self, protect=args.protect)
        rotated = label in ROTATED
        # A protected one could not be replaced; the secret that holds it stays protected.
        value_opts = pulumi.ResourceOptions(parent=self, protect=args.protect and not rotated)
        keepers = {"epoch": str(args.epoch)} if rotated else None
        # Letters and digits need no quoting, wherever they end up.
        value = random.RandomPassword(name, length=_LENGTH, special=False, keepers=keepers, opts=value_opts)
        # The name gets a suffix of Pulumi's, because a deleted secret keeps its name for weeks.
        secret = secretsmanager.Secret(
            name,
            description=f"Password of {label}",
            kms_key_id=args.key_arn,
            recovery_window_in_days=_RECOVERY_DAYS if args.protect else 0,
            opts=inner,
        )
        hidden: pulumi.Output[str] = pulumi.Output.secret(value.result)
        version = secretsmanager.SecretVersion(
            name, secret_id=secret.id, secret_string=hidden, opts=value_opts
        )
        # The version's, so that whoever uses it comes after the value is there.
        return version.secret_id

    def some(self, names: Iterable[str]) -> dict[str, pulumi.Input[str]]:
        """Return the ARNs of these."""
        return {name: self.arns[name] for name in names}
