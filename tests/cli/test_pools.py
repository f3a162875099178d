"""New objects come where there is much already, so that memory that is nearly empty becomes empty."""

from __future__ import annotations

from collections import defaultdict

import pytest

from talos_resources.cli import pools


@pytest.mark.parametrize("size", [48, 144, 512])
def test_new_objects_come_into_the_fullest_pools(size: int) -> None:
    crowd: defaultdict[int, list[bytes]] = defaultdict(list)
    for _ in range(pools._AT_MOST):
        piece = bytes(size - 33)
        crowd[id(piece) >> pools._POOL_BITS].append(piece)
    sparse = {pool for pool, pieces in crowd.items() if len(pieces) > 20}
    dense = sparse.pop()
    del crowd[dense][-3:]
    for pool in sparse:
        del crowd[pool][1:]  # one of each stays, of somebody honest
    assert id(bytes(size - 33)) >> pools._POOL_BITS in sparse
    pools.fill_full_ones_first(size)
    assert id(bytes(size - 33)) >> pools._POOL_BITS not in sparse  # but in that one, or one that is fuller still


def test_other_memory_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "_POOL_BITS", 60)  # no pool is ever all ours
    for size in pools.SIZES:
        pools.fill_full_ones_first(size)
