"""A durable state in one SQLite file, with the history of everything in it."""
