"""Resources as plain values, with the spec that their node wrote."""

from __future__ import annotations

from typing import Any

from talos_resources.codec.plain import metadata_to_plain, spec_to_plain
from talos_resources.codec.yamltext import spec_text
from talos_resources.model.resource import Resource
from talos_resources.model.sent import sent_yaml


def shown(resource: Resource[Any]) -> dict[str, Any]:
    """A resource as `{"metadata": …, "spec": …}`, as talosctl's `-o json` has it.

    Raises:
        DecodeError: the YAML that a node sent is broken.
    """
    sent = sent_yaml(resource)
    if sent is None or sent == spec_text(resource.spec):  # writing is many times faster than reading
        spec = spec_to_plain(resource.spec)
    else:
        from talos_resources.codec.goyaml.read import load

        spec = load(sent, source="spec")
    return {"metadata": metadata_to_plain(resource), "spec": spec}
