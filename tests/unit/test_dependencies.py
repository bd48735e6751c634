"""What pyproject.toml asks for is used: an Airflow provider weighs megabytes and pulls in more."""

import re
import tomllib

from environments.embedded.home import REPOSITORY

PROVIDER = re.compile(r"apache-airflow-providers-([a-z-]+)")
IMPORT = re.compile(r"from airflow\.providers\.([a-z_.]+)\.(?:hooks|operators|sensors|triggers)")


def test_each_provider_is_imported_by_a_dag_and_no_other_is():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = set(PROVIDER.findall(" ".join(project["optional-dependencies"]["airflow"])))
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "dags").glob("*.py"))
    # amazon's hooks lie in a package for each of its services' groups: airflow.providers.amazon.aws.hooks.
    used = {name.removesuffix(".aws").replace(".", "-") for name in IMPORT.findall(sources)}
    assert asked == used
