"""Which images are used: the official ones by exact tag; stack config can override each."""

PYTHON = "python:3.11.14-slim-bookworm"
POSTGRES = "postgres:18.6"
KAFKA = "apache/kafka:4.1.1"
METABASE = "metabase/metabase:v0.63.17.2"
