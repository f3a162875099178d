"""Documents of the running system: files, variables, modules, logs, registries, the container runtime.

Source: Talos v1.12.3 and v1.14.0-rc.1, validation of their documents; verdicts and texts observed on talosctl
where recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from talos_resources.machineconfig.cel import LINK, OUT_OF_MEMORY, fault_of
from talos_resources.machineconfig.schema import urls
from talos_resources.machineconfig.validate.oci import oci_faults
from talos_resources.machineconfig.validate.report import Subject
from talos_resources.model.duration import Duration

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_QUALIFIED: Final = re.compile(r"(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", re.ASCII)
_LONGEST_QUALIFIED: Final = 63
_LEAST_WATCHDOG_NS: Final = 10 * 10**9
_MANAGED_FILES: Final = frozenset(
    [
        "hosts",
        "resolv.conf",
        "machine-id",
        "os-release",
        "hostname",
        "localtime",
        "extensions.yaml",
        "nsswitch.conf",
        "passwd",
        "group",
        "shadow",
        "lvm",
        "mtab",
    ]
)
_MANAGED_FOLDERS: Final = frozenset(["cni", "cri", "kubernetes", "pki", "ssl", "ca-certificates", "selinux", "udev"])


def check_etc_file(subject: Subject) -> None:
    """EtcFileConfig: a path below /etc that is not Talos's own."""
    name = subject.text("name")
    parts = name.split("/")
    if not name or name.startswith("/") or any(part in {"", ".", ".."} for part in parts):
        subject.error(f'user etc file "{name[:80]}" must be a local path')
    elif name.startswith("."):
        subject.error(f'user etc file "{name[:80]}" must not begin with a dot')
    elif name in _MANAGED_FILES or parts[0] in _MANAGED_FOLDERS:
        subject.error(f'user etc file "{name[:80]}" is managed by Talos')


def check_environment(subject: Subject) -> None:
    """EnvironmentConfig."""
    for name in sorted(subject.section("variables")):
        if _VARIABLE.fullmatch(name) is None:
            subject.error(f'invalid environment variable name: "{name[:80]}"')


def parameters(what: str) -> Callable[[Subject], None]:
    """A check of SysctlConfig or SysfsConfig."""

    def check(subject: Subject) -> None:
        if "" in subject.section("params"):
            subject.error(f"{what} key cannot be empty")

    return check


def check_cri_customization(subject: Subject) -> None:
    """CRICustomizationConfig: its name becomes a file's."""
    name = subject.text("name")
    if not name:
        subject.error("name is required")
    elif len(name) > _LONGEST_QUALIFIED or _QUALIFIED.fullmatch(name) is None:
        subject.error(f'invalid name: name "{name[:80]}" is invalid')
    elif name == "customization":
        subject.error('invalid name: "customization" is Talos\'s own')


def check_base_spec(subject: Subject) -> None:
    """CRIBaseRuntimeSpecConfig: what is merged into the OCI specification of containers has to fit it."""
    for path, fault in oci_faults(subject.section("overrides")):
        subject.error(f"failed to unmarshal base runtime spec overrides: {path}: {fault}")


def check_event_sink(subject: Subject) -> None:
    """EventSinkConfig."""
    endpoint = subject.text("endpoint")
    if not re.fullmatch(r"(\[[^\[\]]*\]|[^:\[\]]*):[^:]*", endpoint):
        subject.error(f'event sink endpoint: "{endpoint[:80]}" is not HOST:PORT')


def check_kmsg_log(subject: Subject) -> None:
    """KmsgLogConfig."""
    if not subject.text("name"):
        subject.error("name is required")
    text = subject.text("url")
    if not text:
        subject.error("url is required")
    elif (scheme := urls.parse(text).scheme) not in {"tcp", "udp"}:
        subject.error(f'url scheme must be tcp:// or udp://, not "{scheme}"')


def check_watchdog(subject: Subject) -> None:
    """WatchdogTimerConfig."""
    if not subject.text("device"):
        subject.error("watchdog device: empty value")
    timeout = Duration.parse(subject.text("timeout") or "0s").nanoseconds
    if timeout and timeout < _LEAST_WATCHDOG_NS:
        subject.error("watchdog timeout: minimum value is 10s")


