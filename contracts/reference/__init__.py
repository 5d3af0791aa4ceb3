"""What contracts compute, computed once more in Python with other means, to test them against."""
