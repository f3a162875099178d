"""The talosconfig: which nodes to ask, through which endpoints, and who we are.

A file has named contexts; one of them is the current one. Values here are frozen: an edit gives a new
`TalosConfig`, and `save` writes it. What the file holds beyond what we know (comments, other keys) stays
in the file; see `talos_resources.talosconfig.file`.

Source: reference of the talosconfig format, Talos v1.12.3.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import attrs
from immutabledict import immutabledict

from talos_resources.codec.whole import read_whole
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.model.near import did_you_mean
from talos_resources.talosconfig.context import Context
from talos_resources.talosconfig.plain_form import read_plain_form
from talos_resources.talosconfig.reading import context_of, context_of_plain, fields_of, text_of

__all__ = ["SERVICE_ACCOUNT_PATH", "Context", "TalosConfig", "default_path"]

SERVICE_ACCOUNT_PATH: Final = Path("/var/run/secrets/talos.dev/config")
"""Where a Kubernetes pod with access to Talos finds its talosconfig."""


@attrs.frozen(kw_only=True)
class TalosConfig:
    """The contexts of one file.

    Attributes:
        current: the name of the current context, empty where none is set. It need not exist.
        contexts: by name.
        path: the file it came from, None for one that was made in memory.
    """

    current: str = ""
    contexts: Mapping[str, Context] = immutabledict()
    path: Path | None = None

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> TalosConfig:
        """Read a talosconfig file.

        Args:
            path: the file; None for `default_path()`.

        Raises:
            ConfigError: there is no such file, or it cannot be read.
            DecodeError: it is not a talosconfig; the message has the place, never a secret.
        """
        file = default_path() if path is None else Path(path).expanduser()
        try:
            data = read_whole(file)
        except FileNotFoundError:
            raise ConfigError(f"no talosconfig at {file}; name one with --talosconfig or $TALOSCONFIG") from None
        except OSError as error:
            raise ConfigError(f"cannot read the talosconfig {file}: {error.strerror}") from None
        return attrs.evolve(cls.parse(data, source=str(file)), path=file)

    @classmethod
    def parse(cls, data: str | bytes, *, source: str = "talosconfig") -> TalosConfig:
        """Read the text of a talosconfig.

        Raises:
            DecodeError: it is empty, not YAML, or has lists where names belong.
        """
        if isinstance(data, bytes) and (plain := read_plain_form(data)) is not None:
            current, found = plain
            return cls(current=current, contexts=immutabledict({name: context_of_plain(name, fields) for name, fields in found.items()}))
        from talos_resources.codec.goyaml.nodes import compose_all

        documents = compose_all(data, source=source)
        if not documents:
            raise DecodeError("an empty file (EOF) is no talosconfig; remove it, a new one is made when there is none", source=source)
        top = fields_of(documents[0], source)
        contexts = {name: context_of(name, node, source) for name, node in fields_of(top.get("contexts"), source).items()}
        return cls(current=text_of(top.get("context"), source), contexts=immutabledict(contexts))

    def context(self, name: str | None = None) -> Context:
        """A context.

        Args:
            name: None for the current one.

        Raises:
            ConfigError: there is no such context, or none is current.
        """
        wanted = self.current if name is None else name
        if not wanted:
            raise ConfigError(f"no context is set{self._where()}; choose one with `config context NAME` or --context")
        found = self.contexts.get(wanted)
        if found is None:
            known = ", ".join(sorted(self.contexts)) or "none"
            raise ConfigError(f'context "{wanted}" is not defined{self._where()}; it has: {known}{did_you_mean(wanted, self.contexts)}')
        return found

    def with_current(self, name: str) -> TalosConfig:
        """The same with another current context.

        Raises:
            ConfigError: there is no such context.
        """
        return attrs.evolve(self, current=self.context(name).name)

    def with_context(self, context: Context) -> TalosConfig:
        """The same with this context, in place of one of its name."""
        return attrs.evolve(self, contexts=immutabledict({**self.contexts, context.name: context}))

    def without(self, names: Iterable[str]) -> TalosConfig:
        """The same without these contexts."""
        gone = set(names)
        return attrs.evolve(self, contexts=immutabledict({name: ctx for name, ctx in self.contexts.items() if name not in gone}))

    def matching(self, pattern: str) -> tuple[str, ...]:
        """Names of contexts that a pattern with `*` and `?` matches, sorted.

        Raises:
            ConfigError: there are no contexts, or none matches.
        """
        if not self.contexts:
            raise ConfigError(f"no contexts defined{self._where()}")
        found = tuple(sorted(name for name in self.contexts if fnmatch.fnmatchcase(name, pattern)))
        if not found:
            raise ConfigError(f'no contexts matched "{pattern}"{self._where()}; it has: {", ".join(sorted(self.contexts))}')
        return found

    def merged(self, other: TalosConfig) -> tuple[TalosConfig, tuple[tuple[str, str], ...]]:
        """Take over all contexts of another file; its current context becomes the current one.

        A context whose name is taken gets the next free `NAME-1`, `NAME-2`, …

        Returns:
            The new configuration, and the renames as (old name, new name).
        """
        contexts = dict(self.contexts)
        names: dict[str, str] = {}
        for name in sorted(other.contexts):
            new, number = name, 0
            while new in contexts:
                number += 1
                new = f"{name}-{number}"
            names[name] = new
            contexts[new] = attrs.evolve(other.contexts[name], name=new)
        current = names.get(other.current, self.current) if other.current else self.current
        renames = tuple((old, new) for old, new in names.items() if old != new)
        return attrs.evolve(self, contexts=immutabledict(contexts), current=current), renames

    def _where(self) -> str:
        return f" in {self.path}" if self.path is not None else ""


def default_path() -> Path:
    """The talosconfig when none is named.

    `$TALOSCONFIG`, else `~/.talos/config`; where that is missing and a pod's service account file exists, that one.
    """
    named = os.environ.get("TALOSCONFIG")
    if named:
        return Path(named).expanduser()
    home = Path.home() / ".talos" / "config"
    if not home.exists() and SERVICE_ACCOUNT_PATH.exists():
        return SERVICE_ACCOUNT_PATH
    return home
