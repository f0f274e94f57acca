"""What the brain takes work and ways to cost, how good that has been, and under which load."""
