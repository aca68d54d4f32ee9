"""`atypia dicom-node`: the node as a process."""

import logging
import signal
import sys
import threading
from pathlib import Path

from integrations.dicom_node.errors import NodeError
from integrations.dicom_node.node import running_node
from integrations.dicom_node.settings import NodeSettings
from integrations.locked_folder import FolderTakenError

log = logging.getLogger(__name__)


def run(settings_file: Path) -> None:
    """Run the node until SIGTERM or SIGINT; what keeps it from starting is said in one line, exit code 2."""
    try:
        _run(NodeSettings.read(settings_file))
    except (NodeError, FolderTakenError, OSError) as error:
        sys.stderr.write(f"atypia: {error}\n")
        sys.exit(2)


def _run(settings: NodeSettings) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Both quote what peers send, and addresses with job ids at every poll.
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with running_node(settings) as (host, port):
        log.info("%s listens at %s:%d (research use only)", settings.listen.ae_title, host, port)
        stopped.wait()
