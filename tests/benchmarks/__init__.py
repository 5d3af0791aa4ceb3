"""Speed beside other tools: `make bench`. A program, not tests: nothing here asserts a time."""
