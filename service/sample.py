"""An image to try the service with, which is on the machine already."""

from pathlib import Path

from pydicom.data import get_testdata_file

_CHEST_XRAY = Path(__file__).resolve().parents[1] / "docs" / "images" / "sample-chest-xray.dcm"
_ANY_IMAGE = "CT_small.dcm"  # in pydicom's wheel


def sample_image() -> Path:
    """The chest X-ray that comes with the source tree, or else a CT slice that comes with pydicom."""
    return _CHEST_XRAY if _CHEST_XRAY.is_file() else Path(str(get_testdata_file(_ANY_IMAGE)))


def sample_commands(url: str) -> list[str]:
    """Shell commands that score the sample, and fetch its heatmap; the second finds the first one's job."""
    path = sample_image()
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    # Any installed model may take the stand-in, so that there is something to see.
    scope = "" if path.name == _CHEST_XRAY.name else "?scope=warn"
    common = f"curl -H 'Prefer: wait=60' -F file=@{path}"
    return [
        f"{common} '{url}/score{scope}'",
        f"{common} -H 'Accept: image/png' -o heatmap.png '{url}/score{scope}'",
    ]
