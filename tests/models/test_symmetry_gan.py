import pytest
import torch

from models.method import Batch, Descent, InputShape, Update
from models.methods.symmetry_gan import SymmetryGan


def build(**options: object) -> SymmetryGan:
    torch.manual_seed(0)
    chosen = SymmetryGan.Options(width=2, depth=2, critic_width=2, **options)  # type: ignore[arg-type]
    return SymmetryGan(InputShape(1, 16, 16), chosen).eval()


def images() -> torch.Tensor:
    return torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))


def updates(method: SymmetryGan) -> list[Update]:
    [stage] = method.stages()
    assert isinstance(stage, Descent)
    torch.manual_seed(1)
    return list(stage.step(Batch(images(), torch.zeros(2)), 0))


def test_the_loss_has_three_terms_with_their_weights():
    once = updates(build())[1].logs
    weighted = updates(build(residual_weight=200.0, symmetry_weight=30.0))[1]
    for name, factor in {"residual": 2.0, "symmetry": 3.0, "adversarial": 1.0}.items():
        torch.testing.assert_close(weighted.logs[name], factor * once[name])
    torch.testing.assert_close(weighted.loss, torch.stack(list(weighted.logs.values())).sum())


def test_the_generator_sees_the_image_and_its_mirror():
    method, shown = build(), []
    method.generator.register_forward_pre_hook(lambda _module, given: shown.append(given[0]))
    method(images())
    assert torch.equal(shown[0], torch.cat([images(), images().flip(-1)], dim=1))


def test_a_drawing_that_mirrors_with_the_image_costs_no_symmetry():
    method = build()
    method.generator.forward = lambda pair: pair[:, :1]  # type: ignore[method-assign]
    assert float(updates(method)[1].logs["symmetry"]) == pytest.approx(0)


def test_the_score_is_the_mean_of_the_map_or_of_its_top():
    prediction, top = build()(images()), build(score="top")(images())
    torch.testing.assert_close(prediction.score, prediction.anomaly_map.mean(dim=(1, 2, 3)))
    torch.testing.assert_close(top.score, top.anomaly_map.flatten(1).topk(3).values.mean(dim=1))
