"""Machines that do not answer in time: nothing new goes there, and what waited there moves."""
