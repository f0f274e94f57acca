"""The processes, sockets and files around the brain of an agent."""
