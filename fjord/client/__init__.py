"""Two clients of the service, and each method written once for both, as a generator of requests."""
