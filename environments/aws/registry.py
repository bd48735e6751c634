"""The registry of our image, which tasks and the producer run; CI pushes it, Fargate pulls it.

The tag is a hash of what goes in, and tags can't be moved: the image of a commit is the image of that commit.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws.ecr as ecr

from environments.aws.bundle import files

DOCKERFILE = "environments/local/image/Dockerfile"
_KEPT_IMAGES = 20
# What the two Dockerfiles take, and they themselves.
PARTS = (
    "pyproject.toml",
    "uv.lock",
    "infra",
    "pipeline",
    "producer",
    "dashboards",
    "cli",
    "environments/__init__.py",
    "environments/embedded",
    "environments/local",
    "environments/aws/__init__.py",
    "environments/aws/image",
    "environments/aws/setup",
    "dags",
)


@dataclass(frozen=True)
class RegistryArgs:
    """The key, whether a destroy may take the images, and this commit's tag."""

    key_arn: pulumi.Input[str]
    empty: bool
    tag: str


class Registry(pulumi.ComponentResource):
    """`image`: where this commit's image belongs; `repository_arn` is for those who pull."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Registry", name, {}, opts)
        self.repository = ecr.Repository(
            name,
            name=name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configurations=[
                ecr.RepositoryEncryptionConfigurationArgs(encryption_type="KMS", kms_key=args.key_arn)
            ],
            force_delete=args.empty,
            opts=pulumi.ResourceOptions(parent=self),
        )
        ecr.LifecyclePolicy(
            name,
            repository=self.repository.name,
            policy=_lifecycle(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.repository_arn = self.repository.arn
        self.image = pulumi.Output.concat(self.repository.repository_url, ":", args.tag)
        self.register_outputs({"image": self.image})


def _lifecycle() -> str:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": _KEPT_IMAGES}
    return json.dumps({"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]})


def tag(certificates: Path) -> str:
    """Return a hash of everything that goes into the image, by place and content; RDS's certificates too."""
    whole = hashlib.sha256()
    for name, path in {**files(*PARTS), certificates.name: certificates}.items():
        whole.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()[:12]
