"""Resources of Talos's package `k8s`."""
