"""The demonstration: an OCR pipeline planned and run on the machines of this box."""
