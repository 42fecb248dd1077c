"""What the sidecars write of answers, in a real Envoy: byte for byte what the oracle says, whatever the app
answers, and no value of an answer."""

from __future__ import annotations

import gzip
import json
import random
import string
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.kit.digesting_proxy import KEY, Answer, Proxy, running
from mirrored_service.description.answer_digests import AnswerDigests
from mirrored_service.rendering.answer_digests import lua
from tests.answers import oracle

MOST_JSON = 65_536
JSON = {"content-type": "application/json"}
ALL = AnswerDigests(KEY, 1, MOST_JSON, False)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with running(lua(KEY, ALL, ("*",)), tmp_path_factory.mktemp("envoy")) as found:
        yield found


def expected(line: dict[str, Any], body: bytes, hidden: bool = False) -> tuple[str, str]:
    """Both columns, by the oracle."""
    keys = oracle.Keys(KEY, line["request_id"])
    (what, *rest), fields = oracle.json_digest(keys, body, hidden)
    of_headers, headers = oracle.headers_digest(keys, JSON)
    return " ".join([what, of_headers, *rest]), " ".join([*headers, *fields])


def assert_as_the_oracle_says(proxy: Proxy, bodies: list[bytes], cut: Callable[[], int] = lambda: 0) -> None:
    lines = proxy.ask([Answer(body, JSON, cut=cut()) for body in bodies])
    for line, body in zip(lines, bodies, strict=True):
        assert (line["answer_digest"], line["answer_fields"]) == expected(line, body), body


