"""The `ecom` command: thin, it only calls what the other packages do."""
