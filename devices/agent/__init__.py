"""The process that runs a box's machines for a site."""
