"""Resources of Talos's package `v1alpha1`."""
