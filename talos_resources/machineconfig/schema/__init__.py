"""The documents of a machine configuration and their fields, as Talos v1.12.3 declares them."""
