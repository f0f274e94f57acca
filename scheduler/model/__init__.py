"""The problem, the schedule, and who judges them. Standard library only."""
