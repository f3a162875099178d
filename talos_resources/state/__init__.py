"""The State contract, its events, and the operations derived from it."""
