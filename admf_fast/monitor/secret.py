"""Secrets: from the environment, or a file that only its owner may read; never shown."""

import os
import stat
from pathlib import Path

from admf_fast.errors import ConfigError

SIZE_MAX_BYTES = 65_536


class Secret:
    """A text that no `repr`, log or error shows; `reveal()` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(...)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be written anywhere")


def secret_of_variable(name: str) -> Secret:
    """Return the content of a variable of the environment; ConfigError if it is not set."""
    text = os.environ.get(name, "").strip()
    if not text:
        raise ConfigError(
            f"expected the variable {name} of the environment to be set, found it empty or not "
            "there; set it, or take it out of the configuration"
        )
    return Secret(text)


def secret_of_file(path: Path) -> Secret:
    """Return the content of a file of our own with mode 0600 or less; ConfigError otherwise."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise ConfigError(f"{path}: expected a regular file with a secret")
    with os.fdopen(handle, "rb") as file:
        if found.st_mode & 0o077 or found.st_uid != os.geteuid():
            raise ConfigError(
                f"{path}: expected a file that its owner alone may read (mode 0600), found mode "
                f"{stat.S_IMODE(found.st_mode):04o} of user {found.st_uid}; chmod 600 {path}"
            )
        content = file.read(SIZE_MAX_BYTES + 1)
    if len(content) > SIZE_MAX_BYTES:
        raise ConfigError(f"{path}: expected at most {SIZE_MAX_BYTES} bytes of secret, found more")
    try:
        return Secret(content.decode().strip())
    except UnicodeDecodeError:  # whose text would show the content
        raise ConfigError(f"{path}: expected UTF-8 text") from None
