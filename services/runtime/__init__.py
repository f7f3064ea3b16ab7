"""What every server shares: settings, bootstrap, errors, deadlines, transfer, telemetry, logs and inference engines."""
