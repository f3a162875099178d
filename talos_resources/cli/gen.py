"""`gen`: secrets and configurations of a new cluster."""

from __future__ import annotations

import sys
from argparse import SUPPRESS, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from talos_resources.cli.compat import add_compat
from talos_resources.cli.options import items
from talos_resources.cli.parser import Parser
from talos_resources.model.errors import ConfigError
from talos_resources.model.near import did_you_mean

if TYPE_CHECKING:
    from talos_resources.machineconfig.gen.bundle import Patches
    from talos_resources.machineconfig.gen.options import GenOptions
    from talos_resources.machineconfig.gen.secrets import SecretsBundle
    from talos_resources.releases import Contract, Release

HELP: Final = "make the secrets and the machine configurations of a new cluster"
EXAMPLES: Final = """\
secrets -o secrets.yaml
config my-cluster https://mycluster.local:6443 --with-secrets secrets.yaml --with-kubespan
config my-cluster https://mycluster.local:6443 --config-patch @cilium.yaml -o cluster/
"""

_TYPES: Final = {"controlplane": "controlplane.yaml", "worker": "worker.yaml", "talosconfig": "talosconfig"}
_TRUE: Final = ("1", "t", "T", "true", "TRUE", "True")
_FALSE: Final = ("0", "f", "F", "false", "FALSE", "False")


def configure(parser: Parser) -> None:
    """Adds the commands of `gen`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")
    secrets = actions.add_parser("secrets", help="a secrets bundle", description="Make a secrets bundle.")
    secrets.add_argument("-o", "--output-file", default="secrets.yaml", metavar="FILE", help="- for stdout (default: secrets.yaml)")
    secrets.add_argument("--from-controlplane-config", metavar="FILE", help="take the secrets of a control plane's configuration")
    secrets.add_argument("-p", "--from-kubernetes-pki", metavar="DIR", help="go on with the PKI of an existing cluster (kubeadm's folder)")
    secrets.add_argument("-t", "--kubernetes-bootstrap-token", default="", metavar="TOKEN", help="with --from-kubernetes-pki")
    secrets.add_argument("--talos-version", metavar="VERSION", help="make them for this Talos version, such as v1.6")
    add_compat(secrets, "make what talosctl makes")
    _add_force(secrets)
    config = actions.add_parser(
        "config", help="machine configurations and a talosconfig", description="Make machine configurations and a talosconfig."
    )
    _add_config(config)


def add_gen(parser: Parser) -> None:
    """Adds the arguments of `machineconfig gen`, which has none of the flags of `gen config`; run it with `run_config`."""
    _add_names(parser)
    full = Parser(prog="", description="")
    _add_config(full)
    defaults = vars(full.parse(["", ""]))
    parser.set_defaults(**{key: value for key, value in defaults.items() if key not in {"name", "endpoint"}})


def run(args: Namespace) -> int:
    """Does it; returns the exit code."""
    return _run_secrets(args) if args.action == "secrets" else run_config(args)


def run_config(args: Namespace) -> int:
    """`gen config`; returns the exit code."""
    from talos_resources.machineconfig.gen.bundle import make_configs, make_talosconfig

    now = datetime.now(UTC)
    options = _options(args)
    types = _types(args.output_types)
    targets = _targets(types, output=args.output, folder=args.output_dir)
    secrets = _secrets(args)
    patches = _patches(args)
    if secrets is None:
        from talos_resources.machineconfig.gen.secrets import generate

        print("generating PKI and tokens", file=sys.stderr)
        secrets = generate(now=now, contract=options.contract, url_safe_id=_release(args).gen.url_safe_cluster_id)
    bundle = make_configs(options, secrets, patches=patches, compat=args.compat)
    talosconfig = make_talosconfig(options.cluster_name, secrets, now=now)  # also shows that certs.os can sign, before anything is written
    for note in (*bundle.notes, *_notes(options)):
        print(f"note: {note}", file=sys.stderr)
    texts = {"controlplane": bundle.control_plane, "worker": bundle.worker}
    if "talosconfig" in targets:
        from talos_resources.talosconfig.file import render

        texts["talosconfig"] = render(talosconfig)
    files = [(texts[name], target) for name, target in targets.items()]
    # talosctl keeps what it has written before the file that it cannot write.
    for group in [files] if args.compat is None else [[file] for file in files]:
        _write(group, force=args.force, announce=True)
    return 0


def _add_names(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME", help="the name of the cluster")
    parser.add_argument("endpoint", metavar="ENDPOINT", help="the URL of its Kubernetes API, such as https://mycluster.local:6443")


def _add_config(parser: Parser) -> None:
    _add_names(parser)
    add = parser.add_argument
    add("--with-secrets", metavar="FILE", help="use this secrets bundle instead of new secrets")
    _add_switch(parser, "with-kubespan", default=False, text="switch KubeSpan on")
    _add_switch(parser, "with-cluster-discovery", default=True, text="let the members find each other (default: true)")
    patch = "a patch for {}: @file or inline, strategic or JSON; may be repeated"
    add("--config-patch", action="append", default=[], metavar="PATCH", help=patch.format("all configurations"))
    add("--config-patch-control-plane", action="append", default=[], metavar="PATCH", help=patch.format("control planes"))
    add("--config-patch-worker", action="append", default=[], metavar="PATCH", help=patch.format("workers"))
    add("--kubernetes-version", metavar="VERSION", help="such as 1.36.3")
    add("--talos-version", metavar="VERSION", help="write for this Talos version, such as v1.11")
    add("--dns-domain", default="cluster.local", metavar="DOMAIN", help="of the cluster (default: cluster.local)")
    add("--additional-sans", action="append", default=[], metavar="NAMES", help="more names for the certificates of the APIs")
    add("--install-disk", default="/dev/sda", metavar="DISK", help="(default: /dev/sda)")
    add("--install-image", metavar="IMAGE", help="the installer's image")
    add("--registry-mirror", action="append", default=[], metavar="REGISTRY=URL", help="ask this URL instead of a registry")
    _add_switch(parser, "persist", "-p", default=None, text="keep the configuration on disk (default: true)")
    _add_switch(parser, "skip-k8s-etcd", default=None, text=SUPPRESS)
    add("-t", "--output-types", action="append", metavar="TYPES", help=f"{','.join(_TYPES)} (default: all)")
    add("-o", "--output", metavar="PATH", help="a folder; with one type a file, or - for stdout")
    add("--output-dir", metavar="DIR", help=SUPPRESS)
    add("--version", default="v1alpha1", help=SUPPRESS)
    # The configurations have no comments and no examples; talosctl's flags for leaving them out are accepted.
    _add_switch(parser, "with-docs", default=False, text=SUPPRESS)
    _add_switch(parser, "with-examples", default=False, text=SUPPRESS)
    add_compat(parser, "write and refuse as talosctl does, such as a JSON patch where there are several documents")
    _add_force(parser)


def _add_force(parser: Parser) -> None:
    parser.add_argument("-f", "--force", action="store_true", help="overwrite files that are there")


def _add_switch(parser: Parser, name: str, *short: str, default: bool | None, text: str) -> None:
    """A flag that may carry its value with `=`, as Go's flags do: --persist, --persist=false; None where it must show if it was given."""
    destination = name.replace("-", "_")
    parser.add_argument(f"--{name}", *short, dest=destination, action="store_true", default=default, help=text)
    # To argparse these are flags of their own, since it takes no optional value that must follow a `=`.
    for flag in (f"--{name}", *short):
        parser.add_argument(*(f"{flag}={word}" for word in _TRUE), dest=destination, action="store_true", default=default, help=SUPPRESS)
        parser.add_argument(*(f"{flag}={word}" for word in _FALSE), dest=destination, action="store_false", default=default, help=SUPPRESS)


