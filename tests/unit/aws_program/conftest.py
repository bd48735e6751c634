"""A small and a production stack under mocks, made once for all tests of this folder."""

import pytest

from tests.unit.aws_mocks import SAFE, AwsRecorder, config, made


@pytest.fixture(scope="package")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture(scope="package")
def small(folder) -> AwsRecorder:
    return made(config(folder, producer="true", alarmEmail="ops@example.com"))


@pytest.fixture(scope="package")
def production(folder) -> AwsRecorder:
    return made(
        config(folder, size="production", zones="3", nat="per-zone", **SAFE, dashboardsAccess="public")
    )
