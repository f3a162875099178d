"""Which Talos a configuration is written for, as far as its form tells."""

from __future__ import annotations

from typing import Final

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.migrate.draft import Draft
from talos_resources.releases import NEWEST, RELEASES, Contract

_SECTIONS: Final = RELEASES[0].contract


def form_of(config: MachineConfig) -> Contract:
    """The contract whose form a configuration has: the newest one, that of v1.13 where KubeSpan has a document, else v1.12."""
    if Draft(config).is_new_form:
        return NEWEST.contract
    return RELEASES[1].contract if config.find("KubeSpanConfig") is not None else _SECTIONS
