"""Leaks: does a prompt give a class away? A prompt tuned that way measures nothing.

What leaks is an action that is named, not a word that a label happens to hold. So a word that is not ordinary
(``agents.ordinary``) leaks alone, in every form: "juggles" for "juggling balls". Of a label of ordinary words
two leak that stand together as in the label: "cleaning a window", "window cleaning", but neither "clean" nor
"windows". Where both tell of any body ("bending back", "high jump") they leak in the label's order alone. A
label of one ordinary word leaks in its own form: "drawing" does, "draw" does not.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from agents.disguise import joined, readings, spelt
from agents.language import unspaced
from agents.ordinary import bases, is_general, is_ordinary

_ARTICLES = "a an any each every her his its my our some that the their these this those your"
_TO_BE = "are be been being gets getting is was were"
_PREPOSITIONS = "a an and at by for from in into it its not of off on onto or out the to up with"
_MORE = """
    across along among around as behind beside between but did do does how if near over past than through
    under what when where whether which while who whose why
"""
_SOMEBODY = "he human man performer people person player she somebody someone they woman"
_FUNCTION_WORDS = frozenset(_PREPOSITIONS.split())
_DETERMINERS = frozenset(_ARTICLES.split())
_BE = frozenset(_TO_BE.split())
# What parts a verb from its object.
_PARTING = _FUNCTION_WORDS | _BE | frozenset(_MORE.split())
# Before these a gerund tells what somebody does, not what is asked.
_SUBJECTS = _BE | frozenset(_SOMEBODY.split())
_ASKED_OF_ALL = ("answering", "questions")  # every prompt may tell a model to answer its question
_NO_LEAK = frozenset({"box", "boxes", "boxed", "skip", "spine"})  # a bounding box is no boxing
_NO_LEAKS = re.compile(
    r"\bcomputer vision\b|\bdrawing (?:\w+ )?(?:attention|conclusions?|inferences?)\b", re.IGNORECASE
)
_SUFFIXES = ("ists", "ist", "ing", "ers", "er", "ed", "es", "s", "y", "e")
_SINGULAR = tuple(suffix for suffix in _SUFFIXES if not suffix.endswith("s"))
_KEEPS = {"e": 4, "es": 4, "y": 5}  # letters that must remain: "care" is no "car", "body" no "bod"

_BETWEEN = 2  # words that may stand between a verb and its object: "cleaning all dirty windows"
_LONG = 6  # letters; shorter words share trigrams by chance
# Of their trigrams (Dice): "baseball" and "basebal" share 0.8, "bowling" and "bowing" 0.62. "lighting" and
# "fighting" share 0.75: "lighting" stays refused, as in the runs measured so far, since "light" is not among
# the ordinary words.
_ALIKE = 0.74
_LOOKALIKES = str.maketrans("013457@$", "oleastas")
_PAUSE = "|"  # stands where a part of a sentence ends; what belongs together does not reach over it


@dataclass(frozen=True)
class Leak:
    """The word or words of the text, and the class they give away."""

    word: str
    label: str


def stem(word: str) -> str:
    """What the forms of a word share, roughly: juggling, juggler, juggles -> juggl; violinist -> violin."""
    word = word.casefold()
    suffixes: tuple[str, ...] = _SUFFIXES
    while True:
        fitting = (
            one for one in suffixes if word.endswith(one) and len(word) - len(one) >= _KEEPS.get(one, 3)
        )
        suffix = next(fitting, None)
        if suffix is None or word.endswith("ss"):
            break
        word, suffixes = word.removesuffix(suffix), _SINGULAR  # "poise" is no "poi", "diverse" no "diver"
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls"
    return word[:-1] if doubled else word


@dataclass(frozen=True)
class _Pair:
    """Two ordinary words that stand together in a label. ``loose``: a verb and what it is done to.

    ``between``: the function words between them in the label.
    """

    first: str
    second: str
    between: tuple[str, ...]
    loose: bool
    label: str

    def end(self, tokens: Sequence[str], start: int) -> int | None:
        """Where in a text the pair ends that begins at ``start``; None where none does."""
        if _alike(tokens[start], self.first):
            end = self._object(tokens, start) if self.loose else self._as_written(tokens, start)
            asked = (self.first, self.second) == _ASKED_OF_ALL
            return None if asked and end is not None and _is_asked(tokens, start, end) else end
        return self._turned(tokens, start) if self.loose and _alike(tokens[start], self.second) else None

    def _as_written(self, tokens: Sequence[str], start: int) -> int | None:
        """The words of the label and nothing else, articles and their like aside."""
        wanted = [*self.between, self.second]
        for place in range(start + 1, len(tokens)):
            if tokens[place] in _DETERMINERS:
                continue
            if not _alike(tokens[place], wanted.pop(0)):
                return None
            if not wanted:
                return place
        return None

    def _object(self, tokens: Sequence[str], start: int) -> int | None:
        """What is done, then what to: "cleaning all of the dirty windows"."""
        more = 0
        for place in range(start + 1, len(tokens)):
            token = tokens[place]
            if token in _DETERMINERS or token == "of" or token in self.between:
                continue
            if _alike(token, self.second):
                return place
            more += 1
            if token == _PAUSE or token in _PARTING or more > _BETWEEN:
                return None
        return None

    def _turned(self, tokens: Sequence[str], start: int) -> int | None:
        """The other way round: "window cleaning", "windows being cleaned"."""
        after = next((i for i in range(start + 1, len(tokens)) if tokens[i] not in _BE), None)
        return after if after is not None and _alike(tokens[after], self.first) else None


class Leaks:
    """Knows the labels and their telling words. Case, inflection, spelling and disguise do not matter."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._telling: dict[str, str] = {}
        self._words: dict[str, str] = {}
        self._pairs: list[_Pair] = []
        self._grams: list[tuple[frozenset[str], str]] = []
        self._unspaced: list[tuple[str, str]] = []
        for label in labels:
            self._learn(label)

    def find(self, text: str) -> Leak | None:
        """The first telling word, or the first label said in other forms of its words."""
        for plain in readings(_NO_LEAKS.sub(" ", text)):
            said = _content(plain)
            hidden = [*joined(plain), *spelt(plain)]
            found = (
                self._telling_word([*_with_joined(said), *hidden])
                or self._whole_label([*said, *hidden])
                or self._together(_tokens(plain))
                or self._near_copy(plain)
                or self._within(plain)
            )
            if found:
                return found
        return None

    def _learn(self, label: str) -> None:
        plain = readings(label)[0]
        said = _content(plain)
        for word in said:
            if not is_ordinary(word):
                for base in {word} | {one for one in bases(word) if len(one) > 2}:
                    self._telling.setdefault(stem(base), label)  # that of "dive" is not that of "diving"
                if len(word) >= _LONG:
                    self._grams.append((_trigrams(word), label))
        words = [one for one in _tokens(re.sub(r"\(.*?\)", " ", plain)) if one != _PAUSE]
        if len(words) == 1:
            self._words[words[0]] = label
        self._pairs += _pairs(words, label)
        if len(words) == 2:  # "push up": the pushup, and several
            self._words |= {f"{words[0]}{words[1].removesuffix('s')}{ending}": label for ending in ("", "s")}
        if unspaced(label):
            self._unspaced.append((plain, label))

    def _telling_word(self, words: Iterable[str]) -> Leak | None:
        for word in words:
            label = self._telling.get(stem(word))
            if label and word not in _NO_LEAK and not is_ordinary(word):
                return Leak(word, label)
        return None

    def _whole_label(self, words: Iterable[str]) -> Leak | None:
        """A label of one word, in this form only: "write the action" is no "writing"."""
        return next((Leak(word, self._words[word]) for word in words if word in self._words), None)

    def _together(self, tokens: Sequence[str]) -> Leak | None:
        for pair in self._pairs:
            for start in range(len(tokens)):
                end = pair.end(tokens, start)
                if end is not None:
                    return Leak(" ".join(tokens[start : end + 1]), pair.label)
        return None

    def _near_copy(self, text: str) -> Leak | None:
        """Words that share most of their trigrams with a telling word, in plain letters: "ba5ebal"."""
        words = " ".join(re.findall(r"[^\W_]+", text))
        closed = re.sub(r"\b(?:\w ){3,}\w\b", lambda found: found.group().replace(" ", ""), words)
        for word in closed.split():
            plain = word.translate(_LOOKALIKES) if not word.isdigit() else word
            if len(plain) < _LONG - 1 or plain in _NO_LEAK or is_ordinary(plain):
                continue  # what is a word itself is no misspelling: "tracking" is no "cracking"
            grams = _trigrams(plain)
            for theirs, label in self._grams:
                if 2 * len(grams & theirs) >= _ALIKE * (len(grams) + len(theirs)):
                    return Leak(word, label)
        return None

    def _within(self, text: str) -> Leak | None:
        """A label of a script without spaces, wherever it stands."""
        return next((Leak(plain, label) for plain, label in self._unspaced if plain in text), None)


