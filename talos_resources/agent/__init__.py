"""A KubeSpan node on a Linux host: the controllers of `kubespan`, the facts of the host, and its network."""
