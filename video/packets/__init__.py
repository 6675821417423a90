"""A stream as packets: demuxed, timed, kept in the ring, cut into clips."""
