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
from typing import Any

import pytest
from rich.pretty import pretty_repr

from tuner_langchain import ConfigError, TunerConfig
from tuner_langchain.config import ApiKey

KEY = "tr_api_5e7a11b0"

RIGHT: dict[str, Any] = {"api_key": KEY, "workspace_id": 42, "agent_id": "front desk", "environ": {}}

ENVIRONMENT = {"TUNER_API_KEY": KEY, "TUNER_WORKSPACE_ID": "42", "TUNER_AGENT_ID": "front desk"}


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
        ("api_key", 5, "is a int, not a string"),
        ("workspace_id", True, "is True"),
        ("workspace_id", 4.0, "is 4.0"),
        ("agent_id", 7, "is 7"),
        ("agent_version", True, "is True"),
        ("agent_version", -1, "is -1"),
        ("base_url", 7, "is not an address"),
        ("outbox_dir", 7, "is a int"),
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
    ["http://localhost:8321", "http://tuner.localhost", "http://127.0.0.1:1", "http://[::1]:8321", "https://a.example.com"],
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


def test_a_log_does_not_show_the_key(caplog: pytest.LogCaptureFixture) -> None:
    """Logged in any way, the key is masked."""
    logging.getLogger("an.application").warning("settings: %s %r %s", config(), config(), config().api_key)

    assert "***" in caplog.text
    assert KEY not in caplog.text
