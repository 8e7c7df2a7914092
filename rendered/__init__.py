"""Rendered depth faces, where there are no camera pictures."""
