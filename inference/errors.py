"""What can go wrong between an image and its score."""


class InferenceError(Exception):
    """Base of every error of this package; its text is one sentence for a person."""


class BundleError(InferenceError):
    """A bundle is incomplete, altered, of an unknown schema, or disagrees with its own parity file."""


class BundleNotFoundError(InferenceError):
    """No installed bundle has the name and version, or the scope, that was asked for."""


class OutOfScopeError(InferenceError):
    """The image is not of the kind that the bundle was trained and calibrated for."""


class PlacementError(InferenceError):
    """The graph cannot run where, or in the way that, it was asked to."""
