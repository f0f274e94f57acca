"""Media types of bodies, in requests and in answers."""

JSON = "application/json"
MULTIPART = "multipart/form-data"
NPY = "application/x-npy"
NPZ = "application/x-npz"
