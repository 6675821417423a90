"""ONVIF: what a camera says of itself, asked by address and login."""
