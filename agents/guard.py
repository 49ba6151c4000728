"""Guard: refuses a proposed text before it costs a clip.

Covered: what is no single plain-text question about a video, what was asked before, and what names an answer.
Not covered: whether the question is a good one; that is what the clips are for.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from agents.language import foreign, unspaced
from agents.leaks import Leaks
from agents.ordinary import ASKING, TOPIC

Code = Literal[
    "empty", "long", "lines", "markup", "language", "choices", "truncated", "degenerate", "off-topic", "leak",
    "repeated", "anchor",
]  # fmt: skip

_MARKUP = re.compile(
    r"[{}\[\]<>\\|`=_#^~]|https?:|www\.|\bscore\s*:?\s*\d|\b\w+\(\)|^\s*(?:prompt|hypothesis)\b\W*:|\"\s*:",
    re.I,
)
_LETTERED = re.compile(r"(?:^|[\s(,])[A-Z][.):](?=\s|$)")
_NUMBERED = re.compile(r"(?:^|\s)\(?\d{1,2}[.)](?=\s)")
_LETTERS_IN_A_ROW = re.compile(r"\b[A-Z](?:\s*(?:,|/|or|and)+\s*[A-Z]\b){2,}")
_CHOICES = re.compile(r"\b(?:choices|options|answers|labels|classes)\s*(?:are)?\s*:", re.I)

# Vowels that some scripts write as marks, which for the regular expressions are no letters.
_MARKS = "\u0900-\u0963\u0966-\u0dff\u0e31-\u0e4e\u0eb1-\u0ecd\u0f71-\u0fbc\u102b-\u109d\u17b4-\u17d3"
_LATIN_WORDS = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_WORDS = re.compile(rf"(?:[^\W_]|[{_MARKS}])+(?:['’][^\W_]+)*")

_LEAST_WORDS = 3
_LEAST_LETTERS = 4  # of a script that puts no spaces between words

# Words no sentence ends with.
_GOES_ON = """
    a an and as at because but by every for from his if into is its my of on or our than that the their to
    when whether which while with your
"""


@dataclass(frozen=True)
class Refused:
    """Why: a code that stays the same between versions, and what in the text it is about."""

    code: Code
    detail: str

    @property
    def reason(self) -> str:
        """Both in one line."""
        return f"{self.code}: {self.detail}"


class GuardSettings(Protocol):
    """What a guard can be told; see agents.config.GuardConfig."""

    @property
    def max_words(self) -> int: ...

    @property
    def max_characters(self) -> int: ...

    @property
    def english(self) -> bool: ...


class Guard:
    """Judges texts for one set of class labels. The same text and ``seen`` always get the same verdict."""

    def __init__(
        self, classes: Sequence[str], max_words: int = 60, max_characters: int = 400, english: bool = True
    ) -> None:
        self._leaks = Leaks(classes)
        self._english = english
        self._max_words = max_words
        self._max_characters = max_characters

    @classmethod
    def of(cls, classes: Sequence[str], settings: GuardSettings | None) -> "Guard":
        """A guard as the run's configuration wants it; None: as it is by default."""
        if settings is None:
            return cls(classes)
        return cls(classes, settings.max_words, settings.max_characters, settings.english)

    def check(self, text: str, seen: Sequence[str] = ()) -> Refused | None:
        """None when the text may be scored. ``seen``: every text of this run so far, baselines included."""
        text = unicodedata.normalize("NFKC", text).strip()
        rules: tuple[Callable[[str], Refused | None], ...] = (
            self._empty,
            self._long,
            _lines,
            _markup,
            self._language,
            _choices,
            self._truncated,
            _degenerate,
            self._leak,
            self._off_topic,
        )
        for rule in rules:
            refused = rule(text)
            if refused:
                return refused
        if normalised(text) in {normalised(other) for other in seen}:
            return Refused("repeated", "the same words were proposed before")
        return None

    def _empty(self, text: str) -> Refused | None:
        letters = sum(character.isalpha() for character in text)
        if not letters:
            return Refused("empty", "no letters")
        if self._english:
            count = len(_LATIN_WORDS.findall(text))
            return (
                Refused("empty", f"{count} words, at least {_LEAST_WORDS}") if count < _LEAST_WORDS else None
            )
        few = unspaced(text) == letters < _LEAST_LETTERS
        return Refused("empty", f"{letters} characters, at least {_LEAST_LETTERS}") if few else None

    def _long(self, text: str) -> Refused | None:
        count = len(text.split())
        if count > self._max_words:
            return Refused("long", f"{count} words, at most {self._max_words}")
        if len(text) > self._max_characters:
            return Refused("long", f"{len(text)} characters, at most {self._max_characters}")
        return None

    def _language(self, text: str) -> Refused | None:
        found = foreign(text) if self._english else None
        return Refused("language", f"{found}, expected English") if found else None

    def _truncated(self, text: str) -> Refused | None:
        """A reply that ran into its limit ends in mid-sentence."""
        if text.endswith(("...", "…")) or text[-1] in ",;:-–—(、":
            return Refused("truncated", f"ends with {text[-1]!r}")
        last, english = words(text.casefold())[-1], self._english or not foreign(text)
        if english and text[-1].isalpha() and last in _GOES_ON.split():
            return Refused("truncated", f"ends after {last!r}")
        if text.count("(") != text.count(")") or text.count('"') % 2:
            return Refused("truncated", "a bracket or a quotation stays open")
        return None

    def _off_topic(self, text: str) -> Refused | None:
        """Only where English is asked for: how other languages ask is not known here."""
        if not self._english:
            return None
        said = set(words(text.casefold()))
        if "?" not in text and not said & ASKING:
            return Refused("off-topic", "neither a question nor an instruction")
        if not said & TOPIC:
            return Refused("off-topic", "names no person, action, place or video")
        return None

    def _leak(self, text: str) -> Refused | None:
        found = self._leaks.find(text)
        return Refused("leak", f"{found.word!r} gives away the class {found.label!r}") if found else None


def normalised(text: str) -> str:
    """The words alone: texts that differ in case, punctuation or spaces are the same text."""
    return " ".join(words(unicodedata.normalize("NFKC", text).casefold()))


def words(text: str) -> list[str]:
    """Runs of letters and digits; an apostrophe stays inside its word."""
    return _WORDS.findall(text)


def _lines(text: str) -> Refused | None:
    count = len(text.splitlines())
    return Refused("lines", f"{count} lines, expected one") if count > 1 else None


def _markup(text: str) -> Refused | None:
    found = _MARKUP.search(text)
    if found:
        return Refused("markup", f"{found.group().strip()!r} does not belong into a plain question")
    plain = sum(one.isspace() or unicodedata.category(one)[0] in "LM" for one in text)
    if plain < 0.8 * len(text):
        return Refused("markup", f"{len(text) - plain} of {len(text)} characters are no letters")
    return None


def _choices(text: str) -> Refused | None:
    """The question format adds the choices; a prompt that brings its own would contradict them."""
    listed = _LETTERED.findall(text), _NUMBERED.findall(text)
    if any(len(found) > 1 for found in listed) or _LETTERS_IN_A_ROW.search(text) or _CHOICES.search(text):
        return Refused("choices", "lists choices or letters, which are added to the prompt later")
    return None


def _degenerate(text: str) -> Refused | None:
    """Small models fall into loops: the same three words three times, or one word three times in a row."""
    said = words(text.casefold())
    threes = list(zip(said, said[1:], said[2:], strict=False))
    for three in threes:
        if threes.count(three) > 2 or len(set(three)) == 1:
            return Refused("degenerate", f"{' '.join(three)!r} comes again and again")
    return None
