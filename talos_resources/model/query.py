"""Label and id queries, by COSI's rules.

Several queries are OR-ed, and no query matches everything. The text form is that of kubectl's selectors;
`talos_resources.model.selector` reads it.
Source: COSI runtime v1.16.2, label and id queries (checked against it case by case).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable

from talos_resources.model.errors import QueryError
from talos_resources.model.labels import LabelQuery
from talos_resources.model.metadata import Metadata

Labels = str | LabelQuery | Iterable[LabelQuery]
"""What operations take: a text such as `zone=a,!edge`, one query, or several of which one must match."""

Matcher = Callable[[Metadata], bool]


def as_queries(labels: Labels) -> tuple[LabelQuery, ...]:
    """The queries that `labels` stands for; none if everything matches.

    Raises:
        QueryError: a text that cannot be understood.
    """
    if not labels:
        return ()
    if isinstance(labels, str):
        from talos_resources.model.selector import parse_labels

        queries = parse_labels(labels)
    else:
        queries = (labels,) if isinstance(labels, LabelQuery) else tuple(labels)
    return () if any(not query.terms for query in queries) else queries


def matcher(labels: Labels = (), ids: str | None = None) -> Matcher | None:
    """A predicate over metadata for these queries; None when everything matches.

    Args:
        labels: see `Labels`.
        ids: a regular expression (RE2 syntax) searched anywhere in the id.

    Raises:
        QueryError: a query that cannot be understood.
    """
    queries = as_queries(labels)
    search = None if ids is None else id_search(ids)
    if not queries:
        return None if search is None else lambda metadata: search(metadata.id)
    if len(queries) == 1:
        every = queries[0].matches
        if search is None:
            return lambda metadata: every(metadata.labels)
        return lambda metadata: search(metadata.id) and every(metadata.labels)
    return lambda metadata: (search is None or search(metadata.id)) and any(query.matches(metadata.labels) for query in queries)


@functools.lru_cache(maxsize=64)
def id_search(pattern: str) -> Callable[[str], bool]:
    """A function that says whether the pattern occurs in an id; its cost is linear in the id.

    Raises:
        QueryError: the pattern is no RE2 regular expression.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else error
        raise QueryError(f"{pattern!r} is no regular expression (RE2 syntax): {reason}") from None
    return lambda text: compiled.search(text) is not None
