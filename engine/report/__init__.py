"""PURE: problems, plans, runs and all the rest as text for people. JSON has the same content."""
