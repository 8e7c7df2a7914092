"""Rivals and probes that run as whole programs, each in a process of its own."""
