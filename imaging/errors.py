"""What can be wrong with an image that somebody hands us."""


class ImagingError(Exception):
    """Base of every error of this package; its text is one sentence for the sender, free of patient data."""


class UnreadableImageError(ImagingError):
    """The bytes are damaged, truncated or empty."""


class UnsupportedImageError(ImagingError):
    """The bytes are sound, but of a type, transfer syntax or kind of object that we cannot score."""


class NoPixelDataError(UnsupportedImageError):
    """A sound DICOM object that holds no pixels: a report, a plan, a waveform, a directory."""


class InconsistentSeriesError(ImagingError):
    """The files do not form one series: several series, mixed orientations or mixed sizes."""


class MismatchedGridsError(ImagingError):
    """Contrasts of one image are sound, but do not lie on one grid."""


class MissingContrastError(ImagingError):
    """A folder does not hold one file, or one folder, of each contrast."""


class ImageTooLargeError(ImagingError):
    """Decoding would need more memory than the caller allows."""


class NoDicomSourceError(ImagingError):
    """Results as DICOM were asked of an image that did not come as DICOM."""


class NoFrameOfReferenceError(ImagingError):
    """A result object needs places in the patient, which the source does not give."""
