"""Which pictures there are, of which class and split."""
