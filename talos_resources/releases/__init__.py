"""What differs between releases of Talos and talosctl, as data: one file per release, one per kind of difference.

A rule that differs by release asks the `Release` at hand; nothing else compares versions.
"""

from talos_resources.releases.contract import CONTRACTS, CURRENT, Contract, Feature
from talos_resources.releases.lookup import NEWEST, RELEASES, known_release, release_of
from talos_resources.releases.release import (
    GenDefaults,
    GetRules,
    KubeSpanRules,
    LoadRules,
    PatchRules,
    Release,
    ValidationRules,
    YamlStyle,
)

__all__ = [
    "CONTRACTS",
    "CURRENT",
    "NEWEST",
    "RELEASES",
    "Contract",
    "Feature",
    "GenDefaults",
    "GetRules",
    "KubeSpanRules",
    "LoadRules",
    "PatchRules",
    "Release",
    "ValidationRules",
    "YamlStyle",
    "known_release",
    "release_of",
]
