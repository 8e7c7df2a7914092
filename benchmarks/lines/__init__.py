"""A module a line of the table: `measure(settings)` gives its rows, as `benchmarks.figures` makes them."""

# In the order of the table.
LINES = ("warm", "cold", "packing", "training", "realsense", "input_wait", "memory", "growth", "checkpoint",
         "allocator")  # fmt: skip
# Of hours: measured where it is asked for by name.
LONG_LINES = ("accuracy",)
