"""Calls to an etcd of one or several members: who is asked, who is asked next, tokens."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from google.protobuf.message import DecodeError as MessageError
from google.protobuf.message import Message

from talos_resources._generated import etcd_pb2 as pb
from talos_resources.backends.etcd.address import EtcdAddress
from talos_resources.backends.etcd.failures import AnswerTooLargeError, error_of, is_stale_token, is_temporary, is_too_large
from talos_resources.model.errors import ConnectError, RemoteError
from talos_resources.rpc.client.call import unary
from talos_resources.rpc.headers import call_headers
from talos_resources.rpc.status import RpcError
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.http2 import Http2Transport
from talos_resources.state.timeout import Deadline, acquire

M = TypeVar("M", bound=Message)

RANGE: Final = "/etcdserverpb.KV/Range"
TXN: Final = "/etcdserverpb.KV/Txn"
WATCH: Final = "/etcdserverpb.Watch/Watch"
_AUTHENTICATE: Final = "/etcdserverpb.Auth/Authenticate"

DEFAULT_TIMEOUT_S: Final = 30.0
MEMBER_TIMEOUT_S: Final = 5.0
"""How long one member of several may take before another one is asked."""

_FIRST_DELAY_S: Final = 0.02
_LONGEST_DELAY_S: Final = 1.0
# How many broken connections a call survives where no member is left to ask.
_BREAKS: Final = 2


class EtcdClient:
    """Thread-safe. Ctrl-C ends a call.

    Attributes:
        address: where it is.
        timeout: seconds for a call.
    """

    def __init__(self, address: EtcdAddress, *, timeout: float = DEFAULT_TIMEOUT_S) -> None:
        """Connects when it is first used.

        Args:
            address: where it is.
            timeout: seconds for a call, over all members.

        Raises:
            ConfigError: certificates that cannot be used.
        """
        self.address = address
        self.timeout = timeout
        self.member_timeout = timeout if len(address.endpoints) == 1 else min(timeout, MEMBER_TIMEOUT_S)
        self._transports = [self.transport(index) for index in range(len(address.endpoints))]
        self.preferred = 0
        self._token = ""
        self._headers = "", call_headers((), None)
        self._login = threading.Lock()

    def call(self, method: str, request: Message, answer: type[M], about: object) -> tuple[M, bool]:
        """Asks the member that answered last, then the others, and again while there is no leader.

        Args:
            method: path of the call.
            request: what to ask; asking twice must do no harm.
            answer: the class of the answer.
            about: what the call is about, for messages.

        Returns:
            The answer, and whether an earlier attempt may have been carried out too.

        Raises:
            ConnectError: no member answers; a write may have been carried out or not.
            TalosResourcesError: etcd says no.
        """
        message = request.SerializeToString()
        deadline = Deadline(self.timeout)
        delay = _FIRST_DELAY_S
        doubtful = False
        breaks = _BREAKS
        while True:
            failures: dict[str, str] = {}
            temporary = False
            first = self.preferred
            for offset in range(len(self._transports)):
                index = (first + offset) % len(self._transports)
                if failures and deadline.remaining() == 0:
                    break
                try:
                    done = self.ask(index, method, message, answer, about, timeout=deadline.remaining())
                except TransportError as error:
                    failures[self.endpoint(index)] = error.reason
                    doubtful = doubtful or not error.refused
                    # A connection that breaks is made anew, for that asking twice does no harm.
                    temporary = temporary or (breaks > 0 and not error.refused and not error.timed_out)
                except RpcError as error:  # only those that may be over
                    failures[self.endpoint(index)] = error.text
                    temporary = doubtful = True
                else:
                    self.preferred = index
                    return done, doubtful
            breaks -= 1
            left = deadline.remaining() or 0
            if not temporary or left < delay:
                raise unreachable(failures, doubtful=doubtful and method == TXN)
            time.sleep(random.uniform(delay / 2, delay))  # noqa: S311  # no secret
            delay = min(delay * 2, _LONGEST_DELAY_S)

    def ask(self, index: int, method: str, message: bytes, answer: type[M], about: object, *, timeout: float | None = None) -> M:
        """Asks one member, once; with a new token if the old one has expired.

        Raises:
            TransportError: it does not answer.
            RpcError: it cannot answer now.
            AnswerTooLargeError: its answer does not fit in one message.
            TalosResourcesError: it says no.
        """
        limit = self.member_timeout if timeout is None else min(timeout, self.member_timeout)
        token = self._token
        if self.address.user is not None and not token:
            token = self._authenticate(index, "", limit)
        for last in (False, True):
            try:
                return parsed(self._unary(index, method, token, message, limit), answer)
            except RpcError as error:
                if is_temporary(error):
                    raise
                if is_too_large(error):
                    raise AnswerTooLargeError from None
                if last or self.address.user is None or not is_stale_token(error):
                    raise error_of(error, about) from None
                token = self._authenticate(index, token, limit)
        raise AssertionError("the second try answers or raises")

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes along with a watch: a member without a leader must say so."""
        return (("hasleader", "true"), *((("token", self._token),) if self._token else ()))

    def close(self) -> None:
        """Closes the connections."""
        for transport in self._transports:
            transport.close()

    def endpoint(self, index: int) -> str:
        """The address of a member."""
        return self.address.endpoints[index]

    def transport(self, index: int) -> Http2Transport:
        """A new way to a member.

        Raises:
            ConfigError: certificates that cannot be used.
        """
        return Http2Transport(
            self.endpoint(index), credentials=self.address.credentials, connect_timeout=min(self.timeout, MEMBER_TIMEOUT_S), service="etcd"
        )

    @property
    def members(self) -> Sequence[int]:
        """All members, the one that answered last first."""
        count, first = len(self._transports), self.preferred
        return [(first + offset) % count for offset in range(count)]

    def _unary(self, index: int, method: str, token: str, message: bytes, timeout: float) -> bytes:
        known = self._headers
        if known[0] != token:
            known = self._headers = token, call_headers((("token", token),) if token else (), None)
        return unary(self._transports[index], method, message, headers=known[1], timeout=timeout)

    def _authenticate(self, index: int, stale: str, timeout: float) -> str:
        """A new token; who comes second takes the one that the first got.

        Raises:
            TalosResourcesError: etcd does not know the user, or the password is wrong.
        """
        deadline = Deadline(timeout)
        if not acquire(self._login, timeout):
            raise TransportError("timed out while another call logs in", timed_out=True, refused=True)
        try:
            if self._token != stale:
                return self._token
            request = pb.AuthenticateRequest(name=self.address.user or "", password=self.address.password)
            try:
                data = self._unary(index, _AUTHENTICATE, "", request.SerializeToString(), deadline.remaining() or 0.0)
            except RpcError as error:
                if is_temporary(error):
                    raise
                raise error_of(error, "the user") from None
            self._token = parsed(data, pb.AuthenticateResponse).token
            return self._token
        finally:
            self._login.release()


def parsed(data: bytes, answer: type[M]) -> M:
    """The answer in these bytes.

    Raises:
        RemoteError: it is none.
    """
    message = answer()
    try:
        message.ParseFromString(data)
    except MessageError:
        raise RemoteError("etcd sent an answer that cannot be read", code="INTERNAL") from None
    return message


def unreachable(failures: dict[str, str], *, doubtful: bool = False, **facts: Any) -> ConnectError:
    """No member answers."""
    reasons = "; ".join(f"{address}: {reason}" for address, reason in failures.items())
    return ConnectError(
        f"no answer from etcd: {reasons}{'; the write may have been done or not' if doubtful else ''}", reasons=failures, **facts
    )
