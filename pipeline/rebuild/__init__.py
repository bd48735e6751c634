"""Dimensions and facts rebuilt from `raw` by plain SQL: the seed's first publication, and verify's yardstick."""
