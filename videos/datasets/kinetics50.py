"""Kinetics-50: the 50 classes of Kinetics-400 that Mimetics mimes, with their indices in Kinetics-400.

Source: the classes of ``mimetics_v1.0.csv``; arXiv 2512.17953 trains and tests on the same 50. Indices are
positions in Kinetics-400's alphabetical order, counted from 0.
"""

from videos.datasets.classes import ClassList

KINETICS_400_INDEX = {
    "archery": 5,
    "bowling": 31,
    "brushing hair": 36,
    "brushing teeth": 37,
    "canoeing or kayaking": 42,
    "catching or throwing baseball": 48,
    "catching or throwing frisbee": 49,
    "clean and jerk": 59,
    "cleaning windows": 65,
    "climbing a rope": 66,
    "climbing ladder": 67,
    "deadlifting": 88,
    "dribbling basketball": 99,
    "drinking": 100,
    "driving car": 103,
    "dunking basketball": 107,
    "eating cake": 110,
    "eating ice cream": 115,
    "flying kite": 130,
    "golf driving": 142,
    "hitting baseball": 153,
    "hurdling": 160,
    "juggling balls": 169,
    "juggling soccer ball": 171,
    "opening bottle": 203,
    "playing accordion": 217,
    "playing basketball": 220,
    "playing bass guitar": 221,
    "playing guitar": 232,
    "playing piano": 241,
    "playing saxophone": 244,
    "playing tennis": 246,
    "playing trumpet": 248,
    "playing violin": 250,
    "playing volleyball": 251,
    "punching person (boxing)": 259,
    "reading book": 264,
    "reading newspaper": 265,
    "shooting basketball": 296,
    "shooting goal (soccer)": 297,
    "skiing (not slalom or crosscountry)": 308,
    "skiing slalom": 310,
    "skipping rope": 311,
    "smoking": 316,
    "surfing water": 337,
    "sweeping floor": 338,
    "sword fighting": 345,
    "tying tie": 370,
    "walking the dog": 378,
    "writing": 396,
}

KINETICS_50 = ClassList("Kinetics-50", tuple(KINETICS_400_INDEX))