def check_out_of_memory(subject: Subject) -> None:
    """OOMConfig: the syntax of its expressions, and what comes of them where that can be told."""
    for key, wanted in (("triggerExpression", "bool"), ("cgroupRankingExpression", "double")):
        text = subject.text(key)
        if text and (fault := fault_of(text, OUT_OF_MEMORY, wanted=wanted)):
            subject.error(f"{key}: {fault}")
    if subject.text("sampleInterval").startswith("-"):
        subject.error("sampleInterval cannot be negative")


def check_link_alias(subject: Subject) -> None:
    """LinkAliasConfig."""
    if not subject.text("name"):
        subject.error("name must be specified")
    match = subject.section("selector").get("match", "")
    if not match:
        subject.error("link selector must be specified")
    elif fault := fault_of(match, LINK):
        subject.error(f"link selector is invalid: {fault}")


def check_extension(subject: Subject) -> None:
    """ExtensionServiceConfig: files and variables of a service."""
    if not subject.text("name"):
        subject.error("name is required")
    files = subject.fields.get("configFiles") or ()
    if not files and not subject.fields.get("environment"):
        subject.error("no config files or environment defined for extension service")
    for file in files:
        if not file.get("content") or not file.get("mountPath"):
            subject.error("extension config file needs content and mountPath")


def check_registry_auth(subject: Subject) -> None:
    """RegistryAuthConfig: one way to log in."""
    if not subject.text("name"):
        subject.error("name must be specified")
    user, token, auth = (bool(subject.text(key)) for key in ("username", "identityToken", "auth"))
    if user and token:
        subject.error("only one of username/password or identityToken authentication can be specified")
    if auth and (user or token):
        subject.error("only one of auth, username/password or identityToken authentication can be specified")


def check_siderolink(subject: Subject) -> None:
    """SideroLinkConfig."""
    text = subject.text("apiUrl")
    url = urls.parse(text)
    if not text:
        subject.error("apiUrl is required")
    elif url.scheme not in {"https", "grpc"}:
        subject.error("apiUrl scheme must be https:// or grpc://")
    elif url.path not in {"", "/"}:
        subject.error("apiUrl path must be empty")


def check_mirror(subject: Subject) -> None:
    """RegistryMirrorConfig."""
    if not subject.text("name"):
        subject.error("name must be specified")
    for index, endpoint in enumerate(subject.fields.get("endpoints") or ()):
        url = (endpoint or {}).get("url", "")
        where = f"{subject.path}.endpoints[{index}].url"
        if not url:
            subject.report.error(where, "is required")
        elif (scheme := urls.parse(url).scheme) not in {"http", "https"}:
            subject.report.error(where, f'begins with http:// or https://, not with the scheme "{scheme}"')


def check_port_rule(subject: Subject) -> None:
    """NetworkRuleConfig."""
    if not subject.text("name"):
        subject.error("name is required")
    ports = subject.section("portSelector").get("ports") or []
    where = f"{subject.path}.portSelector.ports"
    if not ports:
        subject.report.error(where, "is required")
        return
    ranges = sorted(tuple(int(part) for part in str(port).split("-")) for port in ports)
    end = -1
    for low, high in ((span[0], span[-1]) for span in ranges):
        if low > high:
            subject.report.error(where, f"{low}-{high} runs backwards")
            return
        if low <= end:
            subject.report.error(where, f"{low}-{high} overlaps with another range")
            return
        end = high
    for index, rule in enumerate(subject.fields.get("ingress") or ()):
        if not (rule or {}).get("subnet"):
            subject.report.error(f"{subject.path}.ingress[{index}].subnet", "is required")
            return


def needs(**fields: str) -> Callable[[Subject], None]:
    """A check that fields are set; keys are field names, values the text where one is not."""

    def check(subject: Subject) -> None:
        for key, text in fields.items():
            if not subject.fields.get(key):
                subject.error(text)

    return check
