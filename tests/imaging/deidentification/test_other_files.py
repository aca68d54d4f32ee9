"""NIfTI, PNG, JPEG and ZIP: the words go, the voxels and pixels stay to the bit."""

import gzip
import io
import struct
import zipfile

import nibabel
import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL.PngImagePlugin import PngInfo

from imaging.deidentification.files import Deidentified, deidentify_file
from imaging.deidentification.profile import Profile
from imaging.errors import ImageTooLargeError, ImagingError, UnreadableImageError, UnsupportedImageError
from imaging.limits import Limits
from imaging.read import read_image
from tests.hostile.corpus import corpus
from tests.imaging.dicom_builder import slice_bytes

CORPUS = corpus()
PICTURE = PillowImage.fromarray(np.arange(64 * 48, dtype=np.uint8).reshape(64, 48))
_ORIENTATION = 0x0112


def deidentified(content: bytes, limits: Limits | None = None) -> Deidentified:
    return deidentify_file(content, key=b"k" * 32, profile=Profile(), limits=limits or Limits())


def nifti(kind: type = nibabel.Nifti1Image, *, order: str = "<") -> bytes:
    voxels = np.arange(60, dtype=f"{order}i2").reshape(3, 4, 5)
    header = kind.header_class(endianness=order)
    header["descrip"], header["aux_file"], header["intent_name"] = b"SECRET scan", b"SECRET.img", b"SECRET"
    image = kind(voxels, np.diag([2.0, 1.5, 3.0, 1.0]), header)
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"SECRET of John Doe"))
    return bytes(image.to_bytes())


def picture(form: str, **options: object) -> bytes:
    out = io.BytesIO()
    PICTURE.save(out, form, **options)
    return out.getvalue()


def exif(turn: int) -> PillowImage.Exif:
    tags = PillowImage.Exif()
    tags[_ORIENTATION], tags[0x010E] = turn, "SECRET description"
    return tags


def same_image(first: bytes, second: bytes) -> bool:
    ours, theirs = read_image([first]), read_image([second])
    return np.array_equal(ours.pixels, theirs.pixels) and np.array_equal(ours.affine, theirs.affine)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_a_nifti_loses_its_texts_and_no_voxel(kind: type, order: str):
    content = nifti(kind, order=order)
    made = deidentified(content)
    assert b"SECRET" in content and b"SECRET" not in made.content and made.suffix == ".nii"
    before, after = kind.from_bytes(content), kind.from_bytes(made.content)
    assert bytes(after.dataobj.get_unscaled().tobytes("F")) == bytes(
        before.dataobj.get_unscaled().tobytes("F")
    )
    np.testing.assert_array_equal(after.affine, before.affine)
    assert len(after.header.extensions) == 0 and same_image(content, made.content)


def test_a_packed_nifti_loses_the_name_in_its_packing_too():
    out = io.BytesIO()
    with gzip.GzipFile("SECRET.nii", "wb", fileobj=out) as packed:
        packed.write(nifti())
    made = deidentified(out.getvalue())
    assert b"SECRET" not in made.content + gzip.decompress(made.content) and made.suffix == ".nii.gz"
    assert same_image(out.getvalue(), made.content) and deidentified(made.content).content == made.content


def test_what_follows_the_voxels_is_left_out():
    assert b"SECRET" not in deidentified(nifti() + b"SECRET").content


def test_the_report_names_the_fields_of_a_nifti():
    rows = {row["keyword"]: row["action"] for row in deidentified(nifti()).report.to_json()["elements"]}
    assert rows == {
        "aux_file": "emptied",
        "descrip": "emptied",
        "extension": "removed",
        "intent_name": "emptied",
    }


def test_a_png_loses_its_texts_and_no_pixel():
    texts = PngInfo()
    texts.add_text("Author", "SECRET")
    texts.add_itxt("Comment", "SECRET")
    content = picture("PNG", pnginfo=texts, dpi=(72, 72)) + b"SECRET"
    made = deidentified(content).content
    assert b"SECRET" not in made and b"pHYs" in made
    assert same_image(content, made) and deidentified(made).content == made


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_loses_its_texts_and_no_coded_pixel(progressive: bool):
    content = picture("JPEG", exif=exif(1), comment=b"SECRET", progressive=progressive) + b"SECRET"
    made = deidentified(content).content
    scan = content[content.index(b"\xff\xda") : content.rindex(b"\xff\xd9") + 2]
    assert b"SECRET" not in made and made.endswith(b"\xff\xd9")
    assert scan in made if not progressive else scan.endswith(made[-500:])
    assert same_image(content, made) and deidentified(made).content == made


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("turn", range(2, 9))
def test_a_picture_is_turned_as_before(form: str, turn: int):
    content = picture(form, exif=exif(turn))
    made = deidentified(content).content
    assert b"SECRET" not in made and same_image(content, made)
    assert deidentified(made).content == made


def test_a_thumbnail_in_a_jpeg_goes():
    content = picture("JPEG")
    thumbnail = b"SECRETSEC"  # 3 pixels
    at = content.index(b"JFIF\0")
    grown = content[: at - 2] + struct.pack(">H", 16 + 9) + content[at : at + 12] + b"\x03\x01" + thumbnail
    grown += content[at + 14 :]
    made = deidentified(grown).content
    assert b"SECRET" not in made and same_image(grown, made)


def test_a_colour_profile_of_a_jpeg_stays():
    content = picture("JPEG", icc_profile=b"profile" * 30)
    assert b"ICC_PROFILE\0" in deidentified(content).content


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_cut_picture_is_refused(form: str):
    with pytest.raises(UnreadableImageError):
        deidentified(picture(form)[:-20])


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return out.getvalue()


def test_a_zip_of_a_series_is_one_of_the_same_series():
    content = archive(**{f"SECRET/{z}": slice_bytes(z, z) for z in range(3)}, SECRET=b"a letter on SECRET")
    made = deidentified(content)
    assert (made.report.files, made.report.members_dropped, made.suffix) == (3, 1, ".zip")
    with zipfile.ZipFile(io.BytesIO(made.content)) as opened:
        assert opened.namelist() == ["000000.dcm", "000001.dcm", "000002.dcm"]
        assert not any(b"SECRET" in opened.read(name) for name in opened.namelist())
    assert same_image(content, made.content) and deidentified(made.content).content == made.content


def test_a_damaged_member_is_no_quiet_loss():
    with pytest.raises(UnreadableImageError):
        deidentified(archive(a=slice_bytes(0), b=slice_bytes(1)[:-3]))


@pytest.mark.parametrize("content", [b"", b"a letter", archive(letter=b"a letter")])
def test_what_is_no_image_is_refused(content: bytes):
    with pytest.raises(UnsupportedImageError):
        deidentified(content)


def test_a_bomb_is_refused():
    tight = Limits(max_decoded_bytes=2**20)
    with pytest.raises(ImageTooLargeError):
        deidentified(archive(**{f"{n}": b"\0" * 2**20 for n in range(3)}), tight)
    assert len(gzip.compress(bytes(2**22))) < 2**13


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_file_is_refused_by_name_or_comes_out_small(name: str):
    limits = Limits(max_decoded_bytes=64 * 2**20)
    for part in CORPUS[name].parts:
        try:
            made = deidentified(part, limits)
        except ImagingError as error:
            assert len(str(error)) < 400 and "SECRET" not in str(error)
        else:
            assert len(made.content) <= len(part) + 64 * 2**20
