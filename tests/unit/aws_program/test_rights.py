"""Roles: who may do what, for whom."""

import json
import re

from tests.unit.aws_mocks import ACCOUNT, NAME, REGION, policies


class TestRoles:
    def test_no_policy_has_a_star_without_a_reason(self, small, production):
        for recorder in (small, production):
            for name, statements in policies(recorder).items():
                for statement in statements:
                    assert not any(action == "*" or action.endswith(":*") for action in statement["Action"])
                    if "*" in statement["Resource"]:
                        assert statement["Sid"], name

    def test_a_job_reads_only_its_own_secrets(self, small):
        for role, wanted in {
            "spark-jobs": {"ingest", "etl"},
            "setup": {"ingest", "etl", "bi_readonly", "metabase_database", "rds!db"},
            "provision": {"metabase_admin", "bi_readonly"},
            "metabase-start": {"metabase_database", "metabase_key"},
        }.items():
            read = {
                re.sub(r".*(?:secret-|secret:)|-AbCdEf", "", arn)
                for statement in policies(small)[role]
                if "secretsmanager:GetSecretValue" in statement["Action"]
                for arn in statement["Resource"]
            }
            assert read == wanted, role

    def test_the_jobs_role_is_passed_to_emr_serverless_alone(self, small):
        (passing,) = [
            statement for statement in policies(small)["airflow-run"] if "iam:PassRole" in statement["Action"]
        ]
        assert passing["Resource"] == [f"arn:aws:iam::{ACCOUNT}:role/{NAME}-spark-jobs"]
        assert passing["Condition"] == {
            "StringEquals": {"iam:PassedToService": "emr-serverless.amazonaws.com"}
        }

    def test_topics_are_named_with_the_clusters_own_id(self, small):
        resources = [
            arn
            for statement in policies(small)["spark-jobs"]
            for arn in statement["Resource"]
            if ":topic/" in arn
        ]
        start = f"arn:aws:kafka:{REGION}:{ACCOUNT}:topic/{NAME}-events/uuid-1/"
        assert {arn.removeprefix(start) for arn in resources} == {"orders", "orders_dlq"}

    def test_a_role_is_taken_on_behalf_of_this_account_only(self, small):
        for inputs in small.of("iam/role:Role").values():
            (statement,) = json.loads(inputs["assumeRolePolicy"])["Statement"]
            assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
