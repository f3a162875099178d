"""`migrate` on texts and as a command: comments go where their keys go."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talos_resources.cli.main import main
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.meaning.means import meaning
from talos_resources.machineconfig.migrate.run import migrate
from talos_resources.machineconfig.migrate.text import migrate_text
from talos_resources.machineconfig.validate import validate
from talos_resources.releases import RELEASES
from tests.machineconfig.migrate.samples import RICH, recorded

COMMENT = re.compile(r"(?m)(?:^|\s)(# .*)$")


def comments(text: str) -> list[str]:
    return sorted(COMMENT.findall(text))


def test_every_comment_is_still_there_and_where_its_key_is() -> None:
    text = migrate_text(RICH).text
    assert comments(text) == comments(RICH)
    for line in (
        "# the first of three\nversion: v1alpha1 # as always\n",
        "# since March\nenabled: true\nmtu: 1380 # the provider takes 40\n",
        "hostname: cp-1 # by the door\n",
        "    # for the metrics server\n    rotate-server-certificates:",
        'match: disk.dev_path == "/dev/sda" # the small one\n',
        "enabled: false # Cilium does its work\n",
        "---\n# what the kubelet is told\napiVersion: v1alpha1\nkind: KubeletConfig\n",
        "---\n# from helm\napiVersion: v1alpha1\nkind: KubeInlineManifestConfig\n",
        "# what the auditors want\nconfiguration:\n",
        "manifest: |\n    # not ours\n",
        "endpoint: https://10.0.0.1:6443 # the virtual one\n",
        "    ca: {crt: Zm9v, key: YmFy}\n",
    ):
        assert line in text


def test_a_comment_behind_a_list_goes_with_its_items() -> None:
    text = (
        "machine: {type: controlplane}\ncluster:\n"
        "  extraManifests: [https://a.example/x.yaml]  # from the team\n"
        "  # of the old days\n"
        "  inlineManifests: [{name: a, contents: b}]\n"
    )
    found = migrate_text(text).text
    assert "---\n# from the team\napiVersion: v1alpha1\nkind: KubeExternalManifestConfig\n" in found
    assert "---\n# of the old days\napiVersion: v1alpha1\nkind: KubeInlineManifestConfig\n" in found


def test_twice_is_once_and_the_way_back_keeps_them_too() -> None:
    new = migrate_text(RICH).text
    assert migrate_text(new).text == new
    old = migrate_text(new, to=RELEASES[0])
    assert old.keeps_comments
    assert old.migration.lost == ()
    assert comments(old.text) == comments(RICH)
    assert meaning(MachineConfig.load(old.text)) == meaning(MachineConfig.load(RICH))
    assert re.search(r"mtu: 1380 # the provider takes 40", old.text)


def test_documents_that_do_not_change_keep_every_character() -> None:
    other = "# theirs\napiVersion: v1alpha1\nkind:   LinkConfig   # wide\nname: eth0\n\nmtu:  1400\n"
    assert other in migrate_text(f"{RICH}---\n{other}").text
    assert other in migrate_text(f"{other}---\n{RICH}").text


def test_what_needs_nothing_stays_as_it_is() -> None:
    text = "# mine\nmachine:\n  type: worker   # yes\n"
    assert migrate_text(text).text == text


def test_every_recorded_text_reads_back_as_what_it_was_migrated_to() -> None:
    kept = 0
    some = dict(list(recorded().items())[::6])
    for name, text in some.items():
        migrated = migrate_text(text)
        assert meaning(MachineConfig.load(migrated.text)) == meaning(MachineConfig.load(text)), name
        kept += migrated.keeps_comments
    assert kept >= 0.95 * len(some)


def test_what_was_valid_is_valid_afterwards() -> None:
    tried = 0
    for name, text in list(recorded().items())[::2]:
        config = MachineConfig.load(text)
        if validate(config, "cloud").errors:
            continue
        tried += 1
        found = validate(migrate(config).config, "cloud").errors
        assert not found, (name, list(map(str, found)))
    assert tried > 50


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_comment_on_any_line_survives(data: st.DataObject) -> None:
    lines = [line for line in RICH.splitlines() if not line.strip().startswith("#")]
    number = data.draw(st.integers(0, len(lines)))
    block = next(index for index, line in enumerate(lines) if "contents: |" in line)
    if block < number <= block + 4:
        number = block
    behind = data.draw(st.booleans()) and number < len(lines) and "#" not in lines[number] and "|" not in lines[number]
    if behind and not block < number <= block + 3:
        lines[number] += "  # here it is"
    else:
        indent = len(lines[number]) - len(lines[number].lstrip()) if number < len(lines) else 0
        lines.insert(number, " " * indent + "# here it is")
    text = "\n".join(lines) + "\n"
    migrated = migrate_text(text)
    assert migrated.keeps_comments
    assert comments(migrated.text) == comments(text)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.yaml"
    path.write_text(RICH)
    assert main(["machineconfig", "migrate", str(path), "--check"]) == 3
    out, err = capsys.readouterr()
    assert "machine.network.kubespan.mtu → KubeSpanConfig.mtu" in out
    assert re.search(r"^\d+ settings move into 19 documents$", err.strip())
    assert path.read_text() == RICH
    assert main(["mc", "migrate", str(path), "-o", str(path)]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == migrate_text(RICH).text
    capsys.readouterr()
    assert main(["mc", "migrate", str(path), "--check"]) == 0
    assert capsys.readouterr() == ("", "no setting moves\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(RICH.encode())))
    assert main(["mc", "migrate", "-"]) == 0
    assert capsys.readouterr().out == path.read_text()


def test_the_command_refuses_to_lose_anything_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new.yaml"
    text = "machine: {type: worker}\n---\napiVersion: v1alpha1\nkind: FilesystemTrimConfig\ninterval: 168h\n"
    path.write_text(text)
    assert main(["mc", "migrate", str(path), "--to", "v1.12", "-o", str(path)]) == 1
    assert "says what Talos v1.12 cannot: FilesystemTrimConfig; --allow-loss leaves it out" in capsys.readouterr().err
    assert path.read_text() == text
    assert main(["mc", "migrate", str(path), "--to", "v1.12", "--check"]) == 3
    assert "FilesystemTrimConfig is lost" in capsys.readouterr().out
    assert main(["mc", "migrate", str(path), "--to", "v1.12", "--allow-loss"]) == 0
    captured = capsys.readouterr()
    assert "FilesystemTrimConfig is left out" in captured.err
    assert "Filesystem" not in captured.out
    assert main(["mc", "migrate", str(path), "--to", "v1.9"]) == 1
    assert main(["mc", "migrate", str(tmp_path / "nope.yaml")]) == 1


@pytest.mark.parametrize(
    "text",
    [
        "machine: &a {type: worker, sysctls: &s {a: b}}\ncluster: {}\n",
        "machine:\n  type: worker\n  sysctls: &s\n    a: b\n  sysfs: *s\n",
        "machine: {type: worker, sysctls: {a: b}}",
        "%YAML 1.2\n---\nmachine: {type: worker, sysctls: {a: b}}\n...\n",
        "# only\r\nmachine:\r\n  type: worker\r\n  sysctls:\r\n    a: b # c\r\n",
        "machine:\n  type: worker\n  sysctls: {a: 'x # y'} # z\n",
        "\ufeffmachine:\n  type: worker\n  env:\n    a: |\n      # no comment\n",
    ],
)
def test_odd_texts_mean_the_same_afterwards(text: str) -> None:
    migrated = migrate_text(text)
    assert meaning(MachineConfig.load(migrated.text)) == meaning(MachineConfig.load(text))
