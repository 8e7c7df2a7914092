"""Names -> Keras models."""
