"""What is kept of a result: the way back from a bundle's own slices is part of it."""

from io import BytesIO
from pathlib import Path

import numpy as np

from imaging.overlay import GreyPicture
from inference.lattice import Lattice
from inference.map_planes import MapPlanes
from service.kept import Drawing, Kept
from tests.inference.volumes import centred, image_of

SHAPE = (6, 8, 10)
LATTICE = Lattice.of(SHAPE).turned((1, 0, 2), (False, True, False)).coarsened(0, 2.0)


def kept(lattice: Lattice | None) -> Kept:
    depth, height, width = SHAPE if lattice is None else lattice.shape
    planes = np.random.default_rng(0).random((depth, height, width)).astype(np.float32)
    boxes = np.array([[0, 0, height, width]] * depth)
    grid = image_of(np.zeros(SHAPE), centred(np.eye(3), SHAPE)).grid
    drawing = Drawing(GreyPicture(np.zeros((8, 10), np.uint8), (10, 8)), 2, 1.0, 0.5, grid)
    return Kept(MapPlanes(planes, boxes, (height, width), lattice), drawing, b"")


def written(what: Kept, folder: Path) -> Path:
    with (folder / "kept.npy").open("wb") as file:
        what.write(file)
    return folder / "kept.npy"


def test_a_map_of_a_bundles_own_slices_is_laid_back_from_what_was_kept(tmp_path: Path):
    what = kept(LATTICE)
    found = Kept.read(written(what, tmp_path))
    assert found.planes.lattice == LATTICE
    assert found.planes.whole().shape == SHAPE
    np.testing.assert_array_equal(found.planes.whole(), what.planes.whole())


def test_what_an_earlier_version_kept_is_still_read(tmp_path: Path):
    path = written(kept(None), tmp_path)
    end = BytesIO()
    for _one in ("lattice", "deidentification"):  # what has come at the end since
        np.save(end, np.empty(0, np.uint8))
    path.write_bytes(path.read_bytes()[: -len(end.getvalue())])
    found = Kept.read(path)
    assert found.planes.lattice is None
    np.testing.assert_array_equal(found.planes.whole(), kept(None).planes.whole())
