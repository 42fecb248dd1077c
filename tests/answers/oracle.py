"""What rendering/answer_digests.lua writes of an answer, said once more in Python: slowly, and by a parser of its
own, as Python's takes NaN and drops keys that are there twice."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

_ROOT, _ANY, _ITEMS = 0, 0x2A, 0x5B5D
_FULL = 0xFFFFFFFF
_TOLD = 64
_DEEPEST, _MOST_PATHS, _LONGEST_NAME = 64, 512, 160
_NUMBER = re.compile(rb"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_STRING = re.compile(rb'"((?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*)"')
_ESCAPE = re.compile(rb'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_PLAIN = dict(zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True))
_SPACE = re.compile(rb"[ \t\n\r]*")
_KEY = re.compile(rb"[A-Za-z_-][A-Za-z0-9_-]{0,39}")
_TIME = re.compile(rb"\d..\d-..-..[T ]..:..:.\d.{0,16}", re.DOTALL)
_UUID = re.compile(rb"(?=.{8}-.{4}-.{4}-.{4}-)[0-9a-fA-F-]{36}", re.DOTALL)
_HEX = re.compile(rb"[0-9a-fA-F]{16,128}")


class NotJsonError(Exception):
    """The first word of the digest: why a body is not read as JSON."""


# Hashes --------------------------------------------------------------------------------


def _rol(value: int, by: int, bits: int) -> int:
    mask = (1 << bits) - 1
    return ((value << by) | (value >> (bits - by))) & mask


def _round(v: list[int], turns: tuple[int, int, int, int], half: int, bits: int) -> None:
    mask = (1 << bits) - 1
    a, b, c, d = turns
    v[0] = (v[0] + v[1]) & mask
    v[1] = _rol(v[1], a, bits) ^ v[0]
    v[0] = _rol(v[0], half, bits)
    v[2] = (v[2] + v[3]) & mask
    v[3] = _rol(v[3], b, bits) ^ v[2]
    v[0] = (v[0] + v[3]) & mask
    v[3] = _rol(v[3], c, bits) ^ v[0]
    v[2] = (v[2] + v[1]) & mask
    v[1] = _rol(v[1], d, bits) ^ v[2]
    v[2] = _rol(v[2], half, bits)


def _hashed(v: list[int], data: bytes, turns: tuple[int, int, int, int], bits: int) -> list[int]:
    size, half = bits // 8, bits // 2
    whole = len(data) // size * size
    words = [int.from_bytes(data[at : at + size], "little") for at in range(0, whole, size)]
    words.append((len(data) % 256) << (bits - 8) | int.from_bytes(data[whole:], "little"))
    for word in words:
        v[3] ^= word
        _round(v, turns, half, bits)
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(3):
        _round(v, turns, half, bits)
    return v


def sip(key: tuple[int, int], data: bytes) -> int:
    """SipHash-1-3."""
    k0, k1 = key
    start = [
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    ]
    v = _hashed(start, data, (13, 16, 21, 17), 64)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def half_sip(key: tuple[int, int], data: bytes) -> int:
    """HalfSipHash-1-3, of 32 bits."""
    k0, k1 = key
    v = _hashed([k0, k1, k0 ^ 0x6C796765, k1 ^ 0x74656462], data, (5, 8, 7, 13), 32)
    return v[1] ^ v[3]


def mix(a: int, b: int) -> int:
    v = [a, b, 0x6C796765, 0x74656462]
    for _ in range(2):
        _round(v, (5, 8, 7, 13), 16, 32)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _halves(number: int) -> tuple[int, int]:
    return number & _FULL, number >> 32


# JSON --------------------------------------------------------------------------------


@dataclass
class Parser:
    """Yields what `json.loads` would, with keys that are there twice, and bytes for strings."""

    text: bytes
    at: int = 0
    depth: int = 0

    def whole(self) -> object:
        value = self.value()
        self.skip()
        if self.at != len(self.text):
            raise NotJsonError("broken")
        return value

    def skip(self) -> None:
        self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]  # matches nothing as well

    def next(self) -> bytes:
        self.skip()
        return self.text[self.at : self.at + 1]

    def expect(self, letter: bytes) -> None:
        if self.next() != letter:
            raise NotJsonError("broken")
        self.at += 1

    def value(self) -> object:
        letter = self.next()
        if letter in (b"{", b"["):
            if self.depth == _DEEPEST:
                raise NotJsonError("deep")
            self.depth += 1
            found = self.members() if letter == b"{" else self.items()
            self.depth -= 1
            return found
        if letter == b'"':
            return self.string()
        for word, meaning in ((b"true", True), (b"false", False), (b"null", None)):
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return meaning
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            return Number(number[0])
        raise NotJsonError("broken")

    def members(self) -> Pairs:
        self.expect(b"{")
        pairs: list[tuple[bytes, object]] = []
        while self.next() != b"}" or pairs:
            key = self.string()
            self.expect(b":")
            pairs.append((key, self.value()))
            if self.next() != b",":
                break
            self.at += 1
        self.expect(b"}")
        return Pairs(pairs)

    def items(self) -> list[object]:
        self.expect(b"[")
        found: list[object] = []
        while self.next() != b"]" or found:
            found.append(self.value())
            if self.next() != b",":
                break
            self.at += 1
        self.expect(b"]")
        return found

    def string(self) -> bytes:
        self.skip()
        found = _STRING.match(self.text, self.at)
        if not found:
            raise NotJsonError("broken")
        self.at = found.end()
        return _unescaped(found[1])


@dataclass(frozen=True)
class Pairs:
    pairs: list[tuple[bytes, object]]


@dataclass(frozen=True)
class Number:
    text: bytes

    @property
    def canonical(self) -> bytes:
        digits = self.text.lstrip(b"-")
        exponent = re.split(b"[eE][+-]?", digits)[1:] or [b""]
        if len(digits) > (15 if digits.isdigit() else 400) or len(exponent[0]) > 4:
            return self.text
        return struct.pack("<d", float(self.text) or 0.0)


def _unescaped(raw: bytes) -> bytes:
    made, at = bytearray(), 0
    while found := _ESCAPE.search(raw, at):
        made += raw[at : found.start()]
        at = found.end()
        if found[2]:
            made.append(_PLAIN[found[2][0]])
            continue
        point = int(found[1], 16)
        second = _ESCAPE.match(raw, at)
        if 0xD800 <= point < 0xDC00 and second and second[1] and 0xDC00 <= int(second[1], 16) < 0xE000:
            point = 0x10000 + (point - 0xD800) * 1024 + int(second[1], 16) - 0xDC00
            at = second.end()
        made += chr(point).encode("utf-8", "surrogatepass")
    return bytes(made + raw[at:])


def kind_of(text: bytes) -> str:
    """What a string looks like."""
    if _TIME.fullmatch(text):
        return "t"
    if _UUID.fullmatch(text):
        return "u"
    return "h" if _HEX.fullmatch(text) else "s"


# Digests --------------------------------------------------------------------------------


@dataclass
class Walk:
    """The walk over one value. `key` has the request's id in it, `names` has not."""

    key: tuple[int, int]
    names: tuple[int, int]
    hidden: bool = False
    sums: dict[int, int] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)
    spelt: dict[int, str] = field(default_factory=lambda: {_ROOT: "$"})

    def value(self, value: object, path: int) -> tuple[int, int]:
        """Digests: with keys in any order, and with items in any order too."""
        if isinstance(value, Pairs) and value.pairs:
            return self.members(value, path)
        if isinstance(value, list) and value:
            return self.items(value, path)
        kind, digest = self.leaf(value)
        if path in self.sums:
            self.sums[path] = (self.sums[path] + mix(path, digest)) & _FULL
            if self.kinds[path] != kind:
                self.kinds[path] = "m"
        else:
            if len(self.sums) == _MOST_PATHS:
                raise NotJsonError("wide")
            self.sums[path], self.kinds[path] = mix(path, digest), kind
        return digest, digest

    def leaf(self, value: object) -> tuple[str, int]:
        if isinstance(value, Pairs | list):
            kind = "a" if isinstance(value, list) else "o"
            return kind, mix(self.key[0] ^ ord(kind), self.key[1])
        if isinstance(value, bytes):
            return kind_of(value), self.hashed("s", value)
        if isinstance(value, Number):
            return "n", self.hashed("n", value.canonical)
        if value is None:
            return "z", self.hashed("z", b"null")
        return "b", self.hashed("b", b"true" if value else b"false")

    def hashed(self, kind: str, data: bytes) -> int:
        return half_sip((self.key[0], self.key[1] ^ ord(kind)), data)

    def members(self, value: Pairs, path: int) -> tuple[int, int]:
        ordered = any_order = 0
        for key, member in value.pairs:
            digest = half_sip(self.names, key)
            told = bool(_KEY.fullmatch(key)) and sum(48 <= letter <= 57 for letter in key) <= 3
            below = mix(path, digest if told else _ANY)
            self.spell(below, path, f".{key.decode() if told else '*'}")
            its_ordered, its_any_order = self.value(member, below)
            ordered = (ordered + mix(digest, its_ordered)) & _FULL
            any_order = (any_order + mix(digest, its_any_order)) & _FULL
        return tuple(mix(mix(each, ord("{")), len(value.pairs)) for each in (ordered, any_order))  # type: ignore[return-value]

    def items(self, value: list[object], path: int) -> tuple[int, int]:
        ordered = any_order = 0
        below = mix(path, _ITEMS)
        self.spell(below, path, "[]")
        for item in value:
            its_ordered, its_any_order = self.value(item, below)
            ordered = mix(ordered, its_ordered)
            any_order = (any_order + mix(its_any_order, _ITEMS)) & _FULL
        return tuple(mix(mix(each, ord("[")), len(value)) for each in (ordered, any_order))  # type: ignore[return-value]

    def spell(self, path: int, parent: int, part: str) -> None:
        whole = self.spelt[parent] + part
        if self.hidden:
            whole = f"#{path:08x}"
        elif len(whole) > _LONGEST_NAME:
            whole = f"$..{path:08x}"
        self.spelt[path] = whole

    def told(self) -> Iterator[str]:
        paths = sorted(self.sums, key=lambda path: self.spelt[path])
        most = len(paths) if len(paths) <= _TOLD else _TOLD - 1
        for path in paths[:most]:
            yield f"{self.spelt[path]}={self.kinds[path]}{self.sums[path]:08x}"
        if rest := paths[most:]:
            yield f"~{self.spelt[paths[most - 1]]}=m{sum(self.sums[path] for path in rest) & _FULL:08x}"


