"""Everything this library raises, and when.

    TunerError                what all of them are
    ├── ConfigError           a setting is missing or wrong; raised where the setting was given
    ├── CallFactError         a fact about the call breaks a documented limit; raised where it was given
    ├── FinalizedError        the call is over and nothing of it is kept here; raised by `handler.timeline`
    └── OutboxError           the outbox cannot be used: another owner, an open mode, a link

Nothing here is raised from a LangChain callback, nor by finalising a call.
"""


class TunerError(Exception):
    """The base of every error this library raises on purpose."""


class ConfigError(TunerError, ValueError):
    """A setting is missing or wrong. The message names it, what is expected and where it may be set."""


class CallFactError(TunerError, ValueError):
    """A fact about the call breaks a limit of the Create Call API. The message names the field and the way out."""


class FinalizedError(TunerError, RuntimeError):
    """The call was finalised, so its timeline is no longer here. The message says where to look."""


class OutboxError(TunerError, OSError):
    """The outbox directory cannot be trusted or used. The message names the path and what to change."""
