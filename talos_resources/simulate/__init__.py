"""A whole KubeSpan cluster in virtual time: every node with its own State and the controllers of a real one."""
