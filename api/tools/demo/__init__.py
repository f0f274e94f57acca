"""The demonstration: an OCR pipeline planned and run on the machines of this box.

Begin with `measure.py`. `service.py` starts a service of its own, `prepare.py` uploads the models
of `ocr.py`, `verify.py` has the checker judge every run, `report.py` holds the findings.
"""
