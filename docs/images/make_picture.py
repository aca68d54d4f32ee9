"""Make `chest-xray-heatmap.png`, the README's picture: the sample X-ray and its heatmap by the shipped model.

python docs/images/make_picture.py
"""

import io
from pathlib import Path

from PIL import Image as Picture

from imaging.overlay import render_overlay
from imaging.read import read_image
from inference.catalog import Catalog
from inference.predictor import Predictor

HERE = Path(__file__).parent
GAP = 8
GREY = (18, 18, 20)


def main() -> None:
    image = read_image([(HERE / "sample-chest-xray.dcm").read_bytes()])
    catalog = Catalog.of_folders([HERE.parents[1] / "bundles"])
    bundle = catalog.choose(modality=image.modality, body_part=image.body_part)
    result = Predictor.load(bundle).predict(image)
    limit = 2 * result.map_threshold
    halves = [
        Picture.open(io.BytesIO(render_overlay(image, anomaly_map, limit=limit, slice_index=0)))
        for anomaly_map in (0 * result.anomaly_map, result.anomaly_map)
    ]
    width, height = halves[0].size
    picture = Picture.new("RGB", (2 * width + GAP, height), GREY)
    picture.paste(halves[0], (0, 0))
    picture.paste(halves[1], (width + GAP, 0))
    picture.save(HERE / "chest-xray-heatmap.png", optimize=True)


if __name__ == "__main__":
    main()
