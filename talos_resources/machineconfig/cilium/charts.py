"""What differs between versions of the Cilium chart, as far as Talos is concerned.

Source: the charts themselves, rendered with helm; docs/cilium.md lists which ones.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from talos_resources.model.errors import ConfigError

GUIDE_CILIUM_VERSION: Final = "1.11.2"
"""The chart that the guide was written for."""

NEWEST_CILIUM_VERSION: Final = "1.20.2"
"""The newest chart that we have rendered."""

_VERSION: Final = re.compile(r"v?(\d{1,4})\.(\d{1,4})(?:\.\d{1,4})?(?:-[0-9A-Za-z.-]{1,40})?", re.ASCII)


@attrs.frozen(kw_only=True)
class Chart:
    """What a chart understands.

    Attributes:
        version: major and minor.
        boolean_replacement: `kubeProxyReplacement` is true or false; before, it was a word.
        capabilities: the agent's capabilities can be chosen; before, they are what the chart says.
    """

    version: tuple[int, int]
    boolean_replacement: bool
    capabilities: bool

    @property
    def is_the_guides(self) -> bool:
        """Whether the guide's own values are meant for it."""
        return self.version <= (1, 11)


def chart(version: str) -> Chart:
    """The chart of a version.

    Args:
        version: `1.18.5`, `v1.18` or `1.20.0-rc.1`.

    Raises:
        ConfigError: it is no version.
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        raise ConfigError(
            f'"{version}" is no version of the Cilium chart; write it as {NEWEST_CILIUM_VERSION} (`helm search repo cilium -l` lists them)'
        )
    number = (int(match[1]), int(match[2]))
    return Chart(version=number, boolean_replacement=number >= (1, 14), capabilities=number >= (1, 13))
