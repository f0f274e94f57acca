"""Published improvement searches, one file each, over the compiled kernels."""
