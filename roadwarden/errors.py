"""Every error that Roadwarden raises on purpose; each text says what to do.

RoadwardenError
    ConfigError      a setting, recipe or flag is wrong
    DataError        an input (archive, annotation, sidecar) cannot be used
        StorageAway      the database does not answer, or is busy for longer than we wait
        PictureAway      a picture is not where pictures are kept, not yet or not any more
    OutputError      a result cannot be written
    ModelError       a model file is missing, damaged or not one of ours
        RegistryAway     the model registry does not answer
    StreamError      a camera, decoder or worker of the stream had to be given up on
    MissingExtra     an optional dependency is not installed
    CaseError        what is wanted of a case cannot be done
        UnknownCase      there is no case of that name
        StaleCase        the case has moved on since it was looked at
        NotAllowed       the workflow, or what the person may do, forbids it
            KeyUsed          the idempotency key stands for another command
    LedgerError      a leaf, proof, checkpoint or bundle is not what it should be
        WitnessRefused   a checkpoint is not a continuation of what the witness has kept
    AccessError      somebody is not let in, or not to that
        NotLoggedIn      nobody knows who asks
        Forbidden        whoever asks may not
        NotFound         there is no such thing, or none that whoever asks may see
        TooMany          too often in too short a time
"""


class RoadwardenError(Exception):
    """The root; the CLI prints its text without a traceback and exits with 2."""


class ConfigError(RoadwardenError):
    """A setting, recipe or flag is wrong."""


class DataError(RoadwardenError):
    """An input (archive, annotation, sidecar) cannot be used."""


class StorageAway(DataError):
    """The database does not answer, or is busy for longer than we wait."""


class PictureAway(DataError):
    """A picture is not where pictures are kept, not yet or not any more."""


class OutputError(RoadwardenError):
    """A result cannot be written."""


class ModelError(RoadwardenError):
    """A model file is missing, damaged or not one of ours."""


class RegistryAway(ModelError):
    """The model registry does not answer, or fails to."""


class StreamError(RoadwardenError):
    """A camera, decoder or worker of the stream had to be given up on."""


class MissingExtra(RoadwardenError):
    """An optional dependency is not installed."""


class CaseError(RoadwardenError):
    """What is wanted of a case cannot be done."""


class UnknownCase(CaseError):
    """There is no case of that name."""


class StaleCase(CaseError):
    """The case has moved on since it was looked at."""


class NotAllowed(CaseError):
    """The workflow, or what the person may do, forbids it."""


class KeyUsed(NotAllowed):
    """The idempotency key stands for another command."""


class LedgerError(RoadwardenError):
    """A leaf, proof, checkpoint, key or bundle is not what it should be."""


class WitnessRefused(LedgerError):
    """A checkpoint is not a continuation of what the witness has kept."""


class AccessError(RoadwardenError):
    """Somebody is not let in, or not to that."""


class NotLoggedIn(AccessError):
    """Nobody knows who asks: no token, cookie or password, or one that is worth nothing."""


class Forbidden(AccessError):
    """Whoever asks may not."""


class NotFound(AccessError):
    """There is no such thing, or none that whoever asks may see."""


class TooMany(AccessError):
    """Too often in too short a time; ``after_s`` says when to try again."""

    def __init__(self, message: str, after_s: int) -> None:
        super().__init__(message)
        self.after_s = after_s
