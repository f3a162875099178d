from __future__ import annotations

import ipaddress
from collections import Counter

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from netaddr import IPSet

from talos_resources.kubespan.constants import PEER_DOWN_S
from talos_resources.kubespan.manager import plan
from talos_resources.kubespan.merge import merge_affiliates
from talos_resources.kubespan.peer_specs import peer_specs
from talos_resources.kubespan.peer_state import next_endpoint, peer_state, with_endpoint
from talos_resources.kubespan.prefixes import minimal_cover
from talos_resources.kubespan.wireguard import PeerReading
from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources.cluster.affiliate import Affiliate, KubeSpanAffiliate
from talos_resources.resources.kubespan.config import KubeSpanConfig
from talos_resources.resources.kubespan.peer_spec import KubeSpanPeerSpec
from talos_resources.resources.kubespan.peer_status import KubeSpanPeerStatus, PeerState

S = 1_000_000_000
NOW = Timestamp.parse("2026-01-01T00:00:00Z")

# Few addresses, so that peers often want the same ones.
addresses = st.one_of(
    st.integers(0, 40).map(lambda n: ipaddress.IPv4Address(0x0A000000 + n)),
    st.integers(0, 40).map(lambda n: ipaddress.IPv6Address((0xFD << 120) + n)),
)
prefixes = st.tuples(addresses, st.integers(0, 6)).map(lambda drawn: IPPrefix(drawn[0], drawn[0].max_prefixlen - drawn[1]))
endpoints = st.integers(1, 5).map(lambda n: AddrPort(ipaddress.IPv4Address(0xC0000200 + n), 51820))


@st.composite
def affiliates(draw: st.DrawFn) -> Affiliate:
    return Affiliate(
        node_id=draw(st.sampled_from("abcdefgh")),
        nodename=draw(st.sampled_from(["", "x", "y"])),
        addresses=tuple(draw(st.lists(addresses, max_size=3))),
        kubespan=KubeSpanAffiliate(
            public_key=draw(st.sampled_from(["", "k1", "k2", "k3", "k4", "k5"])),
            address=draw(st.one_of(st.none(), addresses)),
            additional_addresses=tuple(draw(st.lists(prefixes, max_size=3))),
            endpoints=tuple(draw(st.lists(endpoints, max_size=4))),
            exclude_advertised_networks=tuple(draw(st.lists(prefixes, max_size=1))),
        ),
    )


clusters = st.lists(affiliates(), max_size=8).map(lambda found: [(f"id{number}", affiliate) for number, affiliate in enumerate(found)])


def networks(spec: KubeSpanPeerSpec) -> IPSet:
    return IPSet([str(prefix) for prefix in spec.allowed_ips])


@settings(max_examples=100, deadline=None)
@given(clusters)
def test_no_two_peers_share_an_address(cluster: list[tuple[str, Affiliate]]) -> None:
    taken = IPSet()
    for spec in peer_specs(cluster, "local").values():
        mine = networks(spec)
        assert taken.isdisjoint(mine)
        taken |= mine


@settings(max_examples=100, deadline=None)
@given(clusters, st.randoms())
def test_the_order_of_affiliates_changes_nothing(cluster: list[tuple[str, Affiliate]], random: object) -> None:
    shuffled = list(cluster)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis hands out a random.Random
    assert peer_specs(shuffled, "local") == peer_specs(cluster, "local")
    assert merge_affiliates(shuffled) == merge_affiliates(cluster)


@settings(max_examples=100, deadline=None)
@given(clusters)
def test_overlaps_are_subtracted_as_sets(cluster: list[tuple[str, Affiliate]]) -> None:
    """netaddr's sets, far slower, agree with the ranges."""
    held: dict[str, IPSet] = {}
    for _, affiliate in cluster:
        announced = affiliate.kubespan
        assert announced is not None
        if not announced.public_key or announced.address is None:
            continue
        wanted = IPSet([str(item) for item in (*announced.additional_addresses, *affiliate.addresses)])
        wanted -= IPSet([str(prefix) for prefix in announced.exclude_advertised_networks])
        wanted.add(str(announced.address))
        for other in held.values():
            wanted -= other
        held[announced.public_key] = wanted
    assert {key: networks(spec) for key, spec in peer_specs(cluster, "local").items()} == held


