"""Resources of Talos's package `etcd`."""
