"""``python -m cluster``: the ``beket`` command."""

from cluster.command import main

main()
