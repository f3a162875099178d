"""The screens of `top` look as they looked when somebody looked at them."""

from __future__ import annotations

import pytest

from tests.tui.screens import FOLDER, SCREENS, captured


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen(name: str) -> None:
    assert captured(name) == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def test_none_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(SCREENS)
