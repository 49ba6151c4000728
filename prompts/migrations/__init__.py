"""How histories of older releases become histories of this one.

Alembic revisions in ``versions``, applied when a file is opened. Append, never edit: files written by every
release are out there. A new database is created whole by ``prompts.schema``; a test holds that both ways end
in the same tables.
"""

from pathlib import Path

from sqlalchemy import Connection

REVISIONS = ("0001", "0002")  # oldest first
HEAD = REVISIONS[-1]


def upgrade(connection: Connection, revision: str) -> None:
    """Bring a database at ``revision`` to HEAD within the caller's transaction."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)

    def steps(_current: object, _context: object) -> list[object]:
        return list(script._upgrade_revs(HEAD, revision))

    with EnvironmentContext(config, script, fn=steps, destination_rev=HEAD) as environment:
        environment.configure(connection=connection, transactional_ddl=True)
        with environment.begin_transaction():
            environment.run_migrations()
