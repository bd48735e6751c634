"""The spec's other renderer: a Metabase, brought to what the files say over its REST API."""
