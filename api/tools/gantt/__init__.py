"""Pictures of schedules: their contents, the places of things, and the kinds of files.

Begin with `chart.py`, the contents. `reading.py` makes a chart of a schedule, `layout.py` places
shapes, `svg.py` and `png.py` draw them, `files.py` chooses by the name of the file.
"""
