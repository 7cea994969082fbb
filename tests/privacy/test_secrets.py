"""Values under names that look like secrets: planted everywhere, searched for in the document and in all logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.callbacks import dispatch_custom_event
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel
from scripted import ScriptedModel, call

from tuner_langchain import Capture
from tuner_langchain.masking import MASK, is_secret_name, mask, mask_text, may_hold_secrets
from tuner_langchain.testing import record, validate

if TYPE_CHECKING:
    from tuner_langchain.testing.recording import RecordingHandler

SECRET = "hunter2-PLANTED"
SHAPED = "sk-PLANTEDplantedPLANTED123"
NAMES = (
    "api_key", "apiKey", "API-KEY", "x-api-key", "openai_api_key", "token", "access_token", "refreshToken",
    "password", "db_password", "passwd", "secret", "client_secret", "Authorization", "authorization",
    "Cookie", "set-cookie", "private_key", "credentials", "AWS_SECRET_ACCESS_KEY", "passphrase", "auth",
    "bearer",
)  # fmt: skip


class Login(BaseModel):
    """A model of the program's own."""

    user: str = "ada"
    password: str = SECRET


class State(MessagesState, total=False):
    """Messages and a login."""

    login: Any


@tool
def sign_in(login: dict[str, Any]) -> dict[str, Any]:
    """Sign in."""
    return {"ok": True, "session": {"access_token": SECRET}, "raw": json.dumps({"api_key": SECRET, "n": 1})}


@tool
def sign_in_badly(url: str) -> str:
    """Fail to sign in."""
    raise ConnectionError(
        f"401 from {url}: Authorization: Bearer {SECRET}; api_key={SECRET}, key {SHAPED} is wrong"
    )


class Drawer(BaseRetriever):
    """A retriever whose documents come from an address with a password."""

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [Document("text", metadata={"source": f"https://ada:{SECRET}@example.com/x"})]


def call_with_secrets(capture: Capture) -> RecordingHandler:
    """Run a call in which a secret passes through every place that is sent."""
    taken = record(capture=capture)
    config: Any = {"callbacks": [taken], "configurable": {"thread_id": "t", "api_key": SECRET}}

    def talk(state: State) -> dict[str, Any]:
        dispatch_custom_event("signed_in", {"headers": {"Authorization": f"Bearer {SECRET}"}})
        Drawer().invoke("x")
        sign_in.invoke(
            {"type": "tool_call", "id": "1", "name": "sign_in", "args": {"login": {"password": SECRET}}}
        )
        model = ScriptedModel(call("sign_in", password=SECRET))
        model.invoke([("system", f"Use api_key={SECRET} and password: {SECRET}"), *state["messages"]])
        return {"messages": [("ai", "You are in.")], "login": Login()}

    def ask(state: State) -> dict[str, Any]:
        interrupt({"question": "Which?", "token": SECRET})
        return {}

    graph = StateGraph(State)
    graph.add_node("talk", talk)
    graph.add_node("ask", ask)
    graph.add_edge(START, "talk")
    graph.add_edge("talk", "ask")
    given: Any = {"messages": [("user", "Hi")], "login": dict.fromkeys(NAMES, SECRET)}
    graph.compile(checkpointer=InMemorySaver()).invoke(given, config)
    with pytest.raises(ConnectionError):
        sign_in_badly.invoke({"url": f"https://ada:{SECRET}@example.com"}, config)
    taken.update(
        metadata={"settings": {"api_key": SECRET}},
        collected_dynamic_variables=dict.fromkeys(NAMES, SECRET),
        call_analysis={"raw": json.dumps({"token": SECRET})},
        general_meta_data_raw={"list": [{"password": [SECRET]}, f"postgres://ada:{SECRET}@db/x"]},
        sip_headers={"Authorization": SECRET, "X-Correlation-Id": "kept"},
    )
    taken.finalize()
    return taken


@pytest.mark.parametrize("redact", [None, lambda row: row], ids=["plain", "redact"])
def test_no_planted_secret_is_sent_or_logged(every_log: list[str], redact: Any) -> None:
    """With all switches on, no secret is in the document or in any log, and what stands beside it is."""
    taken = call_with_secrets(
        Capture(node_inputs=True, node_outputs=True, system_prompts=True, redact=redact)
    )

    assert taken.body is not None
    assert validate(taken.body) == []
    assert b"PLANTED" not in taken.body
    assert "PLANTED" not in "\n".join(every_log)
    assert taken.body.count(MASK.encode()) > len(NAMES)
    assert taken.document["sip_headers"] == {"Authorization": MASK, "X-Correlation-Id": "kept"}
    assert b"api_key" in taken.body


@pytest.mark.parametrize("name", NAMES)
def test_names_of_secrets(name: str) -> None:
    """Names are told by what they hold, whatever their case and punctuation."""
    assert is_secret_name(name)
    assert mask({name: SECRET}) == {name: MASK}
    assert may_hold_secrets(orjson.dumps({name: SECRET}))


@pytest.mark.parametrize(
    "name",
    [
        "author",
        "authorized",
        "input_tokens",
        "max_tokens",
        "tokenizer",
        "key",
        "keyboard",
        "secretary",
    ],
)
def test_names_that_only_sound_like_secrets(name: str) -> None:
    """A count of tokens or an author is no secret."""
    assert mask({name: "kept"}) == {name: "kept"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=hunter2&next=1", f"password={MASK}&next=1"),
        ("api_key: hunter2", f"api_key: {MASK}"),
        ("Authorization: Bearer abc.def-123", f"Authorization: {MASK}"),
        ('{"token": "a\\nb", "n": 1}', f'{{"token": "{MASK}", "n": 1}}'),
        ('{\\"api_key\\": \\"x y\\"}', f'{{\\"api_key\\": \\"{MASK}\\"}}'),
        ("{'api_key': 'x'}", f"{{'api_key': '{MASK}'}}"),
        ("postgres://ada:pw@db/x", f"postgres://{MASK}@db/x"),
        (f"Incorrect API key provided: {SHAPED}.", f"Incorrect API key provided: {MASK}."),
        ("The token is fine, my secret too.", "The token is fine, my secret too."),
        ("max_tokens: 5", "max_tokens: 5"),
        ("https://example.com/a:b@c", "https://example.com/a:b@c"),
    ],
)
def test_secrets_in_text(text: str, shown: str) -> None:
    """In text, what follows a secret's name or has a key's shape is masked, and nothing else."""
    assert mask_text(text) == shown


@given(
    st.recursive(
        st.text() | st.integers(-(2**63), 2**63 - 1) | st.none(),
        lambda kids: st.lists(kids) | st.dictionaries(st.text(), kids),
        max_leaves=40,
    )
)
def test_the_quick_look_never_misses(value: Any) -> None:
    """Whatever the careful walk would change, the quick look at the bytes sends to it."""
    if mask(value) != value:
        assert may_hold_secrets(orjson.dumps(value))


def test_what_was_said_is_not_masked() -> None:
    """The caller's words are words: they have no keys, and a transcript with holes is not true."""
    taken = record()
    ScriptedModel("Your token is: 1234.").invoke("My password: swordfish", {"callbacks": [taken]})

    assert [row["text"] for row in taken.timeline] == ["My password: swordfish", "Your token is: 1234."]
