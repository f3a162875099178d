"""Endpoints and mirrors, which are URLs as Go reads them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.gen.bundle import make_configs
from talos_resources.machineconfig.gen.options import GenOptions, check_endpoint, parse_mirrors
from talos_resources.machineconfig.gen.secrets import SecretsBundle, generate
from talos_resources.model.errors import ConfigError
from talos_resources.releases import Contract


@pytest.fixture(scope="module")
def bundle() -> SecretsBundle:
    return generate(now=datetime(2026, 1, 2, tzinfo=UTC), contract=Contract(1, 6))


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("", "no scheme"),
        ("mycluster.local", 'try "https://mycluster.local:6443"'),
        ("mycluster.local:6443", 'try "https://mycluster.local:6443"'),
        ("fd00::1", r'try "https://\[fd00::1\]:6443"'),
        ("http://mycluster.local:6443", 'should have scheme https://; try "https://mycluster.local:6443"'),
        ("https://:6443", "no host name"),
        ("https:///path", "no host name"),
        ("https://a:0", "port number must be between"),
        ("https://a:99999", "port number must be between"),
        ("https://a:b", "invalid port"),
        ("https://a:1:2", "invalid port"),
        ("https://fd00::1", "needs brackets"),
        ("https://[fd00", r"missing '\]'"),
        ("https://[10.0.0.1]:6443", "no IPv6 address"),
        ("https://%zz", "invalid escape"),
        ("https://a%20b", "invalid escape"),
        ("https://a/%zz", "invalid escape"),
        ("https://a b", "invalid character ' '"),
        ("https://a\tb", "control character"),
        ("https://a{b}", "invalid character"),
        ("https://us er:secret@a", "invalid user information"),
        ("https://u:secret@a:6443/%", "invalid escape"),
    ],
)
def test_endpoints_that_are_none(endpoint: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        check_endpoint(endpoint)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "written"),
    [
        *((text, text) for text in ("https://a", "https://10.0.0.1:6443", "https://[fd00::1]:6443", "https://a.example:443/path")),
        ("HTTPS://A.example:6443", "https://A.example:6443"),
        ("https://user:pass@a:6443", "https://user:pass@a:6443"),
        ("https://[fe80::1%25eth0]:6443", "https://[fe80::1%25eth0]:6443"),
        ("https://a/b c", "https://a/b%20c"),
        ("https://a:", "https://a:"),
    ],
)
def test_endpoints_that_are_fine(endpoint: str, written: str, bundle: SecretsBundle) -> None:
    assert check_endpoint(endpoint) == written
    for minor in (11, 14):
        made = make_configs(GenOptions(cluster_name="c", endpoint=check_endpoint(endpoint), contract=Contract(1, minor)), bundle)
        assert written in made.worker


def test_the_host_of_an_endpoint_is_a_name_of_the_certificate(bundle: SecretsBundle) -> None:
    options = GenOptions(cluster_name="c", endpoint="https://user:pass@A.example:6443", contract=Contract(1, 11))
    made = MachineConfig.load(make_configs(options, bundle).control_plane)
    assert made.get("cluster.apiServer.certSANs") == ["A.example"]  # as it is written: Go changes the scheme alone


def test_mirrors_are_urls_since_they_have_documents(bundle: SecretsBundle) -> None:
    def worker(mirror: str, minor: int) -> MachineConfig:
        options = GenOptions(
            cluster_name="c", endpoint="https://c", contract=Contract(1, minor), registry_mirrors=parse_mirrors([f"docker.io={mirror}"])
        )
        return MachineConfig.load(make_configs(options, bundle).worker)

    for text in ("https://%zz", "http://a b", "http://[::1", "http://a:b", "10.5.0.1:5000"):
        assert worker(text, 11).get('machine.registries.mirrors["docker.io"].endpoints') == [text]
        for minor in (12, 13, 14):
            with pytest.raises(ConfigError, match=r"the mirror of docker\.io is no URL"):
                worker(text, minor)
    assert "url: https://u:p@M.example" in worker("HTTPS://u:p@M.example", 14).text()


def test_the_old_registry_keeps_the_mirror_that_is_asked_for(bundle: SecretsBundle) -> None:
    def mirrors(*given: str) -> object:
        options = GenOptions(cluster_name="c", endpoint="https://c", contract=Contract(1, 2), registry_mirrors=parse_mirrors(given))
        return MachineConfig.load(make_configs(options, bundle).worker).get('machine.registries.mirrors["k8s.gcr.io"].endpoints')

    assert mirrors() == ["https://registry.k8s.io", "https://k8s.gcr.io"]
    assert mirrors("k8s.gcr.io=https://m.example") == ["https://m.example"]
