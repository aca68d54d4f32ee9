import pytest
import torch

from models.blocks.hypersphere import Centre
from models.blocks.lenet import LeNetDecoder, LeNetEncoder, lenet_outputs, lenet_widths
from models.method import AnomalyMethod, Batch, Descent, InputShape
from models.methods.deep_sad import DeepSad
from models.methods.deep_svdd import DeepSvdd

SHAPE = InputShape(1, 8, 8)
IMAGES = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
SMALL = {"widths": (2, 2), "representation": 16}


class Plane(torch.nn.Module):
    """An image's mean and its first pixel, then zeros, as its representation."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        two = torch.stack([images.mean(dim=(1, 2, 3)), images[:, 0, 0, 0]], dim=1)
        return torch.nn.functional.pad(two, (0, 14))

    def gradient(self, images: torch.Tensor, upstream: torch.Tensor) -> torch.Tensor:
        gradient = upstream[:, :1, None, None].expand_as(images) / 64
        gradient[:, :, 0, 0] += upstream[:, 1:2]
        return gradient


def svdd(**options: object) -> DeepSvdd:
    """With `Plane` for a network and the centre at 0."""
    method = DeepSvdd(SHAPE, DeepSvdd.Options(**{**SMALL, **options}))  # type: ignore[arg-type]
    method.encoder = Plane()  # type: ignore[assignment]
    return method.eval()


def of_distance(*squared: float) -> torch.Tensor:
    """Images that `Plane` puts at these squared distances from 0."""
    images = torch.zeros(len(squared), 1, 8, 8)
    images[:, 0, 1, 1] = 64 * torch.tensor(squared).sqrt()
    return images


def loss(method: AnomalyMethod, images: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
    stage = method.stages()[-1]
    assert isinstance(stage, Descent)
    batch = Batch(images, torch.zeros(len(images)) if labels is None else labels)
    return next(iter(stage.step(batch, 0))).loss


def test_the_hard_loss_is_the_mean_squared_distance():
    torch.testing.assert_close(loss(svdd(), of_distance(0.01, 0.03)), torch.tensor(0.02))


def test_the_soft_loss_counts_what_lies_outside_by_one_over_nu():
    method = svdd(objective="soft", nu=0.5)
    method.radius = torch.tensor(0.1)
    # 0.01 + (0 + 0.03) / 2 / 0.5
    torch.testing.assert_close(loss(method, of_distance(0.01, 0.04)), torch.tensor(0.04))


def test_the_soft_score_is_counted_from_the_sphere():
    method = svdd(objective="soft")
    method.radius = torch.tensor(0.1)
    torch.testing.assert_close(method(of_distance(0.01, 0.04)).score, torch.tensor([0.0, 0.03]))


def test_the_radius_becomes_a_quantile_after_the_warm_up():
    method = svdd(objective="soft", nu=0.5, steps=10, warm_up=0.5)
    batch = Batch(of_distance(0.01, 0.04, 0.09), torch.zeros(3))
    for number, radius in ((4, 0.0), (5, 0.2)):
        list(method._step(batch, number))
        torch.testing.assert_close(method.radius, torch.tensor(radius))


def test_the_joint_loss_weighs_distance_and_reconstruction():
    method = svdd(objective="joint")
    images = of_distance(0.04)
    residual = (images - method.decoder(method.encoder(images))).abs().sum()
    torch.testing.assert_close(loss(method, images), 0.75 * 0.04 + 0.25 * residual)
    assert method(images).reconstruction is not None


def test_the_learning_rate_is_a_tenth_after_a_third_of_the_steps():
    for stage in svdd().stages()[::2]:
        assert isinstance(stage, Descent)
        assert [stage.schedule(done / 30) for done in (0, 9, 10, 29)] == [1.0, 1.0, 0.1, 0.1]


def test_unlabelled_images_count_by_their_distance_and_labelled_normals_eta_times():
    method = DeepSad(SHAPE, DeepSad.Options(**SMALL, eta=2.0)).eval()  # type: ignore[arg-type]
    method.encoder, method.centre = Plane(), Centre(16, (1, 8, 8))  # type: ignore[assignment]
    found = loss(method, of_distance(0.01, 0.03), torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(found, torch.tensor((0.01 + 2 * 0.03) / 2), rtol=1e-4, atol=0)


def test_a_labelled_anomalous_image_counts_by_its_nearness():
    method = DeepSad(SHAPE, DeepSad.Options(**SMALL)).eval()  # type: ignore[arg-type]
    method.encoder, method.centre = Plane(), Centre(16, (1, 8, 8))  # type: ignore[assignment]
    found = loss(method, of_distance(0.04), torch.tensor([-1.0]))
    torch.testing.assert_close(found, torch.tensor(25.0), rtol=1e-4, atol=0)


def test_without_labels_deep_sad_asks_the_same_as_deep_svdd():
    losses = []
    for method in (DeepSad(SHAPE, DeepSad.Options()), DeepSvdd(SHAPE, DeepSvdd.Options())):
        method.load_state_dict(losses[0][1] if losses else method.state_dict(), strict=False)
        losses.append((loss(method.eval(), IMAGES), method.state_dict()))
    torch.testing.assert_close(losses[0][0], losses[1][0])


def test_a_coordinate_of_the_centre_near_zero_is_moved_to_a_tenth():
    centre = Centre(4, (1, 1, 1))
    centre.observe(torch.zeros(2, 1, 1, 1), torch.tensor([[0.0, 0.5, -0.05, 1.0], [0.1, 0.7, 0.0, -1.0]]))
    centre.finalize()
    torch.testing.assert_close(centre.value, torch.tensor([0.1, 0.6, -0.1, 0.1]))


def test_the_map_is_the_first_order_share_of_each_pixel():
    method = svdd(map_sigma=0.01)
    # d = mean² + first², so a pixel p has the share 2 mean p / 64, and the first one 2 first² more.
    image = torch.zeros(1, 1, 8, 8)
    image[..., 0, 0], image[..., 4, 4] = 0.5, 0.25
    mean = 0.75 / 64
    anomaly_map = method(image).anomaly_map[0, 0]
    torch.testing.assert_close(anomaly_map[4, 4], torch.tensor(2 * mean * 0.25 / 64))
    torch.testing.assert_close(anomaly_map[0, 0], torch.tensor(0.5 * (2 * mean / 64 + 2 * 0.5)))
    assert not anomaly_map[1:4].any()


def test_the_network_answers_black_with_zero_before_it_is_trained():
    encoder = LeNetEncoder(SHAPE, 3, widths=(2, 2)).eval()
    assert not encoder(torch.zeros(1, 1, 8, 8)).any()
    assert [name for name, _value in encoder.named_parameters() if "weight" not in name] == []


@pytest.mark.parametrize(("channels", "widths"), [(1, (3,)), (3, (4, 2))])
def test_the_written_out_gradient_is_autograds_but_for_its_round_corners(
    monkeypatch: pytest.MonkeyPatch, channels: int, widths: tuple[int, ...]
):
    monkeypatch.setattr("models.blocks.lenet.CORNER", 1e-7)
    torch.manual_seed(0)
    encoder = LeNetEncoder(InputShape(channels, 16, 8), 5, widths=widths)
    images, upstream = torch.rand(6, channels, 16, 8, requires_grad=True), torch.randn(6, 5)
    encoder(images)  # moves the running statistics away from 0 and 1
    outputs = encoder.eval()(images)
    [expected] = torch.autograd.grad((outputs * upstream).sum(), images)
    torch.testing.assert_close(encoder.gradient(images, upstream), expected)


def test_pixels_that_are_equally_high_share_the_gradient():
    encoder = LeNetEncoder(SHAPE, 1, widths=(1,)).eval()
    torch.nn.init.dirac_(encoder.blocks[0].convolution.weight)
    torch.nn.init.ones_(encoder.head.weight)
    gradient = encoder.gradient(torch.ones(1, 1, 8, 8), torch.ones(1, 1))
    torch.testing.assert_close(gradient, torch.full((1, 1, 8, 8), 0.25 / (1 + 1e-4) ** 0.5))


@pytest.mark.parametrize(
    ("shape", "widths", "outputs"),
    [((1, 28, 28), (8, 4), 32), ((3, 32, 32), (32, 64, 128), 128), ((1, 64, 64), (8, 16, 32, 64), 128)],
)
def test_the_images_size_chooses_the_papers_network(
    shape: tuple[int, int, int], widths: tuple[int, ...], outputs: int
):
    assert (lenet_widths(InputShape(*shape)), lenet_outputs(InputShape(*shape))) == (widths, outputs)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 128, 64)])
def test_the_decoder_gives_the_images_size_back(shape: tuple[int, int, int]):
    size, widths = InputShape(*shape), lenet_widths(InputShape(*shape))
    decoder = LeNetDecoder(size, 32, widths=widths).eval()
    assert decoder(torch.zeros(2, 32)).shape == (2, *shape)


def test_a_representation_that_fills_no_grid_is_refused():
    with pytest.raises(ValueError, match="needs a multiple of 16 numbers; it is given 20"):
        LeNetDecoder(SHAPE, 20, widths=(2, 2))


def test_sides_that_do_not_halve_are_refused():
    with pytest.raises(ValueError, match="2 blocks needs sides that are multiples of 4; they are 10 x 8"):
        LeNetEncoder(InputShape(1, 10, 8), 3, widths=(2, 2))
