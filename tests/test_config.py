"""Settings: where each comes from, what is wrong with a wrong one, and a key that nobody gets to see."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from rich.pretty import pretty_repr

from tuner_langchain import ConfigError, TunerConfig
from tuner_langchain.config import ApiKey, find_outbox_dir

KEY = "tr_api_5e7a11b0"

RIGHT: dict[str, Any] = {"api_key": KEY, "workspace_id": 42, "agent_id": "front desk", "environ": {}}

ENVIRONMENT = {"TUNER_API_KEY": KEY, "TUNER_WORKSPACE_ID": "42", "TUNER_AGENT_ID": "front desk"}


class Odd:
    """An object that cannot be looked at."""

    def __repr__(self) -> str:
        raise RuntimeError(KEY)

    __str__ = __fspath__ = __repr__

    def __eq__(self, other: object) -> bool:
        raise RuntimeError(KEY)

    __hash__ = object.__hash__


def config(**settings: Any) -> TunerConfig:
    return TunerConfig(**(RIGHT | settings))


def error_of(**settings: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        config(**settings)
    return str(caught.value)


def test_the_environment_is_enough() -> None:
    """Every setting that has a variable is read from it, in the type it has."""
    environment = {
        **ENVIRONMENT,
        "TUNER_BASE_URL": "https://tuner.example.com/",
        "TUNER_DEBUG": "true",
        "AGENT_VERSION": "7",
        "TUNER_OUTBOX_DIR": "/var/spool/tuner",
    }

    read = TunerConfig(environ=environment)

    assert read.api_key.reveal() == KEY
    assert (read.workspace_id, read.agent_id, read.agent_version) == (42, "front desk", 7)
    assert (read.base_url, read.debug) == ("https://tuner.example.com", True)
    assert read.outbox_dir == Path("/var/spool/tuner")


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `environ` the process' own environment is read, once, when the config is made."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AGENT_VERSION", raising=False)

    read = TunerConfig()
    monkeypatch.setenv("TUNER_WORKSPACE_ID", "43")

    assert read.workspace_id == 42


def test_an_argument_wins_over_its_variable() -> None:
    """What is passed is taken, whatever the environment says."""
    assert config(environ={"TUNER_WORKSPACE_ID": "43"}).workspace_id == 42


def test_an_empty_variable_is_no_setting() -> None:
    """A variable that is set to nothing counts as missing, or as the default."""
    assert config(environ={"TUNER_BASE_URL": "", "TUNER_DEBUG": "", "AGENT_VERSION": ""}) == config()
    assert "api_key: is missing" in error_of(api_key=None, environ={"TUNER_API_KEY": ""})


PLACEHOLDERS = (
    "tr_api_...",
    "tr_api_",
    "tr_api_***",
    "ApiKey('***')",
    "<your-key>",
    "$TUNER_API_KEY",
    "${KEY}",
)
PATHS_OF_API = ("/api/v1", "/api/v1/", "/api/v1/public", "/api/v1/public/call", "/x/api/v2/public/call//")


@pytest.mark.parametrize("key", PLACEHOLDERS)
def test_a_placeholder_is_no_key(key: str) -> None:
    """What documentation or a template has in the key's place is found out here, not by a refusal later."""
    assert error_of(api_key=key).startswith("api_key: is a placeholder, not a key. Expected ")


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (f'"{KEY}"', "is in quotation marks"),
        (f"Bearer {KEY}", "begins with the word Bearer"),
        ("sk-proj-5e7a11b0", "begins with sk-, as keys of model providers do"),
    ],
)
def test_a_key_that_cannot_be_one(key: str, problem: str) -> None:
    """The usual mistakes are named, and the key is not."""
    message = error_of(api_key=key)

    assert message.startswith(f"api_key: {problem}")
    assert "5e7a11b0" not in message


