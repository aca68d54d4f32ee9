"""A node with what is around it; a test that needs another one makes it by `node_settings`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integrations.dicom_node.node import running_node
from integrations.dicom_node.settings import NodeSettings
from tests.integrations.dicom_node.peers import Address, Pacs, running_pacs
from tests.integrations.dicom_node.service_stand_in import StandIn, service_stand_in

MakeSettings = Callable[..., NodeSettings]


@pytest.fixture
def service() -> Iterator[StandIn]:
    with service_stand_in() as stand_in:
        yield stand_in


@pytest.fixture
def pacs() -> Iterator[Pacs]:
    with running_pacs() as pacs:
        yield pacs


@pytest.fixture
def node_settings(tmp_path: Path, service: StandIn, pacs: Pacs) -> MakeSettings:
    """Settings of a node between the stand-in and the PACS, with changes to `listen` and `spool`."""

    def make(
        *,
        rule: object = ({"modality": "CT"},),
        sender: object = (),
        audit: object = None,
        **changes: dict[str, object],
    ) -> NodeSettings:
        host, port = pacs.address
        return NodeSettings.model_validate(
            {
                "listen": {"port": 0, "calling_ae_titles": ("CT1",), **changes.get("listen", {})},
                "spool": {
                    "folder": tmp_path / "node",
                    "quiet_s": 0.5,
                    "min_free_bytes": 0,
                    **changes.get("spool", {}),
                },
                "service": {"address": service.address, "forms": ("sc", "pm"), "retry_s": 0.2},
                "sender": sender,
                "destination": ({"ae_title": "PACS", "host": host, "port": port},),
                "rule": rule,
                "audit": audit,
            }
        )

    return make


@pytest.fixture
def node(node_settings: MakeSettings) -> Iterator[Address]:
    with running_node(node_settings()) as address:
        yield address
