"""Health, readiness, metrics, the signed links of local storage, and the console's files."""
