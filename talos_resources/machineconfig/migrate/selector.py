"""Disks as the installer finds them: the old selectors as CEL expressions.

Source: reference of the machine-config workflow (CEL variables of disks), Talos v1.14.0-rc.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from talos_resources.machineconfig.migrate.draft import StaysError
from talos_resources.machineconfig.schema.cel import quoted

_DEVICE: Final = re.compile(r'disk\.dev_path == "([^"\\]+)"')
_TEXTS: Final = {"model": "model", "serial": "serial", "modalias": "modalias", "uuid": "uuid", "wwid": "wwid", "busPath": "bus_path"}
_TYPES: Final = {
    "ssd": "!disk.rotational",
    "hdd": "disk.rotational",
    "nvme": 'disk.transport == "nvme"',
    "sd": 'disk.transport == "mmc"',
}
_SIZE: Final = re.compile(r"\s*(<=|>=|==|<|>)?\s*(\d{1,18})\s*(?:([kKMGTP])(i?))?B?\s*", re.ASCII)


def selector_match(disk: str, selector: Mapping[str, Any], *, path: str) -> str:
    """The expression that finds what a disk or a selector names.

    Args:
        disk: a device; counts where there is no selector.
        selector: the fields of `install.diskSelector`.
        path: of the section, for errors.

    Raises:
        StaysError: nothing is named, or by something that CEL cannot see.
    """
    if not selector:
        if not disk:
            raise StaysError(path, "it names no disk, and UnattendedInstallConfig needs one")
        return f"disk.dev_path == {quoted(disk)}"
    terms = []
    for key, value in selector.items():
        if key in _TEXTS:
            terms.append(f"glob({quoted(str(value))}, disk.{_TEXTS[key]})")
        elif key == "size":
            terms.append(_size(str(value), path))
        elif key == "type" and str(value) in _TYPES:
            terms.append(_TYPES[str(value)])
        else:
            raise StaysError(path, f"diskSelector.{key} has no successor")
    return " && ".join(terms)


def _size(text: str, path: str) -> str:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise StaysError(path, f"diskSelector.size {text!r} cannot be written as CEL")
    exponent = " KMGTP".index((match[3] or " ").upper())
    size = int(match[2]) * (1024 if match[4] else 1000) ** exponent
    return f"disk.size {match[1] or '=='} {size}u"


def disk_of(match: str) -> str | None:
    """The device that an expression names; None where it says more or something else."""
    found = _DEVICE.fullmatch(match)
    return None if found is None else found[1]
