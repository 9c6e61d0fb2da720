"""Benchmarks: simulated scans, the peer, and its tables."""
