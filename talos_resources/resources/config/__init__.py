"""Resources of Talos's package `config`."""