@settings(max_examples=100, deadline=None)
@given(st.lists(prefixes, max_size=12))
def test_minimal_cover_is_that_of_netaddr(given_prefixes: list[IPPrefix]) -> None:
    expected = IPSet([str(prefix.network) for prefix in given_prefixes])
    assert [str(prefix) for prefix in minimal_cover(given_prefixes)] == [str(cidr) for cidr in expected.iter_cidrs()]


def test_a_peer_without_an_address_is_left_out_and_told() -> None:
    told: list[tuple[str, str]] = []
    bad = Affiliate(node_id="a", kubespan=KubeSpanAffiliate(public_key="k"))
    assert peer_specs([("a", bad)], "local", warn=lambda *what: told.append(what)) == {}
    assert told == [("a", "it announces no KubeSpan address")]


@settings(max_examples=50, deadline=None)
@given(st.lists(endpoints, min_size=1, max_size=5, unique=True))
def test_rotation_visits_every_endpoint(every: list[AddrPort]) -> None:
    status = KubeSpanPeerStatus(state=PeerState.DOWN)
    seen: Counter[AddrPort] = Counter()
    for turn in range(3 * len(every)):
        chosen = next_endpoint(status, every)
        if chosen is None:
            assert len(every) == 1
            break
        seen[chosen] += 1
        status = attrs.evolve(with_endpoint(status, chosen, now=Timestamp(NOW + turn)), state=PeerState.DOWN)
    assert set(seen) == set(every)


times = st.one_of(st.just(Timestamp.ZERO), st.integers(-600, 60).map(lambda seconds: Timestamp(NOW + seconds * S)))
statuses = st.builds(
    KubeSpanPeerStatus,
    state=st.sampled_from(PeerState),
    last_handshake_time=times,
    last_endpoint_change=times,
    last_used_endpoint=st.one_of(st.none(), endpoints),
    endpoint=st.one_of(st.none(), endpoints),
)


@settings(max_examples=200, deadline=None)
@given(statuses)
def test_a_peer_is_up_only_with_a_recent_handshake(status: KubeSpanPeerStatus) -> None:
    if peer_state(status, now=NOW) is PeerState.UP:
        assert status.last_handshake_time > status.last_endpoint_change or NOW - status.last_handshake_time < PEER_DOWN_S * S
    if status.last_used_endpoint is None:
        assert peer_state(status, now=NOW) is not PeerState.DOWN


peers = st.dictionaries(
    st.sampled_from(["k1", "k2", "k3", "k4"]),
    st.builds(
        KubeSpanPeerSpec,
        label=st.just("x"),
        allowed_ips=st.lists(prefixes, max_size=2).map(tuple),
        endpoints=st.lists(endpoints, max_size=3).map(tuple),
    ),
)


@settings(max_examples=100, deadline=None)
@given(peers, st.dictionaries(st.sampled_from(["k1", "k2", "k5"]), statuses), st.booleans(), st.booleans())
def test_a_status_never_outlives_its_spec(
    specs: dict[str, KubeSpanPeerSpec], before: dict[str, KubeSpanPeerStatus], force: bool, has_device: bool
) -> None:
    device = {key: PeerReading(status.endpoint, status.last_handshake_time) for key, status in before.items()} if has_device else None
    made = plan(KubeSpanConfig(enabled=True, mtu=1420, force_routing=force), specs, before, device, now=NOW, changed=False)
    assert made.statuses.keys() == made.endpoints.keys() == specs.keys()
    routed = IPSet([str(prefix) for chain in made.chains for rule in chain.rules for prefix in rule.destinations or ()])
    for key, spec in specs.items():
        if force or made.statuses[key].state is PeerState.UP:
            assert networks(spec).issubset(routed)
        chosen = made.endpoints[key]
        assert chosen is None or chosen == made.statuses[key].endpoint
