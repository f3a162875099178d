"""Cilium on Talos as the guide lays it out: helm values, configuration patches, inline manifests, checks."""
