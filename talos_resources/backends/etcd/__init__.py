"""EtcdState: resources in etcd, shared with Go programs that use COSI's state-etcd."""

from talos_resources.backends.etcd.state import EtcdState

__all__ = ["EtcdState"]
