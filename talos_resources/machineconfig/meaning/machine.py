"""Topics of the machine: how it is installed, its names, registries, modules, time and disks."""

from __future__ import annotations

from typing import Any

from talos_resources.machineconfig.meaning.reader import Reader, pair, pem
from talos_resources.machineconfig.migrate.selector import selector_match


def install(reader: Reader) -> Any:
    """Onto which disk Talos goes, and which Talos."""
    document, section = reader.document("UnattendedInstallConfig"), reader.section("machine.install")
    if document is not None:
        provisioning = document.get("provisioning", {})
        match = provisioning.get("diskSelector", {}).get("match")
        found = {"match": match, "image": document.get("installer", {}).get("image"), "wipe": bool(provisioning.get("wipe"))}
        return {**found, "reboot": document.get("reboot")}
    if not section:
        return None
    if section.get("grubUseUKICmdline") is True:
        del section["grubUseUKICmdline"]  # since v1.14 always so
    disk, selector = section.pop("disk", ""), section.pop("diskSelector", None) or {}
    wipe = bool(section.pop("wipe", False))
    try:
        match = selector_match(disk, selector, path="")
    except Exception:  # noqa: BLE001 - what cannot be said as an expression counts as it is written
        return {"disk": disk, "selector": selector, "wipe": wipe, **section}
    return {"match": match, "wipe": wipe, **section}


def hostname(reader: Reader) -> Any:
    """The name, or how it is made."""
    document = reader.document("HostnameConfig") or {}
    name, stable = reader.draft.drop("machine.network.hostname"), reader.draft.drop("machine.features.stableHostname")
    name = document.get("hostname") or name
    return name or ("stable" if document.get("auto") == "stable" or stable else None)


def resolver(reader: Reader) -> Any:
    """Who resolves names."""
    document = reader.document("ResolverConfig") or {}
    servers = [{"address": server} for server in reader.section("machine.network.nameservers") or []]
    domains = reader.section("machine.network.searchDomains")
    disabled = reader.draft.drop("machine.network.disableSearchDomain")
    search = document.get("searchDomains") or {}
    return {
        "servers": document.get("nameservers") or servers,
        "domains": search.get("domains") or domains,
        "no default domain": search.get("disableDefault", disabled) or None,
        "host DNS": document.get("hostDNS") or reader.section("machine.features.hostDNS"),
    }


def hosts(reader: Reader) -> Any:
    """Names that need no resolver."""
    found = [[name, fields.get("hostnames")] for name, fields in reader.documents("StaticHostConfig").items()]
    return sorted(
        [*found, *([entry.get("ip"), entry.get("aliases")] for entry in reader.section("machine.network.extraHostEntries") or [])]
    )


def mirrors(reader: Reader) -> Any:
    """Where images come from instead of their registry."""
    found = {}
    for name, fields in reader.section("machine.registries.mirrors").items():
        override = (fields or {}).get("overridePath") or None
        urls = (fields or {}).get("endpoints") or []
        found[name] = {"endpoints": [[url, override] for url in urls], "skip": (fields or {}).get("skipFallback") or None}
    for name, fields in reader.documents("RegistryMirrorConfig").items():
        endpoints = [[endpoint.get("url"), endpoint.get("overridePath") or None] for endpoint in fields.get("endpoints") or []]
        found[name] = {"endpoints": endpoints, "skip": fields.get("skipFallback") or None}
    return {name: {**fields, "is": "mirror"} for name, fields in found.items()}


def registries(reader: Reader) -> Any:
    """Accounts and TLS settings of registries."""
    found: dict[str, Any] = {}
    for name, fields in reader.section("machine.registries.config").items():
        tls, auth = (fields or {}).get("tls") or {}, (fields or {}).get("auth") or {}
        identity = tls.pop("clientIdentity", None)
        authority = tls.pop("ca", None)
        found[name] = {"auth": auth, "tls": {**tls, "identity": pair(identity) if identity else None, "ca": pem(authority or "") or None}}
    for name, fields in reader.documents("RegistryAuthConfig").items():
        found.setdefault(name, {})["auth"] = fields
    for name, fields in reader.documents("RegistryTLSConfig").items():
        identity = fields.pop("clientIdentity", None)
        found.setdefault(name, {})["tls"] = {**fields, "identity": identity}
    return found


def modules(reader: Reader) -> Any:
    """Kernel modules to load."""
    found = reader.documents("KernelModuleConfig")
    old = {entry.get("name"): {"parameters": entry.get("parameters")} for entry in reader.section("machine.kernel.modules") or [] if entry}
    return {name: {**fields, "is": "loaded"} for name, fields in {**found, **old}.items()}


def time(reader: Reader) -> Any:
    """Where the time comes from."""
    document, section = reader.document("TimeSyncConfig") or {}, reader.section("machine.time")
    ntp = document.pop("ntp", None) or {}
    disabled = section.pop("disabled", False) or document.pop("enabled", True) is False
    return {"disabled": disabled or None, **section, **document, **ntp}


def disk_encryption(reader: Reader) -> Any:
    """How the system disks are encrypted."""
    found = {
        name: reader.draft.drop(f"machine.systemDiskEncryption.{key}") for key, name in (("state", "STATE"), ("ephemeral", "EPHEMERAL"))
    }
    for name in found:
        volume = reader.draft.document("VolumeConfig", name)
        if volume is not None and volume.get("encryption"):
            found[name] = volume.pop("encryption")
            if set(volume) <= {"apiVersion", "kind", "name"}:
                reader.draft.remove("VolumeConfig", name)
    return found


def runtime_parts(reader: Reader) -> Any:
    """Parts of the container runtime's configuration; other files count as they are written."""
    parts = [fields.get("content") for fields in reader.documents("CRICustomizationConfig").values()]
    files = reader.draft.get("machine.files") or []
    wanted = [
        entry for entry in files if (entry or {}).get("path") == "/etc/cri/conf.d/20-customization.part" and entry.get("op") == "create"
    ]
    rest = [entry for entry in files if entry not in wanted]
    reader.draft.drop("machine.files")
    return {"parts": [*parts, *(entry.get("content") for entry in wanted)], "files": rest}


def image_cache(reader: Reader) -> Any:
    """Whether images are kept on the machine."""
    document, section = reader.document("ImageCacheConfig") or {}, reader.section("machine.features.imageCache")
    return (document.get("local") or {}).get("enabled") or section.get("localEnabled") or None
