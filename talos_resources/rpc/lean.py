"""Starting pyqwest without what a command line does not use of it.

pyqwest looks up asyncio and OpenTelemetry when the first transport is made, for its asynchronous and
its tracing half: 60 ms, more than all the rest of a short command. Here it is handed stand-ins that
import the real ones when they are called, which our blocking, untraced use never does.
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
    "opentelemetry": (),
    "opentelemetry.metrics": ("Observation", "get_meter_provider"),
    "opentelemetry.propagate": ("inject",),
    "opentelemetry.trace": ("get_tracer_provider", "set_span_in_context"),
}


@contextmanager
def lean_pyqwest() -> Iterator[None]:
    """While this is entered, making the first transport of the process loads neither asyncio nor OpenTelemetry.

    For the command line, before other threads run. Where one of the two or pyqwest's extension is
    loaded already, or pyqwest takes something else of them, it changes nothing.
    """
    if any(name in sys.modules for name in ("pyqwest", *_TAKEN)):
        yield
        return
    stand_ins = {name: _stand_in(name, taken) for name, taken in _TAKEN.items()}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def _stand_in(name: str, taken: tuple[str, ...]) -> types.ModuleType:
    module = types.ModuleType(name)
    for attribute in taken:
        setattr(module, attribute, _forwarder(name, attribute))
    if name == "opentelemetry.trace":
        module.SpanKind = types.SimpleNamespace(CLIENT=types.SimpleNamespace(name="CLIENT", value=2))  # type: ignore[attr-defined]
    if name == "opentelemetry":
        module.__path__ = []  # a package
    return module


def _forwarder(module: str, attribute: str) -> Callable[..., Any]:
    def forward(*args: Any, **options: Any) -> Any:
        return getattr(importlib.import_module(module), attribute)(*args, **options)

    return forward
