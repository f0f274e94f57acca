"""Bodies of requests: bytes to values and back.

Begin with `submission.py`, which reads a run in any of its forms, and `values.py` for one tensor.
Long bodies of JSON are read in the process of `json_process.py`, which must load little: `values`,
`json_body` and `multipart` import no store. Nothing here knows the context of a service.
"""
