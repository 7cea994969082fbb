"""What a handler is made with is looked at when it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hostile.objects import Raises

from lifecycle.calls import Outlet, graph, take_turn
from tuner_langchain import CallFactError, Capture, ConfigError, Delivery, TunerCallbackHandler, TunerConfig

KEY = "tr_api_nobody-may-see-this"


def config() -> TunerConfig:
    """Return settings that lead nowhere."""
    return TunerConfig(
        api_key=KEY,
        workspace_id=1,
        agent_id="a",
        base_url="http://127.0.0.1:9",
        allow_insecure=True,
        environ={},
    )


WRONG: dict[str, tuple[str, Callable[[], Any], str]] = {
    "capture False": ("capture", lambda: False, "Capture.nothing()"),
    "capture True": ("capture", lambda: True, "Capture("),
    "capture class": ("capture", lambda: Capture, "the class Capture itself"),
    "capture dict": ("capture", lambda: {"words": False}, "a dict"),
    "capture empty": ("capture", dict, "a dict"),
    "config dict": ("config", lambda: {"api_key": KEY}, "TunerConfig("),
    "config key": ("config", lambda: KEY, "TunerConfig("),
    "config class": ("config", lambda: TunerConfig, "TunerConfig("),
    "delivery config": ("delivery", config, "a Delivery"),
    "delivery class": ("delivery", lambda: Delivery, "the class Delivery itself"),
    "delivery odd": ("delivery", Raises, "a Delivery"),
    "graph name": ("graph", lambda: "g", "compiled graph"),
    "graph builder": ("graph", lambda: graph().builder, "compile()"),
    "graph odd": ("graph", Raises, "compiled graph"),
    "agent_text": ("agent_text", lambda: "x", "a function"),
    "clock number": ("clock", lambda: 5, "nanoseconds"),
    "clock None": ("clock", lambda: None, "nanoseconds"),
    "messages_key number": ("messages_key", lambda: 7, "a string"),
    "messages_key empty": ("messages_key", lambda: "", "a string"),
    "messages_key None": ("messages_key", lambda: None, "a string"),
    "send_unfinalized": ("send_unfinalized", lambda: "no", "True or False"),
    "send_unfinalized None": ("send_unfinalized", lambda: None, "True or False"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_argument_is_an_error_that_names_it(case: str) -> None:
    """It says what is expected, and shows nothing that may be a key."""
    name, make, expected = WRONG[case]
    given: dict[str, Any] = {"delivery": Outlet(), name: make()}
    with pytest.raises(ConfigError, match=rf"^{name}: is ") as wrong:
        TunerCallbackHandler(**given)

    assert expected in str(wrong.value)
    assert KEY not in str(wrong.value)


def test_right_arguments_are_taken() -> None:
    """The defaults, None where that is the default, and an outlet of the program's own."""
    handler = TunerCallbackHandler(
        delivery=Outlet(), config=None, capture=None, graph=graph(), agent_text=None, send_unfinalized=False,
        messages_key="messages", clock=lambda: 5,
    )  # fmt: skip
    take_turn(handler)

    assert handler.finalize().state == "delivered"


@pytest.mark.parametrize("setting", ["api_key", "workspace_id", "agent_id", "base_url", "outbox_dir"])
def test_a_setting_among_the_facts_says_where_settings_go(setting: str) -> None:
    """Also where the environment holds none, and its value is not shown."""
    given: dict[str, Any] = {setting: KEY}
    with pytest.raises(CallFactError, match=rf"{setting}: .*config=TunerConfig\({setting}=\.\.\.\)") as wrong:
        TunerCallbackHandler(**given)

    assert KEY not in str(wrong.value)


@pytest.mark.parametrize(
    ("given", "meant"),
    [("call_typ", "call_type"), ("sentiment", "user_sentiment"), ("phone_number", "caller_phone_number")],
)
@pytest.mark.parametrize("way", ["constructor", "update", "finalize"])
def test_an_unknown_fact_suggests_the_nearest(given: str, meant: str, way: str) -> None:
    """Wherever it is given; the call goes on, or is finalised without it."""
    facts: dict[str, Any] = {given: "x"}
    handler = TunerCallbackHandler(delivery=Outlet())
    take_turn(handler)
    ways: dict[str, Callable[[], Any]] = {
        "constructor": lambda: TunerCallbackHandler(delivery=Outlet(), **facts),
        "update": lambda: handler.update(**facts),
        "finalize": lambda: handler.finalize(**facts),
    }
    with pytest.raises(CallFactError, match=f"{given}: .*Did you mean {meant}"):
        ways[way]()
    assert handler.finalize().state == "delivered"
