"""How answers are stored in few bytes: keys, log-probabilities, times, digests. Pure and without loss."""

import json
import math
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

_HEX = set("0123456789abcdef")
_LEAST = -1e30  # log-probability of a ruled-out label: JSON and people have no use for -inf


def key_bytes(key: str) -> bytes:
    """An answer's key: 32 bytes for a sha256 in hex, anything else as its own text behind a NUL."""
    if len(key) == 64 and _HEX.issuperset(key):
        return bytes.fromhex(key)
    text = b"\x00" + key.encode("utf-8", "surrogatepass")
    return b"\x00" + text if len(text) == 32 else text


def key_text(stored: bytes) -> str:
    """The key that ``key_bytes`` stored."""
    if len(stored) == 32:
        return stored.hex()
    return stored.lstrip(b"\x00").decode("utf-8", "surrogatepass")


def pack(logprobs: Sequence[float] | None) -> bytes | None:
    """Log-probabilities in 4 bytes each where that loses nothing (models compute in float32), else in 8.

    A ruled-out label (-inf) gets a very low value; with a NaN all is unknown: None.
    """
    if logprobs is None or any(math.isnan(value) for value in logprobs):
        return None
    values = [max(float(value), _LEAST) for value in logprobs]
    try:
        short = struct.pack(f"<{len(values)}f", *values)
    except OverflowError:
        short = b""
    if short and list(struct.unpack(f"<{len(values)}f", short)) == values:
        return b"f" + short
    return b"d" + struct.pack(f"<{len(values)}d", *values)


def unpack(stored: bytes | None) -> tuple[float, ...] | None:
    """The log-probabilities that ``pack`` stored."""
    if stored is None:
        return None
    size = {"f": 4, "d": 8}[chr(stored[0])]
    return struct.unpack(f"<{(len(stored) - 1) // size}{chr(stored[0])}", stored[1:])


def digest(*values: Any) -> str:
    """32 hex digits that name these JSON values."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def microseconds(moment: str) -> int:
    """UTC ISO 8601 text, as ``now_text`` writes it, in microseconds since 1970."""
    since = datetime.fromisoformat(moment) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
