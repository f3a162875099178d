"""`cilium`: helm values, configuration patches, inline manifests and checks, as the guide has them; and live nodes."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Final

from talos_resources.cli.form import add_form, form
from talos_resources.cli.parser import Parser
from talos_resources.cli.rollout import add_rollout
from talos_resources.cli.screen import Screen
from talos_resources.model.errors import ConfigError

if TYPE_CHECKING:
    from talos_resources.machineconfig.documents import MachineConfig
    from talos_resources.releases import Contract

HELP: Final = "bring Cilium into a cluster: values, patch, inline, check, enable"
EXAMPLES: Final = """\
values --strict --k8s-host 10.0.0.1 > values.yaml
patch --method install --strict
inline cilium.yaml > patch.yaml
check controlplane.yaml worker.yaml cilium.yaml
"""
ENABLE: Final = """\
Give the nodes of a cluster Cilium as an inline manifest (the guide's method 4): control planes get it, and no node
deploys another CNI. What changes is shown, secrets hidden; one node after the other gets it, and it stops at the
first node that does not answer, or whose KubeSpan links do not come back, saying how to go back."""

FOUND: Final = 3
"""Exit code when something was found; notes do not count."""


def configure(parser: Parser) -> None:
    """Adds the commands of `cilium`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")
    values = actions.add_parser("values", help="helm values", description="Print helm values for Cilium on Talos.")
    _add_strict(values, "run without kube-proxy")
    values.add_argument("--k8s-host", metavar="HOST", help="with --strict: where nodes reach the API (default: KubePrism, at localhost)")
    values.add_argument("--k8s-port", type=int, metavar="PORT", help="with --strict (default: 7445 of KubePrism, else 6443)")
    values.add_argument(
        "--no-xt-socket-fallback", action="store_true", help="faster: Talos has the kernel modules that the fallback replaces"
    )
    values.add_argument("--cilium-version", metavar="VERSION", help="of the chart (default: the newest that was tried, 1.20.2)")
    add_form(values)
    patch = actions.add_parser("patch", help="the matching configuration patch", description="Print the matching configuration patch.")
    patch.add_argument("--method", default="install", choices=["install", "template", "hosted", "inline"], help="(default: install)")
    patch.add_argument("what", nargs="*", metavar="URL|FILE", help="URLs for hosted; files for inline, - for stdin")
    _add_strict(patch, "also switch kube-proxy off")
    _add_name(patch)
    add_form(patch)
    inline = actions.add_parser(
        "inline",
        help="rendered manifests as an inline manifest",
        description="Turn rendered manifests into a patch with an inline manifest.",
    )
    inline.add_argument("files", nargs="+", metavar="FILE", help="output of `helm template`; - for stdin")
    _add_name(inline)
    add_form(inline)
    check = actions.add_parser(
        "check",
        help="what the guide warns of",
        description="Check manifests and machine configurations together. Exit code 3 when something is found.",
    )
    check.add_argument("files", nargs="+", metavar="FILE", help="machine configurations and manifests; - for stdin")
    _add_strict(check, "Cilium is to replace kube-proxy, also where no manifest says so")
    check.add_argument("-o", "--output", choices=["text", "json"], default="text", help="(default: text)")
    enable = actions.add_parser("enable", help="give it to live nodes", description=ENABLE)
    enable.add_argument("files", nargs="+", metavar="FILE", help="output of `helm template`; - for stdin")
    _add_strict(enable, "also switch kube-proxy off (default: if the manifest replaces it)")
    _add_name(enable)
    enable.add_argument("--replace-cni", action="store_true", help="go on where flannel is the CNI, which is yours to remove")
    add_rollout(enable)


def run(args: Namespace) -> int:
    """Does it; returns the exit code."""
    return {"values": _values, "patch": _patch, "inline": _inline, "check": _check, "enable": _enable}[args.action](args)


def _add_strict(parser: Parser, text: str) -> None:
    parser.add_argument("--strict", action="store_true", help=text)


def _add_name(parser: Parser) -> None:
    parser.add_argument("--name", default="cilium", metavar="NAME", help="of the inline manifest (default: cilium)")


def _values(args: Namespace) -> int:
    from talos_resources.machineconfig.cilium.charts import NEWEST_CILIUM_VERSION
    from talos_resources.machineconfig.cilium.values import helm_values, values_yaml

    contract, config = form(args)
    values = helm_values(
        kube_prism=_kube_prism(contract, config),
        strict=args.strict,
        k8s_host=args.k8s_host,
        k8s_port=args.k8s_port,
        socket_fallback=False if args.no_xt_socket_fallback else None,
        cilium_version=NEWEST_CILIUM_VERSION if args.cilium_version is None else args.cilium_version,
    )
    sys.stdout.write(values_yaml(values))
    return 0


def _kube_prism(contract: Contract, config: MachineConfig | None) -> int | None:
    """The port of KubePrism, as the configuration says or as new ones of this version have it."""
    from talos_resources.machineconfig.defaults import KUBE_PRISM_PORT
    from talos_resources.releases import Feature

    if config is None:
        return KUBE_PRISM_PORT if contract.has(Feature.KUBE_PRISM) else None
    from talos_resources.machineconfig.cilium.machine import machine_facts

    return machine_facts(config).kube_prism


def _patch(args: Namespace) -> int:
    from talos_resources.machineconfig.cilium.inline import make_inline
    from talos_resources.machineconfig.cilium.patch import cilium_patch, looks_public

    if args.method in {"install", "template"} and args.what:
        raise ConfigError(f"the method {args.method} takes no URL and no file; choose --method hosted or inline for {args.what[0]}")
    manifest = None
    if args.method == "inline":
        manifest = make_inline([_read(file) for file in args.what], name=args.name) if args.what else None
    for note in manifest.notes if manifest is not None else ():
        _note(note)
    contract, _ = form(args)
    urls = tuple(args.what) if args.method == "hosted" else ()
    text = cilium_patch(args.method, strict=args.strict, urls=urls, manifest=manifest, contract=contract)
    for url in args.what if args.method == "hosted" else ():
        if looks_public(url):
            _note(f"{url} looks public, and the Cilium manifest has private keys in it; host it where only the nodes can fetch it")
    sys.stdout.write(text)
    return 0


def _inline(args: Namespace) -> int:
    from talos_resources.machineconfig.cilium.inline import inline_document, inline_yaml, make_inline
    from talos_resources.releases import Feature

    contract, _ = form(args)
    manifest = make_inline([_read(file) for file in args.files], name=args.name)
    for note in manifest.notes:
        _note(note)
    has_documents = contract.has(Feature.DOCUMENTS)
    sys.stdout.write(inline_document(manifest) if has_documents else f"cluster:\n{inline_yaml([manifest])}")
    return 0


def _check(args: Namespace) -> int:
    from talos_resources.machineconfig.cilium.check import check
    from talos_resources.machineconfig.cilium.subject import read_subject
    from talos_resources.model.finding import Severity, findings_text
    from talos_resources.views.findings import findings_json

    subject = read_subject([_read(file) for file in args.files], strict=args.strict or None, assume_cilium=True)
    findings = check(subject)
    sys.stdout.write(findings_json(findings) if args.output == "json" else findings_text(findings, width=Screen().width))
    return FOUND if any(finding.severity is not Severity.NOTE for finding in findings) else 0


def _enable(args: Namespace) -> int:
    from talos_resources.cli.cilium_rollout import run as enable
    from talos_resources.machineconfig.cilium.inline import make_inline

    return enable(args, make_inline([_read(file) for file in args.files], name=args.name))


def _read(file: str) -> tuple[str, str]:
    """The name of a file and its text."""
    from talos_resources.cli.configuration import read_configuration
    from talos_resources.codec.goyaml.nodes import to_text

    name = "stdin" if file == "-" else file
    return name, to_text(read_configuration(file), source=name)


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)
