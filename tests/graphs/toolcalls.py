"""Programs with tools: ToolNode in all its cases, tools called by hand, retrievers, custom events beside them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from langchain_core.callbacks import dispatch_custom_event
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import InjectedToolCallId, ToolException, tool
from langgraph.graph import END, MessagesState, StateGraph
from langgraph.types import Command
from scripted import call, calls

from graphs.play import ASYNC, BATCH, EVERY, Play, case, sketch, step
from graphs.prebuilt import InjectedState, ToolNode, tools_condition

TOOL_MODES = (*EVERY, *BATCH)


@tool
def find_table(people: int) -> str:
    """Find a table."""
    return "19:30"


@tool
def zip_code(code: str) -> str:
    """Echo a code."""
    return code


@tool
def free_tables(people: int) -> dict[str, Any]:
    """Say how many tables are free."""
    return {"free": people}


@tool
def several(n: int) -> list[int]:
    """Count."""
    return list(range(n))


@tool
def broken(people: int) -> str:
    """Fail."""
    raise ValueError("no table")


def tools_graph(said: AIMessage, *tools: Any, **node: Any) -> StateGraph[Any]:
    """Return a graph in which a node calls tools and a ToolNode runs them."""
    graph = sketch(
        "^ > ask",
        "tools > after > $",
        state=MessagesState,
        nodes={
            "ask": lambda state: {"messages": [said.model_copy(deep=True)]},
            "tools": ToolNode(list(tools), **node),
            "after": step("after", {"messages": []}),
        },
    )
    graph.add_conditional_edges("ask", tools_condition, ["tools", END])
    return graph


def ask(graph: Any) -> Play:
    return Play(graph, ({"messages": [("user", "Hello")]},))


@case("""
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools
    call find_table {"people":2} @tools
    answer find_table {"value":"19:30"}
    after <- tools [edge]
""")
def tool_node() -> Any:
    return ask(tools_graph(call("find_table", people=2), find_table))


@case("""
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools
    call zip_code {"code":"042"} @tools
    answer zip_code {"value":"042"}
    after <- tools [edge]
""")
def text_stays_text() -> Any:
    return ask(tools_graph(call("zip_code", code="042"), zip_code))


@case("""
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools
    call free_tables {"people":2} @tools
    answer free_tables {"free":2}
    after <- tools [edge]
""")
def result_is_an_object() -> Any:
    return ask(tools_graph(call("free_tables", people=2), free_tables))


@case("""
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools
    call several {"n":2} @tools
    answer several {"value":"[0, 1]"}
    after <- tools [edge]
""")
def result_is_what_the_model_was_told() -> Any:
    return ask(tools_graph(call("several", n=2), several))


@case(
    """
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools
    call find_table {"people":2} @tools
    answer find_table {"value":"19:30"}
    call find_table {"people":3} @tools
    answer find_table {"value":"19:30"}
    call free_tables {"people":4} @tools
    answer free_tables {"free":4}
    after <- tools [edge]
""",
    unordered=True,
)
def several_tools_at_once() -> Any:
    said = calls(
        {"name": "find_table", "args": {"people": 2}, "id": "c1"},
        {"name": "find_table", "args": {"people": 3}, "id": "c2"},
        {"name": "free_tables", "args": {"people": 4}, "id": "c3"},
    )
    return ask(tools_graph(said, find_table, free_tables))


@case("""
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools
    call broken {"people":2} @tools = error
    answer broken ! ValueError: no table
    after <- tools [edge]
""")
def tool_error_that_the_node_handles() -> Any:
    return ask(tools_graph(call("broken", people=2), broken, handle_tool_errors=True))


@case(
    """
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools = error ValueError: no table
    call broken {"people":2} @tools = raised
    answer broken ! ValueError: no table
""",
    modes=EVERY,
    fails="ValueError",
)
def tool_error_that_nobody_handles() -> Any:
    return ask(tools_graph(call("broken", people=2), broken, handle_tool_errors=False))


@tool
def careful(people: int) -> str:
    """Fail with a word for the model."""
    raise ToolException("fully booked")


careful.handle_tool_error = True


@case("""
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools
    call careful {"people":2} @tools = error
    answer careful ! fully booked
    after <- tools [edge]
""")
def tool_error_that_the_tool_handles() -> Any:
    return ask(tools_graph(call("careful", people=2), careful))


@case("""
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools
    call find_tabel {"people":2} @tools = unknown_tool
    answer find_tabel ! Error: find_tabel is not a valid tool, try one of [find_table].
    after <- tools [edge]
""")
def tool_that_the_model_invented() -> Any:
    return ask(_with_a_model(call("find_tabel", people=2), find_table))


def _with_a_model(said: AIMessage, *tools: Any) -> StateGraph[Any]:
    from scripted import ScriptedModel

    graph = sketch("^ > ask", "tools > after > $", state=MessagesState, nodes={
        "ask": lambda state: {"messages": [ScriptedModel(said).invoke("go")]},
        "tools": ToolNode(list(tools)),
        "after": step("after", {"messages": []}),
    })  # fmt: skip
    graph.add_conditional_edges("ask", tools_condition, ["tools", END])
    return graph


@tool(response_format="content_and_artifact")
def with_artifact(people: int) -> tuple[str, Any]:
    """Return words and a thing."""
    return "two tables", {"tables": [1, 2]}


@case("""
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools
    call with_artifact {"people":2} @tools
    answer with_artifact {"value":"two tables"}
    after <- tools [edge]
