"""YAML as Go's yaml.v3 and v4 write and read it."""
