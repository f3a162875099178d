"""What a context's certificate says: roles and expiry, in talosctl's words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from talos_resources.talosconfig.config import Context

_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
_MONTH: Final = timedelta(days=30)
_YEAR: Final = 12 * _MONTH

_WORDS: Final = (
    (2 * _SECOND, "1 second", None),
    (_MINUTE, "{} seconds", _SECOND),
    (2 * _MINUTE, "1 minute", None),
    (_HOUR, "{} minutes", _MINUTE),
    (2 * _HOUR, "1 hour", None),
    (_DAY, "{} hours", _HOUR),
    (2 * _DAY, "1 day", None),
    (_WEEK, "{} days", _DAY),
    (2 * _WEEK, "1 week", None),
    (_MONTH, "{} weeks", _WEEK),
    (2 * _MONTH, "1 month", None),
    (_YEAR, "{} months", _MONTH),
    (18 * _MONTH, "1 year", None),
    (2 * _YEAR, "2 years", None),
    (37 * _YEAR, "{} years", _YEAR),
)
"""Below this span, these words, with the number of these units."""


@attrs.frozen(kw_only=True)
class CertificateInfo:
    """What a client certificate grants and how long.

    Attributes:
        roles: its organisations, sorted; also those that Talos does not know.
        not_after: end of its validity, UTC.
    """

    roles: tuple[str, ...]
    not_after: datetime


def certificate_info(context: Context) -> CertificateInfo | None:
    """Read the client certificate of a context; None where it has none.

    Raises:
        ConfigError: it is not base64, not PEM or not a certificate.
    """
    pem = context.crt
    if pem is None:
        return None
    from cryptography.x509.oid import NameOID

    from talos_resources.rpc.pki import certificate_from_pem

    certificate = certificate_from_pem(pem, what=f'crt of context "{context.name}"')
    organizations = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return CertificateInfo(
        roles=tuple(sorted({str(attribute.value) for attribute in organizations})),
        not_after=certificate.not_valid_after_utc.astimezone(UTC),
    )


def relative_time(then: datetime, *, now: datetime) -> str:
    """How far a moment is, in one unit: "5 minutes ago", "1 year from now"; a month has 30 days and a year 12 of them.

    Source: recorded outputs of talosctl v1.12.3.
    """
    span = abs(then - now)
    if span < _SECOND:
        return "now"
    direction = "from now" if then > now else "ago"
    for limit, words, unit in _WORDS:
        if span < limit:
            return f"{words.format(span // unit) if unit is not None else words} {direction}"
    return f"a long while {direction}"
