"""What a configuration means, whichever form it has: the proof that `migrate` changes nothing.

Two configurations mean the same if this gives the same for both. Each topic reads the section of the
v1alpha1 document and the documents that took its place, and says what Talos makes of it, defaults
included. What is no topic counts as it is written, so that nothing can get lost between the topics.
It shares no rule with `migrate`.

Source: reference of the machine-config workflow, Talos v1.12.3 and v1.14.0-rc.1; talos-1.14.md, section 3.
"""

from __future__ import annotations

from typing import Any

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.meaning import cluster
from talos_resources.machineconfig.meaning.reader import Reader, bare, pruned
from talos_resources.machineconfig.meaning.topics import TOPICS
from talos_resources.machineconfig.migrate.draft import Draft


def meaning(config: MachineConfig) -> dict[str, Any]:
    """The topics of a configuration and what it says about each; nothing of it is shared with the configuration.

    Args:
        config: of any release. It is read as the release meant it for which it is written: one that says
            things in documents of v1.14 has no defaults for what it leaves out, an older one has.

    Returns:
        Plain values by topic; full of secrets. Topics about which nothing is said are left out.
    """
    draft = Draft(config)
    reader = Reader(draft)
    found = {topic: read(reader) for topic, read in TOPICS.items()}
    found["cluster"] = cluster.cluster(reader)  # after the topics that compare with its endpoint
    for path in ("version", "machine.type", "machine.token"):
        if draft.get(path) == "" or path == "version":
            draft.drop(path)
    found["other sections"] = draft.main
    found["other documents"] = {f"{kind}/{fields.get('name', '')}": bare(fields) for kind, fields in draft.documents}
    return {topic: said for topic, value in found.items() if (said := pruned(value)) is not None}
