"""Which checkpoint a model's name means, what identifies it, and where its files are."""

from hashlib import sha256
from pathlib import Path

from assets.errors import UserError
from assets.verify import digest

MINI = "mini"

_IDENTITY = (".safetensors", ".json", ".jinja", ".txt")  # weights, configuration, tokenizer, chat template


def resolve(model: str) -> str:
    """The folder of the bundled model for "mini", else the name itself. Raises UserError if it is empty."""
    if not model:
        raise UserError('no model named, expected "mini", a folder or a name on the model hub')
    if model != MINI:
        return model
    from vllm_eval.mini_vllm.assemble import checkpoint

    return str(checkpoint())


def identity(model: str, revision: str | None) -> str:
    """Name and content of a checkpoint: the hash of a local folder's files, or a hub model's revision."""
    folder = Path(model)
    if not folder.is_dir():
        return f"{model}@{revision or 'unknown'}"
    files = sorted(path for path in folder.iterdir() if path.suffix in _IDENTITY)
    content = "\n".join(f"{path.name} {digest(path)}" for path in files)
    return f"{folder.name}@{sha256(content.encode()).hexdigest()[:16]}"


def revision_of(model: str, revision: str | None) -> dict[str, str]:
    """What to tell the model hub about it. UserError for a folder: it has no revisions."""
    if revision is None:
        return {}
    if Path(model).is_dir():
        raise UserError(f"revision {revision!r}: {model} is a folder, only models of the hub have revisions")
    return {"revision": revision}


def find_file(model: str, name: str, revision: str | None = None) -> Path | None:
    """A checkpoint's file by name, from its folder or the model hub; None where it has no such file."""
    if Path(model).is_dir():
        path = Path(model) / name
        return path if path.is_file() else None
    from transformers.utils.hub import cached_file

    found = cached_file(
        model,
        name,
        **revision_of(model, revision),
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
        _raise_exceptions_for_gated_repo=False,
    )
    return Path(found) if found else None
