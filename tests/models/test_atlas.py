import pytest
import torch

from models.method import InputShape
from models.methods.atlas import Atlas


def remembering(images: torch.Tensor, **options: object) -> Atlas:
    method = Atlas(InputShape(1, 32, 32), Atlas.Options(**options))  # type: ignore[arg-type]
    method.observe(images)
    method.finalize()
    return method.eval()


def flat(*levels: float) -> torch.Tensor:
    return torch.tensor(levels)[:, None, None, None].expand(-1, 1, 32, 32)


def test_the_distance_is_counted_in_spreads_of_the_nearest_normals():
    method = remembering(flat(0.4, 0.6, 5.0), neighbours=2, floor=0.1)
    prediction = method(flat(0.9))
    # Mean 0.5 and sd 0.1 of the two nearest: (0.9 - 0.5) / (0.1 + 0.1) = 2.
    torch.testing.assert_close(prediction.anomaly_map, torch.full((1, 1, 32, 32), 2.0))
    torch.testing.assert_close(prediction.score, torch.tensor([4.0]))
    torch.testing.assert_close(prediction.reconstruction, torch.full((1, 1, 32, 32), 0.5))


def test_mirrored_normals_are_remembered_when_asked():
    assert len(remembering(torch.rand(5, 1, 32, 32), neighbours=2, mirror=True).values) == 10


def test_too_few_normals_are_refused_with_the_number():
    with pytest.raises(ValueError, match=r"needs at least 25 training images .*; it saw 3"):
        remembering(flat(0.1, 0.2, 0.3))


def test_a_size_that_does_not_pool_evenly_is_refused():
    with pytest.raises(ValueError, match="it is 48 x 50"):
        Atlas(InputShape(1, 48, 50), Atlas.Options())
