"""What the dashboards show (`charts/`, read by `spec.py`) and the page that draws it (`page/`)."""
