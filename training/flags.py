"""What a reader of an evaluation must not miss, each said in a sentence."""

from training.calibrate import FALSE_ALARM_RATES
from training.evaluation import Evaluation


def flags(evaluation: Evaluation) -> list[str]:
    """The sentences that hold; none for an evaluation without a fault that can be seen."""
    return [*_of_score(evaluation), *_of_shortcuts(evaluation), *_of_promise(evaluation)]


def _of_score(evaluation: Evaluation) -> list[str]:
    found = []
    if evaluation.is_inverted:
        found.append(
            "Inverted: anomalous images score lower than normal ones here (AUROC below 0.5). "
            "The score is shown as it is; do not use it on such images."
        )
    beyond = evaluation.beyond_best_baseline
    if beyond is not None and beyond.low <= 0:
        found.append(f"Not shown to be better than {evaluation.best_baseline}, a trivial baseline.")
    return found


def _of_shortcuts(evaluation: Evaluation) -> list[str]:
    ours = evaluation.metrics.get("image_auroc")
    if ours is None:
        return []
    return [
        f"A scalar alone, {name}, separates the classes as well as the method (AUROC {alone:.3f})."
        for name, nuisance in evaluation.audit.nuisances.items()
        if nuisance.auroc is not None
        and abs((alone := nuisance.auroc.value) - 0.5) >= abs(ours.value - 0.5) > 0
    ]


def _of_promise(evaluation: Evaluation) -> list[str]:
    found = []
    for point, promised in FALSE_ALARM_RATES.items():
        rate = evaluation.metrics.get(f"false_alarm_rate_at_{point}")
        if rate is not None and rate.low is not None and rate.low > promised:
            found.append(f"More false alarms than promised at {point}: {rate.value:.3f} of the test normals.")
    return found
