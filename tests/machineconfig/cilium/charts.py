"""What helm makes of the Cilium chart with our values: recorded in tests/data/cilium/charts.json.xz.

`python -m tests.machineconfig.cilium.charts HELM FOLDER` renders again: HELM is helm 3, FOLDER holds a chart for
each version, in a folder named after it (`install/kubernetes/cilium` of that release). Kept are the ConfigMap
and the DaemonSet; no secret is in them.
"""

from __future__ import annotations

import json
import lzma
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from talos_resources.machineconfig.cilium.charts import chart
from talos_resources.machineconfig.cilium.manifest import parse_manifest
from talos_resources.machineconfig.cilium.values import helm_values, values_yaml

DATA: Final = Path(__file__).parents[2] / "data" / "cilium" / "charts.json.xz"
_KEPT: Final = ("# Source: cilium/templates/cilium-configmap.yaml", "# Source: cilium/templates/cilium-agent/daemonset.yaml")
_PLAIN: Final = "ipam: {mode: kubernetes}\n"


def charts() -> dict[str, dict[str, str]]:
    """Version → way of rendering → manifest.

    The ways: `chart` (only the IPAM mode is set), `ours`, `strict`, and strict with `masquerade` (by eBPF),
    `legacy` (that, with legacy host routing) or `native` (routing, and an MTU of 1400).
    """
    found: dict[str, dict[str, str]] = json.loads(lzma.decompress(DATA.read_bytes()))
    return found


def ways(version: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The values and the settings of each way."""
    strict = values_yaml(helm_values(strict=True, cilium_version=version))
    native = "routingMode=native" if chart(version).boolean_replacement else "tunnel=disabled"
    return {
        "chart": (_PLAIN, ()),
        "ours": (values_yaml(helm_values(cilium_version=version)), ()),
        "strict": (strict, ()),
        "masquerade": (strict, ("bpf.masquerade=true",)),
        "legacy": (strict, ("bpf.masquerade=true", "bpf.hostLegacyRouting=true")),
        "native": (strict, (native, "ipv4NativeRoutingCIDR=10.244.0.0/16", "autoDirectNodeRoutes=true", "MTU=1400")),
    }


def render(helm: Path, folder: Path, values: str, settings: tuple[str, ...]) -> str:
    """What helm makes of a chart, as far as it is kept."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(values)
        file.flush()
        command: list[Any] = [helm, "template", "cilium", folder, "--namespace", "kube-system", "--kube-version", "1.34.0"]
        command += ["--values", file.name, *(part for setting in settings for part in ("--set", setting))]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    kept = [document for document in parse_manifest(text) if document.text.startswith(_KEPT)]
    return "".join(f"---\n{document.text.strip()}\n" for document in kept)


def main(helm: str, folder: str) -> None:
    """Renders every chart of the folder in every way."""
    found = {
        path.name: {way: render(Path(helm), path, *how) for way, how in ways(path.name).items()}
        for path in sorted(Path(folder).iterdir(), key=lambda path: chart(path.name).version)
    }
    DATA.write_bytes(lzma.compress(json.dumps(found).encode(), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main(*sys.argv[1:])
