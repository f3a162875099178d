"""Checks of how Cilium and KubeSpan get along: which packets go where, and whether they fit.

Source: Talos guide, KubeSpan, Configuration; docs/cilium.md names the public facts of each rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from talos_resources.machineconfig.cilium.facts import cilium_facts, foreign_network, shown_network
from talos_resources.machineconfig.cilium.subject import MachineFile, Subject
from talos_resources.machineconfig.kubespan_patch import SMALLEST_MTU, WIREGUARD_OVERHEAD
from talos_resources.machineconfig.overlay import VXLAN_OVERHEAD, fitting_overlay, overlay_excess
from talos_resources.model.finding import Finding, Severity

KUBESPAN: Final = "KubeSpan, Configuration"
_ETHERNET: Final = 1500


def advertised_networks(subject: Subject) -> Iterator[Finding]:
    """KubeSpan cannot see the pod addresses that Cilium and Calico hand out."""
    for machine in subject.machines:
        network = foreign_network(subject, list(machine.facts.manifest_urls))
        if network and machine.facts.advertises_networks:
            yield Finding(
                severity=Severity.WARNING,
                rule="advertised-networks",
                title=f"{machine.source}: advertiseKubernetesNetworks is on together with {network}",
                cause=f"{network} allocates pod addresses by itself, which KubeSpan does not see; traffic goes where no pod is.",
                advice=f"set {machine.kubespan_path}.advertiseKubernetesNetworks to false",
                guide=KUBESPAN,
            )


def kubespan_mtu(subject: Subject) -> Iterator[Finding]:
    """A WireGuard packet is 80 bytes longer than what it carries."""
    for machine in subject.machines:
        mtu, links = machine.facts.kubespan_mtu, machine.facts.link_mtus
        if mtu is None or not links or mtu <= (lowest := min(links)) - WIREGUARD_OVERHEAD:
            continue
        yield Finding(
            severity=Severity.ERROR,
            rule="kubespan-mtu",
            title=f"{machine.source}: KubeSpan's MTU of {mtu} does not fit a link of {lowest}",
            evidence=(f"an interface has mtu {lowest}; {lowest} - {WIREGUARD_OVERHEAD} = {lowest - WIREGUARD_OVERHEAD}",),
            cause=f"WireGuard adds {WIREGUARD_OVERHEAD} bytes, so large packets are fragmented or lost while small ones pass.",
            advice=_mtu_advice(machine, lowest),
            guide=KUBESPAN,
        )


def _mtu_advice(machine: MachineFile, lowest: int) -> str:
    fitting = lowest - WIREGUARD_OVERHEAD
    if fitting < SMALLEST_MTU:
        return f"raise the link's MTU to {SMALLEST_MTU + WIREGUARD_OVERHEAD} or more: KubeSpan needs at least {SMALLEST_MTU}"
    return f"set {machine.kubespan_path}.mtu to {fitting}: `kubespan patch --mtu auto:{lowest}`"


def cilium_mtu(subject: Subject) -> Iterator[Finding]:
    """What pods send to other nodes goes through KubeSpan, Cilium's own wrapping included."""
    cilium = cilium_facts(subject)
    for machine in subject.machines:
        mtu = machine.facts.kubespan_mtu
        if mtu is None or not cilium.manifests:
            continue
        if cilium.mtu is not None and cilium.mtu > mtu:
            yield Finding(
                severity=Severity.WARNING,
                rule="cilium-mtu",
                title=f"{machine.source}: Cilium's MTU of {cilium.mtu} is larger than KubeSpan's of {mtu}",
                cause="What pods send to other nodes goes through KubeSpan and does not fit.",
                advice=f"render Cilium with --set MTU={mtu} or less",
                guide=KUBESPAN,
            )
        elif cilium.mtu is None and cilium.tunnels:
            yield Finding(
                severity=Severity.NOTE,
                rule="cilium-mtu",
                title=f"{machine.source}: Cilium takes its MTU from the node's link and does not know of KubeSpan's {mtu}",
                cause="Its tunnel's packets are as large as the link carries; KubeSpan has to break them up.",
                advice=f"render Cilium with --set MTU={mtu}",
                guide=KUBESPAN,
            )


