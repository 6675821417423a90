"""Matching: plate alphabet, posteriors, plate grammar and the hotlist index. Pure: no I/O, no models, no clock."""
