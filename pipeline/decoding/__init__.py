"""Encoded bytes -> pixels."""
