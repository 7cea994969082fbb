"""Every setting once, and where it may come from."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from tuner_langchain import settings
from tuner_langchain.errors import ConfigError
from tuner_langchain.settings import DEFAULT_BASE_URL

if TYPE_CHECKING:
    from pathlib import Path

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
    later. Wrong and missing settings raise one `ConfigError` here, which names each of them and its variable.

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
        shared_call_ids: One call may be sent from several places, such as two workers that both record it. That
            Tuner has it already is success then, not a conflict.
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
        given = _Given(
            {
                "api_key": api_key,
                "workspace_id": workspace_id,
                "agent_id": agent_id,
                "base_url": base_url,
                "agent_version": agent_version,
                "debug": debug,
                "auth_header": auth_header,
                "allow_insecure": allow_insecure,
                "outbox_dir": outbox_dir,
                "fsync": fsync,
                "outbox_max_bytes": outbox_max_bytes,
                "outbox_min_free_bytes": outbox_min_free_bytes,
                "shared_call_ids": shared_call_ids,
            },
            environ,
        )
        # A traceback may carry its locals: from here on none of them holds a key, or the environment's secrets.
        del api_key, workspace_id, agent_id, base_url, agent_version, debug, auth_header, allow_insecure
        del outbox_dir, fsync, outbox_max_bytes, outbox_min_free_bytes, shared_call_ids, environ
        values, problems = _read(given)
        if problems:
            raise ConfigError(_as_one(problems))
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        # Of what is there: a config whose making failed is shown by debuggers too.
        return f"TunerConfig({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


class _Given:
    """The settings as they were passed, then as the environment has them; its repr shows neither."""

    def __init__(self, passed: Mapping[str, Any], environ: Mapping[str, str] | None) -> None:
        self._passed = passed
        environ = os.environ if environ is None else environ
        self.problems = settings.problems_of_environ(environ)
        self._environ: Mapping[str, str] = {} if self.problems else environ

    def __getitem__(self, setting: str) -> Any:
        value = self._passed[setting]
        if value is None and setting in settings.VARIABLES:
            value = self.variable(settings.VARIABLES[setting])
        return value

    def variable(self, name: str) -> str | None:
        """Return what the environment has; a variable that is set to nothing is not set."""
        return self._environ.get(name) or None


def _read(given: _Given) -> tuple[dict[str, Any], list[str]]:
    """Return the settings in their types, and what is wrong with each of the others."""
    checks: dict[str, Callable[[Any], Any]] = {
        "api_key": _api_key,
        "workspace_id": settings.workspace_id,
        "agent_id": settings.agent_id,
        "base_url": partial(_base_url, allow_insecure=given["allow_insecure"] is True),
        "agent_version": settings.agent_version,
        "debug": settings.debug,
        "auth_header": settings.auth_header,
        "allow_insecure": partial(settings.switch, "allow_insecure"),
        "outbox_dir": partial(settings.outbox_dir, default=given.variable("XDG_STATE_HOME")),
        "fsync": partial(settings.switch, "fsync"),
        "outbox_max_bytes": partial(settings.amount, "outbox_max_bytes"),
        "outbox_min_free_bytes": partial(settings.amount, "outbox_min_free_bytes"),
        "shared_call_ids": partial(settings.switch, "shared_call_ids"),
    }
    values: dict[str, Any] = {}
    problems = list(given.problems)
    for setting, check in checks.items():
        try:
            values[setting] = check(given[setting])
        except ConfigError as error:
            problems.append(str(error))
    return values, problems


def _as_one(problems: list[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    return "\n  ".join([f"{len(problems)} settings are missing or wrong:", *problems])


def _api_key(value: object) -> ApiKey:
    return ApiKey(settings.api_key(value.reveal() if isinstance(value, ApiKey) else value))


def _base_url(value: object, *, allow_insecure: bool) -> str:
    return settings.base_url(DEFAULT_BASE_URL if value is None else value, allow_insecure=allow_insecure)


def find_outbox_dir(
    outbox_dir: str | os.PathLike[str] | None = None, environ: Mapping[str, str] | None = None
) -> Path:
    """Return where the outbox is for somebody who has no key: as passed, `TUNER_OUTBOX_DIR`, or the default.

    Raises:
        ConfigError: The path is relative, or there is none to be found.
    """
    given = _Given({"outbox_dir": outbox_dir}, environ)
    del environ  # for what a traceback may carry
    return settings.outbox_dir(given["outbox_dir"], given.variable("XDG_STATE_HOME"))
