"""What is measured though no run asked for it: models, shapes, ways between boxes; and when."""
