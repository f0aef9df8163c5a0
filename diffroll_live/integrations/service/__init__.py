"""The daemon from login on, kept running by the system: systemd, launchd or Windows' task scheduler."""
