"""FastAPI routes, the live event stream and the console."""
