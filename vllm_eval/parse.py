"""From a reply's text to one of the question's labels, and from a label to what it says about the clip."""

import re

from videos.clip import Clip
from vllm_eval.engine import Kind
from vllm_eval.question import Question

_LEADING = re.compile(r"^[\s\"'*(\[]*([A-Z])(?![A-Za-z0-9'])(.*)", re.DOTALL)
_STATED = re.compile(r"\b(?i:answer|option|choice)\b(?:\s+is)?[\s:\"'*(\[]*([A-Z])(?![A-Za-z0-9'])")
_REASON = re.compile(r"\s+(?:because|since|as|for|which|and|but|given|due)\b", re.IGNORECASE)
_PARENTHESES = re.compile(r"\(([^)]*)\)")


def read_reply(text: str, question: Question) -> str | None:
    """The label a reply names, or None: by letter where the question has letters, else by name."""
    label = _by_letter(text, question) if question.letters else None
    return label if label is not None else match_label(text, question.labels)


def kind_of(label: str | None, clip: Clip) -> Kind:
    """What an answer says about this clip. A label that is both counts as human."""
    if label is None:
        return "unparsed"
    if label == clip.human:
        return "human"
    return "background" if label == clip.background else "other"


def match_label(text: str, labels: tuple[str, ...]) -> str | None:
    """The label whose name stands in the text, spelling of case and punctuation aside.

    Of several the longest name wins, of equally long ones the first mentioned. A name in parentheses, as in
    "punching person (boxing)", and the name without it count as the label too.
    """
    words = f" {normal_label(text)} "
    found = [
        (-len(name), words.index(f" {name} "), label)
        for label in labels
        for name in _names(label)
        if f" {name} " in words
    ]
    return min(found)[2] if found else None


def _by_letter(text: str, question: Question) -> str | None:
    choices = dict(zip(question.letters, question.labels, strict=True))
    alone = text.strip(" \n.:()\"'*").upper()
    if alone in choices:
        return choices[alone]
    leading = _LEADING.match(text)
    if leading and leading[1] in choices and not _is_article(leading[1], leading[2], choices[leading[1]]):
        return choices[leading[1]]
    for stated in _STATED.finditer(text):
        letter, rest = stated[1], text[stated.end() :]
        if letter in choices and not _is_named(letter, rest, question.labels, choices[letter]):
            return choices[letter]
    return None


def _is_named(letter: str, rest: str, labels: tuple[str, ...], label: str) -> bool:
    """True for "Answer: A person playing golf": an article, and an answer by name; not so "A because ..."."""
    article = _is_article(letter, rest, label) and not _REASON.match(rest)
    return article and match_label(rest, labels) is not None


def _is_article(letter: str, rest: str, label: str) -> bool:
    """True for "A person ..." and "I see ...", where the letter is a word of the sentence."""
    goes_on = letter in "AI" and re.match(r"\s+\w", rest) is not None
    return goes_on and not normal_label(rest).startswith(normal_label(label))


def _names(label: str) -> list[str]:
    inside = _PARENTHESES.search(label)
    names = [label, _PARENTHESES.sub(" ", label), inside[1]] if inside else [label]
    return [name for name in dict.fromkeys(map(normal_label, names)) if name]


def normal_label(text: str) -> str:
    """Words in lower case, one blank apart: the same for "Clean_and_jerk" and "clean and jerk"."""
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))
