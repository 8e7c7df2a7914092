"""Penstock against its peers and its own limits: `make bench`, or `python -m benchmarks.bench --only=warm`."""
