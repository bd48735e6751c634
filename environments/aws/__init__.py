"""The AWS environment: `pulumi up -s aws` makes the platform of MSK, RDS, EMR Serverless, MWAA, Fargate."""
