"""The names of the splits, in the order in which they are listed everywhere."""

SPLIT_NAMES = ("train", "validation", "test")
