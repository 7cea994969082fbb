"""What each setting may be: every function returns the setting in its type, or raises what is wrong with it."""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from tuner_langchain.errors import ConfigError

DEFAULT_BASE_URL = "https://api.usetuner.ai"
API_PATH = "/api/v1/public/call"

VARIABLES = {
    "api_key": "TUNER_API_KEY",
    "workspace_id": "TUNER_WORKSPACE_ID",
    "agent_id": "TUNER_AGENT_ID",
    "base_url": "TUNER_BASE_URL",
    "agent_version": "AGENT_VERSION",
    "debug": "TUNER_DEBUG",
    "outbox_dir": "TUNER_OUTBOX_DIR",
}

_MOST = 10**18  # a larger number is an accident
_SHOWN_CHARS = 100
# How keys begin: Tuner's own, its session tokens', and those of model providers.
_KEY = re.compile(r"tr_api_|eyJ|sk-")
_MISTAKES_WITH_KEYS = (
    (re.compile(r"^\s*$"), "is blank"),
    (re.compile(r"^bearer ", re.IGNORECASE), "begins with the word Bearer, which the library adds"),
    # A key with a line break would split the request's header.
    (re.compile(r"[^\x21-\x7e]"), "holds a space, a line break or a character outside ASCII"),
    (re.compile(r"^[\"']"), "is in quotation marks, which some readers of .env files leave in"),
    # What documentation, a template or a masked print has in a key's place.
    (re.compile(r"\.\.\.|\*\*\*|^tr_api_$|^<.*>$|^\$"), "is a placeholder, not a key"),
    (re.compile(r"^sk-"), "begins with sk-, as keys of model providers do"),
)
# The API's own path, whole or the beginning that its version makes certain.
_PATH_OF_API = re.compile(r"/api/v\d+(/public(/calls?)?)?$")
# A host as a name (other alphabets included) or an IPv4 address; IPv6 is looked at on its own.
_HOST = re.compile(r"[\w-]+(\.[\w-]+)*\.?")


def wrong(setting: str, problem: str, expected: str) -> ConfigError:
    """Return the error of a setting: what is wrong with it, what is expected, and where it may be set."""
    variable = VARIABLES.get(setting)
    where = f"pass {setting}=... or set {variable}" if variable else f"pass {setting}=..."
    return ConfigError(f"{setting}: {problem}. Expected {expected}; {where}.")


def shown(value: object) -> str:
    """Return a wrong value as its error shows it; a key that was given for another setting is not shown."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - any object may have been passed
        return kind(value)
    return "an API key, it seems" if _KEY.search(text) else text[:_SHOWN_CHARS]


def kind(value: object) -> str:
    """Return the type of a value with its article: a list, an int."""
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in tuple('aeiou') else 'a'} {name}"


def api_key(value: object) -> str:
    """Check the key. Its value is in no error."""
    problem = _problem_of_key(value)
    if problem is not None:
        expected = "the workspace's API key, like tr_api_..., from Tuner's workspace settings"
        raise wrong("api_key", problem, expected)
    assert isinstance(value, str)
    return value


def _problem_of_key(value: object) -> str | None:
    if not isinstance(value, str):
        return "is missing" if value is None else f"is {kind(value)}, not a string"
    return next((problem for mistake, problem in _MISTAKES_WITH_KEYS if mistake.search(value)), None)


def workspace_id(value: object) -> int:
    """Check the workspace's number."""
    number = _whole_number(value)
    if number is None or number < 1:
        problem = "is missing" if value is None else f"is {shown(value)}"
        raise wrong("workspace_id", problem, "the workspace's number, like 42")
    return number


def agent_id(value: object) -> str:
    """Check the agent's identifier."""
    expected = "the agent's remote identifier as shown in Tuner"
    if value is None:
        raise wrong("agent_id", "is missing", expected)
    if not isinstance(value, str) or not value.strip():
        raise wrong("agent_id", f"is {shown(value)}", expected)
    if not value.isprintable():
        raise wrong("agent_id", "holds a control character or a lone surrogate", expected)
    return value


def agent_version(value: object) -> int | None:
    """Check the agent's version; there need not be one."""
    number = _whole_number(value)
    if value is not None and (number is None or number < 0):
        raise wrong("agent_version", f"is {shown(value)}", "a whole number, 0 or more")
    return number


def debug(value: object) -> bool:
    """Check the switch that may be a word."""
    if value is None or isinstance(value, bool):
        return bool(value)
    word = str(value).strip().lower() if isinstance(value, str | int) else None
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off", ""}:
        return False
    raise wrong("debug", f"is {shown(value)}", "true or false")


