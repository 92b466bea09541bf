"""The log of what happened: its leaves, their salts, the tree's hashes, checkpoints, successions of keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

APPEND_ONLY = ("ledger_leaves", "ledger_checkpoints", "ledger_keys")
TILES = "ledger_tiles"


def upgrade() -> None:
    """Makes the tables. The function ``only_added_to`` in PostgreSQL is that of 0001."""
    _leaves()
    _tree()
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def _leaves() -> None:
    of_a_case = sa.text("case_id IS NOT NULL")
    op.create_table(
        "ledger_leaves",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Text()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("number >= 0 AND position >= 0 AND part >= 0", name=op.f("ck_ledger_leaves_numbers")),
        sa.PrimaryKeyConstraint("number", name="pk_ledger_leaves"),
        sa.UniqueConstraint("source", "position", "part", name="uq_ledger_leaves_source_position_part"),
    )
    op.create_index(
        "ix_ledger_leaves_case",
        "ledger_leaves",
        ["case_id", "number"],
        sqlite_where=of_a_case,
        postgresql_where=of_a_case,
    )
    op.create_table(
        "ledger_salts",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_ledger_salts"),
    )


def _tree() -> None:
    whole = "length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0"
    op.create_table(
        TILES,
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(whole, name=op.f("ck_ledger_tiles_hashes")),
        sa.PrimaryKeyConstraint("level", "number", name="pk_ledger_tiles"),
    )
    op.create_table(
        "ledger_checkpoints",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number > 0 AND size >= 0", name=op.f("ck_ledger_checkpoints_numbers")),
        sa.PrimaryKeyConstraint("number", name="pk_ledger_checkpoints"),
    )
    op.create_table(
        "ledger_keys",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_ledger_keys"),
    )


def _guard_sqlite() -> None:
    for table in APPEND_ONLY:
        for what in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} are only added to'); END"
            )
    op.execute(
        f"CREATE TRIGGER {TILES}_no_delete BEFORE DELETE ON {TILES} BEGIN SELECT RAISE(ABORT, '{TILES} only grow'); END"
    )
    op.execute(
        f"CREATE TRIGGER {TILES}_only_grow BEFORE UPDATE ON {TILES} "
        "WHEN NEW.level <> OLD.level OR NEW.number <> OLD.number "
        "OR substr(NEW.hashes, 1, length(OLD.hashes)) <> OLD.hashes "
        f"BEGIN SELECT RAISE(ABORT, '{TILES} only grow'); END"
    )


def _guard_postgresql() -> None:
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION only_added_to()"
        )
    op.execute(
        f"CREATE TRIGGER {TILES}_only_added_to BEFORE DELETE OR TRUNCATE ON {TILES} "
        "FOR EACH STATEMENT EXECUTE FUNCTION only_added_to()"
    )
    op.execute(
        "CREATE FUNCTION ledger_tiles_only_grow() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF NEW.level <> OLD.level OR NEW.number <> OLD.number "
        "OR substr(NEW.hashes, 1, length(OLD.hashes)) <> OLD.hashes "
        "THEN RAISE EXCEPTION 'ledger_tiles only grow'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {TILES}_only_grow BEFORE UPDATE ON {TILES} "
        "FOR EACH ROW EXECUTE FUNCTION ledger_tiles_only_grow()"
    )
