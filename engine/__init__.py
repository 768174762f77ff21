"""abgleich keeps the address books of FE2 and GREYHOUND in step with an organisation's lists."""

__version__ = "0.1.0"
