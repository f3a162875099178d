"""What KubeSpan must know of the host, as the resources by which Talos tells it.

Source: Talos v1.14.0-rc.1 (network, k8s and config resources).
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from talos_resources.kubespan.rendered import Form
from talos_resources.model.kind import untyped
from talos_resources.model.net import IPPrefix
from talos_resources.resources.cluster.affiliate import MachineType

FIRST_HARDWARE_ADDRESS: Final = "first"
ROUTED_WITHOUT_KUBERNETES: Final = "routed-no-k8s"
CURRENT_WITHOUT_KUBERNETES: Final = "current-no-k8s"
CURRENT_OF_KUBERNETES: Final = "current-only-k8s"
HOSTNAME: Final = "hostname"
NODENAME: Final = "nodename"
MACHINE_TYPE: Final = "machine-type"
API_SERVER: Final = "final-kube-apiserver"


@attrs.frozen
class HardwareAddress:
    """The hardware address of a link, bytes in hexadecimal with colons."""

    link: str
    address: str


@attrs.frozen
class Hostname:
    """A host name and its domain, which may be empty."""

    hostname: str
    domain: str = ""

    @property
    def full(self) -> str:
        """The fully qualified name."""
        return f"{self.hostname}.{self.domain}" if self.domain else self.hostname


@attrs.frozen
class KubernetesNode:
    """What Kubernetes says of the node.

    Attributes:
        name: of the node.
        pods: the networks of its pods; known since Talos 1.13.
        labels: of the node.
    """

    name: str
    pods: tuple[IPPrefix, ...]
    labels: tuple[tuple[str, str], ...] = ()


def _prefixes(texts: list[str] | None) -> tuple[IPPrefix, ...]:
    return tuple(IPPrefix.parse(text) for text in texts or ())


HARDWARE_ADDRESSES: Final[Form[HardwareAddress]] = Form(
    kind=untyped("HardwareAddresses.net.talos.dev", "network"),
    plain=lambda value: {"name": value.link, "hardwareAddr": value.address},
    parse=lambda plain: HardwareAddress(str(plain["name"]), str(plain["hardwareAddr"])),
)
HOSTNAMES: Final[Form[Hostname]] = Form(
    kind=untyped("HostnameStatuses.net.talos.dev", "network"),
    plain=lambda value: {"hostname": value.hostname, "domainname": value.domain},
    parse=lambda plain: Hostname(str(plain["hostname"]), str(plain.get("domainname", ""))),
)
NODE_ADDRESSES: Final[Form[tuple[IPPrefix, ...]]] = Form(
    kind=untyped("NodeAddresses.net.talos.dev", "network"),
    plain=lambda value: {"addresses": [str(prefix) for prefix in value], "sortAlgorithm": "v1"},
    parse=lambda plain: _prefixes(plain.get("addresses")),
)
PUBLIC_ADDRESSES: Final[Form[IPPrefix]] = Form(
    kind=untyped("AddressStatuses.net.talos.dev", "network"),
    plain=lambda value: {
        "address": str(value),
        "linkIndex": 0,
        "linkName": "",
        "family": "Family(0)",
        "scope": "global",
        "flags": "",
        "priority": 0,
    },
    parse=lambda plain: IPPrefix.parse(str(plain["address"])),
)
NODENAMES: Final[Form[str]] = Form(
    kind=untyped("Nodenames.kubernetes.talos.dev", "k8s"),
    plain=lambda value: {"nodename": value, "hostnameVersion": "1", "skipNodeRegistration": False},
    parse=lambda plain: str(plain["nodename"]),
)
NODE_STATUSES: Final[Form[KubernetesNode]] = Form(
    kind=untyped("NodeStatuses.kubernetes.talos.dev", "k8s"),
    plain=lambda value: {
        "nodename": value.name,
        "nodeReady": True,
        "unschedulable": False,
        "labels": dict(value.labels),
        "annotations": {},
        "podCIDRs": [str(prefix) for prefix in value.pods],
    },
    parse=lambda plain: KubernetesNode(
        str(plain["nodename"]), _prefixes(plain.get("podCIDRs")), tuple((plain.get("labels") or {}).items())
    ),
)


def _machine_type(plain: Any) -> MachineType:
    return MachineType(plain)


MACHINE_TYPES: Final[Form[MachineType]] = Form(
    kind=untyped("MachineTypes.config.talos.dev", "config"),
    plain=str,
    parse=_machine_type,
)
_UNTOLD: Final = {
    "image": "",
    "cloudProvider": "",
    "controlPlaneEndpoint": "",
    "etcdServers": [],
    "localPort": 0,
    "serviceCIDR": [],
    "extraArgs": {},
    "extraVolumes": [],
    "environmentVariables": {},
    "advertisedAddress": "",
    "resources": {"requests": {}, "limits": {}},
    "startupProbesEnabled": False,
    "useAuthenticationConfig": False,
}
"""What KubeSpan need not know of an API server, empty: a node prints all of it."""
API_SERVERS: Final[Form[int]] = Form(
    kind=untyped("APIServerConfigs.kubernetes.talos.dev", "controlplane"),
    plain=lambda value: {**_UNTOLD, "localPort": value},
    parse=lambda plain: int(plain["localPort"]),
)

HOST_KINDS: Final = tuple(
    form.kind
    for form in (
        HARDWARE_ADDRESSES,
        HOSTNAMES,
        NODE_ADDRESSES,
        PUBLIC_ADDRESSES,
        NODENAMES,
        NODE_STATUSES,
        MACHINE_TYPES,
        API_SERVERS,
    )
)
"""The kinds above, to be registered where a host is described."""
