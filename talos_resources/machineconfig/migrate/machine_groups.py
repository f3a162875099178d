"""What concerns the machine: install, kernel, files, time, registries, disks.

Source: the table of deprecated fields in the reference of the machine-config workflow, Talos v1.14.0-rc.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from talos_resources.machineconfig.migrate.draft import Draft, Fields, StaysError
from talos_resources.machineconfig.migrate.group import FieldsRule, Group, Move, inverted
from talos_resources.machineconfig.migrate.items import Item, ItemsRule
from talos_resources.machineconfig.migrate.selector import disk_of, selector_match
from talos_resources.machineconfig.pem import authority_to_new, authority_to_old, from_base64, to_base64
from talos_resources.model.errors import ConfigError

_CRI_PART: Final = "/etc/cri/conf.d/20-customization.part"
_INSTALL: Final = "machine.install"


def _install_forward(draft: Draft) -> None:
    section = draft.get(_INSTALL)
    if section is None:
        return
    for key in section:
        if key not in {"disk", "diskSelector", "image", "wipe", "grubUseUKICmdline"}:
            raise StaysError(_INSTALL, f"{key} has no successor")
    if section.get("grubUseUKICmdline") is False:
        raise StaysError(_INSTALL, "grubUseUKICmdline cannot be false any more")
    match = selector_match(section.get("disk", ""), section.get("diskSelector") or {}, path=_INSTALL)
    image, wipe = section.get("image"), section.get("wipe")
    kind = "UnattendedInstallConfig"
    for key, new in (
        ("disk", "provisioning.diskSelector.match"),
        ("diskSelector", "provisioning.diskSelector.match"),
        ("image", "installer.image"),
        ("wipe", "provisioning.wipe"),
    ):
        if section.get(key) is not None:
            draft.move(f"{_INSTALL}.{key}", kind, new)
    draft.gone(f"{_INSTALL}.grubUseUKICmdline")
    draft.drop(_INSTALL)
    provisioning = {"diskSelector": {"match": match}, **({"wipe": wipe} if wipe is not None else {})}
    draft.put(kind, {"installer": {"image": image} if image else {}, "provisioning": provisioning})


def _install_backward(draft: Draft) -> None:
    fields = draft.document("UnattendedInstallConfig")
    if fields is None:
        return
    provisioning = fields.get("provisioning", {})
    disk = disk_of(provisioning.get("diskSelector", {}).get("match", ""))
    values = {"disk": disk, "image": fields.get("installer", {}).get("image"), "wipe": provisioning.get("wipe", False)}
    draft.set(_INSTALL, {key: value for key, value in values.items() if value is not None})
    draft.remove("UnattendedInstallConfig")


def _install_lost(draft: Draft) -> Iterator[str]:
    fields = draft.document("UnattendedInstallConfig") or {}
    if "reboot" in fields:
        yield "UnattendedInstallConfig.reboot"
    match = fields.get("provisioning", {}).get("diskSelector", {}).get("match", "")
    if match and disk_of(match) is None:
        yield "UnattendedInstallConfig.provisioning.diskSelector.match (no single device)"


_INSTALL_GROUP: Final = Group(
    name="the installation",
    sections=(_INSTALL,),
    kinds=("UnattendedInstallConfig",),
    forward=_install_forward,
    backward=_install_backward,
    lost=_install_lost,
    dead=(f"{_INSTALL}.grubUseUKICmdline",),
)


def _files_forward(draft: Draft) -> None:
    for index, file in enumerate(draft.get("machine.files") or []):
        if file is None or file.get("path") != _CRI_PART or file.get("op") != "create":
            raise StaysError("machine.files", f"{(file or {}).get('path', 'an entry without a path')} has no successor")
        if index:
            raise StaysError("machine.files", f"{_CRI_PART} is there twice")
    files = draft.get("machine.files")
    if not files:
        return
    draft.move("machine.files", "CRICustomizationConfig", "content", name="machine-files")
    draft.put("CRICustomizationConfig", {"content": files[0].get("content", "")}, name="machine-files")


def _files_backward(draft: Draft) -> None:
    found = [fields for _, fields in draft.of_kind("CRICustomizationConfig")]
    if found:
        file = {"content": found[0].get("content", ""), "permissions": 0, "path": _CRI_PART, "op": "create"}
        draft.set("machine.files", [*(draft.get("machine.files") or []), file])
        draft.remove("CRICustomizationConfig", found[0].get("name", ""))


def _files_lost(draft: Draft) -> Iterator[str]:
    names = [fields.get("name", "") for _, fields in draft.of_kind("CRICustomizationConfig")]
    yield from (f"CRICustomizationConfig/{name} (there is only one {_CRI_PART})" for name in names[1:])


_FILES_GROUP: Final = Group(
    name="the container runtime's configuration",
    sections=("machine.files",),
    kinds=("CRICustomizationConfig",),
    forward=_files_forward,
    backward=_files_backward,
    lost=_files_lost,
)


def _mirror_to_new(name: str, value: Fields) -> Fields:
    override = value.get("overridePath")
    endpoints = [{"url": url, **({"overridePath": override} if override is not None else {})} for url in value.get("endpoints") or ()]
    skip = value.get("skipFallback")
    return {"name": name, "endpoints": endpoints, **({"skipFallback": skip} if skip is not None else {})}


def _mirror_to_old(fields: Fields) -> Fields:
    endpoints = fields.get("endpoints") or []
    overrides = [endpoint.get("overridePath") for endpoint in endpoints if endpoint.get("overridePath") is not None]
    value: Fields = {"endpoints": [endpoint.get("url", "") for endpoint in endpoints]}
    if overrides:
        value["overridePath"] = overrides[0]
    if fields.get("skipFallback") is not None:
        value["skipFallback"] = fields["skipFallback"]
    return value


def _mirror_lost(fields: Fields) -> Iterator[str]:
    if len({endpoint.get("overridePath") for endpoint in fields.get("endpoints") or []}) > 1:
        yield "endpoints (only some with overridePath)"


def _registry_forward(draft: Draft) -> None:
    """Each registry's account and TLS settings are documents of their own."""
    configs = draft.get("machine.registries.config")
    if configs is None:
        return
    parts = [(name, *_registry_parts(name, value or {})) for name, value in configs.items()]
    taken = {(kind, fields.get("name")) for kind, fields in draft.of_kind("RegistryAuthConfig", "RegistryTLSConfig")}
    for name, auth, tls in parts:
        where = f"machine.registries.config.{name}"
        for key, kind, fields in (("auth", "RegistryAuthConfig", auth), ("tls", "RegistryTLSConfig", tls)):
            if fields and (kind, name) in taken:
                raise StaysError(where, f'there is a {kind} "{name}" already')
            if fields:
                draft.rename(f"{where}.{key}", kind, name)
                draft.put(kind, fields, name=name)
    draft.drop("machine.registries.config")


