"""What notebooks and IPython's shell show of our values: tables, drawings, findings.

Values know nothing of this: IPython is told by the names of their classes, which are not imported for it.
`import talos_resources` registers it where IPython runs; `%load_ext talos_resources` does so afterwards.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final


def _resource(resource: Any) -> str:
    from talos_resources.views.html import resource_html

    return resource_html(resource)


def _list(resources: Any) -> str:
    from talos_resources.views.html import table_html

    return table_html(resources)


def _cluster_list(resources: Any) -> str:
    from talos_resources.views.html import table_html

    missing = "".join(f"<p>{html.escape(node)}: {html.escape(error.message)}</p>\n" for node, error in resources.errors.items())
    return table_html(resources, nodes=resources.nodes) + missing


def _finding(finding: Any) -> str:
    from talos_resources.views.findings import findings_html

    return findings_html([finding])


def _diagnosis(diagnosis: Any) -> str:
    from talos_resources.insight.summary import summary
    from talos_resources.views.findings import findings_html

    return findings_html(diagnosis.findings, heading=summary(diagnosis.mesh), blind=diagnosis.blind)


def _mesh(mesh: Any) -> str:
    from talos_resources.views.mesh_svg import mesh_svg

    return mesh_svg(mesh)


SHOWN: Final[Mapping[tuple[str, str], Callable[[Any], str]]] = {
    ("talos_resources.model.resource", "Resource"): _resource,
    ("talos_resources.state.listing", "ResourceList"): _list,
    ("talos_resources.sources.listing", "ClusterList"): _cluster_list,
    ("talos_resources.model.finding", "Finding"): _finding,
    ("talos_resources.insight.doctor", "Diagnosis"): _diagnosis,
    ("talos_resources.insight.mesh", "Mesh"): _mesh,
}
"""Module and name of a class → its HTML; a subclass is shown as the nearest of these."""


def register(shell: Any = None) -> None:
    """Tells IPython how to show our values; without a running IPython nothing happens, and twice is no error.

    Args:
        shell: IPython's `InteractiveShell`; None for the running one.
    """
    if shell is None:
        running = getattr(sys.modules.get("IPython"), "get_ipython", None)
        shell = None if running is None else running()
    if shell is None:
        return
    formatter = shell.display_formatter.formatters["text/html"]
    for (module, name), show in SHOWN.items():
        formatter.for_type_by_name(module, name, show)
