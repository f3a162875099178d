"""What a release is described by.

Named tuples: most commands load these, and attrs takes six times as long to make a class.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from talos_resources.releases.contract import Contract


class YamlStyle(NamedTuple):
    """How the YAML library of a release writes scalars, where releases differ.

    The spec of a resource is written by the node, so its quotes are those of the node's release; what
    talosctl writes anew (a configuration, the lines of `get`) has the style of talosctl's release.

    Attributes:
        quote_old_words: the quotes of what YAML 1.1 takes for something else: yes, off, 12:30:45, `<<`.
        hint_before_break: a literal block that begins with a line break carries an indentation digit;
            one that begins with a blank always does.
        get_width: the column after which `talosctl get` breaks a plain or quoted scalar at the first
            lone blank; None never.
    """

    quote_old_words: str
    hint_before_break: bool
    get_width: int | None


class GenDefaults(NamedTuple):
    """What `talosctl gen` takes where nothing is said.

    Attributes:
        kubernetes_version: without a `v`.
        installer_image: of every contract.
        url_safe_cluster_id: `cluster.id` of a new bundle is URL-safe base64, else standard base64.
        empty_kubernetes_version: an empty `--kubernetes-version` leaves the images out, else it is refused.
        partial_secrets: secrets taken from a configuration that lacks some are written with nulls, else refused.
    """

    kubernetes_version: str
    installer_image: str
    url_safe_cluster_id: bool
    empty_kubernetes_version: bool
    partial_secrets: bool


class LoadRules(NamedTuple):
    """How a configuration is read.

    Attributes:
        dates_are_text: a bare date goes into a text field with its source text, else it is refused.
        cuts_fractions: a number with a fraction goes into a whole number without it, else it is refused.
        zero_durations: a bare 0 is a duration, else it needs a unit as any other one does.
    """

    dates_are_text: bool
    cuts_fractions: bool
    zero_durations: bool


class PatchRules(NamedTuple):
    """How a configuration is patched.

    Attributes:
        several_parts: a patch may name one document several times; its parts are applied in their order.
        absent_document_leaves_empty: `$patch: delete` of a document that is not there leaves an empty
            document behind, else it is nothing.
        inner_deletes: keys inside of free-form mappings and fields of embedded structures can be deleted.
        deletes_by_any_text: list items are found by the text of addresses and networks too, else only
            by fields that are text.
    """

    several_parts: bool
    absent_document_leaves_empty: bool
    inner_deletes: bool
    deletes_by_any_text: bool


class ValidationRules(NamedTuple):
    """What Talos refuses of a configuration.

    Attributes:
        needs_install: metal needs `machine.install`, else only one that is there is checked.
        needs_control_plane_endpoint: `cluster.controlPlane` is required, else only checked if it is there.
        kubespan_needs_legacy_identity: KubeSpan needs `cluster.id` and `cluster.secret`, and
            `cluster.discovery.enabled` literally true.
        all_documents: the checks over all documents: host DNS in containers, identity for discovery,
            discovery for KubeSpan, encryption of etcd, kinds for control planes only.
        forwarding_needs_host_dns: CoreDNS may only ask the host's resolver where that is on.
        name_servers: those of ResolverConfig are checked.
        deprecations: sections whose mere presence warns.
    """

    needs_install: bool
    needs_control_plane_endpoint: bool
    kubespan_needs_legacy_identity: bool
    all_documents: bool
    forwarding_needs_host_dns: bool
    name_servers: bool
    deprecations: tuple[str, ...] = ()


class GetRules(NamedTuple):
    """How `talosctl get` prints.

    Attributes:
        jsonpath_goes_on: an error of one resource does not end the output of the others.
        single_watch_by_line: the watch of one resource prints every event at once, with widths of its own.
        headings_on_error: the headings of a table come out although the node refuses the type.
    """

    jsonpath_goes_on: bool
    single_watch_by_line: bool
    headings_on_error: bool


class KubeSpanRules(NamedTuple):
    """What a node does for KubeSpan and discovery.

    Attributes:
        filter_has_kubespan_addresses: the sets of the packet filter hold the peers' KubeSpan addresses too.
        policy_rules_are_resources: the policy rules are asked for by RoutingRuleSpecs, at a fixed priority.
        unset_is_default: a configuration that says nothing of KubeSpan gives the defaults of one that does
            (routing forced, MTU 1420); else routing is not forced and the MTU is 0.
        needs_cluster_identity: there are KubeSpan settings only where the cluster has an id or a secret.
        discovery_switch: `discoveryEnabled` says that discovery is on; else a registry or a service does.
        endpoint_filter_word: how the message about an endpoint filter that is none spells it.
    """

    filter_has_kubespan_addresses: bool
    policy_rules_are_resources: bool
    unset_is_default: bool
    needs_cluster_identity: bool
    discovery_switch: bool
    endpoint_filter_word: str


class ApiRules(NamedTuple):
    """How the API of a node passes calls on, and takes configurations.

    Attributes:
        many_nodes: the services whose calls may name several nodes at once, as `/machine.MachineService/`; empty for all but COSI's.
        many_nodes_refused: what is said to the others, with `{method}` for the path of the call.
        reboots_to_apply: a configuration can be applied at a reboot that the node makes for it.
    """

    many_nodes: tuple[str, ...]
    many_nodes_refused: str
    reboots_to_apply: bool

    def takes_many_nodes(self, method: str) -> bool:
        """Whether a call of this path may name several nodes at once."""
        return method.startswith(self.many_nodes) if self.many_nodes else not method.startswith("/cosi.")


class Release(NamedTuple):
    """A release of Talos and its talosctl.

    Attributes:
        version: of the talosctl that is imitated, such as `v1.12.3`.
        contract: what it generates by default.
        yaml: how it writes YAML.
        field_table: the table of document fields that it goes by, as `machineconfig.schema.table` names it.
        document_kinds: every `kind` of document that it knows beside the v1alpha1 one.
        default_cni: what a configuration without any word about the network gets.
        gen, load, patch, validation, get, kubespan, api: see their classes.
        flags: command → the flags and sub-commands that not every release has.
    """

    version: str
    contract: Contract
    yaml: YamlStyle
    field_table: str
    document_kinds: frozenset[str]
    default_cni: str
    gen: GenDefaults
    load: LoadRules
    patch: PatchRules
    validation: ValidationRules
    get: GetRules
    kubespan: KubeSpanRules
    api: ApiRules
    flags: Mapping[str, frozenset[str]] = MappingProxyType({})

    def __str__(self) -> str:
        return self.version

    def __repr__(self) -> str:
        return f"<Release {self.version}>"

    def has_flag(self, command: str, flag: str) -> bool:
        """Whether a command of this talosctl has a flag that not every release has."""
        return flag in self.flags.get(command, frozenset())
