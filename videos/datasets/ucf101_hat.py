"""UCF101 with HAT's masks and emptied scenes, swapped as DEVIAS (Bae et al., ECCV 2024) pairs its clips."""

import re
from pathlib import Path

from videos.clip import ClipSet
from videos.datasets.hat import find_folders, mix_and_mode, read_swaps
from videos.datasets.pairs import find_pickle, in_order, places, read_list, read_pairs
from videos.datasets.reading import LeftOut, Outcome
from videos.folders import FramesFolder

PARTS = "<rand|close|far>_<number>[:paper]"

_DEEP = ("filelist/hat/ucf101/*", "ucf101/*", "hat/ucf101/*")  # where DEVIAS keeps its pickles
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_GROUP = re.compile(r"_c\d+$")
_FPS = 25.0  # of every video of UCF101


def read_ucf101_hat(root: Path, part: str) -> Outcome:
    """The swaps of ``actionswap_<part>.pickle`` (``rand_1``, close, far), and every pair that gave none.

    Labels are written in words: ``ApplyEyeMakeup`` is "apply eye makeup". A clip's source is its group,
    ``v_Archery_g01``, since UCF101 cuts the clips of a group from one video. Frames may be numbered from 0 or
    1 and called ``image_00001.jpg``, ``img_00000.png`` or ``000001.jpg``, as copies of this set mix them.
    """
    mix, mode = mix_and_mode("ucf101_hat", part)
    folders = places(root, _DEEP)
    pairs = read_pairs(find_pickle(folders, mix, "ucf101_hat"))
    listed = read_list(folders, "*list_rawframes.txt")
    order = in_order(pairs, listed)
    kind = (mix.partition("_")[0], mode)
    frames = find_folders(root, _DEEP, _frames)
    swaps = [(key, pairs[key]) for key in order]
    clips, left_out = read_swaps("ucf101_hat", swaps, frames, kind, label_of, group_of)
    unlisted = [key for key in pairs if key not in set(order)]
    told = f"not in {listed.path.name}" if listed.path else ""
    left_out += [LeftOut(f"ucf101_hat/{key}+{pairs[key]}", "missing", told) for key in unlisted]
    keys = (*order, *(pairs[key] for key in order))
    classes = sorted({label_of(key.partition("/")[0]) for key in keys})
    return ClipSet(f"ucf101_hat:{part}", tuple(clips), tuple(classes)), tuple(left_out)


def label_of(name: str) -> str:
    """A class of UCF101 in words."""
    return _WORD.sub(" ", name).lower()


def group_of(key: str) -> str:
    """The video a clip was cut from."""
    return _GROUP.sub("", key)


def _frames(path: Path) -> FramesFolder:
    return FramesFolder(path, _FPS)
