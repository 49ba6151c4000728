"""Views for people with an SQL shell, and triggers that keep the record append-only; per dialect.

Revision 0002 installs these. A later revision that changes one brings its own text and leaves this for it.
"""

# What is written once and never again.
KEPT = ("bought", "conversations", "decisions", "prompts", "proposals", "run_states", "spend")

# One row per scored prompt, counted from the answers themselves; `tallies` keeps the same counts ready.
_SCORES = """
CREATE VIEW scores AS
SELECT s.run_id, s.dataset, s.format_key, s.prompt_id, p.text AS prompt,
       CAST(SUM(CASE WHEN b.kind = 0 THEN 1 ELSE 0 END) AS DOUBLE PRECISION)
         / NULLIF(SUM(CASE WHEN b.kind <> 5 THEN 1 ELSE 0 END), 0) AS shacc,
       CAST(SUM(CASE WHEN b.kind = 1 THEN 1 ELSE 0 END) AS DOUBLE PRECISION)
         / NULLIF(SUM(CASE WHEN b.kind <> 5 THEN 1 ELSE 0 END), 0) AS sberr,
       SUM(CASE WHEN b.kind <> 5 THEN 1 ELSE 0 END) AS n,
       SUM(CASE WHEN b.kind = 0 THEN 1 ELSE 0 END) AS human,
       SUM(CASE WHEN b.kind = 1 THEN 1 ELSE 0 END) AS background,
       SUM(CASE WHEN b.kind = 2 THEN 1 ELSE 0 END) AS other,
       SUM(CASE WHEN b.kind = 3 THEN 1 ELSE 0 END) AS unparsed,
       SUM(CASE WHEN b.kind = 4 THEN 1 ELSE 0 END) AS refused,
       SUM(CASE WHEN b.kind = 5 THEN 1 ELSE 0 END) AS errors,
       s.id AS scoring_id
FROM scorings s JOIN uses u ON u.scoring_id = s.id JOIN bought b ON b.id = u.answer_id
LEFT JOIN prompts p ON p.id = s.prompt_id
GROUP BY s.id, s.run_id, s.dataset, s.format_key, s.prompt_id, p.text
"""

# Every answer with all that is known of it, under the score it was bought for.
_ANSWERS = """
CREATE VIEW answers AS
SELECT {key} AS key, b.text, l.text AS label, k.name AS kind, b.prompt_tokens, b.cached_tokens, b.seconds,
       b.error, s.prompt_id, c.clip_id, c.human, c.background, c.sources, b.choices, s.dataset, s.format_key,
       s.run_id, {created} AS created, b.id
FROM bought b JOIN kinds k ON k.code = b.kind JOIN scorings s ON s.id = b.scoring_id
JOIN clips c ON c.id = b.clip_id LEFT JOIN labels l ON l.id = b.label_id
"""

_SPELLED = {
    "sqlite": {
        "key": "lower(hex(b.key))",
        "created": "strftime('%Y-%m-%dT%H:%M:%fZ', b.created / 1000000.0, 'unixepoch')",
    },
    "postgresql": {
        "key": "encode(b.key, 'hex')",
        "created": "to_char(to_timestamp(b.created / 1000000.0) AT TIME ZONE 'UTC', "
        '\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')',
    },
}

# Doubled, for a driver that takes them for placeholders.
_KEEP = """
CREATE FUNCTION history_keeps() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the history is append-only: no %% on %%', TG_OP, TG_TABLE_NAME; END $$
"""


def statements(dialect: str) -> list[str]:
    """What creates them in this dialect: "sqlite" or "postgresql"."""
    return [_SCORES, _ANSWERS.format(**_SPELLED[dialect]), *_triggers(dialect)]


def _triggers(dialect: str) -> list[str]:
    if dialect == "postgresql":
        return [_KEEP] + [
            f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION history_keeps()"
            for table in KEPT
        ]
    return [
        f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'the history is append-only: no {action} on {table}'); END"
        for table in KEPT
        for action in ("UPDATE", "DELETE")
    ]
