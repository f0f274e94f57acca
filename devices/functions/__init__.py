"""The functions that workloads may call on this box: those that come with Fjord, and plug-ins'."""
