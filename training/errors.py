"""What can go wrong between a config and a bundle."""


class TrainingError(Exception):
    """Base of every error of this package; its text is one sentence for a person."""


class ConfigError(TrainingError):
    """The config, an override or a checkpoint that belongs to it is not valid."""


class DataError(TrainingError):
    """The data set cannot be read, lacks a split, or has a patient in two of them."""


class ExportError(TrainingError):
    """The exported graph does not compute what the trained method does."""
