"""Small LangGraph programs, each with the rows it must give, driven in every way LangChain has."""
