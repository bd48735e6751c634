"""Pulumi's programs for closed networks: found on this machine, or built from pinned Go modules.

Run as `make toolchain` or `python -m toolchain`; needs nothing but Python, and Go where it has to build.
"""
