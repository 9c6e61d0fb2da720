"""Is it right: datasets, metrics, tables."""
