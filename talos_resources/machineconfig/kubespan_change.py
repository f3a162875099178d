"""A node's own configuration with KubeSpan switched on, off, or set otherwise."""

from __future__ import annotations

from typing import Final

from talos_resources.machineconfig import defaults
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.form import form_of
from talos_resources.machineconfig.kubespan_patch import KubeSpanSettings, kubespan_patch
from talos_resources.machineconfig.patch.apply import patch_config
from talos_resources.machineconfig.patch.load import parse_patch
from talos_resources.machineconfig.settings import Settings

_SERVICE: Final = f"""\
apiVersion: v1alpha1
kind: DiscoveryServiceConfig
name: default
endpoint: {defaults.DISCOVERY_ENDPOINT}
"""


def with_kubespan(config: MachineConfig, settings: KubeSpanSettings, *, discovery: bool = False) -> MachineConfig:
    """The configuration with these settings of KubeSpan, in the form that it has: sections or documents.

    Lists that are set replace those that are there, where a patch would add to them.

    Args:
        config: as it is.
        settings: what is to be set; None in it leaves a setting as it is.
        discovery: switch discovery on, with the default service, where it is off.

    Raises:
        ConfigError: a filter or an endpoint that Talos would refuse.
    """
    base = _without_lists(config, settings)
    lacks = discovery and settings.enabled and not Settings.of(config).discovery.enabled
    found = _patched(base, kubespan_patch(settings, contract=form_of(config), discovery=lacks))
    if config.get("cluster.discovery") is not None or found.get("cluster.discovery") is None:
        return found
    if lacks and config.find("DiscoveryIdentityConfig") is None:
        return found
    # Discovery has documents here, also where the rest has sections, and Talos refuses both.
    found = found.with_value("cluster.discovery", None)
    return _patched(found, _SERVICE) if lacks else found


def _patched(config: MachineConfig, patch: str) -> MachineConfig:
    return patch_config(config, [parse_patch(patch, release=config.release)])[0]


def _without_lists(config: MachineConfig, settings: KubeSpanSettings) -> MachineConfig:
    if settings.filters and Settings.of(config).kubespan.endpoint_filters:
        in_document = config.find("KubeSpanConfig") is not None
        path = "filters.endpoints" if in_document else "machine.network.kubespan.filters.endpoints"
        config = config.with_value(path, None, kind="KubeSpanConfig" if in_document else "v1alpha1")
    if settings.extra_endpoints:
        config = config.without_document("KubeSpanEndpointsConfig")
    return config
