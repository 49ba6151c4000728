"""The few bits of coded video that tell whether a decoder may start at a key frame, and what it shows."""

from collections.abc import Iterator

_IDR, _SPS = 5, 7  # NAL units of H.264 (ITU-T H.264, table 7-1)


def start_kind(codec: str, data: bytes, extradata: bytes) -> bytes | None:
    """What a key frame of H.264, VP8 or VP9 begins: equal for all of them where nothing changes midway.

    None where it is no clean start: later frames need some before it (open groups, recovery points).
    """
    if codec == "h264":
        return _h264_start(data, extradata)
    if codec == "vp8":
        return data[6:10]  # RFC 6386, 9.1: width and height
    return data[4:8] + bytes([data[8] & 0xF0]) if len(data) > 8 else None  # VP9, 6.2: the same, after 36 bits


def is_hidden(data: bytes) -> bool:
    """A VP8 reference that is never shown (RFC 6386, 9.1: the show_frame bit)."""
    return not data[0] & 0x10


def _h264_start(data: bytes, extradata: bytes) -> bytes | None:
    units = list(_sized_units(data, extradata) if extradata[:1] == b"\x01" else _marked_units(data))
    picture = next((unit[0] & 31 for unit in units if 1 <= unit[0] & 31 <= _IDR), None)
    if picture != _IDR:
        return None
    return b"".join(unit for unit in units if unit[0] & 31 == _SPS and unit not in extradata)


def _sized_units(data: bytes, extradata: bytes) -> Iterator[bytes]:
    """As mp4 and mkv keep them: each after its length (ISO 14496-15, 5.3.3.1)."""
    width, at = (extradata[4] & 3) + 1, 0
    while at + width < len(data):
        start = at + width
        at = start + int.from_bytes(data[at:start])
        if unit := data[start:at]:
            yield unit


def _marked_units(data: bytes) -> Iterator[bytes]:
    """As avi and streams keep them: between start codes (ITU-T H.264, annex B)."""
    return (unit.rstrip(b"\0") for unit in data.split(b"\0\0\1")[1:] if unit.rstrip(b"\0"))
