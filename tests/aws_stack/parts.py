"""Pulumi's program of the components whose services moto has, for the official plugin as well as ours."""

import pulumi

from environments.aws import postgres, storage
from environments.aws.config import parse
from environments.aws.encryption import Encryption, EncryptionArgs
from environments.aws.firewall import Firewall, FirewallArgs
from environments.aws.network import Network, NetworkArgs
from environments.aws.passwords import Passwords, PasswordsArgs
from environments.aws.place import here
from environments.aws.registry import Registry, RegistryArgs
from environments.aws.tasks import Tasks, TasksArgs

NAME = "ecom-parts"
config = parse({"ecom:awsProtect": "false"}, "the test")
options, place = config.aws, here()
key = Encryption(NAME, EncryptionArgs(place, options.protect)).arn
network = Network(f"{NAME}-net", NetworkArgs(options, place, key))
groups = Firewall(f"{NAME}-sg", FirewallArgs(network.vpc_id, tls=False, public=False)).groups
Passwords(f"{NAME}-secret", PasswordsArgs(key, options.protect))
storage.Storage(NAME, storage.StorageArgs(place, key, 30, protect=False, empty=True))
warehouse = postgres.PostgresArgs(
    options, place, config.platform.postgres, network.private_subnets, groups["postgres"], key
)
pulumi.export("postgres", postgres.Postgres(f"{NAME}-warehouse", warehouse).host)
Registry(f"{NAME}-image", RegistryArgs(key, empty=True, tag="0"))
Tasks(NAME, TasksArgs(place, key, 30))
