"""Uploads into the bucket.

What jobs read has its content's hash in its name and stays when another takes its place, so that a running
job keeps its own: executors that come later fetch it too. What Airflow reads has a fixed name, and the
object's version is passed on.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws.s3 as s3

from environments.aws.bundle import Bundle, archive, content_hash, short_hash
from infra.platform import Env

DAGS = "dags"
PLATFORM = "platform.env"


@dataclass(frozen=True)
class ArtifactsArgs:
    """The bucket, its key, and the files; `texts` are small ones, by their key in the bucket."""

    bucket: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    bundle: Bundle
    texts: Mapping[str, str]

    def __post_init__(self) -> None:
        """Refuse two files of one name: one of them would be lost."""
        names = [path.name for path in self.bundle.dags]
        if len(set(names)) != len(names):
            raise ValueError(f"dags: a file's name is there twice: {', '.join(names)}")


class Artifacts(pulumi.ComponentResource):
    """`jars`, `python`, `code`, `entries` are s3:// addresses; `dags`, `plugins`, `texts` are objects."""

    def __init__(self, name: str, args: ArtifactsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Artifacts", name, {}, opts)
        self._name, self._args = name, args
        made = args.bundle
        self.jars = [self._by_hash("jars", path) for path in made.jars]
        self.python = self._by_hash("python", made.python)
        self.code = self._by_hash("code", made.code)
        self.entries = {path.stem: self._by_hash("entry", path) for path in made.entries}
        self.dags = [self._file(f"{DAGS}/{path.name}", path, f"dag-{path.stem}") for path in made.dags]
        self.plugins = self._file("airflow/plugins.zip", made.code, "plugins")
        self.texts = {key: self.write(key, text) for key, text in args.texts.items()}
        self.register_outputs({})

    def _by_hash(self, folder: str, path: Path) -> pulumi.Output[str]:
        key = f"{folder}/{content_hash(path)}/{path.name}"
        made = self._file(key, path, f"{folder}-{path.name}", stays=True)
        # Of the made object, so that who reads it comes after it is there.
        return pulumi.Output.concat("s3://", made.bucket, "/", made.key)

    def _file(self, key: str, path: Path, label: str, *, stays: bool = False) -> s3.BucketObjectv2:
        return s3.BucketObjectv2(
            f"{self._name}-{label}",
            bucket=self._args.bucket,
            key=key,
            source=pulumi.FileAsset(str(path)),
            kms_key_id=self._args.key_arn,
            server_side_encryption="aws:kms",
            source_hash=content_hash(path),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=stays),
        )

    def write_variables(self, env: pulumi.Output[Env]) -> pulumi.Output[str]:
        """Upload the variables of job runs, who find them unpacked beside their code; return where."""
        body = env.apply(lambda known: base64.b64encode(archive({PLATFORM: lines(known).encode()})).decode())
        made = s3.BucketObjectv2(
            f"{self._name}-jobs-env",
            bucket=self._args.bucket,
            key=body.apply(lambda text: f"env/{short_hash(text.encode())}/variables.zip"),
            content_base64=body,
            kms_key_id=self._args.key_arn,
            server_side_encryption="aws:kms",
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        return pulumi.Output.concat("s3://", made.bucket, "/", made.key)

    def write(
        self, key: str, text: pulumi.Input[str], after: Sequence[pulumi.Resource] = ()
    ) -> s3.BucketObjectv2:
        """Upload a text."""
        return s3.BucketObjectv2(
            f"{self._name}-{key.rpartition('/')[2]}",
            bucket=self._args.bucket,
            key=key,
            content=text,
            kms_key_id=self._args.key_arn,
            server_side_encryption="aws:kms",
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )


def lines(env: Mapping[str, str]) -> str:
    """Return variables as the pipeline's file of variables wants them."""
    return "".join(f"{key}={value}\n" for key, value in sorted(env.items()))