class Generator:
    """JSON of every kind, as text: with escapes, keys that are there twice, and numbers in all spellings."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311  # the same each time

    def text(self) -> str:
        letters = self.draw.choice(["ab", string.printable, 'é€😀"\\/\b\f\n\r\t', "0123456789abcdef-"])
        raw = "".join(self.draw.choices(letters, k=self.draw.choice([0, 1, 3, 8, 9, 16, 36, 40, 41])))
        spelt = json.dumps(raw, ensure_ascii=self.draw.random() < 0.5)
        if self.draw.random() < 0.2:
            odd = self.draw.choice(
                ["\\ud83d\\ude00", "\\ud83d", "\\ude00", "\\u0041", "\\/", "\\u0000", "\\uD83Dx"]
            )
            spelt = spelt[:-1] + odd + '"'
        return spelt

    def string(self) -> str:
        made = (
            self.text,
            self.text,
            lambda: f'"{uuid.UUID(int=self.draw.getrandbits(128))}"',
            lambda: f'"2026-11-{self.draw.randrange(10, 30)}T10:00:0{self.draw.randrange(10)}.5Z"',
            lambda: f'"{self.draw.getrandbits(128):032x}"',
        )
        return self.draw.choice(made)()

    def number(self) -> str:
        return self.draw.choice(
            (
                str(self.draw.randrange(-100, 100)),
                str(self.draw.randrange(-(10**19), 10**19)),
                str(10 ** self.draw.randrange(30)),
                repr(self.draw.uniform(-1e3, 1e3)),
                repr(self.draw.uniform(-1, 1) * 10.0 ** self.draw.randrange(-320, 308)),
                self.draw.choice(
                    ["-0", "0", "0.0", "1e0", "1.0", "1E+2", "100", "1e-400", "1e400", "-1e400"]
                ),
            )
        )

    def key(self) -> str:
        if self.draw.random() < 0.3:
            return self.text()
        return json.dumps(self.draw.choice(["id", "price", "items", "a1", "a1234", "7up", "_x", "Größe", ""]))

    def value(self, depth: int) -> str:
        space = self.draw.choice(["", "", " ", "\n\t"])
        kind = self.draw.randrange(9 if depth else 5)
        if kind < 5:
            leaf = (self.string, self.number, lambda: "true", lambda: "false", lambda: "null")[kind]
            return space + leaf() + space
        members = range(self.draw.choice([0, 1, 2, 3, 6]))
        if kind < 7:
            return space + "[" + ",".join(self.value(depth - 1) for _ in members) + "]" + space
        pairs = [f"{space}{self.key()}{space}:{self.value(depth - 1)}" for _ in members]
        return space + "{" + ",".join(pairs) + "}"

    def body(self) -> bytes:
        return self.value(self.draw.randrange(6)).encode()

    def broken(self) -> bytes:
        """One with a byte too few, too many, or another one: JSON or not."""
        whole = bytearray(self.body())
        for _ in range(self.draw.randrange(1, 4)):
            at = self.draw.randrange(len(whole) + 1)
            new = self.draw.choice(
                [b"", b",", b":", b'"', b"}", b"]", b"{", b"\\", b"\0", b"\xff", b"1", b"e", b"."]
            )
            whole[at : at + self.draw.randrange(2)] = new
        return bytes(whole)


def test_generated_json_has_the_digests_of_the_oracle_however_it_is_cut(proxy: Proxy) -> None:
    generator = Generator(1)
    bodies = [body for body in (generator.body() for _ in range(1500)) if body]
    assert_as_the_oracle_says(proxy, bodies, lambda: generator.draw.choice([0, 0, 1, 7, 8, 100]))


def test_what_is_nearly_json_is_told_from_json(proxy: Proxy) -> None:
    generator = Generator(2)
    bodies = [body for body in (generator.broken() for _ in range(1500)) if body]
    assert_as_the_oracle_says(proxy, bodies)
    kinds = [_is_json(body) for body in bodies]
    assert kinds.count(True) > 50
    assert kinds.count(False) > 500


def _is_json(body: bytes) -> bool:
    return oracle.json_digest(oracle.Keys(KEY, "1"), body)[0][0] == "json"


def test_the_oracle_takes_for_json_what_python_does() -> None:
    def refuse(_: str) -> None:
        raise ValueError

    generator = Generator(3)
    for _ in range(3000):
        body = generator.broken()
        try:
            text = body.decode()
        except UnicodeDecodeError:
            continue
        try:
            json.loads(text, parse_constant=refuse)
            fine = True
        except ValueError:
            fine = False
        assert _is_json(body) == (fine and bool(body)), body


LONG = {f"{letter}{number}": number for letter in "abcdefgh" for number in range(20)}
EDGES = [
    b"[" * 64 + b"]" * 64,
    b"[" * 65 + b"]" * 65,
    b"[" * MOST_JSON,
    b'{"a":' * 64 + b"1" + b"}" * 64,
    b'{"a":' * 10_000,
    b'"' + b"\\u0000" * 10_000 + b'"',
    b'"' + b"x" * (MOST_JSON - 2) + b'"',
    json.dumps(LONG).encode(),
    json.dumps({f"k{number:03}": {"x": number} for number in range(512)}).encode(),
    json.dumps(
        [{f"{first}{second}": 1 for first in string.ascii_letters for second in "abcdefghi"}]
    ).encode(),
    json.dumps({f"{a}{b}": 1 for a in string.ascii_letters for b in string.ascii_letters[:10]}).encode(),
    json.dumps([{"a" * 40: {"b" * 40: {"c" * 40: {"d" * 40: [1, {"e" * 40: 2}]}}}}]).encode(),
    json.dumps([[number] for number in range(8_000)]).encode(),
    b" " * 60_000 + b"1",
    b'"\xff\xfe"',
    b'"\\ud83d\\u0041"',
    b"nul",
    b"true false",
    b"\xef\xbb\xbf{}",
]


@pytest.mark.parametrize("body", EDGES, ids=lambda body: f"{body[:12]!r} of {len(body)}")
def test_bodies_that_are_made_to_hurt_have_the_digests_of_the_oracle(proxy: Proxy, body: bytes) -> None:
    assert_as_the_oracle_says(proxy, [body, body], iter([0, 4096]).__next__)


def words(line: dict[str, Any]) -> list[str]:
    return str(line["answer_digest"]).split()


def test_what_is_not_read_as_json_says_why_and_has_a_digest_of_the_whole_where_it_can(proxy: Proxy) -> None:
    packed = gzip.compress(b'{"a":1}', mtime=0)
    kinds = {
        "packed": Answer(packed, {**JSON, "content-encoding": "gzip"}),
        "other": Answer(b"<p>", {"content-type": "text/html"}),
        "large": Answer(b'"' + b"x" * (MOST_JSON - 1) + b'"', JSON),
        "huge": Answer(b"x" * (1024 * 1024 + 1), {"content-type": "application/octet-stream"}),
        "grpc": Answer(b"\0" * 5, {"content-type": "application/grpc+proto"}),
        "stream": Answer(b"data: 1\n\n", {"content-type": "text/event-stream"}, cut=4),
        "empty": Answer(status=204),
    }
    for (kind, answer), line in zip(kinds.items(), proxy.ask(list(kinds.values())), strict=True):
        what, _, *raw = words(line)
        assert what == kind
        if kind in ("huge", "grpc", "stream"):
            assert raw == []
        else:
            keys = oracle.Keys(KEY, line["request_id"])
            assert raw == [f"{oracle.sip(keys.raw, answer.body):016x}"]
        assert "$" not in line["answer_fields"]


def test_an_answer_to_head_and_one_that_breaks_off(proxy: Proxy) -> None:
    (line,) = proxy.ask([Answer(b'{"a":1}', JSON)], method="HEAD")
    assert words(line)[0] == "empty"
    (line,) = proxy.ask([Answer(b'{"a":1}', JSON, broken_off=True)])
    assert line["answer_digest"] is None
    assert line["answer_fields"] is None


def test_headers_are_fields_but_for_those_that_differ_always(proxy: Proxy) -> None:
    told = {"content-type": "text/plain", "cache-control": "no-store", "x-shop": "7"}
    passed_over = {"etag": "1", "last-modified": "now", "set-cookie": "a=b", "x-envoy-a": "1", "expires": "0"}
    (line,) = proxy.ask([Answer(b"x", {**told, **passed_over})])
    total, fields = oracle.headers_digest(oracle.Keys(KEY, line["request_id"]), told)
    assert line["answer_fields"] == " ".join(fields)
    assert words(line)[1] == total


def test_the_same_answer_to_another_request_has_other_digests_throughout(proxy: Proxy) -> None:
    first, second = proxy.ask([Answer(b'{"a":1,"b":[]}', JSON)] * 2)
    assert set(words(first)) & set(words(second)) == {"json"}
    assert not set(first["answer_fields"].split()) & set(second["answer_fields"].split())


def test_the_digit_that_tracing_rewrites_changes_nothing(proxy: Proxy) -> None:
    ids = ["5f1b0c1e-9a3d-4c6e-8f00-0123456789ab", "5f1b0c1e-9a3d-9c6e-8f00-0123456789ab"]
    first, second = (proxy.ask([Answer(b'{"a":1}', JSON)], request_id=each)[0] for each in ids)
    assert first["answer_digest"] == second["answer_digest"]


def test_no_value_of_an_answer_is_written(proxy: Proxy) -> None:
    hush: dict[str, Any] = {"name": "hush", "mail@hush.example": 1, "hush 1": {"hush-20261127-1": "hush"}}
    answers = [
        Answer(json.dumps(hush).encode(), {**JSON, "x-answer": "hush"}),
        Answer(b'{"hush', JSON),
        Answer(b"hush", {"content-type": "text/hush"}),
        Answer(b"hush" * 400_000, JSON),
    ]
    proxy.ask(answers)
    for file in proxy.log.parent.iterdir():
        assert "hush" not in file.read_text().lower(), file


def test_names_can_be_hidden(tmp_path: Path) -> None:
    body = b'{"name":{"of":[1]},"4711":2}'
    with running(lua(KEY, AnswerDigests(KEY, 1, MOST_JSON, True), ("*",)), tmp_path) as hidden:
        (line,) = hidden.ask([Answer(body, JSON)])
    assert (line["answer_digest"], line["answer_fields"]) == expected(line, body, hidden=True)
    assert "name" not in line["answer_fields"]


def test_one_of_so_many_requests_is_looked_at_and_only_those_that_are_copied(tmp_path: Path) -> None:
    with running(lua(KEY, AnswerDigests(KEY, 4, MOST_JSON, False), ("GET",)), tmp_path) as some:
        lines = some.ask([Answer(b"1", JSON)] * 400)
        others = some.ask([Answer(b"1", JSON)] * 20, method="HEAD")
    chosen = [line["answer_digest"] is not None for line in lines]
    assert chosen == [oracle.Keys(KEY, line["request_id"]).chosen(4) for line in lines]
    assert 60 < sum(chosen) < 150
    assert not [line for line in others if line["answer_digest"]]


def test_a_proxy_that_would_interpret_the_code_does_nothing(tmp_path: Path) -> None:
    with running("require('jit').off()\n" + lua(KEY, ALL, ("*",)), tmp_path) as slow:
        (line,) = slow.ask([Answer(b'{"a":1}', JSON)])
    assert (line["answer_digest"], line["answer_fields"]) == (None, None)
    assert "error" not in (tmp_path / "envoy.log").read_text()


def test_the_proxy_complains_of_nothing(proxy: Proxy) -> None:
    said = (proxy.log.parent / "envoy.log").read_text()
    assert "lua" not in said.lower(), said[-2000:]