@pytest.mark.parametrize("path", PATHS_OF_API)
def test_the_path_of_the_api_is_added_once(path: str) -> None:
    """An address that holds the API's path already would be asked for `/call/api/v1/public/call`."""
    message = error_of(base_url=f"https://api.usetuner.ai{path}")

    assert "base_url: holds the path of the API, and /api/v1/public/call is added to it" in message
    assert "Expected an address like https://api.usetuner.ai" in message


def test_a_deployment_below_a_path() -> None:
    """A gateway's own prefix is left as it is."""
    assert config(base_url="https://gateway.example.com/tuner/api/").base_url.endswith("/tuner/api")


def test_all_that_is_missing_is_named_at_once() -> None:
    """Three missing settings are one error, not three runs."""
    with pytest.raises(ConfigError) as caught:
        TunerConfig(environ={})

    first, *rest = str(caught.value).splitlines()
    assert first == "3 settings are missing or wrong:"
    for line, setting in zip(rest, ("api_key", "workspace_id", "agent_id"), strict=True):
        assert line.startswith(f"  {setting}: is missing. Expected ")
        assert line.endswith(f"; pass {setting}=... or set TUNER_{setting.upper()}.")


def test_missing_and_wrong_settings_are_named_together() -> None:
    """What is wrong stands beside what is missing, each with its own way out."""
    message = error_of(agent_id=None, base_url="usetuner.ai", fsync="no")

    assert message.startswith("3 settings are missing or wrong:\n  agent_id: is missing.")
    assert "\n  base_url: does not begin with https://" in message
    assert "\n  fsync: is 'no'" in message


@pytest.mark.parametrize("where", ["constructor", "environment"])
@pytest.mark.parametrize(
    ("setting", "variable", "wrong", "problem", "expected"),
    [
        ("api_key", "TUNER_API_KEY", " ", "is blank", "the workspace's API key, like tr_api_"),
        ("api_key", "TUNER_API_KEY", f"{KEY}\n", "holds a space, a line break", "the workspace's API key"),
        ("api_key", "TUNER_API_KEY", f"{KEY}ü", "a character outside ASCII", "the workspace's API key"),
        ("workspace_id", "TUNER_WORKSPACE_ID", "main", "is 'main'", "the workspace's number, like 42"),
        ("workspace_id", "TUNER_WORKSPACE_ID", "-1", "is '-1'", "the workspace's number"),
        ("workspace_id", "TUNER_WORKSPACE_ID", "0", "is '0'", "the workspace's number"),
        ("workspace_id", "TUNER_WORKSPACE_ID", "4.2", "is '4.2'", "the workspace's number"),
        ("agent_id", "TUNER_AGENT_ID", "  ", "is '  '", "the agent's remote identifier"),
        ("agent_id", "TUNER_AGENT_ID", "a\nb", "holds a control character", "the agent's remote identifier"),
        ("agent_id", "TUNER_AGENT_ID", "a\ud800", "a lone surrogate", "the agent's remote identifier"),
        ("agent_version", "AGENT_VERSION", "v2", "is 'v2'", "a whole number, 0 or more"),
        ("agent_version", "AGENT_VERSION", "-1", "is '-1'", "a whole number, 0 or more"),
        ("debug", "TUNER_DEBUG", "maybe", "is 'maybe'", "true or false"),
        ("outbox_dir", "TUNER_OUTBOX_DIR", "spool", "is 'spool', a relative path", "an absolute path"),
        ("base_url", "TUNER_BASE_URL", "usetuner.ai", "does not begin with https://", "an address like"),
        ("base_url", "TUNER_BASE_URL", "ftp://a.example.com", "does not begin with https://", "an address"),
        ("base_url", "TUNER_BASE_URL", "https://", "does not begin with https:// and a host", "an address"),
        ("base_url", "TUNER_BASE_URL", "https://a.example.com:0", "does not begin", "an address like"),
        ("base_url", "TUNER_BASE_URL", "https://a.example.com:port", "is not an address", "an address like"),
        ("base_url", "TUNER_BASE_URL", "https://[::1", "is not an address", "an address like"),
        ("base_url", "TUNER_BASE_URL", "https://a.example.com /", "is not an address", "an address like"),
        ("base_url", "TUNER_BASE_URL", f"https://me:{KEY}@a.example.com", "holds a user name", "an address"),
        ("base_url", "TUNER_BASE_URL", "https://a.example.com?b=c", "holds a query", "an address like"),
        (
            "base_url",
            "TUNER_BASE_URL",
            "https://a.example.com#b",
            "holds a query or a fragment",
            "an address",
        ),
        (
            "base_url",
            "TUNER_BASE_URL",
            "http://a.example.com",
            "is plain http to a.example.com",
            "an address",
        ),
        (
            "base_url",
            "TUNER_BASE_URL",
            "http://tuner.localhost",
            "is plain http to tuner.localhost",
            "an address",
        ),
        ("base_url", "TUNER_BASE_URL", "http://evil.com\\.localhost", "is not an address", "an address like"),
        (
            "base_url",
            "TUNER_BASE_URL",
            "https://evil.com\\@a.example",
            "is not an address",
            "an address like",
        ),
        ("base_url", "TUNER_BASE_URL", "https://a..example.com", "is not an address", "an address like"),
        ("base_url", "TUNER_BASE_URL", "https://[::1%25eth0]", "is not an address", "an address like"),
        (
            "base_url",
            "TUNER_BASE_URL",
            "http://127.0.0.1.nip.io",
            "is plain http to 127.0.0.1.nip",
            "address",
        ),
    ],
)
def test_a_wrong_setting(
    where: str, setting: str, variable: str, wrong: str, problem: str, expected: str
) -> None:
    """The message names the setting, the problem, what is expected and both places it may be set, not the key."""
    if where == "constructor":
        message = error_of(**{setting: wrong})
    else:
        message = error_of(**{setting: None}, environ={variable: wrong})

    assert message.startswith(f"{setting}: ")
    assert problem in message
    assert expected in message.partition("Expected ")[2]
    assert message.endswith(f"; pass {setting}=... or set {variable}.")
    assert KEY not in message


