"""Mutated mapping files and mutated lists: whatever somebody does to them, nothing raises and nothing hangs.

``python -m tests.fuzz N`` tries N of each (``make fuzz``); a small number runs with the tests. What is tried depends on
its number only: ``python -m tests.fuzz --at NUMBER`` tries a single one again.
"""
