"""MachineService.ApplyConfiguration: giving a node another machine configuration.

Source: Talos machinery v1.13.3, machine.ApplyConfigurationRequest and its answer; the modes of Talos v1.14.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, Protocol

import attrs

from talos_resources.codec.protowire import WireError
from talos_resources.model.errors import DecodeError
from talos_resources.rpc.messages import field, fields_in, number_field, text_field

APPLY: Final = "/machine.MachineService/ApplyConfiguration"

DEFAULT_TRY_S: Final = 60.0
"""How long a configuration is tried where nobody says how long."""

_NANOSECONDS: Final = 10**9


class ApplyMode(Enum):
    """When a node takes a configuration up; the numbers are Talos's."""

    REBOOT = 0
    """At a reboot that the node makes for it; from v1.14 on there is no such mode."""
    AUTO = 1
    """At once, or (before v1.14) at a reboot where a change needs one."""
    NO_REBOOT = 2
    """At once; refused where that cannot be."""
    STAGED = 3
    """At the next reboot, whenever that is."""
    TRY = 4
    """At once, and back again after a while unless another one is applied."""

    @property
    def word(self) -> str:
        """What `--mode` calls it."""
        return self.name.lower().replace("_", "-")

    @property
    def waits_for_boot(self) -> bool:
        """Whether the node goes on as it is until it boots again."""
        return self in {ApplyMode.STAGED, ApplyMode.REBOOT}


@attrs.frozen(kw_only=True)
class ApplyRequest:
    """What a node is asked to take up.

    Attributes:
        text: the configuration, all its documents as YAML.
        mode: when.
        dry_run: only say what would be done.
        try_s: for `ApplyMode.TRY`, the seconds until it goes back.
    """

    text: bytes = attrs.field(repr=False)
    mode: ApplyMode = ApplyMode.AUTO
    dry_run: bool = False
    try_s: float = DEFAULT_TRY_S


@attrs.frozen(kw_only=True)
class Applied:
    """What a node says of it.

    Attributes:
        mode: in which it took the configuration.
        details: in its own words. Of a dry run they may hold the difference, secrets included.
        warnings: of its validation.
    """

    mode: ApplyMode = ApplyMode.AUTO
    details: str = attrs.field(default="", repr=False)
    warnings: tuple[str, ...] = ()


class TakesConfiguration(Protocol):
    """A node that takes a configuration."""

    def apply(self, request: ApplyRequest) -> Applied:
        """Checks it, keeps it and acts on it; any thread may ask.

        Raises:
            ConfigError, DecodeError: it is refused; nothing has changed.
        """
        ...


def apply_request(request: ApplyRequest) -> bytes:
    """An ApplyConfigurationRequest."""
    length = round(request.try_s * _NANOSECONDS)
    seconds, rest = divmod(length, _NANOSECONDS)
    timeout = field(6, number_field(1, seconds) + number_field(2, rest)) if request.mode is ApplyMode.TRY else b""
    return field(1, request.text) + number_field(4, request.mode.value) + number_field(5, request.dry_run) + timeout


def applied_response(applied: Applied) -> bytes:
    """An ApplyConfigurationResponse of one node."""
    warnings = b"".join(field(2, warning.encode()) for warning in applied.warnings)
    return field(1, warnings + number_field(3, applied.mode.value) + text_field(4, applied.details))


def applied_of(response: bytes) -> Applied:
    """What the first node of an ApplyConfigurationResponse says.

    Raises:
        DecodeError: it is no such message, or of no node.
    """
    try:
        message = next((value for number, value in fields_in(response) if number == 1 and isinstance(value, bytes)), None)
        if message is None:
            raise DecodeError("says nothing of any node", path="response")
        values = [(number, value) for number, value in fields_in(message)]
        mode = ApplyMode(next((value for number, value in values if number == 3), 0))
    except (WireError, ValueError) as error:
        raise DecodeError(f"not an answer about a configuration: {error}", path="response") from None
    texts = [(number, value.decode("utf-8", "replace")) for number, value in values if isinstance(value, bytes)]
    return Applied(
        mode=mode,
        details="".join(text for number, text in texts if number == 4),
        warnings=tuple(text for number, text in texts if number == 2),
    )
