"""A stand-in for Metabase, built from METABASE.md: the same calls with the same quirks, on a real PostgreSQL.

It imports nothing of this repository and needs only psycopg2, so that the folder can be copied into an image
in the place of `metabase/metabase`: `python -m tests.metabase_server` listens on port 3000 and goes by the
MB_* variables of the official image.
"""

from tests.metabase_server.calling import Options, Received
from tests.metabase_server.serving import Dropped, MetabaseServer

__all__ = ["Dropped", "MetabaseServer", "Options", "Received"]
