"""Resources of Talos's package `siderolink`."""