def _options(args: Namespace) -> GenOptions:
    from talos_resources.machineconfig.gen import options
    from talos_resources.releases import Feature

    release = _release(args)
    _refuse_flags(args)
    endpoint = options.check_endpoint(args.endpoint)
    if args.version != "v1alpha1":
        raise ConfigError(f'unknown config version "{args.version}"; there is only v1alpha1')
    if args.kubernetes_version == "" and not release.gen.empty_kubernetes_version:
        raise ConfigError("an empty --kubernetes-version names no images; write it as 1.36.3, or leave the flag out")
    contract = _contract(args)
    skip = bool(args.skip_k8s_etcd)
    if skip and not contract.has(Feature.DOCUMENTS):
        raise ConfigError(f"--skip-k8s-etcd: a configuration for Talos {contract} always has Kubernetes in it; v1.14 can do without")
    return options.GenOptions(
        cluster_name=args.name,
        endpoint=endpoint,
        kubernetes_version=release.gen.kubernetes_version if args.kubernetes_version is None else args.kubernetes_version,
        contract=contract,
        dns_domain=args.dns_domain,
        additional_sans=items(args.additional_sans),
        install_disk=args.install_disk,
        install_image=release.gen.installer_image if args.install_image is None else args.install_image,
        registry_mirrors=options.parse_mirrors(items(args.registry_mirror)),
        kubespan=args.with_kubespan,
        discovery=args.with_cluster_discovery,
        persist=args.persist is not False,
        skip_kubernetes=skip,
    )


def _release(args: Namespace) -> Release:
    """The release whose defaults hold."""
    from talos_resources.releases import NEWEST

    return NEWEST if args.compat is None else args.compat


