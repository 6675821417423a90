"""A region as a whole: settings, start-up, placement, supervision, the beket command."""
