"""Where networks come from: the manifest, the store, fetching, conversion."""
