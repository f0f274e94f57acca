"""The inference engines, one module each, in one form: a session runs any of them alike."""
