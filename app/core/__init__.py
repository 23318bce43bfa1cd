"""What every room may use: security, problems, events, sandbox, telemetry, limits, embedded servers."""