@pytest.mark.parametrize(
    ("setting", "variable"),
    [
        ("api_key", "TUNER_API_KEY"),
        ("workspace_id", "TUNER_WORKSPACE_ID"),
        ("agent_id", "TUNER_AGENT_ID"),
    ],
)
def test_a_missing_setting(setting: str, variable: str) -> None:
    """Each required setting that is nowhere to be found is named, with its variable."""
    message = error_of(**{setting: None})

    assert message.startswith(f"{setting}: is missing. Expected ")
    assert message.endswith(f"; pass {setting}=... or set {variable}.")


@pytest.mark.parametrize(
    ("setting", "wrong", "problem"),
    [
        ("api_key", 5, "is an int, not a string"),
        ("workspace_id", True, "is True"),
        ("workspace_id", 4.0, "is 4.0"),
        ("agent_id", 7, "is 7"),
        pytest.param("workspace_id", 10**5000, "is an int", id="a number that Python does not write out"),
        ("workspace_id", 10**18, "is 1000"),
        ("workspace_id", Odd(), "is an Odd"),
        ("agent_id", Odd(), "is an Odd"),
        ("debug", Odd(), "is an Odd"),
        ("auth_header", Odd(), "is an Odd"),
        ("base_url", Odd(), "is not an address"),
        ("outbox_dir", Odd(), "is an Odd"),
        ("outbox_dir", "/a\0b", "is '/a\\x00b', with a null character"),
        ("outbox_dir", "/a\ud800b", "is '/a\\ud800b'"),
        ("outbox_dir", "~nobody-of-this-name/x", "is '~nobody-of-this-name/x', and that user has no home"),
        ("environ", ["TUNER_API_KEY"], "is a list. Expected a mapping of variables, like os.environ"),
        ("shared_call_ids", 1, "is 1. Expected True or False; pass shared_call_ids=...."),
        ("agent_version", True, "is True"),
        ("agent_version", -1, "is -1"),
        ("base_url", 7, "is not an address"),
        ("outbox_dir", 7, "is an int"),
        ("auth_header", "basic", "is 'basic'. Expected 'bearer' or 'x-api-key'; pass auth_header=...."),
        ("auth_header", None, "is None"),
        ("allow_insecure", "false", "is 'false'. Expected True or False; pass allow_insecure=...."),
        ("fsync", "no", "is 'no'. Expected True or False; pass fsync=...."),
        ("outbox_max_bytes", -1, "is -1. Expected a number of bytes, 0 or more"),
        ("outbox_min_free_bytes", "lots", "is 'lots'. Expected a number of bytes, 0 or more"),
    ],
)
def test_a_setting_of_a_wrong_type(setting: str, wrong: Any, problem: str) -> None:
    """What only code can pass is checked too."""
    assert error_of(**{setting: wrong}).startswith(f"{setting}: {problem}")


