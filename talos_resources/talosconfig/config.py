"""The talosconfig: which nodes to ask, through which endpoints, and who we are.

A file has named contexts; one of them is the current one. Values here are frozen: an edit gives a new
`TalosConfig`, and `save` writes it. What the file holds beyond what we know (comments, other keys) stays
in the file; see `talosconfig_file`.

Source: reference of the talosconfig format, Talos v1.12.3.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
from immutabledict import immutabledict

from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.talosconfig.plain_form import Fields, read_plain_form

if TYPE_CHECKING:
    from talos_resources.codec.goyaml.nodes import Node

SERVICE_ACCOUNT_PATH: Final = Path("/var/run/secrets/talos.dev/config")
"""Where a Kubernetes pod with access to Talos finds its talosconfig."""


@attrs.frozen(kw_only=True)
class Context:
    """How to reach one cluster, and as whom.

    Certificates and keys are held as the file has them, base64 of PEM; `ca`, `crt` and `key` decode them.
    None of them shows in a repr.
    """

    name: str
    endpoints: tuple[str, ...] = ()
    """Addresses to dial, each with or without a port."""
    nodes: tuple[str, ...] = ()
    """The nodes that are asked unless others are named."""
    ca_base64: str = attrs.field(default="", repr=False)
    crt_base64: str = attrs.field(default="", repr=False)
    key_base64: str = attrs.field(default="", repr=False)
    auth: Mapping[str, Mapping[str, str]] = attrs.field(default=immutabledict(), repr=False)
    """Other ways to log in, by scheme: `siderov1` has an identity, `basic` a user name and a password."""
    cluster: str = ""
    """The name of the cluster where one endpoint serves several."""
    proxy_url: str = attrs.field(default="", repr=False)
    """Of the proxy to go through: `socks5://`, `http://` or `https://`; `direct` for none, empty to go by the environment."""

    @property
    def ca(self) -> bytes | None:
        """PEM of the authority that the nodes' certificates must be signed by; None where the context has none.

        Raises:
            ConfigError: it is not base64.
        """
        return self._decoded("ca", self.ca_base64)

    @property
    def crt(self) -> bytes | None:
        """PEM of the client certificate; None where the context has none.

        Raises:
            ConfigError: it is not base64.
        """
        return self._decoded("crt", self.crt_base64)

    @property
    def key(self) -> bytes | None:
        """PEM of the client key, under the label of the file (see `pki.standard_key_pem`); None where there is none.

        Raises:
            ConfigError: it is not base64.
        """
        return self._decoded("key", self.key_base64)

    @classmethod
    def of(
        cls,
        name: str,
        *,
        endpoints: Iterable[str] = (),
        nodes: Iterable[str] = (),
        ca: bytes | None = None,
        crt: bytes | None = None,
        key: bytes | None = None,
    ) -> Context:
        """A context of PEM texts."""
        return cls(
            name=name,
            endpoints=tuple(endpoints),
            nodes=tuple(nodes),
            ca_base64=_encoded(ca),
            crt_base64=_encoded(crt),
            key_base64=_encoded(key),
        )

    def _decoded(self, key: str, text: str) -> bytes | None:
        if not text:
            return None
        try:
            # Line breaks inside are fine, as with Go's decoder.
            return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
        except (binascii.Error, ValueError):
            raise ConfigError(f'{key} of context "{self.name}" is illegal base64 data; copy it again from where it was issued') from None


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
            data = file.read_bytes()
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
            return cls(current=current, contexts=immutabledict({name: _plain_context(name, fields) for name, fields in found.items()}))
        from talos_resources.codec.goyaml.nodes import compose_all

        documents = compose_all(data, source=source)
        if not documents:
            raise DecodeError("an empty file (EOF) is no talosconfig; remove it, a new one is made when there is none", source=source)
        top = _fields(documents[0], source)
        contexts = {name: _context(name, node, source) for name, node in _fields(top.get("contexts"), source).items()}
        return cls(current=_text(top.get("context"), source), contexts=immutabledict(contexts))

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
            raise ConfigError(f'context "{wanted}" is not defined{self._where()}; it has: {known}')
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
        current = names.get(other.current, self.current)
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


def _plain_context(name: str, fields: Fields) -> Context:
    return Context(
        name=name,
        endpoints=tuple(fields.get("endpoints", ())),
        nodes=tuple(fields.get("nodes", ())),
        ca_base64=str(fields.get("ca", "")),
        crt_base64=str(fields.get("crt", "")),
        key_base64=str(fields.get("key", "")),
        cluster=str(fields.get("cluster", "")),
        proxy_url=str(fields.get("proxy-url", "")),
    )


def _context(name: str, node: Node, source: str) -> Context:
    fields = _fields(node, source)

    def text(key: str) -> str:
        return _text(fields.get(key), source)

    target = text("target")
    return Context(
        name=name,
        # `target` is what very old files call the endpoint.
        endpoints=(*_texts(fields.get("endpoints"), source), *((target,) if target else ())),
        nodes=_texts(fields.get("nodes"), source),
        ca_base64=text("ca"),
        crt_base64=text("crt"),
        key_base64=text("key"),
        auth=immutabledict(
            {
                scheme: immutabledict({key: _text(item, source) for key, item in _fields(part, source).items()})
                for scheme, part in _fields(fields.get("auth"), source).items()
            }
        ),
        cluster=text("cluster"),
        proxy_url=text("proxy-url"),
    )


def _fields(node: Node | None, source: str) -> dict[str, Node]:
    """The keys of a mapping with their nodes; `<<` brings in what the mapping itself does not have."""
    if node is None or node.is_null:
        return {}
    _expect(node, "mapping", source)
    from talos_resources.codec.goyaml.values import pairs_of

    fields: dict[str, Node] = {}
    for key, value in pairs_of(node, source=source):
        _expect(key, "scalar", source)
        fields[key.text] = value
    return fields


def _texts(node: Node | None, source: str) -> tuple[str, ...]:
    if node is None or node.is_null:
        return ()
    _expect(node, "sequence", source)
    return tuple(_text(item, source) for item in node.items)


def _text(node: Node | None, source: str) -> str:
    """A scalar as it is written: a name such as 0123 is no number here."""
    if node is None or node.is_null:
        return ""
    _expect(node, "scalar", source)
    return node.text


def _expect(node: Node, kind: str, source: str) -> None:
    if node.kind != kind:
        raise DecodeError(f"a {kind} belongs here, not a {node.kind}", source=_at(source, node))


def _at(source: str, node: Node) -> str:
    return f"{source}:{node.line}"


def _encoded(pem: bytes | None) -> str:
    return base64.b64encode(pem).decode("ascii") if pem else ""
