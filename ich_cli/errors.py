"""The errors a user can meet, each with the exit code the shell gets.

An ``IchError`` ends the run: its message is one line that says what is wrong, where,
and what to do. What goes wrong with one series never raises past that series; it
becomes a :class:`~ich_cli.domain.Reason`.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the exit code of ``ich`` means."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    INCOMPLETE = 3
    NOTHING_TO_DO = 4
    LOCKED = 5
    NO_DEVICE = 6


class IchError(Exception):
    """Base of all errors that end a run with a one-line message."""

    exit_code: ExitCode = ExitCode.UNEXPECTED


class UsageError(IchError):
    """An argument or a configuration value cannot be used; change it as the message says."""

    exit_code = ExitCode.USAGE


class ModelError(UsageError):
    """A model card or its weights are missing, broken, or not what the card promises."""


class OutputError(IchError):
    """Results cannot be written: check the folder's permissions and free space."""


class LockedError(IchError):
    """Another run holds the lock on this output folder; wait for it or choose another folder."""

    exit_code = ExitCode.LOCKED


class DeviceError(IchError):
    """The compute device that was asked for is not there; install what the message names."""

    exit_code = ExitCode.NO_DEVICE
