"""What was nearly right is answered with what may have been meant, whatever it is the value of."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos_resources.cli.main import main

TALOSCONFIG = "context: home\ncontexts:\n    home:\n        endpoints: [192.0.2.1]\n"


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("get members --from sqlit:x.db", "sqlite"),
        ("get members --from demo --sort-by hstname", "HOSTNAME"),
        ("config context hom", "home"),
        ("config info -o ymal", "yaml"),
        ("gen config a https://x:6443 -t workr", "worker"),
        ("validate -m clud machine.yaml", "cloud"),
        ("simulate --scenario partitin", "partition"),
        ("mesh --by stie", "site"),
        ("doctor --explain mtu-difers", "mtu-differs"),
    ],
)
def test_it_is_suggested(
    line: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talosconfig").write_text(TALOSCONFIG)
    (tmp_path / "machine.yaml").write_text("version: v1alpha1\nmachine:\n    type: worker\n")
    monkeypatch.setenv("TALOSCONFIG", str(tmp_path / "talosconfig"))
    assert main(line.split()) in {1, 2}
    assert f"did you mean {meant}?" in capsys.readouterr().err
