"""What lasts: Postgres, the S3 archive, the event log, the spool, retention."""
