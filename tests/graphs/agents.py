"""Programs from the shelf: create_agent with middleware, create_react_agent, supervisor, swarm, deepagents."""

from __future__ import annotations

import warnings
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware, ToolCallLimitMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import MessagesState
from langgraph.types import Command
from pydantic import BaseModel
from scripted import ScriptedModel, call, calls

from graphs.play import EVERY, Play, case, sketch
from graphs.prebuilt import create_react_agent
from graphs.toolcalls import ask, broken, find_table, free_tables

# The script of a model is used up in order, so these are not driven in batches.
ONE = EVERY


def agent(*script: Any, tools: Any = (find_table,), **settings: Any) -> Any:
    return create_agent(ScriptedModel(*script), list(tools), **settings)


@case(
    """
    model <- __start__ [entry]
    tools <- model [send]
    call find_table {"people":2} @tools
    answer find_table {"value":"19:30"}
    model <- tools [router] tools_to_model: model
""",
    modes=ONE,
)
def agent_with_a_tool() -> Any:
    return ask(agent(call("find_table", people=2), "At 19:30."))


@case(
    """
    model <- __start__ [entry]
""",
    modes=ONE,
)
def agent_without_tools() -> Any:
    return ask(agent("Hello.", tools=()))


@case(
    """
    model <- __start__ [entry]
    tools <- model [send]
    call find_table {"people":2} @tools
    answer find_table {"value":"19:30"}
    tools <- model [send]
    call free_tables {"people":3} @tools
    answer free_tables {"free":3}
    model <- tools [router] tools_to_model: model
""",
    modes=ONE,
    unordered=True,
)
def agent_with_two_tools_at_once() -> Any:
    said = calls(
        {"name": "find_table", "args": {"people": 2}, "id": "c1"},
        {"name": "free_tables", "args": {"people": 3}, "id": "c2"},
    )
    return ask(agent(said, "Done.", tools=(find_table, free_tables)))


@case(
    """
    model <- __start__ [entry]
    tools <- model [send]
    call find_tabel {"people":2} @tools = unknown_tool
    answer find_tabel ! Error: find_tabel is not a valid tool, try one of [find_table].
    model <- tools [router] tools_to_model: model
""",
    modes=ONE,
)
def agent_that_invents_a_tool() -> Any:
    return ask(agent(call("find_tabel", people=2), "Sorry."))


@case(
    """
    desk <- __start__ [entry]
    desk:model <- __start__ [entry]
    desk:tools <- desk:model [send]
    call find_tabel {"people":2} @desk:tools = unknown_tool
    answer find_tabel ! Error: find_tabel is not a valid tool, try one of [find_table].
    desk:model <- desk:tools [router] tools_to_model: model
""",
    modes=ONE,
)
def agent_in_a_graph_that_invents_a_tool() -> Any:
    desk = agent(call("find_tabel", people=2), "Sorry.")
    return ask(sketch("^ > desk > $", state=MessagesState, nodes={"desk": desk}))


@case(
    """
    model <- __start__ [entry]
    tools <- model [send] = error ValueError: no table
    call broken {"people":2} @tools = raised
    answer broken ! ValueError: no table
""",
    modes=ONE,
    fails="ValueError",
)
def agent_whose_tool_raises() -> Any:
    return ask(agent(call("broken", people=2), "Sorry.", tools=(broken,)))


class Hooks(AgentMiddleware):
    """All hooks, none of which does anything."""

    def before_agent(self, state: Any, runtime: Any) -> Any:
        return None

    def before_model(self, state: Any, runtime: Any) -> Any:
        return None

    def after_model(self, state: Any, runtime: Any) -> Any:
        return None

    def after_agent(self, state: Any, runtime: Any) -> Any:
        return None

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        return handler(request)

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        return await handler(request)

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        return handler(request)

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        return await handler(request)


@case(
    """
    Hooks.before_agent <- __start__ [entry]
    Hooks.before_model <- Hooks.before_agent [edge]
    model <- Hooks.before_model [edge]
    Hooks.after_model <- model [edge]
    tools <- Hooks.after_model [send]
    call find_table {"people":2} @tools
    answer find_table {"value":"19:30"}
    Hooks.before_model <- tools [router] tools_to_model: Hooks.before_model
    model <- Hooks.before_model [edge]
    Hooks.after_model <- model [edge]
    Hooks.after_agent <- Hooks.after_model [router] model_to_tools: Hooks.after_agent
""",
    modes=ONE,
)
def agent_with_middleware() -> Any:
    return ask(agent(call("find_table", people=2), "At 19:30.", middleware=[Hooks()]))


