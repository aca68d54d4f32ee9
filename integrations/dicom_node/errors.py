"""What can go wrong in the node, beside what the service's client and imaging raise."""


class NodeError(Exception):
    """Base of every error of this package; its text is a sentence for the operator, free of patient data."""


class SettingsFileError(NodeError):
    """The settings file is missing, no TOML, or says something that means nothing."""


class LowDiskError(NodeError):
    """The disk of the spool has no room for what comes."""


class WrongInstanceError(NodeError):
    """The data set is another instance than the request says."""


class DestinationAwayError(NodeError):
    """A destination does not answer, or has no room now; it may later."""
