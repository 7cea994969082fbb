"""The Tuner that runs on one's own machine."""
