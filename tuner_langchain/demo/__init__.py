"""A phone call to a restaurant: a real graph with real tools, in which only the language model is scripted."""
