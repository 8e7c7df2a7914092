"""What a run shows: its page, plots, sheets, curves and progress."""
