"""Resources of cluster discovery."""
