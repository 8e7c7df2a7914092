"""A model and examples -> probabilities -> figures."""
