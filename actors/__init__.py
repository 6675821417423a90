"""Thin Ray shells over plain classes: ingest, read, match, archive, publish."""
