"""The work: events, settings, migrations, the streaming job, verification. Knows no environment."""