def _registry_parts(name: str, value: Fields) -> tuple[Fields, Fields]:
    path = f"machine.registries.config.{name}.tls"
    tls = dict(value.get("tls") or {})
    identity, authority = tls.pop("clientIdentity", None), tls.pop("ca", "")
    try:
        if identity:
            tls["clientIdentity"] = authority_to_new(f"{path}.clientIdentity")(identity)
        if authority:
            tls["ca"] = from_base64(authority, path=f"{path}.ca")
    except ConfigError as error:
        raise StaysError("machine.registries.config", error.message) from None
    return dict(value.get("auth") or {}), tls


def _registry_backward(draft: Draft) -> None:
    configs = dict(draft.get("machine.registries.config") or {})
    for kind, fields in draft.of_kind("RegistryAuthConfig", "RegistryTLSConfig"):
        name = str(fields.get("name", ""))
        values = {key: value for key, value in fields.items() if key not in {"apiVersion", "kind", "name"}}
        if kind == "RegistryTLSConfig":
            if values.get("clientIdentity"):
                values["clientIdentity"] = authority_to_old(values["clientIdentity"])
            if values.get("ca"):
                values["ca"] = to_base64(values["ca"])
        configs[name] = {**configs.get(name, {}), "auth" if kind == "RegistryAuthConfig" else "tls": values}
        draft.remove(kind, name)
    if configs:
        draft.set("machine.registries.config", configs)


