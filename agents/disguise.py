"""Disguised words: what a text reads as, whatever letters it is spelt in.

Covered: accents, letters of other alphabets that look or sound like ours, letters kept apart, digits for
letters, characters that are not seen. Not covered: rhymes, riddles, and words of another language.
"""

import re
import unicodedata

# Letters that no decomposition makes ours.
_LATIN = dict(zip("ıɡɑłøđħŧɪɴʟᴀᴇᴏꜰɢʏ", "igalodhtinlaeofgy", strict=True))
_LOOKS = str.maketrans(
    _LATIN
    | dict(zip("авгԁеѕһіјклмнопрԛтуѵѡхз", "abrdeshijklmhonpqtyvwx3", strict=True))
    | dict(zip("αβγεηικνορστυχω", "abyenikvopotuxw", strict=True))
)
_SOUNDS = str.maketrans(
    _LATIN
    | dict(zip("абвгдеёзийіјклмнопрстуфхыэ", "abvgdeeziiijklmnoprstufhye", strict=True))
    | {"ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sch", "ю": "yu", "я": "ya", "ь": "", "ъ": ""}
    | dict(zip("αβγδεζηικλμνοπρσςτυφχω", "abgdeziiklmnoprsstyfho", strict=True))
)
_DIGITS = ("013456789@$!", ("oleasbtbgasi", "oieasgtbgasi"))
_COMPOUND = re.compile(r"[^\W_]+(?:[-.·'’*+]+[^\W_]+)+")
_APART = re.compile(r"(?<![^\W_])(?:[^\W\d_][\W_]+){2,}[^\W\d_](?![^\W_])")
_SPELT = re.compile(r"[^\W_]+(?:[@$!](?=[^\W_])[^\W_]*)*|[@$][^\W_]+")


def readings(text: str) -> list[str]:
    """The text in small plain letters; two of them where it has letters of other alphabets."""
    open_ = "".join(one for one in text if unicodedata.category(one) != "Cf")
    parts = unicodedata.normalize("NFKD", open_.casefold())
    plain = "".join(one for one in parts if not unicodedata.combining(one))
    found = [plain.translate(_LOOKS), plain.translate(_SOUNDS)]
    return list(dict.fromkeys(found))


def joined(text: str) -> list[str]:
    """Words of a plain text that are written apart: "g-o-l-f", "g o l f", "vi-o-lin"."""
    compounds = [_letters(found) for found in _COMPOUND.findall(text)]
    apart = [_letters(found) for found in _APART.findall(text)]
    # An article before them looks like one more letter.
    return [*compounds, *apart, *(word[1:] for word in apart if word[0] in "ai" and len(word) > 3)]


def spelt(text: str) -> list[str]:
    """Words of a plain text with digits and signs read as letters; of those that have any."""
    mixed = [word for word in _SPELT.findall(text) if not word.isalpha() and not word.isdigit()]
    digits, letters = _DIGITS
    return [word.translate(str.maketrans(digits, one)) for word in mixed for one in letters]


def _letters(text: str) -> str:
    return "".join(re.findall(r"[^\W_]+", text))
