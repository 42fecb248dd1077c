"""Reads which answers are digested, and how."""

from __future__ import annotations

import re

import pulumi

from .. import args as public
from ..description.answer_digests import AnswerDigests
from .fields import MISSING, Fields, InvalidArgsError, fits

SECTION = "answerDigests"
KEY = "key"
PATTERN = re.compile("[0-9a-fA-F]{32}")
KEY_TEXT = "32 hexadecimal digits, such as `openssl rand -hex 16` prints"


def read(fields: Fields) -> AnswerDigests | None:
    """None, unless something is said."""
    if fields.values.get(SECTION) in (None, {}):
        return None
    section = fields.section(SECTION, public.AnswerDigestsArgs)
    key = section.secret(KEY, MISSING, KEY_TEXT, PATTERN)
    return AnswerDigests(
        key.apply(_checked) if isinstance(key, pulumi.Output) else key,
        section.whole("oneOf", 10, 1, 10_000),
        section.whole("maxJsonBytes", 65_536, 1024, 262_144),
        section.flag("hideNames", False),
    )


def _checked(key: str) -> str:
    """What another resource made is known only when Pulumi has it."""
    if not fits(PATTERN, key):
        raise InvalidArgsError(SECTION, [f"{SECTION}.{KEY}: not allowed; allowed: {KEY_TEXT}"])
    return key
