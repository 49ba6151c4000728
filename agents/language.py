"""Which language a short text is in, as far as refusing a prompt needs it: English, or plainly not."""

import re
import unicodedata

# Function words that betray a language; none that is a common word of English too ("die" is rare enough).
_ENGLISH = """
    a about all an and any are as at be but by do does doing for from he her him his how if in instead into is
    it its look of on only or out person should so that the their them they this to what when where which
    while who will with without you your
"""
_OTHERS = {
    "German": """
        achte auf aus bei das dem den der die ein eine einer eines führt ihre ihren ist macht mit nicht nur
        oder seine sich sie und von welche welcher wer wie zu zum
    """,
    "French": """
        au aux avec ce cette dans de des du elle est et fait il la le les ne ou par pas pour quel quelle que
        qui regardez sa ses son sur une
    """,
    "Spanish": """
        al como con cual cuál de del el en es esta está hace la las lo los no persona por que qué se su sus un
        una y
    """,
    "Italian": """
        al che chi con cosa da del della di è fa il la le lo nel non per persona qual quale sta sul un una
    """,
    "Portuguese": "ao com da de e em está faz na não no o os pessoa por qual que se sua um uma",
    "Dutch": "de doet een en het hoe maar met naar niet op persoon van voor wat welke wie zijn",
}
_WORD = re.compile(r"[^\W\d_]+")
_UNSPACED = ("CJK ", "HIRAGANA ", "KATAKANA ", "THAI ", "LAO ", "KHMER ", "MYANMAR ", "TIBETAN ")


def foreign(text: str) -> str | None:
    """The language or script of a text that is not English, None for English and where it cannot be told."""
    letters = [character for character in text if character.isalpha()]
    others = [one for one in letters if not unicodedata.name(one, "LATIN").startswith("LATIN")]
    if len(others) > 0.2 * len(letters):
        return unicodedata.name(others[0]).split()[0].capitalize() + " script"
    said = [word.casefold() for word in _WORD.findall(text)]
    english = sum(word in _SETS["English"] for word in said)
    counts = {name: sum(word in words for word in said) for name, words in _SETS.items() if name != "English"}
    name = max(counts, key=lambda one: counts[one])
    return name if counts[name] >= 3 and counts[name] > english else None


def unspaced(text: str) -> int:
    """How many letters of the text are of scripts that put no spaces between words."""
    return sum(one.isalpha() and unicodedata.name(one, "").startswith(_UNSPACED) for one in text)


_SETS = {name: frozenset(words.split()) for name, words in {"English": _ENGLISH, **_OTHERS}.items()}
