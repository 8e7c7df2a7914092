"""The order in which things happen: a training, a preparation, an assessment."""
