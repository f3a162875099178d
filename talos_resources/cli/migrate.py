"""`machineconfig migrate`: a configuration in the form of another Talos."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Final

from talos_resources.cli.configuration import alone, read_configuration, write_configuration
from talos_resources.cli.parser import Parser
from talos_resources.model.errors import ConfigError

if TYPE_CHECKING:
    from talos_resources.machineconfig.migrate.run import Migration

CHANGES: Final = 3
"""Exit code of --check when something would change."""


def configure(parser: Parser) -> None:
    """Adds the arguments."""
    parser.add_argument("file", metavar="FILE", help="the configuration; - for stdin")
    parser.add_argument("--to", metavar="VERSION", help="whose form is wanted, such as v1.12 (default: the newest)")
    parser.add_argument("--check", action="store_true", help="say what would change, and change nothing; exit code 3 if something would")
    parser.add_argument("--allow-loss", action="store_true", help="leave out what an older Talos cannot say")
    parser.add_argument("-o", "--output", metavar="FILE", help="write here instead of to stdout; it may be the same file")


def run(args: Namespace) -> int:
    """Does it; returns the exit code."""
    with alone(args.file, args.output):
        return _migrate(args)


def _migrate(args: Namespace) -> int:
    from talos_resources.machineconfig.migrate.text import migrate_text
    from talos_resources.releases import NEWEST, known_release

    release = NEWEST if args.to is None else known_release(args.to)
    name = "stdin" if args.file == "-" else args.file
    data = read_configuration(args.file)
    migrated = migrate_text(data, to=release, source=name)
    if args.check:
        return _check(migrated.migration, str(release.contract))
    migration = migrated.migration
    if migration.lost and not args.allow_loss:
        what = ", ".join(migration.lost)
        raise ConfigError(f"{name} says what Talos {release.contract} cannot: {what}; --allow-loss leaves it out, --check tells the rest")
    for line in _notes(migration, keeps_comments=migrated.keeps_comments):
        print(f"note: {line}", file=sys.stderr)
    _write(migrated.text, args.output)
    return 0


def _check(migration: Migration, version: str) -> int:
    """Prints what would become of it."""
    for move in migration.moved:
        print(move)
    for path in migration.lost:
        print(f"{path} is lost: Talos {version} has no place for it")
    for stay in migration.stays:
        print(stay)
    print(summary(migration), file=sys.stderr)
    return CHANGES if migration.moved or migration.lost else 0


def summary(migration: Migration) -> str:
    """All in one line: how much moves, what stays, what is lost."""
    documents = {(move.kind, move.name) for move in migration.moved if move.kind}
    moved = sum(1 for move in migration.moved if move.kind)
    parts = [f"{moved} settings move into {len(documents)} documents" if moved else "no setting moves"]
    parts += [f"{len(migration.lost)} would be lost"] if migration.lost else []
    parts += [str(stay) for stay in migration.stays]
    return "; ".join(parts)


def _notes(migration: Migration, *, keeps_comments: bool) -> list[str]:
    left_out = [str(move) for move in migration.moved if not move.kind]
    lost = [f"{path} is left out" for path in migration.lost]
    comments = [] if keeps_comments else ["the comments are not kept: the text has anchors or other parts that cannot be moved"]
    return [*lost, *left_out, *(str(stay) for stay in migration.stays), *comments]


def _write(text: str, output: str | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    write_configuration(text.encode(), output)
