"""Models over HTTP: their upload, their files, and the setups in which they are measured."""