def _contract(args: Namespace) -> Contract:
    """For which Talos to write; a version newer than the release counts as the release's own."""
    from talos_resources.releases import Contract

    return min(Contract.parse(args.talos_version), _release(args).contract)


def _refuse_flags(args: Namespace) -> None:
    """Refuses what the talosctl that is imitated has no flag for."""
    for flag, value in (("--persist", args.persist), ("--skip-k8s-etcd", args.skip_k8s_etcd)):
        if value is not None and args.compat is not None and not args.compat.has_flag("gen config", flag):
            raise ConfigError(f"unknown flag: {flag}; talosctl {args.compat} has none")


def _types(values: list[str] | None) -> tuple[str, ...]:
    """The kinds of files that are wanted, in the order in which they are written."""
    wanted = tuple(_TYPES) if values is None else items(values)
    unknown = [name for name in wanted if name not in _TYPES]
    if unknown:
        raise ConfigError(f"invalid output type {', '.join(unknown)}; there are {', '.join(_TYPES)}{did_you_mean(unknown[0], _TYPES)}")
    return tuple(name for name in _TYPES if name in wanted)


def _targets(types: tuple[str, ...], *, output: str | None, folder: str | None) -> dict[str, Path | None]:
    """Where each file goes; None is stdout."""
    if output is not None and folder is not None:
        raise ConfigError("--output-dir and --output cannot go together; use --output")
    if output == "-":
        if len(types) > 1:
            raise ConfigError("stdout takes one output type only; choose it with -t, or give a folder with -o")
        return dict.fromkeys(types)
    if output is not None and len(types) == 1:
        return {types[0]: Path(output)}
    base = Path(output or folder or Path.cwd())
    return {name: base / _TYPES[name] for name in types}


def _secrets(args: Namespace) -> SecretsBundle | None:
    if args.with_secrets is None:
        return None
    from talos_resources.machineconfig.gen.secrets_file import load_bundle

    return load_bundle(Path(args.with_secrets), kubernetes=not args.skip_k8s_etcd)


def _patches(args: Namespace) -> Patches | None:
    """What is given as patches; None for nothing, so that nothing is loaded for it."""
    given = (args.config_patch, args.config_patch_control_plane, args.config_patch_worker)
    if not any(given):
        return None
    from talos_resources.machineconfig.gen.bundle import Patches
    from talos_resources.machineconfig.patch.load import load_patch
    from talos_resources.releases import NEWEST

    release = args.compat or NEWEST
    common, control_plane, worker = (tuple(load_patch(argument, release=release) for argument in arguments) for arguments in given)
    return Patches(common=common, control_plane=control_plane, worker=worker)


def _notes(options: GenOptions) -> list[str]:
    if options.kubespan and not options.discovery:
        return ["KubeSpan finds its peers through discovery, which --with-cluster-discovery=false switches off; validate refuses this"]
    return []


def _run_secrets(args: Namespace) -> int:
    from talos_resources.machineconfig.gen import secrets, secrets_config

    now = datetime.now(UTC)
    contract, url_safe = _contract(args), _release(args).gen.url_safe_cluster_id
    target = None if args.output_file == "-" else Path(args.output_file)
    if target is not None and target.exists() and not args.force:
        raise _exists(target)
    if target is not None and not target.parent.is_dir():
        raise ConfigError(f"cannot write {target}: there is no folder {target.parent}; make it first")
    if args.from_kubernetes_pki is not None:
        bundle = secrets.from_kubernetes_pki(
            Path(args.from_kubernetes_pki), now=now, token=args.kubernetes_bootstrap_token, contract=contract, url_safe_id=url_safe
        )
    elif args.from_controlplane_config is not None:
        bundle = secrets_config.from_config(Path(args.from_controlplane_config), compat=args.compat)
    else:
        bundle = secrets.generate(now=now, contract=contract, url_safe_id=url_safe)
    _write([(bundle.to_yaml(), target)], force=args.force, announce=False)
    return 0


def _write(texts: Sequence[tuple[str, Path | None]], *, force: bool, announce: bool) -> None:
    """Writes all files or, if one cannot be written, none; None for a path is stdout."""
    from talos_resources.rpc.pki.private_file import write_private_files

    files = {target: text.encode() for text, target in texts if target is not None}
    try:
        write_private_files(files, overwrite=force)
    except FileExistsError as error:
        raise _exists(error.filename) from None
    except OSError as error:
        raise ConfigError(f"cannot write {error.filename}: {error.strerror}; nothing was written") from None
    for text, target in texts:
        if target is None:
            sys.stdout.write(text)
        elif announce:
            print(f"Created {target}", file=sys.stderr)


def _exists(target: object) -> ConfigError:
    return ConfigError(f'file "{target}" already exists, use --force to overwrite')
