"""Tags on everything that can carry them, put on by one transformation, so that no resource is forgotten."""

from collections.abc import Callable, Mapping

import pulumi

Transformation = Callable[[pulumi.ResourceTransformationArgs], pulumi.ResourceTransformationResult | None]


def tags_of(project: str, stack: str, owner: str, size: str) -> dict[str, str]:
    """Return the tags of a stack; costs are split by them, and policies ask for them."""
    return {"Project": project, "Stack": stack, "Owner": owner, "Size": size, "ManagedBy": "pulumi"}


def tagging(tags: Mapping[str, str]) -> Transformation:
    """Return the transformation; a resource's own tags win, its logical name becomes its Name."""

    def transform(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if "tags" not in args.props or not args.type_.startswith("aws:"):
            return None
        own: Mapping[str, pulumi.Input[str]] = args.props["tags"] or {}  # type: ignore[assignment]
        together = {**tags, "Name": args.name, **own}
        return pulumi.ResourceTransformationResult(props={**args.props, "tags": together}, opts=args.opts)

    return transform
