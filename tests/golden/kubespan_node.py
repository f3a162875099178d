"""A node whose controllers run in virtual time: for the recorded cases that need more than a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from talos_resources.backends.memory import MemoryState
from talos_resources.codec.goyaml import read
from talos_resources.kubespan import host
from talos_resources.kubespan.controllers import CLUSTER, KUBESPAN, LOCAL, LocalAffiliateController
from talos_resources.kubespan.manager_controller import ManagerController
from talos_resources.kubespan.network_specs import ADDRESS_SPECS, CHAINS, LINK_SPECS, POLICY_RULE_SPECS, ROUTE_SPECS, SPEC_NAMESPACE
from talos_resources.kubespan.rendered import Form
from talos_resources.kubespan.wireguard import DeviceConfig, PeerReading, WireGuardDevice
from talos_resources.model.errors import NotFoundError
from talos_resources.model.kind import Kind
from talos_resources.model.net import IPPrefix
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.model.timestamp import Timestamp
from talos_resources.releases import KubeSpanRules, Release
from talos_resources.resources.cluster.affiliate import Affiliate, MachineType
from talos_resources.resources.cluster.config import DiscoveryConfig, ServiceEndpoint
from talos_resources.resources.cluster.identity import ClusterIdentity
from talos_resources.resources.kubespan.identity import KubeSpanIdentity
from talos_resources.resources.kubespan.peer_spec import KubeSpanPeerSpec
from talos_resources.resources.kubespan.peer_status import KubeSpanPeerStatus
from talos_resources.runtime.context import Context
from talos_resources.runtime.runtime import Runtime
from talos_resources.runtime.scheduler import VirtualTime
from talos_resources.state.contract import State
from tests.golden import kubespan_values as values
from tests.golden.kubespan_values import Plain

_S = 1_000_000_000


class RecordedDevice:
    """A device that shows what the case says and lets itself be configured in vain."""

    def __init__(self) -> None:
        self.shown: Mapping[str, PeerReading] | None = None

    def configure(self, config: DeviceConfig) -> None:
        """The case decides what the device becomes."""

    def read(self) -> Mapping[str, PeerReading] | None:
        return self.shown

    def remove(self) -> None:
        self.shown = None


def put(state: State, kind: Kind[Any], id: str, spec: Any) -> None:
    """Creates or replaces a resource as somebody who is no controller."""
    try:
        old = state.get(kind, id)
    except NotFoundError:
        state.create(Resource.new(spec, id=id, kind=kind))
    else:
        state.update(old.with_spec(spec))


class TicksOnce(ManagerController):
    """The manager as Talos has it: switched off and on again, it hears of changes but not of the clock any more."""

    def __init__(self, device: WireGuardDevice, *, rules: KubeSpanRules) -> None:
        super().__init__(device, rules=rules)
        self._was_on = self._deaf = False

    def _tick(self, now: Timestamp) -> Timestamp:
        self._was_on = True
        return Timestamp(1 << 62) if self._deaf else super()._tick(now)

    def _clean_up(self, context: Context) -> None:
        self._deaf = self._was_on
        super()._clean_up(context)


def manager_trace(case: Plain, rules: KubeSpanRules, manager: type[ManagerController] = ManagerController) -> Plain:
    clock = VirtualTime(Timestamp.parse(case["start"]))
    state = MemoryState(clock=clock.now)
    device = RecordedDevice()
    Runtime(state, [manager(device, rules=rules)], clock).start()
    start = clock.now()
    steps: list[Plain] = []
    calls: list[Plain] = []
    for step in case["steps"]:
        clock.run_until(Timestamp(start + step["at"] * _S))
        _apply(state, device, step)
        clock.settle()
        produced = _produced(state)
        if not rules.policy_rules_are_resources:
            calls = _calls(calls, produced.pop("routingRuleSpecs"), step["at"])
            produced["routingRules"] = list(calls)
        steps.append(produced)
    return {"steps": steps}


def _calls(before: list[Plain], found: list[Plain], at: int) -> list[Plain]:
    """What Talos v1.12 did to the host's policy rules itself, from the resources that ask for them today."""
    there = bool(before) and before[-1]["call"] == "install"
    if there == bool(found):
        return before
    shown = (
        before[-1]
        if there
        else {"mark": found[0]["spec"]["fwMark"], "mask": found[0]["spec"]["fwMask"], "table": int(found[0]["spec"]["table"])}
    )
    return [*before, {**shown, "at": at, "call": "cleanup" if there else "install"}]


