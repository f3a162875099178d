"""Starting pyqwest without what a command line does not use of it.

pyqwest looks up asyncio and OpenTelemetry when the first transport is made, for its asynchronous and
its tracing half: 60 ms, more than all the rest of a short command. JSON bodies, the boundaries of forms and
a log that nobody has set up cost another 14 ms. Here it is handed stand-ins that import the real ones when
they are called, which our blocking, untraced use never does.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

# What pyqwest 0.12 takes of each module.
_TAKEN: Final = {
    "asyncio": ("get_running_loop",),
    "json": ("dumps", "loads"),
    "logging": (),
    "opentelemetry": (),
    "opentelemetry.metrics": ("Observation", "get_meter_provider"),
    "opentelemetry.propagate": ("inject",),
    "opentelemetry.trace": ("get_tracer_provider", "set_span_in_context"),
    "secrets": ("token_hex",),
}


@contextmanager
def lean_pyqwest() -> Iterator[None]:
    """While this is entered, making the first transport of the process loads none of these modules.

    For the command line, before other threads run. What is loaded already stays what it is; where pyqwest's
    extension is, or pyqwest takes something else of them, it changes nothing.
    """
    if "pyqwest" in sys.modules:
        yield
        return
    traced = any(name.startswith("opentelemetry") for name in sys.modules)
    names = [name for name in _TAKEN if name not in sys.modules and not (traced and name.startswith("opentelemetry"))]
    stand_ins = {name: _stand_in(name, _TAKEN[name]) for name in names}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


class _Logger:
    """A logger of pyqwest: silent while nobody has loaded `logging`, for then nobody listens."""

    def __init__(self, name: str) -> None:
        self._name = name

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  # the name that logging gives it
        real = self._real()
        return real is not None and bool(real.isEnabledFor(level))

    def debug(self, *args: Any, **options: Any) -> None:
        real = self._real()
        if real is not None:
            real.debug(*args, **options)

    def _real(self) -> Any:
        logging = sys.modules.get("logging")
        # Not the stand-in.
        return None if logging is None or not hasattr(logging, "Logger") else logging.getLogger(self._name)


def _stand_in(name: str, taken: tuple[str, ...]) -> types.ModuleType:
    module = types.ModuleType(name)
    for attribute in taken:
        setattr(module, attribute, _forwarder(name, attribute))
    if name == "logging":
        module.getLogger = _Logger  # type: ignore[attr-defined]
        module.DEBUG = 10  # type: ignore[attr-defined]
    if name == "opentelemetry.trace":
        module.SpanKind = types.SimpleNamespace(CLIENT=types.SimpleNamespace(name="CLIENT", value=2))  # type: ignore[attr-defined]
    if name == "opentelemetry":
        module.__path__ = []  # a package
    return module


def _forwarder(module: str, attribute: str) -> Callable[..., Any]:
    def forward(*args: Any, **options: Any) -> Any:
        return getattr(importlib.import_module(module), attribute)(*args, **options)

    return forward
