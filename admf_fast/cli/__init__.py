"""The command line `admf`."""
