"""Where bytes live: one interface, a local and an S3 backend."""
