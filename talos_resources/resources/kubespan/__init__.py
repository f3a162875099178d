"""Resources of KubeSpan, the WireGuard mesh."""
