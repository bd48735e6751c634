"""Dimensions and facts rebuilt from `raw` by plain SQL: to publish a seed, and as the yardstick of verify."""
