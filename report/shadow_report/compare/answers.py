"""What an answer amounts to. It is written as in the log, "404" or "grpc 14", or "200 cut off", "missing"."""

from __future__ import annotations

from enum import Enum

MISSING = "missing"  # the request has no line of the other version
AMBIGUOUS = "ambiguous"  # its id occurs another number of times there: which line belongs to which is unknown
MISSING_CODE, AMBIGUOUS_CODE = -1, -2
# In the engine an answer is one number: the status, and these added to it.
CUT_OFF_CODE = 1000  # the caller went away before the answer was whole
GRPC_CODE = 10_000  # times the gRPC status
# gRPC codes that blame the caller; every other one but 0 blames the server.
_GRPC_CLIENT = {1, 3, 5, 6, 7, 9, 10, 11, 16}


class Kind(Enum):
    """In the order in which a caller would prefer them; the last three cannot be compared."""

    OK = "ok"
    CLIENT_ERROR = "client error"
    SERVER_ERROR = "server error"
    ABORTED = (
        "aborted"  # the caller went away, or nothing was answered: that alone says nothing of the version
    )
    MISSING = MISSING
    AMBIGUOUS = AMBIGUOUS


_RANKS = {Kind.OK: 0, Kind.CLIENT_ERROR: 1, Kind.SERVER_ERROR: 2}


def kind(answer: str) -> Kind:
    """Which kind an answer is of."""
    if answer in (MISSING, AMBIGUOUS):
        return Kind(answer)
    code, *more = answer.split(" ")
    if code == "grpc":
        return Kind.CLIENT_ERROR if int(more[0]) in _GRPC_CLIENT else Kind.SERVER_ERROR
    if more or int(code) in (0, 499):
        return Kind.ABORTED
    return Kind.OK if int(code) < 400 else Kind.CLIENT_ERROR if int(code) < 500 else Kind.SERVER_ERROR


def text(code: int) -> str:
    """How an answer is written."""
    if code < 0:
        return MISSING if code == MISSING_CODE else AMBIGUOUS
    grpc, rest = divmod(code, GRPC_CODE)
    cut_off, status = divmod(rest, CUT_OFF_CODE)
    if cut_off:
        return f"{status} cut off"
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
