"""Pictures on disk -> batches."""
