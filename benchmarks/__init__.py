"""Measurements, each a ratio against the real peer in the same run."""
