"""What is kept is kept until it is over for long enough, and nothing else is."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from integrations.dicom_node.instances import read_instance
from integrations.dicom_node.ledger import Ledger
from integrations.dicom_node.series import Series, SeriesState
from integrations.dicom_node.spool import Spool
from tests.integrations.dicom_node.peers import ct_series

HOUR_S = 3600.0


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        yield ledger


@pytest.fixture
def spool(tmp_path: Path, ledger: Ledger) -> Spool:
    return Spool(tmp_path, ledger, min_free_bytes=0)


def keep(spool: Spool, instance: Dataset) -> None:
    path = spool.incoming / "received"
    instance.save_as(path)
    spool.keep(path, read_instance(path))


def only_series(ledger: Ledger) -> Series:
    (series,) = ledger.due(now=time.time() + HOUR_S, quiet_s=0)
    return series


def test_a_series_is_forgotten_only_when_it_is_over(spool: Spool, ledger: Ledger):
    keep(spool, ct_series(1)[0])
    series = only_series(ledger)
    (path,) = spool.images_of(series)
    later = time.time() + HOUR_S
    assert spool.forget(over_before=later, abandoned_before=0) == 0 and path.exists()
    ledger.advance(series, SeriesState.SENT, now=time.time())
    assert spool.forget(over_before=later, abandoned_before=0) == 1 and not path.exists()
    assert ledger.counts() == {}


def test_what_was_not_in_the_ledger_before_a_kill_goes(spool: Spool, ledger: Ledger, tmp_path: Path):
    keep(spool, ct_series(1)[0])
    (path,) = spool.images_of(only_series(ledger))
    stray = tmp_path / "series" / "never-answered" / "instance.dcm"
    stray.parent.mkdir()
    stray.touch()
    spool.drop_strays()
    assert path.exists() and not stray.exists()


def test_an_arrival_makes_a_step_that_was_under_way_vain(spool: Spool, ledger: Ledger):
    first, second = ct_series(2)
    keep(spool, first)
    series = only_series(ledger)
    keep(spool, second)
    assert not ledger.advance(series, SeriesState.SUBMITTED, now=time.time(), job_id="of the first alone")
    assert only_series(ledger).state is SeriesState.RECEIVED


def test_the_same_bytes_again_change_nothing_while_their_series_is_scored(spool: Spool, ledger: Ledger):
    (instance,) = ct_series(1)
    keep(spool, instance)
    ledger.advance(only_series(ledger), SeriesState.SUBMITTED, now=time.time(), job_id="its job")
    keep(spool, instance)
    assert only_series(ledger).job_id == "its job"


def test_a_step_that_somebody_else_has_done_is_not_done_back(spool: Spool, ledger: Ledger):
    keep(spool, ct_series(1)[0])
    stale = only_series(ledger)
    ledger.advance(stale, SeriesState.SUBMITTED, now=time.time(), job_id="its job")
    assert not ledger.advance(stale, SeriesState.SUBMITTED, now=time.time(), job_id="another")
