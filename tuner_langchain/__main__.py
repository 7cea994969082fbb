"""`python -m tuner_langchain` is `tuner-langchain`."""

from __future__ import annotations

import sys

from tuner_langchain.cli import main

sys.exit(main())
