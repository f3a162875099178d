"""Values of Talos resources that are neither texts, numbers nor network addresses."""

from __future__ import annotations

from typing import Self

import attrs


class HardwareAddr(bytes):
    """A link-layer address of any length: six bytes on Ethernet, none where a link has no address.

    It is the bytes themselves; its text is `52:54:00:12:34:56`.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads bytes in hexadecimal, separated by colons or dashes.

        Raises:
            ValueError: the text is something else.
        """
        parts = text.replace("-", ":").split(":") if text else []
        if not all(len(part) == 2 for part in parts):
            raise ValueError(f"{text!r:.60} is not a hardware address such as 52:54:00:12:34:56")
        try:
            return cls(int(part, 16) for part in parts)
        except ValueError:
            raise ValueError(f"{text!r:.60} is not a hardware address such as 52:54:00:12:34:56") from None

    def __str__(self) -> str:
        return self.hex(":")

    def __repr__(self) -> str:
        return f"HardwareAddr.parse({str(self)!r})"


class URL(str):
    """A URL as its text, on the wire too; YAML shows its parts, as Go's net/url names them."""

    __slots__ = ()


@attrs.frozen(weakref_slot=False)
class Expression:
    """A CEL expression, such as `system_disk && !readonly`.

    Nodes send it checked and encoded, not as text: from the wire alone only `checked` is known.

    Attributes:
        text: the expression; empty where only the encoded form is known.
        checked: the encoded form, empty where there is only text.
    """

    text: str = ""
    checked: bytes = attrs.field(default=b"", repr=lambda data: f"<{len(data)} bytes>")

    def __bool__(self) -> bool:
        return bool(self.text or self.checked)

    def __str__(self) -> str:
        return self.text
