"""A Pulumi provider for tests in the place of the official AWS plugin, which can't be had in closed networks.

The real engine and the real pulumi-aws SDK talk to it; it makes the equivalent boto3 calls against a moto
server. What moto lacks is checked against botocore's service models and kept in a file (`store.py`).
"""
