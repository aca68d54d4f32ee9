"""What the node knows of its series, in one SQLite file that outlives any kill."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from integrations.dicom_node.instances import InstanceFacts
from integrations.dicom_node.series import FINAL_STATES, Series, SeriesFacts, SeriesState

_TABLES = """
CREATE TABLE IF NOT EXISTS series (
    key TEXT PRIMARY KEY, study_uid TEXT NOT NULL, state TEXT NOT NULL, revision INTEGER NOT NULL,
    arrived_at REAL NOT NULL, changed_at REAL NOT NULL, due_at REAL NOT NULL, attempts INTEGER NOT NULL,
    job_id TEXT, reason TEXT NOT NULL,
    modality TEXT NOT NULL, body_part TEXT NOT NULL, description TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS series_of_study ON series (study_uid, arrived_at);
CREATE TABLE IF NOT EXISTS instances (
    series_key TEXT NOT NULL, name TEXT NOT NULL, sop_class_uid TEXT NOT NULL, sop_instance_uid TEXT NOT NULL,
    digest TEXT NOT NULL, is_scorable INTEGER NOT NULL, PRIMARY KEY (series_key, name)
);
CREATE INDEX IF NOT EXISTS instances_by_uid ON instances (sop_instance_uid);
"""
_COLUMNS = "key, state, revision, attempts, job_id, modality, body_part, description"
_FINAL = ", ".join(f"'{state}'" for state in FINAL_STATES)
_DUE = f"""
SELECT {_COLUMNS} FROM series AS mine WHERE due_at <= :now AND state NOT IN ({_FINAL}) AND (
    state != 'received'
    OR NOT EXISTS (SELECT 1 FROM series WHERE study_uid = mine.study_uid AND arrived_at > :quiet_since)
) ORDER BY arrived_at
"""  # noqa: S608 - both are constants of this file
_ARRIVE = """
INSERT INTO series
    VALUES (:key, :study, 'received', 1, :now, :now, 0, 0, NULL, '', :modality, :body_part, :description)
ON CONFLICT (key) DO UPDATE SET state = 'received', revision = revision + 1,
    arrived_at = :now, changed_at = :now, due_at = 0, attempts = 0, job_id = NULL, reason = '',
    modality = :modality, body_part = :body_part, description = :description
"""


class Ledger:
    """Safe for threads; whatever a call changed is on disk when it returns."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(_TABLES)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def add(self, facts: InstanceFacts, digest: str, *, now: float) -> None:
        """Note an instance; a series that is over begins anew, and so does one that it changes."""
        with self._changing() as connection:
            known = connection.execute(
                "SELECT digest, state FROM instances JOIN series ON key = series_key "
                "WHERE key = ? AND name = ?",
                (facts.series_key, facts.file_name),
            ).fetchone()
            if known is not None and known[0] == digest and known[1] not in FINAL_STATES:
                connection.execute(
                    "UPDATE series SET arrived_at = ? WHERE key = ? AND state = 'received'",
                    (now, facts.series_key),
                )
                return
            connection.execute(
                "INSERT OR REPLACE INTO instances VALUES (?, ?, ?, ?, ?, ?)",
                (
                    facts.series_key,
                    facts.file_name,
                    facts.sop_class_uid,
                    facts.sop_instance_uid,
                    digest,
                    facts.is_scorable,
                ),
            )
            of_series = {"key": facts.series_key, "study": facts.study_uid, "now": now}
            connection.execute(_ARRIVE, of_series | vars(facts.series))

    def due(self, *, now: float, quiet_s: float) -> list[Series]:
        """What has a step to be done, oldest first: new series only when their study has been quiet."""
        with self._lock:
            rows = self._connection.execute(_DUE, {"now": now, "quiet_since": now - quiet_s}).fetchall()
        return [_series_of(row) for row in rows]

    def advance(
        self, series: Series, state: SeriesState, *, now: float, job_id: str | None = None, reason: str = ""
    ) -> bool:
        """Go on to `state`, unless the series was changed in the meantime; says which."""
        return self._update(
            "UPDATE series SET state = ?, job_id = ?, reason = ?, changed_at = ?, due_at = 0, attempts = 0 "
            "WHERE key = ? AND revision = ? AND state = ?",
            (state, job_id or series.job_id, reason, now, series.key, series.revision, series.state),
        )

    def postpone(self, series: Series, *, until: float, reason: str = "") -> bool:
        """Do the same step again later; with a reason it counts as an attempt."""
        return self._update(
            "UPDATE series SET due_at = ?, reason = ?, attempts = attempts + ? "
            "WHERE key = ? AND revision = ? AND state = ?",
            (until, reason, int(bool(reason)), series.key, series.revision, series.state),
        )

    def scorable_files(self, series: Series) -> list[str]:
        """Names of its images."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT name FROM instances WHERE series_key = ? AND is_scorable ORDER BY name", (series.key,)
            ).fetchall()
        return [name for (name,) in rows]

    def places_of(self, sop_class_uid: str, sop_instance_uid: str) -> list[tuple[str, str]]:
        """Series keys and file names of an instance; it has several where series share its UID."""
        with self._lock:
            return self._connection.execute(
                "SELECT series_key, name FROM instances WHERE sop_instance_uid = ? AND sop_class_uid = ?",
                (sop_instance_uid, sop_class_uid),
            ).fetchall()

    def knows(self, key: str) -> bool:
        with self._lock:
            row = self._connection.execute("SELECT 1 FROM series WHERE key = ?", (key,)).fetchone()
        return row is not None

    def over_since(self, before: float) -> list[str]:
        """Keys of series that were over before then."""
        with self._lock:
            rows = self._connection.execute(
                f"SELECT key FROM series WHERE changed_at < ? AND state IN ({_FINAL})",  # noqa: S608
                (before,),
            ).fetchall()
        return [key for (key,) in rows]

    def forget(self, key: str) -> None:
        with self._changing() as connection:
            connection.execute("DELETE FROM instances WHERE series_key = ?", (key,))
            connection.execute("DELETE FROM series WHERE key = ?", (key,))

    def counts(self) -> dict[str, int]:
        """How many series there are in each state."""
        with self._lock:
            rows = self._connection.execute("SELECT state, COUNT(*) FROM series GROUP BY state").fetchall()
        return dict(rows)

    def _update(self, statement: str, values: tuple[object, ...]) -> bool:
        with self._changing() as connection:
            return connection.execute(statement, values).rowcount == 1

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def _series_of(row: tuple[str, str, int, int, str | None, str, str, str]) -> Series:
    key, state, revision, attempts, job_id, *facts = row
    return Series(key, SeriesState(state), revision, attempts, job_id, SeriesFacts(*facts))
