"""Coverage-guided fuzzing of the readers and the multipart stream, by hand: `pip install -e ".[fuzz]"`, then

    python -m tests.fuzz.run dicom 300        # or nifti, zip, raster, multipart; seconds

A finding is left as a file `crash-…` in the current folder, and prints its traceback. Add it to the corpus in
`tests/hostile` or as a test beside the reader, then mend what it found.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["imaging", "service.api.multipart", "pydicom", "nibabel", "python_multipart", "zipfile"]
):
    from tests.fuzz.targets import TARGETS, seeds


def main() -> None:
    kind, seconds = sys.argv[1], sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(seeds(kind)):
            (Path(folder) / str(number)).write_bytes(content)
        options = [f"-max_total_time={seconds}", "-max_len=40000", "-timeout=30", "-rss_limit_mb=3000"]
        atheris.Setup([sys.argv[0], *options, *sys.argv[3:], folder], TARGETS[kind])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
