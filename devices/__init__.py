"""The part of Fjord on each box: providers, tensors, workers, and the agent over them."""
