"""What a container runs once before the services: databases, migrations, topics. It imports no Pulumi."""

TOPICS_VARIABLE = "ECOM_SETUP_TOPICS"
PASSWORD_VARIABLE = "ECOM_SETUP_AIRFLOW_PASSWORD_FILE"  # noqa: S105 - a variable's name
