"""The only door to ONNX Runtime: sessions on providers, canaries, profiles, probes."""
