"""An image to try the service with, which is on the machine already."""

from pathlib import Path

_NAME = "sample-chest-xray.dcm"
# In the source tree, and in an installed package.
_FOLDERS = (Path(__file__).resolve().parents[1] / "docs" / "images", Path(__file__).resolve().parent)


def sample_image() -> Path:
    """A chest X-ray that the shipped models are for."""
    return next(folder / _NAME for folder in _FOLDERS if (folder / _NAME).is_file())


def sample_commands(url: str) -> list[str]:
    """Shell commands that score the sample, and fetch its heatmap; the second finds the first one's job."""
    path = sample_image()
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    common = f"curl -H 'Prefer: wait=60' -F file=@{path}"
    return [f"{common} {url}/score", f"{common} -H 'Accept: image/png' -o heatmap.png {url}/score"]
