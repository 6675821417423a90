"""Search over hits and the reads that are still kept: every question bounded, every answer accounted for."""
