"""Checks of machine configurations: who does what, and who has which manifests.

Source: Talos guide, Deploying Cilium CNI.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

from talos_resources.machineconfig.cilium.facts import cilium_facts, foreign_network, installed_network, key_material
from talos_resources.machineconfig.cilium.patch import looks_public
from talos_resources.machineconfig.cilium.rules_manifest import METHOD_1, METHOD_4
from talos_resources.machineconfig.cilium.subject import MachineFile, Subject
from talos_resources.model.finding import Finding, Severity

PREPARATION: Final = "Deploying Cilium CNI, machine config preparation"
METHOD_3: Final = "Deploying Cilium CNI, method 3"


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
        for url in machine.facts.manifest_urls:
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
                advice="give all control planes the same manifests, CNI and kube-proxy",
                guide=METHOD_4,
            )


def _differences(first: MachineFile, second: MachineFile) -> Iterator[str]:
    for what, name in (("the CNI", "cni"), ("whether kube-proxy runs", "proxy_runs"), ("the manifests to fetch", "manifest_urls")):
        if getattr(first.facts, name) != getattr(second.facts, name):
            yield f"{what} differs" if not what.endswith("fetch") else f"{what} differ"
    for one, other in zip_longest(first.facts.inline, second.facts.inline):
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


def different_identities(subject: Subject) -> Iterator[Finding]:
    """Machines of one cluster share their secrets."""
    for other in subject.machines[1:]:
        first = subject.machines[0]
        one, two = first.facts.identity, other.facts.identity
        differ = [name for name in one if name in two and one[name] != two[name]]
        if differ:
            yield Finding(
                severity=Severity.ERROR,
                rule="other-cluster",
                title=f"{first.source} and {other.source} were not made with the same secrets",
                evidence=tuple(f"{name} differs" for name in differ),
                cause="They cannot join one cluster: they do not find each other, or do not trust each other.",
                advice="generate both with one bundle: `gen secrets`, then `gen config --with-secrets secrets.yaml`",
                guide="KubeSpan, Enabling",
            )


def cni_not_none(subject: Subject) -> Iterator[Finding]:
    """Talos installs flannel unless told otherwise, and two CNIs fight."""
    for machine in subject.machines:
        if machine.is_worker:  # only control planes apply a CNI
            continue
        facts = machine.facts
        installs = [(inline, network) for inline, manifest in machine.inline if (network := installed_network(manifest))]
        wanted = bool(installs) or (subject.assume_cilium and not facts.manifest_urls)
        network = installs[0][1] if installs else foreign_network(subject, []) or "Cilium"
        if facts.cni == "none" or not wanted:
            continue
        advice = "leave KubeFlannelCNIConfig out" if facts.is_new_form else "set cluster.network.cni.name to none"
        yield Finding(
            severity=Severity.ERROR,
            rule="cni-not-none",
            title=f'{machine.source}: the CNI is {facts.cni}{"" if facts.cni_is_said else " (the default)"}, not "none"',
            evidence=tuple(f'inline manifest "{inline}" installs {its}' for inline, its in installs),
            cause=f"Talos deploys its own CNI besides {network}, and both want to set up the pods' network.",
            advice=f"{advice}: `cilium patch --method install --for {machine.source}`",
            guide=PREPARATION,
        )


def kube_proxy(subject: Subject) -> Iterator[Finding]:
    """Exactly one of kube-proxy and Cilium has to do the services."""
    strict = cilium_facts(subject).strict
    for machine in subject.machines:
        if machine.is_worker or strict is None or strict != machine.facts.proxy_runs:
            continue
        if strict:
            where = "KubeProxyConfig to enabled: false" if machine.facts.is_new_form else "cluster.proxy.disabled to true"
            yield Finding(
                severity=Severity.ERROR,
                rule="proxy-enabled",
                title=f"{machine.source}: kube-proxy is still enabled although Cilium replaces it",
                cause="Both write rules for the same services.",
                advice=f"set {where}: `cilium patch --strict --for {machine.source}`",
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
