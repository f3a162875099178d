"""ApplyConfiguration: our client and our server, TCP and mutual TLS in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from talos_resources._generated import machine_pb2 as pb
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.model.errors import ConfigError, DecodeError, PermissionDeniedError, UnsupportedError
from talos_resources.model.resource import Resource
from talos_resources.resources import MachineConfig as Stored
from talos_resources.resources import PlatformMetadata
from talos_resources.rpc.apply import Applied, ApplyMode, ApplyRequest, applied_of, applied_response, apply_request
from talos_resources.state.events import Updated
from talos_resources.state.waiting import Condition, watch_for
from talos_resources.testing.node import TalosNode
from tests.machineconfig.made import made
from tests.rpc.conftest import Serve

OLD, NEW = made(), made() + "---\napiVersion: v1alpha1\nkind: KubeSpanConfig\nenabled: true\n"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[TalosNode]:
    with TalosNode(tmp_path) as found:
        found.state.create(Resource.new(Stored(text=OLD), id="v1alpha1"))
        yield found


def stored(node: TalosNode, id: str = "v1alpha1") -> Resource[Stored]:
    return node.state.get(Stored, id)


def test_a_node_takes_a_configuration_and_keeps_its_very_text(node: TalosNode) -> None:
    with node.connect() as client:
        applied = client.apply(NEW)
        assert applied.mode is ApplyMode.NO_REBOOT
        assert "without a reboot" in applied.details
        assert client.get(Stored, "v1alpha1").spec.text == NEW
        assert stored(node).version == 2
        client.apply(MachineConfig.load(OLD))
        assert MachineConfig.load(stored(node).spec.text) == MachineConfig.load(OLD)
        client.apply(stored(node).spec.text.encode())
        assert stored(node).version == 3, "the same again is no change"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (f"{NEW}mtu: 100\n", "KubeSpan.*1280"),
        (f"{OLD}---\napiVersion: v1alpha1\nkind: KubeSpanConfig\nenabled: perhaps\n", "enabled: KubeSpanConfig"),
        ("machine: {type: worker}\n", "not valid"),
        ("", "no document"),
        ("machine: [", "."),
    ],
)
def test_what_is_not_valid_is_refused_in_one_line_and_changes_nothing(node: TalosNode, text: str, error: str) -> None:
    with node.connect() as client, pytest.raises(ConfigError, match=error) as caught:
        client.apply(text)
    assert "\n" not in caught.value.message
    assert stored(node).version == 1


def test_each_release_has_its_own_rules(tmp_path: Path) -> None:
    with TalosNode(tmp_path, talos_version="v1.12.3") as old, old.connect() as client:
        with pytest.raises(ConfigError, match=r"v1\.12 does not know it"):
            client.apply(NEW)
        client.apply(made(version="v1.12"))
        assert old.state.get(Stored, "v1alpha1").version == 1, "a node without a configuration gets its first one"


def test_where_a_node_runs_decides_what_it_demands(node: TalosNode) -> None:
    bare = made(version="v1.12").replace("        disk: /dev/sda\n", "")
    with node.connect() as client:
        client.apply(bare)
        node.state.create(Resource.new(PlatformMetadata(platform="metal"), id="platformmetadata"))
        with pytest.raises(ConfigError, match=r"machine\.install"):
            client.apply(bare)


def test_only_administrators_may(node: TalosNode) -> None:
    for context in ("operator", "reader"):
        with node.connect(context=context) as client, pytest.raises(PermissionDeniedError, match="os:admin"):
            client.apply(NEW)
    assert stored(node).version == 1


def test_a_dry_run_says_what_would_change_and_changes_nothing(node: TalosNode) -> None:
    with node.connect() as client:
        applied = client.apply(NEW, dry_run=True)
        assert "skipped in dry run" in applied.details
        assert "+kind: KubeSpanConfig" in applied.details
        assert "no change" in client.apply(OLD, dry_run=True).details
        token = MachineConfig.load(OLD).get("machine.token")
        assert token not in client.apply(OLD.replace(token, "other.0123456789abcdef"), dry_run=True).details
    assert stored(node).version == 1


def test_a_staged_one_waits_beside_the_one_in_force(node: TalosNode) -> None:
    with node.connect() as client:
        assert client.apply(NEW, mode=ApplyMode.STAGED).mode is ApplyMode.STAGED
    assert stored(node).spec.text == OLD
    assert stored(node, "persistent").spec.text == NEW


def test_one_on_trial_goes_back_unless_it_is_applied(node: TalosNode) -> None:
    back = Condition[Stored](predicate=lambda resource: resource.spec.text == OLD and resource.version > 1)
    with node.connect() as client:
        with node.state.watch(Stored, "v1alpha1") as events:
            client.apply(NEW, mode=ApplyMode.TRY, try_s=0.2)
            _, tried = events.next(30), events.next(30)
        assert isinstance(tried, Updated)
        assert tried.resource.spec.text == NEW
        watch_for(node.state, Stored, "v1alpha1", back, timeout=30)
        client.apply(NEW, mode=ApplyMode.TRY, try_s=0.2)
        client.apply(NEW)
        time.sleep(0.5)  # the trial would have ended
        assert stored(node).spec.text == NEW
        with pytest.raises(ConfigError, match="reboot"):
            client.apply(NEW, mode=ApplyMode.REBOOT)
        with pytest.raises(ConfigError, match="tried"):
            client.apply(NEW, mode=ApplyMode.TRY, try_s=10**6)


def test_a_server_of_resources_takes_none(serve: Serve) -> None:
    with pytest.raises(UnsupportedError, match="no machine configuration"):
        serve().apply(OLD)


@pytest.mark.parametrize("mode", ApplyMode)
def test_the_messages_are_those_of_talos(mode: ApplyMode) -> None:
    request = ApplyRequest(text=b"machine: {}", mode=mode, dry_run=True, try_s=61.5)
    read = pb.ApplyConfigurationRequest.FromString(apply_request(request))
    assert (read.data, read.mode, read.dry_run) == (b"machine: {}", mode.value, True)
    assert read.HasField("try_mode_timeout") == (mode is ApplyMode.TRY)
    assert (read.try_mode_timeout.seconds, read.try_mode_timeout.nanos) == ((61, 500_000_000) if mode is ApplyMode.TRY else (0, 0))
    applied = Applied(mode=mode, details="with a reboot", warnings=("one", "two"))
    assert applied_of(applied_response(applied)) == applied
    sent = pb.ApplyConfigurationResponse(messages=[{"warnings": ["one", "two"], "mode": mode.value, "mode_details": "with a reboot"}])
    assert applied_of(sent.SerializeToString()) == applied
    assert "machine" not in repr(request)


@pytest.mark.parametrize("data", [b"", b"\x0a\xff", b"\x0a\x02\x18\x09"])
def test_an_answer_that_is_none_is_an_error(data: bytes) -> None:
    with pytest.raises(DecodeError):
        applied_of(data)
