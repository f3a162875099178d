"""A node whose controllers run in virtual time: for the recorded cases that need more than a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from talos_resources.backends.memory import MemoryState
from talos_resources.codec.goyaml import read
from talos_resources.kubespan import host
from talos_resources.kubespan.controllers import CLUSTER, KUBESPAN, LOCAL, LocalAffiliateController
from talos_resources.kubespan.manager_controller import ManagerController, PolicyRules
from talos_resources.kubespan.network import PolicyRule
from talos_resources.kubespan.network_specs import ADDRESS_SPECS, CHAINS, LINK_SPECS, ROUTE_SPECS, SPEC_NAMESPACE
from talos_resources.kubespan.rendered import Form
from talos_resources.kubespan.wireguard import DeviceConfig, PeerReading, WireGuardDevice
from talos_resources.model.errors import NotFoundError
from talos_resources.model.kind import Kind
from talos_resources.model.net import IPPrefix
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources.cluster.affiliate import Affiliate, MachineType
from talos_resources.resources.cluster.config import DiscoveryConfig
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


class RecordedRules:
    """Policy rules that write down what is done to them, in the recorded form."""

    def __init__(self, clock: VirtualTime) -> None:
        self._clock = clock
        self._start = clock.now()
        self.calls: list[Plain] = []

    def install(self, rules: tuple[PolicyRule, ...]) -> None:
        self._write("install", rules)

    def remove(self, rules: tuple[PolicyRule, ...]) -> None:
        self._write("cleanup", rules)

    def _write(self, call: str, rules: tuple[PolicyRule, ...]) -> None:
        (shown,) = {(rule.mark, rule.mask, rule.table) for rule in rules}
        at = (self._clock.now() - self._start) // _S
        self.calls.append({"at": at, "call": call, "mark": shown[0], "mask": shown[1], "table": shown[2]})


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

    def __init__(self, device: WireGuardDevice, rules: PolicyRules) -> None:
        super().__init__(device, rules)
        self._was_on = self._deaf = False

    def _tick(self, now: Timestamp) -> Timestamp:
        self._was_on = True
        return Timestamp(1 << 62) if self._deaf else super()._tick(now)

    def _clean_up(self, context: Context) -> None:
        self._deaf = self._was_on
        super()._clean_up(context)


def manager_trace(case: Plain, manager: type[ManagerController] = ManagerController) -> Plain:
    clock = VirtualTime(Timestamp.parse(case["start"]))
    state = MemoryState(clock=clock.now)
    device, rules = RecordedDevice(), RecordedRules(clock)
    Runtime(state, [manager(device, rules)], clock).start()
    start = clock.now()
    steps = []
    for step in case["steps"]:
        clock.run_until(Timestamp(start + step["at"] * _S))
        _apply(state, device, step)
        clock.settle()
        steps.append({**_produced(state), "routingRules": list(rules.calls)})
    return {"steps": steps}


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
        "nfTablesChains": specs(CHAINS, "network"),
        "peerStatuses": [{"id": item.id, **values.status_plain(item.spec)} for item in state.list(KubeSpanPeerStatus)],
    }


def local_affiliates(local: Plain) -> list[tuple[str, Affiliate]]:
    """What a node announces, through its controller."""
    clock = VirtualTime(Timestamp(0))
    state = MemoryState(clock=clock.now)
    _describe(state, local)
    Runtime(state, [LocalAffiliateController("Talos (v1.12.3)")], clock).start()
    clock.settle()
    return [(item.id, item.spec) for item in state.list(Affiliate)]


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
    tell(host.API_SERVERS, host.API_SERVER, local["apiServerLocalPort"])
    for public in local["discoveredPublicIPs"]:
        tell(host.PUBLIC_ADDRESSES, public["id"], IPPrefix.parse(public["address"]), "cluster")
    state.create(Resource.new(DiscoveryConfig(discovery_enabled=local["discoveryEnabled"]), id=CLUSTER))
    if local["nodeId"] is not None:
        state.create(Resource.new(ClusterIdentity(node_id=local["nodeId"]), id=LOCAL))
    if local["kubespanConfig"] is not None:
        state.create(Resource.new(values.config(local["kubespanConfig"]), id=KUBESPAN))
    if local["kubespanIdentity"] is not None:
        state.create(Resource.new(values.identity(local["kubespanIdentity"]), id=LOCAL))
