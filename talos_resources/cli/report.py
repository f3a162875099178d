"""`report`: one file for a ticket or a colleague."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from typing import Final

from talos_resources.cli import options, progress, recording
from talos_resources.cli.parser import Parser, UsageError

HELP: Final = "write one file that says what is wrong, for a ticket or a colleague"
DESCRIPTION: Final = """\
Write what is wrong and what to do first (see `doctor`), the broken links from both ends with endpoints,
handshakes and counters, a picture of the mesh, versions and settings of all nodes, and, of a recording, what
changed. Secrets are never in it; the page loads nothing from elsewhere."""
EXAMPLES: Final = """\
-n 10.0.0.1,10.0.0.2,10.0.0.3 > report.md
--from support.zip -o html > report.html
--from sqlite:mesh.db --since 3h -o html > report.html
"""


def configure(parser: Parser) -> None:
    """Adds the form and the span."""
    parser.add_argument("-o", "--output", choices=("md", "html"), default="md", help="default: md")
    parser.add_argument("--since", metavar="TIME", help="what changed since then, of a recording: 3h, 02:14, 2026-11-26 02:14:31 (UTC)")
    options.add_at(parser)
    options.add_source(parser)


def run(args: Namespace) -> int:
    """Examines and writes; the exit code tells of no findings, that is for `doctor`."""
    from talos_resources.insight.doctor import examine
    from talos_resources.insight.report import report
    from talos_resources.model.timestamp import Timestamp
    from talos_resources.sources.evidence import evidence
    from talos_resources.sources.looking_back import recorded
    from talos_resources.views.report_forms import report_html, report_markdown

    if args.output == "html" and sys.stdout.isatty():
        raise UsageError("a page is nothing to read here; redirect it: report -o html > report.html")
    since = recording.since_of(args)
    with options.opened(args) as (cluster, selected):
        wanted = tuple(selected) if args.nodes else cluster.nodes
        if since is not None:
            recorded(cluster, wanted[0])  # who keeps no past cannot say what changed
        track, track_past = progress.nodes_of(cluster.source, len(wanted)), progress.past_of(cluster.source)
        found = evidence(cluster, wanted, track=track, track_past=track_past, since=since)
        with progress.busy(f"looking for causes among {len(found.views)} nodes"):
            made = report(found, examine(found), source=cluster.source, made=Timestamp(time.time_ns()), since=since)
            text = report_html(made) if args.output == "html" else report_markdown(made)
        sys.stdout.write(text)
    return 0
