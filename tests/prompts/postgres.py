"""A PostgreSQL server of the tests' own, from the binaries that Debian's package `postgresql` installs."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

_SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "listen_addresses=127.0.0.1")


class NoServer(Exception):
    """Why there is none."""


class Server:
    """Runs from construction until ``stop``. Raises NoServer where PostgreSQL or psycopg is not installed."""

    def __init__(self) -> None:
        self._bin = _binaries()
        self._as = _user()
        self._folder = Path(tempfile.mkdtemp(prefix="sceneproof-postgres-"))
        if self._as:
            shutil.chown(self._folder, "postgres")
        self.port = _free_port()
        self._databases = 0
        try:
            options = [
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--no-sync",
                "--locale=C.UTF-8",
            ]
            self._run("initdb", "-D", str(self._folder / "data"), *options)
            self._run(
                "pg_ctl", "-w", "-t", "60", "-l", str(self._folder / "log"), "-o", self._flags(), "start"
            )
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def new_database(self) -> str:
        """The URL of an empty database."""
        self._databases += 1
        name = f"history_{self._databases}"
        self._administer(f"CREATE DATABASE {name}")
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        self._administer(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def stop(self) -> None:
        """End the server and remove its files."""
        self._run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _flags(self) -> str:
        settings = " ".join(f"-c {setting}" for setting in _SETTINGS)
        return f"-p {self.port} -k {self._folder} {settings}"

    def _run(self, program: str, *arguments: str) -> None:
        environment = {**os.environ, "PGDATA": str(self._folder / "data")}
        command = [*self._as, str(self._bin / program), *arguments]
        # No pipes: the server would keep them open.
        done = subprocess.run(
            command,
            env=environment,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=120,
        )
        if done.returncode:
            log = self._folder / "log"
            told = log.read_text(errors="replace")[-500:] if log.exists() else ""
            raise RuntimeError(f"{program} ended with {done.returncode}: {told}")

    def _administer(self, statement: str) -> None:
        import psycopg

        address = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())


def _binaries() -> Path:
    """The newest server installed: /usr/lib/postgresql/VERSION/bin on Debian, else what lies on the path."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise NoServer("psycopg is not installed: pip install 'sceneproof[postgres]'") from None
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")]
    if found:
        return max(found, key=lambda path: float(path.parent.name))
    on_path = shutil.which("pg_ctl")
    if on_path is None:
        raise NoServer("no PostgreSQL server is installed: apt-get install postgresql")
    return Path(on_path).resolve().parent


def _user() -> Sequence[str]:
    """PostgreSQL refuses to run as root: the package's own user runs it then."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("runuser") is None:
        raise NoServer("PostgreSQL does not run as root, and there is no runuser to become somebody else")
    return ("runuser", "-u", "postgres", "--")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
