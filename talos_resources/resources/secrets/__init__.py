"""Resources of Talos's package `secrets`."""