@dataclass(frozen=True)
class Keys:
    """The keys of one request. `key` is the setting: 32 hexadecimal digits."""

    key: str
    request_id: str

    @property
    def main(self) -> tuple[int, int]:
        return int(self.key[:16], 16), int(self.key[16:], 16)

    @property
    def names(self) -> tuple[int, int]:
        return _halves(sip(self.main, b"names"))

    @property
    def raw(self) -> tuple[int, int]:
        return self._of(b"\1"), self._of(b"\2")

    @property
    def values(self) -> tuple[int, int]:
        return _halves(self._of(b"\3"))

    def chosen(self, one_of: int) -> bool:
        return sip(self.main, self._id) % one_of == 0

    @property
    def _id(self) -> bytes:
        text = self.request_id.encode()
        return text[:14] + text[15:] if len(text) == 36 else text

    def _of(self, purpose: bytes) -> int:
        return sip(self.main, self._id + purpose)


def json_digest(keys: Keys, body: bytes, hidden: bool = False) -> tuple[list[str], list[str]]:
    """The words of the digest but for that of the headers, and the fields."""
    raw = f"{sip(keys.raw, body):016x}"
    walk = Walk(keys.values, keys.names, hidden)
    try:
        digests = walk.value(Parser(body).whole(), _ROOT)
    except NotJsonError as why:
        return [str(why), raw], []
    k0, k1 = keys.values
    return ["json", raw, *(f"{mix(mix(each, k0), k1):08x}" for each in digests)], list(walk.told())


def headers_digest(keys: Keys, headers: dict[str, str]) -> tuple[str, list[str]]:
    """Of headers that are each there once and told."""
    k0, k1 = keys.values
    hashes = {name: half_sip((k0, k1 ^ ord("s")), value.encode()) for name, value in headers.items()}
    total = sum(mix(half_sip(keys.names, name.encode()), hashed) for name, hashed in hashes.items()) & _FULL
    return f"{total:08x}", sorted(f"@{name}=s{hashed:08x}" for name, hashed in hashes.items())
