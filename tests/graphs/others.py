"""Programs without a StateGraph: the functional API, plain LCEL, bare models, executors, message histories."""

from __future__ import annotations

import warnings
from typing import Any

from langchain_core.callbacks import dispatch_custom_event
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.runnables.history import RunnableWithMessageHistory
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.types import Command, RetryPolicy, interrupt
from scripted import ScriptedModel, call

from graphs.play import BATCH, EVERY, Play, case, sketch
from graphs.toolcalls import find_table

PLAIN = ("invoke", "stream", "ainvoke", "astream", "astream_events", *BATCH)


@case(
    """
    flow <- __start__ [entry]
    step_one <- flow [call]
    step_two <- flow [call]
""",
    modes=EVERY,
    needs="langgraph>=1.1",  # the first 1.0 loses a task's result in astream_events
)
def functional_api() -> Any:
    @task
    def step_one(value: str) -> str:
        return value + "1"

    @task
    def step_two(value: str) -> str:
        return value + "2"

    @entrypoint()
    def flow(value: str) -> str:
        return step_two(step_one(value).result()).result()

    return Play(flow, ("x",))


@case(
    """
    flow <- __start__ [entry] = interrupted "sure?"
    step_one <- flow [call]
    turn 2
    flow <- __resume__ [resume]
    step_two <- flow [call]
""",
    modes=EVERY,
)
def functional_api_with_an_interrupt() -> Any:
    @task
    def step_one(value: str) -> str:
        return value + "1"

    @task
    def step_two(value: str) -> str:
        return value + "2"

    @entrypoint(checkpointer=InMemorySaver())
    def flow(value: str) -> str:
        one = step_one(value).result()
        return step_two(one + interrupt("sure?")).result()

    return Play(flow, ("x", Command(resume="yes")), {"configurable": {"thread_id": "t1"}})


@case(
    """
    flow <- __start__ [entry]
    flaky <- flow [call] = error ConnectionError: once
    flaky <- flaky [retry] #2
""",
    modes=EVERY,
)
def functional_api_with_a_retry() -> Any:
    failed: list[int] = []

    def flaky(value: str) -> str:
        if not failed:
            failed.append(1)
            raise ConnectionError("once")
        return value

    retried: Any = task(flaky, retry_policy=RetryPolicy(initial_interval=0.001, jitter=False))  # type: ignore[call-overload]  # LangGraph's overloads know no retried function

    @entrypoint()
    def flow(value: str) -> str:
        return str(retried(value).result())

    return Play(flow, ("x",))


@case(
    """
    flow <- __start__ [entry] = error
    bad <- flow [call] = error ValueError: no
""",
    modes=EVERY,
    fails="ValueError",
)
def functional_api_that_raises() -> Any:
    @task
    def bad(value: str) -> str:
        raise ValueError("no")

    @entrypoint()
    def flow(value: str) -> str:
        return bad(value).result()

    return Play(flow, ("x",))


@case(
    """
    work <- __start__ [entry]
    helper <- work [call]
    b <- work [edge]
""",
    modes=EVERY,
)
def task_in_a_node() -> Any:
    @task
    def helper(value: str) -> str:
        return value

    def work(state: Any) -> Any:
        return {"log": [helper("x").result()]}

    return sketch("^ > work > b > $", nodes={"work": work})


@case("", modes=PLAIN)
def lcel_chain() -> Any:
    prompt = ChatPromptTemplate.from_messages([("human", "{question}")])
    return Play(prompt | ScriptedModel("Here.") | StrOutputParser(), ({"question": "Where?"},))


@case("", modes=PLAIN, unordered=True)
def lcel_parallel() -> Any:
    return Play(RunnableParallel(a=RunnableLambda(str.upper), b=RunnableLambda(str.lower)), ("x",))


@case("", modes=PLAIN)
def bare_model() -> Any:
    return Play(ScriptedModel("Hello."), ("Hi",))


@case(
    "",
    modes=("invoke", "stream", "ainvoke", "astream", "astream_events"),
    fails="ValueError",
    errors="turn 1: ValueError: no",
)
def lcel_chain_that_raises() -> Any:
    def no(value: Any) -> Any:
        raise ValueError("no")

    return Play(RunnableLambda(lambda value: value) | RunnableLambda(no), ("x",))


@case(
    "",
    modes=("invoke", "stream", "ainvoke", "astream", "astream_events"),
    fails="ValueError",
    errors="turn 1: ValueError: busy",
)
def bare_model_that_raises() -> Any:
    return Play(ScriptedModel(ValueError("busy")), ("Hi",))


@case("", modes=("invoke", "ainvoke"))
def message_history() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are deprecated, and people use them
        store = InMemoryChatMessageHistory()
        chain = RunnableWithMessageHistory(ScriptedModel("Hello."), lambda session_id: store)
    return Play(chain, ("Hi", "Hi again"), {"configurable": {"session_id": "s1"}})


@case(
    """
    call find_table {"people":2} @None
    answer find_table {"value":"19:30"}
""",
    modes=("invoke", "stream", "ainvoke", "astream"),
    needs="langchain_classic",
)
def agent_executor() -> Any:
    from langchain_classic.agents import AgentExecutor, create_tool_calling_agent

    prompt = ChatPromptTemplate.from_messages([("human", "{input}"), ("placeholder", "{agent_scratchpad}")])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        agent = create_tool_calling_agent(
            ScriptedModel(call("find_table", people=2), "At 19:30."), [find_table], prompt
        )
        return Play(AgentExecutor(agent=agent, tools=[find_table]), ({"input": "Hello"},))


@case("", modes=("invoke", "ainvoke"))
def event_outside_of_a_node() -> Any:
    def tell(value: str) -> str:
        dispatch_custom_event("told", {"value": value})
        return value

    return Play(RunnableLambda(tell), ("x",))