def flannel_mtu(subject: Subject) -> Iterator[Finding]:
    """flannel.1 has to be 50 smaller than KubeSpan's link; Talos sees to it since v1.14."""
    for machine in subject.machines:
        facts = machine.facts
        if facts.kubespan_mtu is None or facts.cni != "flannel" or facts.role == "worker":
            continue
        if shown_network(subject, list(facts.manifest_urls)):
            continue  # flannel has to go, see cni-not-none
        fitting = fitting_overlay(facts.kubespan_mtu)
        below = facts.flannel_mtu or (None if facts.is_new_form else min((*facts.link_mtus, _ETHERNET)))
        if below is None or not overlay_excess(below - VXLAN_OVERHEAD, facts.kubespan_mtu):
            continue
        said, own = facts.flannel_mtu is not None, below - VXLAN_OVERHEAD
        advice = f"set KubeFlannelCNIConfig.backendMTU to {facts.kubespan_mtu}, or leave it out"
        yield Finding(
            severity=Severity.WARNING if said else Severity.NOTE,
            rule="flannel-mtu",
            title=f"{machine.source}: flannel.1 gets an MTU of {own}, and KubeSpan's {facts.kubespan_mtu} takes {fitting}",
            evidence=(f"backendMTU {below}" if said else f"Talos before v1.14 takes it from the link: {below} - {VXLAN_OVERHEAD}",),
            cause="What pods send to other nodes is wrapped by flannel, then by KubeSpan; large packets have to be broken up.",
            advice=advice if said else f"upgrade to Talos v1.14, which makes it {fitting}",
            guide=KUBESPAN,
        )


def ebpf_routing(subject: Subject) -> Iterator[Finding]:
    """KubeSpan works in the host's network stack, around which eBPF host routing goes."""
    cilium = cilium_facts(subject)
    for machine in subject.machines:
        if machine.facts.kubespan_mtu is None or not cilium.routes_by_ebpf:
            continue
        yield Finding(
            severity=Severity.ERROR,
            rule="kubespan-ebpf-routing",
            title=f"{machine.source}: Cilium routes by eBPF, around KubeSpan",
            evidence=cilium.says("enable-bpf-masquerade", "enable-host-legacy-routing"),
            cause="Packets leave through the link as Cilium sees it, answers come back through KubeSpan: connections hang.",
            advice="render Cilium with --set bpf.hostLegacyRouting=true, or without bpf.masquerade",
            guide=KUBESPAN,
        )


def native_routing(subject: Subject) -> Iterator[Finding]:
    """Without a tunnel pod addresses go onto the wire, and KubeSpan only carries what it knows."""
    cilium = cilium_facts(subject)
    for machine in subject.machines:
        if machine.facts.kubespan_mtu is None or cilium.tunnels is not False:
            continue
        yield Finding(
            severity=Severity.WARNING,
            rule="kubespan-native-routing",
            title=f"{machine.source}: Cilium routes pods natively, and KubeSpan is on",
            evidence=cilium.says("routing-mode" if "routing-mode" in cilium.config else "tunnel"),
            cause="KubeSpan carries the addresses of nodes; those of pods go past it, unencrypted or nowhere.",
            advice="render Cilium with routingMode=tunnel",
            guide=KUBESPAN,
        )


def masquerade(subject: Subject) -> Iterator[Finding]:
    """Masquerading by eBPF is built on the node ports of the kube-proxy replacement."""
    cilium = cilium_facts(subject)
    if cilium.masquerades_by_ebpf and not cilium.serves_node_ports:
        yield Finding(
            severity=Severity.ERROR,
            rule="ebpf-masquerade",
            title="Cilium is told to masquerade by eBPF, and does not replace kube-proxy",
            evidence=cilium.says("enable-bpf-masquerade", "kube-proxy-replacement"),
            cause='Its agents end with "BPF masquerade requires NodePort"; older ones fall back to iptables.',
            advice="render Cilium with the values of `cilium values --strict`, or without bpf.masquerade",
            guide="Deploying Cilium CNI, method 1",
        )


def host_dns(subject: Subject) -> Iterator[Finding]:
    """The host's own resolver answers in the network stack that eBPF host routing goes around."""
    cilium = cilium_facts(subject)
    for machine in subject.machines:
        if not (machine.facts.forwards_dns and cilium.goes_around_the_host and cilium.serves_node_ports):
            continue
        where = "ResolverConfig.hostDNS" if machine.facts.is_new_form else "machine.features.hostDNS"
        yield Finding(
            severity=Severity.ERROR,
            rule="host-dns",
            title=f"{machine.source}: CoreDNS asks the host (forwardKubeDNSToHost), and Cilium routes by eBPF around it",
            evidence=cilium.says("enable-bpf-masquerade", "enable-host-legacy-routing"),
            cause="The host's answers do not come back to the CoreDNS pods: names outside of the cluster do not resolve.",
            advice=f"render Cilium with --set bpf.hostLegacyRouting=true, or set {where}.forwardKubeDNSToHost to false",
            guide="Deploying Cilium CNI, known issues",
        )