@pytest.mark.parametrize(
    "setting", ["workspace_id", "agent_version", "debug", "auth_header", "outbox_dir", "fsync"]
)
def test_a_key_in_the_wrong_place_is_not_shown(setting: str) -> None:
    """A key that was given for another setting does not end up in the error."""
    message = error_of(**{setting: KEY})

    assert KEY not in message
    assert message.startswith(f"{setting}: is an API key, it seems")


@pytest.mark.parametrize(
    "address",
    ["http://localhost:8321", "http://127.0.0.1:1", "http://[::1]:8321", "https://a.example.com"],
)  # fmt: skip
def test_addresses_that_are_safe(address: str) -> None:
    """https goes anywhere, plain http on this machine's loopback."""
    assert config(base_url=address).base_url == address


def test_plain_http_where_the_user_says_so() -> None:
    """`allow_insecure=True` is the way out that the message names."""
    assert "allow_insecure=True" in error_of(base_url="http://tuner.internal")
    assert config(base_url="http://tuner.internal", allow_insecure=True).base_url == "http://tuner.internal"


@pytest.mark.parametrize(
    ("word", "value"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("FALSE", False)]
)
def test_the_words_of_a_switch(word: str, value: bool) -> None:
    """`TUNER_DEBUG` takes the usual words."""
    assert config(environ={"TUNER_DEBUG": word}).debug is value


def test_other_shapes_of_keys_are_taken() -> None:
    """A session token, or a key that was wrapped already, is as good as a `tr_api_` key."""
    assert config(api_key="eyJhbGciOi.x.y").api_key.reveal() == "eyJhbGciOi.x.y"
    assert config(api_key=ApiKey(KEY)) == config()


def test_settings_do_not_change() -> None:
    """A config is frozen; `dataclasses` knows its fields."""
    settings = config()

    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.workspace_id = 43  # type: ignore[misc]  # that is the point
    assert "api_key" in {field.name for field in dataclasses.fields(settings)}


def test_two_configs_of_the_same_settings_are_equal() -> None:
    """Equal settings compare equal and hash equal, so that one delivery serves them."""
    assert config() == config()
    assert hash(config()) == hash(config())
    assert config() != config(api_key="tr_api_other")


