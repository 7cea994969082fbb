"""A chain without a graph: a retriever, a prompt, a model and a parser, and each question of a call to Tuner.

Without an account, a Tuner on this machine takes the call:

    tuner-langchain serve --once-ready python examples/lcel_chain.py

With one, set TUNER_API_KEY, TUNER_WORKSPACE_ID and TUNER_AGENT_ID, and AGENT_MODEL (openai:gpt-4o-mini, say) for
a real model.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel, FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnablePassthrough

from tuner_langchain import TunerCallbackHandler

if TYPE_CHECKING:
    from langchain_core.callbacks import CallbackManagerForRetrieverRun

HANDBOOK = {
    "hours": "We are open from 12:00 to 22:00, on Mondays from 17:00.",
    "parking": "There are three places behind the house.",
    "dogs": "Dogs are welcome in the garden.",
}

QUESTIONS = ("When are you open on Mondays?", "May I bring my dogs?")
ANSWERS = ["On Mondays we open at five.", "Yes, to the garden."]

PROMPT = ChatPromptTemplate.from_messages(
    [("system", "Answer a caller in one sentence, from these notes only:\n{notes}"), ("human", "{question}")]
)


class Handbook(BaseRetriever):
    """Finds the notes that share a word with the question; a vector store in real life."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        words = query.lower().replace("open", "hours")
        return [Document(note, metadata={"source": name}) for name, note in HANDBOOK.items() if name in words]


def build_chain(model: BaseChatModel) -> Runnable[str, str]:
    notes: Runnable[str, str] = Handbook() | (lambda found: "\n".join(note.page_content for note in found))
    inputs: dict[str, Any] = {"notes": notes, "question": RunnablePassthrough()}
    return inputs | PROMPT | model | StrOutputParser()


def choose_model() -> BaseChatModel:
    if name := os.environ.get("AGENT_MODEL"):
        from langchain.chat_models import init_chat_model  # noqa: PLC0415 - a rehearsal needs no vendor

        return init_chat_model(name)
    return FakeListChatModel(responses=ANSWERS)


def main() -> int:
    chain = build_chain(choose_model())
    with TunerCallbackHandler(call_type="phone_call") as handler:
        for question in QUESTIONS:
            print(f"caller: {question}")
            print("agent:  ", end="")
            for token in chain.stream(question, {"callbacks": [handler]}):
                print(token, end="", flush=True)
            print()
    receipt = handler.finalize()  # the call was finalised when the block ended; this is its receipt
    receipt.wait(timeout=10)
    print(receipt)
    return 0 if receipt.state == "delivered" else 1


if __name__ == "__main__":
    sys.exit(main())
