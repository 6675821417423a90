from __future__ import annotations

from tests.fixtures.browser import browser, page

__all__ = ["browser", "page"]
