"""Audit messages that the node owes, and what arrives for the next ones, in a file of SQLite.

Beside the ledger, whose every write goes to the disk at once, this file outlives a kill and not a power cut.
"""

import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path

MOST_OWED = 100_000
_TABLES = """
CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, message TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS arrivals (
    association INTEGER NOT NULL, ae_title TEXT NOT NULL, address TEXT NOT NULL, study_uid TEXT NOT NULL,
    patient_id TEXT NOT NULL, sop_class_uid TEXT NOT NULL, instances INTEGER NOT NULL,
    PRIMARY KEY (association, study_uid, patient_id, sop_class_uid)
);
"""
_ARRIVE = """
INSERT INTO arrivals VALUES (?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (association, study_uid, patient_id, sop_class_uid) DO UPDATE SET instances = instances + 1
"""
# No association stands for all of them.
_OF = "WHERE :association IS NULL OR association = :association"
_COLUMNS = "ae_title, address, study_uid, patient_id, sop_class_uid, instances"
_ARRIVED = f"SELECT {_COLUMNS} FROM arrivals {_OF}"  # noqa: S608  # constants of this file, as below
_FORGET = f"DELETE FROM arrivals {_OF}"  # noqa: S608


@dataclass(frozen=True)
class Arrival:
    """Where an instance came from, and whose it is."""

    ae_title: str
    address: str
    study_uid: str
    patient_id: str


class OwedMessages:
    """Safe for threads; the oldest message is the first to be sent."""

    def __init__(self, path: Path, *, most: int = MOST_OWED) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_TABLES)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def add(self, message: str) -> bool:
        """Owe a message; False where too many are owed already."""
        with self._lock:
            (count,) = self._connection.execute("SELECT COUNT(*) FROM messages").fetchone()
            if count >= self._most:
                return False
            self._connection.execute("INSERT INTO messages (message) VALUES (?)", (message,))
        return True

    def oldest(self, count: int) -> list[tuple[int, str]]:
        with self._lock:
            return self._connection.execute(
                "SELECT id, message FROM messages ORDER BY id LIMIT ?", (count,)
            ).fetchall()

    def drop_until(self, message_id: int) -> None:
        """They are sent, up to this one."""
        with self._lock:
            self._connection.execute("DELETE FROM messages WHERE id <= ?", (message_id,))

    def arrive(self, association: int, arrival: Arrival, sop_class_uid: str) -> None:
        with self._lock:
            self._connection.execute(_ARRIVE, (association, *vars(arrival).values(), sop_class_uid))

    def arrived(self, association: int | None) -> dict[Arrival, dict[str, int]]:
        """What came in an association, counted by SOP class."""
        with self._lock:
            rows = self._connection.execute(_ARRIVED, {"association": association}).fetchall()
        found: dict[Arrival, dict[str, int]] = {}
        for *names, sop_class_uid, instances in rows:
            found.setdefault(Arrival(*names), {})[sop_class_uid] = instances
        return found

    def forget_arrivals(self, association: int | None) -> None:
        with self._lock:
            self._connection.execute(_FORGET, {"association": association})
