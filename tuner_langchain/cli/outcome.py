"""How a command ends: with its own status, or with a line that says what went wrong, never with a traceback."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import TextIO

from tuner_langchain.errors import ConfigError, TunerError
from tuner_langchain.escaping import printable

DONE, NO, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


def finish(work: Callable[[], int]) -> int:
    """Run a command; return its exit status.

    0 done; 1 the command's own no, or something on this machine stood in its way; 2 wrong use or a wrong setting.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # a name or word that the terminal's encoding lacks is escaped
            stream.reconfigure(errors="backslashreplace")
    try:
        status = work()
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where its failure can be answered
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        _leave(sys.stdout)
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED
    except ConfigError as error:
        return complain(str(error), WRONG_USE)
    except TunerError as error:
        return complain(str(error), NO)
    except OSError as error:
        _leave(sys.stdout)
        return complain(reason(error), NO)
    return status


def complain(problem: str, status: int) -> int:
    """Write what is wrong to standard error, and return the status."""
    note(problem)
    return status


def note(text: str) -> None:
    """Write to standard error what is not the command's output."""
    print("\n".join(map(printable, text.split("\n"))), file=sys.stderr)


def reason(error: OSError) -> str:
    """Return an error of the system in words: the file, if there is one, and what is wrong."""
    problem = error.strerror or str(error) or type(error).__name__
    return f"{os.fsdecode(error.filename)}: {problem}" if isinstance(error.filename, str | bytes) else problem


def _leave(stream: TextIO | None) -> None:
    """Let what is still unwritten go nowhere, so that the interpreter's last flush does not fail as well."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        if stream is not None:
            os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except OSError:  # a stream that is no file, as tests have them
        pass
