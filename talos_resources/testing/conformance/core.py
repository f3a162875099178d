"""get, list, create, update, destroy: the rules in the order in which they are checked."""

# ruff: noqa: D102 - the name of a test says its rule

from __future__ import annotations

import attrs
import pytest

from talos_resources.model.errors import (
    AlreadyExistsError,
    ConflictError,
    NotFoundError,
    OwnerConflictError,
    PendingFinalizersError,
    PhaseConflictError,
    VersionConflictError,
)
from talos_resources.model.kind import untyped
from talos_resources.model.metadata import Phase
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus, PeerState
from talos_resources.state.contract import State
from talos_resources.testing.conformance.parts import PATHS, Conformance, path, told


class CoreConformance(Conformance):
    """The calls of the contract."""

    def test_get_of_nothing_is_not_found(self, state: State) -> None:
        with pytest.raises(NotFoundError, match=r"resource os/path\(default/a@undefined\) doesn't exist") as caught:
            state.get(PATHS, "a")
        assert caught.value.reference.id == "a"

    def test_create_returns_what_is_stored(self, state: State) -> None:
        given = path("a", labels={"l": "1"}, annotations={"n": "2"}, finalizers=("f", "g"))
        stored = state.create(given)
        assert stored.version == 1
        assert stored.phase is Phase.RUNNING
        assert not stored.metadata.created.is_zero
        assert (dict(stored.labels), dict(stored.metadata.annotations)) == ({"l": "1"}, {"n": "2"})
        assert stored.metadata.finalizers == ("f", "g")
        assert state.get(PATHS, "a") == stored
        assert given.version == 0, "the argument is left alone"

    def test_create_sets_version_1_whatever_it_is_given(self, state: State) -> None:
        assert state.create(path("a").with_metadata(version=7)).version == 1

    def test_create_of_what_is_there(self, state: State) -> None:
        first = state.create(path("a", labels={"l": "1"}))
        with pytest.raises(AlreadyExistsError, match="already exists"):
            state.create(path("a", labels={"l": "2"}))
        assert state.get(PATHS, "a") == first

    def test_create_sets_the_owner(self, state: State) -> None:
        assert state.create(path("a"), owner="me").owner == "me"
        assert state.create(path("b", owner="me"), owner="me").owner == "me"
        assert state.create(path("c", owner="me")).owner == "me"

    def test_create_checks_the_owner_before_existence(self, state: State) -> None:
        state.create(path("a"))
        with pytest.raises(OwnerConflictError, match='is owned by "me"') as caught:
            state.create(path("a", owner="me"), owner="you")
        assert caught.value.owner == "me"

    def test_spec_survives(self, state: State) -> None:
        spec = KubeSpanPeerStatus(label="cp-1", state=PeerState.UP, receive_bytes=2**40)
        state.create(Resource.new(spec, id="a"))
        assert state.get(KubeSpanPeerStatus, "a").spec == spec

    def test_update(self, state: State) -> None:
        first = state.create(path("a"))
        second = state.update(first.with_labels(l="1"))
        assert second.version == 2
        assert second.labels == {"l": "1"}
        assert second.metadata.created == first.metadata.created
        assert second.metadata.updated >= first.metadata.created
        assert state.get(PATHS, "a") == second
        assert state.update(second.with_labels(l="2")).version == 3

    def test_update_keeps_the_creation_time_and_the_owner(self, state: State) -> None:
        first = state.create(path("a"), owner="me")
        changed = first.with_metadata(created=Timestamp.from_seconds(1), owner="you")
        second = state.update(changed, owner="me")
        assert second.metadata.created == first.metadata.created
        assert second.owner == "me"

    def test_update_of_nothing(self, state: State) -> None:
        with pytest.raises(NotFoundError, match="doesn't exist"):
            state.update(path("a"))

    def test_update_checks_owner_then_version_then_phase(self, state: State) -> None:
        first = state.create(path("a"), owner="me")
        stale = first.with_metadata(version=5)
        with pytest.raises(OwnerConflictError):
            state.update(stale, owner="you", expected_phase=Phase.TEARING_DOWN)
        with pytest.raises(OwnerConflictError):
            state.update(first, owner="")
        with pytest.raises(VersionConflictError) as caught:
            state.update(stale, owner="me", expected_phase=Phase.TEARING_DOWN)
        assert (caught.value.expected, caught.value.actual) == (5, 1)
        with pytest.raises(PhaseConflictError, match="is not in phase tearingDown"):
            state.update(first, owner="me", expected_phase=Phase.TEARING_DOWN)
        assert state.get(PATHS, "a") == first

    def test_version_conflict_says_both_versions(self, state: State) -> None:
        first = state.create(path("a"))
        state.update(first.with_labels(l="1"))
        with pytest.raises(VersionConflictError, match='update conflict: expected version "1", actual version "2"'):
            state.update(first.with_labels(l="2"))

    def test_update_expects_running_unless_told(self, state: State) -> None:
        torn = state.update(state.create(path("a")).with_metadata(phase=Phase.TEARING_DOWN))
        with pytest.raises(PhaseConflictError, match="is not in phase running"):
            state.update(torn.with_labels(l="1"))
        torn = state.update(torn.with_labels(l="1"), expected_phase=Phase.TEARING_DOWN)
        torn = state.update(torn.with_labels(l="2"), expected_phase=None)
        assert (torn.version, torn.phase) == (4, Phase.TEARING_DOWN)

    def test_destroy(self, state: State) -> None:
        state.create(path("a"))
        state.destroy(PATHS, "a")
        with pytest.raises(NotFoundError):
            state.get(PATHS, "a")
        assert state.list(PATHS) == ()
        assert state.create(path("a")).version == 1

    def test_destroy_of_nothing(self, state: State) -> None:
        with pytest.raises(NotFoundError, match="doesn't exist"):
            state.destroy(PATHS, "a")

    def test_destroy_checks_owner_then_finalizers(self, state: State) -> None:
        state.create(path("a", finalizers=("f", "g")), owner="me")
        with pytest.raises(OwnerConflictError):
            state.destroy(PATHS, "a")
        with pytest.raises(PendingFinalizersError, match=r"has pending finalizers \[f g\]") as caught:
            state.destroy(PATHS, "a", owner="me")
        assert tuple(caught.value.finalizers) == ("f", "g")
        assert state.get(PATHS, "a").version == 1

    def test_list_is_sorted_by_the_bytes_of_ids(self, state: State) -> None:
        # In UTF-16 the last two change places.
        ids = ["", " ", "A", "Z", "a", "a/b", "aa", "b", "é", "\uffee", "\U00010000"][1:]
        for name in (*ids[5:], *ids[:5]):
            state.create(path(name))
        assert [resource.id for resource in state.list(PATHS)] == ids

    def test_list_of_nothing_is_empty(self, state: State) -> None:
        assert state.list(PATHS) == ()

    def test_a_list_stays_as_it_was(self, state: State) -> None:
        first = state.create(path("a"))
        before = state.list(PATHS)
        state.update(first.with_labels(l="1"))
        state.create(path("b"))
        assert before == (first,)
        assert [resource.version for resource in state.list(PATHS)] == [2, 1]

    def test_namespaces_and_types_are_apart(self, state: State) -> None:
        others = untyped("os/other", "default")
        state.create(path("a", labels={"in": "default"}))
        state.create(path("a", namespace="else", labels={"in": "else"}))
        state.create(Resource.new(path("a").spec, id="a", kind=others, labels={"in": "others"}))
        assert state.get(PATHS, "a").labels["in"] == "default"
        assert state.get(PATHS, "a", namespace="else").labels["in"] == "else"
        assert state.get(others, "a").labels["in"] == "others"
        state.destroy(PATHS, "a", namespace="else")
        assert len(state.list(PATHS)) == len(state.list(others)) == 1
        assert state.list(PATHS, namespace="else") == ()

    def test_a_refused_write_changes_nothing_and_is_not_told(self, state: State) -> None:
        first = state.create(path("a", finalizers=("f",)), owner="me")
        with state.watch_kind(PATHS, bootstrap=False) as events:
            refused = (
                lambda: state.create(path("a")),
                lambda: state.create(path("x", owner="me"), owner="you"),
                lambda: state.update(first, owner="you"),
                lambda: state.update(first.with_metadata(version=9), owner="me"),
                lambda: state.update(first, owner="me", expected_phase=Phase.TEARING_DOWN),
                lambda: state.destroy(PATHS, "a", owner="you"),
                lambda: state.destroy(PATHS, "a", owner="me"),
            )
            for write in refused:
                with pytest.raises(ConflictError):
                    write()
            state.create(path("fence"))
            assert told(events, 1) == ["+fence1"]
        assert state.get(PATHS, "a") == first

    def test_finalizers_are_a_set(self, state: State) -> None:
        first = state.create(path("a", finalizers=("f", "g")))
        turned = attrs.evolve(first, metadata=attrs.evolve(first.metadata, finalizers=("g", "f")))
        assert turned.same_content(first)
        assert first.with_finalizers("f", "f").metadata.finalizers == ("f",)

    def test_odd_texts_survive(self, state: State) -> None:
        given = path("a/b c%25\\é\n", labels={"k /": "", "": "v\t\U0001f600"}, annotations={"x": "y: z"}, finalizers=("f 1", ""))
        stored = state.create(given)
        assert state.get(PATHS, given.id) == stored
        assert (stored.labels, stored.metadata.annotations) == (given.labels, given.metadata.annotations)
        assert stored.metadata.finalizers == given.metadata.finalizers
