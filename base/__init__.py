"""Errors, files, locks, signals and options: what every other package may use, and that uses none of them."""