class Booking(BaseModel):
    """A booking."""

    people: int


@case(
    """
    model <- __start__ [entry]
    tools <- model [send]
    call find_table {"people":2} @tools
    answer find_table {"value":"19:30"}
    model <- tools [router] tools_to_model: model
""",
    modes=ONE,
)
def agent_with_structured_output() -> Any:
    return ask(
        agent(call("find_table", people=2), call("Booking", people=2), response_format=ToolStrategy(Booking))
    )


@case(
    """
    model <- __start__ [entry]
    ToolCallLimitMiddleware.after_model <- model [edge]
    call find_table {"people":2} @ToolCallLimitMiddleware.after_model = error
    answer find_table ! Tool call limit exceeded.…
    model <- ToolCallLimitMiddleware.after_model [router] model_to_tools: model
    ToolCallLimitMiddleware.after_model <- model [edge]
""",
    modes=ONE,
    needs="langchain>=1.1",
)
def agent_whose_tool_calls_are_limited() -> Any:
    limit = ToolCallLimitMiddleware(run_limit=0)
    return ask(agent(call("find_table", people=2), "Sorry.", middleware=[limit]))


def approved(*decisions: Any) -> Any:
    program = agent(
        call("find_table", people=2),
        "Done.",
        middleware=[
            HumanInTheLoopMiddleware(
                interrupt_on={"find_table": {"allowed_decisions": ["approve", "edit", "reject"]}}
            )
        ],
        checkpointer=InMemorySaver(),
    )
    turns: Any = ({"messages": [("user", "Hello")]}, Command(resume={"decisions": list(decisions)}))
    return Play(program, turns, {"configurable": {"thread_id": "t1"}})


ASKED = (
    '{"action_requests":[{"name":"find_table","args":{"people":2},"description":"Tool execution requires approval\\n\\n'
    'Tool: find_table\\nArgs: {\'people\': 2}"}],"review_configs":[{"action_name":"find_table",'
    '"allowed_decisions":["approve","edit","reject"]}]}'
)


@case(
    f"""
    model <- __start__ [entry]
    HumanInTheLoopMiddleware.after_model <- model [edge] = interrupted {ASKED}
    turn 2
    HumanInTheLoopMiddleware.after_model <- __resume__ [resume]
    tools <- HumanInTheLoopMiddleware.after_model [send]
    call find_table {{"people":2}} @tools
    answer find_table {{"value":"19:30"}}
    model <- tools [router] tools_to_model: model
    HumanInTheLoopMiddleware.after_model <- model [edge]
""",
    modes=ONE,
)
def agent_with_a_human_who_approves() -> Any:
    return approved({"type": "approve"})


@case(
    f"""
    model <- __start__ [entry]
    HumanInTheLoopMiddleware.after_model <- model [edge] = interrupted {ASKED}
    turn 2
    HumanInTheLoopMiddleware.after_model <- __resume__ [resume]
    tools <- HumanInTheLoopMiddleware.after_model [send]
    call find_table {{"people":4}} @tools
    answer find_table {{"value":"19:30"}}
    model <- tools [router] tools_to_model: model
    HumanInTheLoopMiddleware.after_model <- model [edge]
""",
    modes=ONE,
)
def agent_with_a_human_who_edits() -> Any:
    return approved({"type": "edit", "edited_action": {"name": "find_table", "args": {"people": 4}}})


@case(
    f"""
    model <- __start__ [entry]
    HumanInTheLoopMiddleware.after_model <- model [edge] = interrupted {ASKED}
    turn 2
    HumanInTheLoopMiddleware.after_model <- __resume__ [resume]
    call find_table {{"people":2}} @HumanInTheLoopMiddleware.after_model = error
    answer find_table ! …
    model <- HumanInTheLoopMiddleware.after_model [router] model_to_tools: model
    HumanInTheLoopMiddleware.after_model <- model [edge]
""",
    modes=ONE,
)
def agent_with_a_human_who_rejects() -> Any:
    return approved({"type": "reject", "message": "no"})


