"""``python -m models pull|list [role ...]``: the model store from a shell; ``beket models`` does the same."""

from __future__ import annotations

import sys

from models.errors import ModelError
from models.supply.listing import pull_models, show_models
from models.supply.manifest import ROLES
from models.supply.store import ModelStore


def main(arguments: list[str]) -> int:
    """Exit status: 0, 1 when a model could not be had, 2 for a wrong call."""
    verb, *given = arguments or [""]
    roles = [role for role in ROLES if role in given] if given else list(ROLES)
    if verb not in ("pull", "list") or len(roles) != len(given or ROLES):
        sys.stderr.write(f"usage: python -m models pull|list [{' '.join(ROLES)}]\n")
        return 2
    try:
        store = ModelStore()
        if verb == "list":
            show_models(store)
            return 0
        return 0 if pull_models(store, roles) else 1
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