def switch(setting: str, value: object) -> bool:
    """Check a switch that only code can pass."""
    if not isinstance(value, bool):
        raise wrong(setting, f"is {shown(value)}", "True or False")
    return value


def auth_header(value: object) -> str:
    """Check which header carries the key."""
    if not isinstance(value, str) or value not in ("bearer", "x-api-key"):
        raise wrong("auth_header", f"is {shown(value)}", "'bearer' or 'x-api-key'")
    return value


def amount(setting: str, value: object) -> int:
    """Check a number of bytes."""
    number = _whole_number(value)
    if number is None or number < 0:
        raise wrong(setting, f"is {shown(value)}", "a number of bytes, 0 or more")
    return number


def outbox_dir(value: object, default: str | None) -> Path:
    """Check the outbox's directory; `default` is where the environment puts programs' state, if it says so."""
    if value is None:
        return _state_dir(default) / "tuner-langchain" / "outbox"
    try:
        path = Path(value).expanduser()  # type: ignore[arg-type]  # what it refuses is answered below
        os.fsencode(path)
    except RuntimeError:
        raise _wrong_dir(f"is {shown(value)}, and that user has no home directory") from None
    except Exception:  # noqa: BLE001 - a path object's own code may raise anything
        raise _wrong_dir(
            f"is {kind(value)}" if not isinstance(value, str) else f"is {shown(value)}"
        ) from None
    if "\0" in str(path):
        raise _wrong_dir(f"is {shown(value)}, with a null character in it")
    if not path.is_absolute():
        raise _wrong_dir(f"is {shown(value)}, a relative path")
    return path


def _wrong_dir(problem: str) -> ConfigError:
    return wrong("outbox_dir", problem, "an absolute path")


def _state_dir(default: str | None) -> Path:
    """Return where this user's programs keep what must survive them, as each system has it."""
    state = Path(default or "")
    # The XDG base directory specification has a relative path ignored.
    if state.is_absolute() and sys.platform != "darwin":
        return state
    try:
        home = Path.home()
    except RuntimeError:
        raise _wrong_dir("is missing, and this user has no home directory") from None
    return home / "Library" / "Application Support" if sys.platform == "darwin" else home / ".local" / "state"


def base_url(value: object, *, allow_insecure: bool) -> str:
    """Check the deployment's address; return it without a slash at its end."""
    problem: str | None = "is not an address"
    if isinstance(value, str):
        try:
            problem = _problem_of_address(value, allow_insecure)
        except ValueError:  # a port or an IPv6 address that is none
            problem = "is not an address"
    if problem:
        raise wrong("base_url", problem, f"an address like {DEFAULT_BASE_URL}")
    assert isinstance(value, str)
    return value.rstrip("/")


def _problem_of_address(address: str, allow_insecure: bool) -> str | None:
    # Programs disagree about which host an address with a backslash names.
    if not address.isprintable() or " " in address or "\\" in address:
        return "is not an address"
    url = urlsplit(address)
    host = url.hostname or ""
    if url.port == 0 or url.scheme not in ("https", "http") or not host:
        return "does not begin with https:// and a host"
    if not (_HOST.fullmatch(host) or _is_ipv6(host)):
        return "is not an address"
    if url.scheme == "http" and not (allow_insecure or is_loopback(host)):
        return (
            f"is plain http to {_shown_host(host)}, where the key could be read on the way "
            "(use https, or allow_insecure=True on a network you trust)"
        )
    return _what_is_too_much(url, address)


def _what_is_too_much(url: SplitResult, address: str) -> str | None:
    if url.username is not None or url.password is not None:
        return "holds a user name or password"
    if "?" in address or "#" in address:
        return "holds a query or a fragment"
    if _PATH_OF_API.search(url.path.rstrip("/")):
        return f"holds the path of the API, and {API_PATH} is added to it: leave that part out"
    return None


def _shown_host(host: str) -> str:
    return "a host that looks like an API key" if _KEY.search(host) else host[:_SHOWN_CHARS]


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6 and "%" not in host
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine for sure: a name like `tuner.localhost` is what the resolver makes of it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def problems_of_environ(value: object) -> list[str]:
    """Return what is wrong with the mapping that variables are read from."""
    if isinstance(value, Mapping):
        return []
    expected = "a mapping of variables, like os.environ"
    return [str(wrong("environ", f"is {kind(value)}", expected))]


def _whole_number(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,18}\s*", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST:
        return int(value)
    return None
