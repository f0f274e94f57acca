"""Where pending operations go and when: candidates, the plan in force, better plans, dry runs."""
