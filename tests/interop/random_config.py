"""Random machine configurations and patches out of the field table, as YAML in flow style."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from talos_resources.machineconfig.schema.enums import VALUES
from talos_resources.machineconfig.schema.table import MAIN, field_table
from talos_resources.machineconfig.schema.types import ArgValue, FreeForm, ListOf, MapOf, Scalar, Struct, Type
from talos_resources.releases import Release

_TEXTS: Final = (
    "", "a", "b", "x y", "1", "true", "null", "yes", "0x1f", "12:30", "2024-01-01", "a: b", "- x", " lead", "trail ", "#c", "<<", "é", "🎉",
    "two\nlines", "two\nlines\n", "tab\t", "'q'", "long " * 30, "https://a:6443", "10.0.0.0/8", "eth0",
)  # fmt: skip
_NAMES: Final = ("n1", "n2")
_KEYS: Final = ("a", "b", "c", "on", "x.y/z")
_TEXT_OF: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "base64": ("YQ==", ""),
        "v1alpha1.Base64Bytes": ("YQ==", ""),
        "time.Duration": ("1h", "0s", "90s", "1m30s"),
        "v1alpha1.DiskSize": ("100MB", "1GiB", "0", "1024"),
        "v1alpha1.InstallDiskSizeMatcher": ("> 1GB", "4GB"),
        "block.ByteSize": ("100MB", "-1GiB", ""),
        "block.Size": ("50%", "-10GB", "1GiB", ""),
        "cel.Expression": ("true", "disk.size > 1u"),
        "v1alpha1.Endpoint": ("https://a:6443", "https://[::1]/x", ""),
        "meta.URL": ("https://a/b?c=d", ""),
        "nethelpers.HardwareAddr": ("00:11:22:33:44:55", ""),
        "nethelpers.RoutingTable": ("main", "100"),
        "network.PortRange": ("80-90", "1-1"),
        **dict.fromkeys(("netip.Addr", "network.Addr"), ("1.2.3.4", "::ffff:1.2.3.4", "")),
        **dict.fromkeys(("netip.Prefix", "network.Prefix", "meta.Prefix"), ("1.2.3.4/24", "::/0", "")),
        **dict.fromkeys(("netip.AddrPort", "network.AddrPort"), ("1.2.3.4:80", "[::1]:1", "")),
    }
)
_FREE: Final = ("1", "1.5", "1e3", "true", "null", "a", '"b"', "0x1f", "1_000", "12:30", '""')
_WORDS_OF_OTHER_RELEASES: Final = frozenset({"btrfs"})
_DELETE: Final = "{$patch: delete}"


class Writer:
    """Writes documents of a release, always the same ones for a seed.

    Args:
        seed: of the random choices.
        release: whose fields there are.
        density: the share of the fields of a section that are set.
        deletes: the share of them that a patch deletes.
    """

    def __init__(self, seed: int, release: Release, *, density: float = 0.2, deletes: float = 0) -> None:
        self.random = random.Random(seed)
        self._table = field_table(release.field_table)
        self._density = density
        self._deletes = deletes

    def document(self, kind: str) -> str:
        """A document with random fields, one line."""
        found = self._table.document(kind)
        assert found is not None
        entries = [] if kind == MAIN else ["apiVersion: v1alpha1", f"kind: {kind}"]
        if kind != MAIN and "name" in found.fields:
            entries.append(f"name: {self.random.choice(_NAMES)}")
        entries += self._entries(found, skipped=("apiVersion", "kind", "name", "version"))
        if kind == MAIN and not any(entry.startswith(("machine:", "cluster:")) for entry in entries):
            entries.append("machine: {}")
        return "{" + ", ".join(entries) + "}\n"

    def _entries(self, kind: Struct, *, skipped: tuple[str, ...] = ()) -> list[str]:
        density = self._density if len(kind.fields) > 4 else 0.6
        entries = [
            f"{field.key}: {_DELETE if self.random.random() < self._deletes else self._value(field.type)}"
            for field in kind.fields.values()
            if field.key not in skipped and self.random.random() < density
        ]
        self.random.shuffle(entries)
        return entries

    def _value(self, kind: Type) -> str:
        choose = self.random.choice
        match kind:
            case Struct():
                return "{" + ", ".join(self._entries(kind)) + "}"
            case ListOf():
                return "[" + ", ".join(self._value(kind.item) for _ in range(choose((0, 1, 1, 2)))) + "]"
            case MapOf():
                keys = self.random.sample(_KEYS, choose((0, 1, 2)))
                return "{" + ", ".join(f"{key}: {self._value(kind.item)}" for key in keys) + "}"
            case FreeForm():
                return self._free(0)
            case ArgValue():
                return json.dumps(choose(_TEXTS))
            case Scalar():
                return self._scalar(kind.name)

    def _free(self, depth: int) -> str:
        choice = self.random.random()
        if depth == 0 or (choice < 0.3 and depth < 3):
            keys = self.random.sample(_KEYS, self.random.choice((0, 1, 2)))
            return "{" + ", ".join(f"{key}: {self._free(depth + 1)}" for key in keys) + "}"
        if choice < 0.5 and depth < 3:
            return "[" + ", ".join(self._free(depth + 1) for _ in range(2)) + "]"
        return self.random.choice(_FREE)

    def _scalar(self, name: str) -> str:
        if name == "bool":
            return self.random.choice(("true", "false", "yes", "off"))
        if name.startswith(("int", "uint")) or name == "os.FileMode":
            return self.random.choice(("0", "1", "100", "0o17"))
        words = tuple(word for word in VALUES.get(name, ()) if word not in _WORDS_OF_OTHER_RELEASES)
        return json.dumps(self.random.choice(_TEXT_OF.get(name) or words or _TEXTS))
