"""What a loss of nodes means for etcd, whose members are the control planes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.words import some


def control_planes(case: Case) -> list[int]:
    """The control planes that discovery knows."""
    return [node.index for node in case.nodes if case.is_control_plane(node.index)]


def after_loss(case: Case, lost: Iterable[int]) -> Iterator[str]:
    """What is left of the quorum without some nodes; nothing if none of them is a control plane."""
    members = control_planes(case)
    gone = set(lost) & set(members)
    if not gone:
        return
    left, needed = len(members) - len(gone), len(members) // 2 + 1
    verdict = "kept" if left >= needed else "lost: the Kubernetes API stops writing"
    spare = "" if left != needed else "; no further control plane may fail"
    yield f"etcd: {left} of {some(len(members), 'control plane')} left, {needed} needed: quorum {verdict}{spare}"


def between_parts(case: Case, parts: Sequence[Sequence[int]]) -> Iterator[str]:
    """In which part of a cut there is a quorum."""
    members = control_planes(case)
    if len(members) < 2:
        return
    needed = len(members) // 2 + 1
    counts = [sum(index in part for index in members) for part in parts]
    holder = next((number for number, count in enumerate(counts) if count >= needed), None)
    lost = [
        case.names(index for index in part if index in members) for part, count in zip(parts, counts, strict=True) if 0 < count < needed
    ]
    if holder is None:
        yield f"etcd: no part has {needed} of {len(members)} control planes: no quorum, unless members reach each other outside of the mesh"
    elif lost:
        yield f"etcd: {needed} of {len(members)} control planes needed: {' and '.join(lost)} without quorum, if etcd uses the same paths"


def before_stopping(case: Case, nodes: Iterable[int]) -> tuple[str, ...]:
    """What to type before nodes are rebooted; nothing if none of them is a control plane."""
    members = control_planes(case)
    stopped = sorted(set(nodes) & set(members))
    if not stopped:
        return ()
    left, needed = len(members) - 1, len(members) // 2 + 1
    if len(members) == 1:
        return (f"# {case.name(stopped[0])} is the only control plane: the Kubernetes API is away while it reboots",)
    other = next((index for index in members if index not in stopped), next(index for index in members if index != stopped[0]))
    count = "one at a time, and " if len(stopped) > 1 else ""
    verdict = f"{needed} of {len(members)} are needed" if left >= needed else f"with {left} of {len(members)} there is no quorum meanwhile"
    be = "is a control plane" if len(stopped) == 1 else "are control planes"
    return (
        f"talosctl -n {case.asked(other)} etcd status   # {case.names(stopped)} {be}: {count}only while all others are healthy, {verdict}",
    )


def removal(case: Case, index: int) -> tuple[str, ...]:
    """What to type when a node is gone for good, in order."""
    name = case.name(index)
    if not case.is_control_plane(index):
        return (f"kubectl get node {name}   # only when the machine is known to be gone: kubectl delete node {name}",)
    other = next((each for each in control_planes(case) if each != index and each in case.life.fresh), None)
    via = case.asked(other) if other is not None else "ANOTHER_CONTROL_PLANE"
    return (
        f"talosctl -n {via} etcd status   # the others healthy? then, only when the machine is known to be gone:",
        f"talosctl -n {via} etcd members && talosctl -n {via} etcd remove-member MEMBER_ID",
    )
