"""What can be wrong with a question."""

from __future__ import annotations


class QueryRefused(ValueError):
    """A question that can't be asked; the message names the field and how to mend it. ``code`` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
