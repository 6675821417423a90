"""One module a noun; `api.app` puts them together."""
