"""Sample documents: one value for every field of the table, and strategies of whole documents."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.schema import enums
from talos_resources.machineconfig.schema.table import document_type
from talos_resources.machineconfig.schema.types import ArgValue, FreeForm, ListOf, MapOf, Scalar, Struct, Type
from talos_resources.releases import NEWEST

_ATOMS: Final[dict[str, Any]] = {
    "string": "text",
    "manifest": "a: b\nc: d\n",
    "bool": True,
    "os.FileMode": 0o644,
    "base64": "Zm9v",
    "v1alpha1.Base64Bytes": "Zm9v",
    "time.Duration": "2m30s",
    "v1alpha1.DiskSize": "100 MB",
    "v1alpha1.InstallDiskSizeMatcher": ">= 100GB",
    "block.ByteSize": "10GiB",
    "block.Size": "50%",
    "config.ContainerNetworkMode": "host",
    "config.ContainerSecurityProfile": "restricted",
    "cel.Expression": 'disk.transport == "nvme"',
    "v1alpha1.Endpoint": "https://a.example.org:6443",
    "meta.URL": "https://a.example.org/x?y=z",
    "netip.Addr": "10.0.0.1",
    "netip.Prefix": "10.0.0.0/8",
    "netip.AddrPort": "[fd00::1]:51820",
    "network.Addr": "fd00::1",
    "network.Prefix": "fd00::/8",
    "network.AddrPort": "10.0.0.1:51820",
    "network.PortRange": "1000-2000",
    "meta.Addr": "fd00::1",
    "meta.Prefix": "fd00::/8",
    "meta.AddrPort": "10.0.0.1:51820",
    "nethelpers.HardwareAddr": "aa:bb:cc:dd:ee:ff",
    "nethelpers.RoutingTable": "main",
}

KINDS: Final = ("v1alpha1", *sorted(NEWEST.document_kinds))

COMMENTED: Final = """\
# The head of the file.                                   # stays
version: v1alpha1   # odd   spacing                       # stays
machine:   # stays
  type: "worker"  # the type
  token:   'abcdef.0123456789abcdef'   # stays
  certSANs: []   # none yet

  # About the network.                                    # stays
  network: # stays
    hostname:   node-1 # stays
    interfaces:
    - interface: eth0   # stays
      addresses: [192.168.1.10/24] # stays
      mtu: 1500
    - interface: eth1
      dhcp: true
  nodeLabels: # stays
    a: '1'
    # About b.                                            # stays
    b/c: "2" # stays
  install: {disk: /dev/sda, wipe: false}
  kubelet:
cluster: # stays
  controlPlane:
    endpoint: https://mycluster.local:6443
  inlineManifests: # stays
    - name: a # stays
      contents: |
        --- # stays
        # in the manifest # stays
        a: b

# Below the manifest.                                     # stays
---
# The host name.                                          # stays
apiVersion: v1alpha1 # stays
kind: HostnameConfig # stays
auto: stable
"""


def sample(kind: Type) -> Any:
    """A value of the type with every field set."""
    match kind:
        case Struct():
            return {key: sample(field.type) for key, field in kind.fields.items()}
        case ListOf():
            return [sample(kind.item)]
        case MapOf():
            return {"key": sample(kind.item)}
        case ArgValue():
            return ["x", "yes", "", "0x1f"]
        case FreeForm():
            return {"a": {"b": [1, 2.5, "x", None, True]}}
        case Scalar():
            if kind.name in enums.VALUES:
                return enums.VALUES[kind.name][-1]
            return _ATOMS.get(kind.name, 7)


def full_document(kind: str) -> Document:
    """A document with every field of its kind."""
    found = document_type(kind)
    assert found is not None
    fields = sample(found)
    if kind != "v1alpha1":
        fields |= {"apiVersion": "v1alpha1", "kind": kind}
    if "peer" in fields:
        fields["peer"]["name"] = "other"  # than the link itself
    return Document(kind, fields)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A document with some of its fields, at every level."""
    kind = draw(st.sampled_from(("v1alpha1", "v1alpha1", *KINDS)))
    full = full_document(kind).fields
    fields = draw(_some(full))
    if kind == "v1alpha1":
        return Document(kind, fields if set(fields) & {"machine", "cluster"} else {"machine": {}, **fields})
    # A network rule without a protocol has no form in YAML.
    return Document(kind, fields | {key: full[key] for key in ("apiVersion", "kind", "name", "portSelector") if key in full})


def _some(value: Any) -> st.SearchStrategy[Any]:
    """The value with some of its keys left out."""
    if not isinstance(value, dict):
        return st.just(value)
    return st.sets(st.sampled_from(sorted(value)) if value else st.nothing(), max_size=6).flatmap(
        lambda names: st.fixed_dictionaries({name: _some(value[name]) for name in sorted(names)})
    )
