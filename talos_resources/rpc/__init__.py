"""Live nodes: the client, the server, the talosconfig and the certificates."""
