"""Stores that implement the State contract."""
