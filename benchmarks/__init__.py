"""Programs that measure what a handler costs the agent: `python -m benchmarks` prints one table."""
