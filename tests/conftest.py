"""What all tests share: surroundings of their own, and the search of the property tests.

Whoever runs them may have a `~/.talos/config`, another language, a narrow terminal, a proxy, or run them in the
background or under nohup, where Ctrl-C or the end of the terminal is ignored: no test sees any of it.
"""

from __future__ import annotations

import itertools
import locale
import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A machine with other work is slow, not wrong. Without a wish the same examples are tried every time, so that a
# first run does not fail by chance; `--hypothesis-profile=search --hypothesis-seed=N` looks for new ones.
_PATIENT = settings(settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", _PATIENT, derandomize=True, database=None)
settings.register_profile("search", _PATIENT, derandomize=False, print_blob=True)
settings.load_profile("same")

NO_SKIP = bool(os.environ.get("TALOS_RESOURCES_NO_SKIP"))
"""Set on CI, where everything that a test may need is there: who skips has not looked properly."""

_KEPT = ("PATH", "TMPDIR", "VIRTUAL_ENV", "CI", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY")
_KEPT_PREFIXES = ("PYTHON", "HYPOTHESIS_", "COVERAGE_", "COV_CORE_", "GO", "CGO_", "TALOS_RESOURCES_NO_SKIP")
_GIVEN = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TZ": "UTC", "TERM": "xterm-256color"}


def _surroundings() -> dict[str, str]:
    """The environment of every test, without its home."""
    kept = {name: value for name, value in os.environ.items() if name.upper() in _KEPT or name.startswith(_KEPT_PREFIXES)}
    # Go keeps its downloads and builds in the home of whoever runs it, and need not fetch them for every test.
    home = Path.home()
    go = {"GOPATH": str(home / "go"), "GOCACHE": str(home / ".cache" / "go-build")}
    return go | kept | _GIVEN


def _enter(surroundings: dict[str, str], home: Path) -> None:
    wanted = surroundings | {"HOME": str(home)}
    for name in os.environ.keys() - wanted.keys():
        if not name.startswith("PYTEST_"):  # pytest says there which test is running
            del os.environ[name]
    os.environ.update(wanted)


_SURROUNDINGS = _surroundings()
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:  # programs that are started inherit it, too
        signal.signal(_number, _handler)
_HOMES = Path(tempfile.mkdtemp(prefix="talos-resources-home-"))
_NUMBERS = itertools.count()
# For what is made before the first test: fixtures of a session, of a module.
_enter(_SURROUNDINGS, _HOMES)


def pytest_unconfigure() -> None:
    shutil.rmtree(_HOMES, ignore_errors=True)


@pytest.fixture(autouse=True)
def _own_surroundings() -> Iterator[None]:
    """A home, environment, locale and working folder for one test, whatever the one before it has changed."""
    home = _HOMES / str(next(_NUMBERS))
    home.mkdir()
    folder = Path.cwd()
    _enter(_SURROUNDINGS, home)
    yield
    os.chdir(folder)
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    _enter(_SURROUNDINGS, _HOMES)
    shutil.rmtree(home, ignore_errors=True)


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped, which TALOS_RESOURCES_NO_SKIP forbids: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse(report)
    return report
