"""The database: every table, and the unit of work."""
