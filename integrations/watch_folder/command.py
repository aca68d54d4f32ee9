"""`atypia watch`: the watch as a process."""

import logging
import signal
import sys
import threading
from typing import Any

from integrations.locked_folder import FolderTakenError, alone_in
from integrations.watch_folder.results import Results
from integrations.watch_folder.settings import WatchSettings
from integrations.watch_folder.sources import Sources
from integrations.watch_folder.watching import Watch
from service.client import Client

log = logging.getLogger(__name__)


def run(client: Client, **told: Any) -> None:
    """Watch until SIGTERM or SIGINT; what keeps it from starting is said in one line, exit code 2.

    `told` is what `WatchSettings` holds.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    settings = WatchSettings(**told)
    try:
        settings.prepare()
        results = Results(settings.out)
        sources = Sources(settings.watched, quiet_s=settings.quiet_s)
        with alone_in(settings.out):
            results.drop_unfinished()
            log.info("watching a folder (research use only)")
            Watch(settings, client, sources, results, stopped).run()
    except (FolderTakenError, OSError, ValueError) as error:
        sys.stderr.write(f"atypia: {error}\n")
        sys.exit(2)
