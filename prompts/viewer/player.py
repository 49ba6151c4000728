"""A clip as something a browser plays: an H.264 file, or an animated picture where that cannot be written."""

import io
from fractions import Fraction

import numpy as np

from videos.clip import Clip, Frames, Pixels
from videos.decode import FramePolicy, decode

MOST_FRAMES = 64
SHORT_SIDE = 240  # pixels, of small clips blown up and large ones taken down


def moving(clip: Clip) -> tuple[bytes, str]:
    """The whole clip at its own speed, and its MIME type. Raises UserError as decoding does."""
    length = clip.frames.info().length
    frames = decode(clip.frames, FramePolicy(min(length, MOST_FRAMES), "uniform", SHORT_SIDE))
    try:
        return _mp4(frames), "video/mp4"
    except (ImportError, ValueError, OSError):  # a build of FFmpeg without the encoder
        return _gif(frames), "image/gif"


def _rate(frames: Frames) -> float:
    """Frames a second such that the picked ones last as long as the clip."""
    seconds = frames.total / frames.fps if frames.fps > 0 else len(frames.pixels)
    return max(1.0, min(60.0, len(frames.pixels) / seconds))


def _mp4(frames: Frames) -> bytes:
    import av

    pixels = _even(frames.pixels)
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        rate = Fraction(_rate(frames)).limit_denominator(1000)
        stream = container.add_stream("libx264", rate=rate, options={"crf": "20", "preset": "veryfast"})
        stream.height, stream.width = pixels.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for picture in pixels:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def _gif(frames: Frames) -> bytes:
    from PIL import Image

    first, *rest = [Image.fromarray(picture) for picture in frames.pixels]
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=rest, duration=round(1000 / _rate(frames)), loop=0)
    return file.getvalue()


def _even(pixels: Pixels) -> Pixels:
    """Without a last odd row or column: 4:2:0 has none."""
    height, width = pixels.shape[1] // 2 * 2, pixels.shape[2] // 2 * 2
    return np.ascontiguousarray(pixels[:, :height, :width])
