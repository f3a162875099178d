"""Resources of Talos's package `cri`."""