def _apply(state: State, device: RecordedDevice, step: Plain) -> None:
    match step["op"]:
        case "set_config":
            config = values.config(step["config"])
            put(state, type(config).KIND, KUBESPAN, config)  # type: ignore[attr-defined]  # `kind` sets it
        case "remove_config":
            state.destroy(type(values.config({})), KUBESPAN)
        case "set_identity":
            put(state, KubeSpanIdentity.KIND, LOCAL, values.identity(step["identity"]))  # type: ignore[attr-defined]
        case "remove_identity":
            state.destroy(KubeSpanIdentity, LOCAL)
        case "set_peer_spec":
            peer = step["peerSpec"]
            put(state, KubeSpanPeerSpec.KIND, peer["id"], values.peer_spec(peer))  # type: ignore[attr-defined]
        case "remove_peer_spec":
            state.destroy(KubeSpanPeerSpec, step["id"])
        case "set_wireguard_device":
            device.shown = {peer["publicKey"]: values.reading(peer) for peer in step["peers"]}
        case "remove_wireguard_device":
            device.shown = None
        case "observe":
            pass
        case other:
            msg = f"unknown operation {other}"
            raise ValueError(msg)


def _produced(state: State) -> Plain:
    def specs(form: Form[Any], namespace: str) -> list[Plain]:
        return [
            {"id": item.id, "namespace": item.namespace, "spec": read.load(item.spec.yaml)}
            for item in state.list(form.kind, namespace=namespace)
        ]

    return {
        "linkSpecs": specs(LINK_SPECS, SPEC_NAMESPACE),
        "addressSpecs": specs(ADDRESS_SPECS, SPEC_NAMESPACE),
        "routeSpecs": specs(ROUTE_SPECS, SPEC_NAMESPACE),
        "routingRuleSpecs": specs(POLICY_RULE_SPECS, SPEC_NAMESPACE),
        "nfTablesChains": specs(CHAINS, "network"),
        "peerStatuses": [{"id": item.id, **values.status_plain(item.spec)} for item in state.list(KubeSpanPeerStatus)],
    }


def local_affiliates(local: Plain, release: Release) -> list[tuple[str, Affiliate]]:
    """What a node announces, through its controller."""
    clock = VirtualTime(Timestamp(0))
    state = MemoryState(clock=clock.now)
    _describe(state, local if "podCIDRs" in local else _as_newer(local))
    Runtime(state, [LocalAffiliateController(f"Talos ({release.version})")], clock).start()
    clock.settle()
    return [(item.id, item.spec) for item in state.list(Affiliate)]


def _as_newer(local: Plain) -> Plain:
    """What was recorded of v1.12, with what v1.14 reads elsewhere where v1.14 reads it."""
    return {
        **local,
        "podCIDRs": local["currentOnlyK8s"],
        "nodeStatusId": local["nodename"],
        "registryKubernetesEnabled": local["discoveryEnabled"],
        "serviceEndpoints": [],
    }


def _describe(state: State, local: Plain) -> None:
    def tell(form: Form[Any], id: str, value: Any, namespace: str | None = None) -> None:
        if value is not None:
            state.create(Resource[UntypedSpec].new(form.spec(value), id=id, kind=form.kind, namespace=namespace))

    def addresses(key: str) -> tuple[IPPrefix, ...] | None:
        return None if local[key] is None else values.prefixes(local[key])

    tell(host.HOSTNAMES, host.HOSTNAME, host.Hostname(local["hostname"], local["domainname"]))
    tell(host.NODENAMES, host.NODENAME, local["nodename"])
    tell(host.MACHINE_TYPES, host.MACHINE_TYPE, MachineType(local["machineType"]))
    tell(host.NODE_ADDRESSES, host.ROUTED_WITHOUT_KUBERNETES, addresses("routedNoK8s"))
    tell(host.NODE_ADDRESSES, host.CURRENT_WITHOUT_KUBERNETES, addresses("currentNoK8s"))
    tell(host.NODE_ADDRESSES, host.CURRENT_OF_KUBERNETES, addresses("currentOnlyK8s"))
    pods = addresses("podCIDRs")
    if pods is not None:
        tell(host.NODE_STATUSES, local["nodeStatusId"], host.KubernetesNode(local["nodeStatusId"], pods))
    tell(host.API_SERVERS, host.API_SERVER, local["apiServerLocalPort"])
    for public in local["discoveredPublicIPs"]:
        tell(host.PUBLIC_ADDRESSES, public["id"], IPPrefix.parse(public["address"]), "cluster")
    if local["discoveryEnabled"] is not None:
        discovery = DiscoveryConfig(
            discovery_enabled=local["discoveryEnabled"],
            registry_kubernetes_enabled=local["registryKubernetesEnabled"],
            service_endpoints=tuple(ServiceEndpoint(name=endpoint, endpoint=endpoint) for endpoint in local["serviceEndpoints"] or ()),
        )
        state.create(Resource.new(discovery, id=CLUSTER))
    if local["nodeId"] is not None:
        state.create(Resource.new(ClusterIdentity(node_id=local["nodeId"]), id=LOCAL))
    if local["kubespanConfig"] is not None:
        state.create(Resource.new(values.config(local["kubespanConfig"]), id=KUBESPAN))
    if local["kubespanIdentity"] is not None:
        state.create(Resource.new(values.identity(local["kubespanIdentity"]), id=LOCAL))
