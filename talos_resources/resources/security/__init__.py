"""Resources of Talos's package `security`."""
