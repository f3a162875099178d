"""Runs recorded discovery cases: `python -m tests.golden.discovery DIR`.

DIR holds crypto.json, payload.json, node_id.json, talos.json, validation.json and sessions.json (or .json.xz).
What is recorded of the service is done with ours over a real socket, of nodes with our client and controller.
Differences that are meant are in docs/differences.md: an empty endpoint is refused, and who loses only an
endpoint is not told as deleted. Of `client_timing`, which varies, the pauses between failures are checked.
"""

from __future__ import annotations

import functools
import random
import sys
import traceback
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs

from talos_resources.codec.goyaml import read
from talos_resources.codec.plain import spec_from_plain
from talos_resources.codec.text import spec_to_yaml
from talos_resources.discovery import messages, payload
from talos_resources.discovery.crypto import ClusterCipher, decode_secret
from talos_resources.discovery.pace import Backoff
from talos_resources.discovery.translate import from_payload, to_payload
from talos_resources.discovery.wire import MessageError, decode, encode
from talos_resources.kubespan import node_id
from talos_resources.kubespan.config import discovery_config
from talos_resources.kubespan.faults import faults
from talos_resources.kubespan.merge import merge
from talos_resources.machineconfig.document import Document
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.releases import Release
from talos_resources.resources.cluster.affiliate import Affiliate
from talos_resources.resources.cluster.config import DiscoveryConfig
from tests.golden import command
from tests.golden.command import Verdict
from tests.golden.discovery_nodes import Recording, client_view
from tests.golden.discovery_sealing import Case, Run, differs, refused_affiliate, refused_endpoints, sealed, sealed_endpoint, unbase64
from tests.golden.discovery_service import Script
from tests.golden.discovery_services import Services
from tests.golden.discovery_validation import Validation


def _decoded(cls: type[Any]) -> Run:
    def run(case: Case) -> str:
        try:
            message = decode(cls, unbase64(case["data"]))
        except MessageError as error:
            return differs("error", case.get("error"), str(error))
        if "ok" in case and not case["ok"]:
            return f"read, recorded {case['error']}"
        again = case.get("encoded_again") or ("" if case["data"] and "ok" in case and case["name"] == "empty" else None)
        if again is not None:
            return differs("encoded again", unbase64(again), encode(message))
        return "" if "ok" in case else differs("encoded again", unbase64(case["data"]), encode(message))

    return run


def _server_message(case: Case) -> str:
    classes = messages.REQUESTS if case["direction"] == "request" else messages.RESPONSES
    return _decoded(classes[case["method"]])(case)


def _node_id(case: Case) -> str:
    return differs("id", case["id"], node_id.encode(bytes.fromhex(case["bytes_hex"])))


def _node_id_decoded(case: Case) -> str:
    try:
        raw = node_id.decode(case["id"])
    except DecodeError as error:
        return differs("error", case.get("error"), str(error))
    return differs("bytes", case["bytes_hex"], raw.hex()) or differs("again", case["encoded_again"], node_id.encode(raw))


def _secret(case: Case) -> str:
    try:
        key = decode_secret(case["secret"])
        ClusterCipher(key)
    except ConfigError:
        return "" if not case["ok"] else "refused"
    return differs("key", case["key_hex"], key.hex())


def _affiliate(yaml: str) -> Affiliate:
    return spec_from_plain(Affiliate, read.load(yaml))


def _announced(case: Case) -> str:
    ours, endpoints = to_payload(_affiliate(case["spec_yaml"]))
    sent = [unbase64(one) for one in case["endpoints"]]
    return (
        differs("affiliate", unbase64(case["affiliate"]), encode(ours))
        or differs("endpoints", sent, [encode(one) for one in endpoints])
        or differs("back", _affiliate(case["back_yaml"]), from_payload(ours, endpoints))
    )


def _translated(case: Case) -> str:
    """Networks to exclude are read, as Talos does from v1.13 on; older recordings do not know them."""
    endpoints = [decode(payload.Endpoint, unbase64(one)) for one in case["endpoints"]]
    ours = from_payload(decode(payload.Affiliate, unbase64(case["affiliate"])), endpoints)
    release: Release = case["release"]
    if ours.kubespan is not None and not release.kubespan.policy_rules_are_resources:
        ours = attrs.evolve(ours, kubespan=attrs.evolve(ours.kubespan, exclude_advertised_networks=()))
    return differs("spec", spec_to_yaml(_affiliate(case["spec_yaml"])), spec_to_yaml(ours))  # the text of an invalid prefix has no address


def _machine_id(case: Case) -> str:
    try:
        found = node_id.machine_id(case["id"])
    except DecodeError as error:
        return "" if not case["ok"] and case.get("error", str(error)) == str(error) else f"refused: {error}"
    return differs("machine id", case.get("machine_id"), found)


def _merged(case: Case) -> str:
    merged = functools.reduce(merge, map(_affiliate, case["inputs_yaml"]))
    return differs("merged", _affiliate(case["merged_yaml"]), merged)


