"""Series on their way through the node: to the service, and their results on to a PACS."""

import gc
import time

import pytest

from integrations.dicom_node.node import running_node
from tests.integrations.dicom_node.conftest import MakeSettings
from tests.integrations.dicom_node.peers import Address, Pacs, ct_series, running_pacs, store, until
from tests.integrations.dicom_node.service_stand_in import StandIn

QUIET_S = 0.5


def test_the_results_of_a_series_arrive_in_its_own_study(node: Address, pacs: Pacs):
    slices = ct_series(3)
    assert store(node, *slices) == [0x0000] * 3
    until(lambda: len(pacs.objects) == 2, "two objects")
    assert {dataset.StudyInstanceUID for dataset in pacs.objects} == {slices[0].StudyInstanceUID}


def test_a_series_sent_again_makes_no_second_object(node: Address, pacs: Pacs, service: StandIn):
    slices = ct_series()
    for times in (1, 2):
        store(node, *slices)
        until(lambda times=times: len(pacs.objects) == 2 * times, "the objects")
    assert len(service.submissions) == 2 and len(pacs.uids) == 2


def test_a_series_in_two_associations_is_scored_once_when_its_study_is_quiet(
    node: Address, pacs: Pacs, service: StandIn
):
    first, second = ct_series(2)
    store(node, first)
    time.sleep(QUIET_S / 2)
    store(node, second)
    until(lambda: pacs.objects, "the objects")
    assert service.file_counts == [2]


def test_a_series_waits_while_another_of_its_study_comes(node: Address, service: StandIn):
    first = ct_series(1)
    others = ct_series(4, study=first[0].StudyInstanceUID, Modality="SR")
    store(node, *first)
    for other in others:
        time.sleep(QUIET_S / 2)
        store(node, other)
    assert service.submissions == []
    until(lambda: service.submissions, "the series")


def test_a_late_slice_has_the_series_scored_again_as_a_whole(node: Address, pacs: Pacs, service: StandIn):
    first, second, late = ct_series(3)
    store(node, first, second)
    until(lambda: len(pacs.objects) == 2, "the first results")
    store(node, late)
    until(lambda: len(pacs.objects) == 4, "the second results")
    assert service.file_counts == [2, 3]


def test_what_no_rule_is_for_is_not_scored(node: Address, pacs: Pacs, service: StandIn):
    store(node, *ct_series(Modality="US"))
    store(node, *ct_series())
    until(lambda: pacs.objects, "the CT's objects")
    assert len(service.submissions) == 1


def test_the_nodes_own_results_are_not_scored_when_a_pacs_forwards_them(
    node_settings: MakeSettings, pacs: Pacs, service: StandIn
):
    with running_node(node_settings(rule=({},))) as node:
        store(node, *ct_series())
        until(lambda: len(pacs.objects) == 2, "the objects")
        for dataset in pacs.objects:
            dataset.file_meta = ct_series(1)[0].file_meta
            assert store(node, dataset) == [0x0000]
        time.sleep(3 * QUIET_S)
    assert len(service.submissions) == 1


def test_the_first_rule_that_fits_chooses_the_model(node_settings: MakeSettings, service: StandIn):
    rules = (
        {"modality": "CT", "description": "*localizer*", "model": "never"},
        {"modality": "ct", "body_part": "Head", "model": "head-ct", "scope": "warn", "priority": "low"},
        {"modality": "CT"},
    )
    with running_node(node_settings(rule=rules)) as node:
        store(node, *ct_series(BodyPartExamined="HEAD", SeriesDescription="thin slices"))
        until(lambda: service.queries, "the upload")
    assert service.queries == ["/score?model=head-ct&scope=warn&priority=low"]


def test_a_service_that_is_away_gets_the_series_when_it_is_back(node: Address, pacs: Pacs, service: StandIn):
    service.answers += [503, 429, 500]
    store(node, *ct_series())
    until(lambda: len(pacs.objects) == 2, "the objects")
    assert len(service.submissions) == 1


def test_a_series_whose_job_the_service_has_forgotten_is_sent_again(
    node: Address, pacs: Pacs, service: StandIn
):
    service.job_state = "running"
    store(node, *ct_series())
    until(lambda: service.submissions, "the upload")
    service.jobs.clear()
    service.job_state = "done"
    until(lambda: len(pacs.objects) == 2, "the objects")
    assert len(service.submissions) == 2


# pynetdicom leaves the socket of a refused connection to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_pacs_that_is_away_gets_the_objects_when_it_is_back(
    node_settings: MakeSettings, pacs: Pacs, service: StandIn
):
    with running_pacs() as other:
        port = other.address[1]
    settings = node_settings()
    away = settings.destination[0].model_copy(update={"port": port})
    with running_node(settings.model_copy(update={"destination": (away,)})) as node:
        store(node, *ct_series())
        until(lambda: service.submissions, "the upload")
        time.sleep(1.5)
        with running_pacs(port) as back:
            until(lambda: len(back.objects) == 2, "the objects")
    gc.collect()
    assert len(service.submissions) == 1


def test_a_pacs_without_room_is_asked_again_until_it_has_every_object_once(node: Address, pacs: Pacs):
    pacs.statuses += [0xA700, 0x0000, 0xA701]
    store(node, *ct_series())
    until(lambda: len(pacs.uids) == 2, "the objects")


def test_an_object_that_is_refused_for_good_does_not_keep_back_the_others(node: Address, pacs: Pacs):
    pacs.statuses += [0xC000]
    store(node, *ct_series())
    until(lambda: pacs.objects, "the other object")
    time.sleep(1)
    assert len(pacs.objects) == 1


def test_a_form_that_the_source_rules_out_does_not_keep_back_the_others(
    node: Address, pacs: Pacs, service: StandIn
):
    service.left_out = ("pm",)
    store(node, *ct_series())
    until(lambda: pacs.objects, "the other object")
    assert [dataset.SeriesDescription for dataset in pacs.objects] == ["sc"]
    assert len(service.submissions) == 1


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_failed_job_ends_its_series_and_no_other(node: Address, pacs: Pacs, service: StandIn, state: str):
    service.job_state = state
    store(node, *ct_series())
    until(lambda: service.submissions, "the upload")
    time.sleep(1.5)
    service.job_state = "done"
    store(node, *ct_series())
    until(lambda: len(pacs.objects) == 2, "the other's objects")
    assert len(service.submissions) == 2


def test_a_node_that_is_started_again_goes_on_where_it_was(
    node_settings: MakeSettings, pacs: Pacs, service: StandIn
):
    settings = node_settings(spool={"quiet_s": 2})
    with running_node(settings) as node:
        store(node, *ct_series())
    assert service.submissions == []
    with running_node(settings):
        until(lambda: len(pacs.objects) == 2, "the objects")
