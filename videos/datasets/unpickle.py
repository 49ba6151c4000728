"""Pickles of plain containers, read without letting them run anything."""

import io
import pickle
from pathlib import Path

from assets.errors import UserError


class _Plain(pickle.Unpickler):
    """Knows no name at all: dicts, lists, strings and numbers need none."""

    def find_class(self, module_name: str, global_name: str, /) -> object:
        raise pickle.UnpicklingError(f"it asks for {module_name}.{global_name}, which plain data never does")

    def persistent_load(self, pid: object) -> object:
        raise pickle.UnpicklingError("it refers to data outside itself")


def load_plain(path: Path) -> object:
    """The dicts, lists, tuples, strings and numbers in the pickle. Raises UserError for anything else."""
    try:
        return _Plain(io.BytesIO(path.read_bytes())).load()
    except OSError as failure:
        raise UserError(f"{path}: {failure.strerror}; expected a pickle file") from failure
    except Exception as failure:  # a damaged pickle can raise nearly anything
        reason = str(failure) or type(failure).__name__
        raise UserError(f"{path}: not a pickle of plain data ({reason}); fetch it again") from failure
