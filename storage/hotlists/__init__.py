"""Hotlists: their categories, the life of an entry, imports, and what matchers follow."""
