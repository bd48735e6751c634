"""The one key that everything of a stack is encrypted with: one place to revoke, and to look who used it.

It outlives the stack: final snapshots and backups can be read with nothing else. Who wants it gone deletes it
by hand, once nothing is left that it encrypts.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws.kms as kms

from environments.aws.place import Place
from environments.aws.policies import Statement, document


@dataclass(frozen=True)
class EncryptionArgs:
    """Where, and whether the stack's data are protected."""

    place: Place
    protect: bool


class Encryption(pulumi.ComponentResource):
    """`arn` of the key; it is rotated each year."""

    def __init__(self, name: str, args: EncryptionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Encryption", name, {}, opts)
        self.key = kms.Key(
            name,
            description=f"Everything of the stack {name}",
            enable_key_rotation=True,
            policy=_policy(args.place),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect, retain_on_delete=True),
        )
        kms.Alias(
            name,
            name=f"alias/{name}",
            target_key_id=self.key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = self.key.arn
        self.register_outputs({"arn": self.arn})


def _policy(place: Place) -> str:
    return document([_account(place), _logs(place), _alarms(place)])


def _account(place: Place) -> Statement:
    # Without this the key could be managed by nobody; it gives no right that an IAM policy does not give too.
    return {
        "Sid": "TheAccountsOwnPoliciesDecide",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{place.partition}:iam::{place.account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }


def _logs(place: Place) -> Statement:
    return {
        "Sid": "LogGroupsOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{place.region}.{place.dns_suffix}"},
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
        "Resource": "*",
        "Condition": {
            "ArnLike": {"kms:EncryptionContext:aws:logs:arn": place.arn("logs", "log-group:*")},
        },
    }


def _alarms(place: Place) -> Statement:
    # An alarm that can't encrypt its message is lost without a word.
    return {
        "Sid": "AlarmsToAnEncryptedTopic",
        "Effect": "Allow",
        "Principal": {"Service": ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": place.account}},
    }
