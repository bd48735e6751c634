"""Named volumes, which a destroy leaves alone unless stack config says otherwise."""

import pulumi
import pulumi_docker as docker


def volume(name: str, parent: pulumi.Resource, *, protect: bool) -> docker.Volume:
    """Make a named volume of a component."""
    return docker.Volume(name, name=name, opts=pulumi.ResourceOptions(parent=parent, protect=protect))
