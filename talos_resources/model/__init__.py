"""Values: resources, metadata, kinds, queries, errors. No I/O, no clock."""
