"""Is the server there, does it take the key, what does it serve: asked once, before anything is bought."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from assets.errors import UserError
from vllm_eval.engines.openai_settings import Access, Media, Settings
from vllm_eval.engines.openai_state import State

if TYPE_CHECKING:
    from openai import OpenAI

PROBE_SECONDS = 15.0
_PASSING = (429, 502, 503, 504, 529)  # what a server says that is about to answer


class _Model(BaseModel):
    id: str
    owned_by: str | None = None


class _Models(BaseModel):
    data: list[_Model]


@dataclass(frozen=True)
class Served:
    """Models a server lists, and what serves the chosen one: "vllm", "openai", ...; both may be unknown."""

    names: tuple[str, ...] = ()
    owner: str | None = None


def probe(settings: Settings, access: Access) -> Served:
    """What the server lists. Raises UserError when it is not there or refuses the key.

    Servers without such a list are taken as they are: the first question shows what they can do.
    """
    from openai import (
        APIConnectionError,
        APIStatusError,
        AuthenticationError,
        OpenAI,
        PermissionDeniedError,
    )

    with OpenAI(
        base_url=access.base_url,
        api_key=access.key,
        default_headers=dict(access.headers),
        max_retries=3,
        timeout=min(PROBE_SECONDS, settings.timeout),
    ) as client:
        try:
            return _listed(client, settings)
        except (AuthenticationError, PermissionDeniedError) as failure:
            raise _told(settings, access, f"HTTP {failure.status_code}: {failure.message}") from None
        except APIStatusError as failure:
            if settings.media == "auto" and failure.status_code in _PASSING:
                # Without the list clips would go as other pixels for once, and all be asked again later.
                reason = f"the list of models cannot be had, HTTP {failure.status_code}; try again later, or "
                raise _told(settings, access, f"{reason}set target.options.media") from None
            return Served()
        except APIConnectionError as failure:
            cause = f" ({failure.__cause__})" if failure.__cause__ else ""
            raise _told(settings, access, f"no server answers there, {failure}{cause}") from None


def media_of(settings: Settings, served: Served) -> Media:
    """How clips are sent: as the user says, else in vLLM's own way where it serves, else as frames."""
    if settings.media != "auto":
        return settings.media
    return "jpeg" if served.owner == "vllm" else "frames"


def _told(settings: Settings, access: Access, reason: str) -> UserError:
    return State(settings, access).told(access.clean(reason))


def _listed(client: "OpenAI", settings: Settings) -> Served:
    content = client.models.with_raw_response.list().http_response.content
    try:
        models = _Models.model_validate_json(content).data
    except ValidationError:
        return Served()
    names = {model.id.removeprefix("models/"): model for model in models}
    chosen = names.get(settings.model.removeprefix("models/"))
    return Served(tuple(names), chosen.owned_by if chosen else None)
