"""Measures real models on this box, idle and under load, into rows that cost models learn from."""
