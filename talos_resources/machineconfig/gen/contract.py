"""Which Talos version a configuration is made for: its version contract.

Source: reference of the machine-config workflow, Talos v1.12.3.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from talos_resources.model.errors import ConfigError

TALOS_VERSION: Final = "v1.12.3"
"""The version whose images and rules are the default."""

KUBERNETES_VERSION: Final = "1.35.0"
"""The Kubernetes version that goes with it."""

_TEXT: Final = re.compile(r"v?([0-9]{1,9})\.([0-9]{1,9})(?:\..*)?", re.ASCII)


@attrs.frozen(order=True)
class Contract:
    """A Talos version without its patch number; what is newer than we know counts as the newest."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str | None) -> Contract:
        """Read `v1.11`, `1.11` or `v1.11.2`.

        Args:
            text: None or empty for the newest.

        Raises:
            ConfigError: it is no version.
        """
        if not text:
            return CURRENT
        match = _TEXT.fullmatch(text)
        if match is None:
            raise ConfigError(f'invalid talos-version "{text}": write it as v1.11')
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}"


CURRENT: Final = Contract(1, 12)
V1_1: Final = Contract(1, 1)
V1_2: Final = Contract(1, 2)
V1_3: Final = Contract(1, 3)
V1_5: Final = Contract(1, 5)
V1_6: Final = Contract(1, 6)
V1_7: Final = Contract(1, 7)
V1_8: Final = Contract(1, 8)
V1_12: Final = Contract(1, 12)