@case(
    """
    model <- __start__ [entry]
    tools <- model [send]
    call research {"question":"why"} @tools
    tools:model <- __start__ [entry]
    answer research {"value":"because"}
    model <- tools [router] tools_to_model: model
""",
    modes=ONE,
)
def agent_as_a_tool() -> Any:
    helper = agent("because", tools=())

    @tool
    def research(question: str) -> str:
        """Ask a colleague."""
        return str(helper.invoke({"messages": [HumanMessage(question)]})["messages"][-1].content)

    return ask(agent(call("research", question="why"), "So.", tools=(research,)))


def react(*script: Any, tools: Any = (find_table,), **settings: Any) -> Any:

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated, and people use it
        return create_react_agent(ScriptedModel(*script), list(tools), **settings)


@case(
    """
    agent <- __start__ [entry]
    tools <- agent [send]
    call find_table {"people":2} @tools
    answer find_table {"value":"19:30"}
    agent <- tools [edge]
""",
    modes=ONE,
)
def react_agent() -> Any:
    return ask(react(call("find_table", people=2), "At 19:30."))


@case(
    """
    supervisor <- __start__ [entry] = handed_over
    supervisor:agent <- __start__ [entry]
    supervisor:tools <- supervisor:agent [send] = handed_over
    call transfer_to_booking {} @supervisor:tools = handed_over
    answer transfer_to_booking {"value":"Successfully transferred to booking"}
    booking <- supervisor [parent_command] handoff: transfer_to_booking
    booking:agent <- __start__ [entry]
    booking:tools <- booking:agent [send]
    call find_table {"people":2} @booking:tools
    answer find_table {"value":"19:30"}
    booking:agent <- booking:tools [edge]
    supervisor <- booking [edge]
    supervisor:agent <- __start__ [entry]
""",
    modes=ONE,
    needs="langgraph-supervisor",
)
def supervisor() -> Any:
    from langgraph_supervisor import create_supervisor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        booking = react(call("find_table", people=2), "At 19:30.", name="booking")
        model = ScriptedModel(call("transfer_to_booking"), "Done.")
        return ask(create_supervisor([booking], model=model))


@case(
    """
    front <- __start__ [router] route_to_active_agent: front = handed_over
    front:agent <- __start__ [entry]
    front:tools <- front:agent [send] = handed_over
    call transfer_to_booking {} @front:tools = handed_over
    answer transfer_to_booking {"value":"Successfully transferred to booking"}
    booking <- front [parent_command] handoff: transfer_to_booking
    booking:agent <- __start__ [entry]
    booking:tools <- booking:agent [send]
    call find_table {"people":2} @booking:tools
    answer find_table {"value":"19:30"}
    booking:agent <- booking:tools [edge]
""",
    modes=ONE,
    needs="langgraph-swarm",
)
def swarm() -> Any:
    from langgraph_swarm import create_handoff_tool, create_swarm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hand_over = create_handoff_tool(agent_name="booking")
        front = react(call("transfer_to_booking"), "Bye.", tools=(hand_over,), name="front")
        booking = react(call("find_table", people=2), "At 19:30.", name="booking")
        return ask(create_swarm([front, booking], default_active_agent="front"))


@case(
    """
    PatchToolCallsMiddleware.before_agent <- __start__ [entry]
    model <- PatchToolCallsMiddleware.before_agent [edge]
    tools <- model [send]
    call task {"description":"find a table","subagent_type":"general-purpose"} @tools
    tools:PatchToolCallsMiddleware.before_agent <- __start__ [entry]
    tools:model <- tools:PatchToolCallsMiddleware.before_agent [edge]
    answer task {"value":"Found."}
    model <- tools [router] tools_to_model: model
    _ParentNotifierMiddleware.after_agent <- model [router] model_to_tools: _ParentNotifierMiddleware.after_agent
""",
    modes=ONE,
    needs="deepagents",
)
def deep_agent() -> Any:
    from deepagents import create_deep_agent

    model = ScriptedModel(
        call("task", description="find a table", subagent_type="general-purpose"), "Found.", "At 19:30."
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ask(create_deep_agent(model=model, tools=[find_table]))
