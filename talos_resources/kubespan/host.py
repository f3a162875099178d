"""What KubeSpan must know of the host, as the resources by which Talos tells it.

Source: Talos v1.12.3 (network, k8s and config resources).
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from talos_resources.kubespan.rendered import Form, classless
from talos_resources.model.net import IPPrefix
from talos_resources.resources.cluster.affiliate import MachineType

FIRST_HARDWARE_ADDRESS: Final = "first"
ROUTED_WITHOUT_KUBERNETES: Final = "routed-no-k8s"
CURRENT_WITHOUT_KUBERNETES: Final = "current-no-k8s"
CURRENT_OF_KUBERNETES: Final = "current-only-k8s"
HOSTNAME: Final = "hostname"
NODENAME: Final = "nodename"
MACHINE_TYPE: Final = "machine-type"
API_SERVER: Final = "k8s-api-server"


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


def _prefixes(texts: list[str] | None) -> tuple[IPPrefix, ...]:
    return tuple(IPPrefix.parse(text) for text in texts or ())


HARDWARE_ADDRESSES: Final[Form[HardwareAddress]] = Form(
    kind=classless("HardwareAddresses.net.talos.dev", "network"),
    plain=lambda value: {"name": value.link, "hardwareAddr": value.address},
    parse=lambda plain: HardwareAddress(str(plain["name"]), str(plain["hardwareAddr"])),
)
HOSTNAMES: Final[Form[Hostname]] = Form(
    kind=classless("HostnameStatuses.net.talos.dev", "network"),
    plain=lambda value: {"hostname": value.hostname, "domainname": value.domain},
    parse=lambda plain: Hostname(str(plain["hostname"]), str(plain.get("domainname", ""))),
)
NODE_ADDRESSES: Final[Form[tuple[IPPrefix, ...]]] = Form(
    kind=classless("NodeAddresses.net.talos.dev", "network"),
    plain=lambda value: {"addresses": [str(prefix) for prefix in value], "sortAlgorithm": "v1"},
    parse=lambda plain: _prefixes(plain.get("addresses")),
)
PUBLIC_ADDRESSES: Final[Form[IPPrefix]] = Form(
    kind=classless("AddressStatuses.net.talos.dev", "network"),
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
    kind=classless("Nodenames.kubernetes.talos.dev", "k8s"),
    plain=lambda value: {"nodename": value, "hostnameVersion": "1", "skipNodeRegistration": False},
    parse=lambda plain: str(plain["nodename"]),
)


def _machine_type(plain: dict[str, Any]) -> MachineType:
    return MachineType(plain["machineType"])


MACHINE_TYPES: Final[Form[MachineType]] = Form(
    kind=classless("MachineTypes.config.talos.dev", "config"),
    plain=lambda value: {"machineType": str(value)},
    parse=_machine_type,
)
API_SERVERS: Final[Form[int]] = Form(
    kind=classless("APIServerConfigs.kubernetes.talos.dev", "controlplane"),
    plain=lambda value: {"localPort": value},
    parse=lambda plain: int(plain["localPort"]),
)

HOST_KINDS: Final = tuple(
    form.kind for form in (HARDWARE_ADDRESSES, HOSTNAMES, NODE_ADDRESSES, PUBLIC_ADDRESSES, NODENAMES, MACHINE_TYPES, API_SERVERS)
)
"""The kinds above, to be registered where a host is described."""
