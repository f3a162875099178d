"""Secrets and configurations of a new cluster, as `talosctl gen` makes them."""
