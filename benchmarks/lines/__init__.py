"""A module a line of the table: NAME, and `measure(settings)`, the rows of `benchmarks.figures` that it gives."""
