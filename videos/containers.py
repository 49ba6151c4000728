"""Is a video file all there? Told by the sizes its container declares, without decoding.

A cut-off mkv or webm plays to where it ends and then looks like a shorter clip, so that other frames would be
taken from it than from the whole one. Covered: ISO files (mp4, mov), Matroska (mkv, webm) and avi. Not
covered: files written as a stream, which declare no size, and damage inside a file of the right size.
"""

import struct
from pathlib import Path
from typing import BinaryIO

_BOXES = {
    b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"free", b"skip", b"wide", b"sidx", b"ssix",
    b"meta", b"uuid", b"udta", b"pdin", b"emsg", b"prft",
}  # fmt: skip
_MOST_BOXES = 100_000  # a file of nothing but boxes would keep us for minutes
_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"


def declared_size(path: Path) -> int | None:
    """Bytes the file must have by its container's own word; None where it does not say. Raises OSError."""
    with open(path, "rb") as file:
        head = file.read(8)
        file.seek(0)
        if head[4:] in _BOXES:
            return _boxes_end(file)
        if head[:4] == _EBML:
            return _segment_end(file)
        if head[:4] == b"RIFF":
            return _riff_end(head)
    return None


def _boxes_end(file: BinaryIO) -> int | None:
    """ISO 14496-12, 4.2: boxes of (32-bit size, type); size 1: a 64-bit size follows, 0: up to the end."""
    at = 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8 or head[4:8] not in _BOXES:  # the end, or bytes of something else behind it
            return at
        size = int.from_bytes(head[:4])
        if size == 1 and len(head) == 16:
            size = int.from_bytes(head[8:])
        if size < 8:
            return None
        at += size
    return None


def _segment_end(file: BinaryIO) -> int | None:
    """RFC 8794: the EBML header, then one segment, each (id, size, content)."""
    file.seek(4)
    header = _vint(file)
    if header is None:
        return None
    file.seek(header, 1)
    if file.read(4) != _SEGMENT:
        return None
    size = _vint(file)
    return None if size is None else file.tell() + size


def _vint(file: BinaryIO) -> int | None:
    """A size of one to eight bytes, its length told by the leading zeros; all ones: unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    value = int.from_bytes(bytes([first[0] & (0x7F >> more)]) + file.read(more))
    return None if value == (1 << 7 * (more + 1)) - 1 else value


def _riff_end(head: bytes) -> int | None:
    """The first RIFF chunk; beyond 1 GB others follow, and a stream writes zero or all ones."""
    (size,) = struct.unpack("<I", head[4:8])
    return size + 8 if 0 < size < 1 << 31 else None
