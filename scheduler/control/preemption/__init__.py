"""When what runs gives way to critical work, what that costs, and until when a machine is held."""
