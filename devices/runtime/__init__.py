"""The only door to ONNX Runtime: sessions on providers, canaries, profiles, probes.

`session.py` loads a model on a provider and proves that it is there, `canary.py` compares results
with the CPU's, `profile.py` times, `peaks.py` finds the highest speeds; `probe.py` and `check.py`
are processes of their own. May import `box`, `models`, `sensing` and `catalogue`. Begin with
`session.py`.
"""
