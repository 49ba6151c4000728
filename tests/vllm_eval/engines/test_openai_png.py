"""Frames sent as PNG arrive as they were, under a uuid of their own."""

import io
from base64 import b64decode

import numpy as np
from PIL import Image

from videos.clip import Frames
from vllm_eval.engines.openai_media import encoded
from vllm_eval.engines.openai_settings import read_settings

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 16, 18, 3)).astype(np.uint8)
FRAMES = Frames(PIXELS, (0, 4, 8), 8.0, 12)


def test_no_pixel_changes_and_frames_keep_their_order() -> None:
    sent = encoded(FRAMES, "m7", read_settings({"model": "m"}), "png")
    (part,) = sent.parts
    head, *texts = part["video_url"]["url"].split(",")
    assert head == "data:video/jpeg;base64"
    arrived = [np.asarray(Image.open(io.BytesIO(b64decode(text)))) for text in texts]
    assert np.array_equal(np.stack(arrived), PIXELS)
    assert sent.body["media_io_kwargs"]["video"]["frames_indices"] == [0, 4, 8]
    assert sent.body["media_io_kwargs"]["video"]["do_sample_frames"] is False


def test_png_and_jpeg_are_two_clips_to_the_server_and_to_the_history() -> None:
    settings = read_settings({"model": "m"})
    uuids = {encoded(FRAMES, "m7", settings, media).parts[0]["uuid"] for media in ("png", "jpeg")}
    assert len(uuids) == 2
    assert settings.fingerprint("png") != settings.fingerprint("jpeg")
