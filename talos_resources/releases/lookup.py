"""From the text of a version to its release."""

from __future__ import annotations

import re
from typing import Final

from talos_resources.model.errors import ConfigError
from talos_resources.releases.release import Release
from talos_resources.releases.v1_12 import V1_12
from talos_resources.releases.v1_13 import V1_13
from talos_resources.releases.v1_14 import V1_14

RELEASES: Final[tuple[Release, ...]] = (V1_12, V1_13, V1_14)
"""The releases that we know, oldest first."""

NEWEST: Final = RELEASES[-1]
"""What we read, write and print like where nobody asks for another one."""

_VERSION: Final = r"v?([0-9]{1,9})\.([0-9]{1,9})(?:\.[0-9]{1,9})?(?:[-+.][0-9A-Za-z.+-]*)?"


def release_of(version: str) -> Release:
    """The release that a node or a talosctl of this version behaves like.

    Args:
        version: `v1.12.3`, `1.13`, `v1.14.0-rc.1`; older than we know counts as the oldest, newer as the newest.

    Raises:
        ConfigError: it is no version.
    """
    wanted = _parse(version)
    if wanted is None:
        raise ConfigError(f'"{version}" is no version of Talos; write it as v1.12 or v1.14.0', version=version)
    older = [release for release in RELEASES if _minor(release) <= wanted]
    return older[-1] if older else RELEASES[0]


def known_release(version: str) -> Release:
    """The release of exactly this minor version.

    Raises:
        ConfigError: it is no version, or of a release that we have no data of; names those that we know.
    """
    release = release_of(version)
    if _minor(release) != _parse(version):
        known = ", ".join(str(release.contract) for release in RELEASES)
        raise ConfigError(f'there is no data of talosctl "{version}"; there is of {known}', version=version)
    return release


def _parse(text: str) -> tuple[int, int] | None:
    match = re.fullmatch(_VERSION, text)
    return None if match is None else (int(match[1]), int(match[2]))


def _minor(release: Release) -> tuple[int, int]:
    return release.contract.major, release.contract.minor
