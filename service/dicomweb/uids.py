"""DICOM UIDs as senders and servers name them: PS3.5 9.1.

Leading zeros, which the rule forbids, are let through: archives hold such UIDs, and keep them to the letter.
"""

import re
from typing import Annotated

from pydantic import StringConstraints

_MOST = 64
PATTERN = r"^[0-9]+(\.[0-9]+)*$"

Uid = Annotated[str, StringConstraints(pattern=PATTERN, max_length=_MOST)]


def is_uid(text: object) -> bool:
    return isinstance(text, str) and len(text) <= _MOST and re.fullmatch(PATTERN, text) is not None