def _pairs(words: Sequence[str], label: str) -> Iterator[_Pair]:
    """The pairs of a label of ordinary words; none of alternatives."""
    words = [word for word in words if word not in _DETERMINERS]
    places = [place for place, word in enumerate(words) if word not in _FUNCTION_WORDS]
    if not all(is_ordinary(words[place]) for place in places):
        return
    if len(places) == 1 and places[0] + 1 < len(words):  # "push up"
        places.append(places[0] + 1)
    for one, other in pairwise(places):
        first, second, between = words[one], words[other], tuple(words[one + 1 : other])
        loose = first.endswith("ing") and not (is_general(first) and is_general(second))
        if "or" not in between:
            yield _Pair(first, second, between, loose, label)


def _is_asked(tokens: Sequence[str], start: int, end: int) -> bool:
    """Whether "answer the question" is asked of the model; else it is told of a person."""
    of_somebody = tokens[start].endswith("ing") and start > 0 and tokens[start - 1] in _SUBJECTS
    several = end == start + 1 and tokens[end].endswith("s")
    return not of_somebody and not several


@lru_cache(maxsize=65536)
def _alike(word: str, other: str) -> bool:
    """Whether they can be forms of one word."""
    return not bases(word).isdisjoint(bases(other))


def _tokens(text: str) -> list[str]:
    """All words in order, and a mark where a part of a sentence ends."""
    found = re.findall(r"[^\W_]+|[,.;:?!()—–]", _without_genitives(text))
    return [one if one[0].isalnum() else _PAUSE for one in found]


def _trigrams(word: str) -> frozenset[str]:
    padded = f" {word} "
    return frozenset(padded[place : place + 3] for place in range(len(padded) - 2))


def _content(text: str) -> list[str]:
    """The words that say something; the "s" of "person's" is none."""
    return [word for word in re.findall(r"[^\W_]+", _without_genitives(text)) if word not in _FUNCTION_WORDS]


def _without_genitives(text: str) -> str:
    return re.sub(r"(?<=\w)['’]s\b", "", text)


def _with_joined(said: Sequence[str]) -> list[str]:
    """Each word, and each two written as one: "base ball" is baseball."""
    return [*said, *(first + second for first, second in pairwise(said))]
