from __future__ import annotations

from collections.abc import Iterator

import pytest

from storage.s3_access import S3Access
from tests.api.serving import serving


@pytest.fixture
def api(dsn: str, s3_access: S3Access) -> Iterator[str]:
    """The address of an API process on the test's own database and bucket."""
    with serving(dsn, s3_access) as address:
        yield address
