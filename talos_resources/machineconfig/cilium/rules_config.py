"""Checks of machine configurations, and of manifests against them.

Source: Talos guide, Deploying Cilium CNI, and KubeSpan, Configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

from talos_resources.machineconfig.cilium.facts import cilium_facts, foreign_network, is_cilium, key_material
from talos_resources.machineconfig.cilium.patch import looks_public
from talos_resources.machineconfig.cilium.rules_manifest import METHOD_1, METHOD_4
from talos_resources.machineconfig.cilium.subject import MachineFile, Subject
from talos_resources.machineconfig.kubespan_patch import SMALLEST_MTU, WIREGUARD_OVERHEAD
from talos_resources.model.finding import Finding, Severity

PREPARATION: Final = "Deploying Cilium CNI, machine config preparation"
METHOD_3: Final = "Deploying Cilium CNI, method 3"
KUBESPAN: Final = "KubeSpan, Configuration"

DEFAULT_KUBESPAN_MTU: Final = 1420


def manifest_urls(machine: MachineFile) -> list[str]:
    """The URLs of manifests that a machine fetches."""
    urls = [str(url) for url in machine.get("cluster.network.cni.urls", [])]
    return urls + [str(url) for url in machine.get("cluster.extraManifests", [])]


def public_manifests(subject: Subject) -> Iterator[Finding]:
    """The manifest that helm renders has private keys in it, so nobody else may read it."""
    secrets = [
        f"{manifest.source}:{resource.line}: {resource} has {', '.join(names)}"
        for manifest in subject.files
        for resource in manifest.resources
        if (names := key_material(resource))
    ]
    seen: set[str] = set()
    for machine in subject.machines:
        for url in manifest_urls(machine):
            if url in seen or not looks_public(url) or not (secrets or subject.assume_cilium or "cilium" in url.lower()):
                continue
            seen.add(url)
            yield Finding(
                severity=Severity.ERROR if secrets else Severity.WARNING,
                rule="public-key-material",
                title=f"{machine.source} fetches its manifest from {url}, which looks public",
                evidence=tuple(secrets),
                cause="The Cilium manifest that helm renders holds private keys; whoever can fetch it has them.",
                advice="put it inline into the control planes' configuration (`cilium patch --method inline FILE`), or host it privately",
                guide=METHOD_3,
            )


def inline_on_worker(subject: Subject) -> Iterator[Finding]:
    """Talos applies inline manifests on control planes only."""
    for machine in subject.machines:
        if machine.is_worker and machine.inline:
            names = ", ".join(f'"{name}"' for name, _ in machine.inline)
            yield Finding(
                severity=Severity.WARNING,
                rule="inline-on-worker",
                title=f"{machine.source} carries the inline manifest {names}, but is a worker",
                cause="Talos applies inline manifests on control planes only; on a worker they just spread what is secret in them.",
                advice="patch them in with --config-patch-control-plane instead of --config-patch",
                guide=METHOD_4,
            )


def different_control_planes(subject: Subject) -> Iterator[Finding]:
    """Whichever control plane comes first applies its own manifests."""
    planes = [machine for machine in subject.machines if machine.is_control_plane]
    for other in planes[1:]:
        differences = list(_differences(planes[0], other))
        if differences:
            yield Finding(
                severity=Severity.ERROR,
                rule="control-planes-differ",
                title=f"{planes[0].source} and {other.source} do not have the same manifests",
                evidence=tuple(differences),
                cause="Each control plane creates what is missing from its own configuration, so it depends on who is first.",
                advice="give all control planes the same cluster section",
                guide=METHOD_4,
            )


def _differences(first: MachineFile, second: MachineFile) -> Iterator[str]:
    for path in ("cluster.network.cni", "cluster.proxy.disabled", "cluster.extraManifests"):
        if first.get(path) != second.get(path):
            yield f"{path} differs"
    for one, other in zip_longest(_contents(first).items(), _contents(second).items()):
        if one == other:
            continue
        if one is None or other is None:
            yield f'inline manifest "{(one or other or ("", ""))[0]}" is only in {(second if one is None else first).source}'
        elif one[0] != other[0]:
            yield f'inline manifest "{one[0]}" stands where the other has "{other[0]}"'
        else:
            lines = enumerate(zip_longest(one[1].splitlines(), other[1].splitlines()), 1)
            number = next((number for number, (left, right) in lines if left != right), 0)
            yield f'inline manifest "{one[0]}" differs from line {number} on' if number else f'inline manifest "{one[0]}" ends differently'


def _contents(machine: MachineFile) -> dict[str, str]:
    return {str(entry.get("name", "")): str(entry.get("contents", "")) for entry in machine.get("cluster.inlineManifests", [])}


def cni_not_none(subject: Subject) -> Iterator[Finding]:
    """Talos installs flannel unless told otherwise, and two CNIs fight."""
    for machine in subject.machines:
        if machine.is_worker:  # only control planes apply a CNI
            continue
        name = machine.get("cluster.network.cni.name", "flannel")
        installs = [inline for inline, manifest in machine.inline if is_cilium(manifest)]
        wanted = bool(installs) or (subject.assume_cilium and not machine.get("cluster.network.cni.urls"))
        if name == "none" or not wanted:
            continue
        given = machine.get("cluster.network.cni.name") is not None
        yield Finding(
            severity=Severity.ERROR,
            rule="cni-not-none",
            title=f'{machine.source}: the CNI is {name}{"" if given else " (the default)"}, not "none"',
            evidence=tuple(f'inline manifest "{inline}" installs Cilium' for inline in installs),
            cause="Talos deploys its own CNI besides Cilium, and both want to set up the pods' network.",
            advice="set cluster.network.cni.name to none: `cilium patch --method install`",
            guide=PREPARATION,
        )


def kube_proxy(subject: Subject) -> Iterator[Finding]:
    """Exactly one of kube-proxy and Cilium has to do the services."""
    strict = cilium_facts(subject).strict
    for machine in subject.machines:
        disabled = bool(machine.get("cluster.proxy.disabled", False))
        if machine.is_worker or strict is None or strict == disabled:
            continue
        if strict:
            yield Finding(
                severity=Severity.ERROR,
                rule="proxy-enabled",
                title=f"{machine.source}: kube-proxy is still enabled although Cilium replaces it",
                cause="Both write rules for the same services.",
                advice="set cluster.proxy.disabled to true: `cilium patch --strict`",
                guide=PREPARATION,
            )
        else:
            yield Finding(
                severity=Severity.ERROR,
                rule="proxy-disabled",
                title=f"{machine.source}: kube-proxy is disabled but Cilium does not replace it",
                cause="Nobody forwards the addresses of services, that of the Kubernetes API included.",
                advice="render Cilium with kubeProxyReplacement (`cilium values --strict`), or leave kube-proxy enabled",
                guide=METHOD_1,
            )


def advertised_networks(subject: Subject) -> Iterator[Finding]:
    """KubeSpan cannot see the pod addresses that Cilium and Calico hand out."""
    for machine in subject.machines:
        network = foreign_network(subject, manifest_urls(machine))
        if network and machine.get("machine.network.kubespan.advertiseKubernetesNetworks", False):
            yield Finding(
                severity=Severity.WARNING,
                rule="advertised-networks",
                title=f"{machine.source}: advertiseKubernetesNetworks is on together with {network}",
                cause=f"{network} allocates pod addresses by itself, which KubeSpan does not see; traffic goes where no pod is.",
                advice="set machine.network.kubespan.advertiseKubernetesNetworks to false",
                guide=KUBESPAN,
            )


def kubespan_mtu(subject: Subject) -> Iterator[Finding]:
    """A WireGuard packet is 80 bytes longer than what it carries."""
    pods = cilium_facts(subject).config.get("mtu", "")
    for machine in subject.machines:
        if not machine.get("machine.network.kubespan.enabled", False):
            continue
        mtu = machine.get("machine.network.kubespan.mtu", 0) or DEFAULT_KUBESPAN_MTU
        links = [link.get("mtu") for link in machine.get("machine.network.interfaces", []) if link.get("mtu")]
        if links and mtu > (lowest := min(links)) - WIREGUARD_OVERHEAD:
            yield Finding(
                severity=Severity.ERROR,
                rule="kubespan-mtu",
                title=f"{machine.source}: KubeSpan's MTU of {mtu} does not fit a link of {lowest}",
                evidence=(f"an interface has mtu {lowest}; {lowest} - {WIREGUARD_OVERHEAD} = {lowest - WIREGUARD_OVERHEAD}",),
                cause=f"WireGuard adds {WIREGUARD_OVERHEAD} bytes, so large packets are fragmented or lost while small ones pass.",
                advice=_mtu_advice(lowest),
                guide=KUBESPAN,
            )
        if pods.isdecimal() and int(pods) > mtu:
            yield Finding(
                severity=Severity.WARNING,
                rule="cilium-mtu",
                title=f"{machine.source}: Cilium's MTU of {pods} is larger than KubeSpan's of {mtu}",
                cause="What pods send to other nodes goes through KubeSpan and does not fit.",
                advice=f"render Cilium with --set MTU={mtu} or less, or leave it to Cilium",
                guide=KUBESPAN,
            )


def _mtu_advice(lowest: int) -> str:
    fitting = lowest - WIREGUARD_OVERHEAD
    if fitting < SMALLEST_MTU:
        return f"raise the link's MTU to {SMALLEST_MTU + WIREGUARD_OVERHEAD} or more: KubeSpan needs at least {SMALLEST_MTU}"
    return f"set machine.network.kubespan.mtu to {fitting}: `kubespan patch --mtu auto:{lowest}`"


def inline_names(subject: Subject) -> Iterator[Finding]:
    """Talos refuses two inline manifests of one name; patches append, so this happens by patching twice."""
    for machine in subject.machines:
        names = [name for name, _ in machine.inline]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Finding(
                severity=Severity.ERROR,
                rule="duplicate-manifest",
                title=f'{machine.source}: there are {names.count(name)} inline manifests "{name}"',
                cause="Talos refuses such a configuration; a patch appends to the list, it does not replace an entry.",
                advice="remove one, for example with a patch `inlineManifests: [{name: NAME, $patch: delete}]`",
                guide=METHOD_4,
            )


def update_note(subject: Subject) -> Iterator[Finding]:
    """What editing an inline manifest does not do."""
    names = sorted({name for machine in subject.machines for name, _ in machine.inline if not machine.is_worker})
    if names:
        yield Finding(
            severity=Severity.NOTE,
            rule="only-created",
            title=f"Talos only creates what is missing from inline manifests ({', '.join(names)}); it never updates or deletes",
            cause="Deleted resources come back when a control plane reboots, changed ones stay as they are.",
            advice="to update, edit all control planes' configurations and then run `talosctl upgrade-k8s`",
            guide=METHOD_4,
        )
