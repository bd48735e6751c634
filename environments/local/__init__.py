"""The local environment: the whole topology as containers of one Docker Engine, by Pulumi.

`__main__.py` at the top of the repository calls `environments.local.stack`; nothing here runs on import.
"""
