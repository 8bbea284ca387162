"""The words of the platform: enums, ids and errors. Standard library only."""
