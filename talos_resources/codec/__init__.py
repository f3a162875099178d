"""Values to and from protobuf, YAML and JSON; the only home of cattrs and of camelCase."""
