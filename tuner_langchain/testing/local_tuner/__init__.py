"""A Tuner on your own machine: the same request, the same answers, and the calls kept as files.

contract    is the document one the API accepts? (one package up, shared with `validate`)
calls       the stored calls, one JSON file each
recordings  the upload target that a call with `recording_file_extension` is given
answers     statuses and bodies, as the API forms them, and the answers a test asks for
app         the endpoints
guard       who may ask: loopback names only, bounded bodies, nothing of a call in the log
server      the thread, the socket and the `LocalTuner` that a test holds in its hands
"""

from __future__ import annotations

try:
    from tuner_langchain.testing.local_tuner.server import LocalTuner
except ModuleNotFoundError as error:
    library = (error.name or "").partition(".")[0]
    if library not in ("starlette", "uvicorn", "python_multipart"):
        raise
    raise ModuleNotFoundError(
        f"The local Tuner needs {library}, which is not installed: pip install 'tuner-langchain[serve]'",
        name=library,
    ) from None

from tuner_langchain.testing.local_tuner.answers import Refusal

__all__ = ["LocalTuner", "Refusal"]