def _cluster_config(case: Case) -> str:
    release: Release = case["release"]
    service = {"endpoint": case["endpoint"], "disabled": case["service_disabled"]}
    cluster = {
        "id": case["cluster_id"],
        "secret": case["secret"],
        "discovery": {"enabled": True, "registries": {"service": service}},
    }
    documents = [Document("v1alpha1", {"version": "v1alpha1", "machine": {}, "cluster": cluster})]
    try:
        ours = discovery_config(documents, release.kubespan)
    except ConfigError:
        ours = None
    recorded = None if case["config_yaml"] is None else spec_from_plain(DiscoveryConfig, read.load(case["config_yaml"]))
    found = faults(documents, release).main
    lines = "".join(f"\t* {fault}\n" for fault in found)
    text = f"{len(found)} error{'s' if len(found) > 1 else ''} occurred:\n{lines}\n" if found else None
    return differs("config", recorded, ours) or differs("validation", case["validation"], text)


def _pauses(case: Case) -> str:
    """Whether the recorded pauses between Hellos that failed are among those that ours may make."""
    hellos = [call["t_ms"] / 1000 for call in case["calls"] if call["call"] == "Hello"]
    if "hello fails" not in case["name"]:
        return ""
    longest, shortest = Backoff(_Always(1.5)), Backoff(_Always(0.5))
    for pause in (after - before for before, after in pairwise([0.0, *hellos])):
        low, high = shortest.next(), longest.next()
        if not low - 0.05 <= pause <= high + 0.5:
            return f"a pause of {pause:.2f} s, ours is from {low:.2f} to {high:.2f}"
    return ""


class _Always(random.Random):
    """Chance that always has the same answer."""

    def __init__(self, answer: float) -> None:
        super().__init__()
        self._answer = answer

    def uniform(self, a: float, b: float) -> float:
        return min(max(a, self._answer), b)


_PARTS: dict[str, dict[str, Run]] = {
    "crypto": {"affiliates": sealed, "endpoints": sealed_endpoint},
    "payload": {
        "affiliates": _decoded(payload.Affiliate),
        "endpoints": _decoded(payload.Endpoint),
        "affiliate_decode": _decoded(payload.Affiliate),
        "endpoint_decode": _decoded(payload.Endpoint),
        "server_messages": _server_message,
    },
    "talos": {
        "specs": _announced,
        "decode": _translated,
        "machine_ids": _machine_id,
        "merge": _merged,
        "cluster_config": _cluster_config,
        "services": lambda case: Services(case).run(),
    },
    "sessions": {
        "scripts": lambda case: Script(case).run(),
        "client_views": client_view,
        "recordings": lambda case: Recording(case).run(),
        "client_timing": _pauses,
    },
    "node_id": {"encode": _node_id, "decode": _node_id_decoded, "secrets": _secret},
}


def results(directory: Path) -> Iterator[tuple[str, str]]:
    """Name and difference of every case; the difference is empty if ours is as recorded."""
    release = command.release(directory)
    for path in sorted(directory.iterdir()):
        stem = path.name.partition(".")[0]
        if stem not in {*_PARTS, "validation"} or not path.name.endswith((".json", ".json.xz")):
            continue
        try:
            document = command.load(path)
        except (OSError, ValueError, TypeError) as error:
            yield stem, f"{type(error).__name__}: {error}"
            continue
        for part, run in _PARTS.get(stem, {}).items():
            for number, case in enumerate(document.get(part, ())):
                yield f"{stem}/{part}/{case.get('name', number)}", _run(run, {**case, "release": release})
        if stem == "crypto":
            yield from _failures(document)
        elif stem == "validation":
            yield from _validated(document)
        elif "session" in document:
            yield f"{stem}/session", _run(lambda case: Recording(case).run(), document["session"])


def _failures(document: Case) -> Iterator[tuple[str, str]]:
    for part, run in (("affiliate_failures", refused_affiliate), ("endpoint_failures", refused_endpoints)):
        if part in document:
            check = functools.partial(run, key=unbase64(document[part]["key"]))
            for case in document[part]["cases"]:
                yield f"crypto/{part}/{case['name']}", _run(check, case)


def _validated(document: Case) -> Iterator[tuple[str, str]]:
    service = Validation()
    try:
        for part, run in (("cases", service.case), ("http", service.http), ("limits", service.limit)):
            for case in document.get(part, ()):
                yield f"validation/{part}/{case['name']} {case.get('method', '').rpartition('/')[2]}", _run(run, case)
    finally:
        service.close()


def _run(run: Run, case: Case) -> str:
    try:
        return run(case)
    except Exception:  # noqa: BLE001  (one broken case must not hide the others)
        return traceback.format_exc(limit=-3).strip()


def main(arguments: list[str]) -> int:
    """Runs the cases of a folder; see `tests.golden.command`."""
    return command.run("discovery", arguments, lambda folder: (Verdict(*result) for result in results(folder)))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
