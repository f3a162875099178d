"""`config`: show and edit talosconfig files."""

from __future__ import annotations

import sys
from argparse import SUPPRESS, ArgumentTypeError, Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from talos_resources.cli.compat import add_compat
from talos_resources.cli.parser import Parser
from talos_resources.codec.whole import read_whole
from talos_resources.model.errors import ConfigError
from talos_resources.model.near import did_you_mean
from talos_resources.model.printable import printable

if TYPE_CHECKING:
    from talos_resources.talosconfig.config import Context, TalosConfig

HELP: Final = "show and edit the talosconfig: contexts, endpoints, nodes"
EXAMPLES: Final = """\
contexts
info -o yaml
endpoint 10.0.0.1 10.0.0.2 --context prod
merge ./talosconfig
"""

_SHOWN_NODES: Final = 3


def configure(parser: Parser) -> None:
    """Adds the commands of `config`."""
    _add_file(parser, default=None)
    actions = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")

    def add(name: str, text: str, *, aliases: tuple[str, ...] = ()) -> Parser:
        command = actions.add_parser(name, aliases=aliases, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.set_defaults(action=name)
        # Without a default, or the command would undo what stands in front of it.
        _add_file(command, default=SUPPRESS)
        add_compat(command, "write the file as talosctl does: without comments and without keys that talosctl does not know")
        return command

    add("contexts", "list the contexts", aliases=("get-contexts",))
    info = add("info", "show the context in use and how long its certificate is valid")
    info.add_argument("-o", "--output", default="text", metavar="FORMAT", help="text, yaml or json (default: text)")
    info.add_argument("--now", type=_moment, metavar="TIME", help="as if it were this time (RFC 3339): what will have expired by then?")
    add("context", "choose the current context", aliases=("use-context",)).add_argument("name", metavar="NAME")
    add("endpoint", "set the endpoints of a context", aliases=("endpoints",)).add_argument("values", nargs="+", metavar="ENDPOINT")
    add("node", "set the nodes of a context; none clears them", aliases=("nodes",)).add_argument("values", nargs="*", metavar="NODE")
    proxy = add("proxy-url", "show or set the proxy that a context is reached through; an empty one clears it")
    proxy.add_argument(
        "url", nargs="?", metavar="URL", help="socks5://, http:// or https://HOST:PORT, or direct; empty: by the environment"
    )
    new = add("add", "add a context, in place of one of that name")
    new.add_argument("name", metavar="NAME")
    new.add_argument("--ca", metavar="FILE", help="PEM of the authority")
    new.add_argument("--crt", metavar="FILE", help="PEM of the client certificate; needs --key")
    new.add_argument("--key", metavar="FILE", help="PEM of the client key; needs --crt")
    remove = add("remove", "remove contexts, but never the current one")
    remove.add_argument("name", metavar="NAME", help="may have * and ?")
    remove.add_argument("-y", "--noconfirm", action="store_true", help="do not ask")
    remove.add_argument("--dry-run", action="store_true", help="only say what would go")
    add("merge", "take over the contexts of another talosconfig").add_argument("file", metavar="FILE")


def _add_file(parser: Parser, *, default: str | None) -> None:
    parser.add_argument("--talosconfig", metavar="FILE", default=default, help="default: $TALOSCONFIG, else ~/.talos/config")
    parser.add_argument("--context", metavar="NAME", default=default, help="a context other than the current one")


def run(args: Namespace) -> int:
    """Does it; returns the exit code."""
    from talos_resources.talosconfig.file import edit, load_or_empty, save

    if args.action == "add" and (args.crt is None) != (args.key is None):
        raise ConfigError("if either the 'crt' or 'key' flag is specified, both are required")
    if args.action == "info" and args.output not in {"text", "json", "yaml"}:
        raise ConfigError(
            f'unknown output format: "{args.output}"; use text, yaml or json{did_you_mean(args.output, ("text", "yaml", "json"))}'
        )
    config = load_or_empty(args.talosconfig)
    if args.compat is not None and config.path is not None and not config.path.exists():
        save(config)  # talosctl makes the file before it looks at what it is asked
    if args.action == "contexts":
        sys.stdout.write(_table(config))
    elif args.action == "info":
        sys.stdout.write(_info(config.context(args.context), output=args.output, now=args.now or datetime.now(UTC)))
    elif args.action == "proxy-url" and args.url is None:
        from talos_resources.rpc.transport.proxy import shown_url

        print(printable(shown_url(config.context(args.context).proxy_url)), file=sys.stderr)  # where talosctl prints it
    elif args.action == "remove":
        gone = _chosen(config, args)  # nobody waits while a person is asked
        if gone and not args.dry_run:
            edit(args.talosconfig, lambda now: now.without(name for name in gone if name != now.current), compat=args.compat)
    else:
        edit(args.talosconfig, lambda now: _edit(now, args), compat=args.compat)
    return 0


def _edit(config: TalosConfig, args: Namespace) -> TalosConfig:
    """The configuration after the edit."""
    import attrs

    match args.action:
        case "context":
            return config.with_current(args.name)
        case "endpoint" | "node":
            values = tuple(value.strip() for value in args.values)
            context = config.context(args.context)
            if args.action == "node":
                return config.with_context(attrs.evolve(context, nodes=values))
            return config.with_context(attrs.evolve(context, endpoints=values))
        case "proxy-url":
            return _proxied(config, args)
        case "add":
            return config.with_context(_new_context(args))
        case _:
            return _merge(config, args)


def _proxied(config: TalosConfig, args: Namespace) -> TalosConfig:
    import attrs

    from talos_resources.rpc.transport.proxy import DIRECT, Proxy

    url = args.url.strip()
    if args.compat is None and url not in {"", DIRECT}:
        Proxy.parse(url, source="proxy-url")
    return config.with_context(attrs.evolve(config.context(args.context), proxy_url=url))


def _new_context(args: Namespace) -> Context:
    from talos_resources.talosconfig.config import Context

    return Context.of(
        args.name,
        ca=_read(args.ca, "CA"),
        crt=_read(args.crt, "certificate"),
        key=_read(args.key, "key"),
    )


def _read(path: str | None, what: str) -> bytes | None:
    if path is None:
        return None
    try:
        return read_whole(Path(path))
    except OSError as error:
        raise ConfigError(f"error reading {what}: {path}: {error.strerror}") from None


def _merge(config: TalosConfig, args: Namespace) -> TalosConfig:
    import attrs

    from talos_resources.talosconfig.config import TalosConfig

    other = TalosConfig.load(args.file)
    merged, renames = config.merged(other)
    for old, new in renames:
        print(f'renamed talosconfig context "{old}" -> "{new}"', file=sys.stderr)
    if args.compat is not None and other.current and other.current not in other.contexts:
        return attrs.evolve(merged, current="")  # as talosctl leaves it
    return merged


def _chosen(config: TalosConfig, args: Namespace) -> list[str]:
    """The contexts that are to be removed."""
    gone = []
    for name in config.matching(args.name):
        if name == config.current:
            print(f'skipping removal of current context "{name}", please change it to another before removing', file=sys.stderr)
            continue
        if args.noconfirm:
            print(f'removing context "{name}"', file=sys.stderr)
        elif not _confirmed(f'remove context "{name}"? (y/N): '):
            continue
        gone.append(name)
    return gone


def _confirmed(question: str) -> bool:
    print(question, end="", flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _table(config: TalosConfig) -> str:
    rows = [("CURRENT", "NAME", "ENDPOINTS", "NODES")]
    for name in sorted(config.contexts, key=str.encode):
        context = config.contexts[name]
        nodes = ",".join(context.nodes[:_SHOWN_NODES]) + ("..." if len(context.nodes) > _SHOWN_NODES else "")
        rows.append(("*" if name == config.current else "", name, ",".join(context.endpoints), nodes))
    widths = [max(len(row[column]) for row in rows) + 3 for column in range(3)]
    return "".join("".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)) + f"{row[3]}\n" for row in rows)


