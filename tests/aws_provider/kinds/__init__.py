"""Every kind of resource that the AWS environment uses."""

from tests.aws_provider.kinds import compute, data, identity, network, storage, watch

__all__ = ["compute", "data", "identity", "network", "storage", "watch"]
