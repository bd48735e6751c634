"""What the setup task runs in the VPC: migrations, roles, Metabase's database. It imports no Pulumi."""

METABASE_PASSWORD = "ECOM_SETUP_METABASE_PASSWORD_REF"  # noqa: S105 - a variable's name
METABASE = "metabase"
