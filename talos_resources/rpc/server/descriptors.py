"""How many files and connections the system lets this process have at a time."""

from __future__ import annotations

from contextlib import suppress


def allowed() -> int | None:
    """The limit; None where there is none, and on Windows, which has no such thing."""
    try:
        import resource
    except ModuleNotFoundError:
        return None
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def allow_all() -> None:
    """Raises the limit to what the administrator allows, where that can be done."""
    try:
        import resource
    except ModuleNotFoundError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):  # macOS says that all are allowed, and then refuses
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
