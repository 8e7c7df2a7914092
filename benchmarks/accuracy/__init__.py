"""Programs that learn the same pictures for so many minutes, each in the way that its own documentation shows."""
