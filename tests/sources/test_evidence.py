"""What `doctor` is given of bundles: what can be read, with what cannot named; logs and versions beside the resources."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

from talos_resources.insight.doctor import examine
from talos_resources.sources import open_source
from talos_resources.sources.evidence import evidence
from talos_resources.sources.logs import known_lines, server_version

CASE = Path(__file__).parent.parent / "data" / "doctor" / "f48-node-cut" / "data.zip"


def unpacked(folder: Path) -> Path:
    with ZipFile(CASE) as archive:
        archive.extractall(folder)
    return folder


def test_a_broken_file_costs_only_itself(tmp_path: Path) -> None:
    folder = unpacked(tmp_path)
    specs = folder / "10.0.0.13" / "resources" / "kubespanpeerspecs.kubespan.talos.dev.yaml"
    specs.write_bytes(specs.read_bytes()[:1000] + b"\n  broken: [")
    links = folder / "10.0.0.12" / "resources" / "linkstatuses.net.talos.dev.yaml"
    links.write_bytes(b"\0")
    with open_source(str(folder)) as cluster:
        diagnosis = examine(evidence(cluster))
    assert [finding.rule for finding in diagnosis.findings] == ["node-isolated"]
    assert any("KubeSpanPeerSpecs.kubespan.talos.dev could not be read on cp-3" in line for line in diagnosis.blind)
    assert any("linkstatuses" in line for line in diagnosis.blind)


def test_redacted_is_not_broken(tmp_path: Path) -> None:
    """What a bundle names but does not show was read; nobody needs to mend the file."""
    folder = unpacked(tmp_path)
    config = folder / "10.0.0.13" / "resources" / "kubespanconfigs.kubespan.talos.dev.yaml"
    config.write_text(config.read_text().partition("spec:")[0] + "spec: <REDACTED>\n")
    with open_source(str(folder)) as cluster:
        blind = examine(evidence(cluster)).blind
    assert any(line.startswith("KubeSpanConfigs.kubespan.talos.dev is redacted on cp-3;") for line in blind)
    assert not any("KubeSpanConfigs" in line and "could not be read" in line for line in blind)


def test_logs_and_versions_of_a_bundle(tmp_path: Path) -> None:
    folder = unpacked(tmp_path)
    node = folder / "10.0.0.22"
    node.joinpath("summary").write_text("Client:\n\tTag:         v1.14.0\nServer:\n\tTag:         v1.9.5\n")
    node.joinpath("controller-runtime.log").write_text(
        "2026-01-02T03:04:05Z\tinfo\thello\n"
        '2026-01-02T03:04:06Z\terror\thello failed: discovery service: dial tcp: connection refused\t{"key": "' + "A" * 43 + '="}\n'
    )
    with open_source(str(folder)) as cluster:
        view = next(view for view in evidence(cluster).views if view.node == "10.0.0.22")
    assert view.version == "v1.9.5"
    assert len(view.log) == 1
    assert "connection refused" in view.log[0]
    assert "AAAA" not in view.log[0]


def test_words_that_are_none() -> None:
    assert server_version("Client:\n\tTag: v1.2.3\n") == ""
    assert known_lines("nothing of interest\nerror: something else\n") == ()
