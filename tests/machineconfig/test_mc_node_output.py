"""What `talosctl get machineconfig` prints is taken for the configuration in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.node_output import unwrapped
from talos_resources.model.errors import ConfigError

CONFIG = 'version: v1alpha1 # kept\nmachine:\n    type: worker\n    ca:\n        crt: Zm9v\n        key: ""\ncluster: {}\n'
HEAD = "metadata:\n    namespace: config\n    type: MachineConfigs.config.talos.dev\n    version: 7\n    id: "


def printed(identity: str, *, node: str = "10.0.0.1", config: str = CONFIG) -> str:
    body = "".join(f"    {line}" for line in config.splitlines(keepends=True))
    return f"node: {node}\n{HEAD}{identity}\nspec: |\n{body}"


def test_the_spec_is_the_configuration() -> None:
    found = unwrapped(printed("v1alpha1"), source="mach.yaml")
    assert found.text == CONFIG
    assert found.note == "mach.yaml is what `talosctl get` prints; the configuration is the spec of v1alpha1"
    assert MachineConfig.load(printed("v1alpha1").encode()).get("machine.type") == "worker"


def test_the_one_in_force_goes_first() -> None:
    both = printed("persistent", config=CONFIG.replace("worker", "controlplane")) + "---\n" + printed("v1alpha1")
    assert unwrapped(both).text == CONFIG
    assert "controlplane" in str(unwrapped(printed("persistent", config=CONFIG.replace("worker", "controlplane"))).text)


def test_json_one_after_the_other() -> None:
    resources = [
        {"node": "a", "metadata": {"type": "MachineConfigs.config.talos.dev", "id": name}, "spec": CONFIG.replace("worker", name)}
        for name in ("persistent", "v1alpha1")
    ]
    text = "\n".join(json.dumps(resource, indent=4) for resource in resources) + "\n"
    assert unwrapped(text).text == CONFIG.replace("worker", "v1alpha1")


def test_what_only_speaks_of_it_is_left_alone() -> None:
    for text in (
        CONFIG,
        CONFIG + "# MachineConfigs.config.talos.dev\n",
        "a: [MachineConfigs.config.talos.dev",
        '{"a": MachineConfigs.config.talos.dev',
    ):
        assert unwrapped(text).text == text
        assert unwrapped(text.encode()).note == ""


def test_several_nodes_and_missing_configurations_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"x\.yaml holds the configurations of 2 nodes \(10\.0\.0\.1, 10\.0\.0\.2\); ask one with -n"):
        unwrapped(printed("v1alpha1") + "---\n" + printed("v1alpha1", node="10.0.0.2"), source="x.yaml")
    for spec in ("<REDACTED>", "''", "{}"):
        with pytest.raises(ConfigError, match="without its configuration"):
            unwrapped(f"node: a\n{HEAD}v1alpha1\nspec: {spec}\n")


@pytest.mark.parametrize(
    "command", [["validate", "FILE", "-m", "cloud"], ["mc", "patch", "FILE", "-p", "machine: {token: a}"], ["cilium", "check", "FILE"]]
)
def test_commands_use_it_and_say_so(command: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mach.yaml"
    file.write_text(printed("v1alpha1"))
    assert main([str(file) if word == "FILE" else word for word in command]) in {0, 3}
    captured = capfd.readouterr()
    assert captured.err.startswith(f"note: {file} is what `talosctl get` prints")
    assert "metadata" not in captured.out
