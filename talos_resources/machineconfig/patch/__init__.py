"""Patches of machine configuration: JSON 6902, strategic merge, and what keeps the comments."""
