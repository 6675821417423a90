"""The subcommands of ``beket``, one module each, thin."""
