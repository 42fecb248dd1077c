"""What an answer amounts to. It is written as in the log, "404" or "grpc 14", or "200 cut off", "missing"."""

from __future__ import annotations

from enum import Enum
from functools import cache

MISSING = "missing"  # the request has no line of the other version
AMBIGUOUS = "ambiguous"  # its id occurs another number of times there: which line belongs to which is unknown
WITHOUT_ID = "without id"  # the live line has no request id: nothing can be paired with it
MISSING_CODE, AMBIGUOUS_CODE, WITHOUT_ID_CODE = -1, -2, -3
_NO_ANSWERS = {MISSING_CODE: MISSING, AMBIGUOUS_CODE: AMBIGUOUS, WITHOUT_ID_CODE: WITHOUT_ID}
# In the engine an answer is one number: the status, and these added to it.
CUT_OFF_CODE = 1000  # the caller went away before the answer was whole
BROKEN_CODE = 2000  # the version or the way to it broke off before the answer was whole
GRPC_CODE = 10_000  # times the gRPC status

# Envoy's response flags, short names. Source:
# https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage, RESPONSE_FLAGS.
CALLER_FLAGS = ("DC", "DR", "DPE")
# What a status below 500 can carry when it was sent and the rest of the answer did not follow: the connection to
# the app ended or was reset (UC, UF, UR, LR), broke the protocol (UPE), or took too long (UT, UMSDR, SI, DT).
BROKEN_FLAGS = ("UC", "UF", "UR", "LR", "UPE", "UT", "UMSDR", "SI", "DT", "URX", "OM")

# https://grpc.io/docs/guides/status-codes/, numbered from 0.
GRPC_NAMES = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)
GRPC_UNKNOWN = GRPC_NAMES.index("UNKNOWN")
# gRPC codes that blame the caller; every other one but 0 blames the server.
_GRPC_CLIENT = {1, 3, 5, 6, 7, 9, 10, 11, 16}


class Kind(Enum):
    """In the order in which a caller would prefer them; the last four cannot be compared."""

    OK = "ok"
    CLIENT_ERROR = "client error"
    SERVER_ERROR = "server error"
    ABORTED = (
        "aborted"  # the caller went away, or nothing was answered: that alone says nothing of the version
    )
    MISSING = MISSING
    AMBIGUOUS = AMBIGUOUS
    WITHOUT_ID = WITHOUT_ID


_RANKS = {Kind.OK: 0, Kind.CLIENT_ERROR: 1, Kind.SERVER_ERROR: 2}


@cache
def kind(answer: str) -> Kind:
    """Which kind an answer is of."""
    if answer in _NO_ANSWERS.values():
        return Kind(answer)
    code, *more = answer.split(" ")
    if code == "grpc":
        return Kind.CLIENT_ERROR if int(more[0]) in _GRPC_CLIENT else Kind.SERVER_ERROR
    if more == ["broken", "off"]:
        return Kind.SERVER_ERROR
    if more or int(code) in (0, 499):
        return Kind.ABORTED
    return Kind.OK if int(code) < 400 else Kind.CLIENT_ERROR if int(code) < 500 else Kind.SERVER_ERROR


def text(code: int) -> str:
    """How an answer is written."""
    if code < 0:
        return _NO_ANSWERS[code]
    grpc, rest = divmod(code, GRPC_CODE)
    ended, status = divmod(rest, CUT_OFF_CODE)
    if ended:
        return f"{status} broken off" if ended * CUT_OFF_CODE >= BROKEN_CODE else f"{status} cut off"
    return f"grpc {grpc}" if grpc else str(status)


def comparable(reference: str, other: str) -> bool:
    """Do both answers say something about their version?"""
    return kind(reference) in _RANKS and kind(other) in _RANKS


def change(reference: str, other: str) -> int:
    """1 when the other answer is worse, -1 when it is better, 0 when it is as good or says nothing."""
    if not comparable(reference, other):
        return 0
    before, after = _RANKS[kind(reference)], _RANKS[kind(other)]
    return (after > before) - (after < before)


def changed(reference: str, other: str) -> bool:
    """Is the other answer another one, but neither better nor worse, such as 302 instead of 200?"""
    return reference != other and comparable(reference, other) and not change(reference, other)
