"""`tuner-langchain serve`: a local Tuner, and the environment that sends calls to it."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tuner_langchain import settings
from tuner_langchain.cli.outcome import WRONG_USE, complain, reason
from tuner_langchain.cli.parsing import Parser, port, workspace
from tuner_langchain.escaping import printable

if TYPE_CHECKING:
    from tuner_langchain.testing.local_tuner import LocalTuner

DEFAULT_PORT = 8321


def add_command(commands: argparse._SubParsersAction[Parser]) -> None:
    """Register `serve`."""
    parser = commands.add_parser(
        "serve",
        help="run a local Tuner, for people without an account and for tests",
        description="Run a Tuner on this machine's loopback. It answers and refuses as the API does, and "
        "keeps each call as a JSON file. Look at them in a browser, or with curl at /calls.",
    )
    parser.add_argument(
        "--port", type=port, default=DEFAULT_PORT, help="default %(default)s; 0 takes a free one"
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default %(default)s)")
    parser.add_argument("--dir", type=Path, help="where calls are kept (default: a temporary directory)")
    parser.add_argument("--api-key", default="tr_api_local", help="the key it lets in (default %(default)s)")
    parser.add_argument(
        "--workspace-id", type=workspace, default=1, help="its workspace (default %(default)s)"
    )
    parser.add_argument("--agent-id", default="local-agent", help="its agent (default %(default)s)")
    _add_manners(parser)
    parser.add_argument("--quiet", action="store_true", help="no line for each request")
    once_ready = "run a command with the environment set, stop when it ends, and exit as it did"
    parser.add_argument("--once-ready", nargs=argparse.REMAINDER, metavar="COMMAND", help=once_ready)
    parser.set_defaults(run=run)


def _add_manners(parser: argparse.ArgumentParser) -> None:
    header = "where it reads the key (default %(default)s)"
    parser.add_argument("--auth-header", choices=("bearer", "x-api-key"), default="bearer", help=header)
    form = "the documented form of its answers (default %(default)s)"
    parser.add_argument("--answer-form", choices=("new", "old"), default="new", help=form)
    repeats = "what a call is answered that is stored already: is_new false, or 409 (default %(default)s)"
    parser.add_argument("--repeats", choices=("accept", "conflict"), default="accept", help=repeats)


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted, or until the command of `--once-ready` has ended."""
    try:
        from tuner_langchain.testing.local_tuner import LocalTuner

        settings.api_key(args.api_key)  # what it lets in has to be something that a client can have
        settings.agent_id(args.agent_id)
        tuner = LocalTuner(
            args.dir,
            host=args.host,
            port=args.port,
            api_key=args.api_key,
            workspace_id=args.workspace_id,
            agent_id=args.agent_id,
            auth_header=args.auth_header,
            answer_form=args.answer_form,
            repeats=args.repeats,
        )
        tuner.start()
    except (ModuleNotFoundError, ValueError, OSError) as error:
        problem = reason(error) if isinstance(error, OSError) else error
        return complain(f"tuner-langchain serve: {problem}", WRONG_USE)
    with tuner:
        if args.once_ready:
            return _run_command(args.once_ready, tuner)
        if not args.quiet:
            _log_to_stderr()
        print(_greeting(tuner, kept=args.dir is not None), flush=True)
        _wait_for_a_signal()
    return 0


def _run_command(command: list[str], tuner: LocalTuner) -> int:
    environment = {**os.environ, **tuner.environment}
    try:
        status = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603  the user's own
    except OSError as error:
        return complain(f"tuner-langchain serve: {command[0]}: {error.strerror}", 127)
    except ValueError:  # a null character, as no shell passes it
        return complain("tuner-langchain serve: --once-ready is not a command", 127)
    return status if status >= 0 else 128 - status


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("tuner_langchain.local_tuner")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def _greeting(tuner: LocalTuner, *, kept: bool) -> str:
    until = "" if kept else " until it stops (--dir keeps them)"
    exports = "\n".join(f"  export {name}={shlex.quote(value)}" for name, value in tuner.environment.items())
    return (
        f"A local Tuner answers at {tuner.base_url}\n"
        f"  calls      {tuner.base_url}/calls\n"
        f"  refusals   {tuner.base_url}/refusals\n"
        f"  kept in    {printable(str(tuner.directory))}{until}\n\n"
        f"Send your agent's calls here:\n\n{exports}\n\n"
        "Ctrl-C stops it."
    )


def _wait_for_a_signal() -> None:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
