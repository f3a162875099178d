"""Resources of Talos's package `files`."""
