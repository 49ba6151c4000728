"""One clip as the model will see it: the frames a policy takes, and below what is known of it."""

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from assets.errors import UserError
from videos.clip import Clip, Frames
from videos.datasets.reading import Reading
from videos.decode import FramePolicy
from videos.store import FrameStore
from videos.strip import strip

if TYPE_CHECKING:
    from PIL.Image import Image

_MOST = 5  # names to list where several fit


def parse_policy(text: str) -> FramePolicy:
    """``uniform:8``, ``dense:8:224``: sampling, number of frames, short side in pixels if not as filmed.

    Dashes serve too, as in a policy's key. Raises UserError for another form.
    """
    policy = FramePolicy.parse(text.replace(":", "-"))
    if policy.view != FramePolicy().view:
        raise UserError(
            f"policy {text!r}: expected sampling:frames or sampling:frames:size, as uniform:8:224"
        )
    return policy


def find_clip(reading: Reading, wanted: str) -> Clip:
    """The clip whose id is ``wanted`` or holds it, or the one at that position, counted from 0.

    Raises UserError where none is meant, or several, or one that was left out: it says why.
    """
    clips = reading.clips.clips
    exact = next((clip for clip in clips if clip.id == wanted), None)
    if exact or (wanted.isascii() and wanted.isdigit() and int(wanted) < len(clips)):
        return exact or clips[int(wanted)]
    found = [clip for clip in clips if wanted in clip.id]
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(
            f"clip {wanted!r}: {len(found)} clips are called so, {_names(found)}; give more of it"
        )
    lost = next((row for row in reading.left_out if wanted in row.clip), None)
    if lost:
        raise UserError(
            f"clip {lost.clip} of {reading.clips.name} is left out ({lost.reason}): {lost.detail}"
        )
    if not clips:
        raise UserError(
            f"{reading.root}: no clip of {reading.clips.name}; see what `videos check` says of it"
        )
    near = get_close_matches(wanted, [clip.id for clip in clips], 1, 0.5)
    example = near[0] if near else clips[0].id
    raise UserError(f"clip {wanted!r} is not in {reading.clips.name}, expected an id such as {example}")


def picture(clip: Clip, policy: FramePolicy, store: FrameStore) -> "Image":
    """The strip, of the very frames that engines get. Raises UserError where the clip cannot be decoded."""
    frames = store.get(clip, policy)
    return strip(frames, captions(clip, policy, frames), times=True)


def captions(clip: Clip, policy: FramePolicy, frames: Frames) -> list[str]:
    """Lines of text: the clip, who does what where, and which frames these are."""
    scene = f"background: {clip.background}" if clip.background else "no background label"
    height, width = frames.pixels.shape[1:3]
    numbers = ", ".join(map(str, frames.indices))
    return [
        clip.id,
        "; ".join([f"human: {clip.human}", scene, *clip.tags]),
        f"{policy.key}: frames {numbers} of {frames.total}, {frames.fps:g} a second, {width}x{height} pixels",
    ]


def save(image: "Image", path: Path) -> None:
    """Write the picture in the format its ending names. Raises UserError where that cannot be done."""
    try:
        image.save(path)
    except (OSError, ValueError, KeyError) as failure:
        raise UserError(f"{path}: {failure}; name a .png file that can be written with --out") from failure


def _names(clips: list[Clip]) -> str:
    more = ", ..." if len(clips) > _MOST else ""
    return ", ".join(clip.id for clip in clips[:_MOST]) + more
