"""The configuration of a control plane, as the guide has it."""

from __future__ import annotations

CONTROL_PLANE = """\
version: v1alpha1
machine:
    type: init
    network:
        kubespan:
            enabled: true
            advertiseKubernetesNetworks: true
            allowDownPeerBypass: true
            harvestExtraEndpoints: true
            mtu: 1380
            filters:
                endpoints: ["0.0.0.0/0", "!10.0.0.0/8"]
cluster:
    id: aWQ=
    secret: c2VjcmV0
    network:
        cni: {name: custom, urls: ["https://a.example.org/cilium.yaml"]}
    proxy: {disabled: true}
    discovery:
        enabled: true
        registries:
            kubernetes: {disabled: true}
            service: {endpoint: "https://discovery.example.org/"}
    extraManifests: ["https://a.example.org/x.yaml"]
    inlineManifests:
        - name: cilium
          contents: "\\n\\n---\\na: b\\n"
---
apiVersion: v1alpha1
kind: KubeSpanEndpointsConfig
extraAnnouncedEndpoints: ["192.0.2.1:51820"]
"""