""")
def content_and_artifact() -> Any:
    return ask(tools_graph(call("with_artifact", people=2), with_artifact))


@tool
def pictures(n: int) -> list[dict[str, Any]]:
    """Return content blocks."""
    return [{"type": "text", "text": "look"}, {"type": "image", "base64": "A" * 50, "mime_type": "image/png"}]


@case("""
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools
    call pictures {"n":1} @tools
    answer pictures {"value":[{"type":"text","text":"look"},{"type":"image"}]}
    after <- tools [edge]
""")
def content_blocks_name_pictures() -> Any:
    return ask(tools_graph(call("pictures", n=1), pictures))


@tool
def goes_on(people: int, tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
    """Change the state and go somewhere."""
    return Command(goto="other", update={"messages": [ToolMessage("moved", tool_call_id=tool_call_id)]})


@case(
    """
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools
    call goes_on {"people":2} @tools = handed_over
    answer goes_on {"value":"moved"}
    after <- tools [edge]
    other <- tools [command] handoff: goes_on
""",
    unordered=True,
)
def tool_that_returns_a_command() -> Any:
    graph = tools_graph(call("goes_on", people=2), goes_on)
    graph.add_node("other", step("other", {"messages": []}))
    return ask(graph)


@tool
def transfer_to_billing(tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
    """Hand over to billing."""
    said = ToolMessage("transferred", tool_call_id=tool_call_id)
    return Command(graph=Command.PARENT, goto="billing", update={"messages": [said]})


@case("""
    front <- __start__ [entry] = handed_over
    front:ask <- __start__ [entry]
    front:tools <- front:ask [router] tools_condition: tools = handed_over
    call transfer_to_billing {} @front:tools = handed_over
    answer transfer_to_billing {"value":"transferred"}
    billing <- front [parent_command] handoff: transfer_to_billing
""")
def tool_that_hands_over_to_the_parent_graph() -> Any:
    front = tools_graph(call("transfer_to_billing"), transfer_to_billing).compile()
    graph = sketch("^ > front", "billing > $", state=MessagesState, nodes={
        "front": front, "billing": step("billing", {"messages": []}),
    })  # fmt: skip
    return ask(graph)


@tool
def secretive(
    people: int, state: Annotated[Any, InjectedState], call_id: Annotated[str, InjectedToolCallId]
) -> str:
    """Look at the state."""
    return f"{len(state['messages'])} messages"


@case("""
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools
    call secretive {"people":2} @tools
    answer secretive {"value":"2 messages"}
    after <- tools [edge]
""")
def injected_state_is_no_argument() -> Any:
    return ask(tools_graph(call("secretive", people=2), secretive))


@case("""
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools
    call find_table {"people":"many"} @tools = error
    answer find_table ! ValidationError: 1 validation error for find_table
    after <- tools [edge]
""")
def arguments_that_do_not_fit() -> Any:
    return ask(tools_graph(call("find_table", people="many"), find_table))


@tool
async def slow(people: int) -> str:
    """Answer later."""
    await asyncio.sleep(0)
    return "later"


@case(
    """
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools
    call slow {"people":2} @tools
    answer slow {"value":"later"}
    after <- tools [edge]
""",
    modes=(*ASYNC, "abatch"),
)
def async_tool() -> Any:
    return ask(tools_graph(call("slow", people=2), slow))


@case("""
    work <- __start__ [entry]
    call find_table {"people":2} @work
    answer find_table {"value":"19:30"}
    call free_tables {"people":3} @work
    answer free_tables {"free":3}
    b <- work [edge]
""")
def tools_called_by_hand() -> Any:
    def work(state: Any) -> Any:
        return {"log": [find_table.invoke({"people": 2}), str(free_tables.invoke({"people": 3}))]}

    return sketch("^ > work > b > $", nodes={"work": work})


@case("""
    work <- __start__ [entry]
    call broken {"people":2} @work = error
    answer broken ! ValueError: no table
    b <- work [edge]
""")
def tool_error_that_a_function_catches() -> Any:
    def work(state: Any) -> Any:
        try:
            broken.invoke({"people": 2})
        except ValueError:
            return {"log": ["caught"]}

    return sketch("^ > work > b > $", nodes={"work": work})


class Shelf(BaseRetriever):
    """A retriever that always finds the same."""

    def _get_relevant_documents(self, query: str, **kwargs: Any) -> list[Document]:
        return [
            Document("a", metadata={"source": "menu.pdf"}),
            Document("b", metadata={"title": "Hours"}),
            Document("c"),
        ]


@case("""
    work <- __start__ [entry]
    retriever Shelf {"query":"hours"} @work
    answer Shelf {"count":3,"sources":["menu.pdf","Hours"]}
    b <- work [edge]
""")
def retriever() -> Any:
    shelf = Shelf()

    def work(state: Any) -> Any:
        return {"log": [document.page_content for document in shelf.invoke("hours")]}

    return sketch("^ > work > b > $", nodes={"work": work})


@tool
def tells(people: int) -> str:
    """Send an event."""
    dispatch_custom_event("looked", {"people": people})
    return "done"


@case("""
    ask <- __start__ [entry]
    tools <- ask [router] tools_condition: tools
    call tells {"people":2} @tools
    answer tells {"value":"done"}
    after <- tools [edge]
""")
def tool_that_sends_an_event() -> Any:
    return ask(tools_graph(call("tells", people=2), tells))


@case(
    """
    call find_table {"people":2} @None
    answer find_table {"value":"19:30"}
""",
    modes=("invoke", "ainvoke", "batch", "abatch"),
)
def bare_tool() -> Any:
    return Play(find_table, ({"people": 2},))


@case(
    """
    retriever Shelf {"query":"hours"} @None
    answer Shelf {"count":3,"sources":["menu.pdf","Hours"]}
""",
    modes=("invoke", "ainvoke", "batch", "abatch"),
)
def bare_retriever() -> Any:
    return Play(Shelf(), ("hours",))
