"""Ordinary words: what a prompt may need to say whatever the classes are called.

Frequent words of English (``agents.ordinary_words``), the words that ask, that tell of a body and its motion
and of what lies around it. They tell one class from another only in company; see ``agents.leaks``.
"""

from functools import lru_cache

from agents.ordinary_words import FREQUENT

# A text is a question or an instruction when it has a question mark or one of these words ...
_ASKING = """
    analyse analyze answer ascertain assess attend base categorize choose classify concentrate consider decide
    deduce describe detect determine discern disregard examine exclude explain find focus follow give guess
    how identify ignore imagine infer interpret judge label look name observe pay pick point predict pretend
    recognise recognize report say see select specify state study tell think track trust try use watch what
    which who write
"""
# ... and it is about our matter when it has one of these: what is done, who does it, where it is seen.
_TOPIC = """
    action actions active activity activities act acts acting behavior behaviour doing does done event
    exercise gesture gestures happen happening happens motion motions move moves moving movement movements
    perform performs performance performed performing pose poses posture task sport technique actor athlete
    bodies body figure human humans individual individuals man woman people person performer player someone
    somebody subject they he she skeleton silhouette joints limbs muscles arm arms hand hands leg legs foot
    feet knees elbows wrists shoulders answer category choice clip footage frame frames label option scene
    sequence video background backdrop environment location place setting surroundings
"""
# Parts of a body, how it is held and how it moves.
_BODY = """
    ankle arch arm back balance belly bend bounce bow breath breathe catch chest chin crouch curl
    direction elbow exercise eye eyes face feet finger fist foot front glance grab grasp grip hair hand
    head heel hip hit hold jump knee kneel lay lean leg lie lift limb mouth muscle neck nose palm posture
    press pull push raise reach rotate run shake shift shoot shoulder sit skin slide speed spin spine
    stance stand step stretch stride sway swing take throw thumb tilt toe tongue torso trunk turn twist
    waist walk weight wrist
"""
# What lies around it, and what a picture is made of.
_AROUND = """
    angle animal beach building camera clean clothes clothing crowd door drive field floor fly furniture
    goal grass ground gym house ice kitchen lawn mountain pool river road rock sand sky snow stage street
    table tree wall weather water window woods
"""
# What else instructions say.
_SAYING = """
    arrange check conclude count detail fix keep language make mark open play question read record sign
    stick text word
"""

ASKING, TOPIC = frozenset(_ASKING.split()), frozenset(_TOPIC.split())
_GENERAL = ASKING | TOPIC | frozenset(_BODY.split()) | {"something"}
_ORDINARY = FREQUENT | _GENERAL | frozenset(f"{_AROUND} {_SAYING}".split())


def is_ordinary(word: str) -> bool:
    """Whether the word, in any inflection, tells nothing by itself."""
    return not _ORDINARY.isdisjoint(bases(word))


def is_general(word: str) -> bool:
    """Whether it asks, or tells of a body and what it does: words that meet in prompts by chance."""
    return not _GENERAL.isdisjoint(bases(word))


@lru_cache(maxsize=4096)
def bases(word: str) -> frozenset[str]:
    """Words that it may be an inflection of, itself included: stoppings -> stopping, stopp, stoppe, stop."""
    once = _uninflected(word)
    return once.union({word}, *map(_uninflected, once))


def _uninflected(word: str) -> frozenset[str]:
    found: set[str] = set()
    for ending, instead, least in _INFLECTIONS:
        rest = word.removesuffix(ending)
        if rest == word or len(rest) < least or word.endswith("ss"):
            continue
        found.add(rest + instead)
        if ending in ("ed", "ing") and len(rest) > 3 and rest[-1] == rest[-2]:
            found.add(rest[:-1])
    return frozenset(found)


# Endings, what stands in their place, and how many letters must remain: "weed" is no form of "we".
_INFLECTIONS = (
    ("s", "", 2), ("es", "", 3), ("ies", "y", 2), ("ed", "", 3), ("ed", "e", 2), ("ied", "y", 2),
    ("ing", "", 3), ("ing", "e", 2),
)  # fmt: skip
