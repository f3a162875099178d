"""The controllers of KubeSpan and of cluster membership: thin, the plans beside them decide.

Source: Talos v1.14.0-rc.1, kubespan and cluster controllers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from talos_resources.kubespan.affiliate import LocalNode, local_affiliate
from talos_resources.kubespan.endpoints import observed_endpoints
from talos_resources.kubespan.host import (
    API_SERVER,
    API_SERVERS,
    CURRENT_WITHOUT_KUBERNETES,
    FIRST_HARDWARE_ADDRESS,
    HARDWARE_ADDRESSES,
    HOSTNAME,
    HOSTNAMES,
    MACHINE_TYPE,
    MACHINE_TYPES,
    NODE_ADDRESSES,
    NODE_STATUSES,
    NODENAME,
    NODENAMES,
    PUBLIC_ADDRESSES,
    ROUTED_WITHOUT_KUBERNETES,
)
from talos_resources.kubespan.identity import complete_identity
from talos_resources.kubespan.members import MemberMemo, member_of, members
from talos_resources.kubespan.memo import Memo
from talos_resources.kubespan.merge import merge_affiliates
from talos_resources.kubespan.peer_specs import PeerMemo, peer_memo, peer_specs
from talos_resources.kubespan.rendered import Form, T
from talos_resources.resources.cluster.affiliate import Affiliate
from talos_resources.resources.cluster.config import DiscoveryConfig
from talos_resources.resources.cluster.identity import ClusterIdentity
from talos_resources.resources.cluster.member import Member
from talos_resources.resources.kubespan.config import KubeSpanConfig
from talos_resources.resources.kubespan.endpoint import KubeSpanEndpoint
from talos_resources.resources.kubespan.identity import KubeSpanIdentity
from talos_resources.resources.kubespan.peer_spec import KubeSpanPeerSpec
from talos_resources.resources.kubespan.peer_status import KubeSpanPeerStatus
from talos_resources.runtime.context import Context
from talos_resources.runtime.controller import Controller, Input, Output

_LOG: Final = logging.getLogger("talos_resources.kubespan")

KUBESPAN: Final = "kubespan"
"""The id of the KubeSpan settings."""
CLUSTER: Final = "cluster"
"""The id of the discovery settings."""
LOCAL: Final = "local"
"""The id of a node's identities."""
RAW: Final = "cluster-raw"
"""The namespace of what each registry says."""


class IdentityController(Controller):
    """Gives the node its key pair and address while KubeSpan is on; once made they stay."""

    name = "kubespan.IdentityController"
    inputs = (
        Input(kind=KubeSpanConfig, id=KUBESPAN),
        Input(kind=HARDWARE_ADDRESSES.kind, id=FIRST_HARDWARE_ADDRESS),
    )
    outputs = (Output(kind=KubeSpanIdentity),)

    def __init__(self, load: Callable[[], KubeSpanIdentity]) -> None:
        """Takes how to load the stored key pair, `load_identity` with a directory on a real node."""
        self._load = load

    def reconcile(self, context: Context) -> None:
        """See `Controller`."""
        config = context.get(KubeSpanConfig, KUBESPAN)
        hardware = context.get(HARDWARE_ADDRESSES.kind, FIRST_HARDWARE_ADDRESS)
        if config is None or not config.spec.enabled:
            context.destroy(KubeSpanIdentity, LOCAL)
        elif hardware is not None and context.get(KubeSpanIdentity, LOCAL) is None:
            address = HARDWARE_ADDRESSES.value(hardware).address
            identity = complete_identity(self._load(), cluster_id=config.spec.cluster_id, hardware_address=address)
            context.put(KubeSpanIdentity, LOCAL, identity)


