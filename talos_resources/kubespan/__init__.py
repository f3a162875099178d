"""KubeSpan's behaviour as pure plans: who a node is, whom it knows, how each link is and what it wants of the kernel."""
