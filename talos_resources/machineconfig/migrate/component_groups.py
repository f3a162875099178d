"""The components of control planes: API server, controller manager, scheduler, kube-proxy, CoreDNS, their secrets.

Source: the table of deprecated fields in the reference of the machine-config workflow, Talos v1.14.0-rc.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from talos_resources.machineconfig.migrate.draft import Draft, Fields, StaysError
from talos_resources.machineconfig.migrate.group import FieldsRule, Group, Move, inverted
from talos_resources.machineconfig.migrate.items import is_dns_name
from talos_resources.machineconfig.pem import authority_to_new, authority_to_old, encryption_config, from_base64, to_base64
from talos_resources.model.errors import ConfigError

_SECRETS: Final = {"secretbox": "cluster.secretboxEncryptionSecret", "aescbc": "cluster.aescbcEncryptionSecret"}
_PROXY_MODES: Final = ("", "nftables", "iptables", "ipvs")
_REFUSED: Final = ("anonymous-auth", "oidc-", "authentication-config", "authorization-")
"""Arguments of the API server that documents of their own stand for."""


def _component(name: str, section: str, kind: str, *, disabled: str, extra: tuple[Move, ...] = ()) -> Group:
    fields = ("image", "extraArgs", "env", "resources")
    moves = (Move(disabled, "enabled", inverted, inverted), *(Move(f"{section}.{key}", key) for key in fields), *extra)
    return FieldsRule(kind=kind, moves=moves, sections=(section, disabled), required=("image",)).group(name, control_planes_only=True)


def _check_api_arguments(_: Draft, fields: Fields) -> None:
    for key in fields.get("extraArgs") or {}:
        if key.startswith(_REFUSED):
            raise StaysError("cluster.apiServer", f"extraArgs.{key} has to become a KubeAuthenticationConfig or KubeAuthorizerConfig")


_OWN_DOCUMENTS: Final = ("admissionControl", "auditPolicy", "authorizationConfig")
_API_SERVER: Final = FieldsRule(
    kind="KubeAPIServerConfig",
    moves=(
        Move("cluster.apiServer.image", "image"),
        Move("cluster.apiServer.extraArgs", "extraArgs"),
        Move("cluster.apiServer.env", "env"),
        Move("cluster.apiServer.resources", "resources"),
        Move("cluster.controlPlane.localAPIServerPort", "apiPort"),
        Move("cluster.apiServer.certSANs", "certExtraSANs"),
    ),
    sections=("cluster.apiServer", "cluster.controlPlane.localAPIServerPort"),
    required=("image",),
    dead={"cluster.apiServer.disablePodSecurityPolicy": ...},
    elsewhere=tuple(f"cluster.apiServer.{key}" for key in _OWN_DOCUMENTS),
    check=_check_api_arguments,
)


def _api_forward(draft: Draft) -> None:
    """Admission, audit and authorization have documents of their own; they go when the rest can."""
    server = draft.get("cluster.apiServer") or {}
    plugins, authorizers = ([item for item in server.get(key) or [] if item] for key in ("admissionControl", "authorizationConfig"))
    names = [str(item.get("name", "")) for item in (*plugins, *authorizers)]
    if not all(names) or len({*names}) < len(names):
        raise StaysError("cluster.apiServer", "an admission plugin or authorizer has no name of its own")
    policy = server.get("auditPolicy")
    _API_SERVER.forward(draft)
    for index, plugin in enumerate(plugins):
        name = plugin["name"]
        draft.rename(f"cluster.apiServer.admissionControl[{index}]", "KubeAdmissionControlConfig", name)
        draft.put("KubeAdmissionControlConfig", {"configuration": plugin.get("configuration", {})}, name=name)
    if policy:
        draft.rename("cluster.apiServer.auditPolicy", "KubeAuditPolicyConfig", "", "configuration")
        draft.put("KubeAuditPolicyConfig", {"configuration": policy})
    for index, authorizer in enumerate(authorizers):
        name = authorizer["name"]
        draft.rename(f"cluster.apiServer.authorizationConfig[{index}]", "KubeAuthorizerConfig", name)
        draft.put("KubeAuthorizerConfig", {key: value for key, value in authorizer.items() if key != "name"}, name=name)


def _api_backward(draft: Draft) -> None:
    """The authorizers that Talos has anyway are not said."""
    section: Fields = {}
    plugins = [fields for _, fields in draft.of_kind("KubeAdmissionControlConfig")]
    authorizers = [fields for _, fields in draft.of_kind("KubeAuthorizerConfig")]
    policy = draft.document("KubeAuditPolicyConfig")
    _API_SERVER.backward(draft)
    if plugins:
        section["admissionControl"] = [_bare(fields) for fields in plugins]
    if authorizers and [(fields.get("name"), fields.get("type")) for fields in authorizers] != [("node", "Node"), ("rbac", "RBAC")]:
        section["authorizationConfig"] = [_bare(fields) for fields in authorizers]
    if policy is not None:
        section["auditPolicy"] = policy.get("configuration", {})
    if section:
        draft.set("cluster.apiServer", {**(draft.get("cluster.apiServer") or {}), **section})
    for kind, fields in draft.of_kind("KubeAdmissionControlConfig", "KubeAuthorizerConfig", "KubeAuditPolicyConfig"):
        draft.remove(kind, fields.get("name", ""))


def _bare(fields: Fields) -> Fields:
    return {key: value for key, value in fields.items() if key not in {"apiVersion", "kind"}}


def _service_account_forward(draft: Draft) -> None:
    key = draft.get("cluster.serviceAccount")
    if key is None:
        return
    endpoint = draft.get("cluster.controlPlane.endpoint") or (draft.document("KubeClusterConfig") or {}).get("endpoint")
    if not endpoint:
        raise StaysError("cluster.serviceAccount", "KubeServiceAccountConfig needs an issuer, and there is no cluster endpoint")
    try:
        text = from_base64(key.get("key", ""), path="cluster.serviceAccount.key")
    except ConfigError as error:
        raise StaysError("cluster.serviceAccount", error.message) from None
    if not text:
        raise StaysError("cluster.serviceAccount", "it has no key")
    draft.move("cluster.serviceAccount", "KubeServiceAccountConfig", "issuer.privateKey")
    draft.put("KubeServiceAccountConfig", {"issuer": {"privateKey": text, "issuerURL": endpoint}})


def _service_account_backward(draft: Draft) -> None:
    fields = draft.document("KubeServiceAccountConfig")
    if fields is not None:
        draft.set("cluster.serviceAccount", {"key": to_base64((fields.get("issuer") or {}).get("privateKey", ""))})
        draft.remove("KubeServiceAccountConfig")


def _service_account_lost(draft: Draft) -> Iterator[str]:
    fields = draft.document("KubeServiceAccountConfig")
    if fields is None:
        return
    endpoint = (draft.document("KubeClusterConfig") or {}).get("endpoint") or draft.get("cluster.controlPlane.endpoint")
    if (fields.get("issuer") or {}).get("issuerURL") != endpoint:
        yield "KubeServiceAccountConfig.issuer.issuerURL (it was always the endpoint)"
    if fields.get("accepted"):
        yield "KubeServiceAccountConfig.accepted"


def _encryption_forward(draft: Draft) -> None:
    secrets = {kind: draft.get(path) or "" for kind, path in _SECRETS.items()}
    config = encryption_config(**secrets)
    for path in _SECRETS.values():
        if draft.get(path) is not None:
            draft.move(path, "KubeEtcdEncryptionConfig", "config")
    if config:
        draft.put("KubeEtcdEncryptionConfig", {"config": config})


def encryption_secrets(config: Any) -> dict[str, str] | None:
    """The secrets of an encryption configuration that Talos itself could have written; None for another one."""
    try:
        (block,) = config["resources"]
        found = {kind: value["keys"][0]["secret"] for provider in block["providers"] for kind, value in provider.items()}
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None
    known = {kind: str(secret) for kind, secret in found.items() if kind in _SECRETS}
    return known if encryption_config(**known) == config else None


def _encryption_backward(draft: Draft) -> None:
    fields = draft.document("KubeEtcdEncryptionConfig")
    if fields is None:
        return
    for kind, secret in (encryption_secrets(fields.get("config")) or {}).items():
        draft.set(_SECRETS[kind], secret)
    draft.remove("KubeEtcdEncryptionConfig")


def _encryption_lost(draft: Draft) -> Iterator[str]:
    fields = draft.document("KubeEtcdEncryptionConfig")
    if fields is not None and encryption_secrets(fields.get("config")) is None:
        yield "KubeEtcdEncryptionConfig.config (not one key under Talos's own name)"


def _assume_proxy(draft: Draft) -> None:
    """A section that is there, and empty, says that kube-proxy runs, in whichever version."""
    draft.set("cluster.proxy", {})
    raise StaysError("cluster.proxy", "kube-proxy runs without being named; KubeProxyConfig needs an image, and nothing says it")


def _check_proxy(_: Draft, fields: Fields) -> None:
    if fields.get("enabled") is not False and not fields.get("image"):
        raise StaysError("cluster.proxy", "KubeProxyConfig needs an image, and nothing says it")
    if fields.get("mode", "") not in _PROXY_MODES:
        raise StaysError("cluster.proxy", f'mode "{fields["mode"]}" is none that kube-proxy has')


def _access_to_new(_: Draft, fields: Fields) -> None:
    for namespace in fields.get("allowedKubernetesNamespaces") or ():
        if not is_dns_name(namespace):
            raise StaysError("machine.features.kubernetesTalosAPIAccess", f'"{namespace}" is no namespace')


def _authority_group(name: str, path: str, kind: str) -> Group:
    move = Move(path, "issuingCA", authority_to_new(path), authority_to_old)
    return FieldsRule(kind=kind, moves=(move,), required=("issuingCA.cert", "issuingCA.key")).group(name, control_planes_only=True)


COMPONENT_GROUPS: Final[tuple[Group, ...]] = (
    _authority_group("the aggregator's authority", "cluster.aggregatorCA", "KubeAggregatorCAConfig"),
    Group(
        name="service accounts",
        sections=("cluster.serviceAccount",),
        kinds=("KubeServiceAccountConfig",),
        forward=_service_account_forward,
        backward=_service_account_backward,
        lost=_service_account_lost,
        control_planes_only=True,
    ),
    Group(
        name="the encryption of secrets in etcd",
        sections=tuple(_SECRETS.values()),
        kinds=("KubeEtcdEncryptionConfig",),
        forward=_encryption_forward,
        backward=_encryption_backward,
        lost=_encryption_lost,
        control_planes_only=True,
    ),
    Group(
        name="the API server",
        sections=("cluster.apiServer", "cluster.controlPlane.localAPIServerPort"),
        kinds=("KubeAPIServerConfig", "KubeAdmissionControlConfig", "KubeAuditPolicyConfig", "KubeAuthorizerConfig"),
        forward=_api_forward,
        backward=_api_backward,
        lost=_API_SERVER.lost,
        dead=tuple(_API_SERVER.dead),
        control_planes_only=True,
    ),
    _component(
        "the controller manager",
        "cluster.controllerManager",
        "KubeControllerManagerConfig",
        disabled="machine.controlPlane.controllerManager.disabled",
    ),
    _component(
        "the scheduler",
        "cluster.scheduler",
        "KubeSchedulerConfig",
        disabled="machine.controlPlane.scheduler.disabled",
        extra=(Move("cluster.scheduler.config", "config"),),
    ),
    FieldsRule(
        kind="KubeProxyConfig",
        moves=(
            Move("cluster.proxy.disabled", "enabled", inverted, inverted),
            Move("cluster.proxy.image", "image"),
            Move("cluster.proxy.mode", "mode"),
            Move("cluster.proxy.extraArgs", "extraArgs"),
        ),
        sections=("cluster.proxy",),
        check=_check_proxy,
        assumed=_assume_proxy,
        absent=("cluster.proxy.disabled", True),
    ).group("kube-proxy", control_planes_only=True),
    FieldsRule(
        kind="KubeCoreDNSConfig",
        moves=(Move("cluster.coreDNS.disabled", "enabled", inverted, inverted), Move("cluster.coreDNS.image", "image")),
        sections=("cluster.coreDNS",),
        check=lambda _, fields: fields.setdefault("enabled", True),
        assumed=lambda draft: draft.put("KubeCoreDNSConfig", {"enabled": True}),
        absent=("cluster.coreDNS.disabled", True),
    ).group("CoreDNS", control_planes_only=True),
    FieldsRule(
        kind="KubeTalosAPIAccessConfig",
        moves=tuple(
            Move(f"machine.features.kubernetesTalosAPIAccess.{key}", key) for key in ("allowedRoles", "allowedKubernetesNamespaces")
        ),
        sections=("machine.features.kubernetesTalosAPIAccess",),
        switch="machine.features.kubernetesTalosAPIAccess.enabled",
        check=_access_to_new,
    ).group("access of pods to the Talos API", control_planes_only=True),
)
