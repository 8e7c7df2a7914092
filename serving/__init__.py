"""The exported model: written, proved, sealed, and used for predictions."""
