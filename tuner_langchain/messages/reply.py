"""A model's result, read: what it said, which model it was, and the tokens it reported. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from tuner_langchain.messages.content import content_text
from tuner_langchain.messages.said import id_of
from tuner_langchain.values import tolerant

if TYPE_CHECKING:
    from collections.abc import Mapping

Reported = Literal["spent", "cached", "elsewhere", "unknown"]

_NOTHING: Final[Mapping[str, Any]] = {}


class Usage(NamedTuple):
    """Tokens of one model call as the model reported them."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    cache_read_tokens: int = 0
    reasoning_tokens: int = 0
    cache_write_tokens: int = 0
    audio_tokens: int = 0


class Reply:
    """What a model call ended with.

    Its words are taken when it ends. Its figures are read when they are asked for, after the call: until then
    the reports are kept as they came, and nobody writes into those.
    """

    __slots__ = ("_metadata", "_named", "_output", "_tokens", "message_id", "text")

    def __init__(
        self,
        text: str = "",
        message_id: str | None = None,
        named: Any = None,
        metadata: Any = None,
        output: Any = None,
    ) -> None:
        self.text = text
        self.message_id = message_id
        self._named = named
        self._metadata = metadata
        self._output = output
        self._tokens: tuple[Usage | None, Reported] | None = None

    @property
    @tolerant(None)
    def model(self) -> str | None:
        """The model as the provider named it."""
        return _name(_mapping(self._named)) or _name(_mapping(self._output))

    @property
    def usage(self) -> Usage | None:
        """The tokens, where they were reported and spent."""
        return self._read_tokens()[0]

    @property
    def reported(self) -> Reported:
        """What is known of its tokens.

        "spent" (in `usage`), "cached" (the answer came from LangChain's cache and cost nothing), "elsewhere"
        (counted with another prompt of the same batch), or "unknown".
        """
        return self._read_tokens()[1]

    def _read_tokens(self) -> tuple[Usage | None, Reported]:
        if self._tokens is None:
            self._tokens = _usage(self._metadata, _mapping(self._output))
        return self._tokens


EMPTY: Final = Reply()

# LangChain's names for the parts of a sum, then the providers'.
_INPUT_DETAILS: Final = (
    *("input_token_details", "input_tokens_details"),
    *("prompt_token_details", "prompt_tokens_details"),
)
_OUTPUT_DETAILS: Final = (
    *("output_token_details", "output_tokens_details"),
    *("completion_token_details", "completion_tokens_details"),
)


@tolerant(EMPTY)
def reply(response: Any) -> Reply:
    """Return what an LLMResult says."""
    generations = response.generations
    first = generations[0][0] if generations and generations[0] else None
    message = getattr(first, "message", None)
    output = getattr(response, "llm_output", None)
    if message is None:
        text = getattr(first, "text", "")
        return Reply(str.__str__(text) if isinstance(text, str) else "", output=output)
    content = message.content
    return Reply(
        content if type(content) is str else content_text(content),
        id_of(getattr(message, "id", None)),
        getattr(message, "response_metadata", None),
        getattr(message, "usage_metadata", None),
        output,
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING


def _name(named: Mapping[str, Any]) -> str | None:
    found = named.get("model_name") or named.get("model") or named.get("model_id")
    return found if isinstance(found, str) and found else None


@tolerant((None, "unknown"))
def _usage(metadata: Any, output: Mapping[str, Any]) -> tuple[Usage | None, Reported]:
    if isinstance(metadata, dict):
        # LangChain sets a total cost of zero on what it answers from its cache.
        if metadata.get("total_cost") == 0:
            return None, "cached"
        found = read_usage(metadata)
        if found is not None:
            return found, "spent"
    given = output.get("token_usage", output.get("usage"))
    found = read_usage(given)
    if found is not None:
        return found, "spent"
    # A batch of text prompts reports the tokens of all of them with the first.
    return None, "elsewhere" if given == {} and "token_usage" in output else "unknown"


def read_usage(found: Any) -> Usage | None:
    """Return the tokens in a usage report of LangChain's form or of a provider's, None where it names none."""
    if not isinstance(found, dict):
        return None
    given = _number(found.get("input_tokens", found.get("prompt_tokens")))
    made = _number(found.get("output_tokens", found.get("completion_tokens")))
    total = _number(found.get("total_tokens"))
    if given is None and made is None and total is None:
        return None
    inside, outside = _details(found, _INPUT_DETAILS), _details(found, _OUTPUT_DETAILS)
    given, made = given or 0, made or 0
    return Usage(
        given,
        made,
        given + made if total is None else total,
        _number(inside.get("cache_read", inside.get("cached_tokens"))) or 0,
        _number(outside.get("reasoning", outside.get("reasoning_tokens"))) or 0,
        _number(inside.get("cache_creation")) or 0,
        (_number(inside.get("audio", inside.get("audio_tokens"))) or 0)
        + (_number(outside.get("audio", outside.get("audio_tokens"))) or 0),
    )


def _details(found: Mapping[str, Any], names: tuple[str, ...]) -> Mapping[str, Any]:
    for name in names:
        details = found.get(name)
        if isinstance(details, dict):
            return details
    return {}


def _number(value: Any) -> int | None:
    if type(value) is int:
        return value if value >= 0 else None
    return int(value) if isinstance(value, float) and 0 <= value < 2**63 else None
