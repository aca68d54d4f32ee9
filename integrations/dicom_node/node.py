"""The node: it listens, and takes each series a step further when it is due."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial

from integrations.dicom_node.commitments import Commitment, Commitments, tell
from integrations.dicom_node.errors import DestinationAwayError
from integrations.dicom_node.ledger import Ledger
from integrations.dicom_node.receiving import receiving
from integrations.dicom_node.series import Series
from integrations.dicom_node.settings import NodeSettings
from integrations.dicom_node.spool import Spool
from integrations.dicom_node.steps import Steps
from integrations.dicom_node.trail import running_trail
from integrations.locked_folder import alone_in
from service.client import Client

log = logging.getLogger(__name__)

_LOOK_S = 0.5
_SWEEP_S = 600.0
_ABANDONED_S = 3600.0
_MOST_TELLINGS = 50


@contextmanager
def running_node(settings: NodeSettings) -> Iterator[tuple[str, int]]:
    """A node at work for as long as the context is open; where it listens."""
    settings.spool.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = settings.service.key_file.read_text().strip() if settings.service.key_file else None
    with (
        alone_in(settings.spool.folder),
        closing(Ledger(settings.spool.folder / "ledger.sqlite")) as ledger,
        closing(Commitments(settings.spool.folder / "ledger.sqlite")) as commitments,
        running_trail(settings) as trail,
        Client(settings.service.address, key, patience_s=0) as client,
    ):
        spool = Spool(settings.spool.folder, ledger, min_free_bytes=settings.spool.min_free_bytes)
        spool.drop_strays()
        spool.forget(over_before=0, abandoned_before=time.time())
        rounds = _Rounds(Steps(settings, client, spool, ledger, trail, time.time), commitments)
        with receiving(settings, spool, commitments, trail) as address, rounds.running():
            yield address


class _Rounds:
    """Looks for what is due; a series has one step at a time, different ones go on side by side."""

    def __init__(self, steps: Steps, commitments: Commitments) -> None:
        self._steps = steps
        self._commitments = commitments
        self._stopped = threading.Event()
        self._in_hand: set[str] = set()

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run, name="rounds")
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()

    def _run(self) -> None:
        spooling = self._steps.settings.spool
        next_sweep = 0.0
        with ThreadPoolExecutor(self._steps.settings.service.at_once) as pool:
            while not self._stopped.wait(_LOOK_S):
                for series in self._steps.ledger.due(now=time.time(), quiet_s=spooling.quiet_s):
                    self._take_in_hand(pool, series.key, partial(self._take, series))
                for asked in self._commitments.due(time.time()):
                    self._take_in_hand(pool, asked.transaction_uid, partial(self._tell, asked))
                if time.monotonic() >= next_sweep:
                    next_sweep = time.monotonic() + _SWEEP_S
                    self._sweep(time.time())

    def _take_in_hand(self, pool: ThreadPoolExecutor, key: str, step: Callable[[], None]) -> None:
        def take() -> None:
            try:
                if not self._stopped.is_set():
                    step()
            finally:
                self._in_hand.discard(key)

        if key not in self._in_hand:
            self._in_hand.add(key)
            pool.submit(take)

    def _take(self, series: Series) -> None:
        try:
            self._steps.take(series)
        except Exception:
            # The edge of a series: one that nobody foresaw must not end the others.
            log.exception("series %s: a step failed and will be tried again", series.key)
            self._steps.ledger.postpone(series, until=time.time() + _SWEEP_S, reason="unexpected")

    def _tell(self, asked: Commitment) -> None:
        settings, spool = self._steps.settings, self._steps.spool
        sender = next((peer for peer in settings.sender if peer.ae_title == asked.ae_title), None)
        try:
            if sender is not None:
                tell(asked, sender, ae_title=settings.listen.ae_title, is_kept=lambda of: spool.has(*of))
        except Exception as error:
            # The edge of a question, as above.
            if not isinstance(error, DestinationAwayError):
                log.exception("a question for commitment could not be answered and will be tried again")
            if asked.attempts < _MOST_TELLINGS:
                pause_s = min(settings.service.retry_s * 2**asked.attempts, _SWEEP_S)
                self._commitments.postpone(asked, until=time.time() + pause_s)
                return
            log.warning("%s; given up", error)
        self._commitments.end(asked)

    def _sweep(self, now: float) -> None:
        keep_s = self._steps.settings.spool.keep_hours * 3600
        count = self._steps.spool.forget(over_before=now - keep_s, abandoned_before=now - _ABANDONED_S)
        if count:
            log.info("%d series were over long enough and are removed", count)
