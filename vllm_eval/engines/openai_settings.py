"""What a user says about a server and how to ask it, validated; the key, from the environment."""

import json
import os
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assets.errors import UserError

Media = Literal["auto", "frames", "jpeg", "png", "mp4", "file"]
OPENAI = "https://api.openai.com/v1"
# No small letters, though a variable may have some: a key in its place has, and must not be shown as a name.
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


class Prices(BaseModel):
    """Dollars per million tokens. ``cached``: prompt tokens from the server's cache (None: as prompt)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)


class Settings(BaseModel):
    """Options of the engine, as docs/openai_engine.md explains them.

    ``revision`` is whatever tells two states of one model name apart. ``timeout`` and ``deadline``, seconds:
    of one attempt, and of a request with all its attempts and waits. ``concurrency``: most requests at once.
    ``max_dollars`` needs ``prices``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str = Field(min_length=1)
    base_url: str = OPENAI
    api_key_env: str = "OPENAI_API_KEY"
    revision: str | None = None
    media: Media = "auto"
    media_folder: str | None = None
    detail: Literal["low", "high", "auto"] | None = "low"
    quality: int = Field(default=95, ge=1, le=100)
    letters: Literal["auto", "logprobs", "text"] = "auto"
    max_tokens: int = Field(default=16, ge=1)
    temperature: float = Field(default=0.0, ge=0, le=2)
    seed: int = Field(default=0, ge=0)
    system: str | None = None
    extra_body: dict[str, Any] = Field(default_factory=dict)
    concurrency: int = Field(default=64, ge=1)
    timeout: float = Field(default=120.0, gt=0)
    deadline: float = Field(default=600.0, gt=0)
    attempts: int = Field(default=5, ge=1)
    first_wait: float = Field(default=0.5, gt=0)
    prices: Prices | None = None
    max_dollars: float | None = Field(default=None, gt=0)

    def fingerprint(self, media: Media) -> str:
        """All that changes an answer, whichever host gives it; ``media`` is how clips are really sent."""
        pixels = f"{media}-{self.detail or 'plain'}" if media == "frames" else media
        said = {"revision": self.revision, "system": self.system}
        told = "".join(f" {name}={value!r}" for name, value in said.items() if value is not None)
        if self.extra_body:
            told += f" extra={sha256(json.dumps(self.extra_body, sort_keys=True).encode()).hexdigest()[:12]}"
        sampling = f"temperature{self.temperature:g}-seed{self.seed}-max{self.max_tokens}"
        return f"openai-chat {self.model} {pixels}-q{self.quality} {sampling} letters-{self.letters}{told}"


@dataclass(frozen=True)
class Access:
    """Where the server is and what opens it. ``shown`` is the address as it may be shown to anyone."""

    base_url: str
    shown: str
    key: str = field(repr=False)
    key_name: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def clean(self, text: str) -> str:
        """One line of at most 300 characters without any secret."""
        line = " ".join(text.split())
        for secret in self.secrets:
            line = line.replace(secret, "***")
        return line if len(line) <= 300 else f"{line[:297]}..."


def read_settings(options: Mapping[str, Any]) -> Settings:
    """Validated options. Raises UserError, which shows no value: one may be a key in the wrong place."""
    try:
        settings = Settings(**options)
    except ValidationError as failure:
        first = failure.errors(include_url=False, include_input=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise UserError(f"engine openai, option {name}: {first['msg']}; see docs/openai_engine.md") from None
    if settings.max_dollars is not None and settings.prices is None:
        raise UserError(
            "max_dollars needs prices: give prices.prompt and prices.completion per million tokens"
        )
    if settings.media == "file" and settings.media_folder is None:
        raise UserError("media file needs media_folder: a folder the server may read, for the clips' videos")
    return settings


def read_access(base_url: str, key_name: str, environment: Mapping[str, str] = os.environ) -> Access:
    """The address without its credentials, and the key. Raises UserError for a bad address or no key."""
    if not VARIABLE.fullmatch(key_name):
        raise UserError(
            "api_key_env is no name of a variable, expected capitals, e.g. OPENAI_API_KEY, not the key itself"
        )
    try:
        parts = urlsplit(base_url)
        host = parts.netloc.rpartition("@")[2]
        shown = f"{parts.scheme}://{host}{parts.path}".rstrip("/")
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # half an address of IPv6, or no number behind the colon
        shown, usable = base_url.rpartition("@")[2], False
    if not usable or parts.query or parts.fragment:
        raise UserError(f"base_url {shown!r} is no endpoint, expected e.g. {OPENAI}, without ? and #")
    key = environment.get(key_name, "").strip()
    secrets = [key, unquote(parts.password or ""), parts.password or ""]
    headers = {}
    if parts.username is not None:
        # Sent as a header: in the address it would stand in every log line of the HTTP library.
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
        secrets.append(headers["Authorization"].removeprefix("Basic "))
    elif not key and parts.scheme == "https":
        raise UserError(f"{key_name} is not set: put the key of {host} into that variable")
    if not all(33 <= ord(character) <= 126 for character in key):
        raise UserError(f"the key in {key_name} holds characters no key has: copy it once more")
    kept = tuple(secret for secret in secrets if secret)
    return Access(shown, shown, key or "none", key_name, headers, kept)
