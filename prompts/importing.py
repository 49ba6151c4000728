"""Prompts that others wrote, from a file: one a line, a CSV table, or JSON."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from assets.errors import UserError
from prompts.history import History
from prompts.prompt import Prompt
from prompts.records import clean
from vllm_eval.prompt_file import prompt_lines

ORIGIN = "import"
_FIELDS = ("text", "origin", "hypothesis", "parents")
_MOST = 64  # characters of an origin, in every database
_ENDINGS = (".txt", ".csv", ".json")


@dataclass(frozen=True)
class Imported:
    """The run that holds them, the prompts in the order of the file, and the ids that were known before."""

    run_id: str
    prompts: tuple[Prompt, ...]
    known: frozenset[str]


def read_prompts(path: Path, origin: str = ORIGIN) -> list[Prompt]:
    """The prompts of a file, each text once. ``origin`` is that of prompts for which the file names none.

    By its ending: .txt holds one prompt a line (``prompt_lines``: lines that begin with # are none); .csv has
    a column text and may have origin, hypothesis and parents (ids, separated by blanks); .json holds a list
    of texts or of objects with these fields. Raises UserError, naming the line or entry, before anything is
    stored.
    """
    if path.suffix.lower() not in _ENDINGS:
        raise UserError(f"cannot tell what {path} holds; name a file that ends in {', '.join(_ENDINGS)}")
    read = {".txt": _lines, ".csv": _table, ".json": _json}[path.suffix.lower()]
    found: dict[str, Prompt] = {}
    for where, entry in read(path):
        prompt = _prompt(path, where, entry, origin)
        found.setdefault(prompt.id, prompt)
    if not found:
        raise UserError(f"{path} holds no prompt; expected one a line, or a column or field named text")
    return list(found.values())


def import_prompts(history: History, path: Path, origin: str = ORIGIN) -> Imported:
    """Store the prompts of a file under a run of their own, which notes where they come from."""
    prompts = read_prompts(path, origin)
    known = {prompt.id for prompt in history.prompts()}
    digest = sha256(path.read_bytes()).hexdigest()
    run_id = history.start_run({"command": "import", "file": path.name, "sha256": digest}, seed=0)
    for prompt in prompts:
        history.add_prompt(run_id, prompt)
    new = [prompt.id for prompt in prompts if prompt.id not in known]
    history.finish_run(run_id, {"command": "import", "prompts": len(prompts), "new": len(new)})
    return Imported(run_id, tuple(prompts), frozenset(known) & {prompt.id for prompt in prompts})


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as failure:
        raise UserError(f"cannot read {path}: {failure.strerror}; name a file of prompts") from failure
    except UnicodeDecodeError as failure:
        raise UserError(f"{path} is no UTF-8 text ({failure.reason}); save it as UTF-8") from failure


def _lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for line in prompt_lines(path, "file"):
        yield f"line {line.number}", {"text": line.text}


def _table(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        if "text" not in (reader.fieldnames or ()):
            names = ", ".join(reader.fieldnames or ()) or "none"
            raise UserError(f"{path} has no column text (found: {names}); the first line names the columns")
        for row in reader:
            entry = {name: row[name] for name in _FIELDS if row.get(name) is not None}
            entry["parents"] = str(entry.get("parents", "")).split()
            yield f"line {reader.line_num}", entry | {"text": _unquoted(entry.get("text", ""), row.get("id"))}
    except csv.Error as problem:
        raise UserError(
            f"{path} line {reader.line_num} is no CSV ({problem}); save the table again"
        ) from problem


def _unquoted(text: str, prompt_id: str | None) -> str:
    """Without the apostrophe that `python -m prompts export` puts before what a spreadsheet would run."""
    return text[1:] if text[:1] == "'" and Prompt(text[1:].strip()).id == prompt_id else text


def _json(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        value = json.loads(_text(path))
    except (json.JSONDecodeError, RecursionError) as problem:
        raise UserError(f"{path} is no JSON ({problem}); expected a list of texts or objects") from problem
    if not isinstance(value, list):
        raise UserError(f"{path} holds {type(value).__name__}, expected a list of texts or objects")
    for number, entry in enumerate(value, 1):
        if not isinstance(entry, (str, dict)):
            raise UserError(f"{path} entry {number} is {entry!r:.60}, expected a text or an object with one")
        yield f"entry {number}", {"text": entry} if isinstance(entry, str) else entry


def _prompt(path: Path, where: str, entry: Mapping[str, Any], origin: str) -> Prompt:
    def text_of(name: str, otherwise: str) -> str:
        value = entry.get(name)
        if value is not None and not isinstance(value, str):
            raise UserError(f"{path} {where}: {name} is {value!r:.60}, expected text")
        return clean(value or otherwise).strip()

    parents = entry.get("parents") or []
    if not isinstance(parents, list) or not all(isinstance(one, str) for one in parents):
        raise UserError(f"{path} {where}: parents is {parents!r:.60}, expected a list of prompt ids")
    text, named = text_of("text", ""), text_of("origin", origin)
    if not text:
        raise UserError(f"{path} {where} has no text; remove it or write a prompt")
    if len(named) > _MOST:
        raise UserError(f"{path} {where}: origin {named!r:.80} is longer than {_MOST} characters; shorten it")
    return Prompt(text, tuple(clean(one) for one in parents), named, text_of("hypothesis", ""))
