"""Every setting once, and where it may come from."""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import SplitResult, urlsplit

from tuner_langchain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_BASE_URL = "https://api.usetuner.ai"

# Days of an outage for most; past it something is wrong that a person should see.
DEFAULT_OUTBOX_MAX_BYTES = 1 << 30
# What the rest of the machine needs more than we do.
DEFAULT_OUTBOX_MIN_FREE_BYTES = 64 << 20

AuthHeader = Literal["bearer", "x-api-key"]


class ApiKey:
    """An API key that shows itself to nobody: `repr` and `str` are masked, and it is read on purpose only."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key itself, for the request header and nothing else."""
        return self._value

    def __repr__(self) -> str:
        return "ApiKey('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiKey) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("an API key is not to be pickled")

    def __deepcopy__(self, memo: dict[int, Any]) -> ApiKey:
        return self  # so that copies of a config, `dataclasses.asdict` say, keep it and keep it masked


@dataclass(frozen=True, kw_only=True)
class TunerConfig:
    """Where finished calls go, and as whom.

    Each argument left out is read from the environment when the config is made; the environment is never read
    later. Every wrong or missing setting raises `ConfigError` here, naming the setting and its variable.

    Args:
        api_key: The workspace's key (`TUNER_API_KEY`).
        workspace_id: The workspace's number (`TUNER_WORKSPACE_ID`).
        agent_id: The agent's remote identifier in Tuner (`TUNER_AGENT_ID`).
        base_url: The deployment (`TUNER_BASE_URL`); https, or http on a loopback host.
        agent_version: The version of the agent that took the call, 0 or more (`AGENT_VERSION`).
        debug: Log each step at DEBUG level, never content (`TUNER_DEBUG`).
        auth_header: `"bearer"`, or `"x-api-key"` for older deployments that ask for that header.
        allow_insecure: Accept plain http to a host that is not loopback.
        outbox_dir: Where finished calls wait on disk (`TUNER_OUTBOX_DIR`); by default in the user's state
            directory.
        fsync: False survives the process but not the host: the write is not forced to the disk.
        outbox_max_bytes: An outbox larger than this is an error in the log; at twice this, calls wait in
            memory.
        outbox_min_free_bytes: With less free space on the disk (or 5 % of a small one) calls wait in memory.
        shared_call_ids: One call may be sent from several places, by two pods that both record it say. That Tuner
            has it already is then no conflict, but success.
    """

    api_key: ApiKey
    workspace_id: int
    agent_id: str
    base_url: str = DEFAULT_BASE_URL
    agent_version: int | None = None
    debug: bool = False
    auth_header: AuthHeader = "bearer"
    allow_insecure: bool = False
    outbox_dir: Path
    fsync: bool = True
    outbox_max_bytes: int = DEFAULT_OUTBOX_MAX_BYTES
    outbox_min_free_bytes: int = DEFAULT_OUTBOX_MIN_FREE_BYTES
    shared_call_ids: bool = False

    def __init__(
        self,
        *,
        api_key: str | ApiKey | None = None,
        workspace_id: int | str | None = None,
        agent_id: str | None = None,
        base_url: str | None = None,
        agent_version: int | str | None = None,
        debug: bool | str | None = None,
        auth_header: AuthHeader = "bearer",
        allow_insecure: bool = False,
        outbox_dir: str | os.PathLike[str] | None = None,
        fsync: bool = True,
        outbox_max_bytes: int = DEFAULT_OUTBOX_MAX_BYTES,
        outbox_min_free_bytes: int = DEFAULT_OUTBOX_MIN_FREE_BYTES,
        shared_call_ids: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        env = os.environ if environ is None else environ

        def pick(given: Any, variable: str) -> Any:
            return given if given is not None else (env.get(variable) or None)

        settings: dict[str, Any] = {
            "api_key": _api_key(pick(api_key, "TUNER_API_KEY")),
            "workspace_id": _workspace_id(pick(workspace_id, "TUNER_WORKSPACE_ID")),
            "agent_id": _agent_id(pick(agent_id, "TUNER_AGENT_ID")),
            "base_url": _base_url(pick(base_url, "TUNER_BASE_URL") or DEFAULT_BASE_URL, allow_insecure),
            "agent_version": _agent_version(pick(agent_version, "AGENT_VERSION")),
            "debug": _debug(pick(debug, "TUNER_DEBUG")),
            "auth_header": _auth_header(auth_header),
            "allow_insecure": _switch("allow_insecure", allow_insecure),
            "outbox_dir": _outbox_dir(pick(outbox_dir, "TUNER_OUTBOX_DIR"), env),
            "fsync": _switch("fsync", fsync),
            "outbox_max_bytes": _bytes("outbox_max_bytes", outbox_max_bytes),
            "outbox_min_free_bytes": _bytes("outbox_min_free_bytes", outbox_min_free_bytes),
            "shared_call_ids": _switch("shared_call_ids", shared_call_ids),
        }
        for name, value in settings.items():
            object.__setattr__(self, name, value)


def _wrong(setting: str, variable: str | None, problem: str, expected: str) -> ConfigError:
    where = f"pass {setting}=... or set {variable}" if variable else f"pass {setting}=..."
    return ConfigError(f"{setting}: {problem}. Expected {expected}; {where}.")


def _shown(value: object) -> str:
    """A wrong value as its error shows it; a key that was given for another setting is not shown."""
    shown = repr(value)
    return "an API key, it seems" if "tr_api_" in shown else shown[:100]


def _api_key(value: object) -> ApiKey:
    expected = "the workspace's API key, like tr_api_..., from Tuner's workspace settings"
    if isinstance(value, ApiKey):
        value = value.reveal()
    if value is None:
        raise _wrong("api_key", "TUNER_API_KEY", "is missing", expected)
    if not isinstance(value, str):
        raise _wrong("api_key", "TUNER_API_KEY", f"is a {type(value).__name__}, not a string", expected)
    # A key with a line break would split the request's header; the value itself is never shown.
    if not re.fullmatch(r"[\x21-\x7e]+", value):
        problem = (
            "is blank" if not value.strip() else "holds a space, a line break or a character outside ASCII"
        )
        raise _wrong("api_key", "TUNER_API_KEY", problem, expected)
    return ApiKey(value)


def _workspace_id(value: object) -> int:
    expected = "the workspace's number, like 42"
    if value is None:
        raise _wrong("workspace_id", "TUNER_WORKSPACE_ID", "is missing", expected)
    number = _whole_number(value)
    if number is None or number < 1:
        raise _wrong("workspace_id", "TUNER_WORKSPACE_ID", f"is {_shown(value)}", expected)
    return number


def _agent_id(value: object) -> str:
    expected = "the agent's remote identifier as shown in Tuner"
    if value is None:
        raise _wrong("agent_id", "TUNER_AGENT_ID", "is missing", expected)
    if not isinstance(value, str) or not value.strip():
        raise _wrong("agent_id", "TUNER_AGENT_ID", f"is {_shown(value)}", expected)
    if not value.isprintable():
        raise _wrong("agent_id", "TUNER_AGENT_ID", "holds a control character or a lone surrogate", expected)
    return value


def _agent_version(value: object) -> int | None:
    if value is None:
        return None
    number = _whole_number(value)
    if number is None or number < 0:
        raise _wrong("agent_version", "AGENT_VERSION", f"is {_shown(value)}", "a whole number, 0 or more")
    return number


def _debug(value: object) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    word = str(value).strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off", ""}:
        return False
    raise _wrong("debug", "TUNER_DEBUG", f"is {_shown(value)}", "true or false")


def _switch(setting: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(setting, None, f"is {_shown(value)}", "True or False")
    return value


def _auth_header(value: object) -> str:
    if value not in ("bearer", "x-api-key"):
        raise _wrong("auth_header", None, f"is {_shown(value)}", "'bearer' or 'x-api-key'")
    return str(value)


def find_outbox_dir(
    given: str | os.PathLike[str] | None = None, environ: Mapping[str, str] | None = None
) -> Path:
    """Return where the outbox is for somebody who has no key: `given`, `TUNER_OUTBOX_DIR`, or the default.

    Raises:
        ConfigError: The path is relative, or there is none to be found.
    """
    env = os.environ if environ is None else environ
    return _outbox_dir(given if given is not None else (env.get("TUNER_OUTBOX_DIR") or None), env)


def _outbox_dir(value: object, env: Mapping[str, str]) -> Path:
    if value is None:
        return _state_dir(env) / "tuner-langchain" / "outbox"
    if not isinstance(value, str | os.PathLike):
        raise _wrong("outbox_dir", "TUNER_OUTBOX_DIR", f"is a {type(value).__name__}", "a directory's path")
    path = Path(value).expanduser()
    if not path.is_absolute():
        raise _wrong(
            "outbox_dir", "TUNER_OUTBOX_DIR", f"is {_shown(value)}, a relative path", "an absolute path"
        )
    return path


def _state_dir(env: Mapping[str, str]) -> Path:
    """Return where this user's programs keep what must survive them, as each system has it."""
    if sys.platform == "win32":
        return Path(env.get("LOCALAPPDATA") or _home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return _home() / "Library" / "Application Support"
    state = Path(env.get("XDG_STATE_HOME") or "")
    # The XDG base directory specification has a relative path ignored.
    return state if state.is_absolute() else _home() / ".local" / "state"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise _wrong(
            "outbox_dir",
            "TUNER_OUTBOX_DIR",
            "is missing, and this user has no home directory",
            "an absolute path",
        ) from None


def _bytes(setting: str, value: object) -> int:
    number = _whole_number(value)
    if number is None or number < 0:
        raise _wrong(setting, None, f"is {_shown(value)}", "a number of bytes, 0 or more")
    return number


def _base_url(value: object, allow_insecure: bool) -> str:
    expected = f"an address like {DEFAULT_BASE_URL}"

    def wrong(problem: str) -> ConfigError:
        return _wrong("base_url", "TUNER_BASE_URL", problem, expected)

    if not isinstance(value, str) or not value.isprintable() or " " in value:
        raise wrong("is not an address")
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        raise wrong("is not an address") from None
    if url.username is not None or url.password is not None:
        raise wrong("holds a user name or password")
    if url.query or url.fragment or "?" in value or "#" in value:
        raise wrong("holds a query or a fragment")
    if url.scheme not in ("https", "http") or not url.hostname or port == 0:
        raise wrong("does not begin with https:// and a host")
    if url.scheme == "http" and not (allow_insecure or _is_loopback(url)):
        raise wrong(
            f"is plain http to {url.hostname}, where the key could be read on the way "
            "(use https, or allow_insecure=True on a network you trust)"
        )
    return value.rstrip("/")


def _is_loopback(url: SplitResult) -> bool:
    host = url.hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _whole_number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,18}\s*", value):
        return int(value)
    return None
