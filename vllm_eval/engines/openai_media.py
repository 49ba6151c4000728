"""A clip's frames as a server takes them: JPEGs, a list of JPEGs or PNGs in one video URL, or an MP4."""

import asyncio
import io
import os
import threading
from base64 import b64encode
from collections import OrderedDict
from concurrent.futures import Executor
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import numpy as np

from videos.clip import Frames, Pixels
from vllm_eval.engine import Request
from vllm_eval.engines.openai_request import Sent, image_part, sampled_video, video_part
from vllm_eval.engines.openai_settings import Media, Settings

KEPT_BYTES = 256 << 20
_CRF = "12"  # x264's constant rate factor: 0 lossless, 23 usual


class Encoder:
    """Encodes clips for one engine and keeps the latest used, at most ``kept_bytes`` of them."""

    def __init__(self, settings: Settings, media: Media, kept_bytes: int = KEPT_BYTES) -> None:
        self._settings, self._media = settings, media
        self._room = kept_bytes
        self._kept: OrderedDict[str, Sent] = OrderedDict()
        self._guard = threading.Lock()

    def find(self, media_id: str) -> Sent | None:
        """The clip if it is kept."""
        with self._guard:
            if media_id in self._kept:
                self._kept.move_to_end(media_id)
            return self._kept.get(media_id)

    def encode(self, request: Request) -> Sent:
        """The clip of a request, encoded now and kept. Raises whatever its frames raise."""
        sent = encoded(request.frames(), request.media_id, self._settings, self._media)
        with self._guard:
            if request.media_id not in self._kept:
                self._kept[request.media_id] = sent
                self._room -= _size(sent)
            while self._room < 0 and len(self._kept) > 1:
                self._room += _size(self._kept.popitem(last=False)[1])
        return sent


class Clips:
    """Clips for one call: each is encoded once in ``executor``, however many questions wait for it."""

    def __init__(self, encoder: Encoder, executor: Executor) -> None:
        self._encoder, self._executor = encoder, executor
        self._coming: dict[str, asyncio.Future[Sent]] = {}

    async def get(self, request: Request) -> Sent:
        """The clip of a request. Raises whatever its frames raise, to each of its questions."""
        name = request.media_id
        kept = self._encoder.find(name)
        if kept is not None:
            return kept
        if name not in self._coming:
            loop = asyncio.get_running_loop()
            coming = loop.run_in_executor(self._executor, self._encoder.encode, request)
            self._coming[name] = coming
            coming.add_done_callback(lambda done: self._came(name, done))
        # Shielded: a question that is given up must not take the clip from the others.
        return await asyncio.shield(self._coming[name])

    def _came(self, name: str, done: "asyncio.Future[Sent]") -> None:
        self._coming.pop(name, None)
        if not done.cancelled():
            done.exception()  # seen, even where nobody waits for it any more


def encoded(frames: Frames, media_id: str, settings: Settings, media: Media) -> Sent:
    """Message parts for the frames, uint8 [T, H, W, 3] RGB.

    The uuid of a "jpeg" clip names all that decides its pixels: under a wrong one a server answers, without
    a word, about another clip.
    """
    if media == "frames":
        urls = [data_url(jpeg(image, settings.quality)) for image in frames.pixels]
        return Sent(tuple(image_part(url, settings.detail) for url in urls))
    if media in ("jpeg", "png"):
        return _listed(frames, media_id, settings.quality if media == "jpeg" else None)
    video = mp4(frames.pixels, frame_rate(frames))
    if media == "mp4":
        return Sent((video_part(f"data:video/mp4;base64,{b64encode(video).decode()}"),))
    assert settings.media_folder is not None
    return Sent((video_part(_written(video, Path(settings.media_folder)).as_uri()),))


def _listed(frames: Frames, media_id: str, quality: int | None) -> Sent:
    """All frames in one video URL, as JPEGs of that quality or (None) as PNGs. vLLM calls such a list
    video/jpeg and opens whatever images it holds."""
    images = [png(image) if quality is None else jpeg(image, quality) for image in frames.pixels]
    texts = ",".join(b64encode(image).decode() for image in images)
    uuid = f"{media_id}-png" if quality is None else f"{media_id}-jpeg{quality}"
    part = video_part(f"data:video/jpeg;base64,{texts}", uuid)
    return Sent((part,), sampled_video(frames.fps, frames.indices, frames.total))


def data_url(image: bytes) -> str:
    """A JPEG as a URL."""
    return f"data:image/jpeg;base64,{b64encode(image).decode()}"


def png(image: Pixels) -> bytes:
    """One RGB frame uint8 [H, W, 3] as PNG: no pixel changes."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG", compress_level=1)
    return out.getvalue()


def jpeg(image: Pixels, quality: int) -> bytes:
    """One RGB frame uint8 [H, W, 3] as JPEG, colours at full resolution."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue()


def mp4(pixels: Pixels, rate: Fraction) -> bytes:
    """RGB frames uint8 [T, H, W, 3] as H.264, ``rate`` frames per second; odd sizes grow by a pixel."""
    import av

    even = np.pad(pixels, ((0, 0), (0, pixels.shape[1] % 2), (0, pixels.shape[2] % 2), (0, 0)), "edge")
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": _CRF, "preset": "veryfast"})
        stream.height, stream.width, stream.pix_fmt = even.shape[1], even.shape[2], "yuv420p"
        for image in even:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return out.getvalue()


def frame_rate(frames: Frames) -> Fraction:
    """Frames per second of the picked frames, so that the server's clock runs as the source's; 1 for one."""
    steps = np.diff(frames.indices)
    step = float(steps.mean()) if len(steps) else 0.0
    rate = frames.fps / step if step > 0 and frames.fps > 0 else 1.0
    return Fraction(rate).limit_denominator(1000) or Fraction(1)


def _written(video: bytes, folder: Path) -> Path:
    """The video's file, by its content: written whole or not at all."""
    path = folder.resolve() / f"{sha256(video).hexdigest()[:40]}.mp4"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(video)
        part.replace(path)
    return path


def _size(sent: Sent) -> int:
    return sum(len(inner["url"]) for part in sent.parts for inner in part.values() if isinstance(inner, dict))
