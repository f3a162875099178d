"""How a call travels: connections, and in words why one failed; shared by Talos, etcd and discovery."""
