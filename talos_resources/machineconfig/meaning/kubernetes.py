"""Topics of Kubernetes: the node, the kubelet, the components of control planes and their secrets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from talos_resources.machineconfig import defaults
from talos_resources.machineconfig.meaning.reader import Reader, pair, pem, pruned

_CP_LABEL: Final = defaults.CONTROL_PLANE_LABEL


def kubelet(reader: Reader) -> Any:
    """How the kubelet runs."""
    document, providers = reader.document("KubeletConfig"), reader.document("KubeCredentialProviderConfig")
    section = reader.section("machine.kubelet")
    if section.get("disableManifestsDirectory") is True:
        del section["disableManifestsDirectory"]  # since v1.14 always so
    if "extraConfig" in section:
        section["config"] = section.pop("extraConfig")
    found = document if document is not None else section
    credentials = (providers or {}).get("configuration") or section.pop("credentialProviderConfig", None)
    return {**found, "credentials": credentials}


def node(reader: Reader) -> Any:
    """How the node shows in Kubernetes; Talos adds a label and a taint to control planes by itself."""
    document = reader.document("KubeNodeConfig")
    kubelet = {key: reader.draft.drop(f"machine.kubelet.{key}") for key in ("nodeIP", "registerWithFQDN", "skipNodeRegistration")}
    labels, annotations, taints = (reader.section(f"machine.{key}") for key in ("nodeLabels", "nodeAnnotations", "nodeTaints"))
    schedules = any([reader.draft.drop(f"cluster.allowSchedulingOn{word}") for word in ("ControlPlanes", "Masters")])  # noqa: C419 - both are dropped
    if document is not None:
        return document
    said = reader.has_node or schedules or any(value is not None for value in kubelet.values())
    if reader.role == "controlplane" and (reader.whole_old or said):
        labels = {_CP_LABEL: "", **labels}
        taints = taints if schedules else {_CP_LABEL: "NoSchedule", **taints}
        schedules = False
    return {**kubelet, "labels": labels, "annotations": annotations, "taints": taints, "schedules": schedules or None}


def pods(reader: Reader) -> Any:
    """The static pods."""
    found = [fields.get("pod") for fields in reader.documents("KubeStaticPodConfig").values()]
    return sorted(map(pruned, [*found, *(reader.section("machine.pods") or [])]), key=str)


def component(section: str, kind: str, *, disabled: str = "", default_image: bool = False) -> Callable[[Reader], Any]:
    """A component of control planes; without a word it runs in Talos's own version."""

    def read(reader: Reader) -> Any:
        document = reader.document(kind)
        is_off = bool(reader.draft.drop(disabled)) if disabled else False
        was_said = reader.has(section)
        old = reader.section(section)
        is_off = bool(old.pop("disabled", False)) or is_off
        if document is not None:
            return {**document, "enabled": document.get("enabled", True)}
        if not was_said and not (default_image and reader.whole_old and reader.role == "controlplane") and not is_off:
            is_left_out = default_image and reader.draft.is_new_form and reader.draft.is_whole and reader.role == "controlplane"
            return {"enabled": False} if is_left_out else None
        return {"enabled": not is_off, **old}

    return read


def off_is_off(read: Callable[[Reader], Any]) -> Callable[[Reader], Any]:
    """For what is simply not there when it is off."""

    def either(reader: Reader) -> Any:
        found = read(reader)
        return {"enabled": False} if found is not None and not found["enabled"] and not found.get("image") else found

    return either


def api_authority(reader: Reader) -> Any:
    """Who signs for the Kubernetes API, and who else is believed."""
    document = reader.document("KubeAPIServerCAConfig")
    section, accepted = reader.section("cluster.ca"), reader.section("cluster.acceptedCAs") or []
    if document is not None:
        return {"issuing": document.get("issuingCA"), "accepted": document.get("acceptedCAs")}
    own = pair(section)
    certificates = [pem(entry.get("crt", "")) for entry in accepted]
    if own["cert"] and not own["key"]:
        return {"accepted": [own["cert"], *certificates]}
    return {"issuing": own, "accepted": certificates}


def api_server(reader: Reader) -> Any:
    """The API server, with admission, audit and authorization."""
    document = reader.document("KubeAPIServerConfig")
    port = reader.draft.drop("cluster.controlPlane.localAPIServerPort")
    section = reader.section("cluster.apiServer")
    section.pop("disablePodSecurityPolicy", None)  # Kubernetes has none since 1.25
    plugins = {entry.get("name"): entry.get("configuration") for entry in section.pop("admissionControl", None) or [] if entry}
    plugins |= {name: fields.get("configuration") for name, fields in reader.documents("KubeAdmissionControlConfig").items()}
    authorizers = [dict(entry or {}) for entry in section.pop("authorizationConfig", None) or []]
    authorizers += [{"name": name, **fields} for name, fields in reader.documents("KubeAuthorizerConfig").items()]
    policy = section.pop("auditPolicy", None) or (reader.document("KubeAuditPolicyConfig") or {}).get("configuration")
    found = {**section, **(document or {})}
    names = found.pop("certSANs", None) or found.pop("certExtraSANs", None)
    usual = [{"name": "node", "type": "Node"}, {"name": "rbac", "type": "RBAC"}]
    return {
        **found,
        "names": names,
        "apiPort": found.get("apiPort") or port,
        "admission": plugins,
        "authorizers": None if authorizers == usual else authorizers,
        "audit": policy,
    }


def aggregator(reader: Reader) -> Any:
    """Who signs for the aggregation layer."""
    document, section = reader.document("KubeAggregatorCAConfig"), reader.section("cluster.aggregatorCA")
    return document if document is not None else {"issuingCA": pair(section)}


def service_account(reader: Reader) -> Any:
    """The key of service accounts; its issuer where that is not the endpoint."""
    document, section = reader.document("KubeServiceAccountConfig"), reader.section("cluster.serviceAccount")
    endpoint = reader.draft.get("cluster.controlPlane.endpoint") or (reader.draft.document("KubeClusterConfig") or {}).get("endpoint")
    if document is None:
        return {"key": pem(section.get("key", "")) or None}
    issuer = document.get("issuer", {})
    return {
        "key": issuer.get("privateKey"),
        "issuer": None if issuer.get("issuerURL") == endpoint else issuer,
        "more": document.get("accepted"),
    }


def encryption(reader: Reader) -> Any:
    """How secrets are encrypted in etcd."""
    document = reader.document("KubeEtcdEncryptionConfig")
    pairs = (("secretbox", "secretboxEncryptionSecret", "key2"), ("aescbc", "aescbcEncryptionSecret", "key1"))
    providers = [
        {kind: {"keys": [{"name": name, "secret": secret}]}} for kind, key, name in pairs if (secret := reader.draft.drop(f"cluster.{key}"))
    ]
    if document is not None:
        return document.get("config")
    return {"resources": [{"providers": providers, "resources": ["secrets"]}]} if providers else None


def access(reader: Reader) -> Any:
    """Which pods may talk to Talos."""
    document, section = reader.document("KubeTalosAPIAccessConfig"), reader.section("machine.features.kubernetesTalosAPIAccess")
    if document is not None:
        return {**document, "enabled": True}
    return section if section.get("enabled") else None
