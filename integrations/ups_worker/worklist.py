"""A UPS-RS server, asked as a performer of workitems asks it.

Source: PS3.18 11 (Worklist Service), PS3.4 CC.1.1 (states), CC.2.1 (Change UPS State).
"""

import json
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from integrations.ups_worker.dataset_json import (
    CODE_SCHEME,
    CODE_VALUE,
    INSTANCE_UID,
    LABEL,
    READINESS,
    STATE,
    TRANSACTION,
    WORKITEM_CODE,
    change_of_state,
    element,
    items_of,
    value_of,
)
from integrations.ups_worker.errors import WorkitemRefusedError, WorklistAwayError
from integrations.ups_worker.settings import Worklist as WorklistSettings
from integrations.ups_worker.uids import is_uid

_JSON = "application/dicom+json"
_LATER = frozenset((401, 403, 408, 425, 429))
_PAGE = 25
_MOST = 1000


class Worklist:
    """Close it, or use it in a `with`."""

    def __init__(self, settings: WorklistSettings) -> None:
        self._settings = settings
        headers = {"Accept": _JSON, "User-Agent": "Atypia"}
        if settings.bearer_token_file is not None:
            headers["Authorization"] = f"Bearer {settings.bearer_token_file.read_text().strip()}"
        self._http = httpx.Client(
            base_url=settings.url.rstrip("/"),
            headers=headers,
            timeout=settings.timeout_s,
            trust_env=False,
            verify=ssl.create_default_context(cafile=settings.ca_file),
        )

    def __enter__(self) -> "Worklist":
        return self

    def __exit__(self, *_reason: object) -> None:
        self._http.close()

    def ready(self) -> Iterator[str]:
        """UIDs of workitems that wait for one such as us, as far as the server filters them.

        Raises:
            WorklistAwayError: The server does not say.
        """
        seen: set[str] = set()
        for offset in range(0, _MOST, _PAGE):
            uids = [uid for uid in self._page(offset) if uid not in seen]
            yield from uids
            seen.update(uids)
            # The last page, or the first again from a server that knows no offset.
            if len(uids) < _PAGE:
                return

    def is_ours(self, workitem: Mapping[str, Any]) -> bool:
        """Whether it waits for one such as us: a server may ignore keys of a search (PS3.18 8.3.4.1)."""
        code, label = self._settings.workitem_code, self._settings.worklist_label
        codes = [
            (value_of(item, CODE_VALUE), value_of(item, CODE_SCHEME))
            for item in items_of(workitem, WORKITEM_CODE)
        ]
        return (
            (value_of(workitem, STATE), value_of(workitem, READINESS)) == ("SCHEDULED", "READY")
            and (code is None or (code.value, code.scheme) in codes)
            and (label is None or value_of(workitem, LABEL) == label)
        )

    def _page(self, offset: int) -> list[str]:
        params = {STATE: "SCHEDULED", READINESS: "READY", "limit": str(_PAGE), "offset": str(offset)}
        if self._settings.workitem_code is not None:
            params[f"{WORKITEM_CODE}.{CODE_VALUE}"] = self._settings.workitem_code.value
        if self._settings.worklist_label is not None:
            params[LABEL] = self._settings.worklist_label
        answer = self._ask("GET", "/workitems", params=params)
        found = [] if answer.status_code == httpx.codes.NO_CONTENT else _json_of(answer)
        if not isinstance(found, list):
            raise WorklistAwayError("the worklist answers a search with another JSON than a list")
        uids = [value_of(item, INSTANCE_UID) for item in found if isinstance(item, Mapping)]
        # They become parts of paths, and names of files.
        return [uid for uid in uids if is_uid(uid)]

    def workitem(self, workitem_uid: str) -> dict[str, Any]:
        """All attributes of one.

        Raises:
            WorkitemRefusedError: It is gone.
            WorklistAwayError: The server does not say.
        """
        found = _json_of(self._ask("GET", f"/workitems/{workitem_uid}"))
        # A server may answer with the data set alone or with a list of it.
        dataset = found[0] if isinstance(found, list) and found else found
        if not isinstance(dataset, dict):
            raise WorklistAwayError("the worklist answers with no workitem")
        return dataset

    def change_state(self, workitem_uid: str, state: str, transaction_uid: str) -> None:
        """Claim a workitem, or end it.

        Raises:
            WorkitemRefusedError: It is not ours to change, or not in such a state.
            WorklistAwayError: Nobody knows whether it was changed.
        """
        body = change_of_state(state, transaction_uid)
        self._ask("PUT", f"/workitems/{workitem_uid}/state", body=body)

    def update(self, workitem_uid: str, changes: Mapping[str, Any], transaction_uid: str) -> None:
        """Set attributes of a workitem that is ours.

        Raises:
            WorkitemRefusedError, WorklistAwayError: As `change_state`.
        """
        # PS3.18 11.6.1 wants the Transaction UID in the query, PS3.4 CC.2.6.2 in the data set.
        body = {**changes, TRANSACTION: element("UI", transaction_uid)}
        params = {"transaction-uid": transaction_uid}
        self._ask("POST", f"/workitems/{workitem_uid}", params=params, body=body)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        content = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": _JSON}
        try:
            answer = self._http.request(method, path, params=params, content=content, headers=headers)
        except httpx.RequestError as error:
            raise WorklistAwayError(f"the worklist does not answer ({type(error).__name__})") from error
        status = answer.status_code
        if answer.is_success:
            return answer
        if status in _LATER or status >= httpx.codes.INTERNAL_SERVER_ERROR or answer.is_redirect:
            raise WorklistAwayError(f"the worklist answers {status}")
        raise WorkitemRefusedError(f"the worklist refuses with {status}")


def _json_of(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise WorklistAwayError("the worklist answers with no JSON") from error
