"""Kubernetes and etcd on a demo machine."""

from __future__ import annotations

from typing import Final

from talos_resources.model.freezing import frozen
from talos_resources.resources import (
    Endpoint,
    EtcdMember,
    EtcdSpec,
    KubeletSpec,
    KubePrismEndpoint,
    NodeIP,
    Nodename,
    NodeStatus,
    StaticPod,
    StaticPodStatus,
)
from talos_resources.resources.k8s.kube_prism_endpoint_entry import KubePrismEndpointEntry
from talos_resources.sources.demo import data
from talos_resources.sources.demo.machine import KUBERNETES_VERSION, Machine, control_planes
from talos_resources.sources.demo.stored import Made, stored

_ETCD: Final = "registry.k8s.io/etcd:v3.6.6"
_PODS: Final = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
_ROLE: Final = "node-role.kubernetes.io/control-plane"


def nodename(machine: Machine) -> Made:
    """What Kubernetes calls the node."""
    name = Nodename(nodename=machine.node.name, hostname_version="1")
    yield stored(name, "nodename", created=machine.booted, owner="k8s.NodenameController")


def node_status(machine: Machine) -> Made:
    """What Kubernetes says of the node."""
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": machine.node.name,
        "kubernetes.io/os": "linux",
    }
    if machine.control_plane:
        labels |= {_ROLE: "", "node.kubernetes.io/exclude-from-external-load-balancers": ""}
    status = NodeStatus(
        nodename=machine.node.name,
        node_ready=True,
        labels=frozen(dict(sorted(labels.items()))),
        annotations=frozen({}),
        pod_cidrs=(machine.pods,),
    )
    yield stored(status, machine.node.name, created=machine.ready, owner="k8s.NodeStatusController")


def node_ip(machine: Machine) -> Made:
    """The address by which the kubelet is known."""
    yield stored(NodeIP(addresses=(machine.address,)), "kubelet", created=machine.booted, owner="k8s.NodeIPController")


def kubelet(machine: Machine) -> Made:
    """How the kubelet is started."""
    spec = KubeletSpec(
        image=f"ghcr.io/siderolabs/kubelet:{KUBERNETES_VERSION}",
        args=(
            "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubeconfig",
            "--config=/etc/kubernetes/kubelet.yaml",
            f"--hostname-override={machine.node.name}",
            "--kubeconfig=/etc/kubernetes/kubeconfig-kubelet",
            f"--node-ip={machine.address}",
        ),
        expected_nodename=machine.node.name,
    )
    yield stored(spec, "kubelet", created=machine.booted, owner="k8s.KubeletSpecController")


def static_pods(machine: Machine) -> Made:
    """The control plane's pods, as the node is to run them."""
    for name in _PODS if machine.control_plane else ():
        pod = StaticPod(
            pod=frozen(
                {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {"name": name, "namespace": "kube-system", "labels": {"component": name, "tier": "control-plane"}},
                    "spec": {
                        "containers": [{"name": name, "image": f"registry.k8s.io/{name}:{KUBERNETES_VERSION}"}],
                        "hostNetwork": True,
                        "priorityClassName": "system-cluster-critical",
                    },
                }
            )
        )
        yield stored(pod, name, created=machine.booted, owner="k8s.ControlPlaneStaticPodController")


def static_pod_statuses(machine: Machine) -> Made:
    """How the control plane's pods are."""
    for name in _PODS if machine.control_plane else ():
        conditions = [{"type": kind, "status": "True"} for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")]
        address = str(machine.address)
        status = StaticPodStatus(
            pod_status=frozen(
                {
                    "phase": "Running",
                    "conditions": conditions,
                    "hostIP": address,
                    "podIP": address,
                    "qosClass": "Burstable",
                }
            )
        )
        id = f"kube-system/{name}-{machine.node.name}"  # noqa: A001 - what a resource has
        yield stored(status, id, created=machine.ready, owner="k8s.KubeletStaticPodController")


def endpoints(machine: Machine) -> Made:
    """Where the control planes are, as a worker hears of them and as discovery tells."""
    where = Endpoint(addresses=tuple(found.address for found in control_planes()))
    yield stored(where, "discovery", created=machine.booted, owner="k8s.EndpointController")
    if not machine.control_plane:
        yield stored(where, "kube-apiserver", created=machine.ready, owner="k8s.EndpointController")


def prism(machine: Machine) -> Made:
    """Through whom the node reaches the API servers."""
    entries = [KubePrismEndpointEntry(host=str(found.address), port=data.API_PORT) for found in control_planes()]
    if machine.control_plane:
        entries.insert(0, KubePrismEndpointEntry(host="localhost", port=data.API_PORT))
    spec = KubePrismEndpoint(endpoints=tuple(entries))
    yield stored(spec, "k8s-endpoints", created=machine.booted, owner="k8s.KubePrismEndpointsController")


def etcd_member(machine: Machine) -> Made:
    """Which member of etcd it is."""
    if machine.control_plane:
        from hashlib import sha256

        made = sha256(f"{data.CLUSTER_ID}/{machine.node.name}".encode()).hexdigest()[:16]
        yield stored(EtcdMember(member_id=made), "local", created=machine.ready, owner="etcd.MemberController")


def etcd_spec(machine: Machine) -> Made:
    """How etcd is started."""
    if machine.control_plane:
        spec = EtcdSpec(
            name=machine.node.name,
            advertised_addresses=(machine.address,),
            listen_peer_addresses=(machine.address,),
            listen_client_addresses=(machine.address,),
            image=_ETCD,
        )
        yield stored(spec, "etcd", created=machine.booted, owner="etcd.SpecController")
