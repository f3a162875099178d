"""Which values an OCI runtime specification takes, for what is merged into that of every container.

Source: Open Container Initiative, runtime specification v1.2, config.md and config-linux.md. Keys that it does
not name are passed over, as Talos does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_TEXTS: Final = ["text"]
_ID_MAPPINGS: Final = [{"containerid": "count", "hostid": "count", "size": "count"}]
_HOOKS: Final = [{"path": "text", "args": _TEXTS, "env": _TEXTS, "timeout": "integer"}]
_WEIGHTS: Final = [{"major": "integer", "minor": "integer", "weight": "count", "leafweight": "count"}]
_RATES: Final = [{"major": "integer", "minor": "integer", "rate": "count"}]

_PROCESS: Final = {
    "terminal": "boolean",
    "consolesize": {"height": "count", "width": "count"},
    "user": {"uid": "count", "gid": "count", "umask": "count", "additionalgids": ["count"], "username": "text"},
    "args": _TEXTS,
    "commandline": "text",
    "env": _TEXTS,
    "cwd": "text",
    "capabilities": dict.fromkeys(("bounding", "effective", "inheritable", "permitted", "ambient"), _TEXTS),
    "rlimits": [{"type": "text", "hard": "count", "soft": "count"}],
    "nonewprivileges": "boolean",
    "apparmorprofile": "text",
    "oomscoreadj": "integer",
    "scheduler": {
        **dict.fromkeys(("runtime", "deadline", "period"), "count"),
        "policy": "text",
        "nice": "integer",
        "priority": "integer",
        "flags": _TEXTS,
    },
    "selinuxlabel": "text",
    "iopriority": {"class": "text", "priority": "integer"},
}

_RESOURCES: Final = {
    "devices": [{"allow": "boolean", "type": "text", "major": "integer", "minor": "integer", "access": "text"}],
    "memory": {
        **dict.fromkeys(("limit", "reservation", "swap", "kernel", "kerneltcp"), "integer"),
        **dict.fromkeys(("disableoomkiller", "usehierarchy", "checkbeforeupdate"), "boolean"),
        "swappiness": "count",
    },
    "cpu": {
        **dict.fromkeys(("shares", "burst", "period", "realtimeperiod"), "count"),
        **dict.fromkeys(("quota", "realtimeruntime", "idle"), "integer"),
        "cpus": "text",
        "mems": "text",
    },
    "pids": {"limit": "integer"},
    "blockio": {
        "weight": "count",
        "leafweight": "count",
        "weightdevice": _WEIGHTS,
        **{f"throttle{way}{unit}device": _RATES for way in ("read", "write") for unit in ("bps", "iops")},
    },
    "hugepagelimits": [{"pagesize": "text", "limit": "count"}],
    "network": {"classid": "count", "priorities": [{"name": "text", "priority": "count"}]},
    "rdma": {"*": {"hcahandles": "count", "hcaobjects": "count"}},
    "unified": {"*": "text"},
}

_SECCOMP: Final = {
    **dict.fromkeys(("defaultaction", "listenerpath", "listenermetadata"), "text"),
    "defaulterrnoret": "count",
    "architectures": _TEXTS,
    "flags": _TEXTS,
    "syscalls": [
        {
            "names": _TEXTS,
            "action": "text",
            "errnoret": "count",
            "args": [{"index": "count", "value": "count", "valuetwo": "count", "op": "text"}],
        }
    ],
}

_LINUX: Final = {
    "uidmappings": _ID_MAPPINGS,
    "gidmappings": _ID_MAPPINGS,
    "sysctl": {"*": "text"},
    "resources": _RESOURCES,
    "cgroupspath": "text",
    "namespaces": [{"type": "text", "path": "text"}],
    "devices": [
        {
            **dict.fromkeys(("path", "type"), "text"),
            **dict.fromkeys(("major", "minor"), "integer"),
            **dict.fromkeys(("filemode", "uid", "gid"), "count"),
        }
    ],
    "seccomp": _SECCOMP,
    "rootfspropagation": "text",
    "maskedpaths": _TEXTS,
    "readonlypaths": _TEXTS,
    "mountlabel": "text",
    "intelrdt": {
        **dict.fromkeys(("closid", "l3cacheschema", "membwschema"), "text"),
        **dict.fromkeys(("enablecmt", "enablembm"), "boolean"),
    },
    "personality": {"domain": "text", "flags": _TEXTS},
    "timeoffsets": {"*": {"secs": "integer", "nanosecs": "count"}},
}

_SPEC: Final = {
    **dict.fromkeys(("ociversion", "hostname", "domainname"), "text"),
    **{key: dict[str, Any]() for key in ("solaris", "windows", "vm", "zos")},
    "process": _PROCESS,
    "root": {"path": "text", "readonly": "boolean"},
    "mounts": [
        {
            **dict.fromkeys(("destination", "type", "source"), "text"),
            "options": _TEXTS,
            "uidmappings": _ID_MAPPINGS,
            "gidmappings": _ID_MAPPINGS,
        }
    ],
    "hooks": dict.fromkeys(("prestart", "createruntime", "createcontainer", "startcontainer", "poststart", "poststop"), _HOOKS),
    "annotations": {"*": "text"},
    "linux": _LINUX,
}
"""A mapping of keys (in lower case, at which JSON in Go does not look; `*` for any), a list of one kind, or a word for a single value."""


def oci_faults(value: Any) -> Iterator[tuple[str, str]]:
    """What does not fit: path, and what belongs there instead of what stands there."""
    yield from _faults(value, _SPEC, "")


def _faults(value: Any, wanted: Any, path: str) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if not _fits(value, wanted):
        yield path, f"{_what(value)} where {_wanted(wanted)} belongs"
    elif isinstance(wanted, Mapping):
        for key, item in value.items():
            below = wanted.get(str(key).lower(), wanted.get("*"))
            if below is not None:
                yield from _faults(item, below, f"{path}.{key}" if path else str(key))
    elif isinstance(wanted, list):
        for index, item in enumerate(value):
            yield from _faults(item, wanted[0], f"{path}[{index}]")


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping | list):
        return isinstance(value, dict if isinstance(wanted, Mapping) else list)
    if wanted == "text":
        return isinstance(value, str)
    if wanted == "boolean":
        return isinstance(value, bool)
    return isinstance(value, int) and not isinstance(value, bool) and (wanted == "integer" or value >= 0)


def _wanted(wanted: Any) -> str:
    if isinstance(wanted, Mapping | list):
        return "a mapping" if isinstance(wanted, Mapping) else "a list"
    return {"text": "text", "boolean": "true or false", "integer": "a whole number", "count": "a whole number from 0 on"}[wanted]


def _what(value: Any) -> str:
    for kind, name in ((bool, "true or false"), (str, "text"), (int | float, "a number"), (dict, "a mapping"), (list, "a list")):
        if isinstance(value, kind):
            return name
    return type(value).__name__
