"""Files that are encrypted with age, as `talosctl support` of Talos v1.14 writes its bundles.

Source: talosctl v1.14.0-rc.1; the age format, v1.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from talos_resources.codec.whole import read_whole
from talos_resources.model.errors import ConfigError
from talos_resources.sources.cut_archive import LEAD

_LEADS: Final = (b"age-encryption.org/v1\n", b"-----BEGIN AGE ENCRYPTED FILE-----")
_AGE_KEY: Final = "AGE-SECRET-KEY-"
_SSH_LEAD: Final = b"-----BEGIN"


def is_sealed(data: bytes) -> bool:
    """Whether data is encrypted with age, armoured or not."""
    return data.startswith(_LEADS)


def unsealed(data: bytes, identities: Sequence[Path], *, source: str) -> bytes:
    """What is encrypted; of an archive that is damaged or cut short, what stands before that.

    age seals pieces of 64 KiB, each by itself, so that what opens is what was written. An archive without its end is
    seen to be one; of anything else a part would pass for the whole, and is refused.

    Args:
        data: for which `is_sealed` is true.
        identities: files with an age identity or an OpenSSH private key (Ed25519 or RSA) without a passphrase.
        source: of the data, for errors.

    Raises:
        ConfigError: no identity opens it, one cannot be read, it is damaged, or pyrage is not installed; keys are never shown.
    """
    if not identities:
        raise ConfigError(f"{source} is encrypted with age; name a key that opens it: --identity FILE (an age identity or an OpenSSH key)")
    try:
        import pyrage
    except ImportError:
        raise ConfigError("encrypted support bundles need pyrage: pip install 'talos-resources[bundle]'") from None
    keys = [key for path in identities for key in _keys(path)]
    opened = io.BytesIO()
    try:
        pyrage.decrypt_io(io.BytesIO(data), opened, keys)  # pyright: ignore[reportAttributeAccessIssue]  # Rust, without types
    except (pyrage.DecryptError, OSError) as error:  # pyright: ignore[reportAttributeAccessIssue]  # Rust, without types
        if "No matching keys" in str(error):
            raise ConfigError(f"none of the keys in {_listed(identities)} opens {source}; it is encrypted for others") from None
        if not opened.getvalue().startswith(LEAD):
            raise ConfigError(f"{source} cannot be decrypted: {error}; it is damaged or cut short") from None
    return opened.getvalue()


def _keys(path: Path) -> Iterator[Any]:
    """The identities in a file."""
    from pyrage import IdentityError, ssh, x25519  # pyright: ignore[reportAttributeAccessIssue]  # Rust, without types

    try:
        data = read_whole(path, what="key")
    except OSError as error:
        raise ConfigError(f"cannot read the identity {path}: {error.strerror or error}") from None
    try:
        if data.lstrip().startswith(_SSH_LEAD):
            yield ssh.Identity.from_buffer(data)
            return
        lines = [line.strip() for line in data.decode().splitlines()]
        found = [x25519.Identity.from_str(line) for line in lines if line.startswith(_AGE_KEY)]
    except (IdentityError, ValueError):
        found = []
    if not found:
        raise ConfigError(f"{path} holds neither an age identity ({_AGE_KEY}…) nor an OpenSSH private key without a passphrase")
    yield from found


def _listed(paths: Iterable[Path]) -> str:
    return ", ".join(map(str, paths))
