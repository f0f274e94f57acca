"""The tables of the archive. SQLite's own tool reads them; records are JSON."""

from __future__ import annotations

VERSION = 2
"""Kept in the file as ``user_version``; a file of a later version is not written to."""
FOLDER = "history"
FILE = "history.sqlite"
PAGE_BYTES = 4096

STORIES = """
CREATE TABLE stories (
    id INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    story BLOB NOT NULL
);
"""
TABLES = f"""
CREATE TABLE archive (id TEXT NOT NULL);
INSERT INTO archive VALUES (lower(hex(randomblob(16))));
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL UNIQUE,
    submitted_us INTEGER NOT NULL,
    ended_us INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    workload TEXT NOT NULL,
    state TEXT NOT NULL,
    band INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX runs_by_time ON runs (submitted_us, run, kind, name, workload, state, band);
CREATE INDEX runs_by_name ON runs (name, submitted_us, run, kind, workload, state, band);
CREATE INDEX runs_by_end ON runs (ended_us, size_bytes);
CREATE TABLE operations (
    id INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    operations BLOB NOT NULL
);
CREATE TABLE misses (
    id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    limited_by TEXT NOT NULL,
    limit_us INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    cause TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (id, limited_by)
) WITHOUT ROWID;
CREATE INDEX misses_by_time ON misses (at_us);
CREATE TABLE plans (
    entry TEXT PRIMARY KEY,
    at_us INTEGER NOT NULL,
    version INTEGER NOT NULL,
    source TEXT NOT NULL,
    verdict TEXT NOT NULL,
    makespan_us INTEGER NOT NULL,
    bound_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX plans_by_time ON plans (at_us);
CREATE TABLE removed (
    rule TEXT PRIMARY KEY,
    runs INTEGER NOT NULL,
    first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL
) WITHOUT ROWID;
{STORIES}"""
"""`runs.name` is the workload without its version. The indexes hold all that a search asks for, so
a search that finds little reads little. `operations.operations` and `stories.story` are compressed
by zlib; a run of an earlier release has no story. `removed` keeps per rule the times of the first
and the last run, by their ids, that it took away."""
UPGRADES = {1: STORIES}
"""By version: the step that makes a file of the next version of it."""
