"""LangChain's callbacks, by what they tell of: chains, models, tools. Each notes a few facts and returns.

recorder    opening and closing runs; what the others stand on
chains      graphs, nodes, routers, steps; and what LangGraph says of pauses
models      calls of models, and the words they stream
tools       tools, retrievers and custom events
"""
