"""Label and id queries of lists."""

# ruff: noqa: D102 - the name of a test says its rule

from __future__ import annotations

import pytest

from talos_resources.model.errors import AmbiguousNameError, QueryError, UnknownNameError
from talos_resources.model.labels import LabelOp, LabelQuery, LabelTerm
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus, Member
from talos_resources.state.contract import State
from talos_resources.testing.conformance.parts import PATHS, Conformance, path

_LABELS = {
    "a": {"zone": "a", "n": "5", "edge": ""},
    "b": {"zone": "b", "n": " 10 "},
    "c": {"zone": "c", "n": "1Ki"},
    "d": {"n": "x"},
    "e": {},
}

# Queries and the ids of what they match; the numbers are those of the rules in the documentation.
_CASES = (
    ("", "abcde"),
    ("zone", "abc"),
    ("!zone", "de"),
    ("zone=a", "a"),
    ("zone==a", "a"),
    ("zone!=a", "bcde"),
    ("edge=", "a"),
    ("zone in (a,c)", "ac"),
    ("zone notin (a,c)", "bde"),
    ("zone<b", "a"),
    ("zone<=b", "ab"),
    ("zone>b", "c"),
    ("zone>=b", "bc"),
    ("n<10", "a"),
    ("n<=10", "ab"),
    ("n>10", "c"),
    ("n>=10", "bc"),
    ("n<1k", "ab"),
    ("n<=1KiB", "abc"),
    ('n<"5"', "bc"),
    ("zone,n<100", "ab"),
    ("zone=a,edge", "a"),
    ("zone=b,edge", ""),
    ("zone=a||zone=b", "ab"),
    ("zone=a||!zone", "ade"),
)


class QueryConformance(Conformance):
    """What lists with queries find."""

    @pytest.fixture
    def labelled(self, state: State) -> State:
        """A state with some labels."""
        for name, labels in reversed(_LABELS.items()):
            state.create(path(name, labels=labels))
        return state

    @pytest.mark.parametrize(("query", "ids"), _CASES, ids=[query or "all" for query, _ in _CASES])
    def test_label_query(self, labelled: State, query: str, ids: str) -> None:
        assert "".join(resource.id for resource in labelled.list(PATHS, labels=query)) == ids

    def test_a_term_without_a_value_is_false(self, labelled: State) -> None:
        for op in set(LabelOp) - {LabelOp.EXISTS}:
            query = LabelQuery((LabelTerm("zone", op),))
            assert labelled.list(PATHS, labels=query) == ()

    def test_queries_follow_updates(self, labelled: State) -> None:
        changed = labelled.update(labelled.get(PATHS, "a").with_labels(zone="b"))
        assert [resource.id for resource in labelled.list(PATHS, labels="zone=b")] == ["a", "b"]
        assert labelled.list(PATHS, labels="zone=a") == ()
        labelled.update(changed.without_labels("zone"))
        labelled.destroy(PATHS, "b")
        assert labelled.list(PATHS, labels="zone=b") == ()

    def test_id_query_is_searched_anywhere(self, state: State) -> None:
        for name in ("abc", "bcd", "xay"):
            state.create(path(name, labels={"l": name[0]}))
        assert [resource.id for resource in state.list(PATHS, ids="a")] == ["abc", "xay"]
        assert [resource.id for resource in state.list(PATHS, ids="^a|d$")] == ["abc", "bcd"]
        assert [resource.id for resource in state.list(PATHS, ids="a", labels="l=x")] == ["xay"]
        assert state.list(PATHS, ids="nothing") == ()

    def test_a_bad_query_is_told(self, state: State) -> None:
        for there_are_any in (False, True):
            with pytest.raises(QueryError, match="regular expression"):
                state.list(PATHS, ids="(")
            with pytest.raises(QueryError, match="label query"):
                state.list(PATHS, labels="a=b=c")
            if not there_are_any:
                state.create(path("a"))

    def test_a_resource_is_found_by_what_people_call_it(self, state: State) -> None:
        state.create(Resource.new(KubeSpanPeerStatus(label="worker-1"), id="abc="))
        state.create(Resource.new(KubeSpanPeerStatus(label="worker-2"), id="def="))
        assert state.get(KubeSpanPeerStatus, label="worker-1").id == "abc="
        assert state.get(state.kind("kubespanpeerstatuses"), label="worker-2", namespace="kubespan").id == "def="
        with pytest.raises(UnknownNameError, match=r'is called "worker-3"; there are worker-[12], worker-[12]$'):
            state.get(KubeSpanPeerStatus, label="worker-3")
        with pytest.raises(UnknownNameError, match="none there has a name"):
            state.get(PATHS, label="worker-1")
        with pytest.raises(TypeError, match="or label="):
            state.get(KubeSpanPeerStatus)
        with pytest.raises(TypeError, match="an id or a label"):
            state.get(KubeSpanPeerStatus, "abc=", label="worker-1")

    def test_what_several_are_called_is_ambiguous(self, state: State) -> None:
        for key in ("abc=", "def="):
            state.create(Resource.new(KubeSpanPeerStatus(label="worker-1"), id=key))
        with pytest.raises(AmbiguousNameError, match=r'2 KubeSpanPeerStatuses.* are called "worker-1": abc=, def=') as caught:
            state.get(KubeSpanPeerStatus, label="worker-1")
        assert caught.value.candidates == ("abc=", "def=")

    def test_a_host_name_may_be_shortened(self, state: State) -> None:
        for name in ("cp-1.a.example.com", "cp-2.a.example.com", "cp-2.b.example.com", "cp-3", "cp-3.a.example.com", "10.5.0.2"):
            state.create(Resource.new(Member(hostname=name), id=f"of-{name}"))
        assert state.get(Member, label="cp-1").id == "of-cp-1.a.example.com"
        assert state.get(Member, label="cp-2.b.example.com").id == "of-cp-2.b.example.com"
        assert state.get(Member, label="cp-3").id == "of-cp-3", "the whole name goes first"
        with pytest.raises(AmbiguousNameError, match=r"of-cp-2\.a\.example\.com, of-cp-2\.b\.example\.com"):
            state.get(Member, label="cp-2")
        with pytest.raises(UnknownNameError):
            state.get(Member, label="10")
