"""Controllers: functions that keep what they own in line with what they read, run in real or in virtual time."""
