"""Reading what an optimizer model wrote. Pure functions; nothing a model writes makes them fail."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

_FIELD = r'"{name}"\s*:\s*"((?:[^"\\]|\\.)*)"'
_PROMPT = re.compile(_FIELD.format(name="prompt"))
_HYPOTHESIS = re.compile(_FIELD.format(name="hypothesis"))
_LINE = re.compile(r"^[\s*#>-]*prompt\s*\d*[\s*]*:\s*(.+)$", re.I | re.M)
_MOST_BRACKETS = 100  # each costs an attempt to parse; a reply has tens
_FRAME = " \t\r\n\"'`*“”"


@dataclass(frozen=True)
class Idea:
    """A prompt and why it should work."""

    prompt: str
    hypothesis: str = ""


def ideas(text: str) -> list[Idea]:
    """Prompts of a chat reply: from JSON wherever it stands, broken JSON by field, or "PROMPT:" lines."""
    parsed = _distinct(idea for value in _values(text) for idea in _in_value(value))
    fields = _distinct(_fields(text))
    lines = _distinct(Idea(_bare(line)) for line in _LINE.findall(text))
    return max(parsed, fields, lines, key=len)  # the first of equals


def objects(text: str) -> list[dict[str, Any]]:
    """The JSON objects of a reply that hold a prompt, wherever they stand in it."""
    return [one for value in _values(text) for one in _holders(value)]


def spoken_calls(text: str) -> list[tuple[str, str]]:
    """Tool calls that a model wrote into its text, each as (name, arguments as JSON), repeated ones once.

    Small models do, and servers hand on as text what has not the form of their model's own template.
    """
    return list(dict.fromkeys(call for value in _values(text) for call in _calls(value)))


def _calls(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for inner in value:
            yield from _calls(inner)
    elif isinstance(value, dict):
        given = value.get("arguments", value.get("parameters"))
        if isinstance(value.get("name"), str) and isinstance(given, (dict, str)):
            yield value["name"], given if isinstance(given, str) else json.dumps(given)
        else:
            yield from (call for inner in value.values() for call in _calls(inner))


def _holders(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict) and "prompt" in value:
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _holders(inner)


def continuation(text: str, cut: bool) -> str:
    """The prompt that continues a ranked list: one line. Of one that was cut, the whole sentences."""
    lines = text.strip().splitlines()
    line = _bare(lines[0]) if lines else ""
    if cut and len(lines) < 2:
        ends = [match.end() for match in re.finditer(r"[.?!](?=\s|$)", line)]
        line = line[: ends[-1]] if ends else ""
    return line


def _distinct(found: Iterable[Idea]) -> list[Idea]:
    return list({idea.prompt: idea for idea in found if idea.prompt}.values())


def _values(text: str) -> Iterator[Any]:
    """The JSON objects and lists in the text, outermost first, one after the other."""
    decoder, place = json.JSONDecoder(), 0
    for start in islice(re.finditer(r"[{\[]", text), _MOST_BRACKETS):
        if start.start() < place:
            continue
        try:
            value, place = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            continue
        yield value


def _in_value(value: Any) -> Iterator[Idea]:
    """Ideas at any of the places where models put them."""
    if isinstance(value, dict):
        if isinstance(value.get("prompt"), str):
            hypothesis = value.get("hypothesis")
            yield Idea(_bare(value["prompt"]), hypothesis.strip() if isinstance(hypothesis, str) else "")
        else:
            yield from _in_value(value.get("prompts"))
    elif isinstance(value, list):
        for item in value:
            yield from [Idea(_bare(item))] if isinstance(item, str) else _in_value(item)


def _fields(text: str) -> list[Idea]:
    """Complete "prompt" fields of JSON that doesn't parse, each with the hypothesis before it."""
    found, last = [], 0
    for match in _PROMPT.finditer(text):
        reasons = _HYPOTHESIS.findall(text, last, match.start())
        found.append(
            Idea(_bare(_unescaped(match.group(1))), _unescaped(reasons[-1]).strip() if reasons else "")
        )
        last = match.end()
    return found


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text


def _bare(text: str) -> str:
    """Without quotation marks and other framing."""
    return text.strip(_FRAME)
