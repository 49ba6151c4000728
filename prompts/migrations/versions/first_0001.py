"""The tables of the first release. Its files carry no Alembic mark: `schema_version` says 1."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing: a history is at this revision when the first release wrote it."""
    if "schema_version" not in sa.inspect(op.get_bind()).get_table_names():
        raise RuntimeError("revision 0001 is where histories begin; new ones are created whole")
