"""Posted workloads: names, graph and types, checked and mapped for the brain."""
