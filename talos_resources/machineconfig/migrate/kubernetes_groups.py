"""What concerns Kubernetes: nodes, kubelet, networks, manifests, the components of control planes.

Source: the table of deprecated fields in the reference of the machine-config workflow, Talos v1.14.0-rc.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from talos_resources.machineconfig import defaults
from talos_resources.machineconfig.migrate.draft import Draft, Fields, StaysError
from talos_resources.machineconfig.migrate.group import FieldsRule, Group, Move
from talos_resources.machineconfig.migrate.items import Item, ItemsRule
from talos_resources.machineconfig.pem import authority_to_new, authority_to_old, from_base64, to_base64
from talos_resources.model.errors import ConfigError

_NODE: Final = {
    "machine.kubelet.nodeIP.validSubnets": "nodeIP.validSubnets",
    "machine.kubelet.registerWithFQDN": "registerWithFQDN",
    "machine.kubelet.skipNodeRegistration": "skipNodeRegistration",
    "machine.nodeLabels": "labels",
    "machine.nodeAnnotations": "annotations",
    "machine.nodeTaints": "taints",
}
_SCHEDULING: Final = ("cluster.allowSchedulingOnControlPlanes", "cluster.allowSchedulingOnMasters")


def _node_forward(draft: Draft) -> None:
    """On control planes the label and the taint that Talos adds by itself stand in the document."""
    is_control_plane = draft.role == "controlplane"
    if not any(draft.get(path) is not None for path in (*_NODE, "machine.kubelet.nodeIP", *_SCHEDULING)) and not draft.has_defaults:
        return
    schedules = any(draft.get(path) for path in _SCHEDULING)
    if draft.role == "worker":
        for path in _SCHEDULING:
            draft.gone(path)  # only control planes look at it
        if not any(draft.get(path) is not None for path in (*_NODE, "machine.kubelet.nodeIP")):
            return
    fields: Fields = {"nodeIP": {}}
    for old, new in _NODE.items():
        value = draft.get(old)
        if value is not None:
            draft.move(old, "KubeNodeConfig", new)
            if new == "nodeIP.validSubnets":
                fields["nodeIP"] = {"validSubnets": value}
            else:
                fields[new] = value
    draft.drop("machine.kubelet.nodeIP")
    for path in _SCHEDULING:
        if draft.get(path) is not None:
            draft.move(path, "KubeNodeConfig", "taints")
    if is_control_plane:
        fields["labels"] = {defaults.CONTROL_PLANE_LABEL: "", **fields.get("labels", {})}
        if not schedules:
            fields["taints"] = {defaults.CONTROL_PLANE_LABEL: "NoSchedule", **fields.get("taints", {})}
    draft.put("KubeNodeConfig", fields)


def _node_backward(draft: Draft) -> None:
    fields = draft.document("KubeNodeConfig")
    if fields is None:
        return
    labels, taints = dict(fields.get("labels") or {}), dict(fields.get("taints") or {})
    if draft.role == "controlplane":
        labels.pop(defaults.CONTROL_PLANE_LABEL, None)
        if taints.pop(defaults.CONTROL_PLANE_LABEL, None) is None:
            draft.set(_SCHEDULING[0], True)
    values = {**fields, "labels": labels or None, "taints": taints or None}
    for old, new in _NODE.items():
        value = (values.get("nodeIP") or {}).get("validSubnets") if new == "nodeIP.validSubnets" else values.get(new)
        if value is not None:
            draft.set(old, value)
    draft.remove("KubeNodeConfig")


def _node_lost(draft: Draft) -> Iterator[str]:
    fields = draft.document("KubeNodeConfig")
    if fields is None or draft.role != "controlplane":
        return
    if (fields.get("labels") or {}).get(defaults.CONTROL_PLANE_LABEL) != "":
        yield f"KubeNodeConfig.labels (Talos sets {defaults.CONTROL_PLANE_LABEL} itself)"
    if (fields.get("taints") or {}).get(defaults.CONTROL_PLANE_LABEL) not in {None, "NoSchedule"}:
        yield f"KubeNodeConfig.taints (Talos sets {defaults.CONTROL_PLANE_LABEL} to NoSchedule itself)"


_CREDENTIALS: Final = "machine.kubelet.credentialProviderConfig"
_KUBELET: Final = FieldsRule(
    kind="KubeletConfig",
    moves=(
        Move("machine.kubelet.image", "image"),
        Move("machine.kubelet.clusterDNS", "clusterDNS"),
        Move("machine.kubelet.extraArgs", "extraArgs"),
        Move("machine.kubelet.extraConfig", "config"),
        Move("machine.kubelet.defaultRuntimeSeccompProfileEnabled", "defaultRuntimeSeccompProfileEnabled"),
    ),
    sections=("machine.kubelet",),
    required=("image",),
    dead={"machine.kubelet.disableManifestsDirectory": True},
    elsewhere=(_CREDENTIALS,),
).group("the kubelet")


def _kubelet_forward(draft: Draft) -> None:
    """Credential providers may only stand in a document when the kubelet does."""
    providers = draft.get(_CREDENTIALS)
    _KUBELET.forward(draft)
    if providers:
        draft.rename(_CREDENTIALS, "KubeCredentialProviderConfig", "", "configuration")
        draft.put("KubeCredentialProviderConfig", {"configuration": providers})


def _kubelet_backward(draft: Draft) -> None:
    fields = draft.document("KubeCredentialProviderConfig")
    _KUBELET.backward(draft)
    if fields is not None:
        draft.set(_CREDENTIALS, fields.get("configuration", {}))
        draft.remove("KubeCredentialProviderConfig")


def _accepted_to_new(values: list[Fields]) -> list[str]:
    return [from_base64(value.get("crt", ""), path="cluster.acceptedCAs") for value in values]


def _accepted_to_old(values: list[str]) -> list[Fields]:
    return [{"crt": to_base64(value)} for value in values]


def _api_ca_forward(draft: Draft) -> None:
    """A worker has no key of the authority: for it the certificate is one that it accepts."""
    authority, accepted = draft.get("cluster.ca"), draft.get("cluster.acceptedCAs") or []
    if authority is None and not accepted:
        return
    try:
        pair = authority_to_new("cluster.ca")(authority) if authority is not None else {}
        certificates = _accepted_to_new(accepted)
    except ConfigError as error:
        raise StaysError("cluster.ca", error.message) from None
    if pair and not pair.get("key"):
        certificates = [pair["cert"], *certificates]
        pair = {}
    elif pair and not pair.get("cert"):
        raise StaysError("cluster.ca", "it has a key without a certificate")
    if authority is not None:
        draft.move("cluster.ca", "KubeAPIServerCAConfig", "issuingCA" if pair else "acceptedCAs")
    if accepted:
        draft.move("cluster.acceptedCAs", "KubeAPIServerCAConfig", "acceptedCAs")
    draft.drop("cluster.acceptedCAs")
    draft.put("KubeAPIServerCAConfig", {"issuingCA": pair or None, "acceptedCAs": certificates or None})


def _api_ca_backward(draft: Draft) -> None:
    fields = draft.document("KubeAPIServerCAConfig")
    if fields is None:
        return
    certificates = list(fields.get("acceptedCAs") or [])
    if fields.get("issuingCA"):
        draft.set("cluster.ca", authority_to_old(fields["issuingCA"]))
    elif certificates:
        draft.set("cluster.ca", {"crt": to_base64(certificates.pop(0)), "key": ""})
    if certificates:
        draft.set("cluster.acceptedCAs", _accepted_to_old(certificates))
    draft.remove("KubeAPIServerCAConfig")


def _manifest_lost(fields: Fields) -> Iterator[str]:
    if fields.get("manifest", " ")[:1] in {"\t", "\n", "\v", "\f", "\r"}:
        yield "manifest (Talos before v1.14 cuts the tabs and breaks that it begins with)"


KUBERNETES_GROUPS: Final[tuple[Group, ...]] = (
    Group(
        name="the node",
        sections=(*_NODE, *_SCHEDULING),
        kinds=("KubeNodeConfig",),
        forward=_node_forward,
        backward=_node_backward,
        lost=_node_lost,
        control_plane_paths=_SCHEDULING,
    ),
    Group(
        name="the kubelet",
        sections=("machine.kubelet",),
        kinds=("KubeletConfig", "KubeCredentialProviderConfig"),
        forward=_kubelet_forward,
        backward=_kubelet_backward,
        lost=_KUBELET.lost,
        dead=_KUBELET.dead,
    ),
    Group(
        name="the API's authority",
        sections=("cluster.ca", "cluster.acceptedCAs"),
        kinds=("KubeAPIServerCAConfig",),
        forward=_api_ca_forward,
        backward=_api_ca_backward,
        lost=lambda _: iter(()),
    ),
    ItemsRule(
        "cluster.inlineManifests",
        Item(
            "KubeInlineManifestConfig",
            name_of=lambda value: value.get("name", ""),
            to_new=lambda name, value: {"name": name, "manifest": value.get("contents", "")},
            to_old=lambda fields: {"name": fields.get("name", ""), "contents": fields.get("manifest", "")},
            dns_names=True,
            lost=_manifest_lost,
        ),
    ).group("inline manifests"),
)

CLUSTER_NAME: Final = FieldsRule(
    kind="KubeClusterConfig",
    moves=(Move("cluster.clusterName", "clusterName"), Move("cluster.controlPlane.endpoint", "endpoint")),
    sections=("cluster.controlPlane", "cluster.clusterName"),
    required=("clusterName", "endpoint"),
).group("the cluster's name and endpoint")
"""The last to move: others look for the endpoint."""
