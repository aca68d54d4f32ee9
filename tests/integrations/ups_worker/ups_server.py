"""Stands in for a UPS-RS server: a worklist with the state table of PS3.4, over HTTP as PS3.18 11 has it.

Source: PS3.4 table CC.1.1-2 (states), CC.2.1.3 (Transaction UID), table CC.2.5-3 (final state). What is
forbidden there is answered with 409, what lacks the right Transaction UID with 400.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Dataset = dict[str, Any]
_STATE, _TRANSACTION, _PERFORMED, _PROGRESS = "00741000", "00081195", "00741216", "00741002"
_FINAL = ("COMPLETED", "CANCELED")


def first(dataset: Dataset, *tags: str) -> Any:
    """The value at the end of a path of first items."""
    for tag in tags[:-1]:
        dataset = dataset[tag]["Value"][0]
    return dataset[tags[-1]]["Value"][0]


@dataclass
class UpsServer:
    """Workitems by UID, who holds each, and what the worker was answered; `away` answers come first.

    `losses` counts answers to changes of state that are lost on their way, the change itself being made.
    """

    url: str = ""
    workitems: dict[str, Dataset] = field(default_factory=dict)
    holders: dict[str, str] = field(default_factory=dict)
    away: list[int] = field(default_factory=list)
    losses: int = 0
    changes: list[tuple[str, int]] = field(default_factory=list)
    progress: list[float] = field(default_factory=list)

    def schedule(self, uid: str, *series: tuple[str, str]) -> None:
        inputs = [
            {"0020000D": {"vr": "UI", "Value": [study]}, "0020000E": {"vr": "UI", "Value": [own]}}
            for study, own in series
        ]
        self.workitems[uid] = {
            "00080018": {"vr": "UI", "Value": [uid]},
            _STATE: {"vr": "CS", "Value": ["SCHEDULED"]},
            "00404041": {"vr": "CS", "Value": ["READY"]},
            "00404021": {"vr": "SQ", "Value": inputs},
        }

    def state(self, uid: str) -> str:
        return str(first(self.workitems[uid], _STATE))

    def search(self, query: dict[str, list[str]]) -> list[Dataset]:
        keys = {tag: values[0] for tag, values in query.items() if tag in (_STATE, "00404041")}
        start, most = int(query["offset"][0]), int(query["limit"][0])
        found = [
            {tag: element for tag, element in workitem.items() if tag != _TRANSACTION}
            for workitem in self.workitems.values()
            if all(first(workitem, tag) == value for tag, value in keys.items())
        ]
        return found[start : start + most]

    def change(self, uid: str, asked: Dataset) -> int:
        """PS3.4 table CC.1.1-2."""
        state, wanted, transaction = self.state(uid), first(asked, _STATE), first(asked, _TRANSACTION)
        is_holder = self.holders.get(uid) == transaction
        if wanted == "IN PROGRESS":
            if state != "SCHEDULED":
                return 409  # C302, C300
            self.holders[uid] = transaction
        elif wanted not in _FINAL or state == "SCHEDULED":
            return 409  # C303, C310
        elif not is_holder:
            return 400  # C301
        elif state in _FINAL:
            return 200 if state == wanted else 409  # B304, B306; C300
        elif not self._is_final(uid, wanted):
            return 409  # C304
        self.workitems[uid][_STATE] = {"vr": "CS", "Value": [wanted]}
        return 200

    def update(self, uid: str, transaction: str, changes: Dataset) -> int:
        if self.state(uid) != "IN PROGRESS":
            return 409
        if self.holders[uid] != transaction or first(changes, _TRANSACTION) != transaction:
            return 400
        self.workitems[uid] |= {tag: value for tag, value in changes.items() if tag != _TRANSACTION}
        if "00741004" in changes.get(_PROGRESS, {}).get("Value", [{}])[0]:
            self.progress.append(first(changes, _PROGRESS, "00741004"))
        return 200

    def _is_final(self, uid: str, wanted: str) -> bool:
        """Whether the final state's requirements are met, as far as an image's processing has any."""
        workitem = self.workitems[uid]
        try:
            if wanted == "CANCELED":
                return bool(first(workitem, _PROGRESS, "0074100E", "00080100"))
            tags = ("00404028", "00404019", "00404050", "00404051")
            return all(first(workitem, _PERFORMED, tag) for tag in tags)
        except (KeyError, IndexError):
            return False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_state: UpsServer

    def do_GET(self) -> None:
        state, parts = self.server_state, urlsplit(self.path)
        if state.away:
            self._answer(state.away.pop(0))
        elif parts.path == "/workitems":
            found = state.search(parse_qs(parts.query))
            self._answer(200 if found else 204, found)
        else:
            workitem = state.workitems.get(parts.path.split("/")[2])
            self._answer(200 if workitem else 404, [workitem])

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        transaction = parse_qs(parts.query)["transaction-uid"][0]
        self._answer(self.server_state.update(parts.path.split("/")[2], transaction, self._body()))

    def do_PUT(self) -> None:
        state, uid = self.server_state, self.path.split("/")[2]
        asked = self._body()
        status = state.change(uid, asked)
        state.changes.append((first(asked, _STATE), status))
        if state.losses > 0:
            state.losses -= 1
            self.close_connection = True
            return
        self._answer(status)

    def _body(self) -> Dataset:
        found: Dataset = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return found

    def _answer(self, status: int, content: Any = None) -> None:
        body = b"" if content is None or status == 204 else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def ups_server() -> Iterator[UpsServer]:
    state = UpsServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"server_state": state}))
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
