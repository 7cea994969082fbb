"""The same workloads with other handlers, each in an environment of its own: `python -m benchmarks.peers`."""
