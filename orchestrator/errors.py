"""The errors that people are meant to read."""


class OrchestratorError(Exception):
    """What went wrong and what to do, in one sentence.

    The command line prints the message alone and exits with `exit_code`.
    """

    exit_code = 1


class UsageError(OrchestratorError):
    """The caller asked for something that does not exist or makes no sense."""

    exit_code = 2


class ServerError(OrchestratorError):
    """A private PostgreSQL server could not be made, started or stopped."""
