"""Leaks: does a prompt give a class away? A prompt tuned that way measures nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

# Words of class labels that a prompt may need for saying where to look or what to leave out. They leak only
# together, as the whole label. All other words of a label leak alone.
_ORDINARY_WORDS = """
    action activity answer arm back background body catch change check clean count doing drive face feet
    field finger floor fly foot front get getting goal ground hair hand head hit hold human jump keep
    language leg lift make man move moving open people perform person pick place play pull push question
    read room run scene set setting shoot show sit something sport stand stretch swing take taking
    through throw turn use video walk wall water window woman write
"""
_FUNCTION_WORDS = "a an and at by for from in into it its not of off on onto or out the to up with"
_NO_LEAK = frozenset({"box", "boxes", "boxed", "skip", "spine"})  # a bounding box is no boxing
_SUFFIXES = ("ists", "ist", "ing", "ers", "er", "ed", "es", "s", "y", "e")
_KEEPS = {"e": 4, "es": 4, "y": 5}  # letters that must remain: "care" is no "car", "body" no "bod"


_LONG = 6  # letters; shorter words share trigrams by chance
_ALIKE = 0.74  # of their trigrams (Dice): "baseball" and "basebal" share 0.8, "bowling" and "bowing" 0.62
_LOOKALIKES = str.maketrans("013457@$", "oleastas")


@dataclass(frozen=True)
class Leak:
    """The word or words of the text, and the class they give away."""

    word: str
    label: str


def stem(word: str) -> str:
    """What the forms of a word share, roughly: juggling, juggler, juggles -> juggl; violinist -> violin."""
    word = word.casefold()
    changed = True
    while changed:
        changed = False
        for suffix in _SUFFIXES:
            rest = word.removesuffix(suffix)
            if rest != word and not word.endswith("ss") and len(rest) >= _KEEPS.get(suffix, 3):
                word, changed = rest, True
                break
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls"
    return word[:-1] if doubled else word


_ORDINARY = frozenset(stem(word) for word in _ORDINARY_WORDS.split())


class Leaks:
    """Knows the labels and their telling words. Case, inflection and small misspellings do not matter."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._telling: dict[str, str] = {}
        self._phrases: list[tuple[tuple[str, ...], str]] = []
        self._words: dict[str, str] = {}
        self._grams: list[tuple[frozenset[str], str]] = []
        for label in labels:
            self._learn(label)

    def find(self, text: str) -> Leak | None:
        """The first telling word, or the first label said in other forms of its words."""
        said = _content(text)
        for word in _with_joined(said):
            label = self._telling.get(stem(word))
            if label and word not in _NO_LEAK:
                return Leak(word, label)
        return self._whole_label(said) or self._near_copy(text)

    def _learn(self, label: str) -> None:
        said = _content(label)
        for word in said:
            if stem(word) not in _ORDINARY:
                self._telling.setdefault(stem(word), label)
                if len(word) >= _LONG:
                    self._grams.append((_trigrams(word), label))
        if len(said) == 1:
            self._words[said[0]] = label
        elif said:
            self._phrases.append((tuple(map(stem, said)), label))

    def _near_copy(self, text: str) -> Leak | None:
        """Words that share most of their trigrams with a telling word, in plain letters: "ba5ebal"."""
        spelt = " ".join(re.findall(r"[^\W_]+", text.casefold()))
        joined = re.sub(r"\b(?:\w ){3,}\w\b", lambda found: found.group().replace(" ", ""), spelt)
        for word in joined.split():
            plain = word.translate(_LOOKALIKES) if not word.isdigit() else word
            if len(plain) < _LONG - 1:
                continue
            grams = _trigrams(plain)
            for theirs, label in self._grams:
                if 2 * len(grams & theirs) >= _ALIKE * (len(grams) + len(theirs)) and plain not in _NO_LEAK:
                    return Leak(word, label)
        return None

    def _whole_label(self, said: Sequence[str]) -> Leak | None:
        for word in said:
            if word in self._words:  # in this form only: "write the action" is no "writing"
                return Leak(word, self._words[word])
        stems = tuple(map(stem, said))
        for phrase, label in self._phrases:
            for start in range(len(stems) - len(phrase) + 1):
                if stems[start : start + len(phrase)] == phrase:
                    return Leak(" ".join(said[start : start + len(phrase)]), label)
        return None


def _trigrams(word: str) -> frozenset[str]:
    padded = f" {word} "
    return frozenset(padded[place : place + 3] for place in range(len(padded) - 2))


def _content(text: str) -> list[str]:
    """The words that say something, in small letters; the "s" of "person's" is none."""
    found = re.findall(r"[^\W_]+", re.sub(r"(?<=\w)['\u2019]s\b", "", text.casefold()))
    return [word for word in found if word not in _FUNCTION_WORDS.split()]


def _with_joined(said: Sequence[str]) -> list[str]:
    """Each word, and each two written as one: "base ball" is baseball."""
    return [*said, *(first + second for first, second in pairwise(said))]
