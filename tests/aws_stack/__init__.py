"""`pulumi up -s aws` by the real engine, applied to moto through the test provider: no account, no money."""
