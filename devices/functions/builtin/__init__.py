"""The functions that come with Fjord."""
