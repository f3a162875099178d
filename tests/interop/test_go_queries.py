"""The recorded label terms are those of COSI."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.interop.conftest import INTEROP

RECORDED = Path(__file__).parents[1] / "data" / "cosi" / "label_terms.json"


@pytest.mark.go
def test_label_terms_are_as_recorded(go: str) -> None:
    printed = subprocess.run([go, "run", "./queries"], cwd=INTEROP, capture_output=True, timeout=300, check=True).stdout
    assert json.loads(printed) == json.loads(RECORDED.read_text(encoding="utf-8"))
