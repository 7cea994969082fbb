"""The delivery's faults, one by one, against a real server in a process of its own."""