def _info(context: Context, *, output: str, now: datetime) -> str:
    from talos_resources.talosconfig.info import certificate_info, relative_time

    certificate = certificate_info(context)
    remaining = relative_time(certificate.not_after, now=now) if certificate else ""
    expiry = f"{certificate.not_after:%Y-%m-%d}" if certificate else ""
    if output == "text":
        return _info_text(context, roles=certificate.roles if certificate else (), expiry=f"{remaining} ({expiry})" if expiry else "")
    value = {
        "context": context.name,
        "nodes": list(context.nodes),
        "endpoints": list(context.endpoints),
        "roles": list(certificate.roles) if certificate else [],
        "certTTL": remaining,
        "certNotAfter": expiry,
    }
    if output == "yaml":
        from talos_resources.codec.goyaml.emit import dump

        return dump(value)
    from talos_resources.codec.gojson import dumps

    # What a file leaves out is null in talosctl's JSON; endpoints are always written, so they are never null.
    return (
        dumps({key: None if item == [] and key != "endpoints" else item for key, item in value.items()}, indent=2, sort_keys=False) + "\n"
    )


def _info_text(context: Context, *, roles: tuple[str, ...], expiry: str) -> str:
    lines = [
        ("Current context", context.name),
        ("Nodes", ", ".join(context.nodes) or "not defined"),
        ("Endpoints", ", ".join(context.endpoints) or "not defined"),
        ("Roles", ", ".join(roles)),
        ("Certificate expires", expiry),
    ]
    return "".join(f"{f'{name}:':<21}{value}\n" for name, value in lines if value)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f'"{text}" is no time; write it as 2027-01-31 or 2027-01-31T12:00:00Z') from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
