"""`machine.MachineService`: the calls of a Talos node beside its resources that are answered here."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Mapping
from typing import Final

from talos_resources._generated import machine_pb2 as pb
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.rpc.apply import APPLY, DEFAULT_TRY_S, ApplyMode, ApplyRequest, TakesConfiguration, applied_response
from talos_resources.rpc.server.call import Call, Method
from talos_resources.rpc.server.requests import parse
from talos_resources.rpc.server.roles import check_known, check_write
from talos_resources.rpc.status import Code, RpcError
from talos_resources.rpc.version import VERSION, version_response

LONGEST_TRY_S: Final = 24 * 3600.0
"""How long a configuration may be tried."""


class MachineService:
    """The methods, each an answer to one request."""

    def __init__(self, *, talos_version: str, machine: TakesConfiguration | None = None) -> None:
        """Answers for a node.

        Args:
            talos_version: what it calls itself: talosctl warns when that is older than talosctl is.
            machine: takes configurations; None for a node that takes none.
        """
        self._talos_version = talos_version
        self._machine = machine

    def methods(self) -> Mapping[str, Method]:
        """Path → method."""
        return {VERSION: self._version, APPLY: self._apply}

    async def _version(self, call: Call, _data: bytes) -> None:
        check_known(call.roles)
        await call.send(version_response(self._talos_version, python=platform.python_version(), platform="talos-resources"))

    async def _apply(self, call: Call, data: bytes) -> None:
        check_write(call.roles)
        if self._machine is None:
            raise RpcError(Code.UNIMPLEMENTED, "this server takes no machine configuration")
        request = _request(parse(pb.ApplyConfigurationRequest, data))
        try:
            # In a thread: a configuration takes a while to check, and others want their answers.
            applied = await asyncio.to_thread(self._machine.apply, request)
        except (ConfigError, DecodeError) as error:
            raise RpcError(Code.INVALID_ARGUMENT, error.message) from None
        await call.send(applied_response(applied))


def _request(message: pb.ApplyConfigurationRequest) -> ApplyRequest:
    """What a client asks.

    Raises:
        RpcError: INVALID_ARGUMENT, there is no such mode, or no such time.
    """
    try:
        mode = ApplyMode(message.mode)
    except ValueError:
        raise RpcError(Code.INVALID_ARGUMENT, f"there is no mode {message.mode} of applying a configuration") from None
    timeout = message.try_mode_timeout
    try_s = timeout.seconds + timeout.nanos / 1e9 if message.HasField("try_mode_timeout") else DEFAULT_TRY_S
    if not 0 < try_s <= LONGEST_TRY_S:
        raise RpcError(Code.INVALID_ARGUMENT, f"a configuration is tried for up to {LONGEST_TRY_S:g} s, not for {try_s:g} s")
    return ApplyRequest(text=message.data, mode=mode, dry_run=message.dry_run, try_s=try_s)
