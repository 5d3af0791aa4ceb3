"""What the tables are, and where they live. Imports nothing else of the project."""
