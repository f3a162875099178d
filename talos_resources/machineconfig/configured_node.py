"""How a node takes a machine configuration: checked by the rules of its release, kept in its state, acted on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import attrs

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.hidden import difference
from talos_resources.machineconfig.validate import Mode, Report, validate
from talos_resources.model.errors import AlreadyExistsError, ConfigError, NotFoundError, TalosResourcesError
from talos_resources.model.kind import kind_of
from talos_resources.model.resource import Resource
from talos_resources.releases import NEWEST, Release, release_of
from talos_resources.resources import MachineConfig as MachineConfigResource
from talos_resources.resources import PlatformMetadata
from talos_resources.resources.meta.definition import definition_of
from talos_resources.rpc.apply import Applied, ApplyMode, ApplyRequest
from talos_resources.state.contract import State

ACTIVE: Final = "v1alpha1"
"""The id of the configuration that is in force."""

STAGED: Final = "persistent"
"""The id of the one that the next boot takes up, where that is another one."""

Cancel = Callable[[], None]
Later = Callable[[float, Callable[[], None]], Cancel]
"""Calls a function after so many seconds unless it is cancelled."""


def mode_of(state: State) -> Mode:
    """Where the node of a state runs, as `validate` asks it: metal, a container, or (also where it does not say) a cloud.

    What a cloud demands the others demand too, so that nothing is refused for want of knowledge.
    """
    try:
        platform = state.get(PlatformMetadata, "platformmetadata").spec.platform
    except TalosResourcesError:  # a reader may not see it, an old node has none
        return "cloud"
    return "metal" if platform == "metal" else "container" if platform == "container" else "cloud"


def check(text: bytes | str, *, release: Release, mode: Mode, source: str = "") -> tuple[MachineConfig, Report]:
    """Reads and judges a configuration as a node of this release does.

    Raises:
        ConfigError, DecodeError: it cannot be read, by the rules of this release.
    """
    config = MachineConfig.load(text, source=source, release=release)
    return config, validate(config, mode)


def refusal(report: Report) -> str:
    """Why Talos refuses what a report is about, on one line."""
    return f"the configuration is not valid: {'; '.join(map(str, report.errors))}"


def no_reboot(release: Release) -> str:
    """What is said where a release has no mode that reboots."""
    return f"Talos {release.contract} has no mode reboot; apply it with auto, or with staged and reboot the node"


def store(state: State, text: str, *, id: str = ACTIVE) -> None:
    """Puts a configuration into the state of a node, where `get machineconfig` finds it; it is not checked.

    Args:
        state: of the node; it gets the definition of the type as well.
        text: the configuration.
        id: the one in force, or `STAGED`.
    """
    spec = MachineConfigResource(text=text)
    try:
        old = state.get(MachineConfigResource, id)
    except NotFoundError:
        definition = Resource.new(definition_of(kind_of(MachineConfigResource)), id=kind_of(MachineConfigResource).id)
        with suppress(AlreadyExistsError):
            state.create(definition)
        state.create(Resource.new(spec, id=id))
        return
    if old.spec != spec:
        state.update(old.with_spec(spec), owner=old.metadata.owner)


@attrs.define(eq=False)
class _Trial:
    """A configuration that is tried, by what was there before it."""

    before: str = attrs.field(repr=False)
    cancel: Cancel | None = None


class ConfiguredNode:
    """A node's configuration, as MachineService.ApplyConfiguration changes it; see `rpc.apply.TakesConfiguration`."""

    def __init__(
        self,
        state: State,
        *,
        talos_version: str = NEWEST.version,
        act: Callable[[MachineConfig], None] | None = None,
        agree: Callable[[MachineConfig], None] = lambda _config: None,
        reboot: Callable[[], None] | None = None,
        later: Later | None = None,
    ) -> None:
        """Takes configurations for the node of a state.

        Args:
            state: keeps the configuration in force, and one that is staged.
            talos_version: by whose rules.
            act: does what a configuration says, before it is stored.
            agree: raises ConfigError where the node will not be able to act on a configuration, whatever the mode.
            reboot: has the node reboot soon, which then takes up what is staged; None for one that cannot.
            later: how a configuration on trial is timed; None for a thread in real time.
        """
        self._state = state
        self._release = release_of(talos_version)
        self._act = act
        self._agree = agree
        self._reboot = reboot
        self._later = _in_real_time if later is None else later
        self._lock = threading.Lock()
        self._trial: _Trial | None = None

    def apply(self, request: ApplyRequest) -> Applied:
        """See `TakesConfiguration`."""
        if request.mode is ApplyMode.REBOOT:
            self._check_reboot()
        config, report = check(request.text, release=self._release, mode=mode_of(self._state))
        if report.errors:
            raise ConfigError(refusal(report))
        self._agree(config)
        warnings = tuple(map(str, report.warnings))
        with self._lock:
            if request.dry_run:
                return Applied(mode=_chosen(request.mode), details=self._summary(request, config), warnings=warnings)
            self._take(request, config)
        return Applied(mode=_chosen(request.mode), details=_details(request), warnings=warnings)

    def _take(self, request: ApplyRequest, config: MachineConfig) -> None:
        text = request.text.decode()
        if request.mode.waits_for_boot:
            store(self._state, text, id=STAGED)
            if request.mode is ApplyMode.REBOOT and self._reboot is not None:
                self._reboot()
            return
        # Of two trials the second goes back to what was there before the first.
        before = self._text(ACTIVE) if self._trial is None else self._trial.before
        if self._act is not None:
            self._act(config)
        self._stop_trial()
        store(self._state, text)
        if request.mode is not ApplyMode.TRY:
            self._drop_staged()
        elif before is not None:
            trial = self._trial = _Trial(before)
            trial.cancel = self._later(request.try_s, lambda: self._go_back(trial))

    def _check_reboot(self) -> None:
        if not self._release.api.reboots_to_apply:
            raise ConfigError(no_reboot(self._release))
        if self._reboot is None:
            raise ConfigError("this node does not reboot for a configuration; apply it with auto, no-reboot, staged or try")

    def _drop_staged(self) -> None:
        """The next boot takes up what is in force now."""
        with suppress(NotFoundError):
            staged = self._state.get(MachineConfigResource, STAGED)
            self._state.destroy(MachineConfigResource, STAGED, owner=staged.metadata.owner)

    def _go_back(self, trial: _Trial) -> None:
        """Ends a trial, unless it has been ended by another configuration."""
        with self._lock:
            if self._trial is not trial:
                return
            self._trial = None
            if self._act is not None:
                self._act(MachineConfig.load(trial.before, release=self._release))
            store(self._state, trial.before)

    def _stop_trial(self) -> None:
        trial, self._trial = self._trial, None
        if trial is not None and trial.cancel is not None:
            trial.cancel()

    def _summary(self, request: ApplyRequest, config: MachineConfig) -> str:
        staged = request.mode.waits_for_boot
        before = self._text(STAGED if staged else ACTIVE) or self._text(ACTIVE)
        if before is None:
            return f"{_details(request)} (skipped in dry run): there is no configuration to compare it with"
        diff = difference(MachineConfig.load(before, release=self._release), config)
        return f"{_details(request)} (skipped in dry run)\n{diff or 'no change'}"

    def _text(self, id: str) -> str | None:
        try:
            return self._state.get(MachineConfigResource, id).spec.text
        except NotFoundError:
            return None


def _chosen(mode: ApplyMode) -> ApplyMode:
    """The mode in which a node does it that was left to choose: nothing here needs a reboot."""
    return ApplyMode.NO_REBOOT if mode is ApplyMode.AUTO else mode


def _details(request: ApplyRequest) -> str:
    match request.mode:
        case ApplyMode.STAGED:
            return "the configuration is staged for the next reboot"
        case ApplyMode.REBOOT:
            return "the configuration is applied with a reboot"
        case ApplyMode.TRY:
            return f"the configuration is applied for {request.try_s:g} s, and then goes back unless another one is applied"
        case _:
            return "the configuration is applied without a reboot"


def _in_real_time(seconds: float, call: Callable[[], None]) -> Cancel:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()
    return timer.cancel
