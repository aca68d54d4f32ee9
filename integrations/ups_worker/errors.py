"""What can go wrong in the worker, beside what the service's client raises."""


class UpsError(Exception):
    """Base of every error of this package; its text is a sentence for the operator, free of patient data."""


class SettingsFileError(UpsError):
    """The settings file is missing, no TOML, or says something that means nothing."""


class WorklistAwayError(UpsError):
    """The worklist's server does not answer, or not as it should; it may later."""


class WorkitemRefusedError(UpsError):
    """The server refuses what was asked of a workitem: it is somebody else's, over, or gone."""
