"""The errors that people are meant to read."""

import re


class OrchestratorError(Exception):
    """What went wrong and what to do, in one sentence.

    The command line prints the message alone and exits with `exit_code`.
    """

    exit_code = 1


class UsageError(OrchestratorError):
    """The caller asked for something that does not exist or makes no sense."""

    exit_code = 2


# What the database says where it takes no changes, and what to say of that.
READ_ONLY = re.compile("cannot execute .* in a read-only transaction")
TAKES_NO_CHANGES = (
    "This server takes no changes: it is a standby, or was made read-only. Connect to "
    "the primary."
)


class ServerError(OrchestratorError):
    """A private PostgreSQL server could not be made, started or stopped."""