class LocalAffiliateController(Controller):
    """Says what the node announces of itself."""

    name = "cluster.LocalAffiliateController"
    inputs = (
        Input(kind=DiscoveryConfig, id=CLUSTER),
        Input(kind=ClusterIdentity, id=LOCAL),
        Input(kind=HOSTNAMES.kind, id=HOSTNAME),
        Input(kind=NODENAMES.kind, id=NODENAME),
        Input(kind=NODE_ADDRESSES.kind),
        Input(kind=NODE_STATUSES.kind),
        Input(kind=MACHINE_TYPES.kind, id=MACHINE_TYPE),
        Input(kind=KubeSpanIdentity, id=LOCAL),
        Input(kind=KubeSpanConfig, id=KUBESPAN),
        Input(kind=PUBLIC_ADDRESSES.kind, namespace="cluster"),
        Input(kind=API_SERVERS.kind, id=API_SERVER),
    )
    outputs = (Output(kind=Affiliate, shared=True),)

    def __init__(self, operating_system: str) -> None:
        """Takes the name and version of the operating system."""
        self._operating_system = operating_system

    def reconcile(self, context: Context) -> None:
        """See `Controller`; nothing happens before all is known."""
        discovery = context.get(DiscoveryConfig, CLUSTER)
        identity = context.get(ClusterIdentity, LOCAL)
        if discovery is None or identity is None:
            return
        if not discovery.spec.is_on:
            context.replace(Affiliate, {})
            return
        node = self._node(context, identity.spec.node_id)
        if node is not None:
            own = context.get(KubeSpanIdentity, LOCAL)
            config = context.get(KubeSpanConfig, KUBESPAN)
            affiliate = local_affiliate(node, None if own is None else own.spec, None if config is None else config.spec)
            context.replace(Affiliate, {node.node_id: affiliate})

    def _node(self, context: Context, node_id: str) -> LocalNode | None:
        def value(form: Form[T], id: str) -> T | None:
            resource = context.get(form.kind, id)
            return None if resource is None else form.value(resource)

        hostname, nodename = value(HOSTNAMES, HOSTNAME), value(NODENAMES, NODENAME)
        routed, current = value(NODE_ADDRESSES, ROUTED_WITHOUT_KUBERNETES), value(NODE_ADDRESSES, CURRENT_WITHOUT_KUBERNETES)
        machine_type = value(MACHINE_TYPES, MACHINE_TYPE)
        if hostname is None or nodename is None or routed is None or current is None or machine_type is None:
            return None
        kubernetes = value(NODE_STATUSES, nodename)
        public = context.list(PUBLIC_ADDRESSES.kind, namespace="cluster")
        return LocalNode(
            node_id=node_id,
            hostname=hostname.full,
            nodename=nodename,
            machine_type=machine_type,
            operating_system=self._operating_system,
            routed=routed,
            current=current,
            pods=() if kubernetes is None else kubernetes.pods,
            public=tuple(PUBLIC_ADDRESSES.value(resource) for resource in public),
            api_server_port=value(API_SERVERS, API_SERVER),
        )


class AffiliateMergeController(Controller):
    """Makes one affiliate of what several registries say about a node."""

    name = "cluster.AffiliateMergeController"
    inputs = (Input(kind=Affiliate, namespace=RAW),)
    outputs = (Output(kind=Affiliate, shared=True),)

    def reconcile(self, context: Context) -> None:
        """See `Controller`."""
        raw = context.list(Affiliate, namespace=RAW)
        context.replace(Affiliate, merge_affiliates((resource.id, resource.spec) for resource in raw))


class MemberController(Controller):
    """Lists the members of the cluster."""

    name = "cluster.MemberController"
    inputs = (Input(kind=Affiliate),)
    outputs = (Output(kind=Member),)

    def __init__(self, memo: MemberMemo | None = None) -> None:
        """Takes the members that are made already; simulated nodes share them."""
        self._memo: MemberMemo = Memo(member_of) if memo is None else memo

    def reconcile(self, context: Context) -> None:
        """See `Controller`."""
        affiliates = ((resource.id, resource.spec) for resource in context.list(Affiliate))
        context.replace(Member, members(affiliates, memo=self._memo))


class PeerSpecController(Controller):
    """Makes peers of affiliates."""

    name = "kubespan.PeerSpecController"
    inputs = (
        Input(kind=KubeSpanConfig, id=KUBESPAN),
        Input(kind=ClusterIdentity, id=LOCAL),
        Input(kind=Affiliate),
    )
    outputs = (Output(kind=KubeSpanPeerSpec),)

    def __init__(self, memo: PeerMemo | None = None) -> None:
        """Takes what is known of affiliates already; simulated nodes share it."""
        self._memo = peer_memo() if memo is None else memo

    def reconcile(self, context: Context) -> None:
        """See `Controller`."""
        config = context.get(KubeSpanConfig, KUBESPAN)
        identity = context.get(ClusterIdentity, LOCAL)
        if config is None or not config.spec.enabled or identity is None:
            context.replace(KubeSpanPeerSpec, {})
            return
        affiliates = ((resource.id, resource.spec) for resource in context.list(Affiliate))
        context.replace(KubeSpanPeerSpec, peer_specs(affiliates, identity.spec.node_id, warn=_left_out, memo=self._memo))


def _left_out(affiliate_id: str, reason: str) -> None:
    _LOG.warning("affiliate %s is no KubeSpan peer: %s", affiliate_id, reason)


class EndpointController(Controller):
    """Shares at which endpoints peers were reached."""

    name = "kubespan.EndpointController"
    inputs = (
        Input(kind=KubeSpanConfig, id=KUBESPAN),
        Input(kind=Affiliate),
        Input(kind=KubeSpanPeerStatus),
    )
    outputs = (Output(kind=KubeSpanEndpoint),)

    def reconcile(self, context: Context) -> None:
        """See `Controller`."""
        config = context.get(KubeSpanConfig, KUBESPAN)
        if config is None or not config.spec.harvest_extra_endpoints:
            context.replace(KubeSpanEndpoint, {})
            return
        statuses = ((resource.id, resource.spec) for resource in context.list(KubeSpanPeerStatus))
        affiliates = ((resource.id, resource.spec) for resource in context.list(Affiliate))
        context.replace(KubeSpanEndpoint, observed_endpoints(config.spec, statuses, affiliates))
