"""`ecom --stack NAME …`: the commands on a stack; no Pulumi is imported, only its command is run."""
