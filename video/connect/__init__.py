"""Camera addresses: what may be opened, and how it is reached."""
