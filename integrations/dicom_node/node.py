"""The node: it listens, and takes each series a step further when it is due."""

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

from integrations.dicom_node.ledger import Ledger
from integrations.dicom_node.receiving import receiving
from integrations.dicom_node.series import Series
from integrations.dicom_node.settings import NodeSettings
from integrations.dicom_node.spool import Spool, alone_in
from integrations.dicom_node.steps import Steps
from service.client import Client

log = logging.getLogger(__name__)

_LOOK_S = 0.5
_SWEEP_S = 600.0
_ABANDONED_S = 3600.0


@contextmanager
def running_node(settings: NodeSettings) -> Iterator[tuple[str, int]]:
    """A node at work for as long as the context is open; where it listens."""
    settings.spool.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = settings.service.key_file.read_text().strip() if settings.service.key_file else None
    with (
        alone_in(settings.spool.folder),
        closing(Ledger(settings.spool.folder / "ledger.sqlite")) as ledger,
        Client(settings.service.address, key, patience_s=0) as client,
    ):
        spool = Spool(settings.spool.folder, ledger, min_free_bytes=settings.spool.min_free_bytes)
        spool.drop_strays()
        spool.forget(over_before=0, abandoned_before=time.time())
        rounds = _Rounds(Steps(settings, client, spool, ledger, time.time))
        with receiving(settings.listen, spool) as address, rounds.running():
            yield address


class _Rounds:
    """Looks for what is due; a series has one step at a time, different ones go on side by side."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
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
                    if series.key not in self._in_hand:
                        self._in_hand.add(series.key)
                        pool.submit(self._take, series)
                if time.monotonic() >= next_sweep:
                    next_sweep = time.monotonic() + _SWEEP_S
                    self._sweep(time.time())

    def _take(self, series: Series) -> None:
        try:
            if not self._stopped.is_set():
                self._steps.take(series)
        except Exception:
            # The edge of a series: one that nobody foresaw must not end the others.
            log.exception("series %s: a step failed and will be tried again", series.key)
            self._steps.ledger.postpone(series, until=time.time() + _SWEEP_S, reason="unexpected")
        finally:
            self._in_hand.discard(series.key)

    def _sweep(self, now: float) -> None:
        keep_s = self._steps.settings.spool.keep_hours * 3600
        count = self._steps.spool.forget(over_before=now - keep_s, abandoned_before=now - _ABANDONED_S)
        if count:
            log.info("%d series were over long enough and are removed", count)
