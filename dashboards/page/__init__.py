"""The Dash page: `python -m dashboards.page` serves the spec's dashboards on 127.0.0.1."""
