"""`atypia ups-worker`: a performer of workitems, as a process."""

import logging
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from integrations.ups_worker.claims import Claims
from integrations.ups_worker.errors import UpsError, WorklistAwayError
from integrations.ups_worker.settings import WorkerSettings
from integrations.ups_worker.steps import Steps
from integrations.ups_worker.uids import make_uid
from integrations.ups_worker.worklist import Worklist
from service.client import Client, ClientError

log = logging.getLogger(__name__)

_STEP_S = 0.5


def run(settings_file: Path) -> None:
    """Work until SIGTERM or SIGINT; what keeps it from starting is said in one line, exit code 2."""
    try:
        _run(WorkerSettings.read(settings_file))
    except (UpsError, OSError, ValueError) as error:
        sys.stderr.write(f"atypia: {error}\n")
        sys.exit(2)


def work(settings: WorkerSettings, stopped: threading.Event) -> None:
    """Claim workitems and do them until it is stopped; those in hand go on at the next start."""
    service = settings.service
    key = service.key_file.read_text().strip() if service.key_file else None
    claims = Claims(settings.folder)
    with Worklist(settings.worklist) as worklist, Client(service.address, key, patience_s=0) as client:
        steps = Steps(settings, worklist, client, claims, make_uid, lambda: datetime.now(UTC))
        search_in_s = 0.0
        while not stopped.is_set():
            for claim in list(claims):
                _try(f"workitem {claim.workitem_uid}", partial(steps.take, claim))
            if search_in_s <= 0:
                _try("the worklist", partial(steps.claim_some, service.at_once - len(list(claims))))
                search_in_s = settings.worklist.poll_s
            stopped.wait(_STEP_S)
            search_in_s -= _STEP_S


def _run(settings: WorkerSettings) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    log.info("working off %s (research use only)", settings.worklist.url)
    work(settings, stopped)


def _try(what: str, step: Callable[[], None]) -> None:
    """Do a step; what only time can mend is tried again in the next round."""
    try:
        step()
    except (WorklistAwayError, ClientError) as error:
        log.warning("%s: %s", what, error)