SHOWINGS: dict[str, Callable[[TunerConfig], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda settings: f"{settings} {settings!r} {settings.api_key} {settings.api_key!s:>20}",
    "percent": lambda settings: "%s %r" % (settings, settings.api_key),  # noqa: UP031  the older way is the point
    "pprint": pprint.pformat,
    "rich": pretty_repr,
    "asdict": lambda settings: repr(dataclasses.asdict(settings)),
    "astuple": lambda settings: repr(dataclasses.astuple(settings)),
    "deepcopy": lambda settings: repr(copy.deepcopy(settings)),
    "replace": lambda settings: repr(copy.copy(settings)),
    "json": lambda settings: json.dumps(dataclasses.asdict(settings), default=str),
    "bytes": lambda settings: repr([settings.api_key]) + repr({settings.api_key}),
}


@pytest.mark.parametrize("way", SHOWINGS)
def test_the_key_is_masked(way: str) -> None:
    """However a config is turned into text, the rest is there and the key is not."""
    shown = SHOWINGS[way](config())

    assert KEY not in shown
    assert "***" in shown


def test_a_config_is_not_pickled() -> None:
    """A pickle would carry the key to wherever it is written; the error does not either."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="an API key is not to be pickled") as caught:
            pickle.dumps(config(), protocol)
        assert KEY not in str(caught.value)


def test_a_copy_still_knows_the_key() -> None:
    """A deep copy, as frameworks make them of their settings, works as the original does."""
    assert copy.deepcopy(config()).api_key.reveal() == KEY


def test_a_traceback_does_not_show_the_key() -> None:
    """An error about another setting, with its whole traceback and causes, has no key in it."""
    try:
        config(base_url=f"https://{KEY}:x@a.example.com:port")
    except ConfigError as error:
        text = "".join(traceback.format_exception(error))

    assert "base_url: " in text
    assert KEY not in text


def everything_of(error: BaseException) -> str:
    """Return an error as reporters of errors write it: with the locals of each frame, and what led to it."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    causes = (repr(error.__cause__), repr(error.__context__))
    return "".join([*told.format(), *causes])


WRONG: dict[str, Any] = {
    "api_key": f"{KEY}\n", "workspace_id": KEY, "agent_id": 7, "base_url": f"http://{KEY}.example.com",
    "agent_version": KEY, "debug": KEY, "auth_header": KEY, "allow_insecure": KEY, "outbox_dir": KEY, "fsync": KEY,
    "outbox_max_bytes": KEY, "outbox_min_free_bytes": KEY, "shared_call_ids": KEY,
}  # fmt: skip


@pytest.mark.parametrize("setting", WRONG)
@pytest.mark.parametrize("where", ["argument", "mapping", "process"])
def test_no_local_of_a_traceback_holds_the_key(
    where: str, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reporters of errors send locals: with any setting wrong, neither key nor environment is in one of ours."""
    settings = {**RIGHT, setting: WRONG[setting]}
    if where != "argument":
        environment = {**ENVIRONMENT, "TUNER_API_KEY": settings.pop("api_key"), "OTHER_SECRET": "hunter22"}
        settings["environ"] = environment
    if where == "process":
        del settings["environ"]
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    with pytest.raises(ConfigError) as caught:
        TunerConfig(**settings)
    settings, environment = {}, {}
    text = everything_of(caught.value.with_traceback(ours(caught.value)))

    assert f"{setting}: " in text
    assert KEY not in text
    assert "hunter22" not in text
    assert "TunerConfig()" in text  # the half-built config can be shown


def ours(error: BaseException) -> TracebackType | None:
    """Return an error's traceback from where it enters the package."""
    step = error.__traceback__
    while step is not None and "tuner_langchain" not in step.tb_frame.f_globals["__name__"]:
        step = step.tb_next
    return step


def test_the_outbox_is_found_without_showing_the_environment() -> None:
    """`outbox` and `show` ask for the directory alone; their error does not carry the environment."""
    with pytest.raises(ConfigError) as caught:
        find_outbox_dir(environ={"TUNER_OUTBOX_DIR": "here", "TUNER_API_KEY": KEY})
    text = everything_of(caught.value.with_traceback(ours(caught.value)))

    assert "outbox_dir: is 'here', a relative path" in text
    assert KEY not in text


@pytest.mark.parametrize("name", ["key", "apikey", "workspace", "url"])
def test_an_argument_that_does_not_exist(name: str) -> None:
    """Python's own error names it, and not what was passed."""
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'") as caught:
        config(**{name: KEY})

    assert KEY not in str(caught.value)


def test_a_log_does_not_show_the_key(caplog: pytest.LogCaptureFixture) -> None:
    """Logged in any way, the key is masked."""
    logging.getLogger("an.application").warning("settings: %s %r %s", config(), config(), config().api_key)

    assert "***" in caplog.text
    assert KEY not in caplog.text
