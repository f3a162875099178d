"""`get`: prints resources, or follows them."""

from __future__ import annotations

from argparse import Namespace

from talos_resources.cli import options
from talos_resources.cli.compat import add_compat
from talos_resources.cli.parser import Parser, UsageError
from talos_resources.model.errors import ConfigError, QueryError
from talos_resources.views import output

HELP = "Print resources, or follow them"
DESCRIPTION = """\
Print the resources of a type, or of several, or one of them, or follow them with --watch. `rd` lists the types."""
EXAMPLES = """\
kubespanpeerstatuses
kubespanpeerspecs -n 172.20.0.2,172.20.0.3
members talos-default-worker-1 -o yaml
members,kubespanpeerstatuses --sort-by version
kubespanpeerstatuses -o 'jsonpath={.spec.endpoint}'
kubespanpeerstatuses -o custom-columns=PEER:.spec.label,BYTES:.spec.receiveBytes --sort-by .spec.receiveBytes
affiliates --from support.zip -l 'zone=a,!edge'
kubespanpeerstatuses -w
kubespanpeerstatuses --from sqlite:mesh.db --at -10m
"""


def configure(parser: Parser) -> None:
    """Adds the type, the id and `add_arguments`."""
    parser.add_argument("type", metavar="TYPE[,TYPE…]", help="any name of the type: plural, singular, alias or in full")
    add_arguments(parser)


def add_arguments(parser: Parser) -> None:
    """Adds what selects resources and says how to print them."""
    parser.add_argument("id", metavar="ID", nargs="?", help="only this one; of a peer its label will do, of others their host name")
    parser.add_argument("--namespace", metavar="NAME", help="instead of the type's own")
    parser.add_argument("-l", "--labels", metavar="QUERY", default="", help="only those whose labels match: zone=a,!edge,size>2gb")
    parser.add_argument("--id-match", metavar="REGEXP", help="only those in whose id this is found (RE2 syntax)")
    parser.add_argument("-w", "--watch", action="store_true", help="go on printing what changes, until Ctrl-C")
    parser.add_argument("-o", "--output", metavar="FORMAT", default="table", help=f"{', '.join(output.FORMATS)} (default: table)")
    parser.add_argument(
        "--sort-by", metavar="COLUMN", help="the heading of a column, or an expression such as .spec.mtu; no value comes last"
    )
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="auto: on a terminal, unless NO_COLOR is set")
    add_compat(parser, "print as talosctl does, also where we do better, such as the style of YAML of its release")
    options.add_at(parser)
    options.add_source(parser)


def run(args: Namespace) -> int:
    """Prints what is there, or what happens."""
    if args.id is not None and (args.labels or args.id_match is not None):
        raise UsageError("an ID names one resource; leave it out, or --labels and --id-match")
    if args.at is not None and args.watch:
        raise UsageError("--at looks at the past, --watch at what comes; leave one out")
    if args.sort_by is not None and args.watch:
        raise UsageError("--sort-by orders what is there, --watch shows what comes as it comes; leave one out")
    form = _form(args)
    _check_order(args.sort_by)
    if args.watch:
        from talos_resources.cli.get_watch import watch as show
    else:
        from talos_resources.cli.get_list import list_all as show
    with options.opened(args) as (cluster, selected):
        return show(args, form, cluster, selected)


def _form(args: Namespace) -> output.Output:
    name, _, path = args.output.partition("=")
    try:
        form = output.output_of_template(_text(path)) if name == "custom-columns-file" else output.parse_output(args.output)
    except QueryError as error:
        raise UsageError(error.message) from None
    return form._replace(compat=args.compat)


def _check_order(text: str | None) -> None:
    if text is None:
        return
    from talos_resources.views.ordering import Order

    try:
        Order.parse(text)
    except QueryError as error:
        raise UsageError(error.message) from None


def _text(path: str) -> str:
    from pathlib import Path

    from talos_resources.codec.whole import read_whole

    if not path:
        raise UsageError("custom-columns-file needs a file, such as custom-columns-file=columns.txt")
    try:
        return read_whole(Path(path)).decode()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigError(f"cannot read {path}: {reason}") from None