_REGISTRY_GROUP: Final = Group(
    name="accounts and TLS of registries",
    sections=("machine.registries.config",),
    kinds=("RegistryAuthConfig", "RegistryTLSConfig"),
    forward=_registry_forward,
    backward=_registry_backward,
    lost=lambda _: iter(()),
    joins=True,
)


def _module_to_new(_: str, value: Fields) -> Fields:
    return dict(value)


def _pod_name(pod: Fields) -> str:
    name = (pod.get("metadata") or {}).get("name")
    if not isinstance(name, str) or not name:
        raise StaysError("machine.pods", "a pod has no name, and KubeStaticPodConfig needs one")
    return name


def _encryption_groups() -> Iterator[Group]:
    """Of the two system disks; a VolumeConfig may say more about them, which stays there."""
    for key, name in (("state", "STATE"), ("ephemeral", "EPHEMERAL")):
        yield _encryption_group(f"machine.systemDiskEncryption.{key}", name)


def _encryption_group(path: str, name: str) -> Group:
    def forward(draft: Draft) -> None:
        value = draft.get(path)
        if value is None:
            return
        if not value.get("keys"):
            raise StaysError(path, "it has no keys")
        draft.put("VolumeConfig", {"encryption": draft.move(path, "VolumeConfig", "encryption", name=name)}, name=name)

    def backward(draft: Draft) -> None:
        fields = draft.document("VolumeConfig", name)
        if fields is not None and fields.get("encryption"):
            draft.set(path, fields.pop("encryption"))
            if set(fields) <= {"apiVersion", "kind", "name"}:
                draft.remove("VolumeConfig", name)

    return Group(
        name=f"the encryption of {name}",
        sections=(path,),
        kinds=(),
        forward=forward,
        backward=backward,
        lost=lambda _: iter(()),
    )


MACHINE_GROUPS: Final[tuple[Group, ...]] = (
    _INSTALL_GROUP,
    FieldsRule(
        kind="TimeSyncConfig",
        moves=(
            Move("machine.time.disabled", "enabled", inverted, inverted),
            Move("machine.time.servers", "ntp.servers"),
            Move("machine.time.bootTimeout", "bootTimeout"),
        ),
        sections=("machine.time",),
    ).group("time"),
    FieldsRule(kind="SysctlConfig", moves=(Move("machine.sysctls", "params"),)).group("sysctls"),
    FieldsRule(kind="SysfsConfig", moves=(Move("machine.sysfs", "params"),)).group("sysfs"),
    FieldsRule(kind="EnvironmentConfig", moves=(Move("machine.env", "variables"),)).group("the environment"),
    FieldsRule(kind="UdevRulesConfig", moves=(Move("machine.udev.rules", "rules"),), sections=("machine.udev",)).group("udev rules"),
    ItemsRule(
        "machine.kernel.modules",
        Item("KernelModuleConfig", name_of=lambda value: value.get("name", ""), to_new=_module_to_new, to_old=lambda fields: fields),
        sections=("machine.kernel",),
    ).group("kernel modules"),
    FieldsRule(kind="CRIBaseRuntimeSpecConfig", moves=(Move("machine.baseRuntimeSpecOverrides", "overrides"),)).group(
        "the base runtime specification"
    ),
    _FILES_GROUP,
    ItemsRule(
        "machine.registries.mirrors",
        Item("RegistryMirrorConfig", name_of=None, to_new=_mirror_to_new, to_old=_mirror_to_old, lost=_mirror_lost),
    ).group("registry mirrors"),
    _REGISTRY_GROUP,
    ItemsRule(
        "machine.pods",
        Item(
            "KubeStaticPodConfig",
            name_of=_pod_name,
            to_new=lambda name, value: {"name": name, "pod": value},
            to_old=lambda fields: fields.get("pod", {}),
            new="pod",
        ),
    ).group("static pods"),
    *_encryption_groups(),
    FieldsRule(
        kind="ImageCacheConfig",
        moves=(Move("machine.features.imageCache.localEnabled", "local.enabled"),),
        sections=("machine.features.imageCache",),
    ).group("the image cache"),
)
