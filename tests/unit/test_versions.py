"""Renovate sees every image that is pinned, and what is told of versions is what is pinned."""

import json
import re
from importlib.metadata import version

from environments.embedded.home import REPOSITORY
from environments.local import versions
from tests.stack.world import IMAGES

PINNED = {name: value for name, value in vars(versions).items() if name.isupper()}


def rule(key: str) -> str:
    (found,) = json.loads((REPOSITORY / "renovate.json").read_text())["customManagers"]
    return str(found[key][0])


def test_renovate_finds_every_pinned_image():
    expression = rule("matchStrings").replace("(?<", "(?P<")
    text = (REPOSITORY / "environments/local/versions.py").read_text()
    found = {f"{one['depName']}:{one['currentValue']}" for one in re.finditer(expression, text)}
    assert found == set(PINNED.values())


def test_the_dockerfile_and_the_stand_in_follow():
    dockerfile = (REPOSITORY / "environments/local/image/Dockerfile").read_text()
    assert f"ARG PYTHON={versions.PYTHON}\n" in dockerfile
    # By a mirror's name: all but the registry and its folders.
    mirrored = {name.lower(): f"ecom-standin/{value.rsplit('/', 1)[-1]}" for name, value in PINNED.items()}
    assert {name.removeprefix("image").lower(): value for name, value in IMAGES.items()} == mirrored
    build = (REPOSITORY / "tests/stack/images/build.sh").read_text()
    assert all(f"name={value}\n" in build for value in mirrored.values())
    stand_in = mirrored["python"]
    for part in ("postgres/Dockerfile", "kafka/Dockerfile", "metabase/Dockerfile"):
        assert stand_in in (REPOSITORY / "tests/stack/images" / part).read_text(), part


def test_renovate_looks_into_the_right_file():
    assert re.search(rule("managerFilePatterns").strip("/"), "environments/local/versions.py")


def test_the_matrix_in_the_docs_is_what_is_pinned():
    told = (REPOSITORY / "docs" / "local.md").read_text()
    for reference in PINNED.values():
        assert f"`{reference}`" in told
    for package in ("pyspark", "apache-airflow", "pulumi", "pulumi-docker", "pulumi-random"):
        assert re.search(rf"\| {package} \| {re.escape(version(package))} \|", told), package
