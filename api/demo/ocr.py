"""The OCR workload of the demonstration: detect lines, cut them out, turn them, read them."""
