"""Placement by the costs of all layers against placement by moving averages, under foreign load."""
