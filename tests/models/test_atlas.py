import pytest
import torch

from models.method import InputShape
from models.methods.atlas import Atlas


def remembering(images: torch.Tensor, **options: object) -> Atlas:
    method = Atlas(InputShape(1, 32, 32), Atlas.Options(**options))  # type: ignore[arg-type]
    (stage,) = method.stages()
    stage.observe(images)
    stage.finalize()
    return method.eval()


def flat(*levels: float) -> torch.Tensor:
    return torch.tensor(levels)[:, None, None, None].expand(-1, 1, 32, 32)


def test_the_distance_is_counted_in_spreads_of_the_nearest_normals():
    method = remembering(flat(0.4, 0.6, 5.0), neighbours=2, floor=0.1, shift=0)
    prediction = method(flat(0.9))
    # Mean 0.5 and sd 0.1 of the two nearest: (0.9 - 0.5) / (0.1 + 0.1) = 2.
    torch.testing.assert_close(prediction.anomaly_map, torch.full((1, 1, 32, 32), 2.0))
    torch.testing.assert_close(prediction.score, torch.tensor([4.0]))
    torch.testing.assert_close(prediction.reconstruction, torch.full((1, 1, 32, 32), 0.5))


@pytest.mark.parametrize(("sign", "expected"), [("bright", 2.0), ("dark", 0.0)])
def test_a_sign_keeps_only_what_is_brighter_or_darker(sign: str, expected: float):
    method = remembering(flat(0.4, 0.6), neighbours=2, floor=0.1, shift=0, sign=sign)
    torch.testing.assert_close(method(flat(0.9)).anomaly_map, torch.full((1, 1, 32, 32), expected))


@pytest.mark.parametrize("shift", [(2, 0), (0, -2), (-1, 2)])
def test_a_normal_that_lies_elsewhere_by_the_shift_is_found_exactly(shift: tuple[int, int]):
    inner = torch.zeros(1, 1, 32, 32)
    inner[:, :, 8:20, 10:24] = torch.rand(12, 14)
    moved = torch.roll(inner, shift, dims=(2, 3))
    score = remembering(inner, neighbours=1, shift=2)(moved).score
    torch.testing.assert_close(score, torch.zeros(1), rtol=0, atol=1e-6)
    assert remembering(inner, neighbours=1, shift=0)(moved).score > 0.1


def test_mirrored_normals_are_remembered_when_asked():
    normal = torch.rand(1, 1, 32, 32)
    mirrored = normal.flip(-1)
    assert remembering(normal, neighbours=1, shift=1, mirror=True)(mirrored).score < 1e-8
    assert remembering(normal, neighbours=1, shift=1)(mirrored).score > 1e-2


def test_too_few_normals_are_refused_with_the_number():
    with pytest.raises(ValueError, match=r"a neighbourhood of 25 needs as many training images; 3 were"):
        remembering(flat(0.1, 0.2, 0.3))


def test_a_size_that_does_not_pool_evenly_is_refused():
    with pytest.raises(ValueError, match="it is 48 x 50"):
        Atlas(InputShape(1, 48, 50), Atlas.Options())
