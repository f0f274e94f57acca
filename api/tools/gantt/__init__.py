"""Pictures of schedules: what is drawn, where it goes, and as which kind of file."""
