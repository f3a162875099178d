"""A decoder that expects fields in the order in which every encoder writes them, written for each class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeVar, cast

from talos_resources.codec.protowire import LEN, VARINT, read_varint
from talos_resources.model.build import twin, written

T = TypeVar("T")


class Step(NamedTuple):
    """How `in_order` reads a field.

    Attributes:
        number: of the field.
        name: the attribute.
        read: its payload, or its number if it is a `varint`, → the value.
        default: the value of a field that was not sent; `REQUIRED` if it has to be.
        varint: whether it is a number.
        collect: what makes the value of a repeated field of a list of its items.
    """

    number: int
    name: str
    read: Callable[[Any], Any]
    default: Any
    varint: bool = False
    collect: Callable[[list[Any]], Any] | None = None


REQUIRED: Final = object()


def in_order(cls: type[T], steps: Sequence[Step], otherwise: Callable[[bytes], T], *, empty: str = "") -> Callable[[bytes], T]:
    """A decoder that expects the fields in the order in which every encoder writes them, and is twice as fast for that.

    Args:
        cls: a class that `twin` takes.
        steps: one for each field, by number.
        otherwise: gets what is not as expected: fields that are unknown, out of order or broken.
        empty: an attribute that is None.
    """
    if not steps or steps[-1].number > 15:  # a tag of two bytes
        return otherwise
    names: dict[str, Any] = {"cls": cls, "opened": twin(cls), "new": object.__new__, "otherwise": otherwise, "read_varint": read_varint}
    lines = [
        "def function(data):",
        "    try:",
        "        end = len(data)",
        "        made = new(opened)",
        "        position, key = 0, data[0] if end else 0",
    ]
    for step in steps:
        names |= {f"{what}_{step.name}": getattr(step, what) for what in ("read", "default", "collect")}
        lines += [f"        {line}" for line in _lines(step)]
    lines += [
        "        if position == end:",
        *([f"            made.{empty} = None"] if empty else []),
        "            made.__class__ = cls",
        "            return made",
        "    except (LookupError, ValueError):",
        "        pass",
        "    return otherwise(data)",
    ]
    return cast("Callable[[bytes], T]", written(lines, **names))


def _lines(step: Step) -> list[str]:
    """The lines that read a field, or take its default, and look at the next tag."""
    name, key = step.name, step.number << 3 | (VARINT if step.varint else LEN)
    read = ["position += 2", "size = data[position - 1]", "if size > 127:", "    size, position = read_varint(data, position - 1)"]
    value = f"read_{name}(size)"
    if not step.varint:
        read.append("start, position = position, position + size")
        value = f"read_{name}(data[start:position])"
    following = "key = data[position] if position < end else 0"
    absent = "return otherwise(data)" if step.default is REQUIRED else f"made.{name} = default_{name}"
    if step.collect is None:
        body = [f"    {line}" for line in (*read, f"made.{name} = {value}", following)]
        return [f"if key == {key}:", *body, "else:", f"    {absent}"]
    body = [f"        {line}" for line in (*read, f"found.append({value})", following)]
    collect = f"    made.{name} = collect_{name}(found)"
    return [f"if key == {key}:", "    found = []", f"    while key == {key}:", *body, collect, "else:", f"    {absent}"]
