"""Every error a user can meet, with the exit code of the command that meets it.

AdmfError                 1
├── ConfigError           2   the configuration, an option or a kernel's parameters
├── DataError             3   bars that cannot be used
│   ├── DataFileError         the file itself: missing, empty, truncated, corrupted
│   ├── SchemaError           its columns: missing, twice, of a wrong type
│   └── BarError              a row: the message names file, column, row and value
├── StateError            4   a run directory or saved state cannot be written or read
│   └── JournalError          the journal of a live run: damaged, failed, or in use
│       └── JournalFullError  no room for this record; nothing was written
├── VenueError            5   an order could not be handled
├── DivergenceError       6   two runs that must be equal are not
└── ContainerError        1   a container was driven in the wrong order
"""


class AdmfError(Exception):
    """Root of all errors of this package."""

    exit_code = 1


class ConfigError(AdmfError):
    """The configuration cannot be used as it is."""

    exit_code = 2


class DataError(AdmfError):
    """The bars cannot be used as they are."""

    exit_code = 3


class DataFileError(DataError):
    """A data file is missing, empty, truncated, corrupted or not a regular file."""


class SchemaError(DataError):
    """A column is missing, present twice, or of a type that would lose information."""


class BarError(DataError):
    """A row of bars breaks a rule."""


class StateError(AdmfError):
    """A run directory or a saved state cannot be written or read."""

    exit_code = 4


class JournalError(StateError):
    """A journal is damaged, its disk failed, or it may not be written from here."""


class JournalFullError(JournalError):
    """The disk has no room for this record; nothing was written, the journal still works."""


class VenueError(AdmfError):
    """An order could not be handled by the venue."""

    exit_code = 5


class DivergenceError(AdmfError):
    """Two runs that must be equal differ."""

    exit_code = 6


class ContainerError(AdmfError):
    """A container was driven in the wrong order: not initialized, disposed, or twice."""
