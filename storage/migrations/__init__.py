"""The schema, step by step: alembic revisions, run by `Database.migrate`."""
