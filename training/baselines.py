"""The three trivial scores that a method has to beat, on the same prepared images.

A figure without them says nothing: on some sets one of them wins.
"""

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from inference.steps import Step
from training.data.data_set import Sample
from training.prepare import prepare

COMPONENTS = 16
NEIGHBOURS = 5

Scorer = Callable[[np.ndarray], np.ndarray]
"""From prepared images `(N, C, h, w)` to scores `(N,)`, higher is more anomalous."""


def mean_intensity(_normals: np.ndarray) -> Scorer:
    return lambda images: np.asarray(_rows(images).mean(axis=1))


def pca_residual(normals: np.ndarray) -> Scorer:
    """The squared residual beside the normals' first principal components."""
    rows = _rows(normals)
    pca = PCA(min(COMPONENTS, *rows.shape), svd_solver="randomized", random_state=0).fit(rows)

    def score(images: np.ndarray) -> np.ndarray:
        ours = _rows(images)
        return np.asarray(((ours - pca.inverse_transform(pca.transform(ours))) ** 2).mean(axis=1))

    return score


def nearest_neighbours(normals: np.ndarray) -> Scorer:
    """The mean Euclidean distance to the five nearest normals."""
    index = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(normals))).fit(_rows(normals))
    return lambda images: np.asarray(index.kneighbors(_rows(images))[0].mean(axis=1))


BASELINES: dict[str, Callable[[np.ndarray], Scorer]] = {
    "mean intensity": mean_intensity,
    "PCA residual": pca_residual,
    "5-NN": nearest_neighbours,
}


def score_baselines(
    normals: Sequence[Sample], samples: Sequence[Sample], chain: Sequence[Step]
) -> dict[str, np.ndarray]:
    """Fit each on the training `normals` and score `samples`, `(N,)`; a volume by its highest slice."""
    train, test = prepare(normals, chain), prepare(samples, chain)
    found = {}
    for name, build in BASELINES.items():
        slices = build(train.images)(test.images)
        found[name] = np.array([slices[test.owner == index].max() for index in range(len(samples))])
    return found


def _rows(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)
