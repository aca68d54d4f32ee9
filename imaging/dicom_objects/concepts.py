"""The coded words of our results: the standard's where it has them, a scheme of our own where it has none.

Source: PS3.16 (context groups); PS3.3 8.2 (private coding schemes begin with 99).
"""

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import CodedConcept

_SCHEME = "99ATYPIA"

SCHEMES = (CodingSchemeIdentificationItem(_SCHEME, name="Atypia", responsible_organization="Atypia"),)


def _own(value: str, meaning: str) -> CodedConcept:
    return CodedConcept(value, _SCHEME, meaning)


SCORE = _own("score", "Anomaly score")
PERCENTILE = _own("percentile", "Percentile among held-out normals")
P_VALUE = _own("p-value", "Conformal p-value")
THRESHOLD = _own("threshold", "Threshold of the anomaly score")
FALSE_ALARM_RATE = _own("false-alarm-rate", "False-alarm rate among normals")
MAP_VALUE = _own("map-value", "Anomaly map value")
MAP_THRESHOLD = _own("map-threshold", "Threshold of the anomaly map")
SIZE = _own("size", "Number of voxels")
DECISION = _own("decision", "Decision")
FLAGGED = _own("flagged", "Above the threshold")
NOT_FLAGGED = _own("not-flagged", "Not above the threshold")
UNDECIDED = _own("undecided", "No threshold: too few calibration patients")
REGION = _own("region", "Region above the threshold of the anomaly map")
PROCEDURE = _own("anomaly-detection", "Anomaly detection, research use only")
