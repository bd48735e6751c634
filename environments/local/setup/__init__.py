"""What a container runs once before the services: databases, migrations, topics. It imports no Pulumi."""

TOPICS_VARIABLE = "ECOM_SETUP_TOPICS"
DATABASES_VARIABLE = "ECOM_SETUP_DATABASES"
