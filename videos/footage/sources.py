"""What the footage set is made of: excerpts of videos and photographs, with labels of Kinetics-400.

A label is the class nearest to what the person does (for the gymnast no class fits well) or, of a photograph,
what Kinetics shows in such places. Both were chosen by looking at the pictures, before any network saw them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Excerpt:
    """Frames ``first`` to ``last`` of an asset. ``source``: excerpts of one source are not independent."""

    name: str
    asset: str
    action: str
    first: int
    last: int
    source: str


@dataclass(frozen=True)
class Photograph:
    """``file`` below the photographs' folder, and the action its place suggests."""

    file: str
    action: str

    @property
    def name(self) -> str:
        """Its clip's name."""
        return "photo_" + self.file.rpartition("/")[2].rpartition(".")[0]


PHOTOGRAPHS = "scene-photographs"  # the asset
FOLDER = "usr/share/scratch/Media/Backgrounds"  # in it
PHOTO_PREFIX = "photo_"

EXCERPTS = (
    *(
        Excerpt(f"beam_{camera}", f"footage-beam-{camera}", "gymnastics tumbling", 0, 99, "beam")
        for camera in (1, 2, 3, 4)
    ),
    Excerpt("outdoors", "footage-outdoors", "parkour", 95, 229, "outdoors"),
)

SCENES = (
    Photograph("Sports/baseball-field.jpg", "hitting baseball"),
    Photograph("Sports/basketball-court1-b.jpg", "shooting basketball"),
    Photograph("Sports/football-field.jpg", "passing American football (in game)"),
    Photograph("Sports/tennis-backboard.jpg", "playing tennis"),
    Photograph("Outdoors/pool.jpg", "swimming backstroke"),
    Photograph("Nature/beach-malibu.jpg", "surfing water"),
    Photograph("Nature/lake.jpg", "canoeing or kayaking"),
    Photograph("Indoors/kitchen.jpg", "washing dishes"),
)
