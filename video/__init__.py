"""A camera's session: connect, demux, gate, decode, packet ring, clip cutting, redaction."""
